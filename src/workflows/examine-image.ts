import { SealwrightError, UsageError } from '../errors.ts';
import type { FoundSignature, FoundSignatures } from './image-signatures.ts';
import { refusalOf } from './refusal.ts';
import { judgeSignatures, type SignatureJudgement } from './signature-judgement.ts';
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
  const name = request.reference.toString();
  let found: FoundSignatures;
  try {
    found = await signaturesOf(request);
  } catch (error) {
    if (!(error instanceof SealwrightError) || error instanceof UsageError || error.family === 'invariant') throw error;
    const nothing = { signatures: [], otherPredicateTypes: [], unreadFormats: [], policies: [] };
    return { report: { subject: { kind: 'image', name }, ...nothing, error }, verified: undefined };
  }
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
    report: imageReport(found, judgement, error, policy),
    verified: error === undefined ? { reference, digest, isTagResolved, signatures, refused } : undefined,
  };
}

/**
 * @param error why the image is not verified, if it is not
 * @param policy what its signers were demanded by, for saying who of them signed
 */
export function imageReport(
  found: FoundSignatures,
  { verified, refused }: SignatureJudgement,
  error?: SealwrightError,
  policy?: SignaturePolicy,
): VerificationReport {
  const { reference, digest, isTagResolved, otherPredicateTypes, unreadFormats } = found;
  return {
    subject: { kind: 'image', name: reference.toString(), digest: digest.toString(), isTagResolved },
    signatures: [...judged(found, { verified, refused }, policy), ...unreadable(found)],
    ...(policy === undefined
      ? {}
      : demandFacts(
          policy,
          verified.map(({ bundle }) => bundle),
        )),
    otherPredicateTypes,
    unreadFormats,
    policies: [],
    ...(error === undefined ? {} : { error }),
  };
}

/** In the registry's order, whether they count or not. */
function judged(
  found: FoundSignatures,
  { verified, refused }: SignatureJudgement,
  policy: SignaturePolicy | undefined,
): readonly ReportedSignature[] {
  return found.signatures.flatMap((signature) => {
    const { bundle, manifestDigest } = signature;
    const location = manifestDigest.toString();
    const format = formatName(signature);
    const good = verified.find((candidate) => candidate.found === signature);
    if (good !== undefined) {
      return [{ ...reportedSignature(location, format, good.bundle, good.annotations), ...meets(policy, good.bundle) }];
    }
    const bad = refused.find((candidate) => candidate.found === signature);
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
