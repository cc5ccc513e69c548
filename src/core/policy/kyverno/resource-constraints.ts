import type { JsonFields } from '../../encoding/json-fields.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';
import { selects, type WildcardSelector } from './resource-filter.ts';
import { parseSelector } from './resource-filter-parser.ts';

/** Kubernetes' MatchResources (admissionregistration.k8s.io/v1): rules of which any fits, and none that excludes. */
export interface ResourceConstraints {
  readonly rules: readonly ResourceRule[];
  readonly excluded: readonly ResourceRule[];
  readonly namespaceSelector?: WildcardSelector;
  readonly objectSelector?: WildcardSelector;
}

export interface ResourceRule {
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  readonly operations: readonly string[];
  /** `pods`, `pods/ephemeralcontainers`, `pods/*`, `*`, `*\/*`. */
  readonly resources: readonly string[];
  readonly names: readonly string[];
  readonly scope: string;
}

const MAX_RULES = 100;
const MAX_VALUES = 1000;

export function parseResourceConstraints(
  fields: JsonFields | undefined,
  path: string,
  problems: KyvernoProblems,
): ResourceConstraints {
  fields?.only('resourceRules', 'excludeResourceRules', 'namespaceSelector', 'objectSelector', 'matchPolicy');
  const rules = (name: string): readonly ResourceRule[] =>
    (fields?.objects(name, MAX_RULES) ?? []).map((rule) => {
      rule.only('apiGroups', 'apiVersions', 'operations', 'resources', 'resourceNames', 'scope');
      return {
        groups: rule.strings('apiGroups', MAX_VALUES),
        versions: rule.strings('apiVersions', MAX_VALUES),
        operations: rule.strings('operations', MAX_VALUES),
        resources: rule.strings('resources', MAX_VALUES),
        names: rule.strings('resourceNames', MAX_VALUES),
        scope: rule.optionalString('scope') ?? '*',
      };
    });
  const included = rules('resourceRules');
  if (included.length === 0) problems.invalid(`${path}.resourceRules`, 'at least one rule is needed');
  const ofNamespace = parseSelector(fields?.optionalObject('namespaceSelector'), `${path}.namespaceSelector`, problems);
  const ofObject = parseSelector(fields?.optionalObject('objectSelector'), `${path}.objectSelector`, problems);
  return {
    rules: included,
    excluded: rules('excludeResourceRules'),
    ...(isEmpty(ofNamespace) ? {} : { namespaceSelector: ofNamespace }),
    ...(isEmpty(ofObject) ? {} : { objectSelector: ofObject }),
  };
}

/** An empty selector selects everything. */
function isEmpty(selector: WildcardSelector | undefined): selector is undefined {
  return selector === undefined || selector.matchLabels.length + selector.matchExpressions.length === 0;
}

/** What is not known of what is in the cluster already must not make a policy smaller than it is. */
export function constraintsMatch(constraints: ResourceConstraints, object: ReviewedObject): boolean {
  const { namespaceSelector, objectSelector } = constraints;
  const { namespaceLabels } = object;
  return (
    constraints.rules.some((rule) => ruleMatches(rule, object, true)) &&
    !constraints.excluded.some((rule) => ruleMatches(rule, object, false)) &&
    (objectSelector === undefined || selects(objectSelector, object.labels)) &&
    (namespaceSelector === undefined || namespaceLabels === undefined || selects(namespaceSelector, namespaceLabels))
  );
}

function ruleMatches(rule: ResourceRule, object: ReviewedObject, unknown: boolean): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  const { group, version, resource, request } = object;
  const subResource = request?.subResource ?? '';
  return (
    has(rule.groups, group) &&
    has(rule.versions, version) &&
    rule.resources.some((one) => isResource(one, resource, subResource)) &&
    (rule.operations.length === 0 || (request === undefined ? unknown : has(rule.operations, request.operation))) &&
    (rule.names.length === 0 || (request === undefined ? unknown : rule.names.includes(request.name))) &&
    (rule.scope === '*' || (rule.scope === 'Namespaced') === ((object.namespace ?? '') !== ''))
  );
}

/** Whoever is about pods is about the containers that are added to them. */
function isResource(pattern: string, resource: string, subResource: string): boolean {
  const [wanted = '', wantedSub] = pattern.split('/');
  if (wanted !== '*' && wanted !== resource) return false;
  if (wantedSub === undefined) return subResource === '' || subResource === 'ephemeralcontainers';
  return wantedSub === '*' || wantedSub === subResource;
}
