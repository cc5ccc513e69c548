/** The demo's images are real, the same every time, and its forgeries are wrong in exactly one way. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { copyWithBundle, flipSignatureByte, pushDemoImage } from '../../examples/demo-image.ts';
import { tarArchive } from '../../examples/tar-archive.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { Digest } from '../../src/core/image/digest.ts';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import { ImageReference } from '../../src/core/image/reference.ts';
import { fetchBundles, pushBundle } from '../../src/io/registry/bundle-store.ts';
import type { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { FakeInstance, SIGNING_TIME, statementAbout } from '../support/instance.ts';
import {
  clientOf,
  repositoryAt,
  startRegistry,
  temporaryFolder,
  type TestRegistry,
} from '../support/registry-server.ts';

/** The demo's image with a genuine bundle. */
async function signedDemoImage(
  t: TestContext,
): Promise<{ registry: TestRegistry; client: RegistryClient; digest: string; json: string }> {
  const registry = await startRegistry(t);
  const client = clientOf(t);
  const { digest } = await pushDemoImage(registry.host, 'shop/app', '1');
  const repository = repositoryAt(registry, 'shop/app');
  const image = await client.resolve(new ImageReference({ ...repository, digest: Digest.parse(digest) }));
  const instance = new FakeInstance();
  const json = encodeBundle(instance.signStatement(statementAbout(image.digest.bytes)));
  await pushBundle(client, repository, image, json, {
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    createdAt: SIGNING_TIME,
  });
  return { registry, client, digest, json };
}

async function bundleAt(client: RegistryClient, registry: TestRegistry, name: string, digest: string): Promise<string> {
  const { bundles, unusable } = await fetchBundles(client, repositoryAt(registry, name), Digest.parse(digest));
  assert.deepEqual([bundles.length, unusable.length], [1, 0]);
  return bundles[0]?.json ?? '';
}

test('every run pushes the same index: two platforms, two layers each, one of them shared', async (t) => {
  const registry = await startRegistry(t);
  const client = clientOf(t);
  const first = await pushDemoImage(registry.host, 'shop/app', '1');
  const second = await pushDemoImage(registry.host, 'shop/again', '1');
  assert.deepEqual(first, second);
  assert.deepEqual(first.platforms, ['linux/amd64', 'linux/arm64']);
  const repository = repositoryAt(registry, 'shop/app');
  const fetched = await client.getManifest(new ImageReference({ ...repository, tag: '1' }));
  assert.equal(fetched.digest.toString(), first.digest);
  const index = fetched.parse();
  assert.ok(index.kind === 'index');
  const layers: Descriptor[][] = [];
  for (const { digest } of index.manifests) {
    const image = (await client.getManifest(new ImageReference({ ...repository, digest }))).parse();
    assert.ok(image.kind === 'image');
    layers.push([...image.layers]);
    const config = JSON.parse(Buffer.from(await client.getBlob(repository, image.config.digest)).toString()) as {
      rootfs: { diff_ids: string[] };
    };
    for (const [at, layer] of image.layers.entries()) {
      const archive = gunzipSync(await client.getBlob(repository, layer.digest));
      assert.equal(config.rootfs.diff_ids[at], Digest.of(archive).toString());
    }
  }
  assert.deepEqual(
    layers.map((list) => list.length),
    [2, 2],
  );
  assert.ok(layers[0]![0]!.digest.equals(layers[1]![0]!.digest));
  assert.ok(!layers[0]![1]!.digest.equals(layers[1]![1]!.digest));
});

test('the layers are tar archives that tar itself reads', (t) => {
  const path = join(temporaryFolder(t), 'layer.tar');
  const content = Buffer.from('echo hello\n');
  writeFileSync(path, tarArchive([{ path: 'bin/hello', mode: 0o755, content }]));
  const listing = execFileSync('tar', ['--numeric-owner', '-tvf', path], { encoding: 'utf8', env: { TZ: 'UTC' } });
  assert.match(listing, /^-rwxr-xr-x 0\/0 +11 1970-01-01 00:00 bin\/hello$/m);
  assert.deepEqual(execFileSync('tar', ['-xOf', path, 'bin/hello']), content);
});

test('the copied bundle is the genuine one, beside another image', async (t) => {
  const { registry, client, digest, json } = await signedDemoImage(t);
  const other = await copyWithBundle(registry.host, 'shop/app', digest, 'shop/copied');
  assert.notEqual(other, digest);
  assert.equal(await bundleAt(client, registry, 'shop/copied', other), json);
});

test('the flipped bundle differs in one bit of its signature, beside the same image', async (t) => {
  const { registry, client, digest, json } = await signedDemoImage(t);
  assert.equal(await flipSignatureByte(registry.host, 'shop/app', digest, 'shop/byte'), digest);
  const flipped = await bundleAt(client, registry, 'shop/byte', digest);
  const signatureIn = (text: string): Buffer => {
    const bundle = JSON.parse(text) as { dsseEnvelope: { signatures: [{ sig: string }] } };
    return Buffer.from(bundle.dsseEnvelope.signatures[0].sig, 'base64');
  };
  const [genuine, forged] = [signatureIn(json), signatureIn(flipped)];
  assert.equal(forged.length, genuine.length);
  assert.equal((forged.at(-1) ?? 0) ^ (genuine.at(-1) ?? 0), 1);
  assert.deepEqual(forged.subarray(0, -1), genuine.subarray(0, -1));
  assert.equal(flipped.replace(forged.toString('base64'), genuine.toString('base64')), json);
});

test('without a signature there is nothing to forge', async (t) => {
  const registry = await startRegistry(t);
  const { digest } = await pushDemoImage(registry.host, 'shop/app', '1');
  await assert.rejects(copyWithBundle(registry.host, 'shop/app', digest, 'shop/copied'), /has no signature/);
  await assert.rejects(flipSignatureByte(registry.host, 'shop/app', digest, 'shop/byte'), /has no signature/);
});
