/** copy, save and load: the whole graph or nothing that has a name. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { parsePlatform } from '../../src/core/image/platform.ts';
import { ImageReference, type Repository } from '../../src/core/image/reference.ts';
import { LayoutSource } from '../../src/io/registry/layout-source.ts';
import { LayoutWriter } from '../../src/io/registry/layout-writer.ts';
import type { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { copyImage } from '../../src/workflows/carry/copy-image.ts';
import { fetchImageGraph } from '../../src/workflows/carry/image-graph.ts';
import { loadImage, saveImage } from '../../src/workflows/carry/save-image.ts';
import {
  absentFrom,
  image,
  pushFamily,
  pushManifest,
  pushReferrer,
  type ImageFamily,
} from '../support/image-family.ts';
import { hangsUp, lyingRegistry, says, type Lie } from '../support/lying-registry.ts';
import { clientOf, repositoryAt, startRegistry, temporaryFolder } from '../support/registry-server.ts';
import { skipAloud } from '../support/shared.ts';

interface World {
  readonly client: RegistryClient;
  readonly from: Repository;
  readonly to: Repository;
  readonly family: ImageFamily;
  readonly target: ImageReference;
}

async function world(t: TestContext): Promise<World> {
  const registry = await startRegistry(t);
  const client = clientOf(t);
  const from = repositoryAt(registry, 'shop/app');
  const to = repositoryAt(registry, 'mirror/app');
  const family = await pushFamily(client, from);
  return { client, from, to, family, target: new ImageReference({ ...to, tag: '1' }) };
}

async function tagsOf(client: RegistryClient, repository: Repository): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of client.listTags(repository)) tags.push(tag);
  return tags.sort();
}

test('copy carries the index, its images, what refers to any of them, and to that, and the older tags', async (t) => {
  const { client, to, family, target } = await world(t);
  const seen: string[] = [];
  const copied = await copyImage({
    registry: client,
    from: family.reference,
    to: target,
    onManifest: (digest, tag) => seen.push(tag ?? digest.toString()),
  });
  assert.deepEqual(await absentFrom(client, to, family), []);
  assert.deepEqual(await tagsOf(client, to), ['1', ...family.tags].sort());
  assert.equal(seen.at(-1), '1', 'the tag is written last');
  assert.equal(copied.descriptor.digest.toString(), family.index.digest.toString());
  assert.deepEqual(copied.missing, []);
});

test('a copy that is there already is copied again without -f; what was added since comes along', async (t) => {
  const { client, from, to, family, target } = await world(t);
  await copyImage({ registry: client, from: family.reference, to: target });
  const added = await pushReferrer(client, from, family.index, '{"of":"index, later"}');
  await copyImage({ registry: client, from: family.reference, to: target });
  assert.equal(await client.hasManifest(to, added.digest), true);
});

test('another image under the tag: USAGE_WOULD_OVERWRITE, and nothing is pushed; -f replaces it', async (t) => {
  const { client, to, family, target } = await world(t);
  const other = await pushManifest(client, to, await image(client, to, 'another'), '1');
  await assert.rejects(copyImage({ registry: client, from: family.reference, to: target }), {
    code: 'USAGE_WOULD_OVERWRITE',
  });
  assert.equal(await client.hasManifest(to, family.index.digest), false);
  assert.equal((await client.resolve(target)).digest.toString(), other.digest.toString());
  await copyImage({ registry: client, from: family.reference, to: target, force: true });
  assert.equal((await client.resolve(target)).digest.toString(), family.index.digest.toString());
});

test('signatures under the older tag that the source does not have: refused without -f', async (t) => {
  const { client, to, family, target } = await world(t);
  const [tag = ''] = family.tags;
  await pushManifest(client, to, await image(client, to, "somebody else's signature"), tag);
  const request = { registry: client, from: family.reference, to: target };
  await assert.rejects(copyImage(request), { code: 'USAGE_WOULD_OVERWRITE' });
  await copyImage({ ...request, force: true });
  assert.deepEqual(await absentFrom(client, to, family), []);
});

test('--only: these kinds, the image by its digest, and no tag for it', async (t) => {
  const { client, to, family, target } = await world(t);
  await copyImage({ registry: client, from: family.reference, to: target, only: ['sig'] });
  assert.deepEqual(
    await tagsOf(client, to),
    family.tags.filter((tag) => tag.endsWith('.sig')),
  );
  assert.equal(await client.hasManifest(to, family.index.digest), true);
  const { descriptors } = await client.referrers(to, family.index.digest);
  assert.equal(descriptors.length, 1);
});

test('--platform copies one image of the index, under the tag', async (t) => {
  const { client, family, target } = await world(t);
  await copyImage({ registry: client, from: family.reference, to: target, platform: parsePlatform('linux/arm64') });
  assert.equal((await client.resolve(target)).digest.toString(), family.children[1]?.digest.toString());
});

for (const { platform, code, of } of [
  { platform: 'windows/amd64', code: 'NOT_FOUND', of: 'index' },
  { platform: 'linux/amd64', code: 'USAGE_BAD_FLAG', of: 'image' },
] as const) {
  test(`--platform ${platform} of an ${of} that has none such: ${code}`, async (t) => {
    const { client, family, target } = await world(t);
    const [child] = family.children;
    assert.ok(child);
    const from = of === 'index' ? family.reference : family.reference.atDigest(child.digest);
    await assert.rejects(copyImage({ registry: client, from, to: target, platform: parsePlatform(platform) }), {
      code,
    });
  });
}

test('a digest as destination has to be the digest of the image', async (t) => {
  const { client, to, family } = await world(t);
  const wrong = new ImageReference({ ...to, digest: Digest.of(utf8('another')) });
  await assert.rejects(copyImage({ registry: client, from: family.reference, to: wrong }), {
    code: 'USAGE_BAD_REFERENCE',
  });
  await copyImage({ registry: client, from: family.reference, to: wrong.atDigest(family.index.digest) });
  assert.deepEqual(await absentFrom(client, to, family), []);
});

test('signatures from elsewhere (COSIGN_REPOSITORY) are put beside the copy', async (t) => {
  const { client, from, to, family, target } = await world(t);
  const signatures = { ...from, repository: 'shop/signatures' };
  const elsewhere = await pushReferrer(client, signatures, family.index, '{"of":"index, elsewhere"}');
  await copyImage({ registry: client, from: family.reference, to: target, signatureRepository: signatures });
  const { descriptors } = await client.referrers(to, family.index.digest);
  assert.deepEqual(
    descriptors.map(({ digest }) => digest.toString()),
    [elsewhere.digest.toString()],
  );
});

test('save and load carry all of it through a folder', async (t) => {
  const { client, to, family, target } = await world(t);
  const folder = join(temporaryFolder(t), 'deep', 'app');
  const saved = await saveImage({ registry: client, reference: family.reference, folder });
  const loaded = await loadImage({ registry: client, folder, reference: target });
  assert.deepEqual(await absentFrom(client, to, family), []);
  assert.equal(loaded.manifestCount, saved.manifestCount);
  const layout = await LayoutSource.open(folder);
  assert.equal(layout.reference.toString(), family.reference.atDigest(family.index.digest).toString());
  const { root } = await fetchImageGraph({ source: layout, reference: layout.reference });
  assert.equal(root.manifest.digest.toString(), family.index.digest.toString());
});

test('saving again replaces the image that was saved, blobs and all, and nothing else', async (t) => {
  const { client, from, family } = await world(t);
  const folder = join(temporaryFolder(t), 'app');
  await saveImage({ registry: client, reference: family.reference, folder });
  const single = await pushManifest(client, from, await image(client, from, 'single'), 'single');
  await saveImage({ registry: client, reference: new ImageReference({ ...from, tag: 'single' }), folder });
  assert.equal((await LayoutSource.open(folder)).root.digest.toString(), single.digest.toString());
  assert.equal(readdirSync(join(folder, 'blobs/sha256')).length, 3);
  const other = temporaryFolder(t);
  writeFileSync(join(other, 'thesis.tex'), 'five years of work');
  await assert.rejects(saveImage({ registry: client, reference: family.reference, folder: other }), {
    code: 'USAGE_WOULD_OVERWRITE',
  });
  assert.deepEqual(readdirSync(other), ['thesis.tex']);
});

test('a layout that another tool made is not replaced', async (t) => {
  const { client, family } = await world(t);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
  mkdirSync(join(folder, 'blobs'));
  await assert.rejects(saveImage({ registry: client, reference: family.reference, folder }), {
    code: 'USAGE_WOULD_OVERWRITE',
  });
});

test('a disk that is full: USAGE_DISK_FULL, nothing is left, and an image saved before is still whole', async (t) => {
  const { client, family } = await world(t);
  const folder = temporaryFolder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    skipAloud(t, 'no small file system can be mounted', 'run as root');
    return;
  }
  try {
    const small = await pushManifest(client, family.reference, await image(client, family.reference, 'small'), 'small');
    await saveImage({ registry: client, reference: family.reference.atTag('small'), folder });
    const before = readdirSync(join(folder, 'blobs/sha256')).sort();
    await pushManifest(client, family.reference, await image(client, family.reference, 'x'.repeat(100_000)), 'large');
    await assert.rejects(saveImage({ registry: client, reference: family.reference.atTag('large'), folder }), {
      code: 'USAGE_DISK_FULL',
    });
    assert.deepEqual(readdirSync(join(folder, 'blobs/sha256')).sort(), before);
    assert.equal((await LayoutSource.open(folder)).root.digest.toString(), small.digest.toString());
  } finally {
    execFileSync('umount', [folder]);
  }
});

test('a folder that nobody may write: USAGE_FILE', async (t) => {
  const { client, family } = await world(t);
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(saveImage({ registry: client, reference: family.reference, folder: join(file, 'app') }), {
    code: 'USAGE_FILE',
  });
});

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

const BLOB = utf8('content');
const CONFIG = utf8('{}');

/** A registry with one image, of which one answer is not what it should be. */
async function liar(t: TestContext, lies: Readonly<Record<string, Lie>>, size = BLOB.length): Promise<Repository> {
  const digest = Digest.of(BLOB).toString();
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2, digest: Digest.of(CONFIG).toString() },
    layers: [{ mediaType: 'application/octet-stream', size, digest }],
  });
  const { repository } = await lyingRegistry(t, {
    'GET /v2/shop/app/manifests/1': says(200, manifest, { 'content-type': OCI_MANIFEST }),
    [`GET /v2/shop/app/blobs/${Digest.of(CONFIG).toString()}`]: says(200, CONFIG),
    [`GET /v2/shop/app/blobs/${digest}`]: says(200, BLOB),
    'GET /v2/shop/app/referrers/': says(
      200,
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }),
      {
        'content-type': OCI_INDEX,
      },
    ),
    ...lies,
  });
  return repository;
}

