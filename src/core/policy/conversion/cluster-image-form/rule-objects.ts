import type { JsonObject } from '../../../encoding/json.ts';
import type { Lose } from '../conversion-loss.ts';
import type { ResourceConstraints, ResourceRule } from '../../kyverno/resource-constraints.ts';
import type { KindSelector } from '../../kyverno/kind-selector.ts';
import type { ResourceFilter, WildcardSelector } from '../../kyverno/resource-filter.ts';
import type { RuleMatch } from '../../kyverno/rule-match.ts';

/** Which objects a policy is about, as a `ClusterImagePolicy` says it. */
export interface PolicyObjectsForm {
  /** `spec.match`; empty for every object. */
  readonly match: readonly JsonObject[];
  /** Where the objects are, when the policy names that; each namespace then gets a policy of its own. */
  readonly namespaces: readonly string[] | undefined;
}

/** All that `spec.match` can name, with its group. */
const RESOURCES = [
  ['', 'pods'],
  ['apps', 'replicasets'],
  ['apps', 'deployments'],
  ['apps', 'statefulsets'],
  ['apps', 'daemonsets'],
  ['batch', 'jobs'],
  ['batch', 'cronjobs'],
] as const;
const WILD = /[*?]/;
const NARROWER = 'an ImagePolicy in the namespaces that are meant, or an ImageException';

/** @param path of the rule */
export function objectsOfRule({ match, exclude }: RuleMatch, path: string, lose: Lose): PolicyObjectsForm {
  if (exclude !== undefined && exclude.filters.length > 0) {
    lose(`${path}.exclude`, 'what the rule excludes: the policy is about it as well', 'tighter', NARROWER);
  }
  const place = `${path}.match`;
  // Of filters that all have to fit any one is wider; the first with kinds says most.
  const filters =
    match.mode === 'any' || match.filters.length < 2
      ? match.filters
      : [match.filters.find(({ kinds }) => kinds.length > 0) ?? match.filters[0]].filter((one) => one !== undefined);
  if (filters.length < match.filters.length) lose(place, 'that all of its blocks have to fit', 'tighter', NARROWER);
  const entries = filters.map((filter) => entriesOf(filter, place, lose));
  const named = entries.flatMap((list) => list ?? []);
  // Every kind that a match can name, whatever its labels: those that it cannot name are looked at as well then.
  const isEverything =
    entries.includes(undefined) || RESOURCES.every(([, resource]) => named.some((one) => isWhole(one, resource)));
  return {
    match: isEverything ? [] : named,
    namespaces: namespacesOf(filters, place, lose),
  };
}

function isWhole(entry: JsonObject, resource: string): boolean {
  return entry['resource'] === resource && entry['version'] === '*' && !('selector' in entry);
}

/** Undefined for every object. */
function entriesOf(filter: ResourceFilter, path: string, lose: Lose): readonly JsonObject[] | undefined {
  const { kinds, names, annotations, operations, subjects, namespaceSelector } = filter;
  const narrower: readonly (readonly [boolean, string])[] = [
    [names.length > 0, 'the names of objects'],
    [annotations.length > 0, 'the annotations of objects'],
    [subjects.length > 0, 'who asks'],
    [operations.length > 0 && !['CREATE', 'UPDATE'].every((one) => operations.includes(one)), 'the operations'],
    [namespaceSelector !== undefined, 'the labels of namespaces'],
  ];
  for (const [isGiven, what] of narrower)
    if (isGiven) lose(path, `${what}: the policy does not ask`, 'tighter', NARROWER);
  const selector = selectorFor(filter.selector, path, lose);
  const found = kinds.map((kind) => resourcesOf(kind, path, lose));
  const isEverything = kinds.length === 0 || found.includes(undefined);
  if (isEverything && selector === undefined) return undefined;
  const covered: readonly Resource[] = isEverything
    ? RESOURCES.map(([group, resource]) => ({ group, resource, version: '*' }))
    : found.flatMap((list) => list ?? []);
  const named = new Map(covered.map((one) => [`${one.group}/${one.resource} ${one.version}`, one]));
  return [...named.values()].map(({ group, version, resource }) => ({
    ...(group === '' ? {} : { group }),
    version,
    resource,
    ...(selector === undefined ? {} : { selector }),
  }));
}

