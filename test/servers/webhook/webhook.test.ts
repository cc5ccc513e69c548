import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { renderClusterImagePolicy } from '../../../src/core/policy/cluster-image/cluster-image-policy-render.ts';
import { repositoryGlob } from '../../../src/core/policy/document/image-glob.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { pushLayers, signedLayer } from '../../support/signature-layers.ts';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, podSpec, type Answer } from './review.ts';

function pinnedName(image: ImageReference): string {
  return `${image.context}@${image.digest!.toString()}`;
}

function refused(answer: Answer, code: string): void {
  assert.equal(answer.allowed, false, 'admitted');
  assert.ok(answer.message.startsWith(`${code}  `), answer.message);
}

test('a signed image is admitted, and its tag pinned to the digest that was verified', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:1`) });
  assert.equal(answer.allowed, true, answer.message);
  assert.deepEqual(answer.patch, [{ op: 'replace', path: '/spec/containers/0/image', value: image.toString() }]);
  assert.deepEqual(answer.annotations, { decision: 'allow' });
});

test('an unsigned image is refused in the words of the error contract', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  enforce(policyFor(world));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:1`) });
  const name = `${image.context}@${image.digest!.toString()}`;
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 403);
  assert.equal(answer.reason, 'Forbidden');
  assert.deepEqual(answer.message.split('\n'), [
    `NO_SIGNATURE  ${name} has no signature (spec.containers[0].image)`,
    '  found:    no signature',
    `  expected: subject ${SUBJECT}, issuer ${ISSUER} (policy shop)`,
    `  fix:      sealwright sign ${name}`,
  ]);
  assert.deepEqual(answer.patch, []);
});

test('the policy that the signer prints works as pasted', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(
    renderClusterImagePolicy({ kind: 'identity', issuer: ISSUER, subject: SUBJECT }, repositoryGlob(image), 'printed'),
  );
  assert.equal((await ask(webhook.routes, 'mutate', { object: pod(image.toString()) })).allowed, true);
  const deployment = { metadata: {}, spec: { template: { spec: podSpec(`${world.host}/shop/app:1`) } } };
  const answer = await ask(webhook.routes, 'mutate', {
    object: deployment,
    group: 'apps',
    resource: 'deployments',
    kind: 'Deployment',
  });
  assert.equal(answer.allowed, true);
  assert.equal(answer.patch[0]?.path, '/spec/template/spec/containers/0/image');
});

test('another signer is named, beside the one who may', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  await world.sign(image, { leaf: { names: [{ kind: 'email', value: 'mallory@example.com' }] } });
  enforce(policyFor(world));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  refused(answer, 'IDENTITY_MISMATCH');
  assert.match(answer.message, /found: {4}subject mallory@example\.com/);
  assert.match(answer.message, /expected: subject alice@example\.com/);
});

test('a signature that was copied to another image is refused as what it is', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const draft = await world.sign(await world.push('shop/app'));
  const other = await world.push('shop/other');
  await world.attach(other, draft);
  enforce(policyFor(world));
  refused(await ask(webhook.routes, 'mutate', { object: pod(other.toString()) }), 'SUBJECT_MISMATCH');
});

test('a signature in which a byte was changed is refused as what it is', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  const draft = world.draft(image.digest!);
  assert.ok(draft.content.kind === 'dsse');
  const [signature] = draft.content.envelope.signatures;
  signature!.signature[8]! ^= 1;
  await world.attach(image, draft);
  enforce(policyFor(world));
  refused(await ask(webhook.routes, 'mutate', { object: pod(image.toString()) }), 'SIGNATURE_INVALID');
});

test('an attestation by the right signer is no signature', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  const predicateType = 'https://spdx.dev/Document';
  await world.attach(image, world.draft(image.digest!, {}, predicateType), predicateType);
  // Nor when the registry's annotations say otherwise.
  await world.attach(image, world.draft(image.digest!, {}, predicateType));
  enforce(policyFor(world));
  refused(await ask(webhook.routes, 'mutate', { object: pod(image.toString()) }), 'NO_SIGNATURE');
});

