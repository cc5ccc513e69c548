/** Every field has a row, every row a field and a test that is there; and the page is what the tables say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { PARITY_TABLES, POLICY_PARITY_FILE, renderPolicyParity } from '../../tools/policy-parity.ts';

const ROOT = resolve(import.meta.dirname, '../..');

for (const { title, fields, rows } of PARITY_TABLES) {
  test(`${title}: each field of the schema has one row`, () => {
    assert.ok(fields.length > 0);
    const named = rows.map(({ field }) => field);
    assert.deepEqual([...named].sort(), [...fields].sort());
  });

  test(`${title}: each row names a test that is there and says the field's name`, () => {
    const faults = rows.flatMap(({ field, proof }) => {
      const text = readFileSync(resolve(ROOT, proof.file), 'utf8');
      const name =
        field
          .split('.')
          .at(-1)
          ?.replace(/(\[\])+$/, '') ?? '';
      const missing = [
        ...(text.includes(proof.test) ? [] : [`no test "${proof.test}"`]),
        ...(field.startsWith('status') || text.includes(name) ? [] : [`never says ${name}`]),
      ];
      return missing.map((fault) => `${field}: ${proof.file}: ${fault}`);
    });
    assert.deepEqual(faults, []);
  });

  test(`${title}: what is better or refused says how`, () => {
    const silent = rows.filter(({ verdict, how }) => verdict !== 'same' && (how ?? '') === '');
    assert.deepEqual(silent, []);
  });
}

test('docs/policy-parity.md is what npm run docs:parity makes', () => {
  assert.equal(readFileSync(POLICY_PARITY_FILE, 'utf8'), renderPolicyParity());
});
