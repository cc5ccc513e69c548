import { checkPredicateType } from '../core/attestation/attestation-statement.ts';
import { policyInput } from '../core/attestation/policy-input.ts';
import { predicateTypeOf } from '../core/attestation/predicate-type.ts';
import type { UnverifiedBundle } from '../core/bundle/bundle.ts';
import type { HashAlgorithm } from '../core/crypto/digest.ts';
import type { TrustedRoot } from '../core/trust/trusted-root.ts';
import type { Artifact } from '../core/verify/artifact.ts';
import type { VerifiedBundle } from '../core/verify/verified-bundle.ts';
import { InvariantError, SealwrightError, UsageError, VerificationError } from '../errors.ts';
import { readBlob, type BlobStream } from './blob-reader.ts';
import { withFoundEntryByAny, type FindEntry } from './missing-entry.ts';
import { nearestReason, policiesOf, type SignaturePolicy } from './signature-policy.ts';
import { signerShortfall } from './signer-demand.ts';
import { verifyUnrevoked } from './unrevoked-bundle.ts';
import { subjectAlgorithms } from './verify-blob.ts';

export interface VerifyBlobAttestationRequest {
  readonly artifact:
    | { readonly kind: 'blob'; readonly blob: BlobStream }
    | { readonly kind: 'digest'; readonly algorithm: HashAlgorithm; readonly digest: Uint8Array }
    /** `--check-claims=false`: what the statement says is verified, but not of what. */
    | { readonly kind: 'unsafeSkipArtifact' };
  readonly bundle: UnverifiedBundle;
  /** One of cosign's short names, or a URI. */
  readonly type: string;
  readonly trustedRoot: TrustedRoot;
  readonly policy: SignaturePolicy;
  /** Asked for the log entry of an attestation that came without one, where the policy demands one. Absent: nobody is asked. */
  readonly findEntry?: FindEntry;
  readonly now: Date;
}

/**
 * Verifies that a bundle attests something of a type about a blob. Asks nobody but `findEntry`: everything else is in the
 * parameters.
 *
 * @throws UsageError USAGE_BAD_FLAG for a type that is none; VerificationError PAYLOAD_TYPE_MISMATCH for a signature in place
 *   of an attestation, PREDICATE_TYPE_MISMATCH, SUBJECT_MISMATCH, and for all else that is not proven; FormatError; LimitError;
 *   whatever the blob's stream throws
 */
export async function verifyBlobAttestation(request: VerifyBlobAttestationRequest): Promise<VerifiedBundle> {
  const { bundle: given, policy, trustedRoot, now } = request;
  const type = predicateTypeOf(request.type);
  if (given.content.kind !== 'dsse') {
    throw new VerificationError('PAYLOAD_TYPE_MISMATCH', 'the bundle signs a file, and attests nothing about it', {
      found: 'a signature over bytes',
      expected: 'a signed in-toto statement',
      fix: 'sealwright verify-blob --bundle FILE',
    });
  }
  const { payload } = given.content.envelope;
  const artifact = await artifactOf(request, payload);
  const bundle = await withFoundEntryByAny(given, artifact, policy, request.findEntry);
  const verified = byAnyOf(policiesOf(policy), (one) =>
    verifyUnrevoked({ ...one, bundle, artifact, trustedRoot, now }),
  );
  if (verified.statement === undefined) throw new InvariantError('a verified envelope without its statement');
  checkPredicateType(verified.statement, type);
  // As cosign, which reads every statement through the structure of its type.
  policyInput(request.type, payload);
  return verified;
}

/**
 * Verifies several bundles about one blob: those that attest it, when as many of the demanded signers as the policy requires are
 * among their signers.
 *
 * @param requestOf a request for each bundle; streams are read once
 * @throws as verifyBlobAttestation when none of them does; VerificationError SIGNERS_MISSING
 */
export async function verifyBlobAttestations(
  bundles: readonly UnverifiedBundle[],
  policy: SignaturePolicy,
  requestOf: (bundle: UnverifiedBundle) => VerifyBlobAttestationRequest,
): Promise<readonly VerifiedBundle[]> {
  const verified: VerifiedBundle[] = [];
  const refusals: SealwrightError[] = [];
  for (const bundle of bundles) {
    try {
      verified.push(await verifyBlobAttestation(requestOf(bundle)));
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      refusals.push(error);
    }
  }
  const [refusal] = refusals;
  if (verified.length === 0 && refusal !== undefined) throw refusal;
  const shortfall = signerShortfall(policy, verified);
  if (shortfall !== undefined) throw shortfall;
  return verified;
}

/** The first policy under which the bundle passes; the nearest refusal when there is none. */
function byAnyOf(
  [first, ...others]: readonly [SignaturePolicy, ...SignaturePolicy[]],
  verify: (policy: SignaturePolicy) => VerifiedBundle,
): VerifiedBundle {
  const attempt = (policy: SignaturePolicy): VerifiedBundle | { readonly error: SealwrightError } => {
    try {
      return verify(policy);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error instanceof UsageError) throw error;
      if (error.family === 'invariant') throw error;
      return { error };
    }
  };
  const attempts = [attempt(first), ...others.map(attempt)] as const;
  const verified = attempts.find((outcome): outcome is VerifiedBundle => !('error' in outcome));
  if (verified !== undefined) return verified;
  const refusals = attempts.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
  const [refusal, ...more] = refusals;
  if (refusal === undefined) throw new InvariantError('a policy without any policy in it');
  throw nearestReason([refusal, ...more]).error;
}

async function artifactOf({ artifact }: VerifyBlobAttestationRequest, payload: Uint8Array): Promise<Artifact> {
  if (artifact.kind !== 'blob') return artifact;
  return readBlob(artifact.blob, { digests: subjectAlgorithms(payload), keep: 'never' });
}
