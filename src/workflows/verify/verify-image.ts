import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import {
  completedSignatures,
  detachedImageSignature,
  type DetachedImageSignature,
  type SuppliedParts,
} from './completed-signatures.ts';
import { fetchImageSignatures, type FoundSignatures, type ImageSignaturesRequest } from './image-signatures.ts';
import { refusalOf } from './refusal.ts';
import { signerShortfall } from './signer-demand.ts';
import {
  judgeSignatures,
  type JudgementRequest,
  type RefusedSignature,
  type VerifiedSignature,
} from './signature-judgement.ts';

export interface VerifyImageRequest extends ImageSignaturesRequest, JudgementRequest, SuppliedParts {
  /** Verified instead of what the registry holds. */
  readonly detached?: DetachedImageSignature;
}

/** An image with at least one signature that passed. */
export interface VerifiedImage {
  readonly reference: ImageReference;
  /** What was verified. A tag may name another image by now: go on with this. */
  readonly digest: Digest;
  readonly isTagResolved: boolean;
  /** At least one, in the registry's order. */
  readonly signatures: readonly VerifiedSignature[];
  /** The others, each with its reason. */
  readonly refused: readonly RefusedSignature[];
}

/**
 * Verifies that an image is signed by whom the policy demands: one signature that passes is enough (cosign.md §6.7), unless the
 * policy requires several signers.
 *
 * @throws NotFoundError TAG_NOT_FOUND or NO_SIGNATURE; VerificationError SIGNERS_MISSING, UNREAD_FORMAT, IDENTITY_MISMATCH with everybody who
 *   did sign, SUBJECT_MISMATCH for a signature of another image, ANNOTATION_MISMATCH, or why the nearest one failed;
 *   RemoteError COULD_NOT_CHECK when something is there that cannot be read; what keeps the registry from being asked
 *   (AuthError, RemoteError), as it is; UsageError for a policy that cannot be meant
 */
export async function verifyImage(request: VerifyImageRequest): Promise<VerifiedImage> {
  const found = await signaturesOf(request);
  const { verified, refused } = judgeSignatures(found, request);
  if (verified.length === 0) throw refusalOf(found, refused, request.policy.revocations);
  const bundles = verified.map(({ bundle }) => bundle);
  const shortfall = signerShortfall(request.policy, bundles);
  if (shortfall !== undefined) throw shortfall;
  const { reference, digest, isTagResolved } = found;
  return { reference, digest, isTagResolved, signatures: verified, refused };
}

/** What there is to judge: found in the registry, or handed over, or some of both. @throws as {@link fetchImageSignatures} */
export async function signaturesOf(request: VerifyImageRequest): Promise<FoundSignatures> {
  const { detached } = request;
  const found = await (detached === undefined
    ? fetchImageSignatures(request)
    : detachedImageSignature(request, detached));
  return completedSignatures(found, request);
}