test("a signature in cosign's older storage counts like any other", async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  const digest = image.digest!;
  enforce(policyFor(world));
  const admit = async (): Promise<Answer> => ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  const bob = { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } as const;
  await pushLayers(world.client, image, digest, [signedLayer(world.instance, digest, { leaf: bob })]);
  refused(await admit(), 'IDENTITY_MISMATCH');
  await pushLayers(world.client, image, digest, [{ content: utf8('{}'), annotations: {} }]);
  refused(await admit(), 'COULD_NOT_CHECK');
  await pushLayers(world.client, image, digest, [signedLayer(world.instance, digest)]);
  assert.equal((await admit()).allowed, true);
});

test('a signature with a key: by the right one, by another, where none is wanted', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const key = PrivateKey.generate('ecdsa-p256');
  const image = await world.push('shop/app');
  await world.sign(image, { key, managed: true });
  const policyWith = (publicKey: PrivateKey): string =>
    renderClusterImagePolicy({ kind: 'key', key: publicKey.publicKey }, `${world.host}/shop/**`, 'keys');
  const answer = (): Promise<Answer> => ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  enforce(policyWith(key));
  assert.equal((await answer()).allowed, true);
  enforce(policyWith(PrivateKey.generate('ecdsa-p256')));
  refused(await answer(), 'KEY_MISMATCH');
  enforce(policyFor(world));
  refused(await answer(), 'KEY_MISMATCH');
  enforce(policyWith(key), policyFor(world));
  refused(await answer(), 'KEY_MISMATCH');
});

test('several refusals read one below the other; one image in several places is refused once', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const [a, b] = [await world.push('shop/a'), await world.push('shop/b')];
  const good = await world.pushSigned('shop/good');
  enforce(policyFor(world));
  const object = {
    ...pod(),
    spec: {
      initContainers: [{ name: 'i', image: `${a.context}:1` }],
      containers: [
        { name: 'a', image: `${a.context}:1` },
        { name: 'g', image: good.toString() },
        { name: 'b', image: b.toString() },
      ],
    },
  };
  const { message } = await ask(webhook.routes, 'mutate', { object });
  const heads = message.split('\n').filter((line) => !line.startsWith(' '));
  assert.deepEqual(heads, [
    `NO_SIGNATURE  ${pinnedName(a)} has no signature (spec.initContainers[0].image, spec.containers[0].image)`,
    `NO_SIGNATURE  ${pinnedName(b)} has no signature (spec.containers[2].image)`,
  ]);
});

test('mode warn admits, pins, and warns in lines that the API server shows', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  enforce(policyFor(world, 'shop', '  mode: warn'));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${image.context}:1`) });
  assert.equal(answer.allowed, true);
  assert.equal(answer.patch[0]?.value, image.toString());
  assert.match(answer.warnings[0] ?? '', /^NO_SIGNATURE {2}.* has no signature \(spec\.containers\[0\]\.image\)/);
  assert.ok(answer.warnings.every((line) => line.length <= 256 && !/[\n\r]/.test(line)));
  assert.deepEqual(answer.annotations, { decision: 'warn' });
});

for (const [noMatch, allowed] of [
  ['deny', false],
  ['warn', true],
  ['allow', true],
] as const) {
  test(`an image that no policy is about: ${noMatch}, without asking a registry`, async (t) => {
    const { world, webhook, enforce } = await openDoor(t, { noMatch });
    enforce(policyFor(world));
    world.taken();
    const answer = await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/elsewhere/app:1`) });
    assert.equal(answer.allowed, allowed);
    assert.equal(answer.message.startsWith('POLICY_NO_MATCH'), noMatch === 'deny');
    assert.equal(answer.warnings.length > 0, noMatch === 'warn');
    assert.deepEqual(answer.patch, []);
    assert.deepEqual(world.taken(), []);
  });
}

test('without any policy everything is refused by default', async (t) => {
  const { webhook } = await openDoor(t);
  refused(await ask(webhook.routes, 'mutate', { object: pod('nginx') }), 'POLICY_NO_MATCH');
});

