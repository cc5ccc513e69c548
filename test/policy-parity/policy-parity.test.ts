/** Every field has a row, every row a field and a test that is there; and the page is what the tables say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { faultsOf } from '../parity/parity-table.ts';
import { PARITY_TABLES, POLICY_PARITY_FILE, renderPolicyParity } from '../../tools/policy-parity.ts';

for (const { title, fields, rows } of PARITY_TABLES) {
  test(`${title}: each field of the schema has one row`, () => {
    assert.ok(fields.length > 0);
    const named = rows.map(({ field }) => field);
    assert.deepEqual([...named].sort(), [...fields].sort());
  });

  test(`${title}: each row names a test that is there and says the field's name`, () => {
    const faults = rows.flatMap((row) => {
      const name =
        row.field
          .split('.')
          .at(-1)
          ?.replace(/(\[\])+$/, '') ?? '';
      return faultsOf(row, [row.field.startsWith('status') ? '' : name]);
    });
    assert.deepEqual(faults, []);
  });

  test(`${title}: what is better or refused says how`, () => {
    const silent = rows.filter(({ verdict, how }) => verdict !== 'same' && (how ?? '') === '');
    assert.deepEqual(silent, []);
  });
}

test('docs/policy-parity.md is what npm run docs:policy-parity makes', () => {
  assert.equal(readFileSync(POLICY_PARITY_FILE, 'utf8'), renderPolicyParity());
});
