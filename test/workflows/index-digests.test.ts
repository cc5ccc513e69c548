/** Under which digests an image can be run: what a revocation of an index is about. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { SealwrightError } from '../../src/errors.ts';
import { indexDigests } from '../../src/workflows/planning/index-digests.ts';
import { World } from '../servers/webhook/world.ts';

const child = (digest: Digest, mediaType = OCI_MANIFEST): Descriptor => ({ mediaType, digest, size: 100 });
const absent = (name: string): Digest => Digest.of(Buffer.from(name));

interface Lab {
  readonly world: World;
  /** Has the registry hold an index, with or without what it names, as mirrors do. */
  readonly index: (manifests: readonly Descriptor[], mediaType?: typeof OCI_INDEX | typeof DOCKER_INDEX) => Digest;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const held = new Map<string, { readonly bytes: Uint8Array; readonly mediaType: string }>();
  world.fault.answer = ({ url }) => {
    const found = held.get(url.slice(url.lastIndexOf('/') + 1));
    return found === undefined
      ? undefined
      : new Response(Buffer.from(found.bytes), { headers: { 'content-type': found.mediaType } });
  };
  const index: Lab['index'] = (manifests, mediaType = OCI_INDEX) => {
    const bytes = encodeManifest({ kind: 'index', mediaType, manifests });
    const digest = Digest.of(bytes);
    held.set(digest.toString(), { bytes, mediaType });
    return digest;
  };
  return { world, index };
}

test('an image alone, an index with its images, and an index in an index', async (t) => {
  const { world, index } = await openLab(t);
  const image = await world.push('shop/app', '1');
  const [first, second] = [image.digest!, (await world.push('shop/app', '2')).digest!];
  const found = async (digest: Digest): Promise<readonly string[]> =>
    indexDigests(world.client, image.atDigest(digest));
  const texts = (...digests: readonly Digest[]): readonly string[] => digests.map(String);
  assert.deepEqual(await found(first), texts(first));
  assert.deepEqual(await indexDigests(world.client, image.atTag('2')), texts(second), 'a tag is looked up');
  const inner = index([child(first), child(second, DOCKER_MANIFEST)], DOCKER_INDEX);
  assert.deepEqual(await found(inner), texts(inner, first, second));
  const third = absent('third');
  const outer = index([child(third), child(inner, DOCKER_INDEX), child(first), child(third)]);
  assert.deepEqual(await found(outer), texts(outer, third, inner, first, second));
});

test('images that this registry does not hold are named all the same, and none is asked for', async (t) => {
  const { world, index } = await openLab(t);
  const image = await world.push('shop/app');
  const all = [image.digest!, absent('arm64'), absent('riscv64')];
  const digest = index(all.map((one) => child(one)));
  world.taken();
  assert.deepEqual(await indexDigests(world.client, image.atDigest(digest)), [digest, ...all].map(String));
  assert.deepEqual(world.taken(), [`GET /v2/shop/app/manifests/${digest.toString()}`]);
});

test('an index in the index that cannot be had: nobody knows what is in it', async (t) => {
  const { world, index } = await openLab(t);
  const image = await world.push('shop/app');
  const digest = index([child(image.digest!), child(absent('inner'), OCI_INDEX)]);
  await assert.rejects(
    indexDigests(world.client, image.atDigest(digest)),
    (error: unknown) => error instanceof SealwrightError && error.family === 'not-found',
  );
  world.fault.answer = () => new Response('down', { status: 500 });
  await assert.rejects(
    indexDigests(world.client, image),
    (error: unknown) => error instanceof SealwrightError && error.family === 'remote',
  );
});
