/** `sealwright audit keys --migrate --sign`: a real authority and a real log sign what a key had signed, and nothing else. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { World } from '../servers/webhook/world.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { digestName } from './running-cluster.ts';
import { revokeSign } from './revoke-words.ts';

const WHO = 'ci@acme.test';
const PROVENANCE = {
  buildDefinition: { buildType: 'x', externalParameters: {} },
  runDetails: { builder: { id: 'x' } },
};

interface Document {
  readonly keys: readonly {
    readonly name: string;
    readonly since?: string;
    readonly ageDays?: number;
    readonly lastSigned?: string;
  }[];
  readonly resting: readonly { readonly image: string }[];
  readonly unknown: readonly string[];
  readonly signing?: readonly {
    readonly image: string;
    readonly outcome: string;
    readonly error?: { readonly code: string };
  }[];
  readonly step?: { readonly name: string; readonly applied?: boolean };
}

interface Site {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly stack: SandboxStack;
  readonly done: (...args: readonly string[]) => Promise<Ended>;
  /** An image that the key has signed. */
  readonly byKey: (name: string) => Promise<string>;
  readonly push: (name: string) => Promise<string>;
  readonly migrate: (images: readonly string[], ...more: readonly string[]) => Promise<Ended>;
  readonly policy: () => string;
  /** Signatures in the registry, as `verify` finds them by the identity. */
  readonly isByIdentity: (image: string) => Promise<boolean>;
}

/** Its registry is another one than the stack's: it has faults, and shows what is asked. */
async function openSite(t: TestContext, attestation = ''): Promise<Site> {
  const sandbox = new Sandbox();
  const stack = await SandboxStack.start(sandbox);
  t.after(async () => {
    await stack.stop();
    sandbox.remove();
  });
  const world = await World.open(t);
  const { done, run } = checkedCommands(sandbox, { COSIGN_PASSWORD: '' });
  await done('generate-key-pair');
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  const policy = sandbox.path('policy.yaml');
  const key = JSON.stringify(readFileSync(sandbox.path('cosign.pub'), 'utf8'));
  writeFileSync(
    policy,
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "${world.host}/**"}]
  authorities:
    - key: {data: ${key}}
