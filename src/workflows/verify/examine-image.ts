import type { ImageReference } from '../../core/image/reference.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import type { FoundSignature, FoundSignatures } from './image-signatures.ts';
import { refusalOf } from './refusal.ts';
import { judgeSignatures, type SignatureJudgement, type VerifiedSignature } from './signature-judgement.ts';
import {
  BUNDLE_FORMAT,
  refusedSignature,
  reportedSignature,
  unreadableSignature,
  type ReportedSignature,
  type VerificationReport,
} from './verification-report.ts';
import { demandFacts, meets } from './reported-demand.ts';
import type { SignaturePolicy } from './signature-policy.ts';
import { signerShortfall } from './signer-demand.ts';
import { signaturesOf, type VerifiedImage, type VerifyImageRequest } from './verify-image.ts';

export interface ExaminedImage {
  readonly report: VerificationReport;
  /** Undefined when the report has an error. */
  readonly verified: VerifiedImage | undefined;
}

/**
 * Everything that can be said about an image's signatures: as `verifyImage`, but a refusal is part of the answer, so that of
 * several images each is told about.
 *
 * @throws UsageError for a policy that cannot be meant, and our own defects
 */
export async function examineImage(request: VerifyImageRequest): Promise<ExaminedImage> {
  const found = await foundOrReport(request.reference, () => signaturesOf(request));
  if ('subject' in found) return { report: found, verified: undefined };
  const judgement = judgeSignatures(found, request);
  const { verified: signatures, refused } = judgement;
  const { reference, digest, isTagResolved } = found;
  const { policy } = request;
  const error =
    signatures.length === 0
      ? refusalOf(found, refused, policy.revocations)
      : signerShortfall(
          policy,
          signatures.map(({ bundle }) => bundle),
        );
  return {
    report: imageReport(found, judgement, policy, error),
    verified: error === undefined ? { reference, digest, isTagResolved, signatures, refused } : undefined,
  };
}

/**
 * What was found of an image, or the report that says why nothing could be.
 *
 * @throws UsageError, and our own defects
 */
export async function foundOrReport(
  reference: ImageReference,
  fetch: () => Promise<FoundSignatures>,
): Promise<FoundSignatures | VerificationReport> {
  try {
    return await fetch();
  } catch (error) {
    if (!(error instanceof SealwrightError) || error instanceof UsageError || error.family === 'invariant') throw error;
    const nothing = { signatures: [], otherPredicateTypes: [], unreadFormats: [], policies: [] };
    return { subject: { kind: 'image', name: reference.toString() }, ...nothing, error };
  }
}

/** What is proven and does not count all the same: a policy objects to what it says. */
export interface DeniedSignature extends VerifiedSignature {
  readonly error: SealwrightError;
}

export interface ReportedJudgement extends SignatureJudgement {
  readonly denied?: readonly DeniedSignature[];
}

/**
 * @param policy what its signers were demanded by, for saying who of them signed
 * @param error why the image is not verified, if it is not
 */
export function imageReport(
  found: FoundSignatures,
  judgement: ReportedJudgement,
  policy: SignaturePolicy,
  error: SealwrightError | undefined,
): VerificationReport {
  const { reference, digest, isTagResolved, otherPredicateTypes, unreadFormats } = found;
  const bundles = judgement.verified.map(({ bundle }) => bundle);
  return {
    subject: { kind: 'image', name: reference.toString(), digest: digest.toString(), isTagResolved },
    signatures: [...judged(found, judgement, policy), ...unreadable(found)],
    ...demandFacts(policy, bundles),
    otherPredicateTypes,
    unreadFormats,
    policies: [],
    ...(error === undefined ? {} : { error }),
  };
}

/** In the registry's order, whether they count or not. */
function judged(
  found: FoundSignatures,
  { verified, denied = [], refused }: ReportedJudgement,
  policy: SignaturePolicy,
): readonly ReportedSignature[] {
  return found.signatures.flatMap((signature) => {
    const { bundle, manifestDigest } = signature;
    const location = manifestDigest.toString();
    const format = formatName(signature);
    const isIt = (candidate: { readonly found: FoundSignature }): boolean => candidate.found === signature;
    const good = verified.find(isIt);
    if (good !== undefined) {
      return [{ ...reportedSignature(location, format, good.bundle, good.annotations), ...meets(policy, good.bundle) }];
    }
    const objected = denied.find(isIt);
    if (objected !== undefined) {
      const { bundle: proven, annotations, error } = objected;
      return [{ ...reportedSignature(location, format, proven, annotations), error }];
    }
    const bad = refused.find(isIt);
    return bad === undefined ? [] : [refusedSignature(location, format, bundle, bad.passed(), bad.error)];
  });
}

function unreadable({ unusable }: FoundSignatures): readonly ReportedSignature[] {
  return unusable.map(({ manifestDigest, error }) => unreadableSignature(manifestDigest.toString(), error));
}

function formatName({ format, bundle }: FoundSignature): string {
  switch (format) {
    case 'bundle':
      return `${BUNDLE_FORMAT} ${bundle.version}`;
    case 'legacy':
      return "cosign's older storage";
    case 'oci-1-1-experiment':
      return "cosign's OCI 1.1 experiment";
  }
}
