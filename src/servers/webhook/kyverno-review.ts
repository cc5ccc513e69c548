import type { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseKyvernoPolicy, verifiesImages } from '../../core/policy/kyverno/cluster-policy-parser.ts';
import {
  conditionProblems,
  exceptionProblems,
  expressionProblems,
  type ExpressionTrial,
} from '../../core/policy/kyverno-judgement/expression-trial.ts';
import { parseImageValidatingPolicy } from '../../core/policy/kyverno/image-validating-policy-parser.ts';
import { parsePolicyException } from '../../core/policy/kyverno/policy-exception-parser.ts';
import type { AdmissionRequest } from '../../core/wire/admission-review.ts';
import { FormatError, LimitError, RemoteError } from '../../errors.ts';

export interface KyvernoReviewOptions extends ExpressionTrial {
  /** Where exceptions count; nowhere when absent. */
  readonly systemNamespace?: string;
}

type Verdict = (object: JsonFields, options: KyvernoReviewOptions) => Promise<readonly string[]>;

const RULES: Verdict = async (object, options) => {
  // Rules that validate, mutate and generate are Kyverno's own business, and so is a policy of nothing else.
  if (!verifiesImages(object)) return [];
  const rules = parseKyvernoPolicy(object);
  const warnings = await compiled(object, async () => {
    const problems: string[] = [];
    for (const { name, preconditions, variables, attestations, late } of rules) {
      problems.push(...(await conditionProblems(`${name}: preconditions`, preconditions, variables, options)));
      const template = late === undefined ? [] : [{ all: [{ key: late.template }] }];
      problems.push(...(await conditionProblems(`${name}: verifyImages`, template, variables, options)));
      for (const { path, conditions } of attestations) {
        problems.push(...(await conditionProblems(`${path}.conditions`, conditions, variables, options)));
      }
    }
    return problems;
  });
  return [...rules.flatMap((rule) => rule.warnings), ...warnings];
};

const EXPRESSIONS: Verdict = async (object, options) => {
  const policy = parseImageValidatingPolicy(object);
  return [...policy.warnings, ...(await compiled(object, () => expressionProblems(policy, options)))];
};

const EXCEPTION: Verdict = async (object, options) => {
  const { systemNamespace } = options;
  const namespace = object.optionalObject('metadata')?.optionalString('namespace') ?? '';
  // From policies of other kinds it is Kyverno's own.
  const isFromPolicies = object.string('apiVersion').startsWith('policies.kyverno.io/');
  if (isFromPolicies && !namesImagePolicies(object)) return [];
  if (namespace !== systemNamespace) {
    return isFromPolicies ? [`it lets nothing off: only exceptions in ${systemNamespace ?? 'no namespace'} do`] : [];
  }
  const { fromPolicies } = parsePolicyException(object);
  return compiled(object, async () =>
    (await Promise.all(fromPolicies.map((one) => exceptionProblems(one, options)))).flat(),
  );
};

/** `group/resource`, and how an object of it is judged: its warnings, or an error that names what is wrong. */
const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  ['kyverno.io/clusterpolicies', RULES],
  ['kyverno.io/policies', RULES],
  ['kyverno.io/policyexceptions', EXCEPTION],
  ['policies.kyverno.io/policyexceptions', EXCEPTION],
  ['policies.kyverno.io/imagevalidatingpolicies', EXPRESSIONS],
  ['policies.kyverno.io/namespacedimagevalidatingpolicies', EXPRESSIONS],
]);

/**
 * How one of Kyverno's objects is judged when it is put into a cluster. What would stand for a policy that refuses its images, or
 * for an exception that lets nothing off, is refused while its author is there.
 *
 * @returns undefined for kinds that are none of Kyverno's
 */
export function kyvernoVerdict({ resource }: Pick<AdmissionRequest, 'resource'>): Verdict | undefined {
  return VERDICTS.get(`${resource.group}/${resource.resource}`);
}

function namesImagePolicies(object: JsonFields): boolean {
  const refs = object.object('spec').objects('policyRefs', 1000);
  return refs.some((one) => /^(Namespaced)?ImageValidatingPolicy$/.test(one.optionalString('kind') ?? ''));
}

/** @returns a warning where nobody could compile them. @throws FormatError FORMAT_POLICY for those that do not compile */
async function compiled(object: JsonFields, find: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    const found = (await find()).join('\n');
    if (found === '') return [];
    throw new FormatError('FORMAT_POLICY', `${object.path} cannot be used`, {
      found,
      expected: 'expressions that compile',
      details: { validation: found },
    });
  } catch (error) {
    if (!(error instanceof RemoteError || error instanceof LimitError)) throw error;
    return [`expressions were not compiled: ${error.message}`];
  }
}
