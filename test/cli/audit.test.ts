/** `sealwright audit`: the six states, one by one, against a registry that really is so; and the page on what changed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { AuditEntry } from '../../src/core/audit/audit-entry.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT, type DraftInput } from '../support/instance.ts';
import { Authority, revocation } from '../support/revocations.ts';
import { digestName, runningCluster, runs } from './running-cluster.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

const BOB: DraftInput = { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } };

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly file: (name: string, text: string) => string;
  readonly audit: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const file = (name: string, text: string): string => {
    writeFileSync(sandbox.path(name), text);
    return name;
  };
  file('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  file('policy.yaml', policy(world));
  return { world, sandbox, file, audit: (...args) => sandbox.run(['audit', ...args]) };
}

function policy({ host }: World): string {
  return keylessPolicy(ISSUER, SUBJECT, ['127.0.0.1:*/**', `${host}/**`]);
}

const TAKE = ['snapshot', '--system', 'shop', '--policy', 'policy.yaml', '--trusted-root', 'root.json'];

function entriesOf(ended: Ended): readonly AuditEntry[] {
  return (JSON.parse(ended.stdout) as { entries: readonly AuditEntry[] }).entries;
}

async function stateOf(lab: Lab, image: ImageReference, ...more: readonly string[]): Promise<AuditEntry> {
  const ended = await lab.audit(...TAKE, '-o', 'json', ...more, digestName(image));
  assert.equal(ended.exitCode, 0, ended.stderr);
  const [entry] = entriesOf(ended);
  assert.ok(entry !== undefined);
  return entry;
}

test('verified: a policy passed it by a signature', async (t) => {
  const lab = await openLab(t);
  const entry = await stateOf(lab, await lab.world.pushSigned('shop/app'));
  assert.equal(entry.state, 'verified');
  assert.deepEqual(entry.signers, [
    { kind: 'identity', name: `${SUBJECT}, authenticated by ${ISSUER}`, accepted: true },
  ]);
  assert.deepEqual(entry.policies, ['signed']);
});

test('signed-untrusted: by somebody whom no policy accepts, and by a key that nobody named', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.push('shop/bob');
  await lab.world.sign(image, BOB);
  const entry = await stateOf(lab, image);
  assert.deepEqual([entry.state, entry.code], ['signed-untrusted', 'IDENTITY_MISMATCH']);
  assert.match(entry.signers[0]?.name ?? '', /^bob@example\.com/);
  const byKey = await lab.world.push('shop/key');
  await lab.world.sign(byKey, { managed: true, key: PrivateKey.generate('ecdsa-p256') });
  assert.equal((await stateOf(lab, byKey)).state, 'signed-untrusted');
});

test('unsigned: its registry says that there is nothing', async (t) => {
  const lab = await openLab(t);
  const entry = await stateOf(lab, await lab.world.push('shop/bare'));
  assert.deepEqual([entry.state, entry.code, entry.signers], ['unsigned', 'NO_SIGNATURE', []]);
});

test('undetermined: each cause by its name', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.pushSigned('shop/app');
  const causes: readonly (readonly [string, () => Response])[] = [
    ['credentials', () => new Response('{}', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } })],
    ['registry', () => new Response('down', { status: 500 })],
    ['throttled', () => new Response('slow', { status: 429, headers: { 'retry-after': '3600' } })],
  ];
  for (const [cause, answer] of causes) {
    lab.world.fault.answer = answer;
    const entry = await stateOf(lab, image);
    assert.deepEqual(
      [entry.state, entry.cause, entry.code],
      ['undetermined', cause, 'COULD_NOT_CHECK'],
      entry.reason ?? '',
    );
  }
});

