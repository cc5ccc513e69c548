/** Makes `docs/policy-parity.md` of the tables in `test/policy-parity`: `npm run docs:parity`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CLUSTER_IMAGE_POLICY_TABLES } from '../test/policy-parity/cluster-image-policy-rows.ts';
import type { ParityRow, ParityTable, ParityVerdict } from '../test/policy-parity/parity-table.ts';

export const POLICY_PARITY_FILE = join(resolve(import.meta.dirname, '..'), 'docs', 'policy-parity.md');

export const PARITY_TABLES: readonly ParityTable[] = [...CLUSTER_IMAGE_POLICY_TABLES];

const WORDS: Readonly<Record<ParityVerdict, string>> = {
  same: 'same',
  better: '**better**',
  refused: 'refused by name',
  kept: 'kept, not used',
};

export function renderPolicyParity(): string {
  return [
    '# Other controllers’ policies, field by field',
    '',
    'Made by `npm run docs:parity`. The left column is every field of the original’s own schema; a test fails when one of them has no row, and',
    'when the test that a row names is not there. *Same*: it means what it means to the original. *Refused by name*: a policy that uses it',
    'is refused when it is loaded, and the refusal names it.',
    '',
    ...PARITY_TABLES.flatMap(render),
  ].join('\n');
}

function render({ title, fields, rows }: ParityTable): readonly string[] {
  const byField = new Map(rows.map((row) => [row.field, row]));
  const count = (verdict: ParityVerdict): number => rows.filter((row) => row.verdict === verdict).length;
  const counts = (Object.keys(WORDS) as ParityVerdict[])
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${WORDS[verdict]}`);
  return [
    `## ${title}`,
    '',
    `${fields.length} fields: ${counts.join(', ')}.`,
    '',
    '| Field | Here | Test |',
    '|---|---|---|',
    ...fields.map((field) => line(field, byField.get(field))),
    '',
  ];
}

function line(field: string, row: ParityRow | undefined): string {
  if (row === undefined) return `| \`${field}\` | no row | |`;
  const how = row.how === undefined ? '' : `: ${row.how}`;
  const { file, test } = row.proof;
  return `| \`${field}\` | ${cell(`${WORDS[row.verdict]}${how}`)} | [${cell(test.replace(/[:\s]+$/, ''))}](../${file}) |`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

if (import.meta.main) writeFileSync(POLICY_PARITY_FILE, renderPolicyParity());
