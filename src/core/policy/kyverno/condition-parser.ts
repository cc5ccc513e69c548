import type { JsonFields } from '../../encoding/json-fields.ts';
import type { ConditionGroup } from './condition.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

const MAX_GROUPS = 100;

export function parseConditionGroups(
  fields: JsonFields,
  path: string,
  problems: KyvernoProblems,
): readonly ConditionGroup[] {
  const groups = fields.objects('conditions', MAX_GROUPS);
  if (groups.length > 0) problems.unsupported(`${path}.conditions`, 'they ask about the predicate in JMESPath');
  return [];
}
