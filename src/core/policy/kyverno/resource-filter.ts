import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { holdsRequirement, type ReviewedObject } from '../cluster-image/resource-match.ts';
import type { KindSelector } from './kind-selector.ts';
import type { Wildcard } from './wildcard.ts';

/** One `resources` block with the users beside it: everything that is said must hold, any entry of a list will do. */
export interface ResourceFilter {
  readonly kinds: readonly KindSelector[];
  readonly names: readonly Wildcard[];
  readonly namespaces: readonly Wildcard[];
  readonly annotations: readonly WildcardPair[];
  readonly selector?: WildcardSelector;
  readonly namespaceSelector?: WildcardSelector;
  readonly operations: readonly string[];
  readonly subjects: readonly Subject[];
}

/** A key and a value, each with wildcards. */
export interface WildcardPair {
  readonly key: Wildcard;
  readonly value: Wildcard;
}

/** metav1.LabelSelector, in whose `matchLabels` Kyverno allows wildcards. */
export interface WildcardSelector {
  readonly matchLabels: readonly WildcardPair[];
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values: readonly string[];
  }[];
}

export interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: Wildcard;
}

/** What is not known of what is in the cluster already must not make a rule smaller than it is. */
export type Unknown = 'holds' | 'fails';

/** @param unknown what a criterion counts as about which nothing is known: `match` is then wide, and `exclude` narrow */
export function filterMatches(filter: ResourceFilter, object: ReviewedObject, unknown: Unknown): boolean {
  const { request } = object;
  const known = <Value>(value: Value | undefined, test: (value: Value) => boolean): boolean =>
    value === undefined ? unknown === 'holds' : test(value);
  const any = <Entry>(entries: readonly Entry[], test: (entry: Entry) => boolean): boolean =>
    entries.length === 0 || entries.some(test);
  return (
    (filter.operations.length === 0 || known(request, ({ operation }) => filter.operations.includes(operation))) &&
    any(filter.kinds, (kind) => kind.matches(object)) &&
    any(filter.names, (name) => name.matches(nameOf(object))) &&
    any(filter.namespaces, (namespace) => namespace.matches(object.namespace ?? '')) &&
    filter.annotations.every((pair) => annotated(pair, object.document)) &&
    (filter.selector === undefined || selects(filter.selector, object.labels)) &&
    (filter.namespaceSelector === undefined ||
      known(object.namespaceLabels, (labels) => selects(filter.namespaceSelector, labels))) &&
    (filter.subjects.length === 0 || known(request, (asked) => filter.subjects.some((one) => isSubject(one, asked))))
  );
}

function nameOf({ document, request }: ReviewedObject): string {
  const { name, generateName } = metadataOf(document);
  if (typeof name === 'string' && name !== '') return name;
  if (request !== undefined && request.name !== '') return request.name;
  return typeof generateName === 'string' ? generateName : '';
}

function annotated({ key, value }: WildcardPair, document: JsonObject | undefined): boolean {
  const { annotations } = metadataOf(document);
  if (annotations === null || typeof annotations !== 'object') return false;
  return Object.entries(annotations).some(
    ([name, text]: [string, unknown]) => typeof text === 'string' && key.matches(name) && value.matches(text),
  );
}

function metadataOf(document: JsonObject | undefined): Readonly<Record<string, JsonValue | undefined>> {
  const metadata = document?.['metadata'];
  return metadata === null || typeof metadata !== 'object' || Array.isArray(metadata) ? {} : (metadata as JsonObject);
}

/** A key with wildcards stands for any label that it matches; an absent label is in no set, as in Kubernetes. */
export function selects(selector: WildcardSelector | undefined, labels: ReadonlyMap<string, string>): boolean {
  if (selector === undefined) return true;
  const holdsPair = ({ key, value }: WildcardPair): boolean =>
    [...labels].some(([name, text]) => key.matches(name) && value.matches(text));
  return (
    selector.matchLabels.every(holdsPair) &&
    selector.matchExpressions.every((requirement) => holdsRequirement(requirement, labels))
  );
}

function isSubject(
  { kind, name }: Subject,
  { user, groups }: { readonly user: string; readonly groups: readonly string[] },
): boolean {
  return kind === 'Group' ? groups.some((group) => name.matches(group)) : name.matches(user);
}
