/** The definitions for the API server are policy-controller's: the same objects, versions and fields. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { JsonObject, JsonValue } from '../../../src/core/encoding/json.ts';
import { POLICY_DEFINITIONS } from '../../../src/core/policy/definitions/policy-definitions.ts';
import { peer } from '../../support/peers.ts';

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: object;
    readonly conversion: object;
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly subresources: object;
      readonly schema: { readonly openAPIV3Schema: JsonObject };
    }[];
  };
}

const OURS = POLICY_DEFINITIONS as unknown as readonly Definition[];
/** Our own: an API server drops what a schema does not name. */
const OWN_FIELDS = { 'spec.strictIdentities': 'boolean' };

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Every field of a schema, `[]` for the items of a list, with its type and what else is demanded of it. */
function fieldsOf(schema: JsonObject, path = ''): Record<string, string> {
  const { type, format, required } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true ? ' of anything' : '';
  const demanded = required === undefined ? '' : ` with ${(required as string[]).join(' and ')}`;
  const own =
    path === '' ? {} : { [path]: `${text(type)}${format === undefined ? '' : ` ${text(format)}`}${open}${demanded}` };
  const below = Object.entries((schema['properties'] ?? {}) as Record<string, JsonObject>).map(([name, member]) =>
    fieldsOf(member, path === '' ? name : `${path}.${name}`),
  );
  const items = schema['items'] as JsonObject | undefined;
  return Object.assign({}, own, ...below, items === undefined ? {} : fieldsOf(items, `${path}[]`)) as Record<
    string,
    string
  >;
}

function recorded(): Record<string, Record<string, string>> {
  const path = resolve(import.meta.dirname, '../../vectors/policy-controller/schema-fields.json');
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, string>>;
}

function fieldsByVersion(definitions: readonly Definition[]): Record<string, Record<string, string>> {
  return Object.fromEntries(
    definitions.flatMap(({ metadata, spec }) =>
      spec.versions.map(({ name, schema }) => [`${metadata.name} ${name}`, fieldsOf(schema.openAPIV3Schema)]),
    ),
  );
}

test('the fields and their types are those of the original, and one of our own', () => {
  const theirs = recorded();
  const ours = fieldsByVersion(OURS);
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  for (const [version, fields] of Object.entries(theirs)) {
    const own = version.startsWith('cluster') ? OWN_FIELDS : {};
    assert.deepEqual(ours[version], { ...fields, ...own }, version);
  }
});

test('the recorded fields, names and versions are those of the original', (t) => {
  const executable = peer(t, 'policy-validator');
  if (executable === undefined) return;
  const theirs = ['clusterimagepolicy', 'trustroot'].map(
    (kind) => parse(readFileSync(`${executable}.${kind}.yaml`, 'utf8')) as JsonValue as unknown as Definition,
  );
  assert.deepEqual(fieldsByVersion(theirs), recorded());
  for (const [index, their] of theirs.entries()) {
    const our = OURS[index]!;
    const facts = ({ metadata, spec }: Definition): object => ({
      ...metadata,
      group: spec.group,
      scope: spec.scope,
      names: spec.names,
      versions: spec.versions.map(({ name, served, storage, subresources }) => ({
        name,
        served,
        storage,
        subresources,
      })),
    });
    assert.deepEqual(facts(our), facts(their));
  }
});

test('the API server converts by itself, so that policies can be read and deleted while no webhook answers', () => {
  for (const { spec } of OURS) assert.deepEqual(spec.conversion, { strategy: 'None' });
  const [policies] = OURS;
  const [first, ...others] = (policies?.spec.versions ?? []).map(({ schema }) => schema);
  assert.ok(first !== undefined && others.length > 0);
  for (const other of others) assert.deepEqual(other, first);
});
