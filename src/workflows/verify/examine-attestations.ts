import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import { PolicyError, SealwrightError, UsageError } from '../../errors.ts';
import { foundOrReport, imageReport, type DeniedSignature } from './examine-image.ts';
import { judgeSignatures } from './signature-judgement.ts';
import type { ReportedPolicy, VerificationReport } from './verification-report.ts';
import {
  attestationsOf,
  judgeAttestations,
  type AttestationsJudgement,
  type DeniedAttestation,
  type VerifiedAttestations,
  type VerifyAttestationsRequest,
} from './verify-attestations.ts';

export interface ExaminedAttestations {
  readonly report: VerificationReport;
  /** Undefined when the report has an error. */
  readonly verified: VerifiedAttestations | undefined;
}

/**
 * Everything that can be said about an image's attestations of a type: as `verifyAttestations`, but a refusal is part of the
 * answer, so that of several images each is told about.
 *
 * @throws UsageError; FormatError FORMAT_POLICY, which no image can help; and our own defects
 */
export async function examineAttestations(request: VerifyAttestationsRequest): Promise<ExaminedAttestations> {
  const found = await foundOrReport(request.reference, () => attestationsOf(request));
  if ('subject' in found) return { report: found, verified: undefined };
  const judgement = judgeSignatures(found, request);
  const { verified, refused } = judgement;
  const verdict = await judgeAttestations(found, judgement, request).catch(asVerdict);
  const { attestations, denied, error } = verdict;
  const report = imageReport(
    found,
    {
      // What nobody could judge is proven all the same: that is what it is shown as.
      verified: verified.filter(({ found: one }) => !denied.some((other) => other.found === one)),
      denied: denied.map(asDenied),
      refused,
    },
    request.policy,
    error,
  );
  const policies = verified.length === 0 ? [] : reportedPolicies(request, verdict);
  if (error !== undefined) return { report: { ...report, policies }, verified: undefined };
  const { reference, digest, isTagResolved } = found;
  const predicateType = predicateTypeOf(request.type);
  return {
    report: { ...report, policies },
    verified: { reference, digest, isTagResolved, predicateType, attestations, denied, refused },
  };
}

function asVerdict(error: unknown): AttestationsJudgement {
  if (!(error instanceof SealwrightError) || error instanceof UsageError) throw error;
  if (error.family === 'invariant' || error.code === 'FORMAT_POLICY') throw error;
  return { attestations: [], denied: [], error };
}

function asDenied(attestation: DeniedAttestation): DeniedSignature {
  const found = attestation.objections.join('; ');
  return { ...attestation, error: new PolicyError('POLICY_DENIED', `a policy objects: ${found}`) };
}

/** The policies judge together: what one language refuses is not put before the next. */
function reportedPolicies(
  { policies, policyMode = 'all' }: VerifyAttestationsRequest,
  { attestations, denied, error }: AttestationsJudgement,
): readonly ReportedPolicy[] {
  if (policies === undefined) return [];
  const name = policies.names.join(', ');
  const total = attestations.length + denied.length;
  if (total === 0)
    return [{ name, outcome: 'could-not-check', reason: `${error?.code ?? ''} ${error?.message ?? ''}` }];
  const isPassed = attestations.length > 0 && (denied.length === 0 || policyMode === 'any');
  const enough = isPassed && denied.length > 0 ? ', and one is enough' : '';
  const reason = `${attestations.length} of ${total} attestations satisfy them${enough}`;
  return [{ name, outcome: isPassed ? 'passed' : 'failed', reason }];
}