test('exempt: an exception with owner and end admits it', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.push('shop/old');
  const end = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`;
  lab.file(
    'exception.yaml',
    `apiVersion: sealwright.dev/v1alpha1
kind: ImageException
metadata: {name: old, namespace: default}
spec: {digests: ["${image.digest!.toString()}"], owner: team, reason: moving, ticket: T-1, from: "2025-12-01T00:00:00Z", expires: "${end}"}
`,
  );
  lab.file(
    'pod.yaml',
    `apiVersion: v1\nkind: Pod\nmetadata: {name: old}\nspec: {containers: [{name: c, image: "${digestName(image)}"}]}\n`,
  );
  const ended = await lab.audit(...TAKE, '--policy', 'exception.yaml', '--resource', 'pod.yaml', '-o', 'json');
  const [entry] = entriesOf(ended);
  assert.equal(entry?.state, 'exempt', ended.stderr);
  assert.equal(entry.exception?.owner, 'team');
});

test('revoked: it verifies, and its signer is not to be believed', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.pushSigned('shop/app');
  const people = new Authority(lab.world.instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  const stolen = revocation({ identity: { issuer: ISSUER, subject: SUBJECT } });
  const expires = new Date(Date.now() + 3_600_000);
  lab.file('authority.json', encodeRevocationAuthority(people.authority));
  lab.file(
    'revocations.json',
    await people.snapshot({ issuedAt: new Date(), expires, statements: [people.sign(stolen, ['ann'])] }),
  );
  const revocations = ['--revocations', 'revocations.json', '--revocation-authority', 'authority.json'];
  const entry = await stateOf(lab, image, ...revocations);
  assert.deepEqual([entry.state, entry.code], ['revoked', 'REVOKED']);
  assert.match(entry.reason ?? '', /ci-compromise/);
});

test('an image that no policy is about is never called verified', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.pushSigned('shop/app');
  lab.file('policy.yaml', policy(lab.world).replaceAll('/**', '/elsewhere/**'));
  const entry = await stateOf(lab, image, '--no-match', 'allow');
  assert.deepEqual([entry.state, entry.policies], ['signed-untrusted', []]);
  lab.file('policy.yaml', policy(lab.world).replace(/authorities: .*/, 'authorities: [{static: {action: pass}}]'));
  assert.equal((await stateOf(lab, image)).state, 'signed-untrusted');
  assert.equal((await stateOf(lab, await lab.world.push('shop/bare'))).state, 'unsigned');
});

test('manifests and Compose files; what names no image is told', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.pushSigned('shop/app');
  const tagged = image.atTag('1').toString();
  lab.file('compose.yaml', `services:\n  web: {image: "${tagged}"}\n  own: {build: .}\n`);
  const spec = `{containers: [{name: c, image: "${digestName(image)}"}], initContainers: [{name: i, image: "${tagged}"}], hostNetwork: true}`;
  const selector = '{matchLabels: {a: b}}';
  lab.file(
    'deployment.yaml',
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: ${selector}, template: {metadata: {labels: {a: b}}, spec: ${spec}}}\n`,
  );
  const ended = await lab.audit(...TAKE, '--resource', 'compose.yaml', '--resource', 'deployment.yaml', '-o', 'json');
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.deepEqual(
    entriesOf(ended).map(({ owner, path, source, state }) => [owner, path, source, state]),
    [
      ['Service web', 'services.web.image', 'tag', 'verified'],
      ['Deployment web', 'spec.template.spec.containers[0].image', 'spec', 'verified'],
      ['Deployment web', 'spec.template.spec.initContainers[0].image', 'tag', 'verified'],
    ],
  );
  assert.deepEqual(
    entriesOf(ended).map(({ exposure }) => exposure),
    [undefined, ['host-network'], ['host-network']],
  );
  assert.match(ended.stderr, /not looked at: compose\.yaml, services\.own/);
});

test('a threshold: reached, missed, and not to be told', async (t) => {
  const lab = await openLab(t);
  const [good, bare] = [await lab.world.pushSigned('shop/app'), await lab.world.push('shop/bare')];
  const images = [digestName(good), digestName(bare)];
  assert.equal((await lab.audit(...TAKE, '--fail-under', '50', ...images)).exitCode, 0);
  const missed = await lab.audit(...TAKE, '--fail-under', '51', ...images);
  assert.deepEqual([missed.exitCode, errorCode(missed)], [20, 'POLICY_DENIED']);
  lab.world.fault.answer = (request) =>
    request.url.includes('/shop/bare/') ? new Response('down', { status: 500 }) : undefined;
  const unknown = await lab.audit(...TAKE, '--fail-under', '51', ...images);
  assert.deepEqual([unknown.exitCode, errorCode(unknown)], [23, 'COULD_NOT_CHECK']);
});

