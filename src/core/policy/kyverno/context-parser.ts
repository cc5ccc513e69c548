import type { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject } from '../../encoding/json.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

const MAX_ENTRIES = 100;
/** A word of JMESPath that needs no quotes. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** What the document of every evaluation holds, or what Kyverno has for rules of other kinds. */
const TAKEN: readonly string[] = [
  ...['request', 'serviceAccountName', 'serviceAccountNamespace', 'images', 'image'],
  ...['element', 'elementIndex', 'target'],
];
const CONFIG_MAP_INSTEAD =
  'nobody is asked for a decision; have what it would answer written into a ConfigMap, and name that';
const LOOKED_UP = {
  apiCall: CONFIG_MAP_INSTEAD,
  globalReference: CONFIG_MAP_INSTEAD,
  imageRegistry:
    'a registry is asked for signatures alone; have what matters attested, and ask conditions of the attestation',
} as const;

/**
 * `context` of a rule: variables that are worked out from the request and from one another, in their order, and ConfigMaps. What else
 * would have to be looked up is refused by name.
 *
 * @param namespace the policy's own, which then looks into no other
 * @returns as the engine reads them
 */
export function parseContext(
  fields: JsonFields,
  path: string,
  namespace: string | undefined,
  problems: KyvernoProblems,
): readonly JsonObject[] {
  const seen = new Set<string>();
  return fields.objects('context', MAX_ENTRIES).flatMap((entry, index): readonly JsonObject[] => {
    const place = `${path}.context[${index}]`;
    entry.only('name', 'variable', 'configMap', ...Object.keys(LOOKED_UP));
    problems.unsupportedMembers(entry, place, LOOKED_UP);
    const name = entry.optionalString('name') ?? '';
    if (name === '') problems.invalid(`${place}.name`, 'a name is required for context entries');
    else if (!NAME.test(name)) problems.unsupported(`${place}.name`, 'a word of letters, digits and _ is a name');
    if (TAKEN.includes(name)) problems.unsupported(`${place}.name`, `${name} means something else already`);
    if (seen.has(name)) problems.unsupported(`${place}.name`, `there is another entry ${name.slice(0, 63)}`);
    seen.add(name);
    const configMap = entry.optionalObject('configMap');
    const variable = entry.optionalObject('variable')?.only('value', 'jmesPath', 'default');
    if (configMap !== undefined) {
      if (variable !== undefined) problems.invalid(place, 'exactly one of configMap and variable is required');
      return [{ name, configMap: parseConfigMap(configMap, `${place}.configMap`, namespace, problems) }];
    }
    if (variable === undefined) {
      if (!Object.keys(LOOKED_UP).some((kind) => entry.has(kind))) {
        problems.invalid(place, 'a variable or a configMap is required');
      }
      return [];
    }
    const jmesPath = variable.optionalString('jmesPath') ?? '';
    const value = variable.value('value') ?? null;
    if (jmesPath === '' && value === null) {
      problems.invalid(`${place}.variable`, 'a variable must define a value or a jmesPath expression');
    }
    return [{ name, value, jmesPath, default: variable.value('default') ?? null }];
  });
}

/** Name and namespace may hold variables; then only a review shows which ConfigMap is meant (Kyverno refuses the others there too). */
function parseConfigMap(
  fields: JsonFields,
  path: string,
  own: string | undefined,
  problems: KyvernoProblems,
): JsonObject {
  fields.only('name', 'namespace');
  const name = fields.optionalString('name') ?? '';
  const namespace = fields.optionalString('namespace') ?? '';
  if (name === '') problems.invalid(`${path}.name`, 'a name is required for configMap context entry');
  if (namespace === '') problems.invalid(`${path}.namespace`, 'a namespace is required for configMap context entry');
  if (own !== undefined && namespace !== '' && namespace !== own && !namespace.includes('{{')) {
    problems.unsupported(`${path}.namespace`, `a policy of the namespace ${own} reads its own ConfigMaps alone`);
  }
  return { name, namespace, policyNamespace: own ?? '' };
}
