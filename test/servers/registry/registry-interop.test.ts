/** Other people's registry clients against our registry, and our client against other people's registry. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pushDemoImage } from '../../../examples/demo-image.ts';
import { tarArchive } from '../../../examples/tar-archive.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { ImageReference } from '../../../src/core/image/reference.ts';
import { fetchBundles, pushBundle } from '../../../src/io/registry/bundle-store.ts';
import { interop } from '../../support/interop.ts';
import { dockerRegistry } from '../../support/docker-registry.ts';
import { freePort, startPeer } from '../../support/peer-process.ts';
import {
  clientOf,
  digestOf,
  manifestJson,
  OCI_MANIFEST,
  repositoryAt,
  send,
  startRegistry,
  temporaryFolder,
  type TestRegistry,
} from '../../support/registry-server.ts';

const run = promisify(execFile);

/** A program with a home of its own, which so has no credentials. */
function program(t: TestContext, executable: string): (...parameters: readonly string[]) => Promise<string> {
  const home = temporaryFolder(t);
  const env = { PATH: process.env['PATH'], HOME: home, COSIGN_PASSWORD: '' };
  return async (...parameters) =>
    (await run(executable, parameters, { env, cwd: home, timeout: 60_000, encoding: 'utf8' })).stdout.trim();
}

async function refused(attempt: Promise<string>, reason: RegExp): Promise<void> {
  await assert.rejects(attempt, (error: { stderr?: string }) => {
    assert.match(error.stderr ?? '', reason);
    return true;
  });
}

interop(
  'crane',
  'both',
  'registry: an index for two platforms, pulled, pushed, copied, checked',
  async (t, executable) => {
    const registry = await startRegistry(t);
    const crane = program(t, executable);
    const { digest } = await pushDemoImage(registry.host, 'shop/app', '1');
    const source = `${registry.host}/shop/app:1`;
    await crane('validate', '--remote', source);
    assert.equal(await crane('digest', source), digest);
    const layout = join(temporaryFolder(t), 'layout');
    await crane('pull', '--format=oci', source, layout);
    await crane('push', '--index', layout, `${registry.host}/pushed/app:1`);
    const pushed = JSON.parse(await crane('manifest', `${registry.host}/pushed/app:1`)) as {
      manifests: [{ digest: string }];
    };
    assert.equal(pushed.manifests[0].digest, digest);
    await crane('copy', source, `${registry.host}/copied/app:2`);
    assert.equal(await crane('digest', `${registry.host}/copied/app:2`), digest);
    await crane('validate', '--remote', `${registry.host}/copied/app:2`);
    assert.equal(await crane('ls', `${registry.host}/copied/app`), '2');
    assert.deepEqual(registry.failures, []);
  },
);

interop(
  'crane',
  'peer → sealwright',
  'registry: builds on an image, tags, deletes; our client reads it',
  async (t, executable) => {
    const registry = await startRegistry(t);
    const crane = program(t, executable);
    await pushDemoImage(registry.host, 'shop/app', '1');
    const layer = join(temporaryFolder(t), 'layer.tar.gz');
    const content = utf8('added\n');
    writeFileSync(layer, gzipSync(tarArchive([{ path: 'added', mode: 0o644, content }])));
    const name = `${registry.host}/built/app`;
    const base = `${registry.host}/shop/app:1`;
    await crane('append', '--platform', 'linux/arm64', '-b', base, '-f', layer, '-t', `${name}:1`);
    await crane('validate', '--remote', `${name}:1`);
    const client = clientOf(t);
    const repository = repositoryAt(registry, 'built/app');
    const image = (await client.getManifest(new ImageReference({ ...repository, tag: '1' }))).parse();
    assert.ok(image.kind === 'image');
    assert.equal(image.layers.length, 3);
    const added = image.layers[2]!.digest;
    assert.deepEqual(Buffer.from(await client.getBlob(repository, added)), readFileSync(layer));
    await crane('tag', `${name}:1`, 'Second.Tag');
    assert.equal(await crane('ls', name), '1\nSecond.Tag');
    const digest = await crane('digest', `${name}:Second.Tag`);
    await crane('delete', `${name}@${digest}`);
    await refused(crane('digest', `${name}:1`), /404|MANIFEST_UNKNOWN/);
    await refused(crane('manifest', `${name}@${digest}`), /MANIFEST_UNKNOWN/);
    await refused(crane('blob', `${name}@${Digest.of(utf8('never')).toString()}`), /BLOB_UNKNOWN/);
  },
);

