/** Policies of a namespace: in force for its objects, beside the cluster's, and never in their place. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parseJson } from '../../../src/core/encoding/json.ts';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import { clusterImageAdmission } from '../../../src/core/policy/judgement/cluster-image-admission.ts';
import type { ClusterImagePolicy } from '../../../src/core/policy/cluster-image/cluster-image-policy.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import type { NoMatchAction } from '../../../src/core/policy/judgement/image-decision.ts';
import { parseImagePolicy, readStoredImagePolicy } from '../../../src/core/policy/objects/image-policy.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { withNamespacePolicies } from '../../../src/servers/webhook/namespace-policies.ts';
import { openOwnKinds } from '../../../src/servers/webhook/own-kinds.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { peerServer } from '../../support/peer-server.ts';
import { policyFor } from './door.ts';
import { Recorder } from './recorder.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

function object(spec: object, namespace = 'shop'): object {
  return { apiVersion: 'sealwright.dev/v1alpha1', kind: 'ImagePolicy', metadata: { name: 'own', namespace }, spec };
}

function policy(spec: object, namespace?: string): ClusterImagePolicy {
  return parseImagePolicy(
    new JsonFields(parseJson(JSON.stringify(object(spec, namespace)), 'x'), 'x', 'FORMAT_POLICY'),
  );
}

function keyless(subject: string): object {
  return { keyless: { identities: [{ issuer: ISSUER, subject }] } };
}

function asking(
  t: TestContext,
  world: World,
  {
    cluster = [],
    own,
    noMatch,
  }: { cluster?: readonly string[]; own: readonly ClusterImagePolicy[]; noMatch?: NoMatchAction },
) {
  const set = PolicySet.ofClusterImages(cluster.flatMap((text) => parseClusterImagePolicies(text, 'file')));
  const ofNamespaces = own.map(clusterImageAdmission);
  const source = { current: () => set, ready: () => Promise.resolve(), close: () => Promise.resolve() };
  const webhook = createWebhook({
    policies: withNamespacePolicies(source, () => ofNamespaces),
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
    ...(noMatch === undefined ? {} : { noMatch }),
  });
  t.after(() => webhook.close());
  return (image: string) => ask(webhook.routes, 'validate', { object: pod(image) });
}

test('what the cluster admits, a policy of the namespace may refuse; that of another namespace may not', async (t) => {
  const world = await World.open(t);
  const image = (await world.pushSigned('shop/app')).toString();
  const strict = { images: [{ glob: '**' }], authorities: [keyless('bob@example.com')] };
  const cluster = [policyFor(world)];
  const refused = await asking(t, world, { cluster, own: [policy(strict)] })(image);
  assert.match(refused.message, /^IDENTITY_MISMATCH .*policy shop\/own\)/s);
  assert.equal((await asking(t, world, { cluster, own: [policy(strict, 'other')] })(image)).allowed, true);
  const same = { images: [{ glob: '**' }], authorities: [keyless(SUBJECT)] };
  assert.equal((await asking(t, world, { cluster, own: [policy(same)] })(image)).allowed, true);
});

test('what the cluster refuses, no policy of a namespace admits', async (t) => {
  const world = await World.open(t);
  const bare = (await world.push('shop/bare')).toString();
  const pass = { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] };
  const answer = await asking(t, world, { cluster: [policyFor(world)], own: [policy(pass)] })(bare);
  assert.match(answer.message, /^NO_SIGNATURE /);
});

test('an image that no policy of the cluster is about stays what it is, whatever the namespace says', async (t) => {
  const world = await World.open(t);
  const signed = (await world.pushSigned('shop/app')).toString();
  const bare = (await world.push('shop/bare')).toString();
  const pass = policy({ images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] });
  const soft = policy({ mode: 'warn', images: [{ glob: '**' }], authorities: [keyless(SUBJECT)] });
  const hard = policy({ images: [{ glob: '**' }], authorities: [keyless(SUBJECT)] });
  for (const own of [pass, soft, hard]) {
    const asked = asking(t, world, { own: [own] });
    for (const image of [signed, bare]) assert.match((await asked(image)).message, /POLICY_NO_MATCH /);
    // A tag at the second stage, and a registry that is down, are no way round either.
    assert.equal((await asked(`${world.host}/shop/app:1`)).allowed, false);
    world.fault.answer = () => new Response('', { status: 500 });
    assert.equal((await asked(`${world.host}/shop/new@sha256:${'0'.repeat(64)}`)).allowed, false);
    world.fault.answer = undefined;
  }
  const warned = await asking(t, world, { own: [hard], noMatch: 'warn' })(signed);
  assert.equal(warned.allowed, true);
  assert.match(warned.warnings[0] ?? '', /^POLICY_NO_MATCH /);
  const allowed = asking(t, world, { own: [hard], noMatch: 'allow' });
  assert.deepEqual([(await allowed(signed)).allowed, (await allowed(bare)).allowed], [true, false]);
});

const KEYLESS = { keyless: { identities: [{ issuer: ISSUER, subject: SUBJECT }] } };
for (const [what, authority] of [
  ['a Secret', { key: { secretRef: { name: 'x' } } }],
  ['a key service', { key: { kms: 'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k' } }],
  ['a TrustRoot', { keyless: { ...KEYLESS.keyless, trustRootRef: 'lab' } }],
  ['a TrustRoot of a log', { ...KEYLESS, ctlog: { trustRootRef: 'lab' } }],
  [
    'a ConfigMap',
    {
      ...KEYLESS,
      attestations: [
        { name: 'a', predicateType: 'vuln', policy: { type: 'cue', configMapRef: { name: 'x', key: 'y' } } },
      ],
    },
  ],
] as const) {
  test(`a policy of a namespace that refers to ${what} is refused, and once stored refuses its images`, async (t) => {
    const spec = { images: [{ glob: '**' }], authorities: [authority] };
    assert.throws(() => policy(spec), { code: 'FORMAT_POLICY' });
    const stored = readStoredImagePolicy(parseJson(JSON.stringify(object(spec)), 'x'));
    assert.equal(stored.error?.code, 'FORMAT_POLICY');
    const world = await World.open(t);
    const image = (await world.pushSigned('shop/app')).toString();
    const asked = asking(t, world, { cluster: [policyFor(world)], own: [stored.policy] });
    assert.match((await asked(image)).message, /^POLICY_DENIED .*policy shop\/own cannot be used/);
  });
}

test('another kind, or none of a namespace, is no policy of a namespace', () => {
  const read = (changes: object): unknown =>
    parseImagePolicy(
      new JsonFields(parseJson(JSON.stringify({ ...object({}), ...changes }), 'x'), 'x', 'FORMAT_POLICY'),
    );
  assert.throws(() => read({ kind: 'ClusterImagePolicy' }), { code: 'FORMAT_POLICY' });
  assert.throws(() => read({ apiVersion: 'policy.sigstore.dev/v1beta1' }), { code: 'FORMAT_POLICY' });
  assert.throws(() => read({ metadata: { name: 'own' } }), { code: 'FORMAT_POLICY' });
  assert.throws(() => read({}), { code: 'FORMAT_POLICY' });
});

test('policies of namespaces are read from the cluster; one that is not valid refuses in its namespace', async (t) => {
  const spec = { images: [{ glob: '**' }], authorities: [keyless(SUBJECT)] };
  const items = [
    object(spec),
    { ...object({ images: [{ glob: 'x/**' }] }), metadata: { name: 'bad', namespace: 'pay' } },
  ];
  const { url } = await peerServer(t, (request, response) => {
    const metadata = { resourceVersion: '1' };
    if (request.url?.includes('watch=1') === true) return;
    response.end(JSON.stringify({ metadata, items: request.url?.includes('/imagepolicies?') === true ? items : [] }));
  });
  const http = new HttpClient();
  const recorder = new Recorder();
  const own = await openOwnKinds(
    { server: url, http, authorization: () => Promise.resolve(undefined) },
    recorder.logger,
  );
  await own.close();
  http.close();
  assert.deepEqual(
    own.policies().map(({ namespace, name, interest }) => [namespace, name, interest]),
    [
      ['shop', 'shop/own', 'signatures'],
      ['pay', 'pay/bad', 'name'],
    ],
  );
  assert.deepEqual(
    recorder.lines.map(({ level }) => level),
    ['error'],
  );
});
