/** policy-controller's own test policies: what it refuses is refused with its text, what it accepts is accepted. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { SealwrightError } from '../../../src/errors.ts';

const VECTORS = resolve(import.meta.dirname, '../../vectors/policy-controller');

function load(kind: 'valid' | 'invalid'): readonly (readonly [name: string, text: string])[] {
  const names = readdirSync(join(VECTORS, kind)).sort();
  return names.map((name) => [name, readFileSync(join(VECTORS, kind, name), 'utf8')]);
}

function refusal(text: string): SealwrightError {
  try {
    parseClusterImagePolicies(text, 'the file');
  } catch (error) {
    if (error instanceof SealwrightError) return error;
    throw error;
  }
  return assert.fail('accepted');
}

/** Texts of the API server's, which checks types before any webhook is asked. */
const OTHERWISE: Readonly<Record<string, readonly [code: string, text: string]>> = {
  'empty-keyref-and-keylessref.yaml': ['FORMAT_POLICY', 'expected exactly one, got both: spec.authorities[0].key,'],
  'missing-identity.yaml': ['FORMAT_POLICY', 'missing field(s): spec.authorities[0].keyless.identities'],
  'v1beta1-missing-identity.yaml': ['FORMAT_POLICY', 'missing field(s): spec.authorities[0].keyless.identities'],
};

for (const [name, text] of load('invalid')) {
  test(`invalid/${name} is refused`, () => {
    const { code, facts } = refusal(text);
    const special = OTHERWISE[name];
    const texts = [...text.matchAll(/^# ERROR: ?(?:validation failed: )?(.*)$/gm)].map(([, line = '']) => line.trim());
    assert.ok(texts.length > 0);
    assert.equal(code, special?.[0] ?? 'FORMAT_POLICY');
    for (const expected of special === undefined ? texts : [special[1]]) {
      assert.ok(facts.found?.includes(expected), `${facts.found ?? ''}\nlacks\n${expected}`);
    }
  });
}

for (const [name, text] of load('valid')) {
  test(`valid/${name} is accepted`, () => {
    assert.ok(parseClusterImagePolicies(text, 'the file').length > 0);
  });
}
