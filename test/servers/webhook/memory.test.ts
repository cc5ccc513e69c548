/** What is asked of a registry, and how often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PinnedImage } from '../../../src/core/policy/judgement/image-evidence.ts';
import { clusterImageAdmission } from '../../../src/core/policy/judgement/cluster-image-admission.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { PolicyMaterial } from '../../../src/core/policy/judgement/policy-material.ts';
import { commonAccess } from '../../../src/workflows/admission/registry-access.ts';
import { AdmissionEvidence, type EvidenceRequest } from '../../../src/workflows/admission/admission-evidence.ts';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, podSpec } from './review.ts';

function lists(seen: readonly string[]): number {
  return seen.filter((line) => line.includes('/referrers/')).length;
}

test('reviews that ask for one image at the same time share one fetch', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  world.taken();
  const reviews = Array.from({ length: 50 }, () => ask(webhook.routes, 'mutate', { object: pod(image.toString()) }));
  assert.ok((await Promise.all(reviews)).every(({ allowed }) => allowed));
  assert.equal(lists(world.taken()), 1);
});

test('one fetch for a digest, whatever the number of containers, policies and keys', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world, 'a'), policyFor(world, 'b'), policyFor(world, 'c', '  mode: warn'));
  world.taken();
  const object = pod(...Array.from({ length: 40 }, () => image.toString()));
  assert.equal((await ask(webhook.routes, 'mutate', { object })).allowed, true);
  assert.equal(lists(world.taken()), 1);
});

test('a digest that has passed is judged again without the registry, also by other policies', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  world.taken();
  world.fault.answer = () => new Response('', { status: 500 });
  enforce(policyFor(world, 'renamed'));
  const template = { spec: { template: { spec: podSpec(image.toString()) } } };
  const answer = await ask(webhook.routes, 'validate', {
    object: template,
    group: 'apps',
    resource: 'replicasets',
    kind: 'ReplicaSet',
  });
  assert.equal(answer.allowed, true);
  assert.deepEqual(world.taken(), []);
});

test('a policy that has changed takes effect at once, and is not decided from memory when it refuses', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  const input = { object: pod(image.toString()) };
  enforce(policyFor(world));
  assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
  enforce(policyFor(world).replace('alice@example.com', 'bob@example.com'));
  world.taken();
  assert.match((await ask(webhook.routes, 'mutate', input)).message, /^IDENTITY_MISMATCH/);
  assert.equal(lists(world.taken()), 1);
  await world.sign(image, { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }] } });
  assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
});

test('an image is admitted as soon as it is signed', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  enforce(policyFor(world));
  const input = { object: pod(image.toString()) };
  assert.match((await ask(webhook.routes, 'mutate', input)).message, /^NO_SIGNATURE/);
  await world.sign(image);
  assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
});

test('a tag is resolved each time: it may have moved', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const first = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  const input = { object: pod(`${first.context}:1`) };
  assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
  const other = await world.push('shop/app', '2');
  const { bytes, mediaType } = await world.client.getManifest(other);
  await world.client.putManifest(first, '1', bytes, mediaType);
  assert.match((await ask(webhook.routes, 'mutate', input)).message, /^NO_SIGNATURE/);
});

test('a name is part of what is remembered: the same digest elsewhere is looked at there', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  assert.equal((await ask(webhook.routes, 'mutate', { object: pod(image.toString()) })).allowed, true);
  const elsewhere = `${world.host}/shop/copy@${image.digest!.toString()}`;
  assert.match(
    (await ask(webhook.routes, 'mutate', { object: pod(elsewhere) })).message,
    /^COULD_NOT_CHECK .*shop\/copy@.*does not have the image/,
  );
});

test('what is remembered is asked for again when it is an hour old, or from the future', async (t) => {
  let now = new Date('2026-06-01T00:00:00Z');
  const { world, webhook, enforce } = await openDoor(t, { now: () => now });
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  const input = { object: pod(image.toString()) };
  const asked = async (time: string): Promise<number> => {
    now = new Date(time);
    world.taken();
    assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
    return lists(world.taken());
  };
  assert.equal(await asked('2026-06-01T00:00:00Z'), 1);
  assert.equal(await asked('2026-06-01T01:00:00Z'), 0);
  assert.equal(await asked('2026-06-01T01:00:01Z'), 1);
  assert.equal(await asked('2026-05-01T00:00:00Z'), 1);
});

test('of more images than may be remembered, those not asked for longest are forgotten', async (t) => {
  const { world } = await openDoor(t);
  const evidence = new AdmissionEvidence({
    now: () => new Date(),
    maxImages: 2,
  });
  const images = await Promise.all(
    ['a', 'b', 'c'].map(async (name): Promise<PinnedImage> => {
      const { registry, repository, digest } = await world.pushSigned(`shop/${name}`);
      return { registry, repository, digest: digest! };
    }),
  );
  const { demands } = clusterImageAdmission(parseClusterImagePolicies(policyFor(world), 'file')[0]!);
  const material = new PolicyMaterial(world.instance.trustedRoot);
  const about = (image: PinnedImage): EvidenceRequest => ({
    image,
    demands,
    material,
    access: commonAccess(world.client),
  });
  const known = (): Promise<boolean[]> =>
    Promise.all(images.map(async (image) => (await evidence.remembered(about(image))) !== undefined));
  await evidence.fresh(about(images[0]!));
  await evidence.fresh(about(images[1]!));
  assert.notEqual(await evidence.remembered(about(images[0]!)), undefined);
  await evidence.fresh(about(images[2]!));
  assert.deepEqual(await known(), [true, false, true]);
});
