/** The left column of Kyverno's tables is what its own definitions say, and both forms of a kind have one schema. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { peer, peersFolder } from '../support/peers.ts';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

interface Definition {
  readonly spec: {
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** Refused whole: nothing below them is listed. */
const REFUSED_WHOLE = new Set([
  ...['validate', 'mutate', 'generate', 'celPreconditions', 'imageExtractors'].map((name) => `spec.rules[].${name}`),
  ...['apiCall', 'configMap', 'globalReference', 'imageRegistry'].map((name) => `spec.rules[].context[].${name}`),
  'spec.rules[].verifyImages[].validate',
  'spec.webhookConfiguration.matchConditions',
  'spec.podSecurity',
  'spec.conditions',
  'spec.attestors[].cosign.tuf',
  'spec.attestors[].notary',
  'spec.attestations[].referrer',
]);

/** Table, and the definitions that have its fields. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  'clusterpolicies.kyverno.io v1': ['kyverno.io_clusterpolicies', 'kyverno.io_policies'],
  'imagevalidatingpolicies.policies.kyverno.io v1': [
    'policies.kyverno.io_imagevalidatingpolicies',
    'policies.kyverno.io_namespacedimagevalidatingpolicies',
  ],
  'policyexceptions.kyverno.io v2': ['kyverno.io_policyexceptions'],
  'policyexceptions.policies.kyverno.io v1': ['policies.kyverno.io_policyexceptions'],
};

test("the fields of Kyverno's definitions are those of the tables", (t) => {
  if (peer(t, 'kyverno') === undefined) return;
  const path = resolve(import.meta.dirname, '../vectors/kyverno/schema-fields.json');
  const listed = JSON.parse(readFileSync(path, 'utf8')) as Record<string, readonly string[]>;
  assert.deepEqual(Object.keys(listed), Object.keys(TABLES));
  for (const [name, files] of Object.entries(TABLES)) {
    const [, version] = name.split(' ');
    for (const file of files) {
      const definition = parse(readFileSync(join(peersFolder(), 'bin', `kyverno.${file}.yaml`), 'utf8')) as Definition;
      const schema = definition.spec.versions.find((one) => one.name === version)?.schema.openAPIV3Schema;
      const spec = schema?.properties?.['spec'];
      assert.ok(spec !== undefined, file);
      assert.deepEqual([...fields(spec, 'spec')].sort(), [...(listed[name] ?? [])].sort(), file);
    }
  }
});

function fields(schema: Schema, path: string): readonly string[] {
  if (REFUSED_WHOLE.has(path)) return [path];
  const { items, additionalProperties, properties = {} } = schema;
  if (items !== undefined) return [path, ...fields(items, `${path}[]`)];
  const inner = typeof additionalProperties === 'object' ? (additionalProperties.properties ?? {}) : properties;
  return [path, ...Object.entries(inner).flatMap(([name, member]) => fields(member, `${path}.${name}`))];
}
