/** policy-controller's own test policies: what it refuses is refused with its text, what it accepts is accepted or refused by name. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image-policy-parser.ts';
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

/** Texts of the API server's, which checks types before any webhook is asked, and of keys that are refused by name here. */
const OTHERWISE: Readonly<Record<string, readonly [code: string, text: string]>> = {
  'empty-keyref-and-keylessref.yaml': ['FORMAT_POLICY', 'expected exactly one, got both: spec.authorities[0].key,'],
  'missing-identity.yaml': ['FORMAT_POLICY', 'missing field(s): spec.authorities[0].keyless.identities'],
  'v1beta1-missing-identity.yaml': ['FORMAT_POLICY', 'missing field(s): spec.authorities[0].keyless.identities'],
  'invalid-keyref-awskms.yaml': ['USAGE_BAD_CONFIG', 'spec.authorities[3].key.kms'],
  'v1beta1-invalid-keyref-awskms.yaml': ['USAGE_BAD_CONFIG', 'spec.authorities[3].key.kms'],
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

/** What each valid policy asks for that is not supported: none does without. */
const UNSUPPORTED: Readonly<Record<string, readonly string[]>> = {
  'v1beta1-valid-keylessref-awskms.yaml': ['spec.authorities[3].keyless.ca-cert'],
  'v1beta1-valid-keyref-awskms.yaml': ['spec.authorities[3].key.kms'],
  'v1beta1-valid-policy-glob.yaml': [
    'keyless.ca-cert',
    'spec.authorities[4].key.kms',
    'spec.authorities[5].key.secretRef',
  ],
  'v1beta1-valid-policy.yaml': ['spec.authorities[2].attestations', 'key.kms', 'key.secretRef'],
  'valid-keyless-with-source.yaml': ['spec.authorities[0].source'],
  'valid-keylessref-awskms.yaml': ['keyless.ca-cert'],
  'valid-keyref-awskms.yaml': ['key.kms'],
  'valid-policy-glob.yaml': ['keyless.ca-cert', 'key.secretRef'],
  'valid-policy-hash-algo-sha512.yaml': ['key.hashAlgorithm (sha512'],
  'valid-policy-hash-algo.yaml': ['attestations'],
  'valid-policy-keyless-ignore-sct.yaml': ['keyless.insecureIgnoreSCT'],
  'valid-policy-match-resource-label.yaml': ['keyless.ca-cert', 'attestations', 'key.kms', 'key.secretRef'],
  'valid-policy-match-resource.yaml': ['keyless.ca-cert', 'attestations', 'key.kms', 'key.secretRef'],
  'valid-policy.yaml': ['attestations'],
};

for (const [name, text] of load('valid')) {
  const unsupported = UNSUPPORTED[name];
  test(`valid/${name} is refused by the names of what is not supported, and for nothing else`, () => {
    const { code, facts } = refusal(text);
    assert.equal(code, 'USAGE_BAD_CONFIG', facts.found ?? '');
    assert.ok(unsupported !== undefined, `${name} is new: ${facts.found ?? ''}`);
    for (const field of unsupported) assert.ok(facts.found?.includes(field), `${facts.found ?? ''}\nlacks\n${field}`);
  });
}
