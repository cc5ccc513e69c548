import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import type { RegoResult } from './engine-answer.ts';

/** Queries with which cosign and policy-controller ask OPA. */
export const COSIGN_REGO_QUERY = 'data.signature.allow';
export const POLICY_CONTROLLER_REGO_QUERY = 'isCompliant = data.sigstore.isCompliant';

export type RegoVerdict =
  | { readonly compliant: true }
  /** In upstream's words. A warning that comes with `result: true` refuses as well, as policy-controller does. */
  | { readonly compliant: false; readonly reasons: readonly string[]; readonly warning?: string };

/**
 * What cosign's `verify-attestation --policy FILE.rego` makes of the results for {@link COSIGN_REGO_QUERY}: one result, one
 * expression, no bindings, and exactly `true` (cosign pkg/cosign/rego/rego.go, ValidateJSON).
 */
export function cosignRegoVerdict(results: readonly RegoResult[]): RegoVerdict {
  const [only] = results;
  if (
    results.length === 1 &&
    only?.expressions.length === 1 &&
    only.expressions[0] === true &&
    Object.keys(only.bindings).length === 0
  ) {
    return { compliant: true };
  }
  const reasons = results
    .flatMap(({ expressions }) => expressions)
    .map((value) => `expression value, ${JSON.stringify(value)}, is not true`);
  return {
    compliant: false,
    reasons: reasons.length > 0 ? reasons : [`result is undefined for query '${COSIGN_REGO_QUERY}'`],
  };
}

/**
 * What policy-controller makes of the results for {@link POLICY_CONTROLLER_REGO_QUERY}: `true`, or an array or set of
 * `{result, error, warning}` in which the first with `result: true` decides (cosign v2 pkg/cosign/rego/rego.go,
 * ValidateJSONWithModuleInput). Where upstream panics or reads `Result` for `result`, this refuses.
 */
export function policyControllerRegoVerdict(results: readonly RegoResult[]): RegoVerdict {
  for (const { bindings } of results) {
    const answer = bindings['isCompliant'];
    if (answer === true) return { compliant: true };
    if (Array.isArray(answer)) return ruleResultsVerdict(answer as readonly JsonValue[]);
  }
  return refused('');
}

function ruleResultsVerdict(answers: readonly JsonValue[]): RegoVerdict {
  let verdict: RegoVerdict = refused('');
  for (const answer of answers) {
    const ruleResult = parseRuleResult(answer);
    if (ruleResult === undefined) return refused(` due to parsing errors: ${JSON.stringify(answer)}`);
    const { result, error, warning } = ruleResult;
    if (result)
      return warning === '' ? { compliant: true } : { compliant: false, reasons: [`warning: ${warning}`], warning };
    verdict = refused(` with errors: ${error}`, warning);
  }
  return verdict;
}

function refused(why: string, warning = ''): RegoVerdict {
  const reasons = [`policy is not compliant for query '${POLICY_CONTROLLER_REGO_QUERY}'${why}`];
  return warning === '' ? { compliant: false, reasons } : { compliant: false, reasons, warning };
}

interface RuleResult {
  readonly result: boolean;
  readonly error: string;
  readonly warning: string;
}

/** Absent members are false and empty, as Go reads them; undefined when one has another type. */
function parseRuleResult(answer: JsonValue): RuleResult | undefined {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return undefined;
  const { result = false, error = '', warning = '' } = answer as JsonObject;
  if (typeof result !== 'boolean' || typeof error !== 'string' || typeof warning !== 'string') return undefined;
  return { result, error, warning };
}