const BLOBS = `GET /v2/shop/app/blobs/${Digest.of(BLOB).toString()}`;
const ENDLESS: Lie = (response) => {
  const content = function* (): Generator<Uint8Array> {
    for (;;) yield Buffer.alloc(65_536, 'x');
  };
  response.writeHead(200);
  pipeline(Readable.from(content()), response, () => undefined);
};

/** Answers with the beginning of a body, and then with nothing. */
const SILENT: Lie = (response) => {
  response.writeHead(200, { 'content-length': String(BLOB.length) }).write(BLOB.subarray(0, 3));
};

for (const { what, lies, size, code } of [
  { what: 'a registry that hangs up', lies: { [BLOBS]: hangsUp }, code: 'REMOTE_UNREACHABLE' },
  { what: 'a registry that falls silent', lies: { [BLOBS]: SILENT }, code: 'REMOTE_TIMEOUT' },
  { what: 'a blob with other content', lies: { [BLOBS]: says(200, 'CONTENT') }, code: 'DIGEST_MISMATCH' },
  { what: 'a blob without end', lies: { [BLOBS]: ENDLESS }, code: 'REMOTE_BODY' },
  { what: 'a blob shorter than its descriptor says', lies: {}, size: 8, code: 'DIGEST_MISMATCH' },
  { what: 'a blob longer than its descriptor says', lies: {}, size: 6, code: 'REMOTE_BODY' },
  { what: 'a blob that is not there', lies: { [BLOBS]: says(404) }, code: 'NOT_FOUND' },
  {
    what: 'a web page for a manifest',
    lies: { 'GET /v2/shop/app/manifests/1': says(200, '<html>', { 'content-type': 'text/html' }) },
    code: 'FORMAT_MANIFEST',
  },
  { what: 'a manifest without end', lies: { 'GET /v2/shop/app/manifests/1': ENDLESS }, code: 'REMOTE_BODY' },
  { what: 'throttling', lies: { 'GET /v2/shop/app/referrers/': says(429) }, code: 'REMOTE_THROTTLED' },
  {
    what: 'an index of referrers that is not JSON',
    lies: { 'GET /v2/shop/app/referrers/': says(200, '<html>', { 'content-type': OCI_INDEX }) },
    code: 'REMOTE_BODY',
  },
  {
    what: 'a page in the place of the list of referrers, and nothing under the fallback tag',
    lies: { 'GET /v2/shop/app/referrers/': says(200, '<html>', { 'content-type': 'text/html' }) },
    code: 'COULD_NOT_CHECK',
  },
] as const) {
  test(`${what}: ${code} from copy and save, no tag, nothing in the folder`, async (t) => {
    const from = await liar(t, lies, ...(typeof size === 'number' ? [size] : []));
    const registry = await startRegistry(t);
    const client = clientOf(t, { retry: { retries: 0 }, timeoutMs: 500 });
    const to = repositoryAt(registry, 'mirror/app');
    const source = new ImageReference({ ...from, tag: '1' });
    const target = new ImageReference({ ...to, tag: '1' });
    await assert.rejects(copyImage({ registry: client, from: source, to: target }), { code });
    assert.equal(await client.resolveIfPresent(target), undefined);
    const folder = join(temporaryFolder(t), 'app');
    await assert.rejects(saveImage({ registry: client, reference: source, folder }), { code });
    assert.deepEqual(filesIn(folder), []);
  });
}

