import { encodeHex } from '../../encoding/hex.ts';
import { matchesText } from '../../identity/identity-pattern.ts';
import type { FulcioExtensions } from '../../pki/fulcio-extensions.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { SealwrightError, VerificationError } from '../../../errors.ts';
import { foundSigners } from '../judgement/authority-judgement.ts';
import type { PinnedImage } from '../judgement/image-evidence.ts';
import { keyName, type PolicyMaterial } from '../judgement/policy-material.ts';
import type { Attestor, IdentityPattern, KeylessAttestor } from '../kyverno/attestor.ts';

/** What is by the attestor, with the annotations that it wants; and, when nothing is, what comes nearest. */
export interface AcceptedBundles {
  readonly accepted: readonly VerifiedBundle[];
  readonly reason: SealwrightError | undefined;
}

/**
 * @param bundles verified as the attestor demands
 * @param image   what they are about, for annotations of statements
 */
export function acceptedBy(
  attestor: Attestor,
  bundles: readonly VerifiedBundle[],
  material: PolicyMaterial,
  image: PinnedImage | undefined,
): AcceptedBundles {
  const { by, reason } = signedBy(attestor, bundles, material);
  const accepted = by.filter((bundle) => carries(attestor.annotations, annotationsOf(bundle, image)));
  if (accepted.length > 0) return { accepted, reason: undefined };
  return { accepted, reason: by.length === 0 ? reason : lacksAnnotations(attestor, by, image) };
}

function signedBy(
  attestor: Attestor,
  bundles: readonly VerifiedBundle[],
  material: PolicyMaterial,
): { readonly by: readonly VerifiedBundle[]; readonly reason: SealwrightError | undefined } {
  if (attestor.kind === 'key') {
    let keyId: string;
    try {
      keyId = encodeHex(material.key(attestor.key).id);
    } catch (error) {
      if (error instanceof SealwrightError) return { by: [], reason: error };
      throw error;
    }
    return { by: bundles.filter(({ signer }) => signer.kind === 'key' && signer.keyId === keyId), reason: undefined };
  }
  const certified = bundles.filter(({ signer }) => signer.kind === 'certificate');
  if (attestor.kind === 'certificate') return { by: certified, reason: undefined };
  const by = certified.filter((bundle) => isIdentity(attestor, bundle));
  const reason = by.length > 0 || certified.length === 0 ? undefined : anotherIdentity(attestor, certified);
  return { by, reason };
}

/** A certificate without any name is nobody's: the original then compares no subject. */
function isIdentity({ subjects, issuers, extensions }: KeylessAttestor, { signer }: VerifiedBundle): boolean {
  if (signer.kind !== 'certificate') return false;
  const names = signer.certificate.subjectAltNames.map(({ value }) => value);
  const isSubject = subjects.length === 0 || names.some((name) => subjects.some((pattern) => fits(pattern, name)));
  const isIssuer = issuers.every((pattern) => fits(pattern, signer.extensions.issuer ?? ''));
  const values: FulcioExtensions = signer.extensions;
  return isSubject && isIssuer && [...extensions].every(([name, pattern]) => pattern.matches(values[name] ?? ''));
}

function fits(pattern: IdentityPattern, text: string): boolean {
  return pattern.kind === 'wildcard' ? pattern.pattern.matches(text) : matchesText(pattern.matcher, text);
}

function anotherIdentity(attestor: KeylessAttestor, bundles: readonly VerifiedBundle[]): VerificationError {
  return new VerificationError('IDENTITY_MISMATCH', 'the signature was made by another identity', {
    found: foundSigners(bundles).join('; '),
    expected: attestorText(attestor),
  });
}

function lacksAnnotations(
  { annotations }: Attestor,
  bundles: readonly VerifiedBundle[],
  image: PinnedImage | undefined,
): VerificationError {
  const shown = bundles.map((bundle) => JSON.stringify(annotationsOf(bundle, image))).slice(0, 5);
  return new VerificationError('ANNOTATION_MISMATCH', 'the signature does not carry the annotations asked for', {
    found: shown.join(' or '),
    expected: [...annotations].map(([name, value]) => `${name}=${value}`).join(', '),
  });
}

function carries(wanted: ReadonlyMap<string, string>, actual: Readonly<Record<string, unknown>>): boolean {
  return [...wanted].every(([name, value]) => Object.hasOwn(actual, name) && actual[name] === value);
}

/** What the signer noted beside the digest. */
function annotationsOf(
  { content, statement }: VerifiedBundle,
  image: PinnedImage | undefined,
): Readonly<Record<string, unknown>> {
  if (content.kind === 'simpleSigning') return content.payload.annotations;
  if (image === undefined) return {};
  const { algorithm, hex } = image.digest;
  return statement?.subjects.find(({ digests }) => digests.get(algorithm) === hex)?.annotations ?? {};
}

/** For messages. */
export function attestorText(attestor: Attestor): string {
  switch (attestor.kind) {
    case 'key':
      return attestor.key.kind === 'data'
        ? `the key ${encodeHex(attestor.key.key.id)}`
        : `the key of ${keyName(attestor.key)}`;
    case 'certificate':
      return `a certificate from ${attestor.roots.length} given root(s)`;
    case 'keyless': {
      const subjects = attestor.subjects.map(patternText).join(' or ') || 'anybody';
      const issuers = attestor.issuers.map(patternText).join(' and ') || 'any';
      const more = [...attestor.extensions].map(([name, { text }]) => `, ${name} ${text}`).join('');
      return `subject ${subjects}, issuer ${issuers}${more}`;
    }
  }
}

function patternText(pattern: IdentityPattern): string {
  if (pattern.kind === 'wildcard') return pattern.pattern.text;
  return pattern.matcher.kind === 'regexp' ? `/${pattern.matcher.source}/ anywhere` : pattern.matcher.value;
}
