import type { JsonObject, JsonValue } from '../../../encoding/json.ts';
import type { Lose } from '../conversion-loss.ts';
import type { AttestationRule } from '../../kyverno/image-rule.ts';

const INSTEAD = 'attestations[].policy in Rego or CUE';
/** What a variable may begin with that is no member of the predicate. */
const NOT_PREDICATE: readonly string[] = [
  'request',
  'serviceAccountName',
  'serviceAccountNamespace',
  'images',
  'element',
];

/**
 * An entry of `attestations`, with the conditions as a program in Rego as far as they can be said.
 *
 * @param variables names of the rule's own, which are no members of the predicate
 */
export function attestationFor(
  { path, type, conditions }: AttestationRule,
  name: string,
  variables: readonly string[],
  lose: Lose,
): JsonObject {
  const common = { name, predicateType: type };
  if (conditions.length === 0) return common;
  const unsaid = [...NOT_PREDICATE, ...variables];
  const blocks = conditions.map((block, index) =>
    blockRules(block, index, `${path}.conditions[${index}]`, unsaid, lose),
  );
  const rules = blocks.flatMap(({ rules: own }) => own);
  const names = blocks.flatMap(({ names: own }) => own);
  if (names.length === 0) return common;
  const text = 'that every attestation of the type has to meet the conditions: one that does is enough';
  lose(`${path}.conditions`, text, 'looser', 'an authority that signs one attestation of the type');
  const program = ['package sigstore', '', 'default isCompliant = false', '', ...rules];
  return {
    ...common,
    policy: { type: 'rego', data: [...program, `isCompliant { ${names.join('; ')} }`, ''].join('\n') },
  };
}

/** A block says `all` of some, and `any` of others; rules of one name are alternatives. */
function blockRules(
  block: JsonObject,
  index: number,
  path: string,
  unsaid: readonly string[],
  lose: Lose,
): { readonly rules: readonly string[]; readonly names: readonly string[] } {
  const list = (member: 'any' | 'all'): readonly JsonObject[] =>
    (block[member] as readonly JsonObject[] | undefined) ?? [];
  const written = (member: 'any' | 'all'): readonly (readonly string[])[] | undefined => {
    const alternatives = list(member).map((condition) => conditionTests(condition, unsaid));
    const lost = list(member).filter((_, number) => alternatives[number] === undefined);
    for (const condition of lost) {
      const { key, operator } = condition;
      const whole = member === 'any' ? ', and so the whole block' : '';
      lose(`${path}.${member}`, `${JSON.stringify(operator)} over ${JSON.stringify(key)}${whole}`, 'looser', INSTEAD);
    }
    const known = alternatives.filter((one) => one !== undefined);
    return member === 'any' && lost.length > 0 ? [] : known;
  };
  const all = (written('all') ?? []).map((tests, number) => ({ name: `all_${index + 1}_${number + 1}`, tests }));
  const any = (written('any') ?? []).flat();
  const rules = [
    ...all.flatMap(({ name, tests }) => tests.map((test) => `${name} { ${test} }`)),
    ...any.map((test) => `any_${index + 1} { ${test} }`),
  ];
  return { rules, names: [...all.map(({ name }) => name), ...(any.length === 0 ? [] : [`any_${index + 1}`])] };
}

/** Tests of which one has to hold; undefined for what Rego would decide otherwise than Kyverno. */
function conditionTests(
  { key, operator, value = null }: JsonObject,
  unsaid: readonly string[],
): readonly string[] | undefined {
  const place = placeOf(key ?? null, unsaid);
  if (place === undefined) return undefined;
  const found = `found := ${place}`;
  switch (operator) {
    case 'Equals':
    case 'Equal':
      return isPlain(value) ? [`${found}; found == ${JSON.stringify(value)}`] : undefined;
    case 'NotEquals':
    case 'NotEqual':
      return isPlain(value) ? [`${found}; found != null; found != ${JSON.stringify(value)}`] : undefined;
    case 'In':
    case 'AnyIn': {
      const values: readonly JsonValue[] = Array.isArray(value) ? value : [value];
      if (values.length === 0 || !values.every(isPlain)) return undefined;
      return values.flatMap((one) => {
        const text = JSON.stringify(one);
        return [`${found}; found == ${text}`, ...(operator === 'AnyIn' ? [`${found}; found[_] == ${text}`] : [])];
      });
    }
    case 'GreaterThan':
      return compared(found, '>', value);
    case 'GreaterThanOrEquals':
      return compared(found, '>=', value);
    case 'LessThan':
      return compared(found, '<', value);
    case 'LessThanOrEquals':
      return compared(found, '<=', value);
    default:
      return undefined;
  }
}

function compared(found: string, sign: string, value: JsonValue): readonly string[] | undefined {
  return typeof value === 'number' ? [`${found}; is_number(found); found ${sign} ${JSON.stringify(value)}`] : undefined;
}

/** Texts that Kyverno compares letter by letter: no wildcards, and nothing that may be a number, a duration or a quantity. */
function isPlain(value: JsonValue): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && /^[A-Za-z_/:][^*?{}]*$/.test(value));
}

/** `{{ a.b[0]."c-d" }}` as a place in the statement; undefined for what is more than a path. */
function placeOf(key: JsonValue, unsaid: readonly string[]): string | undefined {
  if (typeof key !== 'string') return undefined;
  const step = String.raw`[A-Za-z_]\w*|"[^"\\]+"`;
  const path = new RegExp(String.raw`^\{\{\s*((?:${step})(?:\.(?:${step})|\[\d+\])*)\s*\}\}$`).exec(key)?.[1];
  if (path === undefined) return undefined;
  const steps = [...path.matchAll(/\[(\d+)\]|"([^"]+)"|(\w+)/g)].map(([, index, quoted, plain]) => ({
    index,
    name: quoted ?? plain ?? '',
  }));
  if (unsaid.includes(steps[0]?.name ?? '')) return undefined;
  return `input.predicate${steps.map(({ index, name }) => `[${index ?? JSON.stringify(name)}]`).join('')}`;
}