test('a page in the place of the list of referrers: the fallback tag decides, and as cosign an empty one is no referrer, aloud', async (t) => {
  const page = says(200, '<html>', { 'content-type': 'text/html' });
  const list = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  const { registry, repository } = await liar(t, { 'GET /v2/shop/app/referrers/': page });
  const client = clientOf(t, { retry: { retries: 0 } });
  const from = new ImageReference({ registry, repository, tag: '1' });
  const target = new ImageReference({ ...repositoryAt(await startRegistry(t), 'mirror/app'), tag: '1' });
  const told: string[] = [];
  const onDoubt = (what: string, error: { readonly code: string }): void => {
    told.push(`${what}: ${error.code}`);
  };
  const { descriptor } = await copyImage({ registry: client, from, to: target, onDoubt });
  assert.equal((await client.resolve(target)).digest.toString(), descriptor.digest.toString());
  await saveImage({ registry: client, reference: from, folder: join(temporaryFolder(t), 'app'), onDoubt });
  assert.deepEqual(told, Array(2).fill(`what refers to ${descriptor.digest.toString()}: REMOTE_BODY`));
  const answered = await liar(t, {
    'GET /v2/shop/app/referrers/': says(404, '<html>', { 'content-type': 'text/html' }),
    'GET /v2/shop/app/manifests/sha256-': says(404, list),
  });
  await copyImage({ registry: client, from: new ImageReference({ ...answered, tag: '1' }), to: target });
});

