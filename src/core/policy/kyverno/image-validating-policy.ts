import type { JsonObject } from '../../encoding/json.ts';
import type { PolicySecret } from '../document/signature-source.ts';
import type { PolicyRevision } from '../document/policy-revision.ts';
import type { Attestor } from './attestor.ts';
import type { ResourceConstraints } from './resource-constraints.ts';

/** Kyverno's `ImageValidatingPolicy`, or its form for one namespace. */
export interface ImageValidatingPolicy {
  readonly kind: 'ImageValidatingPolicy' | 'NamespacedImageValidatingPolicy';
  /** Kind and name, and the namespace of one that has one. */
  readonly name: string;
  /** Its own, for exceptions. */
  readonly policyName: string;
  readonly namespace?: string;
  readonly constraints: ResourceConstraints;
  /** Resources beside pods that a policy about pods is about, `group/resource`, as Kyverno makes policies for them of it. */
  readonly controllers: readonly string[];
  /** Globs; where there are expressions too, or nothing, any image may be meant. */
  readonly globs: readonly string[] | undefined;
  readonly attestors: ReadonlyMap<string, NamedAttestor>;
  /** Predicate types by name. */
  readonly attestations: ReadonlyMap<string, string>;
  /** With which the registry is asked, before the workload's. */
  readonly secrets: readonly PolicySecret[];
  /** The member that asks for registries without TLS. */
  readonly plainHttp?: string;
  /** What the engine gets to see: expressions and names. */
  readonly expressions: JsonObject;
  readonly action: 'enforce' | 'warn';
  readonly tags: 'pin' | 'refuse' | 'leave';
  readonly required: boolean;
  readonly ignoresMatchErrors: boolean;
  readonly warnings: readonly string[];
  readonly revision: PolicyRevision;
}

/** Satisfied by any of them: a keyless attestor may name several identities. */
export interface NamedAttestor {
  readonly anyOf: readonly Attestor[];
}
