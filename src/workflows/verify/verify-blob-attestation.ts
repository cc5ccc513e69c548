import { checkPredicateType } from '../../core/attestation/attestation-statement.ts';
import { policyInput } from '../../core/attestation/policy-input.ts';
import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import type { HashAlgorithm } from '../../core/crypto/digest.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { InvariantError, VerificationError } from '../../errors.ts';
import { readBlob, type BlobStream } from './blob-reader.ts';
import { withFoundEntryByAny, type FindEntry } from './missing-entry.ts';
import { verifyByAny, type OnCheck } from './policy-alternatives.ts';
import { policiesOf, type SignaturePolicy } from './signature-policy.ts';
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
  readonly onCheck?: OnCheck;
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
  const verified = await verifyByAny(policiesOf(policy), request.onCheck, (one, onCheck) =>
    verifyUnrevoked({ ...one, bundle, artifact, trustedRoot, now, onCheck }),
  );
  if (verified.statement === undefined) throw new InvariantError('a verified envelope without its statement');
  checkPredicateType(verified.statement, type);
  // As cosign, which reads every statement through the structure of its type.
  policyInput(request.type, payload);
  return verified;
}

async function artifactOf({ artifact }: VerifyBlobAttestationRequest, payload: Uint8Array): Promise<Artifact> {
  if (artifact.kind !== 'blob') return artifact;
  return readBlob(artifact.blob, { digests: subjectAlgorithms(payload), keep: 'never' });
}
