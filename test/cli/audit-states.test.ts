/**
 * The six states one by one against a registry that really is so, a process of Docker's own; and each state by each place that an
 * audit knows images from: a cluster, a folder of manifests, what Helm prints, a Compose file, a list.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { AUDIT_STATES, type AuditEntry, type AuditState } from '../../src/core/audit/audit-entry.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { parseReference, type ImageReference } from '../../src/core/image/reference.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT, type DraftInput } from '../support/instance.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { freePort } from '../support/peer-process.ts';
import { peer } from '../support/peers.ts';
import { Authority, revocation } from '../support/revocations.ts';
import { send } from '../support/registry-server.ts';
import { LOGIN, realRegistries, type RealRegistries } from './real-registries.ts';
import { digestName, runs } from './running-cluster.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

const execute = promisify(execFile);
const BOB: DraftInput = { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } };
const FILES = [
  '--trusted-root',
  'root.json',
  '--revocations',
  'revocations.json',
  '--revocation-authority',
  'authority.json',
];
const TAKE = ['audit', 'snapshot', '--system', 'shop', '--policy', 'policies', ...FILES, '-o', 'json'];

interface Shop {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly registries: RealRegistries;
  /** An image that is in each state, by name and digest. */
  readonly images: Readonly<Record<AuditState, string>>;
  readonly good: ImageReference;
  readonly file: (name: string, text: string) => string;
  readonly take: (...more: readonly string[]) => Promise<Ended>;
}

async function openShop(t: TestContext): Promise<Shop | undefined> {
  const executable = peer(t, 'docker-registry');
  if (executable === undefined) return undefined;
  const registries = await realRegistries(t, executable);
  const world = World.over(t, registries.open);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const file = (name: string, text: string): string => {
    mkdirSync(dirname(sandbox.path(name)), { recursive: true });
    writeFileSync(sandbox.path(name), text);
    return name;
  };
  const good = await world.pushSigned('shop/good');
  const [old, stolen, bob] = [
    await world.push('shop/old'),
    await world.pushSigned('shop/stolen'),
    await world.push('shop/bob'),
  ];
  await world.sign(bob, BOB);
  const end = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`;
  file('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  file('policies/signed.yaml', keylessPolicy(ISSUER, SUBJECT, ['127.0.0.1:*/**']));
  file(
    'policies/old.yaml',
    `apiVersion: sealwright.dev/v1alpha1
kind: ImageException
metadata: {name: old, namespace: default}
spec: {digests: ["${old.digest!.toString()}"], owner: team, reason: moving, ticket: T-1, from: "2025-12-01T00:00:00Z", expires: "${end}"}
`,
  );
  const people = new Authority(world.instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  const denied = revocation({ digest: [stolen.digest!.toString()] });
  file('authority.json', encodeRevocationAuthority(people.authority));
  file(
    'revocations.json',
    await people.snapshot({
      issuedAt: new Date(),
      expires: new Date(Date.now() + 3_600_000),
      statements: [people.sign(denied, ['ann'])],
    }),
  );
  return {
    ...{ world, sandbox, registries, good, file },
    take: (...more) => sandbox.run([...TAKE, ...more]),
    images: {
      verified: digestName(good),
      exempt: digestName(old),
      undetermined: digestName(good).replace(registries.open, registries.guarded),
      'signed-untrusted': digestName(bob),
      unsigned: digestName(await world.push('shop/bare')),
      revoked: digestName(stolen),
    },
  };
}

function entriesOf(ended: Ended): readonly AuditEntry[] {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return (JSON.parse(ended.stdout) as { entries: readonly AuditEntry[] }).entries;
}

async function entryOf(shop: Shop, image: string, ...more: readonly string[]): Promise<AuditEntry> {
  const [entry] = entriesOf(await shop.take(...more, image));
  assert.ok(entry !== undefined);
  return entry;
}

async function status(host: string, path: string): Promise<number> {
  // Without a type that it has, this registry denies that there is a manifest.
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  return (await send({ url: `http://${host}` }, 'GET', `/v2/${path}`, { headers })).status;
}

test('verified, signed-untrusted and revoked, as Docker’s registry has the signatures', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const good = await entryOf(shop, shop.images.verified);
  assert.deepEqual([good.state, good.signers[0]?.kind], ['verified', 'identity']);
  const bob = await entryOf(shop, shop.images['signed-untrusted']);
  assert.deepEqual([bob.state, bob.code], ['signed-untrusted', 'IDENTITY_MISMATCH']);
  assert.match(bob.signers[0]?.name ?? '', /^bob@example\.com/);
  const byKey = await shop.world.push('shop/key');
  await shop.world.sign(byKey, { managed: true, key: PrivateKey.generate('ecdsa-p256') });
  assert.equal((await entryOf(shop, digestName(byKey))).state, 'signed-untrusted');
  const stolen = await entryOf(shop, shop.images.revoked);
  assert.deepEqual([stolen.state, stolen.code], ['revoked', 'REVOKED']);
});

