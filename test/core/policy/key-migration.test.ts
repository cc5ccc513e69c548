/** A policy on its way from a key to an identity: each step by its text, and what cannot be moved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { clusterImagePoliciesIn } from '../../../src/core/policy/conversion/compared-policies.ts';
import { acceptingBoth, keylessOnly, keyStage } from '../../../src/core/policy/conversion/key-migration.ts';
import { FormatError, UsageError } from '../../../src/errors.ts';

const WHO = { issuer: 'https://issuer.example', subject: 'ci@example.com' };
const END = new Date('2030-02-01T00:00:00Z');
const PEM = PrivateKey.generate('ecdsa-p256').publicKey.toPem();

function policy(name: string, more = ''): string {
  const pem = PEM.trimEnd()
    .split('\n')
    .map((line) => `          ${line}`);
  return `# owned by payments
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: ${name}
spec:
  images:
    - glob: "registry.example/**"
  authorities:
    - name: old
      key:
        data: |
${pem.join('\n')}
${more}`;
}

const ATTESTED = `      attestations:
        - name: prov
          predicateType: slsaprovenance
`;

test('a key alone: it is named, and nothing is said to overlap', () => {
  const { keys, until } = keyStage(policy('shop'), 'p', WHO);
  assert.equal(keys.length, 1);
  assert.match(keys[0] ?? '', /^shop: the key [0-9a-f]{64}$/);
  assert.equal(until, undefined);
});

test('both, then the identity alone; comments stay, and a step made twice changes nothing', () => {
  const both = acceptingBoth(`${policy('shop')}---\n${policy('pay')}`, 'p', WHO, END);
  assert.deepEqual(keyStage(both, 'p', WHO).until, END);
  assert.equal(keyStage(both, 'p', WHO).keys.length, 2);
  assert.equal(both.match(/# owned by payments/g)?.length, 2);
  assert.equal(acceptingBoth(both, 'p', WHO, new Date('2031-01-01T00:00:00Z')), both, 'the end that was set stays');
  const after = keylessOnly(both, 'p', WHO);
  assert.deepEqual(keyStage(after, 'p', WHO), { keys: [] });
  assert.doesNotMatch(after, /keys-until|BEGIN PUBLIC KEY/);
  assert.equal(keylessOnly(after, 'p', WHO), after);
  assert.equal(keylessOnly(`${policy('shop')}---\n${policy('pay')}`, 'p', WHO), after);
});

test('the identity has to meet what the key had to: attestations are not lost', () => {
  const [after] = clusterImagePoliciesIn(keylessOnly(policy('shop', ATTESTED), 'p', WHO), 'p');
  const [authority] = after?.authorities ?? [];
  assert.ok(authority?.kind === 'keyless');
  assert.equal(authority.attestations[0]?.predicateType, 'slsaprovenance');
});

test('another identity, weaker demands, or no end: that is no overlap', () => {
  const both = acceptingBoth(policy('shop', ATTESTED), 'p', WHO, END);
  assert.equal(keyStage(both, 'p', { ...WHO, subject: 'eve@example.com' }).until, undefined);
  assert.equal(keyStage(both.replace(/ {2}annotations:\n.*\n/, ''), 'p', WHO).until, undefined);
  assert.equal(keyStage(both.replace(/2030-02-01T00:00:00Z/, 'soon'), 'p', WHO).until, undefined);
  const last = both.lastIndexOf('      attestations:');
  assert.equal(keyStage(both.slice(0, last), 'p', WHO).until, undefined, 'without the attestation');
  assert.equal(keyStage(`${both}---\n${policy('pay')}`, 'p', WHO).until, undefined, 'one of two');
});

test('a key in a List cannot be edited where it stands, and is not passed over', () => {
  const [, body = ''] = policy('shop').split('# owned by payments\n');
  const list = `apiVersion: v1\nkind: List\nitems:\n${body
    .trimEnd()
    .split('\n')
    .map((line, at) => `${at === 0 ? '  - ' : '    '}${line}`)
    .join('\n')}\n`;
  assert.equal(keyStage(list, 'p', WHO).keys.length, 1);
  assert.throws(
    () => keylessOnly(list, 'p', WHO),
    (error: unknown) => error instanceof UsageError && error.code === 'USAGE_BAD_CONFIG',
  );
});

test('what admission cannot read is not rewritten', () => {
  assert.throws(
    () => acceptingBoth(`${policy('shop')}spec: {}\n`, 'p', WHO, END),
    (error: unknown) => error instanceof FormatError && error.code === 'FORMAT_POLICY',
  );
});

test('a policy of another form beside it: its keys are not said to be none', () => {
  const kyverno = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: other}
spec:
  rules:
    - name: signed
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - failureAction: Enforce
          imageReferences: ["registry.example/*"]
          attestors: [{entries: [{keys: {publicKeys: ${JSON.stringify(PEM)}}}]}]
`;
  for (const text of [kyverno, `${policy('shop')}---\n${kyverno}`]) {
    for (const use of [keyStage, keylessOnly]) {
      assert.throws(
        () => use(text, 'p', WHO),
        (error: unknown) =>
          error instanceof UsageError &&
          error.code === 'USAGE_BAD_CONFIG' &&
          (error.facts.found ?? '').includes('other'),
      );
    }
  }
});