interface Resource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Undefined for a kind that is every kind. */
function resourcesOf(kind: KindSelector, path: string, lose: Lose): readonly Resource[] | undefined {
  const labels = new Map<string, string>();
  const matches = (group: string, resource: string, version: string): boolean =>
    kind.matches({ group, resource, version, labels });
  if (matches('any.invalid', 'anythings', 'v1')) return undefined;
  const found = RESOURCES.filter(([group, resource]) => matches(group, resource, 'v1')).map(([group, resource]) => ({
    group,
    resource,
    version: matches(group, resource, 'v0') ? '*' : 'v1',
  }));
  if (found.length === 0 && kind.text !== 'ReplicationController') {
    lose(path, `objects of kind ${kind.text}: no match names them`, 'looser', 'their pods are looked at all the same');
  }
  return found;
}

function selectorFor(selector: WildcardSelector | undefined, path: string, lose: Lose): JsonObject | undefined {
  if (selector === undefined) return undefined;
  const exact = selector.matchLabels.filter(({ key, value }) => !WILD.test(key.text) && !WILD.test(value.text));
  if (exact.length < selector.matchLabels.length) {
    lose(path, 'labels with wildcards: the policy does not ask for them', 'tighter', 'matchExpressions with Exists');
  }
  const expressions = selector.matchExpressions.map(({ key, operator, values }) => ({
    key,
    operator,
    ...(values.length === 0 ? {} : { values: [...values] }),
  }));
  if (exact.length + expressions.length === 0) return undefined;
  return {
    ...(exact.length === 0
      ? {}
      : { matchLabels: Object.fromEntries(exact.map(({ key, value }) => [key.text, value.text])) }),
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  };
}

/** Only where every block names the same ones, each by its name. */
function namespacesOf(filters: readonly ResourceFilter[], path: string, lose: Lose): readonly string[] | undefined {
  const named = filters.map(({ namespaces }) => namespaces.map(({ text }) => text).sort());
  const [first = []] = named;
  if (named.every(({ length }) => length === 0)) return undefined;
  const isSame = named.every((list) => JSON.stringify(list) === JSON.stringify(first));
  if (isSame && !first.some((name) => WILD.test(name))) return first;
  lose(path, 'the namespaces: the policy is about every one', 'tighter', NARROWER);
  return undefined;
}

/** @param controllers resources beside pods that the policy is about, `group/resource` */
export function objectsOfConstraints(
  constraints: ResourceConstraints,
  controllers: readonly string[],
  lose: Lose,
): PolicyObjectsForm {
  const path = 'spec.matchConstraints';
  const { rules, excluded, namespaceSelector, objectSelector } = constraints;
  if (excluded.length > 0) lose(`${path}.excludeResourceRules`, 'what is excluded', 'tighter', NARROWER);
  if (namespaceSelector !== undefined) {
    lose(`${path}.namespaceSelector`, 'the labels of namespaces: the policy does not ask', 'tighter', NARROWER);
  }
  const selector = selectorFor(objectSelector, `${path}.objectSelector`, lose);
  const found = rules.flatMap((rule, index) => resourcesIn(rule, `${path}.resourceRules[${index}]`, lose));
  const more = controllers.flatMap((text) => {
    const [group = '', resource = ''] = text.split('/');
    return [{ group, resource, version: 'v1' }];
  });
  const match = [...found, ...more].map(({ group, version, resource }) => ({
    ...(group === '' ? {} : { group }),
    version,
    resource,
    ...(selector === undefined ? {} : { selector }),
  }));
  return { match, namespaces: undefined };
}

function resourcesIn(rule: ResourceRule, path: string, lose: Lose): readonly Resource[] {
  const { groups, versions, resources, names, operations } = rule;
  if (names.length > 0) lose(path, 'the names of objects: the policy does not ask', 'tighter', NARROWER);
  const isWhole = operations.includes('*') || ['CREATE', 'UPDATE'].every((one) => operations.includes(one));
  if (operations.length > 0 && !isWhole) lose(path, 'the operations: the policy does not ask', 'tighter');
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  const plain = resources
    .map((resource) => resource.replace(/\/(\*|ephemeralcontainers)$/, ''))
    .map((one) => (one === '' ? '*' : one));
  const found = RESOURCES.filter(([group, resource]) => has(groups, group) && has(plain, resource)).flatMap(
    ([group, resource]) => (versions.includes('*') ? ['*'] : versions).map((version) => ({ group, resource, version })),
  );
  const others = plain.filter((one) => one !== '*' && !found.some(({ resource }) => resource === one));
  for (const other of others) {
    lose(
      path,
      `objects of the resource ${other}: no match names them`,
      'looser',
      'their pods are looked at all the same',
    );
  }
  return found;
}
