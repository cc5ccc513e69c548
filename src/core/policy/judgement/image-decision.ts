import { PolicyError, type SealwrightError } from '../../../errors.ts';
import type { AdmissionPolicy } from './admission-policy.ts';
import type { PolicyContext } from './policy-context.ts';
import type { PolicyMaterial } from './policy-material.ts';
import type { PolicyJudgement } from './policy-judgement.ts';

/** What happens to an image that no policy is about. policy-controller's default, and ours, is `deny`. */
export type NoMatchAction = 'deny' | 'warn' | 'allow';

/** Whether an image may run, with every reason. */
export interface ImageDecision {
  readonly action: 'allow' | 'warn' | 'deny';
  /** Why it is refused; one for each policy that refuses. */
  readonly denials: readonly SealwrightError[];
  /** What would refuse it if it were enforced. */
  readonly warnings: readonly SealwrightError[];
  /** The denials say only that something could not be checked: nothing is known against the image. */
  readonly isUnchecked: boolean;
  readonly judgements: readonly PolicyJudgement[];
}

/**
 * Every policy that is about the image must pass; in mode `warn` a policy that does not only warns.
 *
 * @param policies those that are about it; `decideUncovered` when there are none
 * @param name     the image, for messages
 * @param noMatch  what happens to an image that no policy of the cluster is about: those of a namespace only tighten that
 */
export async function decideImage(
  policies: readonly AdmissionPolicy[],
  name: string,
  material: PolicyMaterial,
  context: PolicyContext,
  noMatch: NoMatchAction = 'allow',
): Promise<ImageDecision> {
  const judging = policies.map(async (policy) => ({ policy, judgement: await policy.judge(name, material, context) }));
  const judged = requireVerification(
    name,
    (await Promise.all(judging)).flatMap(({ policy, judgement }) =>
      judgement === undefined ? [] : [{ policy, judgement }],
    ),
  );
  const failing = (mode: AdmissionPolicy['mode']): readonly SealwrightError[] =>
    judged.flatMap(({ policy, judgement }) =>
      policy.mode === mode && judgement.outcome !== 'passed' ? [judgement.error] : [],
    );
  const uncovered = isUncovered(judged.map(({ policy }) => policy)) ? decideUncovered(name, noMatch) : undefined;
  return decision(
    [...failing('enforce'), ...(uncovered?.denials ?? [])],
    [...failing('warn'), ...(uncovered?.warnings ?? [])],
    judged.map(({ judgement }) => judgement),
  );
}

interface Judged {
  readonly policy: AdmissionPolicy;
  readonly judgement: PolicyJudgement;
}

/**
 * A policy whose expressions hold may require that somebody's signature or attestation was found all the same, by whichever of the
 * policies asked for one (Kyverno's `validationConfigurations.required`).
 */
function requireVerification(name: string, judged: readonly Judged[]): readonly Judged[] {
  const states = judged.flatMap(({ judgement }) =>
    judgement.outcome === 'passed' && judgement.verification !== undefined ? [judgement.verification.state] : [],
  );
  if (states.includes('verified')) return judged;
  return judged.map(({ policy, judgement }) => {
    if (judgement.outcome !== 'passed' || judgement.verification?.isRequired !== true) return { policy, judgement };
    const why = states.includes('failed')
      ? 'failed signature or attestation verification'
      : 'is not verified: no policy performed a signature or attestation check on it';
    const error = new PolicyError('POLICY_DENIED', `image ${name} ${why}`, {
      found: 'expressions that hold without a signature',
      expected: `a signature or attestation that one of the policies asks for (${policy.name})`,
    });
    return { policy, judgement: { outcome: 'failed', policy: judgement.policy, error } };
  });
}

/** Whether only policies of a namespace are about an image. */
export function isUncovered(policies: readonly AdmissionPolicy[]): boolean {
  return policies.every(({ namespace }) => namespace !== undefined);
}

/** @param name the image as it is written in the object */
export function decideUncovered(name: string, action: NoMatchAction): ImageDecision {
  const error = new PolicyError('POLICY_NO_MATCH', `no policy is about ${name}`, {
    found: 'no ClusterImagePolicy whose images and match fit',
    expected: 'at least one: images that no policy is about are refused',
    fix: 'add a policy for this image, or start the webhook with --no-match allow',
  });
  return decision(action === 'deny' ? [error] : [], action === 'warn' ? [error] : [], []);
}

/** For what stands in the way of judging at all: a reference that does not parse, a tag that is not there. */
export function decideRefused(error: SealwrightError, policies: readonly AdmissionPolicy[] = []): ImageDecision {
  const isEnforced = policies.length === 0 || policies.some(({ mode }) => mode === 'enforce');
  return decision(isEnforced ? [error] : [], isEnforced ? [] : [error], []);
}

/** The same with something that would refuse the image if it were enforced. */
export function withWarning({ denials, warnings, judgements }: ImageDecision, error: SealwrightError): ImageDecision {
  return decision(denials, [...warnings, error], judgements);
}

function decision(
  denials: readonly SealwrightError[],
  warnings: readonly SealwrightError[],
  judgements: readonly PolicyJudgement[],
): ImageDecision {
  return {
    action: denials.length > 0 ? 'deny' : warnings.length > 0 ? 'warn' : 'allow',
    denials,
    warnings,
    isUnchecked: denials.length > 0 && denials.every(({ code }) => code === 'COULD_NOT_CHECK'),
    judgements,
  };
}
