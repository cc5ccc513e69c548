/** The published schemas of what `-o json` prints: one for every document that says it has one, and each of them strict. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { assertPublished, PUBLISHED, publishedSchema, schemaProblems, type Schema } from '../support/json-schema.ts';

const SOURCE = resolve(import.meta.dirname, '../../src');
const NAMES = readdirSync(PUBLISHED).map((file) => file.replace(/\.schema\.json$/, ''));

test('each document that the code names has a schema, and each schema a document', () => {
  const named = new Set<string>();
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const [, name = '', version = ''] of readFileSync(resolve(SOURCE, file), 'utf8').matchAll(
      /'urn:sealwright:([a-z-]+):(v\d+)'/g,
    ))
      named.add(`${name}.${version}`);
  }
  assert.deepEqual([...named].sort(), [...NAMES].sort());
  assert.ok(named.has('verify-report.v1'));
});

for (const name of NAMES) {
  test(`${name} says whose schema it is, and demands what it describes`, () => {
    const schema = publishedSchema(name);
    const urn = `urn:sealwright:${name.replace(/\.(?=v\d+$)/, ':')}`;
    assert.equal(schema['$id'], urn);
    assert.deepEqual((schema['properties'] as Record<string, Schema>)['schema'], { const: urn });
    assert.ok((schema['required'] as string[]).includes('schema'));
    assert.equal(schema['additionalProperties'], false);
    assert.notDeepEqual(schemaProblems(schema, { schema: urn, stranger: 1 }), []);
  });
}

test('what is printed is held against its schema, whole or line by line', () => {
  const good =
    '{"schema":"urn:sealwright:policy-lint:v1","program":{"name":"sealwright","version":"1"},"lintedAt":"2026-01-01T00:00:00Z","findings":[]}';
  const bad = good.replace('"findings":[]', '"findings":[{"rule":1}]');
  assertPublished(good);
  assertPublished(`progress\n${good}\n`);
  assertPublished('{"other": true}');
  for (const printed of [bad, `${good}\n${bad}\n`, good.replace('lintedAt', 'at'), good.replace(':v1', ':v9')]) {
    assert.throws(() => {
      assertPublished(printed);
    }, printed);
  }
});
