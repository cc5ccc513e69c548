/** Manifests: in under a tag or a digest, out byte for byte, refused when something they name is missing, deleted. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  OCI_INDEX,
  OCI_MANIFEST,
  digestOf,
  manifestJson,
  pushBlob,
  pushImage,
  send,
  startRegistry,
  type RawAnswer,
  type TestRegistry,
} from '../../support/registry-server.ts';

const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

function put(registry: TestRegistry, name: string, body: string | Uint8Array, type?: string): Promise<RawAnswer> {
  const headers = type === undefined ? {} : { 'content-type': type };
  return send(registry, 'PUT', `/v2/a/b/manifests/${name}`, { headers, body });
}

test('a manifest comes out byte for byte, by tag and by digest, with GET and HEAD', async (t) => {
  const registry = await startRegistry(t);
  await pushBlob(registry, 'a/b', '{}');
  // Unusual white space and order: the digest is over exactly these bytes.
  const body = `{ "layers" : [ ] ,\n\t"config":${JSON.stringify((JSON.parse(manifestJson()) as { config: object }).config)}, "schemaVersion": 2}\n`;
  const digest = digestOf(body);
  const answer = await put(registry, 'v1', body, OCI_MANIFEST);
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.location, `/v2/a/b/manifests/${digest}`);
  assert.equal(answer.headers['docker-content-digest'], digest);
  assert.equal(answer.headers['oci-subject'], undefined);
  for (const name of ['v1', digest, encodeURIComponent(digest)]) {
    const path = `/v2/a/b/manifests/${name}`;
    const pulled = await send(registry, 'GET', path);
    assert.equal(pulled.status, 200);
    assert.equal(pulled.body.toString(), body);
    const head = await send(registry, 'HEAD', path);
    assert.equal(head.body.length, 0);
    for (const { headers } of [pulled, head]) {
      assert.equal(headers['content-type'], OCI_MANIFEST);
      assert.equal(headers['content-length'], String(body.length));
      assert.equal(headers['docker-content-digest'], digest);
    }
    const cached = await send(registry, 'GET', path, { headers: { 'if-none-match': `"${digest}"` } });
    assert.equal(cached.status, 304);
  }
});

test('by digest in sha256 and sha512; another digest is refused', async (t) => {
  const registry = await startRegistry(t);
  await pushBlob(registry, 'a/b', '{}');
  const body = manifestJson();
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const digest = digestOf(body, algorithm);
    assert.equal((await put(registry, digest, body, OCI_MANIFEST)).status, 201);
    assert.equal((await send(registry, 'GET', `/v2/a/b/manifests/${digest}`)).body.toString(), body);
  }
  const wrong = digestOf('other');
  const answer = await put(registry, wrong, body, OCI_MANIFEST);
  assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID']);
  assert.equal((await send(registry, 'GET', `/v2/a/b/manifests/${wrong}`)).code, 'MANIFEST_UNKNOWN');
});

test('whatever a manifest names must be here first, and as large as it says', async (t) => {
  const registry = await startRegistry(t);
  const layer = (content: string, size = content.length) => ({
    mediaType: LAYER,
    digest: digestOf(content),
    size,
  });
  const refused = async (body: string, code: string, why: string): Promise<void> => {
    const answer = await put(registry, 'v1', body, OCI_MANIFEST);
    assert.deepEqual([answer.status, answer.code], [400, code], why);
    assert.equal((await send(registry, 'GET', '/v2/a/b/manifests/v1')).code, 'MANIFEST_UNKNOWN', why);
    assert.equal((await send(registry, 'GET', `/v2/a/b/manifests/${digestOf(body)}`)).code, 'MANIFEST_UNKNOWN', why);
  };
  await refused(manifestJson(), 'MANIFEST_BLOB_UNKNOWN', 'the config');
  await pushBlob(registry, 'a/b', '{}');
  await pushBlob(registry, 'elsewhere', 'layer');
  await refused(manifestJson({ layers: [layer('layer')] }), 'MANIFEST_BLOB_UNKNOWN', 'a layer of another repository');
  await pushBlob(registry, 'a/b', 'layer');
  await refused(manifestJson({ layers: [layer('layer', 4)] }), 'SIZE_INVALID', 'a layer with another size');
  const image = await pushImage(registry, 'a/b');
  const index = (digest: string, size = manifestJson().length) =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType: OCI_MANIFEST, digest, size }],
    });
  for (const [body, code] of [
    [index(digestOf('missing')), 'MANIFEST_BLOB_UNKNOWN'],
    [index(image, 1), 'SIZE_INVALID'],
  ] as const) {
    const answer = await put(registry, 'v1', body, OCI_INDEX);
    assert.deepEqual([answer.status, answer.code], [400, code]);
  }
  assert.equal((await put(registry, 'v1', index(image), OCI_INDEX)).status, 201);
  const foreign = { ...layer('never pushed'), mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' };
  assert.equal((await put(registry, 'v2', manifestJson({ layers: [foreign] }), OCI_MANIFEST)).status, 201);
  const ofBlobs = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [layer('layer')] });
  assert.equal((await put(registry, 'v3', ofBlobs, OCI_INDEX)).status, 201, 'an index may list other content');
});

test('what is no manifest, or two things at once, is refused', async (t) => {
  const registry = await startRegistry(t);
  await pushBlob(registry, 'a/b', '{}');
  const rows: readonly (readonly [string, string | Uint8Array, string?])[] = [
    ['nothing', ''],
    ['no JSON', 'not json'],
    ['half a JSON', manifestJson().slice(0, -1)],
    ['a list', '[]'],
    ['no members', '{}'],
    ['schema 1', manifestJson({ schemaVersion: 1 })],
    ['a duplicate member', manifestJson().replace('"layers"', '"schemaVersion":2,"layers"')],
    ['image and index', manifestJson({ manifests: [] })],
    ['an unknown type', manifestJson({ mediaType: 'application/json' })],
    ['another type than sent as', manifestJson(), OCI_INDEX],
    ["Docker's without its type", manifestJson({ mediaType: undefined }), DOCKER_MANIFEST],
    ['a negative size', manifestJson().replace('"size":2', '"size":-2')],
    ['a bad digest', manifestJson().replace(/sha256:[0-9a-f]{60}/, 'sha256:')],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from(manifestJson().slice(0, -1)), Buffer.from([0xff, 0x7d])])],
    ['too deep', `{"schemaVersion":2,"x":${'['.repeat(100)}${']'.repeat(100)}}`],
  ];
  for (const [why, body, type] of rows) {
    const answer = await put(registry, 'v1', body, type ?? OCI_MANIFEST);
    assert.equal(answer.status >= 400 && answer.status < 500, true, why);
    assert.ok(['MANIFEST_INVALID', 'DIGEST_INVALID'].includes(answer.code ?? ''), `${why}: ${answer.code ?? ''}`);
  }
  const large = await put(registry, 'v1', Buffer.alloc((4 << 20) + 1, 0x20), OCI_MANIFEST);
  assert.deepEqual([large.status, large.code], [413, 'SIZE_INVALID']);
  assert.equal((await send(registry, 'GET', '/v2/a/b/manifests/v1')).code, 'MANIFEST_UNKNOWN');
  assert.deepEqual(registry.failures, []);
});

test('a tag moves, keeps its case, and has a length', async (t) => {
  const registry = await startRegistry(t);
  const tags = ['V1', 'v1', 'aB', 'Ab', 'a.B-c_D', '_x', '9', 'A'.repeat(128), 'aA'.repeat(64)];
  const digests = new Map<string, string>();
  for (const tag of tags) digests.set(tag, await pushImage(registry, 'a/b', tag, { annotations: { tag } }));
  for (const tag of tags) {
    const pulled = await send(registry, 'GET', `/v2/a/b/manifests/${tag}`);
    assert.equal(pulled.headers['docker-content-digest'], digests.get(tag), tag);
  }
  const moved = await pushImage(registry, 'a/b', 'V1', { annotations: { moved: 'yes' } });
  assert.equal((await send(registry, 'HEAD', '/v2/a/b/manifests/V1')).headers['docker-content-digest'], moved);
  assert.equal(
    (await send(registry, 'HEAD', '/v2/a/b/manifests/v1')).headers['docker-content-digest'],
    digests.get('v1'),
  );
  for (const tag of ['A'.repeat(129), '.x', '-x', 'a+b', 'ä', 'a%00', '']) {
    const answer = await put(registry, encodeURIComponent(tag), manifestJson(), OCI_MANIFEST);
    assert.deepEqual([answer.status, answer.code], [400, 'MANIFEST_INVALID'], tag);
  }
});

test('many clients push to one tag at once: it names one of them, and all of them are there', async (t) => {
  const registry = await startRegistry(t);
  await pushBlob(registry, 'a/b', '{}');
  const bodies = Array.from({ length: 24 }, (_, index) => manifestJson({ annotations: { index: String(index) } }));
  const answers = await Promise.all(bodies.map((body) => put(registry, 'latest', body, OCI_MANIFEST)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  const { headers } = await send(registry, 'GET', '/v2/a/b/manifests/latest');
  assert.ok(bodies.map((body) => digestOf(body)).includes(String(headers['docker-content-digest'])));
  for (const body of bodies) {
    assert.equal((await send(registry, 'GET', `/v2/a/b/manifests/${digestOf(body)}`)).body.toString(), body);
  }
});

test('a tag is deleted alone; a manifest with its tags', async (t) => {
  const registry = await startRegistry(t);
  const digest = await pushImage(registry, 'a/b', 'one');
  await pushImage(registry, 'a/b', 'two');
  const other = await pushImage(registry, 'a/b', 'other', { annotations: { other: 'yes' } });
  const path = (name: string): string => `/v2/a/b/manifests/${name}`;
  assert.equal((await send(registry, 'DELETE', path('one'))).status, 202);
  assert.equal((await send(registry, 'GET', path('one'))).code, 'MANIFEST_UNKNOWN');
  assert.equal((await send(registry, 'GET', path(digest))).status, 200);
  assert.equal((await send(registry, 'DELETE', path(digest))).status, 202);
  for (const name of ['two', digest]) {
    for (const method of ['GET', 'DELETE']) {
      const answer = await send(registry, method, path(name));
      assert.deepEqual([answer.status, answer.code], [404, 'MANIFEST_UNKNOWN'], `${method} ${name}`);
    }
  }
  assert.equal((await send(registry, 'GET', path('other'))).headers['docker-content-digest'], other);
});

test('deleting and pushing the same manifest at once leaves no tag that leads nowhere', async (t) => {
  const registry = await startRegistry(t);
  const digest = await pushImage(registry, 'a/b', 'v1');
  for (let round = 0; round < 20; round++) {
    await Promise.all([
      send(registry, 'DELETE', `/v2/a/b/manifests/${digest}`),
      put(registry, 'v1', manifestJson(), OCI_MANIFEST),
    ]);
    const { tags } = JSON.parse((await send(registry, 'GET', '/v2/a/b/tags/list')).body.toString()) as {
      tags: string[];
    };
    for (const tag of tags) assert.equal((await send(registry, 'GET', `/v2/a/b/manifests/${tag}`)).status, 200);
  }
});

test('a stored file that was damaged is never served as what it was', async (t) => {
  const registry = await startRegistry(t);
  const digest = await pushImage(registry, 'a/b', 'v1');
  const path = join(registry.dir, 'repositories/a/b/_manifests/sha256', digest.slice(7));
  const bytes = readFileSync(path);
  for (const damaged of [bytes.subarray(1), Buffer.alloc(0), Buffer.from(bytes.toString().replace('2', '3'))]) {
    writeFileSync(path, damaged);
    for (const name of ['v1', digest]) {
      const answer = await send(registry, 'GET', `/v2/a/b/manifests/${name}`);
      assert.deepEqual([answer.status, answer.code], [500, 'UNKNOWN']);
      assert.ok(!answer.body.toString().includes(registry.dir), 'no path is told');
    }
  }
  assert.ok(registry.failures.length > 0);
  assert.equal(await pushImage(registry, 'a/b', 'v1'), digest, 'pushing it again mends it');
  assert.equal((await send(registry, 'GET', '/v2/a/b/manifests/v1')).status, 200);
  writeFileSync(join(registry.dir, 'repositories/a/b/_tags/v1'), 'nonsense');
  const answer = await send(registry, 'GET', '/v2/a/b/manifests/v1');
  assert.deepEqual([answer.status, answer.code], [500, 'UNKNOWN']);
});

test('nothing is left under construction', async (t) => {
  const registry = await startRegistry(t);
  await pushImage(registry, 'a/b', 'v1');
  await put(registry, 'v2', 'nonsense', OCI_MANIFEST);
  for (const folder of ['temporary', 'uploads']) assert.deepEqual(readdirSync(join(registry.dir, folder)), []);
});
