/** Proving who asks: once per run, to the right server, and never twice with what was refused. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { ImageReference } from '../../../src/core/image/reference.ts';
import type { Credentials } from '../../../src/io/registry/credentials.ts';
import type { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { lyingRegistry, patientClient, says, type Lie } from '../../support/lying-registry.ts';
import { OCI_MANIFEST, manifestJson } from '../../support/registry-server.ts';

const MANIFEST = manifestJson();
const MANIFESTS = 'GET /v2/shop/app/manifests/';
const ALICE: Credentials = { kind: 'basic', username: 'alice', password: 'a:b' };
const ALICE_BASIC = `Basic ${Buffer.from('alice:a:b').toString('base64')}`;

function wants(authorization: string, challenge: string): Lie {
  return (response, request) => {
    if (request.headers.authorization === authorization) {
      response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(MANIFEST);
    } else {
      response.writeHead(401, challenge === '' ? {} : { 'www-authenticate': challenge }).end();
    }
  };
}

function bearer(url: string, parameters = ',service="shop"'): string {
  return `Bearer realm="${url}/token"${parameters}`;
}

test('Basic: asked once, sent with every request after', async (t) => {
  const registry = await lyingRegistry(t, { [MANIFESTS]: wants(ALICE_BASIC, 'Basic realm="shop"') });
  const { client } = patientClient(t, ALICE);
  const reference = new ImageReference({ ...registry.repository, tag: 'v1' });
  for (let count = 0; count < 3; count++) await client.getManifest(reference);
  assert.equal(registry.asked().length, 4);
});

test('Bearer: one token for many requests at once, for what the run will do', async (t) => {
  const registry = await lyingRegistry(t, {});
  const service = await lyingRegistry(t, { 'GET /token': says(200, '{"token":"t1"}') });
  const lie = wants('Bearer t1', bearer(service.url));
  const other = await lyingRegistry(t, { [MANIFESTS]: lie });
  const { client } = patientClient(t, ALICE);
  const reference = new ImageReference({ ...other.repository, tag: 'v1' });
  await Promise.all(Array.from({ length: 5 }, () => client.getManifest(reference)));
  assert.deepEqual(service.asked(), ['GET /token?service=shop&scope=repository%3Ashop%2Fapp%3Apull%2Cpush']);
  assert.equal(service.requests[0]?.headers.authorization, ALICE_BASIC);
  assert.ok(
    other.requests.every(({ headers }) => headers.authorization !== ALICE_BASIC),
    'the password stays away',
  );
  assert.deepEqual(registry.seen, []);
});

test('a token that has expired is replaced once; one that never works is AUTH_REGISTRY', async (t) => {
  const service = await lyingRegistry(t, {
    'GET /token': [says(200, '{"access_token":"t1"}'), says(200, '{"token":"t2"}'), says(200, '{"token":"t3"}')],
  });
  let accepted = 'Bearer t1';
  const registry = await lyingRegistry(t, {
    [MANIFESTS]: (response, request, body) => {
      wants(accepted, bearer(service.url))(response, request, body);
    },
  });
  const { client } = patientClient(t);
  const reference = new ImageReference({ ...registry.repository, tag: 'v1' });
  await client.getManifest(reference);
  accepted = 'Bearer t2';
  await client.getManifest(reference);
  assert.equal(service.asked().length, 2);
  accepted = 'Bearer never';
  await assert.rejects(client.getManifest(reference), { code: 'AUTH_REGISTRY', exitCode: 1 });
  assert.equal(service.asked().length, 3, 'one more token, not many');
});

test('a refresh token is exchanged by POST, and a registry token is sent as it is', async (t) => {
  const service = await lyingRegistry(t, { 'POST /token': says(200, '{"access_token":"t1"}') });
  const registry = await lyingRegistry(t, { [MANIFESTS]: wants('Bearer t1', bearer(service.url)) });
  const reference = new ImageReference({ ...registry.repository, tag: 'v1' });
  await patientClient(t, { kind: 'identity', token: 'refresh' }).client.getManifest(reference);
  assert.deepEqual(service.asked(), ['POST /token']);
  await patientClient(t, { kind: 'bearer', token: 't1' }).client.getManifest(reference);
  assert.equal(service.asked().length, 1);
});

test('401 and 403 that nothing can answer are AUTH_REGISTRY, after as many requests as make sense', async (t) => {
  const rows: readonly (readonly [string, Lie, Credentials | undefined, number])[] = [
    ['no challenge', wants('', ''), ALICE, 1],
    ['an unknown scheme', wants('', 'Negotiate abc'), ALICE, 1],
    ['a realm that is no URL', wants('', 'Bearer realm="nowhere"'), ALICE, 1],
    ['Basic without credentials', wants('', 'Basic realm="shop"'), undefined, 1],
    ['Basic with wrong credentials', wants('', 'Basic realm="shop"'), ALICE, 2],
    ['403', says(403), ALICE, 1],
  ];
  for (const [why, lie, credentials, requests] of rows) {
    const registry = await lyingRegistry(t, { [MANIFESTS]: lie });
    const { client } = patientClient(t, credentials);
    const reference = new ImageReference({ ...registry.repository, tag: 'v1' });
    await assert.rejects(client.getManifest(reference), (error: Error & { code: string }) => {
      assert.equal(error.code, 'AUTH_REGISTRY', why);
      assert.ok(!JSON.stringify(error).includes('a:b') && !error.message.includes('a:b'), 'no password in errors');
      return true;
    });
    assert.equal(registry.asked().length, requests, why);
  }
});

test('a token service that fails or lies is its own error', async (t) => {
  const rows: readonly (readonly [string, Lie, string])[] = [
    ['refuses', says(401), 'AUTH_REGISTRY'],
    ['forbids', says(403), 'AUTH_REGISTRY'],
    ['500', says(500), 'REMOTE_STATUS'],
    ['429', says(429, '', { 'retry-after': '3600' }), 'REMOTE_THROTTLED'],
    ['HTML', says(200, '<html>'), 'REMOTE_BODY'],
    ['no token', says(200, '{}'), 'REMOTE_BODY'],
    ['an empty token', says(200, '{"token":""}'), 'REMOTE_BODY'],
    ['a token that would end the header', says(200, String.raw`{"token":"a\r\nx: y"}`), 'REMOTE_BODY'],
    ['a token of another type', says(200, '{"token":{}}'), 'REMOTE_BODY'],
    ['too much', says(200, `{"token":"${'a'.repeat(2 << 20)}"}`), 'REMOTE_BODY'],
  ];
  for (const [why, lie, code] of rows) {
    const service = await lyingRegistry(t, { 'GET /token': lie });
    const registry = await lyingRegistry(t, { [MANIFESTS]: wants('Bearer t', bearer(service.url)) });
    const { client } = patientClient(t);
    const reference = new ImageReference({ ...registry.repository, tag: 'v1' });
    await assert.rejects(client.getManifest(reference), { code }, why);
  }
});

test('a password goes to no token service over plain HTTP, nor to one that is no web address', async (t) => {
  for (const realm of ['http://tokens.example.com/token', 'ftp://127.0.0.1/token', 'file:///etc/passwd']) {
    const registry = await lyingRegistry(t, { [MANIFESTS]: wants('', `Bearer realm="${realm}",service="x"`) });
    const { client } = patientClient(t, ALICE);
    const reference = new ImageReference({ ...registry.repository, tag: 'v1' });
    await assert.rejects(client.getManifest(reference), (error: Error & { exitCode: number }) => error.exitCode !== 70);
    assert.equal(registry.asked().length, 1);
  }
});

test('an upload that continues at another server takes no credentials along', async (t) => {
  const blob = utf8('content');
  const stranger = await lyingRegistry(t, { 'PUT /elsewhere': says(201) });
  const registry = await lyingRegistry(t, {
    'HEAD /v2/shop/app/blobs/': says(404),
    'POST /v2/shop/app/blobs/uploads/': (response, request) => {
      if (request.headers.authorization === ALICE_BASIC) {
        response.writeHead(202, { location: `${stranger.url}/elsewhere?state=1` }).end();
      } else response.writeHead(401, { 'www-authenticate': 'Basic realm="shop"' }).end();
    },
  });
  const { client } = patientClient(t, ALICE);
  await client.putBlob(registry.repository, blob);
  assert.equal(stranger.asked().length, 1);
  assert.match(stranger.asked()[0] ?? '', /^PUT \/elsewhere\?state=1&digest=sha256%3A/);
  assert.equal(stranger.requests[0]?.headers.authorization, undefined);
});

const IMAGES = Array.from({ length: 20 }, (_, index) => `shop/app${index}`);

/** A registry and its token service, which grants what `grants` says; `asked` holds the scopes of every token request. */
async function tokenWorld(
  t: TestContext,
  grants: (scopes: readonly string[]) => readonly string[] | undefined,
): Promise<{ host: string; asked: string[][] }> {
  const asked: string[][] = [];
  const service = await lyingRegistry(t, {
    'GET /token': (response, request) => {
      const scopes = new URL(request.url ?? '', 'http://x').searchParams.getAll('scope');
      asked.push(scopes);
      const granted = grants(scopes);
      if (granted === undefined) response.writeHead(403).end('{"errors":[{"code":"DENIED"}]}');
      else response.writeHead(200).end(JSON.stringify({ token: Buffer.from(granted.join()).toString('base64url') }));
    },
  });
  const registry = await lyingRegistry(t, {
    'GET /v2/shop/': (response, request) => {
      const granted = Buffer.from((request.headers.authorization ?? '').slice(7), 'base64url').toString();
      const repository = /^\/v2\/(.+)\/manifests\//.exec(request.url ?? '')?.[1] ?? '';
      if (granted.includes(`repository:${repository}:`)) {
        response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(MANIFEST);
      } else response.writeHead(401, { 'www-authenticate': bearer(service.url) }).end();
    },
  });
  return { host: registry.host, asked };
}

