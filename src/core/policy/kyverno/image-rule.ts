import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import type { KeySource } from '../cluster-image/cluster-image-policy.ts';
import type { PolicySecret } from '../document/signature-source.ts';
import type { PolicyRevision } from '../document/policy-revision.ts';
import type { AttestorSet } from './attestor.ts';
import type { Conditions } from './conditions-evaluation.ts';
import type { RuleMatch } from './rule-match.ts';
import type { WildcardSelector } from './resource-filter.ts';
import type { Wildcard } from './wildcard.ts';

/** One entry of `verifyImages` of a rule of Kyverno's `ClusterPolicy` or `Policy`: the part that stands by itself. */
export interface ImageRule {
  readonly policyKind: 'ClusterPolicy' | 'Policy';
  /** `ClusterPolicy name/rule`, with the entry's number where a rule has several. */
  readonly name: string;
  /** As exceptions name them: the policy with its namespace, if it has one. */
  readonly policyName: string;
  readonly ruleName: string;
  /** Of a `Policy`. */
  readonly namespace?: string;
  readonly match: RuleMatch;
  /** The same without the controllers of pods, whose rules have names of their own in Kyverno. */
  readonly ownMatch: RuleMatch;
  /** What the rule's conditions may name beside the request (`context`), as the engine reads it. */
  readonly variables: readonly JsonObject[];
  /** Where they do not hold the rule says nothing. */
  readonly preconditions: Conditions;
  readonly images: ImagePatterns;
  /**
   * Whether an image has to have been verified: without any attestor nothing can be, and such a rule refuses. Where there are
   * attestors they are asked either way.
   */
  readonly required: boolean;
  /** Every one of them has to be satisfied; none where only digests matter. */
  readonly attestors: readonly AttestorSet[];
  readonly attestations: readonly AttestationRule[];
  /** With which the registry is asked, before the workload's. */
  readonly secrets: readonly PolicySecret[];
  /** The member that asks for registries without TLS. */
  readonly plainHttp?: string;
  readonly action: FailureAction;
  /** The first that fits the object's namespace takes the place of `action`. */
  readonly overrides: readonly ActionOverride[];
  /** What happens to a tag: it is replaced by its digest, refused, or left to move. */
  readonly tags: 'pin' | 'refuse' | 'leave';
  readonly warnings: readonly string[];
  readonly revision: PolicyRevision;
  /** Where variables say who may have signed: the rule names nobody by itself, and says nothing before they are put in. */
  readonly late?: LateRule;
}

/** What variables complete for each review. */
export interface LateRule {
  readonly template: JsonObject;
  /** Keys in Secrets and key services, which stand in the policy itself. */
  readonly keys: readonly Exclude<KeySource, { kind: 'data' }>[];
  /** @throws FormatError FORMAT_POLICY for what is no rule once it is filled in */
  readonly complete: (filled: JsonValue) => ImageRule;
}

/** Which images a rule is about: those that any of `included` matches and none of `skipped`. */
export interface ImagePatterns {
  readonly included: readonly Wildcard[];
  readonly skipped: readonly Wildcard[];
}

export type FailureAction = 'enforce' | 'warn';

export interface ActionOverride {
  readonly action: FailureAction;
  readonly namespaces: readonly Wildcard[];
  readonly namespaceSelector?: WildcardSelector;
}

/** Statements of a type, by each of the attestor sets. */
export interface AttestationRule {
  readonly path: string;
  readonly type: string;
  readonly attestors: readonly AttestorSet[];
  /** All of what an attestor states of the type has to meet them. */
  readonly conditions: Conditions;
}
