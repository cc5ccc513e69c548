/** `sealwright revoke plan`: what a statement would stop, judged by the verifier itself, with nothing said and nothing changed. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SIGNING_TIME, SUBJECT, type DraftInput } from '../support/instance.ts';
import { Authority, revocation } from '../support/revocations.ts';
import { digestName, runningCluster, runs } from './running-cluster.ts';

const BOB: DraftInput = { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } };
const ALICE = ['--identity', SUBJECT, '--issuer', ISSUER];
const DENIED = 20;
const UNKNOWN = 23;

interface Plan {
  readonly containers: Record<string, number>;
  readonly countDemanded: string;
  readonly entries: readonly { readonly owner: string; readonly effect: string; readonly code?: string }[];
  readonly protected: readonly { readonly name: string }[];
  readonly notLookedAt: readonly { readonly what: string }[];
  readonly about: { readonly isBroad: boolean };
}

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly plan: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  prepare(world, sandbox);
  const base = ['revoke', 'plan', '--policy', 'policy.yaml', '--trusted-root', 'root.json', '-o', 'json'];
  return { world, sandbox, plan: (...args) => sandbox.run([...base, ...args]) };
}

function prepare(world: World, sandbox: Sandbox): void {
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(
    sandbox.path('policy.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "**"}]
  authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subjectRegExp: ".*"}]}}]
`,
  );
}

function read(ended: Ended): Plan {
  return JSON.parse(ended.stdout) as Plan;
}

/** One image signed by Alice, one by Alice and Bob, one by Bob, one by nobody. */
async function threeImages({ world }: Lab): Promise<readonly string[]> {
  const [alice, both, bob, bare] = [
    await world.pushSigned('shop/alice'),
    await world.pushSigned('shop/both'),
    await world.push('shop/bob'),
    await world.push('shop/bare'),
  ];
  await world.sign(both, BOB);
  await world.sign(bob, BOB);
  return [alice, both, bob, bare].flatMap((image) => ['--running', digestName(image)]);
}

test('an identity: one image stops, one stays by another signature, the others are not touched', async (t) => {
  const lab = await openLab(t);
  const ended = await lab.plan(...ALICE, ...(await threeImages(lab)));
  assert.equal(ended.exitCode, 0, ended.stderr);
  const plan = read(ended);
  assert.deepEqual(plan.containers, { stops: 1, unknown: 0, stays: 1, 'revoked-already': 0, untouched: 2 });
  assert.equal(plan.countDemanded, '1');
  assert.deepEqual(plan.entries.map(({ effect }) => effect).sort(), ['stays', 'stops']);
  assert.equal(plan.entries.find(({ effect }) => effect === 'stops')?.code, 'REVOKED');
  assert.equal(plan.about.isBroad, true);
  const text = await lab.sandbox.run([
    ...['revoke', 'plan', '--policy', 'policy.yaml', '--trusted-root', 'root.json', ...ALICE],
    ...(await threeImages(lab)),
  ]);
  assert.match(text.stdout, /1 would stop {2}1 would stay by another signature/);
  assert.match(text.stdout, /^containers: 1$/m);
});

test('windows, warnings and strangers stop nothing', async (t) => {
  const lab = await openLab(t);
  const images = await threeImages(lab);
  const after = new Date(SIGNING_TIME.getTime() + 86_400_000).toISOString();
  for (const about of [
    [...ALICE, '--from', after],
    [...ALICE, '--to', new Date(SIGNING_TIME.getTime() - 86_400_000).toISOString()],
    [...ALICE, '--action', 'warn'],
    ['--identity', 'nobody@example.com', '--issuer', ISSUER],
    ['--public-key', 'a'.repeat(64)],
    ['--repository', '*'],
  ]) {
    const ended = await lab.plan(...about, ...images);
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.deepEqual([about, read(ended).containers['stops'], read(ended).countDemanded], [about, 0, '0']);
  }
});

test('a digest is final whoever else has signed, and no broad selector', async (t) => {
  const lab = await openLab(t);
  const images = await threeImages(lab);
  const both = images[3] ?? '';
  const plan = read(await lab.plan(...images, both));
  assert.deepEqual([plan.containers['stops'], plan.about.isBroad], [1, false]);
});

