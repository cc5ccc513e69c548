import { SIMPLE_SIGNING_TYPES } from '../../core/bundle/simple-signing.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { VerificationCheck, VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { SealwrightError, UsageError, VerificationError } from '../../errors.ts';
import type { FetchedLayer } from '../../io/registry/layer-store.ts';
import type { FoundSignature, FoundSignatures, SignatureFormat } from './image-signatures.ts';
import { nearestReason, policiesOf, type SignaturePolicy } from './signature-policy.ts';
import { verifyUnrevoked } from './unrevoked-bundle.ts';

/** A signature of the image that passed every step. */
export interface VerifiedSignature {
  readonly format: SignatureFormat;
  readonly bundle: VerifiedBundle;
  /** The bundle as stored; undefined in the other formats. */
  readonly json?: string;
  /** The layer as stored; undefined for bundles. */
  readonly layer?: FetchedLayer;
  /** Digest of the manifest that carries it. */
  readonly manifestDigest: Digest;
  /** What the signer noted beside the digest (`-a`), proven like the rest of what was signed. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What it was found as. */
  readonly found: FoundSignature;
}

/** A signature of the image that did not pass, and why. */
export interface RefusedSignature {
  readonly manifestDigest: Digest;
  /** What it was found as: nothing in it is proven. */
  readonly found: FoundSignature;
  /** The steps that it did pass, in their order. */
  readonly passed: () => readonly VerificationCheck[];
  readonly error: SealwrightError;
}

export interface SignatureJudgement {
  /** In the registry's order. */
  readonly verified: readonly VerifiedSignature[];
  readonly refused: readonly RefusedSignature[];
}

export interface JudgementRequest {
  readonly trustedRoot: TrustedRoot;
  readonly policy: SignaturePolicy;
  /** Each must be among the signature's annotations, with this value. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** `--check-claims=false`: what was signed is verified, but not that it is about this image. */
  readonly unsafeSkipClaims?: boolean;
  readonly now: Date;
}

/**
 * Judges every signature of an image by one policy. One that fails does not keep another from passing.
 *
 * @throws UsageError for a policy that cannot be meant; refusals are returned
 */
export function judgeSignatures(found: FoundSignatures, request: JudgementRequest): SignatureJudgement {
  const verified: VerifiedSignature[] = [];
  const refused: RefusedSignature[] = [];
  for (const signature of found.signatures) {
    const judged = judgeSignature(signature, found, request);
    if ('error' in judged) refused.push(judged);
    else verified.push(judged);
  }
  return { verified, refused };
}

/** By the policy, or by the first of its alternatives that lets the signature pass. */
function judgeSignature(
  signature: FoundSignature,
  found: FoundSignatures,
  request: JudgementRequest,
): VerifiedSignature | RefusedSignature {
  const attempt = (policy: SignaturePolicy): VerifiedSignature | RefusedSignature => {
    const passed: (() => VerificationCheck)[] = [];
    try {
      return verifySignature(signature, found, { ...request, policy }, (check) => passed.push(check));
    } catch (error) {
      // A policy that means nothing is nobody's signature's fault.
      if (!(error instanceof SealwrightError) || error instanceof UsageError) throw error;
      if (error.family === 'invariant') throw error;
      const { manifestDigest } = signature;
      return { manifestDigest, found: signature, passed: () => passed.map((check) => check()), error };
    }
  };
  const [policy, ...alternatives] = policiesOf(request.policy);
  const first = attempt(policy);
  if (!('error' in first)) return first;
  const refusals: [RefusedSignature, ...RefusedSignature[]] = [first];
  for (const alternative of alternatives) {
    const judged = attempt(alternative);
    if (!('error' in judged)) return judged;
    refusals.push(judged);
  }
  return nearestReason(refusals);
}

/** @throws VerificationError, FormatError, LimitError or PolicyError REVOKED with the reason for the refusal */
function verifySignature(
  found: FoundSignature,
  { digest, predicateTypes }: FoundSignatures,
  { trustedRoot, policy, annotations: wanted = {}, unsafeSkipClaims = false, now }: JudgementRequest,
  onCheck: (check: () => VerificationCheck) => void,
): VerifiedSignature {
  const verified = verifyUnrevoked({
    ...policy,
    onCheck,
    bundle: found.bundle,
    artifact: unsafeSkipClaims
      ? { kind: 'unsafeSkipArtifact' }
      : { kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes },
    trustedRoot,
    now,
  });
  const annotations = annotationsOf(verified, digest, predicateTypes);
  checkAnnotations(annotations, wanted);
  return { ...found, bundle: verified, annotations, found };
}

/**
 * What was signed beside the digest.
 *
 * @throws VerificationError PAYLOAD_TYPE_MISMATCH when what was signed is no signature of an image
 */
function annotationsOf(
  { content, statement }: VerifiedBundle,
  digest: Digest,
  predicateTypes: readonly string[] | 'any',
): Readonly<Record<string, string>> {
  if (content.kind === 'simpleSigning') {
    const { type, annotations } = content.payload;
    if (predicateTypes === 'any' || SIMPLE_SIGNING_TYPES.includes(type)) return annotations;
    throw notASignature(`a payload of type ${type.slice(0, 128)}`, `one of type ${SIMPLE_SIGNING_TYPES.join(' or ')}`);
  }
  const wanted =
    predicateTypes === 'any' ? 'an in-toto statement' : `a statement of type ${predicateTypes.join(' or ')}`;
  if (statement === undefined) throw notASignature('a signature over bytes, without a statement', wanted);
  if (predicateTypes !== 'any' && !predicateTypes.includes(statement.predicateType)) {
    throw notASignature(`a statement of type ${statement.predicateType}`, wanted);
  }
  // The first subject with the digest decides (cosign.md §4.3).
  const subject = statement.subjects.find(({ digests }) => digests.get(digest.algorithm) === digest.hex);
  const entries = Object.entries(subject?.annotations ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function checkAnnotations(actual: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): void {
  const missing = Object.entries(wanted).find(
    ([name, value]) => !Object.hasOwn(actual, name) || actual[name] !== value,
  );
  if (missing === undefined) return;
  const [name, value] = missing;
  throw new VerificationError('ANNOTATION_MISMATCH', 'the signature does not carry the annotation asked for', {
    found: Object.hasOwn(actual, name) ? `${name}=${actual[name] ?? ''}` : `no annotation ${name}`,
    expected: `${name}=${value}`,
  });
}

function notASignature(found: string, expected: string): VerificationError {
  return new VerificationError('PAYLOAD_TYPE_MISMATCH', 'what refers to the image is no signature of it', {
    found,
    expected,
  });
}
