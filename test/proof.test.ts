/** The names of tests that docs/proof.md calls as witnesses are names of tests. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');

/** Files in backticks, each with the names in quotes behind it. */
function witnesses(text: string): readonly { readonly file: string; readonly names: readonly string[] }[] {
  return [...text.matchAll(/`(test\/[^`]+\.test\.ts)`: ("[^"]+"(?:, "[^"]+")*)/g)].map(([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  }));
}

const [, table = ''] = readFileSync(join(ROOT, 'docs', 'proof.md'), 'utf8').split('## Bad input');

test('every clause of bad input has its tests', () => {
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| What'));
  assert.ok(rows.length >= 10);
  for (const row of rows) assert.ok(witnesses(row).length > 0, row);
});

for (const { file, names } of witnesses(table)) {
  test(`${file} has the tests that docs/proof.md names`, () => {
    assert.ok(existsSync(join(ROOT, file)), file);
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const name of names) {
      const isTest = text.split('\n').some((line) => line.includes('test(') && line.includes(name));
      assert.ok(isTest, `${file}: ${name}`);
    }
  });
}