test('a static pass asks no registry, and leaves the image as it is written', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: base}
spec: {images: [{glob: "unreachable.example/**"}], authorities: [{static: {action: pass}}]}`);
  const answer = await ask(webhook.routes, 'mutate', { object: pod('unreachable.example/base:1') });
  assert.equal(answer.allowed, true);
  assert.deepEqual(answer.patch, []);
  assert.deepEqual(world.taken(), []);
});

test('/validate refuses a tag without asking, and takes a digest that /mutate has pinned from memory', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  world.taken();
  const byTag = await ask(webhook.routes, 'validate', { object: pod(`${image.context}:1`) });
  refused(byTag, 'POLICY_DENIED');
  assert.match(byTag.message, /named by a tag/);
  assert.deepEqual(world.taken(), []);
  const { patch } = await ask(webhook.routes, 'mutate', { object: pod(`${image.context}:1`) });
  world.taken();
  const answer = await ask(webhook.routes, 'validate', { object: pod(patch[0]!.value) });
  assert.equal(answer.allowed, true);
  assert.deepEqual(answer.patch, []);
  assert.deepEqual(world.taken(), []);
});

test('a short name is written in full when it is pinned, as policy-controller does', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app', 'latest');
  enforce(policyFor(world));
  const { patch } = await ask(webhook.routes, 'mutate', { object: pod(image.context) });
  assert.equal(patch[0]?.value, `${image.context}:latest@${image.digest!.toString()}`);
});

test('every place that names a tag is pinned, each where it is', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  const text = `${image.context}:1`;
  const spec = {
    ...podSpec(text, image.toString()),
    initContainers: [{ image: text }],
    ephemeralContainers: [{ image: text }],
    volumes: [{ name: 'v', image: { reference: text } }],
  };
  const object = { spec: { jobTemplate: { spec: { template: { spec } } } } };
  const { patch } = await ask(webhook.routes, 'mutate', {
    object,
    group: 'batch',
    resource: 'cronjobs',
    kind: 'CronJob',
  });
  const base = '/spec/jobTemplate/spec/template/spec';
  assert.deepEqual(
    patch.map(({ path }) => path),
    [
      `${base}/initContainers/0/image`,
      `${base}/containers/0/image`,
      `${base}/ephemeralContainers/0/image`,
      `${base}/volumes/0/image/reference`,
    ],
  );
  assert.ok(patch.every(({ value }) => value === image.toString()));
});

for (const [what, parts, code] of [
  ['logged nowhere', { tlogEntries: [] }, 'LOG_ENTRY_MISSING'],
  ['made at no trusted time', { timestamps: [] }, 'TIMESTAMP_MISSING'],
] as const) {
  test(`a keyless signature ${what} does not count`, async (t) => {
    const { world, webhook, enforce } = await openDoor(t);
    const image = await world.push('shop/app');
    await world.attach(image, { ...world.draft(image.digest!), ...parts });
    enforce(policyFor(world));
    refused(await ask(webhook.routes, 'mutate', { object: pod(image.toString()) }), code);
  });
}

test('a keyless signature whose certificate was not logged does not count', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  await world.sign(image, { leaf: { scts: () => [] } });
  enforce(policyFor(world));
  refused(await ask(webhook.routes, 'mutate', { object: pod(image.toString()) }), 'SCT_MISSING');
});

test('insecureIgnoreSCT does without the log of certificates, and with everything else', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const [image, other] = [await world.push('shop/app'), await world.push('shop/other')];
  const leaf = { scts: () => [] };
  await world.sign(image, { leaf });
  await world.attach(other, { ...world.draft(other.digest!, { leaf }), tlogEntries: [] });
  enforce(policyFor(world).replace('{keyless: {', '{keyless: {insecureIgnoreSCT: true, '));
  assert.equal((await ask(webhook.routes, 'mutate', { object: pod(image.toString()) })).allowed, true);
  refused(await ask(webhook.routes, 'mutate', { object: pod(other.toString()) }), 'LOG_ENTRY_MISSING');
});

test('a list of refused digests beside a static pass is about the digest that a tag stands for', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const [bad, good] = [await world.push('shop/bad'), await world.push('shop/good')];
  const policy = (name: string, glob: string, authority: string): string => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${name}}
spec: {images: [{glob: "${glob}"}], authorities: [{static: ${authority}}]}`;
  enforce(
    policy('all', `${world.host}/shop/**`, '{action: pass}'),
    policy('none', `${world.host}/shop/*@${bad.digest!.toString()}`, '{action: fail, message: withdrawn}'),
  );
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${bad.context}:1`) });
  refused(answer, 'POLICY_DENIED');
  assert.match(answer.message, /withdrawn/);
  const admitted = await ask(webhook.routes, 'mutate', { object: pod(`${good.context}:1`) });
  assert.equal(admitted.patch[0]?.value, good.toString());
});
