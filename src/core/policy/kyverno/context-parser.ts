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
const LOOKED_UP = {
  configMap: 'nothing is looked up for a rule',
  apiCall: 'nothing is looked up for a rule',
  imageRegistry: 'nothing is looked up for a rule',
  globalReference: 'nothing is looked up for a rule',
} as const;

/**
 * `context` of a rule: variables that are worked out from the request and from one another, in their order. What would have to be
 * looked up is refused by name.
 *
 * @returns as the engine reads them
 */
export function parseContext(fields: JsonFields, path: string, problems: KyvernoProblems): readonly JsonObject[] {
  const seen = new Set<string>();
  return fields.objects('context', MAX_ENTRIES).flatMap((entry, index): readonly JsonObject[] => {
    const place = `${path}.context[${index}]`;
    entry.only('name', 'variable', ...Object.keys(LOOKED_UP));
    problems.unsupportedMembers(entry, place, LOOKED_UP);
    const name = entry.optionalString('name') ?? '';
    if (name === '') problems.invalid(`${place}.name`, 'a name is required for context entries');
    else if (!NAME.test(name)) problems.unsupported(`${place}.name`, 'a word of letters, digits and _ is a name');
    if (TAKEN.includes(name)) problems.unsupported(`${place}.name`, `${name} means something else already`);
    if (seen.has(name)) problems.unsupported(`${place}.name`, `there is another entry ${name.slice(0, 63)}`);
    seen.add(name);
    const variable = entry.optionalObject('variable')?.only('value', 'jmesPath', 'default');
    if (variable === undefined) {
      if (!Object.keys(LOOKED_UP).some((kind) => entry.has(kind))) problems.invalid(place, 'a variable is required');
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