test('what is revoked already is not counted again', async (t) => {
  const lab = await openLab(t);
  const people = new Authority(lab.world.instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  writeFileSync(lab.sandbox.path('authority.json'), encodeRevocationAuthority(people.authority));
  const statements = [people.sign(revocation({ identity: { issuer: ISSUER, subject: SUBJECT } }), ['ann'])];
  writeFileSync(
    lab.sandbox.path('revocations.json'),
    await people.snapshot({ issuedAt: new Date(), expires: new Date(Date.now() + 3_600_000), statements }),
  );
  const known = ['--revocations', 'revocations.json', '--revocation-authority', 'authority.json'];
  const images = await threeImages(lab);
  const again = read(await lab.plan(...known, ...ALICE, ...images));
  assert.deepEqual([again.containers['stops'], again.containers['revoked-already']], [0, 1]);
  const bob = read(await lab.plan(...known, '--identity', 'bob@*', '--issuer', ISSUER, ...images));
  assert.deepEqual([bob.containers['stops'], bob.countDemanded], [2, '2'], 'what Alice lost before does not stand in');
});

test('a registry that cannot be asked: said, counted, and no small number', async (t) => {
  const lab = await openLab(t);
  const images = await threeImages(lab);
  lab.world.fault.answer = (request) =>
    request.url.includes('/shop/bob/') ? new Response('down', { status: 500 }) : undefined;
  const ended = await lab.plan(...ALICE, ...images);
  assert.deepEqual([ended.exitCode, errorCode(ended)], [UNKNOWN, 'COULD_NOT_CHECK']);
  assert.equal(read(ended).countDemanded, '1+1');
});

test('no cluster and nothing named: one thing that was not looked at', async (t) => {
  const lab = await openLab(t);
  const ended = await lab.plan(...ALICE);
  assert.equal(errorCode(ended), 'COULD_NOT_CHECK', ended.stderr);
  assert.equal(read(ended).countDemanded, '0+1');
});

const REFUSALS: readonly (readonly [string, readonly string[], string])[] = [
  ['about nothing', ['--running', 'x'], 'USAGE_BAD_FLAG'],
  ['about two things', [...ALICE, '--public-key', 'a'.repeat(64), '--running', 'x'], 'USAGE_BAD_FLAG'],
  ['an end for a key', ['--public-key', 'a'.repeat(64), '--to', '2026-01-01T00:00:00Z'], 'FORMAT_REVOCATION'],
  ['a kubeconfig that is not there', [...ALICE, '--kubeconfig', 'absent'], 'USAGE_FILE'],
  ['a manifest that is none', [...ALICE, '--resource', 'root.json'], 'FORMAT_POLICY'],
];

test('refused', async (t) => {
  const lab = await openLab(t);
  for (const [name, args, code] of REFUSALS) {
    const ended = await lab.plan(...args);
    assert.equal(errorCode(ended), code, `${name}: ${ended.stderr}`);
  }
});

test('what the cluster cannot do without is refused unless it is named', async (t) => {
  const lab = await openLab(t);
  const image = digestName(await lab.world.pushSigned('shop/app'));
  for (const [namespace, isNeeded] of [
    ['kube-system', true],
    ['cosign-system', true],
    ['shop', false],
  ] as const) {
    const spec = `{containers: [{name: c, image: "${image}"}]}`;
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: ${namespace}}\nspec: ${spec}\n`;
    writeFileSync(lab.sandbox.path('pod.yaml'), pod);
    const ended = await lab.plan(...ALICE, '--resource', 'pod.yaml');
    assert.equal(read(ended).containers['stops'], 1);
    assert.equal(ended.exitCode, isNeeded ? DENIED : 0, ended.stderr);
    if (!isNeeded) continue;
    assert.equal(errorCode(ended), 'POLICY_DENIED');
    assert.match(ended.stderr, new RegExp(`--force-stop ${namespace}`));
    const other = await lab.plan(...ALICE, '--resource', 'pod.yaml', '--force-stop', 'other');
    assert.equal(errorCode(other), 'POLICY_DENIED');
    assert.equal((await lab.plan(...ALICE, '--resource', 'pod.yaml', '--force-stop', namespace)).exitCode, 0);
  }
});

test('a cluster: by what runs, each pod counted, and a namespace that may not be read', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  prepare(world, sandbox);
  const [alice, key] = [await world.pushSigned('shop/app'), await world.push('shop/key')];
  await world.sign(key, { managed: true, key: PrivateKey.generate('ecdsa-p256') });
  for (const name of ['web-1', 'web-2']) {
    await run({
      name,
      owner: 'ReplicaSet web',
      spec: { containers: [{ name: 'c', image: alice.atTag('1').toString() }] },
      status: { phase: 'Running', containerStatuses: [runs('c', 'x', digestName(alice))] },
    });
  }
  const base = ['revoke', 'plan', '--trusted-root', 'root.json', '--policy', 'policy.yaml', '-o', 'json', ...ALICE];
  const ended = await sandbox.run([...base, '--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '-n', 'shop']);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.deepEqual([read(ended).countDemanded, read(ended).entries.length], ['2', 1]);
  assert.match(await cluster.must(['get', 'pods', '-n', 'shop', '-o', 'name']), /web-1[\s\S]*web-2/);
});
