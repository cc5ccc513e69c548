import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { PolicyError, RemoteError } from '../../../errors.ts';
import type { PolicyContext } from '../judgement/policy-context.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import type { Conditions, ConditionsResult, VariablesInput } from '../kyverno/conditions-evaluation.ts';
import { requestJson } from '../kyverno/request-json.ts';

/** What conditions are about beside the policy: an object, and perhaps what somebody says about its image. */
export interface ConditionsSubject {
  /** Absent where an image is judged that stands in no object. */
  readonly object?: ReviewedObject;
  /** Whether the rule is one of pods and the object one of their controllers. */
  readonly isOfController: boolean;
  /** Of the rule. */
  readonly variables: readonly JsonObject[];
  /** Its members are there by their own names (Kyverno pkg/engine/internal/utils.go, EvaluateConditions). */
  readonly predicate?: JsonValue;
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/**
 * Whether all conditions hold.
 *
 * @throws PolicyError POLICY_EVALUATION, RemoteError POLICY_ENGINE_*, FormatError FORMAT_POLICY, LimitError: what cannot be
 *   evaluated holds nowhere, and is not false either
 */
export async function judgeConditions(
  conditions: Conditions,
  subject: ConditionsSubject,
  { evaluateConditions, now }: Pick<PolicyContext, 'evaluateConditions' | 'now'>,
): Promise<ConditionsResult> {
  if (conditions.length === 0) return { holds: true, message: '' };
  if (evaluateConditions === undefined) throw noEngines('conditions in JMESPath');
  const { isOfController, object } = subject;
  return evaluateConditions({
    conditions: isOfController ? forController(conditions, object) : conditions,
    ...variablesOf(subject, now),
  });
}

/**
 * A part of the rule with its variables put in.
 *
 * @throws as `judgeConditions`
 */
export async function fillTemplate(
  template: JsonObject,
  subject: ConditionsSubject,
  { fillTemplate: fill, now }: Pick<PolicyContext, 'fillTemplate' | 'now'>,
): Promise<JsonValue> {
  if (fill === undefined) throw noEngines('variables in JMESPath');
  const { isOfController, object } = subject;
  const [text = template] = isOfController ? forController([template], object) : [template];
  return fill({ template: text, ...variablesOf(subject, now) });
}

function variablesOf(subject: ConditionsSubject, now: Date | undefined): VariablesInput {
  const { isOfController, object, variables } = subject;
  return {
    context: isOfController ? forController(variables, object) : variables,
    document: documentOf(subject),
    ...(now === undefined ? {} : { now }),
  };
}

function noEngines(what: string): RemoteError {
  return new RemoteError('POLICY_ENGINE_MISSING', 'there are no policy engines to ask', {
    expected: `engines, for ${what}`,
  });
}

function documentOf({ object, predicate }: ConditionsSubject): JsonObject {
  const request = object === undefined ? undefined : requestOf(object);
  const account = SERVICE_ACCOUNT.exec(object?.request?.user ?? '');
  const own = {
    ...(request === undefined ? {} : { request }),
    ...(account === null ? {} : { serviceAccountNamespace: account[1] ?? '', serviceAccountName: account[2] ?? '' }),
  };
  if (predicate === undefined) return own;
  if (predicate === null || typeof predicate !== 'object' || Array.isArray(predicate)) {
    throw new PolicyError('POLICY_EVALUATION', 'the attestation has no predicate to ask', {
      found: predicate === null ? 'null' : Array.isArray(predicate) ? 'a list' : `a ${typeof predicate}`,
      expected: 'an object',
    });
  }
  const twice = ['request', 'serviceAccountName', 'serviceAccountNamespace'].find((name) => name in predicate);
  if (twice !== undefined) {
    throw new PolicyError('POLICY_EVALUATION', 'the attestation says what the request is', {
      found: `a predicate with a member called ${twice}`,
      expected: 'a predicate that leaves the names of the request alone',
    });
  }
  return { ...(predicate as JsonObject), ...own };
}

function requestOf(object: ReviewedObject): JsonObject {
  return {
    ...requestJson(object),
    ...(object.document === undefined ? {} : { object: object.document }),
    ...(object.oldDocument === undefined ? {} : { oldObject: object.oldDocument }),
  };
}

/** Kyverno rewrites a rule on pods for their controllers (pkg/autogen, updateGenRuleByte), in the policy's own text alone. */
function forController(texts: readonly JsonObject[], object: ReviewedObject | undefined): readonly JsonObject[] {
  const template = object?.resource === 'cronjobs' ? 'spec.jobTemplate.spec.template' : 'spec.template';
  const rewritten = JSON.stringify(texts)
    .replaceAll(/request\.(object|oldObject)\.spec\b/g, `request.$1.${template}.spec`)
    .replaceAll(/request\.(object|oldObject)\.metadata\b/g, `request.$1.${template}.metadata`);
  return JSON.parse(rewritten) as readonly JsonObject[];
}
