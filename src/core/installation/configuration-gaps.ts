import type { JsonFields } from '../encoding/json-fields.ts';
import { NEVER_GUARDED } from './installation-options.ts';
import { GUARDED_RESOURCES, IMAGE_CONDITION, PIN_CONDITION } from './webhook-configurations.ts';

const CHANGES = ['CREATE', 'UPDATE'] as const;
const MAX_ITEMS = 1000;

/**
 * Where one of our webhooks about images asks about less than it should, or about what keeps a cluster from starting; each a
 * sentence. What is never asked about, the webhook itself cannot notice.
 *
 * @param webhook one member of `webhooks`, as the API server has it
 * @param kind of the configuration: what only pins may be left out, what refuses may not
 * @throws FormatError with the code of `webhook` for members of wrong types
 */
export function configurationGaps(webhook: JsonFields, kind: string): readonly string[] {
  const conditions: readonly string[] = [
    IMAGE_CONDITION.expression,
    ...(kind === 'MutatingWebhookConfiguration' ? [PIN_CONDITION.expression] : []),
  ];
  const rules = webhook.objects('rules', MAX_ITEMS).map((rule) => ({
    groups: rule.strings('apiGroups', MAX_ITEMS),
    resources: rule.strings('resources', MAX_ITEMS),
    operations: rule.strings('operations', MAX_ITEMS),
  }));
  const covers = (group: string, resource: string, operation: string): boolean =>
    rules.some(
      ({ groups, resources, operations }) =>
        has(groups, group) && coversResource(resources, resource) && has(operations, operation),
    );
  const unasked = GUARDED_RESOURCES.flatMap(({ group, resource }) =>
    CHANGES.filter((operation) => !isNever(resource, operation) && !covers(group, resource, operation)).map(
      (operation) => `${operation} of ${resource}`,
    ),
  );
  return [
    ...(unasked.length === 0 ? [] : [`is not asked about ${unasked.join(', ')}`]),
    ...(isEmpty(webhook.optionalObject('objectSelector'))
      ? []
      : ['has an objectSelector, by which whoever makes an object can leave it out']),
    ...webhook.objects('matchConditions', MAX_ITEMS).flatMap((condition) => {
      const isOurs = conditions.includes(condition.optionalString('expression') ?? '');
      return isOurs ? [] : [`has a condition that no installation has: ${condition.optionalString('name') ?? ''}`];
    }),
    ...(leavesOutSystem(webhook.optionalObject('namespaceSelector'))
      ? []
      : [`is asked about ${NEVER_GUARDED[0] ?? ''} as well: a cluster that restarts would wait for it`]),
  ];
}

function has(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

function coversResource(list: readonly string[], resource: string): boolean {
  const [name = '', sub] = resource.split('/');
  if (list.includes('*/*') || list.includes(resource)) return true;
  return sub === undefined ? list.includes('*') : list.includes(`${name}/*`) || list.includes(`*/${sub}`);
}

/** Ephemeral containers are added by updates only. */
function isNever(resource: string, operation: string): boolean {
  return resource === 'pods/ephemeralcontainers' && operation === 'CREATE';
}

function isEmpty(selector: JsonFields | undefined): boolean {
  return selector === undefined || selector.names().every((name) => isNothing(selector, name));
}

function isNothing(selector: JsonFields, name: string): boolean {
  return name === 'matchLabels'
    ? (selector.optionalObject(name)?.names().length ?? 0) === 0
    : selector.array(name, MAX_ITEMS).length === 0;
}

function leavesOutSystem(selector: JsonFields | undefined): boolean {
  const expressions = selector?.objects('matchExpressions', MAX_ITEMS) ?? [];
  return expressions.some(
    (expression) =>
      expression.optionalString('key') === 'kubernetes.io/metadata.name' &&
      expression.optionalString('operator') === 'NotIn' &&
      expression.strings('values', MAX_ITEMS).includes(NEVER_GUARDED[0] ?? ''),
  );
}
