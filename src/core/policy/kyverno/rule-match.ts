import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { KindSelector } from './kind-selector.ts';
import { filterMatches, type ResourceFilter } from './resource-filter.ts';
import type { FilterSet } from './resource-filter-parser.ts';

/** Which objects a rule is about. */
export interface RuleMatch {
  readonly match: FilterSet;
  readonly exclude?: FilterSet;
}

const CONTROLLERS = ['DaemonSet', 'Deployment', 'Job', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'CronJob'];

/** Kyverno's order (pkg/engine/utils/match.go): what matches, unless it is excluded. */
export function isAbout({ match, exclude }: RuleMatch, object: ReviewedObject): boolean {
  if (!combined(match, (filter) => !isEmpty(filter) && filterMatches(filter, object, 'holds'))) return false;
  if (exclude === undefined) return true;
  return !combined(exclude, (filter) => !isEmpty(filter) && filterMatches(filter, object, 'fails'));
}

function combined({ mode, filters }: FilterSet, fits: (filter: ResourceFilter) => boolean): boolean {
  return mode === 'any' ? filters.some(fits) : filters.length > 0 && filters.every(fits);
}

/** A block that says nothing matches nothing. */
function isEmpty(filter: ResourceFilter): boolean {
  const { kinds, names, namespaces, annotations, operations, subjects, selector, namespaceSelector } = filter;
  const lists = [kinds, names, namespaces, annotations, operations, subjects];
  return lists.every(({ length }) => length === 0) && selector === undefined && namespaceSelector === undefined;
}

/**
 * The kinds beside pods that rules about pods are about as well, as Kyverno makes rules for them
 * (pkg/autogen/v1/autogen.go): the annotation's, or all; none as soon as any rule of the policy says more about its objects
 * than a controller shares with its pods.
 *
 * @param annotation `pod-policies.kyverno.io/autogen-controllers`
 */
export function autogenControllers(rules: readonly RuleMatch[], annotation: string | undefined): readonly string[] {
  const filters = rules.flatMap(({ match, exclude }) => [...match.filters, ...(exclude?.filters ?? [])]);
  const isPlain = filters.every(
    ({ names, selector, annotations, kinds }) =>
      names.length === 0 &&
      selector === undefined &&
      annotations.length === 0 &&
      (kinds.length <= 1 || !kinds.some(({ isPod }) => isPod)),
  );
  if (!isPlain || annotation === 'none') return [];
  return annotation === undefined ? CONTROLLERS : annotation.split(',').map((name) => name.trim());
}

/** The rule with the controllers beside the pods that it is about. */
export function withControllers(rule: RuleMatch, controllers: readonly string[]): RuleMatch {
  if (controllers.length === 0) return rule;
  const more = controllers.filter((name) => CONTROLLERS.includes(name)).map((name) => KindSelector.parse(name));
  const widen = (set: FilterSet): FilterSet => ({
    ...set,
    filters: set.filters.map((filter) =>
      filter.kinds.some(({ isPod }) => isPod) ? { ...filter, kinds: [...filter.kinds, ...more] } : filter,
    ),
  });
  return { match: widen(rule.match), ...(rule.exclude === undefined ? {} : { exclude: widen(rule.exclude) }) };
}