test('unsigned: the registry has the image, and says that it has nothing that belongs to it', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const [, digest = ''] = shop.images.unsigned.split('@');
  assert.equal(await status(shop.registries.open, `shop/bare/manifests/${digest}`), 200);
  assert.equal(await status(shop.registries.open, `shop/bare/manifests/${digest.replace(':', '-')}`), 404);
  const bare = await entryOf(shop, shop.images.unsigned);
  assert.deepEqual([bare.state, bare.code, bare.signers], ['unsigned', 'NO_SIGNATURE', []]);
});

test('unreadable is undetermined, never unsigned; with a login it turns out to be verified', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  assert.equal(await status(shop.registries.guarded, 'shop/good/tags/list'), 401);
  const unread = await entryOf(shop, shop.images.undetermined);
  assert.deepEqual([unread.state, unread.cause, unread.code], ['undetermined', 'credentials', 'COULD_NOT_CHECK']);
  const { name, password } = LOGIN;
  const wrong = ['--registry-username', name, '--registry-password', 'guess'];
  assert.equal((await entryOf(shop, shop.images.undetermined, ...wrong)).cause, 'credentials');
  const login = ['--registry-username', name, '--registry-password', password];
  assert.equal((await entryOf(shop, shop.images.undetermined, ...login)).state, 'verified');
});

test('an image that was deleted is not found, never unsigned, whether a policy asks or none; with its signature left it is judged by that', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const { world, sandbox, good, images } = shop;
  const bare = world.client;
  const [, digest = ''] = images.unsigned.split('@');
  await bare.deleteManifest(parseReference(images.unsigned));
  assert.equal(await status(shop.registries.open, `shop/bare/manifests/${digest}`), 404);
  const asked = await entryOf(shop, images.unsigned);
  assert.deepEqual([asked.state, asked.cause, asked.code], ['undetermined', 'not-found', 'COULD_NOT_CHECK']);
  assert.match(asked.reason ?? '', /does not have the image, nor a signature of it/);

  const nobody = shop.file(
    'nobody.yaml',
    readFileSync(sandbox.path('policies/signed.yaml'), 'utf8').replace('127.0.0.1:*/**', 'h.example/**'),
  );
  const unasked = await sandbox.run([
    'audit',
    'snapshot',
    '--system',
    'shop',
    '--policy',
    nobody,
    ...FILES,
    '-o',
    'json',
    images.unsigned,
  ]);
  assert.deepEqual(
    entriesOf(unasked).map(({ state, cause }) => [state, cause]),
    [['undetermined', 'not-found']],
  );

  const verified = await sandbox.run([
    ...['verify', '--trusted-root', 'root.json', '--certificate-identity', SUBJECT],
    ...['--certificate-oidc-issuer', ISSUER, images.unsigned],
  ]);
  assert.deepEqual([verified.exitCode, errorCode(verified)], [11, 'IMAGE_NOT_FOUND'], verified.stderr);

  await bare.deleteManifest(good);
  const [name = '', gone = ''] = images.verified.split('@');
  assert.equal(await status(shop.registries.open, `${name.slice(name.indexOf('/') + 1)}/manifests/${gone}`), 404);
  assert.equal((await entryOf(shop, images.verified)).state, 'verified', 'its signature is still there');
});

test('throttled: from the first request, and half-way', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const { limited, open } = shop.registries;
  const free = await entryOf(shop, digestName(shop.good).replace(open, await limited(1000)));
  assert.equal(free.state, 'verified', 'the front lets everything through');
  for (const requests of [0, 2]) {
    const entry = await entryOf(shop, digestName(shop.good).replace(open, await limited(requests)));
    assert.deepEqual(
      [entry.state, entry.cause],
      ['undetermined', 'throttled'],
      `after ${requests}: ${entry.reason ?? ''}`,
    );
  }
});

test('a registry that is not there is undetermined, and stops no other', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const absent = `127.0.0.1:${await freePort()}`;
  const entries = entriesOf(
    await shop.take(digestName(shop.good).replace(shop.registries.open, absent), shop.images.verified),
  );
  assert.deepEqual(entries.map(({ state, cause }) => [state, cause]).sort(), [
    ['undetermined', 'registry'],
    ['verified', undefined],
  ]);
});

test('exempt: by an exception with an owner and an end, and only until then', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const old = await entryOf(shop, shop.images.exempt);
  assert.deepEqual([old.state, old.exception?.owner], ['exempt', 'team']);
  const ended = readFileSync(shop.sandbox.path('policies/old.yaml'), 'utf8').replace(
    /expires: "[^"]+"/,
    'expires: "2026-01-01T00:00:00Z"',
  );
  shop.file('policies/old.yaml', ended);
  assert.equal((await entryOf(shop, shop.images.exempt)).state, 'unsigned');
});

