/** Makes `docs/policy-parity.md` of the tables in `test/policy-parity`: `npm run docs:policy-parity`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  CLUSTER_IMAGE_POLICY_TABLES,
  type PolicyParityTable,
  type PolicyVerdict,
} from '../test/policy-parity/cluster-image-policy-rows.ts';
import { KYVERNO_TABLES } from '../test/policy-parity/kyverno-rows.ts';
import { parityTable } from './parity-page.ts';

export const POLICY_PARITY_FILE = join(resolve(import.meta.dirname, '..'), 'docs', 'policy-parity.md');

export const PARITY_TABLES: readonly PolicyParityTable[] = [...CLUSTER_IMAGE_POLICY_TABLES, ...KYVERNO_TABLES];

const WORDS: Readonly<Record<PolicyVerdict, string>> = {
  same: 'same',
  better: '**better**',
  refused: 'refused by name',
  kept: 'kept, not used',
};

export function renderPolicyParity(): string {
  return [
    '# Other controllers’ policies, field by field',
    '',
    'Made by `npm run docs:policy-parity`. The left column is every field of the original’s own schema; a test fails when one of them has',
    'no row, and when the test that a row names is not there. *Same*: it means what it means to the original. *Refused by name*: a policy',
    'that uses it is refused when it is loaded, and the refusal names it.',
    '',
    ...PARITY_TABLES.flatMap((table) => parityTable(table, WORDS, 'fields')),
  ].join('\n');
}

if (import.meta.main) writeFileSync(POLICY_PARITY_FILE, renderPolicyParity());