interop(
  'skopeo',
  'both',
  'registry: an index for two platforms, pulled, pushed, copied, deleted',
  async (t, executable) => {
    const registry = await startRegistry(t);
    const skopeo = program(t, executable);
    const { digest } = await pushDemoImage(registry.host, 'shop/app', '1');
    const at = (name: string): string => `docker://${registry.host}/${name}`;
    const layout = `oci:${join(temporaryFolder(t), 'layout')}:1`;
    const policy = ['--insecure-policy'];
    const plain = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    await skopeo(...policy, 'copy', '--all', '--src-tls-verify=false', at('shop/app:1'), layout);
    await skopeo(...policy, 'copy', '--all', '--dest-tls-verify=false', layout, at('pushed/app:1'));
    await skopeo(...policy, 'copy', '--all', ...plain, at('pushed/app:1'), at('copied/app:1'));
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', at('copied/app:1'));
    assert.equal(Digest.of(utf8(raw)).toString(), digest);
    const config = JSON.parse(
      await skopeo(
        '--override-arch',
        'arm64',
        '--override-os',
        'linux',
        'inspect',
        '--tls-verify=false',
        at('copied/app:1'),
      ),
    ) as { Architecture: string; Layers: string[]; RepoTags: string[] };
    assert.equal(config.Architecture, 'arm64');
    assert.equal(config.Layers.length, 2);
    assert.deepEqual(config.RepoTags, ['1']);
    const docker = `${registry.host}/docker/app:1`;
    await skopeo(
      ...policy,
      '--override-arch',
      'amd64',
      'copy',
      '--format',
      'v2s2',
      ...plain,
      at('shop/app:1'),
      `docker://${docker}`,
    );
    const { mediaType } = await clientOf(t).resolve(
      new ImageReference({ ...repositoryAt(registry, 'docker/app'), tag: '1' }),
    );
    assert.equal(mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
    await skopeo('delete', '--tls-verify=false', at('copied/app:1'));
    await refused(
      skopeo('inspect', '--tls-verify=false', at('copied/app:1')),
      /manifest unknown|MANIFEST_UNKNOWN|no such manifest/i,
    );
    assert.deepEqual(registry.failures, []);
  },
);

interop('cosign', 'both', 'registry: referrers written and read, listed as a tree', async (t, executable) => {
  const registry = await startRegistry(t);
  const cosign = program(t, executable);
  const client = clientOf(t);
  const { digest } = await pushDemoImage(registry.host, 'shop/app', '1');
  const repository = repositoryAt(registry, 'shop/app');
  const image = await client.resolve(new ImageReference({ ...repository, digest: Digest.parse(digest) }));
  await cosign('generate-key-pair');
  const config = join(temporaryFolder(t), 'signing-config.json');
  writeFileSync(config, JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json' }));
  const name = `${registry.host}/shop/app@${digest}`;
  await cosign('sign', '--signing-config', config, '--yes', '--key', 'cosign.key', name);
  const { bundles } = await fetchBundles(client, repository, image.digest);
  assert.equal(bundles.length, 1, 'what it attached is what we find');
  assert.equal(bundles[0]?.predicateType, 'https://sigstore.dev/cosign/sign/v1');
  assert.equal((await listedBy(registry, digest)).length, 1);
  await pushBundle(client, repository, image, bundles[0].json, {
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    createdAt: new Date('2026-06-01T00:00:00Z'),
  });
  const verify = ['verify', '--insecure-ignore-tlog', '--key', 'cosign.pub'];
  const found = JSON.parse(await cosign(...verify, name)) as unknown[];
  assert.equal(found.length, 2, 'what we attached is what it finds');
  assert.equal((await cosign('tree', name)).match(/cosign\/sign\/v1 artifacts via OCI referrer/g)?.length, 2);
});

async function listedBy(registry: TestRegistry, digest: string): Promise<unknown[]> {
  const { body } = await send(registry, 'GET', `/v2/shop/app/referrers/${digest}`);
  return (JSON.parse(body.toString()) as { manifests: unknown[] }).manifests;
}

interop(
  'registry',
  'sealwright → peer',
  'registry: our client pushes, pulls, lists and attaches',
  async (t, executable) => {
    const port = await freePort();
    await startPeer(t, executable, ['-port', String(port)], `http://127.0.0.1:${port}/v2/`);
    const host = `127.0.0.1:${port}`;
    const client = clientOf(t);
    const { digest } = await pushDemoImage(host, 'shop/app', '1');
    const repository = { registry: host, repository: 'shop/app' };
    const image = await client.resolve(new ImageReference({ ...repository, tag: '1' }));
    assert.equal(image.digest.toString(), digest);
    const index = (await client.getManifest(new ImageReference({ ...repository, digest: image.digest }))).parse();
    assert.ok(index.kind === 'index');
    assert.equal(index.manifests.length, 2);
    const tags: string[] = [];
    for await (const tag of client.listTags(repository)) tags.push(tag);
    assert.ok(tags.includes('1'));
    for (const json of ['{"first":1}', '{"second":2}']) {
      await pushBundle(client, repository, image, json, {
        predicateType: 'https://sigstore.dev/cosign/sign/v1',
        createdAt: new Date('2026-06-01T00:00:00Z'),
      });
    }
    const { bundles } = await fetchBundles(client, repository, image.digest);
    assert.deepEqual(new Set(bundles.map(({ json }) => json)), new Set(['{"first":1}', '{"second":2}']));
    const large = Buffer.alloc(300_000, 7);
    const blob = await client.putBlob(repository, large);
    assert.deepEqual(Buffer.from(await client.getBlob(repository, blob)), large);
    const never = Digest.of(utf8('never'));
    assert.equal(await client.headBlob(repository, never), undefined);
    await assert.rejects(client.getBlob(repository, never), { code: 'NOT_FOUND' });
    await assert.rejects(client.resolve(new ImageReference({ ...repository, tag: 'none' })), { code: 'TAG_NOT_FOUND' });
  },
);

interop(
  'docker-registry',
  'both',
  'registry: a manifest in front of its blobs is refused, and one whose subject is nowhere is not',
  async (t, executable) => {
    const own = await startRegistry(t);
    const client = clientOf(t);
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf('nowhere'), size: 7 };
    const layers = [{ mediaType: 'text/plain', digest: digestOf('a bundle'), size: 8 }];
    for (const host of [await dockerRegistry(t, executable), own.host]) {
      const repository = { registry: host, repository: 'shop/app' };
      const put = async (body: string): Promise<readonly [number, string | undefined]> => {
        const path = `/v2/shop/app/manifests/${digestOf(body)}`;
        const headers = { 'content-type': OCI_MANIFEST };
        const { status, code } = await send({ url: `http://${host}` }, 'PUT', path, { headers, body });
        return [status, code];
      };
      const manifest = manifestJson({ layers, subject });
      await client.putBlob(repository, utf8('{}'));
      // What cosign's `load` does with a bundle.
      assert.deepEqual(await put(manifest), [400, 'MANIFEST_BLOB_UNKNOWN'], host);
      await client.putBlob(repository, utf8('a bundle'));
      assert.deepEqual(await put(manifest), [201, undefined], host);
    }
  },
);
