/** `sealwright policy convert`: the same decisions in Kyverno's form, and every loss named. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { clusterImagePoliciesIn } from '../../src/core/policy/conversion/compared-policies.ts';
import { kyvernoForm } from '../../src/core/policy/conversion/kyverno-form.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT, type DraftInput } from '../support/instance.ts';
import { digestName } from './running-cluster.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const PEM = JSON.stringify(KEY.publicKey.toPem());
const BOB: DraftInput = { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } };
const ALICE = `{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}`;

function cip(spec: string): string {
  return `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec: {${spec}}\n`;
}

function losses(spec: string): readonly string[] {
  const [policy] = clusterImagePoliciesIn(cip(spec), 'p');
  assert.ok(policy !== undefined);
  return kyvernoForm(policy, { systemNamespace: 'cosign-system' }).losses.map(
    ({ path, effect }) => `${effect} ${path}`,
  );
}

const SHOP = 'images: [{glob: "r.example/shop/**"}]';

const LOSSES: Readonly<Record<string, readonly [spec: string, expected: readonly string[]]>> = {
  'an identity': [`${SHOP}, authorities: [${ALICE}]`, []],
  'a key': [`${SHOP}, authorities: [{key: {data: ${PEM}}}]`, []],
  'pods with a label': [
    `${SHOP}, match: [{version: v1, resource: pods, selector: {matchLabels: {a: b}}}], authorities: [${ALICE}]`,
    [],
  ],
  'a refusal beside it': [`${SHOP}, authorities: [${ALICE}, {static: {action: fail}}]`, []],
  'a refusal alone': [`${SHOP}, authorities: [{static: {action: fail}}]`, ['looser spec.authorities[0].static']],
  'a pass': [`${SHOP}, authorities: [${ALICE}, {static: {action: pass}}]`, ['tighter spec.authorities[1].static']],
  'a program': [`${SHOP}, authorities: [${ALICE}], policy: {type: cue, data: "a: 1"}`, ['looser spec.policy']],
  'a star within a folder': [
    `images: [{glob: "r.example/*/app@*"}], authorities: [${ALICE}]`,
    ['tighter spec.images[0].glob'],
  ],
  'one digest': [
    `images: [{glob: "r.example/app@sha256:${'a'.repeat(64)}"}], authorities: [${ALICE}]`,
    ['looser spec.images[0].glob'],
  ],
  'Docker Hub by a star': [`images: [{glob: "*"}], authorities: [${ALICE}]`, ['looser spec.images[0].glob']],
  'a TrustRoot': [
    `${SHOP}, authorities: [{keyless: {identities: [{issuer: i, subject: s}], trustRootRef: lab}, ctlog: {trustRootRef: lab}}]`,
    ['tighter spec.authorities[0].keyless.trustRootRef'],
  ],
  'a key with a log of its own': [
    `${SHOP}, authorities: [{key: {data: ${PEM}}, ctlog: {trustRootRef: lab}}]`,
    ['tighter spec.authorities[0].ctlog'],
  ],
  'a timestamp authority': [
    `${SHOP}, authorities: [{key: {data: ${PEM}}, rfc3161timestamp: {trustRootRef: lab}}]`,
    ['tighter spec.authorities[0].rfc3161timestamp'],
  ],
  'an attestation': [
    `${SHOP}, authorities: [{key: {data: ${PEM}}, attestations: [{name: a, predicateType: "https://slsa.dev/provenance/v1"}]}]`,
    ['tighter spec.authorities[0].attestations'],
  ],
};

for (const [what, [spec, expected]] of Object.entries(LOSSES)) {
  test(`${what}: ${expected.join(', ') || 'nothing is lost'}`, () => {
    assert.deepEqual(losses(spec), expected);
  });
}

