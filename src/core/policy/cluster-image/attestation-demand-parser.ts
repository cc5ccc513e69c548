import type { JsonFields } from '../../encoding/json-fields.ts';
import type { AttestationDemand } from './cluster-image-policy.ts';
import { parseAttestationProgram } from './policy-program-parser.ts';
import type { PolicyProblems } from '../document/policy-problems.ts';

/** The original's short names and what statements say (policy-controller pkg/webhook/attestation; deprecated there). */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['custom', 'https://cosign.sigstore.dev/attestation/v1'],
  ['slsaprovenance', 'https://slsa.dev/provenance/v0.2'],
  ['spdx', 'https://spdx.dev/Document'],
  ['spdxjson', 'https://spdx.dev/Document'],
  ['cyclonedx', 'https://cyclonedx.org/bom'],
  ['link', 'https://in-toto.io/Link/v1'],
  ['vuln', 'https://cosign.sigstore.dev/attestation/vuln/v1'],
]);
const MAX_TYPE_LENGTH = 2048;

/**
 * One entry of `attestations`. Undefined when it has problems. The original reports them without the entry's index, and so
 * does this.
 *
 * @param path `spec.authorities[0].attestations`
 * @throws FormatError FORMAT_POLICY for members of wrong types and unknown ones
 */
export function parseAttestationDemand(
  fields: JsonFields,
  path: string,
  { problems, warnings }: { readonly problems: PolicyProblems; readonly warnings: string[] },
): AttestationDemand | undefined {
  fields.only('name', 'predicateType', 'policy');
  const name = fields.optionalString('name') ?? '';
  const predicateType = (fields.optionalString('predicateType') ?? '').slice(0, MAX_TYPE_LENGTH);
  if (name === '') problems.missing(`${path}.name`);
  if (predicateType === '') problems.missing(`${path}.predicateType`);
  else if (!isUri(predicateType)) {
    warnings.push(
      `invalid value: ${predicateType}: ${path}.predicateType: deprecated value, please use RFC 3986 conformant values`,
    );
  }
  const policy = fields.optionalObject('policy');
  const program = policy === undefined ? undefined : parseAttestationProgram(policy, `${path}.policy`, problems);
  if (name === '' || predicateType === '') return undefined;
  return {
    name,
    predicateType,
    predicateUri: SHORT_NAMES.get(predicateType) ?? predicateType,
    ...(program === undefined ? {} : { program }),
  };
}

/** What Go's ParseRequestURI lets pass: an absolute URI, or a path. */
function isUri(text: string): boolean {
  return text.startsWith('/') || URL.canParse(text);
}
