/** Paths: what names a repository, what is refused, and that nothing leaves the folder. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  digestOf,
  manifestJson,
  pushImage,
  send,
  startRegistry,
  temporaryFolder,
} from '../../support/registry-server.ts';

test('repositories nest, and may be called as the endpoints are', async (t) => {
  const registry = await startRegistry(t);
  const names = [
    'a',
    'a/b',
    'a/b/c',
    'blobs',
    'manifests/tags',
    'blobs/uploads',
    'tags/list',
    'referrers',
    'a__b/c-d.e',
  ];
  const digests = new Map<string, string>();
  for (const name of names) digests.set(name, await pushImage(registry, name, 'v1', { annotations: { name } }));
  for (const name of names) {
    const { headers } = await send(registry, 'GET', `/v2/${name}/manifests/v1`);
    assert.equal(headers['docker-content-digest'], digests.get(name), name);
    assert.equal((await send(registry, 'GET', `/v2/${name}/tags/list`)).status, 200, name);
  }
});

test('a name that is none is refused, however it is written', async (t) => {
  const registry = await startRegistry(t);
  const names = [
    'A',
    'a/B',
    '_blobs',
    'a/_tags',
    '.a',
    'a.',
    'a..b',
    'a/-b',
    'a___b',
    'a b',
    'ä',
    'a%2e%2e',
    'a%00b',
    'a%5cb',
    'a:b',
    'a'.repeat(256),
    'a//b',
    'a%2f..%2f..%2fb',
    'a%252f..',
  ];
  for (const name of names) {
    for (const [method, path] of [
      ['GET', `/v2/${encodeURI(name).replaceAll('%25', '%')}/manifests/v1`],
      ['PUT', `/v2/${encodeURI(name).replaceAll('%25', '%')}/manifests/v1`],
      ['POST', `/v2/${encodeURI(name).replaceAll('%25', '%')}/blobs/uploads/`],
      ['GET', `/v2/${encodeURI(name).replaceAll('%25', '%')}/tags/list`],
    ] as const) {
      const answer = await send(registry, method, path, method === 'PUT' ? { body: manifestJson() } : {});
      assert.ok([400, 404].includes(answer.status), `${method} ${path}: ${answer.status}`);
      assert.notEqual(answer.status, 500);
    }
  }
  assert.deepEqual(readdirSync(registry.dir).sort(), ['temporary', 'uploads']);
});

test('nothing outside of the folder can be read or written by any path', async (t) => {
  const outside = temporaryFolder(t);
  const dir = join(outside, 'registry');
  mkdirSync(join(outside, '_manifests/sha256'), { recursive: true });
  const secret = manifestJson({ annotations: { secret: 'outside' } });
  writeFileSync(join(outside, 'secret'), 'outside');
  writeFileSync(join(outside, '_manifests/sha256', digestOf(secret).slice(7)), secret);
  const registry = await startRegistry(t, { dir });
  const climbs = [
    '..',
    '%2e%2e',
    '.%2e',
    '%2e%2e%2f%2e%2e',
    '..%2f..',
    '..%5c..',
    '%252e%252e',
    '....//',
    '..;',
    '%c0%ae%c0%ae',
  ];
  for (const climb of climbs) {
    for (const path of [
      `/v2/${climb}/secret`,
      `/v2/${climb}/manifests/${digestOf(secret)}`,
      `/v2/a/${climb}/${climb}/${climb}/manifests/${digestOf(secret)}`,
      `/v2/a/manifests/${climb}`,
      `/v2/a/manifests/${climb}%2f${climb}%2fsecret`,
      `/v2/a/blobs/sha256:${climb}%2fsecret`,
      `/v2/a/blobs/uploads/${climb}`,
      `/v2/a/blobs/uploads/${climb}%2f${climb}%2fsecret`,
      `/v2/a/referrers/${climb}`,
      `/${climb}/${climb}/secret`,
    ]) {
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await send(registry, method, path);
        assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status}`);
        assert.ok(!answer.body.toString().includes('outside'), path);
      }
    }
  }
  assert.deepEqual(readdirSync(outside).sort(), ['_manifests', 'registry', 'secret']);
  assert.deepEqual(registry.failures, []);
});

test('a folder that cannot be used is said at the start, and by every request', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, 'no folder');
  const registry = await startRegistry(t, { dir: join(file, 'registry') });
  await assert.rejects(registry.registry.ready, { code: 'ENOTDIR' });
  const answer = await send(registry, 'GET', '/v2/a/tags/list');
  assert.deepEqual([answer.status, answer.code], [500, 'UNKNOWN']);
  assert.ok(!answer.body.toString().includes(file));
});

test('an unknown path is 404, another method 405 with those that are allowed', async (t) => {
  const registry = await startRegistry(t);
  for (const path of ['/v2/_catalog', '/v2/a', '/v2/a/b', '/v2/a/tags', '/v2/a/tags/other', '/v2/a/manifests']) {
    assert.equal((await send(registry, 'GET', path)).status, 404, path);
  }
  const rows = [
    ['POST', '/v2/', 'GET, HEAD'],
    ['POST', '/v2/a/manifests/v1', 'GET, HEAD, PUT, DELETE'],
    ['PUT', '/v2/a/tags/list', 'GET, HEAD'],
    ['GET', '/v2/a/blobs/uploads/', 'POST'],
    ['POST', `/v2/a/blobs/${digestOf('')}`, 'GET, HEAD, DELETE'],
    ['DELETE', `/v2/a/referrers/${digestOf('')}`, 'GET, HEAD'],
  ] as const;
  for (const [method, path, allow] of rows) {
    const answer = await send(registry, method, path);
    assert.deepEqual([answer.status, answer.code, answer.headers.allow], [405, 'UNSUPPORTED', allow], path);
  }
});

test('a web page cannot write: neither from its own origin nor through a rebound name', async (t) => {
  const registry = await startRegistry(t);
  await pushImage(registry, 'a/b', 'v1');
  for (const origin of ['https://evil.example', registry.url, 'null']) {
    for (const [method, path] of [
      ['POST', `/v2/a/b/blobs/uploads/?digest=${digestOf('x')}`],
      ['PUT', '/v2/a/b/manifests/v1'],
      ['DELETE', '/v2/a/b/manifests/v1'],
    ] as const) {
      const answer = await send(registry, method, path, { headers: { origin } });
      assert.deepEqual([answer.status, answer.code], [403, 'DENIED'], `${method} from ${origin}`);
    }
    const read = await send(registry, 'GET', '/v2/a/b/manifests/v1', { headers: { origin } });
    assert.deepEqual([read.status, read.headers['access-control-allow-origin']], [200, undefined]);
  }
});
