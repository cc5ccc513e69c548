import type { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject } from '../../encoding/json.ts';
import type { Conditions } from './conditions-evaluation.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

const OPERATORS: readonly string[] = [
  ...['Equals', 'NotEquals', 'Equal', 'NotEqual', 'In', 'AnyIn', 'AllIn', 'NotIn', 'AnyNotIn', 'AllNotIn'],
  ...['GreaterThanOrEquals', 'GreaterThan', 'LessThanOrEquals', 'LessThan'],
  ...['DurationGreaterThanOrEquals', 'DurationGreaterThan', 'DurationLessThanOrEquals', 'DurationLessThan'],
];
const MAX_BLOCKS = 100;
const MAX_CONDITIONS = 1000;

/** A list of blocks (`attestations[].conditions`). Lists that are empty say nothing, as in Kyverno. */
export function parseConditionBlocks(
  fields: JsonFields,
  name: string,
  path: string,
  problems: KyvernoProblems,
): Conditions {
  return fields
    .objects(name, MAX_BLOCKS)
    .flatMap((block, index) => parseBlock(block, `${path}.${name}[${index}]`, problems));
}

/** One block, or the first version's list of conditions that all have to hold (`preconditions`). */
export function parsePreconditions(
  fields: JsonFields,
  name: string,
  path: string,
  problems: KyvernoProblems,
): Conditions {
  const value = fields.value(name);
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return parseBlock(fields.object(name), `${path}.${name}`, problems, true);
  const all = fields
    .objects(name, MAX_CONDITIONS)
    .map((one, index) => parseCondition(one, `${path}.${name}[${index}]`, problems));
  return all.length === 0 ? [] : [{ all }];
}

/** @param demandsAny an empty `any` holds nowhere, which nobody means */
function parseBlock(block: JsonFields, path: string, problems: KyvernoProblems, demandsAny = false): Conditions {
  block.only('any', 'all');
  const parsed = (name: 'any' | 'all'): readonly JsonObject[] =>
    block.objects(name, MAX_CONDITIONS).map((one, index) => parseCondition(one, `${path}.${name}[${index}]`, problems));
  const [any, all] = [parsed('any'), parsed('all')];
  if (demandsAny && block.has('any') && any.length === 0) {
    problems.unsupported(`${path}.any`, 'without any condition it holds nowhere');
  }
  if (any.length === 0 && all.length === 0) return [];
  return [{ ...(any.length === 0 ? {} : { any }), ...(all.length === 0 ? {} : { all }) }];
}

function parseCondition(fields: JsonFields, path: string, problems: KyvernoProblems): JsonObject {
  fields.only('key', 'operator', 'value', 'message');
  const operator = fields.optionalString('operator') ?? '';
  if (!OPERATORS.includes(operator)) {
    problems.invalid(`${path}.operator`, `none of ${OPERATORS.join(', ')} (${operator.slice(0, 50)})`);
  }
  if (!fields.has('key')) problems.invalid(`${path}.key`, 'a condition needs a key');
  const message = fields.optionalString('message');
  return {
    key: fields.value('key') ?? null,
    operator,
    value: fields.value('value') ?? null,
    ...(message === undefined ? {} : { message }),
  };
}