test('before and after: the page on what changed, and two snapshots minutes apart that agree', async (t) => {
  const lab = await openLab(t);
  const [app, bare] = [
    await lab.world.push('shop/app'),
    await lab.world.pushSigned('shop/<b>bare'.replace('<b>', 'b')),
  ];
  const images = [digestName(app), digestName(bare)];
  await lab.audit(...TAKE, '--out', 'before.json', ...images);
  const again = await lab.audit(...TAKE, '--out', 'again.json', ...images);
  assert.match(again.stdout, /^shop: 2 containers {2}verified 1 {2}unsigned 1$/m);
  const digest = (name: string): string =>
    (JSON.parse(readFileSync(lab.sandbox.path(name), 'utf8')) as { contentDigest: string }).contentDigest;
  assert.equal(digest('again.json'), digest('before.json'));

  await lab.world.sign(app);
  await lab.audit(...TAKE, '--out', 'after.json', ...images);
  const markdown = await lab.audit(
    'diff',
    'before.json',
    'after.json',
    '--ticket',
    'SEC-77',
    '--fail-on',
    'regression',
  );
  assert.equal(markdown.exitCode, 0, markdown.stderr);
  assert.match(markdown.stdout, /it could be said who built 1 of 2 running images; on .*, 2 of 2\./);
  assert.match(
    markdown.stdout,
    /## What got better\n\n\| .*\n\|.*\n\| `Image` \| `.*shop\/app@sha256:.*` \| unsigned \| verified \| alice/,
  );
  assert.match(markdown.stdout, /Followed up in SEC-77/);
  const html = await lab.audit('diff', 'before.json', 'after.json', '-o', 'html');
  assert.match(html.stdout, /^<!doctype html>/);
  assert.match(html.stdout, /aria-label="Containers by state: verified 1 to 2, unsigned 1 to 0"/);
  assert.doesNotMatch(html.stdout, /<script|https?:\/\/(?!127)(?!accounts)/);
  const json = JSON.parse((await lab.audit('diff', 'before.json', 'after.json', '-o', 'json')).stdout) as {
    improvements: unknown[];
    wouldBreak: unknown[];
  };
  assert.deepEqual([json.improvements.length, json.wouldBreak.length], [1, 0]);

  writeFileSync(lab.sandbox.path('worse.json'), readFileSync(lab.sandbox.path('before.json')));
  const regressed = await lab.audit('diff', 'worse.json', 'worse.json', '--fail-on', 'regression');
  assert.equal(regressed.exitCode, 0, 'nothing changed');
  const backwards = await lab.audit('diff', 'after.json', 'before.json');
  assert.equal(errorCode(backwards), 'USAGE_BAD_FLAG');
  const metrics = await lab.audit(...TAKE, '-o', 'prometheus', ...images);
  assert.match(metrics.stdout, /^sealwright_audit_states\{system="shop",by="container",state="verified"\} 2$/m);
  assert.match(metrics.stdout, /^sealwright_audit_coverage_ratio\{system="shop",by="workload"\} 1$/m);
});

const REFUSALS: readonly (readonly [string, readonly string[], string])[] = [
  ['no system', ['snapshot', '--policy', 'policy.yaml', 'x'], 'USAGE_BAD_FLAG'],
  ['no policy without a cluster', ['snapshot', '--system', 's', 'x'], 'USAGE_BAD_FLAG'],
  ['a threshold over 100', [...TAKE, '--fail-under', '101', 'x'], 'USAGE_BAD_FLAG'],
  ['a threshold of nothing', [...TAKE, '--fail-under', 'pods:50', 'x'], 'USAGE_BAD_FLAG'],
  ['a state that is none', [...TAKE, '--fail-on', 'unsigned,fine', 'x'], 'USAGE_BAD_FLAG'],
  ['a manifest that is none', [...TAKE, '--resource', 'root.json'], 'FORMAT_POLICY'],
  ['a snapshot that is none', ['diff', 'root.json', 'root.json'], 'FORMAT_AUDIT'],
  ['a snapshot that is not there', ['diff', 'absent.json', 'absent.json'], 'USAGE_FILE'],
];

test('refused', async (t) => {
  const lab = await openLab(t);
  for (const [name, args, code] of REFUSALS) {
    const ended = await lab.audit(...args);
    assert.equal(errorCode(ended), code, `${name}: ${ended.stderr}`);
    assert.equal(ended.stdout, '');
  }
});

test('a cluster: by running digest, pods of one owner together, and what may not be listed', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  const [signed, bare] = [await world.pushSigned('shop/app'), await world.push('shop/side')];
  writeFileSync(sandbox.path('policy.yaml'), policy(world));
  await run({
    name: 'web',
    spec: {
      containers: [{ name: 'c', image: signed.atTag('1').toString() }],
      initContainers: [{ name: 'i', image: bare.atTag('1').toString() }],
    },
    status: {
      phase: 'Running',
      containerStatuses: [runs('c', 'x', digestName(signed))],
      initContainerStatuses: [runs('i', 'x', digestName(bare))],
    },
  });
  const args = [
    'audit',
    ...TAKE,
    '--kubeconfig',
    cluster.kubeconfig,
    '--pull-secrets=false',
    '-n',
    'shop',
    '-o',
    'json',
  ];
  const ended = await sandbox.run(args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.deepEqual(
    entriesOf(ended).map(({ owner, path, image, source, state, pods }) => [owner, path, image, source, state, pods]),
    [
      ['Pod web', 'spec.containers[0].image', digestName(signed), 'status', 'verified', 1],
      ['Pod web', 'spec.initContainers[0].image', digestName(bare), 'status', 'unsigned', 1],
    ],
  );
});