const PODS = (images: Shop['images']): string =>
  AUDIT_STATES.map(
    (state) =>
      `apiVersion: v1\nkind: Pod\nmetadata: {name: ${state}}\nspec: {containers: [{name: c, image: "${images[state]}"}]}\n`,
  ).join('---\n');

/** By owner: what is in which state. */
function states(ended: Ended): Readonly<Record<string, AuditState>> {
  return Object.fromEntries(entriesOf(ended).map(({ owner, state }) => [owner.split(' ')[1] ?? '', state]));
}

const EACH = Object.fromEntries(AUDIT_STATES.map((state) => [state, state]));

test('every state from a folder of manifests, with the folders below it', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const [first = '', ...rest] = PODS(shop.images).split('---\n');
  shop.file('manifests/first.yaml', first);
  shop.file('manifests/below/rest.yml', rest.join('---\n'));
  shop.file('manifests/README.md', 'none of them');
  shop.file('manifests/values.yaml', 'replicas: 3\n');
  shop.file('manifests/.hidden/x.yaml', 'none of them');
  const ended = await shop.take('--resource', 'manifests');
  assert.deepEqual(states(ended), EACH);
  assert.equal(ended.stderr.match(/not looked at/g)?.length, 1);
  assert.match(ended.stderr, /not looked at: manifests\/values\.yaml: FORMAT_POLICY/);
});

test('every state from what Helm prints, through a pipe', async (t) => {
  const shop = await openShop(t);
  const helm = peer(t, 'helm');
  if (shop === undefined || helm === undefined) return;
  shop.file('chart/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  shop.file('chart/values.yaml', JSON.stringify({ images: shop.images }));
  shop.file(
    'chart/templates/pods.yaml',
    `{{- range $name, $image := .Values.images }}
---
apiVersion: v1
kind: Pod
metadata: { name: {{ $name }} }
spec: { containers: [ { name: c, image: {{ $image | quote }} } ] }
{{- end }}
`,
  );
  const { stdout } = await execute(helm, ['template', 'shop', shop.sandbox.path('chart')], {
    env: { HOME: shop.sandbox.home, PATH: process.env['PATH'] },
  });
  const piped = await shop.sandbox.run([...TAKE, '--resource', '-'], { input: stdout });
  assert.deepEqual(states(piped), EACH);
  assert.equal((JSON.parse(piped.stdout) as { scope: string }).scope, 'standard input');
  assert.deepEqual(states(await shop.take('--resource', shop.file('rendered.yaml', stdout))), EACH);
});

test('every state from a Compose file', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const services = Object.fromEntries(AUDIT_STATES.map((state) => [state, { image: shop.images[state] }]));
  const ended = await shop.take('--resource', shop.file('compose.yaml', JSON.stringify({ services })));
  assert.deepEqual(states(ended), EACH);
});

test('every state from a list of images, in a file and through a pipe', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const text = `# what we run\n\n${AUDIT_STATES.map((state) => `  ${shop.images[state]}`).join('\r\n')}\n`;
  const expected = Object.entries(shop.images)
    .map(([state, image]) => [image, state])
    .sort();
  const found = (ended: Ended): readonly string[][] =>
    entriesOf(ended)
      .map(({ image, state }) => [image, state])
      .sort();
  assert.deepEqual(found(await shop.take('--images', shop.file('images.txt', text))), expected);
  assert.deepEqual(found(await shop.sandbox.run([...TAKE, '--images', '-'], { input: text })), expected);
  const absent = await shop.take('--images', 'absent.txt');
  assert.deepEqual([errorCode(absent), absent.stdout], ['USAGE_FILE', '']);
});

test('every state from a cluster, by the digests that run', async (t) => {
  const shop = await openShop(t);
  if (shop === undefined) return;
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  await cluster.must(['create', 'serviceaccount', 'default', '-n', 'default']);
  for (const state of AUDIT_STATES) {
    const image = shop.images[state];
    const [name = ''] = image.split('@');
    const spec = { containers: [{ name: 'c', image: `${name}:1` }] };
    await cluster.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: state, namespace: 'default' }, spec });
    const status = { phase: 'Running', containerStatuses: [runs('c', 'x', image)] };
    const patch = ['patch', `pod/${state}`, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    await cluster.must([...patch, '-n', 'default']);
  }
  const ended = await shop.take('--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '-n', 'default');
  assert.deepEqual(states(ended), EACH);
  assert.deepEqual([...new Set(entriesOf(ended).map(({ source, pods }) => `${source} ${pods}`))], ['status 1']);
});