async function fetchAll(client: RegistryClient, host: string): Promise<void> {
  for (const repository of IMAGES) {
    await client.getManifest(new ImageReference({ registry: host, repository, tag: 'v1' }));
  }
}

test('twenty repositories that were announced: one token', async (t) => {
  const { host, asked } = await tokenWorld(t, (scopes) => scopes);
  const { client } = patientClient(t, ALICE);
  client.announce(IMAGES.map((repository) => ({ repository: { registry: host, repository }, action: 'pull' })));
  await fetchAll(client, host);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.length, 20);
});

test('twenty images of one repository: one token, announced or not', async (t) => {
  const { host, asked } = await tokenWorld(t, (scopes) => scopes);
  const { client } = patientClient(t, ALICE);
  for (let count = 0; count < 20; count++) {
    await client.getManifest(new ImageReference({ registry: host, repository: 'shop/app0', tag: `v${count}` }));
  }
  assert.equal(asked.length, 1);
});

test('a service that refuses a token for several, or grants only the first: one for each, as it has to be', async (t) => {
  for (const grants of [
    (scopes: readonly string[]) => (scopes.length > 1 ? undefined : scopes),
    (scopes: readonly string[]) => scopes.slice(0, 1),
  ]) {
    const { host, asked } = await tokenWorld(t, grants);
    const { client } = patientClient(t, ALICE);
    client.announce(IMAGES.map((repository) => ({ repository: { registry: host, repository }, action: 'pull' })));
    await fetchAll(client, host);
    assert.equal(asked.length - IMAGES.length, grants(['a', 'b']) === undefined ? 1 : 0);
  }
});

test('a source is asked for to pull, a destination to push', async (t) => {
  const { host, asked } = await tokenWorld(t, (scopes) => scopes);
  const { client } = patientClient(t, ALICE);
  client.announce([
    { repository: { registry: host, repository: 'shop/from' }, action: 'pull' },
    { repository: { registry: host, repository: 'shop/to' }, action: 'push' },
    { repository: { registry: 'other.test', repository: 'shop/else' }, action: 'push' },
  ]);
  await client.getManifest(new ImageReference({ registry: host, repository: 'shop/from', tag: 'v1' }));
  assert.deepEqual(asked, [['repository:shop/from:pull', 'repository:shop/to:pull,push']]);
});
