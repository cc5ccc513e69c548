import type { JsonObject } from '../../encoding/json.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { filterMatches } from './resource-filter.ts';
import type { FilterSet } from './resource-filter-parser.ts';
import type { Wildcard } from './wildcard.ts';

/** Kyverno's exceptions: objects that rules, or policies, are not applied to. */
export interface PolicyExceptions {
  /** `kyverno.io/v2`: from rules of `ClusterPolicy` and `Policy`. */
  readonly fromRules: readonly RuleException[];
  /** `policies.kyverno.io`: from `ImageValidatingPolicy` and its form for one namespace. */
  readonly fromPolicies: readonly ValidatingException[];
}

export const NO_EXCEPTIONS: PolicyExceptions = { fromRules: [], fromPolicies: [] };

export interface RuleException {
  /** `PolicyException namespace/name`. */
  readonly name: string;
  readonly rules: readonly { readonly policy: string; readonly ruleNames: readonly Wildcard[] }[];
  readonly match: FilterSet;
}

export interface ValidatingException {
  readonly name: string;
  readonly namespace: string;
  readonly policies: readonly { readonly kind: string; readonly name: string }[];
  /** Expressions, all of which have to hold. */
  readonly conditions: readonly JsonObject[];
  readonly expiresAt?: Date;
}

/**
 * The exception that lets an object off a rule, if any does. What is not known of the object lets nothing off.
 *
 * @param policy as exceptions name it: with its namespace, if it has one
 * @param rule   as Kyverno names it, which for the controllers of pods is the name of the rule that it makes
 */
export function exceptionFrom(
  { fromRules }: PolicyExceptions,
  policy: string,
  rule: string,
  object: ReviewedObject,
): RuleException | undefined {
  return fromRules.find(
    ({ rules, match: { mode, filters } }) =>
      rules.some((one) => one.policy === policy && one.ruleNames.some((name) => name.matches(rule))) &&
      (mode === 'any'
        ? filters.some((filter) => filterMatches(filter, object, 'fails'))
        : filters.every((filter) => filterMatches(filter, object, 'fails'))),
  );
}

export function mergeExceptions(all: readonly PolicyExceptions[]): PolicyExceptions {
  return {
    fromRules: all.flatMap(({ fromRules }) => fromRules),
    fromPolicies: all.flatMap(({ fromPolicies }) => fromPolicies),
  };
}