test('referrers that are listed, and refer to something else or are gone, are told of and left', async (t) => {
  const { client, from, family } = await world(t);
  const other = await pushManifest(client, from, await image(client, from, 'no referrer'), 'other');
  const gone = Digest.of(utf8('gone'));
  const { root } = await fetchImageGraph({ source: client, reference: family.reference });
  const source = {
    resolve: client.resolve.bind(client),
    getManifest: client.getManifest.bind(client),
    getManifestIfPresent: client.getManifestIfPresent.bind(client),
    getBlob: client.getBlob.bind(client),
    streamBlob: client.streamBlob.bind(client),
    referrers: async (repository: Repository, digest: Digest) => {
      const listed = (await client.referrers(repository, digest)).descriptors;
      const more = digest.equals(family.index.digest) ? [other, { ...other, digest: gone }] : [];
      return { descriptors: [...listed, ...more], source: 'api' as const };
    },
  };
  const graph = await fetchImageGraph({ source, reference: family.reference });
  assert.deepEqual(graph.missing.map(String).sort(), [other.digest, gone].map(String).sort());
  assert.equal(graph.root.attached.length, root.attached.length);
});

test('a writer that is given content for another digest leaves nothing', async (t) => {
  const folder = join(temporaryFolder(t), 'app');
  const writer = await LayoutWriter.open(folder);
  const digest = Digest.of(utf8('wanted'));
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(utf8('given'));
  };
  await assert.rejects(writer.putBlob({ registry: 'r.test', repository: 'a' }, { digest, sizeBytes: 5, open }), {
    code: 'DIGEST_MISMATCH',
  });
  assert.deepEqual(readdirSync(join(folder, 'blobs/sha256')), []);
  assert.throws(() => readFileSync(join(folder, 'index.json')));
});
