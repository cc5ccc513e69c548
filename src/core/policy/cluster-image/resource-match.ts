import type { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject } from '../../encoding/json.ts';
import type { LabelRequirement, LabelSelector, ResourceMatch } from './cluster-image-policy.ts';
import type { PolicyProblems } from '../document/policy-problems.ts';

/** What is being created or changed: the outermost object. */
export interface ReviewedObject {
  readonly group: string;
  readonly version: string;
  /** Lower-case plural. */
  readonly resource: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Policies of a namespace are about its objects alone. */
  readonly namespace?: string;
  /** The whole of it, for policies that ask for its spec, metadata or kind. */
  readonly document?: JsonObject;
  /** What it was before it was changed. */
  readonly oldDocument?: JsonObject;
  /** How it came, for policies that ask; absent for what is in the cluster already. */
  readonly request?: ReviewedRequest;
  /** Of its namespace, where they are known. */
  readonly namespaceLabels?: ReadonlyMap<string, string>;
}

/** Who asked for what. */
export interface ReviewedRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly kind: string;
  readonly subResource: string;
  readonly name: string;
  readonly user: string;
  readonly groups: readonly string[];
}

/** The original knows no others, and refuses them. */
const RESOURCES: readonly string[] = [
  'pods',
  'replicasets',
  'deployments',
  'statefulsets',
  'daemonsets',
  'jobs',
  'cronjobs',
];
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;
const MAX_REQUIREMENTS = 100;
const MAX_VALUES = 1000;

/** @throws FormatError FORMAT_POLICY for members of wrong types and unknown ones */
export function parseResourceMatch(fields: JsonFields, path: string, problems: PolicyProblems): ResourceMatch {
  fields.only('group', 'version', 'resource', 'selector');
  const group = fields.optionalString('group') ?? '';
  const version = fields.optionalString('version') ?? '';
  const resource = fields.optionalString('resource') ?? '';
  const selector = fields.optionalObject('selector');
  if (resource !== '' && !RESOURCES.includes(resource)) {
    problems.invalid(resource.slice(0, 100), `${path}.resource`, 'unsupported resource name');
  }
  if (selector !== undefined && group === '' && version === '' && resource === '') {
    problems.invalid('', `${path}.selector`, 'selector requires a resource type to match the labels');
  }
  return {
    group,
    version,
    resource,
    selector: selector === undefined ? undefined : parseSelector(selector, `${path}.selector`, problems),
  };
}

function parseSelector(fields: JsonFields, path: string, problems: PolicyProblems): LabelSelector {
  fields.only('matchLabels', 'matchExpressions');
  const labels = fields.optionalObject('matchLabels');
  return {
    matchLabels: new Map((labels?.names() ?? []).map((name) => [name, labels?.string(name) ?? ''])),
    matchExpressions: fields
      .objects('matchExpressions', MAX_REQUIREMENTS)
      .flatMap((entry, index) => parseRequirement(entry, `${path}.matchExpressions[${index}]`, problems)),
  };
}

function parseRequirement(fields: JsonFields, path: string, problems: PolicyProblems): LabelRequirement[] {
  fields.only('key', 'operator', 'values');
  const key = fields.string('key');
  const text = fields.string('operator');
  const values = fields.strings('values', MAX_VALUES);
  const operator = OPERATORS.find((known) => known === text);
  if (operator === undefined) {
    problems.invalid(text.slice(0, 100), `${path}.operator`, 'not a valid label selector operator');
    return [];
  }
  const wantsValues = operator === 'In' || operator === 'NotIn';
  if (wantsValues === values.length > 0) return [{ key, operator, values }];
  problems.invalid(
    values.join(', ').slice(0, 100),
    `${path}.values`,
    wantsValues ? 'at least one is needed' : 'none is allowed',
  );
  return [];
}

/** Whether a policy is about an object: about every one when it has no `match`. */
export function matchesResource(match: readonly ResourceMatch[], object: ReviewedObject): boolean {
  return match.length === 0 || match.some((entry) => fits(entry, object));
}

/** A version that is left out is the empty one, and fits nothing: so it is in the original. */
function fits({ group, version, resource, selector }: ResourceMatch, object: ReviewedObject): boolean {
  return (
    resource === object.resource &&
    group === object.group &&
    (version === '*' || version === object.version) &&
    (selector === undefined || selects(selector, object.labels))
  );
}

function selects(selector: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  return (
    [...selector.matchLabels].every(([name, value]) => labels.get(name) === value) &&
    selector.matchExpressions.every((requirement) => holdsRequirement(requirement, labels))
  );
}

/** As labels.Requirement: a label that is absent is in no set. */
export function holdsRequirement(
  { key, operator, values }: LabelRequirement,
  labels: ReadonlyMap<string, string>,
): boolean {
  const value = labels.get(key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
