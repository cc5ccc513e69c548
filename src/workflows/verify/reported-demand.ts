import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import type { SignaturePolicy } from './signature-policy.ts';
import { demandedSigners, demandedSignerText, missingSigners, signersMet } from './signer-demand.ts';
import type { ReportedSignature, VerificationReport } from './verification-report.ts';

/** Whose demand a signature meets, where there is more than one. */
export function meets(policy: SignaturePolicy | undefined, bundle: VerifiedBundle): Pick<ReportedSignature, 'meets'> {
  if (policy === undefined || demandedSigners(policy).length < 2) return {};
  return { meets: signersMet(policy, bundle).map(demandedSignerText) };
}

/** Who of several demanded signers did not sign. */
export function demandFacts(
  policy: SignaturePolicy,
  bundles: readonly VerifiedBundle[],
): Pick<VerificationReport, 'missingSigners'> {
  if (demandedSigners(policy).length < 2) return {};
  return { missingSigners: missingSigners(policy, bundles).map(demandedSignerText) };
}
