import type { Unproven } from '../../core/audit/audit-entry.ts';
import { isUncovered, type NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { AdmittedImage } from '../admission/image-admission.ts';

/**
 * What would become of an image in this place if nothing proved it: by the modes of the policies that ask for a proof, or by what the webhook
 * does where no policy is about an image. A policy that passed it without a proof asks for none.
 *
 * @param about    policies as they are for the object
 * @param noMatch  undefined where nobody knows
 * @returns undefined where nobody knows
 */
export function unprovenOf(
  { decision }: AdmittedImage,
  about: readonly AdmissionPolicy[],
  noMatch: NoMatchAction | undefined,
): Unproven | undefined {
  const names = new Set(decision.judgements.map(({ policy }) => policy));
  const judged = about.filter(({ name }) => names.has(name));
  const asking = new Set(
    decision.judgements.flatMap((judgement) =>
      judgement.outcome !== 'passed' || judgement.bundles.length > 0 ? [judgement.policy] : [],
    ),
  );
  const modes = judged.filter(({ name }) => asking.has(name)).map(({ mode }) => mode);
  // Refused for what no policy judged: a tag that is not there, a name that is none.
  const others = (errors: AdmittedImage['decision']['denials']): boolean =>
    decision.judgements.length === 0 && errors.some(({ code }) => code !== 'POLICY_NO_MATCH');
  if (modes.includes('enforce') || others(decision.denials)) return 'refused';
  const isOpen = isUncovered(judged) && !others(decision.warnings);
  if (isOpen && noMatch === 'deny') return 'refused';
  if (isOpen && noMatch === undefined) return undefined;
  if (modes.includes('warn') || others(decision.warnings) || (isOpen && noMatch === 'warn')) return 'warned';
  return 'admitted';
}
