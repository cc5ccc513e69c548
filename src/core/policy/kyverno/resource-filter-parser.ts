import type { JsonFields } from '../../encoding/json-fields.ts';
import { KindSelector } from './kind-selector.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';
import type { ResourceFilter, Subject, WildcardPair, WildcardSelector } from './resource-filter.ts';
import { Wildcard } from './wildcard.ts';

const MAX_FILTERS = 100;
const MAX_VALUES = 1000;
const RESOURCES = [
  'kinds',
  'name',
  'names',
  'namespaces',
  'annotations',
  'selector',
  'namespaceSelector',
  'operations',
] as const;
const OPERATIONS: readonly string[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** `match` and `exclude`: filters of which any, or all, have to fit. */
export interface FilterSet {
  readonly mode: 'any' | 'all';
  readonly filters: readonly ResourceFilter[];
}

/** @param isNamespaced whether the policy is of one namespace, which may not name namespaces */
export function parseFilterSet(
  fields: JsonFields,
  path: string,
  isNamespaced: boolean,
  problems: KyvernoProblems,
): FilterSet {
  fields.only('any', 'all', 'resources', 'subjects', 'roles', 'clusterRoles');
  const any = fields.objects('any', MAX_FILTERS);
  const all = fields.objects('all', MAX_FILTERS);
  if (any.length > 0 && all.length > 0) {
    problems.invalid(path, "Can't specify any and all together");
  }
  const listed = any.length > 0 ? any : all;
  if (listed.length > 0 && ['resources', 'subjects', 'roles', 'clusterRoles'].some((name) => fields.has(name))) {
    problems.invalid(path, "Can't specify any/all together with match resources");
  }
  const name = any.length > 0 ? 'any' : 'all';
  const filters = listed.map((entry, index) => parseFilter(entry, `${path}.${name}[${index}]`, isNamespaced, problems));
  return {
    mode: name,
    filters: listed.length > 0 ? filters : [parseFilter(fields, path, isNamespaced, problems, ['any', 'all'])],
  };
}

function parseFilter(
  fields: JsonFields,
  path: string,
  isNamespaced: boolean,
  problems: KyvernoProblems,
  beside: readonly string[] = [],
): ResourceFilter {
  fields.only('resources', 'subjects', 'roles', 'clusterRoles', ...beside);
  problems.unsupportedMembers(fields, path, {
    roles: 'who has a role is not in an admission review',
    clusterRoles: 'who has a role is not in an admission review',
  });
  const resources = fields.optionalObject('resources')?.only(...RESOURCES);
  const place = `${path}.resources`;
  const texts = (name: string): readonly string[] => resources?.strings(name, MAX_VALUES) ?? [];
  const wildcards = (list: readonly string[]): readonly Wildcard[] =>
    list.flatMap((text) => problems.usable(place, () => Wildcard.parse(text)) ?? []);
  const name = resources?.optionalString('name') ?? '';
  if (name !== '' && texts('names').length > 0)
    problems.invalid(place, 'Both name and names can not be specified together');
  if (isNamespaced && texts('namespaces').length > 0) {
    problems.invalid(`${place}.namespaces`, 'Filtering namespaces not allowed in namespaced policies');
  }
  const operations = texts('operations');
  for (const operation of operations) {
    if (!OPERATIONS.includes(operation))
      problems.invalid(`${place}.operations`, `${operation.slice(0, 50)} is no operation`);
  }
  const selector = parseSelector(resources?.optionalObject('selector'), `${place}.selector`, problems);
  const ofNamespace = parseSelector(
    resources?.optionalObject('namespaceSelector'),
    `${place}.namespaceSelector`,
    problems,
  );
  return {
    kinds: texts('kinds').flatMap((text) => problems.usable(`${place}.kinds`, () => KindSelector.parse(text)) ?? []),
    names: wildcards(name === '' ? texts('names') : [name]),
    namespaces: wildcards(texts('namespaces')),
    annotations: parsePairs(resources?.optionalObject('annotations'), `${place}.annotations`, problems),
    ...(selector === undefined ? {} : { selector }),
    ...(ofNamespace === undefined ? {} : { namespaceSelector: ofNamespace }),
    operations,
    subjects: fields
      .objects('subjects', MAX_FILTERS)
      .flatMap((entry, index) => parseSubject(entry, `${path}.subjects[${index}]`, problems)),
  };
}

export function parseSelector(
  fields: JsonFields | undefined,
  path: string,
  problems: KyvernoProblems,
): WildcardSelector | undefined {
  if (fields === undefined) return undefined;
  fields.only('matchLabels', 'matchExpressions');
  return {
    matchLabels: parsePairs(fields.optionalObject('matchLabels'), path, problems),
    matchExpressions: fields.objects('matchExpressions', MAX_FILTERS).flatMap((entry) => {
      entry.only('key', 'operator', 'values');
      const operator = OPERATORS.find((known) => known === entry.string('operator'));
      const values = entry.strings('values', MAX_VALUES);
      if (operator === undefined) {
        problems.invalid(path, `"${entry.string('operator').slice(0, 50)}" is not a valid label selector operator`);
        return [];
      }
      const wantsValues = operator === 'In' || operator === 'NotIn';
      if (wantsValues !== values.length > 0) {
        problems.invalid(path, `values of ${operator} must be ${wantsValues ? 'given' : 'left out'}`);
      }
      return [{ key: entry.string('key'), operator, values }];
    }),
  };
}

function parsePairs(fields: JsonFields | undefined, path: string, problems: KyvernoProblems): readonly WildcardPair[] {
  return (fields?.names() ?? []).flatMap((name) => {
    const key = problems.usable(path, () => Wildcard.parse(name));
    const value = problems.usable(path, () => Wildcard.parse(fields?.string(name) ?? ''));
    return key === undefined || value === undefined ? [] : [{ key, value }];
  });
}

function parseSubject(fields: JsonFields, path: string, problems: KyvernoProblems): readonly Subject[] {
  fields.only('kind', 'name', 'namespace', 'apiGroup');
  const kind = fields.string('kind');
  const name = fields.string('name');
  const namespace = fields.optionalString('namespace') ?? '';
  const wanted = kind === 'ServiceAccount' ? `system:serviceaccount:${namespace}:${name}` : name;
  if (kind === 'ServiceAccount' && namespace === '')
    problems.invalid(path, 'namespace is required when Kind is ServiceAccount');
  if (kind !== 'User' && kind !== 'Group' && kind !== 'ServiceAccount') {
    problems.invalid(path, 'kind must be User, Group, or ServiceAccount');
    return [];
  }
  const pattern = problems.usable(path, () => Wildcard.parse(wanted));
  return pattern === undefined ? [] : [{ kind, name: pattern }];
}
