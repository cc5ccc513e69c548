import { PolicyError, type SealwrightError } from '../../../errors.ts';
import type { AdmissionPolicy, PreparationContext } from '../judgement/admission-policy.ts';
import { couldNotCheck, isUnknown, withName } from '../judgement/refusal-reason.ts';
import type { ImageRule, LateRule } from '../kyverno/image-rule.ts';
import { fillTemplate, judgeConditions, type ConditionsSubject } from './conditions-document.ts';

/**
 * A rule with its variables put in, for the object of the subject; undefined where its preconditions do not hold, as Kyverno asks those
 * first and then looks nothing up.
 *
 * @throws SealwrightError why nothing can be put in, or comes of it
 */
export async function completeRule(
  rule: ImageRule,
  { template, complete }: LateRule,
  subject: ConditionsSubject,
  context: PreparationContext,
): Promise<ImageRule | undefined> {
  const { holds } = await judgeConditions(rule.preconditions, subject, context);
  return holds ? complete(await fillTemplate(template, subject, context)) : undefined;
}

/** A policy that refuses all that it is about, for want of what its variables stand for. */
export function refusingPolicy(admission: AdmissionPolicy, error: SealwrightError): AdmissionPolicy {
  const { name } = admission;
  const { prepare: _, ...rest } = admission;
  const refusing: AdmissionPolicy = {
    ...rest,
    interest: 'image',
    about: (object) => (admission.about(object) === undefined ? undefined : refusing),
    judge: (image) => {
      const isUnchecked = isUnknown(error);
      const told = isUnchecked ? couldNotCheck(image, error) : withName(`${image}: ${name}`, error);
      return Promise.resolve({ outcome: isUnchecked ? 'could-not-check' : 'failed', policy: name, error: told });
    },
  };
  return refusing;
}

/** Whoever judges by a policy that was not prepared gets a refusal. */
export function notPrepared({ name }: ImageRule): PolicyError {
  return new PolicyError(
    'POLICY_EVALUATION',
    `${name}: who may have signed is said by variables, and nobody has put them in`,
    {
      expected: 'a decision about an object: the webhook, policy test, policy plan',
    },
  );
}