test('what is converted decides as before, and what would let in more is not written', async (t) => {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const images = {
    alice: await world.pushSigned('shop/alice'),
    bob: await world.push('shop/bob'),
    key: await world.push('shop/key'),
    unsigned: await world.push('shop/unsigned'),
    elsewhere: await world.push('elsewhere/app'),
  };
  await world.sign(images.bob, BOB);
  await world.sign(images.key, { key: KEY, managed: true });
  const outcomes = async (file: string): Promise<readonly string[]> => {
    const names = Object.values(images).map(digestName);
    writeFileSync(
      sandbox.path('pod.json'),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', namespace: 'shop' },
        spec: { containers: names.map((image, index) => ({ name: `c${index}`, image })) },
      }),
    );
    const args = ['--policy', file, '--resource', 'pod.json', '--trusted-root', 'root.json', '-o', 'json'];
    const ended = await sandbox.run(['policy', 'test', ...args]);
    assert.notEqual(ended.stdout, '', ended.stderr);
    return (JSON.parse(ended.stdout) as { results: { outcome: string }[] }).results.map(({ outcome }) => outcome);
  };
  const convert = (...args: readonly string[]): Promise<Ended> => sandbox.run(['policy', 'convert', ...args]);
  const glob = `images: [{glob: "${world.host}/shop/**"}]`;
  for (const [spec, expected] of [
    [`${glob}, authorities: [${ALICE}]`, ['allow', 'deny', 'deny', 'deny', 'deny']],
    [`${glob}, authorities: [${ALICE}, {key: {data: ${PEM}}}]`, ['allow', 'deny', 'allow', 'deny', 'deny']],
    [
      `${glob}, authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subjectRegExp: "^(alice|bob)@example[.]com$"}]}}]`,
      ['allow', 'allow', 'deny', 'deny', 'deny'],
    ],
    [`${glob}, mode: warn, authorities: [${ALICE}]`, ['allow', 'warn', 'warn', 'warn', 'deny']],
  ] as const) {
    writeFileSync(sandbox.path('cip.yaml'), cip(spec));
    const converted = await convert('cip.yaml');
    assert.equal(converted.exitCode, 0, converted.stderr);
    writeFileSync(sandbox.path('kyverno.yaml'), converted.stdout);
    assert.deepEqual(await outcomes('cip.yaml'), expected);
    assert.deepEqual(await outcomes('kyverno.yaml'), expected, converted.stdout);
  }
  writeFileSync(sandbox.path('cip.yaml'), cip(`${glob}, authorities: [${ALICE}], policy: {type: cue, data: "a: 1"}`));
  const looser = await convert('cip.yaml');
  assert.deepEqual([looser.exitCode, errorCode(looser), looser.stdout], [20, 'POLICY_DENIED', '']);
  const allowed = await convert('cip.yaml', '--allow-looser');
  assert.match(
    allowed.stdout,
    /^# lost, looser: the policy's own program \(spec\.policy\); instead: .*\napiVersion: kyverno\.io\/v1\n/,
  );
  writeFileSync(sandbox.path('none.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n');
  assert.equal(errorCode(await convert('none.yaml')), 'USAGE_BAD_CONFIG');
});

test('from Kyverno: by itself or when asked, looser only when told to, and what is not decided here by name', async (t) => {
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const convert = (...args: readonly string[]): Promise<Ended> => sandbox.run(['policy', 'convert', ...args]);
  const rule = (more = ''): string => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: k}
spec:
  rules:
    - name: signed
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - {imageReferences: ["r.example/*"], failureAction: Enforce${more}, attestors: [{entries: [{keys: {publicKeys: ${PEM}}}]}]}
`;
  writeFileSync(sandbox.path('kyverno.yaml'), rule());
  writeFileSync(sandbox.path('looser.yaml'), rule(', mutateDigest: false'));
  writeFileSync(sandbox.path('tighter.yaml'), rule(', skipImageReferences: ["r.example/test*"]'));
  writeFileSync(sandbox.path('notary.yaml'), rule(', type: Notary'));
  writeFileSync(sandbox.path('cip.yaml'), cip(`${SHOP}, authorities: [${ALICE}]`));
  const kinds = ({ stdout }: Ended): readonly string[] =>
    [...stdout.matchAll(/^kind: (.*)$/gm)].map(([, kind]) => kind ?? '');

  assert.deepEqual(kinds(await convert('kyverno.yaml')), ['ClusterImagePolicy']);
  assert.deepEqual(kinds(await convert('kyverno.yaml', '--to', 'cip')), ['ClusterImagePolicy']);
  assert.deepEqual(kinds(await convert('kyverno.yaml', 'cip.yaml', '--to', 'cip')), ['ClusterImagePolicy']);
  assert.deepEqual(kinds(await convert('kyverno.yaml', 'cip.yaml', '--to', 'kyverno')), ['ClusterPolicy']);
  assert.equal(errorCode(await convert('kyverno.yaml', '--to', 'kyverno')), 'USAGE_BAD_CONFIG');
  assert.equal(errorCode(await convert('cip.yaml', '--to', 'cip')), 'USAGE_BAD_CONFIG');
  assert.equal(errorCode(await convert('notary.yaml')), 'FORMAT_POLICY');

  const tighter = await convert('tighter.yaml');
  assert.equal(tighter.exitCode, 0, tighter.stderr);
  assert.match(
    tighter.stdout,
    /^# lost, tighter: r\.example\/test\*: .* \(spec\.rules\[signed\]\.skipImageReferences\); instead: /,
  );
  assert.match(tighter.stderr, /ClusterPolicy k: lost, tighter: /);
  const looser = await convert('looser.yaml', 'kyverno.yaml');
  assert.deepEqual([looser.exitCode, errorCode(looser), kinds(looser).length], [20, 'POLICY_DENIED', 1]);
  const asJson = await convert('looser.yaml', 'tighter.yaml', '-o', 'json');
  const { policies } = JSON.parse(asJson.stdout) as {
    policies: { isLeftOut: boolean; documents: object[]; losses: { effect: string; instead?: string }[] }[];
  };
  assert.equal(asJson.exitCode, 20);
  assert.deepEqual(
    policies.map(({ isLeftOut, documents, losses: lost }) => [isLeftOut, documents.length, lost[0]?.effect]),
    [
      [true, 0, 'looser'],
      [false, 1, 'tighter'],
    ],
  );
  const allowed = await convert('looser.yaml', '--allow-looser');
  assert.deepEqual([allowed.exitCode, kinds(allowed)], [0, ['ClusterImagePolicy']]);
  assert.match(allowed.stdout, /^# lost, looser: that an image named by a tag is refused/);
});
