/** `sealwright audit keys`: from a key to an identity, step by step, against a registry and images that are signed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { digestName, runningCluster, runs } from './running-cluster.ts';

const PROVENANCE = 'https://slsa.dev/provenance/v1';

const FIXED = [
  ...['--policy', 'policy.yaml', '--trusted-root', 'root.json'],
  ...['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER],
];

function policyText({ host }: World, key: PrivateKey, more = ''): string {
  return `# owned by payments
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "${host}/**"}]
  authorities:
    - name: old
      key:
        data: ${JSON.stringify(key.publicKey.toPem())}
${more}`;
}

interface Lab {
  readonly world: World;
  readonly key: PrivateKey;
  readonly policy: () => string;
  readonly edit: (text: string) => void;
  readonly file: (name: string, text: string) => void;
  readonly keys: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext, more = ''): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const key = PrivateKey.generate('ecdsa-p256');
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const place = sandbox.path('policy.yaml');
  writeFileSync(place, policyText(world, key, more));
  return {
    world,
    key,
    policy: () => readFileSync(place, 'utf8'),
    edit: (text) => {
      writeFileSync(place, text);
    },
    file: (name, text) => {
      writeFileSync(sandbox.path(name), text);
    },
    keys: (...args) => sandbox.run(['audit', 'keys', ...FIXED, ...args]),
  };
}

async function signedByKey({ world, key }: Lab, name: string): Promise<ImageReference> {
  const image = await world.push(name);
  await world.sign(image, { managed: true, key });
  return image;
}

test('all of the way: what rests on the key, signed, both for a time, the identity alone', async (t) => {
  const lab = await openLab(t);
  const image = await signedByKey(lab, 'shop/app');
  const name = digestName(image);
  const first = lab.policy();

  const listed = await lab.keys(name);
  assert.equal(listed.exitCode, 0, listed.stderr);
  assert.match(
    listed.stdout,
    /long-lived: signed: the key [0-9a-f]{64}; in use since .*\n1 of 1 verified places rest on a key alone/,
  );

  const unsigned = await lab.keys('--migrate', '--apply', name);
  assert.deepEqual([unsigned.exitCode, errorCode(unsigned)], [20, 'POLICY_DENIED'], unsigned.stderr);
  assert.match(unsigned.stdout, /step 1 of 3[^]*sealwright sign --keyless .*@sha256:/);
  assert.equal(lab.policy(), first, 'no policy is touched while anything rests on the key alone');

  await lab.world.sign(image);
  const shown = await lab.keys('--migrate', name);
  assert.equal(shown.exitCode, 0, shown.stderr);
  assert.match(
    shown.stdout,
    /0 of 1 verified places rest[^]*step 2 of 3[^]*~ ClusterImagePolicy signed changed[^]*looser/,
  );
  assert.equal(lab.policy(), first, 'a dry run');

  assert.equal((await lab.keys('--migrate', '--apply', name)).exitCode, 0);
  const both = lab.policy();
  assert.match(both, /keys-until[^]*old-keyless/);

  const waiting = await lab.keys('--migrate', '--apply', name);
  assert.match(waiting.stdout, /both may sign until/);
  assert.equal(lab.policy(), both, 'before its end the key stays');

  lab.edit(both.replace(/(keys-until: )\S+/, '$12026-01-01T00:00:00Z'));
  const removed = await lab.keys('--migrate', '--apply', name);
  assert.equal(removed.exitCode, 0, removed.stderr);
  assert.match(removed.stdout, /step 3 of 3[^]*tighter/);
  assert.doesNotMatch(lab.policy(), /PUBLIC KEY|keys-until/);
  assert.match(lab.policy(), /^# owned by payments/);

  const done = await lab.keys('--migrate', name);
  assert.match(done.stdout, /no policy of policy\.yaml names a key/);
});

test('an image that came meanwhile, signed by the key alone, keeps the key although its end has come', async (t) => {
  const lab = await openLab(t);
  const image = await signedByKey(lab, 'shop/app');
  await lab.world.sign(image);
  assert.equal((await lab.keys('--migrate', '--apply', digestName(image))).exitCode, 0);
  const both = lab.policy().replace(/(keys-until: )\S+/, '$12026-01-01T00:00:00Z');
  lab.edit(both);
  const late = await signedByKey(lab, 'shop/late');
  const ended = await lab.keys('--migrate', '--apply', digestName(image), digestName(late));
  assert.deepEqual([ended.exitCode, errorCode(ended)], [20, 'POLICY_DENIED']);
  assert.match(ended.stdout, /1 of 2 verified places[^]*shop\/late@/);
  assert.equal(lab.policy(), both);
});

test('signed by somebody else is not signed by the identity', async (t) => {
  const lab = await openLab(t);
  const image = await signedByKey(lab, 'shop/app');
  await lab.world.sign(image, {
    leaf: { names: [{ kind: 'email', value: 'eve@example.com' }], fulcio: { issuer: ISSUER } },
  });
  const ended = await lab.keys('--migrate', '--apply', digestName(image));
  assert.equal(errorCode(ended), 'POLICY_DENIED');
  assert.match(ended.stdout, /step 1 of 3/);
});

test('a registry that fails in the middle: nobody can tell, and nothing is written', async (t) => {
  const lab = await openLab(t);
  const image = await signedByKey(lab, 'shop/app');
  await lab.world.sign(image);
  const first = lab.policy();
  lab.world.fault.answer = () => new Response('down', { status: 500 });
  const ended = await lab.keys('--migrate', '--apply', digestName(image));
  assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK'], ended.stderr);
  assert.equal(lab.policy(), first);
  lab.world.fault.answer = undefined;
  assert.equal((await lab.keys('--migrate', '--apply', digestName(image))).exitCode, 0, 'it begins where it was');
});

test('what the key had to attest, the identity has to attest: its signature alone is not enough', async (t) => {
  const lab = await openLab(t, '      attestations: [{name: prov, predicateType: "https://slsa.dev/provenance/v1"}]\n');
  const image = await lab.world.push('shop/app');
  await lab.world.attest(image, PROVENANCE, {}, { managed: true, key: lab.key });
  await lab.world.sign(image);
  const first = lab.policy();
  const ended = await lab.keys('--migrate', '--apply', digestName(image));
  assert.deepEqual([ended.exitCode, errorCode(ended)], [20, 'POLICY_DENIED'], ended.stdout + ended.stderr);
  assert.match(ended.stdout, /1 of 1 verified places rest/);
  assert.equal(lab.policy(), first);
  await lab.world.attest(image, PROVENANCE, {});
  const attested = await lab.keys('--migrate', digestName(image));
  assert.equal(attested.exitCode, 0, attested.stderr);
  assert.match(attested.stdout, /step 2 of 3/);
});

test('nothing that runs says nothing: no key is taken away for that', async (t) => {
  const lab = await openLab(t);
  lab.file('nothing.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nothing}\n');
  const first = lab.policy();
  const ended = await lab.keys('--migrate', '--apply', '--resource', 'nothing.yaml');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK'], ended.stderr);
  assert.match(ended.stderr, /nothing that runs/);
  assert.equal(lab.policy(), first);
});

test('a cluster: what its kubelet says runs, not what the tag has become', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  const key = PrivateKey.generate('ecdsa-p256');
  const image = await world.push('shop/app');
  await world.sign(image, { managed: true, key });
  writeFileSync(sandbox.path('policy.yaml'), policyText(world, key));
  await run({
    name: 'web',
    spec: { containers: [{ name: 'c', image: `${world.host}/shop/app:1` }] },
    status: { phase: 'Running', containerStatuses: [runs('c', 'x', digestName(image))] },
  });
  const moved = await world.push('shop/app', '1', { moved: true });
  await world.sign(moved);
  const keys = (): Promise<Ended> =>
    sandbox.run(['audit', 'keys', '--kubeconfig', cluster.kubeconfig, ...FIXED, '--migrate', '--apply']);
  const ended = await keys();
  assert.deepEqual([ended.exitCode, errorCode(ended)], [20, 'POLICY_DENIED'], ended.stdout + ended.stderr);
  assert.match(ended.stdout, /1 of 1 verified places/);
  assert.ok(ended.stdout.includes(digestName(image)), ended.stdout);
  await world.sign(image);
  const next = await keys();
  assert.equal(next.exitCode, 0, next.stderr);
  assert.match(readFileSync(sandbox.path('policy.yaml'), 'utf8'), /keys-until/);
});

test('what is asked wrongly', async (t) => {
  const lab = await openLab(t);
  const image = digestName(await signedByKey(lab, 'shop/app'));
  assert.equal(errorCode(await lab.keys('--apply', image)), 'USAGE_BAD_FLAG');
  assert.equal(errorCode(await lab.keys('--policy', 'other.yaml', image)), 'USAGE_BAD_FLAG');
  assert.equal(errorCode(await lab.keys('--overlap', 'soon', image)), 'USAGE_BAD_FLAG');
});