${attestation}`,
  );
  const push = async (name: string): Promise<string> => digestName(await world.push(name));
  const identity = ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
  return {
    ...{ world, sandbox, stack, done, push },
    byKey: async (name) => {
      const image = await push(name);
      await done('sign', '--key', 'cosign.key', image);
      return image;
    },
    migrate: (images, ...more) =>
      run('audit', 'keys', '--policy', 'policy.yaml', ...identity, '--migrate', '-o', 'json', ...more, ...images),
    policy: () => readFileSync(policy, 'utf8'),
    isByIdentity: async (image) => (await run('verify', ...identity, image)).exitCode === 0,
  };
}

const SIGN = ['--sign', '--identity-token', 'token'];

function documentOf({ stdout, stderr }: Ended): Document {
  assert.ok(stdout.startsWith('{'), stderr);
  return JSON.parse(stdout) as Document;
}

function outcomes(ended: Ended): readonly string[] {
  return (documentOf(ended).signing ?? []).map(({ image, outcome, error }) =>
    [/\/shop\/([a-z]+)@/.exec(image)?.[1], outcome, ...(error === undefined ? [] : [error.code])].join(' '),
  );
}

test('what rests on the key is signed with one login, what the identity had signed costs nothing, and the next step follows', async (t) => {
  const site = await openSite(t);
  const { world, done, byKey, migrate, policy, isByIdentity } = site;
  const [one, two, known] = [await byKey('shop/one'), await byKey('shop/two'), await byKey('shop/known')];
  await done('sign', '--keyless', '--identity-token', 'token', known);
  const images = [one, two, known];
  const first = policy();

  const dry = await migrate(images);
  assert.deepEqual([dry.exitCode, errorCode(dry)], [20, 'POLICY_DENIED'], dry.stderr);
  const { resting, step, keys } = documentOf(dry);
  assert.deepEqual([resting.map(({ image }) => image).sort(), step?.name], [[one, two].sort(), 'sign']);
  assert.ok(keys[0]?.since !== undefined && keys[0].lastSigned !== undefined, 'the log says since when');
  assert.equal(keys[0].ageDays, 0);
  assert.equal(await isByIdentity(one), false, 'nothing is signed that nobody asked for');

  world.taken();
  const signed = await migrate(images, ...SIGN);
  assert.equal(signed.exitCode, 0, signed.stderr);
  assert.deepEqual(outcomes(signed), ['one signed', 'two signed']);
  assert.deepEqual([documentOf(signed).resting, documentOf(signed).step?.name], [[], 'both']);
  assert.ok(await isByIdentity(one));
  assert.ok(await isByIdentity(two));
  assert.ok(
    !world.taken().some((request) => /^(PUT|POST|PATCH) .*shop\/known/.test(request)),
    'nothing is pushed for it',
  );
  assert.equal(policy(), first, 'signing changes no policy');

  world.taken();
  const again = await migrate(images, '--sign');
  assert.equal(again.exitCode, 0, again.stderr);
  assert.deepEqual(outcomes(again), [], 'where nothing rests on the key nobody is asked to log in');
  assert.ok(!world.taken().some((request) => /^(PUT|POST|PATCH) /.test(request)));
  const applied = await migrate(images, '--sign', '--apply');
  assert.deepEqual([documentOf(applied).step?.name, documentOf(applied).step?.applied], ['both', true]);
  assert.match(policy(), /keys-until/);
});

test('never signed: what nobody signed, what another key signed, what is revoked', async (t) => {
  const site = await openSite(t);
  const { world, stack, done, byKey, push, migrate, isByIdentity } = site;
  const [bare, other, stolen, good] = [
    await push('shop/bare'),
    await push('shop/other'),
    await byKey('shop/stolen'),
    await byKey('shop/good'),
  ];
  await done('generate-key-pair', '--output-key-prefix', 'other');
  await done('sign', '--key', 'other.key', other);
  for (const name of ['ann', 'snapshot']) await done('generate-key-pair', '--output-key-prefix', name);
  await done('revoke', 'init', '--member', 'ann=ann.pub', '--quorum-broad', '1', '--snapshot-key', 'snapshot.pub');
  await done(...revokeSign('ann.key', 'a miner inside'), '--out', 'r1.json', '--id', 'miner', stolen);
  await done('revoke', 'publish', '--to', stack.dir, '--snapshot-key', 'snapshot.key', 'r1.json');

  const ended = await migrate([bare, other, stolen, good], ...SIGN);
  assert.deepEqual(outcomes(ended), ['good signed'], ended.stderr);
  const pushed = world.taken().filter((request) => request.startsWith('PUT ') && request.includes('/manifests/'));
  for (const image of [bare, other, stolen]) assert.equal(await isByIdentity(image), false, image);
  // One push of the image each, and one signature each of those that were signed by keys here.
  assert.equal(pushed.filter((request) => request.includes('/shop/bare/')).length, 1);
  assert.equal(pushed.filter((request) => request.includes('/shop/stolen/')).length, 2);
});

test('a login by somebody else signs nothing, and says of each image why', async (t) => {
  const { sandbox, stack, byKey, migrate, isByIdentity } = await openSite(t);
  const image = await byKey('shop/app');
  writeFileSync(sandbox.path('eve'), await stack.token('eve@acme.test'));
  const ended = await migrate([image], '--sign', '--identity-token', 'eve');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [1, 'AUTH_CLAIM'], ended.stderr);
  assert.deepEqual(outcomes(ended), ['app failed AUTH_CLAIM']);
  assert.match(ended.stderr, /found: +eve@acme\.test[^]*expected: +ci@acme\.test/);
  assert.equal(await isByIdentity(image), false);
});

test('one image that cannot be pushed stops no other; run again, only that one is signed', async (t) => {
  const { world, byKey, migrate, isByIdentity } = await openSite(t);
  const [good, stuck] = [await byKey('shop/good'), await byKey('shop/stuck')];
  world.fault.answer = ({ method, url }) =>
    method !== 'GET' && method !== 'HEAD' && url.includes('/shop/stuck/')
      ? new Response('full', { status: 507 })
      : undefined;
  const broken = await migrate([good, stuck], ...SIGN);
  assert.deepEqual(outcomes(broken), ['good signed', 'stuck failed REMOTE_STATUS'], broken.stderr);
  assert.deepEqual([broken.exitCode, errorCode(broken)], [23, 'REMOTE_STATUS']);
  assert.match(broken.stderr, /of: +.*shop\/stuck@|507/);
  assert.ok(await isByIdentity(good));
  world.fault.answer = undefined;
  const again = await migrate([good, stuck], ...SIGN);
  assert.deepEqual([again.exitCode, ...outcomes(again)], [0, 'stuck signed'], again.stderr);
});

test('what nobody can tell about keeps the file as it is, and not what is known from being signed', async (t) => {
  const { world, byKey, migrate, policy, isByIdentity } = await openSite(t);
  const [good, dark] = [await byKey('shop/good'), await byKey('shop/dark')];
  const first = policy();
  world.fault.answer = ({ url }) => (url.includes('/shop/dark/') ? new Response('down', { status: 500 }) : undefined);
  const ended = await migrate([good, dark], ...SIGN, '--apply');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK'], ended.stderr);
  assert.deepEqual([...outcomes(ended), documentOf(ended).unknown.length], ['good signed', 1]);
  assert.equal(documentOf(ended).step, undefined);
  assert.equal(policy(), first);
  world.fault.answer = undefined;
  assert.equal(await isByIdentity(good), true);
  assert.equal(await isByIdentity(dark), false);
});

test('an image that the key has attested alone is left: a signature would say what the key never said', async (t) => {
  const site = await openSite(
    t,
    '      attestations: [{name: prov, predicateType: "https://slsa.dev/provenance/v1"}]\n',
  );
  const { sandbox, done, push, migrate, isByIdentity } = site;
  const image = await push('shop/app');
  writeFileSync(sandbox.path('provenance.json'), JSON.stringify(PROVENANCE));
  await done('attest', '--key', 'cosign.key', '--type', 'slsaprovenance1', '--predicate', 'provenance.json', image);
  const ended = await migrate([image], ...SIGN);
  assert.deepEqual(outcomes(ended), ['app failed KEY_MISMATCH'], ended.stderr);
  assert.equal(ended.exitCode, 12);
  assert.equal(await isByIdentity(image), false);
});

test('asked wrongly: nothing is signed without --migrate', async (t) => {
  const { sandbox, byKey, isByIdentity } = await openSite(t);
  const image: string = await byKey('shop/app');
  const identity = ['--certificate-identity', WHO, '--certificate-oidc-issuer', 'https://issuer.example'];
  const ended = await sandbox.run(['audit', 'keys', '--policy', 'policy.yaml', ...identity, ...SIGN, image]);
  assert.equal(errorCode(ended), 'USAGE_BAD_FLAG');
  assert.equal(await isByIdentity(image), false);
});
