import { UsageError } from '../../errors.ts';

/** cosign's short names for predicate types (`cosign: cmd/cosign/cli/options/predicate.go`), with the URIs they stand for. */
const SHORTCUTS: ReadonlyMap<string, string> = new Map([
  ['custom', 'https://cosign.sigstore.dev/attestation/v1'],
  ['slsaprovenance', 'https://slsa.dev/provenance/v0.2'],
  ['slsaprovenance02', 'https://slsa.dev/provenance/v0.2'],
  ['slsaprovenance1', 'https://slsa.dev/provenance/v1'],
  ['spdx', 'https://spdx.dev/Document'],
  ['spdxjson', 'https://spdx.dev/Document'],
  ['cyclonedx', 'https://cyclonedx.org/bom'],
  ['link', 'https://in-toto.io/Link/v1'],
  ['vuln', 'https://cosign.sigstore.dev/attestation/vuln/v1'],
  ['openvex', 'https://openvex.dev/ns'],
]);

/** A statement carries the URI in every copy; no predicate type in use has a tenth of this. */
const MAX_LENGTH = 2048;

/** An absolute URI by the characters and the scheme that RFC 3986 §2 and §3.1 allow. */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;

/**
 * The predicate type that `--type` names: one of cosign's short names, or a URI, which stands for itself. Short names are
 * matched exactly, so that a misspelt one is refused and never becomes a type of its own.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function predicateTypeOf(name: string): string {
  const known = SHORTCUTS.get(name);
  if (known !== undefined) return known;
  if (name.length <= MAX_LENGTH && URI.test(name)) return name;
  throw new UsageError('USAGE_BAD_FLAG', 'the predicate type is neither a known short name nor a URI', {
    found: JSON.stringify(name.slice(0, 128)),
    expected: `${[...SHORTCUTS.keys()].join(', ')}, or an absolute URI of at most ${MAX_LENGTH} characters`,
  });
}
