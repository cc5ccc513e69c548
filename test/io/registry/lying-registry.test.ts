/** Registries that fail and registries that lie: each is its own error, and is asked again only where that is right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { ImageReference } from '../../../src/core/image/reference.ts';
import { fetchBundles } from '../../../src/io/registry/bundle-store.ts';
import { freePort } from '../../support/peer-process.ts';
import {
  hangsUp,
  lyingRegistry,
  patientClient,
  says,
  sendsHalf,
  type Lie,
  type LyingRegistry,
} from '../../support/lying-registry.ts';
import { OCI_INDEX, OCI_MANIFEST, manifestJson } from '../../support/registry-server.ts';

const MANIFEST = manifestJson();
const DIGEST = Digest.of(utf8(MANIFEST));
const TYPE = { 'content-type': OCI_MANIFEST };
const HTML = says(200, '<!doctype html><title>Log in</title>', { 'content-type': 'text/html' });
const BLOB = Buffer.from('a blob of some length');
const BLOB_DIGEST = Digest.of(BLOB);
const MANIFESTS = 'GET /v2/shop/app/manifests/';
const REFERRERS = 'GET /v2/shop/app/referrers/';

function tagged({ repository }: LyingRegistry): ImageReference {
  return new ImageReference({ ...repository, tag: 'v1' });
}

function pinned({ repository }: LyingRegistry): ImageReference {
  return new ImageReference({ ...repository, digest: DIGEST });
}

async function drained(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const item of items) if (item !== undefined) count += 1;
  return count;
}

test('nobody there', async (t) => {
  const { client } = patientClient(t);
  const reference = new ImageReference({ registry: `127.0.0.1:${await freePort()}`, repository: 'a', tag: 'v1' });
  await assert.rejects(client.getManifest(reference), { code: 'REMOTE_UNREACHABLE', exitCode: 23 });
});

test('404 is an answer: no such tag, digest, blob, repository', async (t) => {
  const registry = await lyingRegistry(t, {});
  const { client } = patientClient(t);
  await assert.rejects(client.getManifest(tagged(registry)), { code: 'TAG_NOT_FOUND', exitCode: 11 });
  await assert.rejects(client.resolve(tagged(registry)), { code: 'TAG_NOT_FOUND' });
  await assert.rejects(client.getManifest(pinned(registry)), { code: 'NOT_FOUND' });
  await assert.rejects(client.getBlob(registry.repository, BLOB_DIGEST), { code: 'NOT_FOUND' });
  await assert.rejects(drained(client.streamBlob(registry.repository, BLOB_DIGEST)), { code: 'NOT_FOUND' });
  await assert.rejects(drained(client.listTags(registry.repository)), { code: 'NOT_FOUND' });
});

test('429: waits as long as it is told to, then goes on', async (t) => {
  const registry = await lyingRegistry(t, {
    [MANIFESTS]: [says(429, '', { 'retry-after': '7' }), says(429, ''), says(200, MANIFEST, TYPE)],
  });
  const { client, waits } = patientClient(t);
  assert.equal((await client.getManifest(tagged(registry))).digest.toString(), DIGEST.toString());
  assert.equal(waits[0], 7000);
  assert.equal(waits.length, 2);
});

test('429 for ever, or for longer than anybody waits, is REMOTE_THROTTLED', async (t) => {
  for (const [retryAfter, requests] of [
    ['1', 4],
    ['3600', 1],
  ] as const) {
    const registry = await lyingRegistry(t, { [MANIFESTS]: says(429, '', { 'retry-after': retryAfter }) });
    const { client } = patientClient(t);
    await assert.rejects(client.getManifest(tagged(registry)), { code: 'REMOTE_THROTTLED', status: 429 });
    assert.equal(registry.asked().length, requests);
  }
});

test('500: a read is repeated, a write is not; then REMOTE_STATUS', async (t) => {
  const registry = await lyingRegistry(t, { [MANIFESTS]: says(500), 'PUT /v2/shop/app/manifests/': says(500) });
  const { client } = patientClient(t);
  await assert.rejects(client.getManifest(tagged(registry)), { code: 'REMOTE_STATUS', status: 500, exitCode: 23 });
  assert.equal(registry.asked().length, 4);
  const put = client.putManifest(registry.repository, 'v1', utf8(MANIFEST), OCI_MANIFEST);
  await assert.rejects(put, { code: 'REMOTE_STATUS', status: 500 });
  assert.equal(registry.asked().length, 5);
});

test('503 says that nothing was done: writes are repeated too', async (t) => {
  const registry = await lyingRegistry(t, {
    'PUT /v2/shop/app/manifests/': [says(503), says(201, '', { 'docker-content-digest': DIGEST.toString() })],
  });
  const { client } = patientClient(t);
  await client.putManifest(registry.repository, 'v1', utf8(MANIFEST), OCI_MANIFEST);
  assert.equal(registry.asked().length, 2);
});

test('half a body is fetched again, and in the end REMOTE_BODY', async (t) => {
  const blobs = `GET /v2/shop/app/blobs/${BLOB_DIGEST.toString()}`;
  const registry = await lyingRegistry(t, {
    [MANIFESTS]: [sendsHalf(MANIFEST, TYPE), says(200, MANIFEST, TYPE)],
    [blobs]: sendsHalf(BLOB),
  });
  const { client } = patientClient(t);
  assert.equal((await client.getManifest(tagged(registry))).digest.toString(), DIGEST.toString());
  await assert.rejects(client.getBlob(registry.repository, BLOB_DIGEST), { code: 'REMOTE_BODY' });
  assert.equal(registry.asked().length, 6);
  await assert.rejects(drained(client.streamBlob(registry.repository, BLOB_DIGEST)), { code: 'REMOTE_BODY' });
});

test('a connection that is cut before the answer is REMOTE_UNREACHABLE after repetitions', async (t) => {
  const registry = await lyingRegistry(t, { [MANIFESTS]: hangsUp });
  const { client } = patientClient(t);
  await assert.rejects(client.getManifest(tagged(registry)), { code: 'REMOTE_UNREACHABLE' });
  assert.equal(registry.asked().length, 4);
});

test('other content than the digest names is DIGEST_MISMATCH, at once, wherever it comes from', async (t) => {
  const other = manifestJson({ annotations: { other: 'yes' } });
  const announced = (digest: Digest) => ({ ...TYPE, 'docker-content-digest': digest.toString() });
  const registry = await lyingRegistry(t, {
    [`${MANIFESTS}sha256:`]: says(200, other, announced(DIGEST)),
    [`${MANIFESTS}v1`]: says(200, other, announced(DIGEST)),
    'HEAD /v2/shop/app/manifests/sha256:': says(200, '', {
      ...announced(Digest.of(utf8(other))),
      'content-length': String(other.length),
    }),
    'GET /v2/shop/app/blobs/': says(200, 'something else'),
    'PUT /v2/shop/app/manifests/': says(201, '', { 'docker-content-digest': Digest.of(utf8(other)).toString() }),
  });
  const { client } = patientClient(t);
  const attempts: readonly (() => Promise<unknown>)[] = [
    () => client.getManifest(pinned(registry)),
    () => client.getManifest(tagged(registry)),
    () => client.resolve(pinned(registry)),
    () => client.getBlob(registry.repository, BLOB_DIGEST),
    () => drained(client.streamBlob(registry.repository, BLOB_DIGEST)),
    () => client.putManifest(registry.repository, DIGEST, utf8(MANIFEST), OCI_MANIFEST),
  ];
  for (const [index, attempt] of attempts.entries()) {
    await assert.rejects(attempt(), { code: 'DIGEST_MISMATCH', exitCode: 12 }, `attempt ${index}`);
    assert.equal(registry.asked().length, index + 1, 'asking again would not make it true');
  }
});

test('a web page instead of JSON is never an empty answer', async (t) => {
  const registry = await lyingRegistry(t, { 'GET /v2/shop/': HTML, 'HEAD /v2/shop/': HTML });
  const { client } = patientClient(t);
  await assert.rejects(client.getManifest(tagged(registry)), { code: 'FORMAT_MANIFEST' });
  await assert.rejects(client.resolve(tagged(registry)), { code: 'FORMAT_MANIFEST' });
  await assert.rejects(drained(client.listTags(registry.repository)), { code: 'FORMAT_JSON' });
  await assert.rejects(client.referrers(registry.repository, DIGEST), { code: 'FORMAT_MANIFEST' });
  await assert.rejects(fetchBundles(client, registry.repository, DIGEST), { code: 'FORMAT_MANIFEST' });
  await assert.rejects(client.getBlob(registry.repository, BLOB_DIGEST), { code: 'DIGEST_MISMATCH' });
});

test('a web page is no confirmation, and a blob of another length is another blob', async (t) => {
  const registry = await lyingRegistry(t, {
    'PUT /v2/shop/app/manifests/': HTML,
    'DELETE /v2/shop/app/manifests/': HTML,
    'HEAD /v2/shop/app/blobs/': says(200, '', { 'content-length': '7' }),
    'POST /v2/shop/app/blobs/uploads/': HTML,
  });
  const { client } = patientClient(t);
  const put = client.putManifest(registry.repository, 'v1', utf8(MANIFEST), OCI_MANIFEST);
  await assert.rejects(put, { code: 'REMOTE_BODY', exitCode: 23 });
  await assert.rejects(client.deleteManifest(pinned(registry)), { code: 'REMOTE_BODY' });
  await assert.rejects(client.putBlob(registry.repository, BLOB), { code: 'REMOTE_STATUS' });
  assert.ok(registry.asked().includes('POST /v2/shop/app/blobs/uploads/'));
});

test('what is too large is not read to its end', async (t) => {
  const endless: Lie = (response) => {
    response.writeHead(200, TYPE);
    const more = (error?: Error | null): void => {
      if (error === undefined || error === null) response.write(Buffer.alloc(1 << 20, 0x20), more);
    };
    more();
  };
  const registry = await lyingRegistry(t, {
    [MANIFESTS]: endless,
    'GET /v2/shop/app/tags/list': endless,
    [REFERRERS]: endless,
    'GET /v2/shop/app/blobs/': says(200, '', { 'content-length': String(2 ** 40) }),
  });
  const { client } = patientClient(t);
  await assert.rejects(client.getManifest(tagged(registry)), { code: 'REMOTE_BODY' });
  await assert.rejects(drained(client.listTags(registry.repository)), { code: 'REMOTE_BODY' });
  await assert.rejects(client.referrers(registry.repository, DIGEST), { code: 'REMOTE_BODY' });
  await assert.rejects(client.getBlob(registry.repository, BLOB_DIGEST), { code: 'REMOTE_BODY' });
});

test('lists without end, or that lead elsewhere, are refused', async (t) => {
  const emptyIndex = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  const loop = `<${REFERRERS.slice(4)}${DIGEST.toString()}?page=again>; rel="next"`;
  const tags = JSON.stringify({ name: 'shop/app', tags: ['v1'] });
  const endless = await lyingRegistry(t, {
    [REFERRERS]: says(200, emptyIndex, { 'content-type': OCI_INDEX, link: loop }),
    'GET /v2/shop/app/tags/list': says(200, tags, { link: '</v2/shop/app/tags/list?last=v1>; rel="next"' }),
  });
  const { client } = patientClient(t);
  await assert.rejects(client.referrers(endless.repository, DIGEST), { code: 'LIMIT_COUNT' });
  assert.equal(endless.asked().length, 200);
  await assert.rejects(drained(client.listTags(endless.repository)), { code: 'REMOTE_BODY' });
  const stranger = await lyingRegistry(t, {});
  const elsewhere = await lyingRegistry(t, {
    [REFERRERS]: says(200, emptyIndex, { 'content-type': OCI_INDEX, link: `<${stranger.url}/next>; rel="next"` }),
    'GET /v2/shop/app/tags/list': says(200, tags, { link: `<${stranger.url}/next>; rel="next"` }),
  });
  await assert.rejects(client.referrers(elsewhere.repository, DIGEST), { code: 'REMOTE_BODY' });
  await assert.rejects(drained(client.listTags(elsewhere.repository)), { code: 'REMOTE_BODY' });
  assert.deepEqual(stranger.seen, []);
});

test('referrers that cannot be listed are never none: 401, 403, 429, 500, half a list, a bad second page', async (t) => {
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  const type = { 'content-type': OCI_INDEX };
  const next = { ...type, link: `</v2/shop/app/referrers/${DIGEST.toString()}?last=x>; rel="next"` };
  const rows: readonly (readonly [string, Lie | readonly Lie[], string])[] = [
    ['401', says(401), 'AUTH_REGISTRY'],
    ['403', says(403), 'AUTH_REGISTRY'],
    ['429', says(429, '', { 'retry-after': '3600' }), 'REMOTE_THROTTLED'],
    ['500', says(500), 'REMOTE_STATUS'],
    ['502', says(502), 'REMOTE_STATUS'],
    ['half', sendsHalf(index, type), 'REMOTE_BODY'],
    ['half a JSON', says(200, index.slice(0, -2), type), 'REMOTE_BODY'],
    ['an image', says(200, MANIFEST, type), 'REMOTE_BODY'],
    ['404 on page two', [says(200, index, next), says(404)], 'REMOTE_STATUS'],
    ['500 on page two', [says(200, index, next), says(500)], 'REMOTE_STATUS'],
    ['HTML on page two', [says(200, index, next), HTML], 'REMOTE_BODY'],
  ];
  for (const [why, lie, code] of rows) {
    const registry = await lyingRegistry(t, { [REFERRERS]: lie });
    const { client } = patientClient(t);
    await assert.rejects(fetchBundles(client, registry.repository, DIGEST), { code }, why);
  }
});

test('where there is no referrers API, the fallback tag decides, and failing to read it is not an empty list', async (t) => {
  const tag = `${MANIFESTS}sha256-${DIGEST.hex}`;
  const type = { 'content-type': OCI_INDEX };
  const rows: readonly (readonly [string, Lie, string | undefined])[] = [
    ['no tag', says(404), undefined],
    ['500', says(500), 'REMOTE_STATUS'],
    ['401', says(401), 'AUTH_REGISTRY'],
    ['HTML', HTML, 'FORMAT_MANIFEST'],
    ['half a JSON', says(200, '{"schemaVersion":2,', type), 'REMOTE_BODY'],
  ];
  for (const status of [400, 404, 405, 406]) {
    for (const [why, lie, code] of rows) {
      const registry = await lyingRegistry(t, { [REFERRERS]: says(status), [tag]: lie });
      const { client } = patientClient(t);
      const listing = client.referrers(registry.repository, DIGEST);
      if (code === undefined) assert.deepEqual(await listing, { descriptors: [], source: 'tag' });
      else await assert.rejects(listing, { code }, why);
    }
  }
});

test('one broken bundle is named and hides no other; a registry that fails hides all', async (t) => {
  const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const carrier = (content: string): string =>
    manifestJson({
      artifactType: bundleType,
      layers: [{ mediaType: bundleType, digest: Digest.of(utf8(content)).toString(), size: content.length }],
    });
  const good = carrier('{"good":1}');
  const bad = carrier('{"bad":1}');
  const listed = (...manifests: string[]): Lie =>
    says(
      200,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: manifests.map((text) => ({
          mediaType: OCI_MANIFEST,
          digest: Digest.of(utf8(text)).toString(),
          size: text.length,
          artifactType: bundleType,
        })),
      }),
      { 'content-type': OCI_INDEX },
    );
  const blob = (content: string): string => `GET /v2/shop/app/blobs/${Digest.of(utf8(content)).toString()}`;
  const manifest = (text: string): string => `${MANIFESTS}${Digest.of(utf8(text)).toString()}`;
  const rows: readonly (readonly [string, Record<string, Lie>, string, boolean])[] = [
    ['its bundle is gone', { [blob('{"bad":1}')]: says(404) }, 'NOT_FOUND', false],
    ['its bundle is another', { [blob('{"bad":1}')]: says(200, '{"evil":1}') }, 'DIGEST_MISMATCH', false],
    ['its manifest is another', { [manifest(bad)]: says(200, good, TYPE) }, 'DIGEST_MISMATCH', false],
    ['its manifest is gone', { [manifest(bad)]: says(404) }, 'NOT_FOUND', false],
    ['its bundle cannot be fetched', { [blob('{"bad":1}')]: says(500) }, 'REMOTE_STATUS', true],
    ['its bundle may not be fetched', { [blob('{"bad":1}')]: says(403) }, 'AUTH_REGISTRY', true],
    ['half of it', { [blob('{"bad":1}')]: sendsHalf('{"bad":1}') }, 'REMOTE_BODY', true],
  ];
  for (const [why, lies, code, fatal] of rows) {
    const registry = await lyingRegistry(t, {
      [REFERRERS]: listed(good, bad),
      [manifest(good)]: says(200, good, TYPE),
      [manifest(bad)]: says(200, bad, TYPE),
      [blob('{"good":1}')]: says(200, '{"good":1}'),
      ...lies,
    });
    const { client } = patientClient(t);
    const fetching = fetchBundles(client, registry.repository, DIGEST);
    if (fatal) {
      await assert.rejects(fetching, { code }, why);
      continue;
    }
    const { bundles, unusable } = await fetching;
    assert.deepEqual(
      bundles.map(({ json }) => json),
      ['{"good":1}'],
      why,
    );
    assert.deepEqual(
      unusable.map(({ error }) => error.code),
      [code],
      why,
    );
  }
});

test('more bundles than anybody verifies are refused', async (t) => {
  const manifests = Array.from({ length: 1001 }, (_, index) => ({
    mediaType: OCI_MANIFEST,
    digest: Digest.of(utf8(String(index))).toString(),
    size: 1,
    artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  }));
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  const registry = await lyingRegistry(t, { [REFERRERS]: says(200, index, { 'content-type': OCI_INDEX }) });
  const { client } = patientClient(t);
  await assert.rejects(fetchBundles(client, registry.repository, DIGEST), { code: 'LIMIT_COUNT' });
  assert.equal(registry.asked().length, 1);
});

test('an upload that is opened nowhere, or refused, is an error', async (t) => {
  const open = 'POST /v2/shop/app/blobs/uploads/';
  const rows: readonly (readonly [Lie, string])[] = [
    [says(202), 'REMOTE_BODY'],
    [says(202, '', { location: 'http://[' }), 'REMOTE_BODY'],
    [says(200), 'REMOTE_STATUS'],
    [says(404), 'REMOTE_STATUS'],
    [says(401), 'AUTH_REGISTRY'],
    [says(413), 'REMOTE_STATUS'],
  ];
  for (const [lie, code] of rows) {
    const registry = await lyingRegistry(t, { [open]: lie });
    const { client } = patientClient(t);
    await assert.rejects(client.putBlob(registry.repository, BLOB), { code });
  }
});

const UNKNOWN_BLOB = says(400, '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}');
const PUT_MANIFEST = 'PUT /v2/shop/app/manifests/';

test('a manifest whose blobs are not seen yet is put again, and only such a one', async (t) => {
  const stored = says(201, '', { 'docker-content-digest': DIGEST.toString() });
  const rows: readonly (readonly [string, readonly Lie[], number, string | undefined])[] = [
    ['seen at once', [stored], 1, undefined],
    ['seen at the second try', [UNKNOWN_BLOB, stored], 2, undefined],
    ['seen at the third', [UNKNOWN_BLOB, UNKNOWN_BLOB, stored], 3, undefined],
    ['never seen', [UNKNOWN_BLOB], 3, 'REMOTE_STATUS'],
    ['refused for another reason', [says(400, '{"errors":[{"code":"MANIFEST_INVALID"}]}'), stored], 1, 'REMOTE_STATUS'],
    ['not allowed', [says(403, '{"errors":[{"code":"DENIED"}]}'), stored], 1, 'AUTH_REGISTRY'],
  ];
  for (const [why, lies, puts, code] of rows) {
    const registry = await lyingRegistry(t, { [PUT_MANIFEST]: lies });
    const { client } = patientClient(t);
    const put = client.putManifest(registry.repository, DIGEST, utf8(MANIFEST), OCI_MANIFEST);
    if (code === undefined) assert.equal((await put).digest.toString(), DIGEST.toString(), why);
    else await assert.rejects(put, { code }, why);
    assert.equal(registry.asked().filter((line) => line.startsWith(PUT_MANIFEST)).length, puts, why);
  }
});
