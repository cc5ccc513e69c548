/** Blobs: in by every way that the distribution-spec has, out whole and in parts, mounted, deleted. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf, pushBlob, send, startRegistry, type TestRegistry } from '../../support/registry-server.ts';

const CONTENT = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const OCTETS = { 'content-type': 'application/octet-stream' };

async function openUpload(registry: TestRegistry, repository = 'a/b'): Promise<string> {
  const { status, headers } = await send(registry, 'POST', `/v2/${repository}/blobs/uploads/`);
  assert.equal(status, 202);
  assert.equal(headers.range, '0-0');
  assert.equal(headers['content-length'], '0');
  return headers.location ?? '';
}

function uploadsIn(registry: TestRegistry): string[] {
  return readdirSync(join(registry.dir, 'uploads'));
}

test('base: presence, without asking who is there', async (t) => {
  const registry = await startRegistry(t);
  for (const path of ['/v2/', '/v2']) {
    const answer = await send(registry, 'GET', path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers['www-authenticate'], undefined);
  }
});

test('in one request: POST with the digest', async (t) => {
  const registry = await startRegistry(t);
  const digest = digestOf(CONTENT);
  const answer = await send(registry, 'POST', `/v2/a/b/blobs/uploads/?digest=${digest}`, {
    headers: OCTETS,
    body: CONTENT,
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.location, `/v2/a/b/blobs/${digest}`);
  assert.equal(answer.headers['docker-content-digest'], digest);
  const pulled = await send(registry, 'GET', answer.headers.location);
  assert.equal(pulled.status, 200);
  assert.deepEqual(pulled.body, CONTENT);
  assert.deepEqual(uploadsIn(registry), []);
});

test('in two: POST, then PUT with everything; sha512 as well; nothing is a blob too', async (t) => {
  const registry = await startRegistry(t);
  for (const [content, algorithm] of [
    [CONTENT, 'sha256'],
    [CONTENT, 'sha512'],
    [Buffer.alloc(0), 'sha256'],
    [Buffer.alloc(0), 'sha512'],
  ] as const) {
    const digest = digestOf(content, algorithm);
    const location = await openUpload(registry);
    const answer = await send(registry, 'PUT', `${location}?digest=${digest}`, { headers: OCTETS, body: content });
    assert.equal(answer.status, 201);
    const pulled = await send(registry, 'GET', `/v2/a/b/blobs/${digest}`);
    assert.deepEqual(pulled.body, content);
    assert.equal(pulled.headers['content-length'], String(content.length));
  }
});

test('in chunks, in order, with the state asked for between; the last with the PUT or before it', async (t) => {
  const registry = await startRegistry(t);
  for (const lastWithPut of [true, false]) {
    const location = await openUpload(registry);
    const cut = lastWithPut ? 700 : 1000;
    for (const [start, end] of [
      [0, 300],
      [300, 700],
      [700, 1000],
    ] as const) {
      if (start >= cut) break;
      const answer = await send(registry, 'PATCH', location, {
        headers: { ...OCTETS, 'content-range': `${start}-${end - 1}` },
        body: CONTENT.subarray(start, end),
      });
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.range, `0-${end - 1}`);
      const state = await send(registry, 'GET', answer.headers.location ?? '');
      assert.equal(state.status, 204);
      assert.equal(state.headers.range, `0-${end - 1}`);
      assert.equal(state.headers.location, location);
    }
    const digest = digestOf(CONTENT);
    const answer = await send(registry, 'PUT', `${location}?digest=${digest}`, {
      ...(lastWithPut
        ? { headers: { ...OCTETS, 'content-range': '700-999' }, body: CONTENT.subarray(700) }
        : { headers: { 'content-length': '0' } }),
    });
    assert.equal(answer.status, 201, answer.body.toString());
    assert.deepEqual((await send(registry, 'GET', `/v2/a/b/blobs/${digest}`)).body, CONTENT);
    await send(registry, 'DELETE', `/v2/a/b/blobs/${digest}`);
  }
});

test('one stream without a range, as Docker sends it, in sha512', async (t) => {
  const registry = await startRegistry(t);
  const location = await openUpload(registry);
  const headers = { 'transfer-encoding': 'chunked' };
  assert.equal((await send(registry, 'PATCH', location, { headers, body: CONTENT })).status, 202);
  const digest = digestOf(CONTENT, 'sha512');
  assert.equal((await send(registry, 'PUT', `${location}?digest=${digest}`)).status, 201);
  assert.deepEqual((await send(registry, 'GET', `/v2/a/b/blobs/${digest}`)).body, CONTENT);
});

test('a chunk out of order is refused with 416 and where the upload stands, and changes nothing', async (t) => {
  const registry = await startRegistry(t);
  const location = await openUpload(registry);
  const first = { headers: { ...OCTETS, 'content-range': '0-299' }, body: CONTENT.subarray(0, 300) };
  await send(registry, 'PATCH', location, first);
  for (const [range, start, end] of [
    ['0-299', 0, 300],
    ['299-599', 299, 600],
    ['301-600', 301, 601],
    ['700-999', 700, 1000],
  ] as const) {
    const body = CONTENT.subarray(start, end);
    const answer = await send(registry, 'PATCH', location, { headers: { ...OCTETS, 'content-range': range }, body });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers.range, '0-299');
    assert.equal(answer.headers.location, location);
  }
  const wrongPut = await send(registry, 'PUT', `${location}?digest=${digestOf(CONTENT)}`, {
    headers: { ...OCTETS, 'content-range': '700-999' },
    body: CONTENT.subarray(700),
  });
  assert.equal(wrongPut.status, 416);
  const rest = { headers: { ...OCTETS, 'content-range': '300-999' }, body: CONTENT.subarray(300) };
  assert.equal((await send(registry, 'PUT', `${location}?digest=${digestOf(CONTENT)}`, rest)).status, 201);
});

test('a range that is none, or is not as long as its body, is refused', async (t) => {
  const registry = await startRegistry(t);
  const location = await openUpload(registry);
  const rows = [
    ['1-0', 'BLOB_UPLOAD_INVALID'],
    ['-5', 'BLOB_UPLOAD_INVALID'],
    ['0-', 'BLOB_UPLOAD_INVALID'],
    ['a-b', 'BLOB_UPLOAD_INVALID'],
    ['0-99999999999999999999', 'BLOB_UPLOAD_INVALID'],
    ['0-98', 'SIZE_INVALID'],
    ['0-100', 'SIZE_INVALID'],
  ] as const;
  for (const [range, code] of rows) {
    const chunk = { headers: { ...OCTETS, 'content-range': range }, body: CONTENT.subarray(0, 100) };
    const answer = await send(registry, 'PATCH', location, chunk);
    assert.deepEqual([answer.status, answer.code], [400, code], range);
  }
  for (const range of ['0-98', '0-100']) {
    const headers = { ...OCTETS, 'content-range': range, 'transfer-encoding': 'chunked' };
    const answer = await send(registry, 'PATCH', location, { headers, body: CONTENT.subarray(0, 100) });
    assert.deepEqual([answer.status, answer.code], [400, 'SIZE_INVALID'], `${range}, length not announced`);
  }
  assert.equal((await send(registry, 'GET', location)).headers.range, '0-0', 'nothing was written');
});

test('content that is not what its digest says never becomes a blob, by any way', async (t) => {
  const registry = await startRegistry(t);
  const wrong = digestOf('something else');
  const whole = { headers: OCTETS, body: CONTENT };
  const posted = await send(registry, 'POST', `/v2/a/b/blobs/uploads/?digest=${wrong}`, whole);
  assert.deepEqual([posted.status, posted.code], [400, 'DIGEST_INVALID']);
  const location = await openUpload(registry);
  const put = await send(registry, 'PUT', `${location}?digest=${wrong}`, whole);
  assert.deepEqual([put.status, put.code], [400, 'DIGEST_INVALID']);
  const again = await send(registry, 'PUT', `${location}?digest=${digestOf(CONTENT)}`, whole);
  assert.deepEqual([again.status, again.code], [404, 'BLOB_UPLOAD_UNKNOWN']);
  for (const digest of [wrong, digestOf(CONTENT)]) {
    assert.equal((await send(registry, 'HEAD', `/v2/a/b/blobs/${digest}`)).status, 404);
  }
  assert.deepEqual(uploadsIn(registry), []);
});

test('a digest that is none is refused before anything is read', async (t) => {
  const registry = await startRegistry(t);
  const location = await openUpload(registry);
  const hex = digestOf(CONTENT).slice(7);
  const rows = ['', 'sha256', 'sha256:', `sha256:${hex.slice(1)}`, `sha256:${hex}0`, `SHA256:${hex}`];
  rows.push(`sha256:${hex.toUpperCase()}`, `md5:${'0'.repeat(32)}`, `sha512:${hex}`, `sha256:../${hex.slice(3)}`);
  for (const digest of rows) {
    const query = `digest=${encodeURIComponent(digest)}`;
    for (const [method, path] of [
      ['POST', '/v2/a/b/blobs/uploads/'],
      ['PUT', location],
    ] as const) {
      const answer = await send(registry, method, `${path}?${query}`, { headers: OCTETS, body: CONTENT });
      assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID'], digest);
    }
    if (digest.includes('/') || digest === '') continue;
    const answer = await send(registry, 'GET', `/v2/a/b/blobs/${digest}`);
    assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID'], digest);
  }
  const none = await send(registry, 'PUT', location, { headers: OCTETS, body: CONTENT });
  assert.deepEqual([none.status, none.code], [400, 'DIGEST_INVALID']);
});

test('a finished upload whose answer was lost can be finished again; a cancelled one cannot', async (t) => {
  const registry = await startRegistry(t);
  const digest = digestOf(CONTENT);
  const whole = { headers: OCTETS, body: CONTENT };
  const location = await openUpload(registry);
  const cancelled = await openUpload(registry);
  assert.equal((await send(registry, 'DELETE', cancelled)).status, 204);
  assert.equal((await send(registry, 'PUT', `${cancelled}?digest=${digest}`, whole)).code, 'BLOB_UPLOAD_UNKNOWN');
  assert.equal((await send(registry, 'PUT', `${location}?digest=${digest}`, whole)).status, 201);
  const again = await send(registry, 'PUT', `${location}?digest=${digest}`, whole);
  assert.equal(again.status, 201);
  const other = digestOf('not here');
  assert.equal((await send(registry, 'PUT', `${location}?digest=${other}`, whole)).code, 'BLOB_UPLOAD_UNKNOWN');
});

test('an upload belongs to its repository', async (t) => {
  const registry = await startRegistry(t);
  const location = await openUpload(registry, 'a/b');
  const stolen = location.replace('/a/b/', '/c/');
  for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
    const answer = await send(registry, method, `${stolen}?digest=${digestOf(CONTENT)}`);
    assert.deepEqual([answer.status, answer.code], [404, 'BLOB_UPLOAD_UNKNOWN'], method);
  }
  assert.equal((await send(registry, 'GET', location)).status, 204);
});

test('blobs larger than the limit are refused, announced or not, and leave nothing behind', async (t) => {
  const registry = await startRegistry(t, { maxBlobBytes: 1000 });
  const large = Buffer.alloc(1001);
  const digest = digestOf(large);
  const streamed = { ...OCTETS, 'transfer-encoding': 'chunked' };
  for (const headers of [OCTETS, streamed]) {
    const posted = await send(registry, 'POST', `/v2/a/b/blobs/uploads/?digest=${digest}`, { headers, body: large });
    assert.deepEqual([posted.status, posted.code], [413, 'SIZE_INVALID']);
    const location = await openUpload(registry);
    const put = await send(registry, 'PUT', `${location}?digest=${digest}`, { headers, body: large });
    assert.deepEqual([put.status, put.code], [413, 'SIZE_INVALID']);
    const patch = await send(registry, 'PATCH', location, { headers, body: large });
    assert.deepEqual([patch.status, patch.code], [413, 'SIZE_INVALID']);
    assert.equal((await send(registry, 'GET', location)).headers.range, '0-0');
    await send(registry, 'DELETE', location);
  }
  const location = await openUpload(registry);
  const ranged = { headers: { ...streamed, 'content-range': '0-999999999' }, body: large };
  assert.equal((await send(registry, 'PATCH', location, ranged)).status, 413);
  await send(registry, 'PATCH', location, { headers: OCTETS, body: large.subarray(0, 600) });
  const second = await send(registry, 'PATCH', location, { headers: streamed, body: large.subarray(0, 600) });
  assert.equal(second.status, 413, 'all chunks together count');
  assert.equal((await send(registry, 'GET', location)).headers.range, '0-599');
  await send(registry, 'DELETE', location);
  assert.deepEqual(uploadsIn(registry), []);
  await pushBlob(registry, 'a/b', large.subarray(1));
});

test('HEAD says what GET would, and parts are served by range', async (t) => {
  const registry = await startRegistry(t);
  const digest = await pushBlob(registry, 'a/b', CONTENT);
  const path = `/v2/a/b/blobs/${digest}`;
  const head = await send(registry, 'HEAD', path);
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], '1000');
  assert.equal(head.headers['docker-content-digest'], digest);
  assert.equal(head.headers['accept-ranges'], 'bytes');
  assert.equal(head.headers['content-type'], 'application/octet-stream');
  assert.equal(head.headers['x-content-type-options'], 'nosniff');
  assert.equal(head.body.length, 0);
  const rows = [
    ['bytes=0-0', 206, 0, 1],
    ['bytes=10-19', 206, 10, 20],
    ['bytes=990-', 206, 990, 1000],
    ['bytes=990-5000', 206, 990, 1000],
    ['bytes=-10', 206, 990, 1000],
    ['bytes=-5000', 206, 0, 1000],
    ['bytes=5-2', 200, 0, 1000],
    ['bytes=0-1,5-6', 200, 0, 1000],
    ['lines=0-1', 200, 0, 1000],
    ['bytes=', 200, 0, 1000],
  ] as const;
  for (const [range, status, start, end] of rows) {
    const answer = await send(registry, 'GET', path, { headers: { range } });
    assert.equal(answer.status, status, range);
    assert.deepEqual(answer.body, CONTENT.subarray(start, end), range);
    const contentRange = status === 206 ? `bytes ${start}-${end - 1}/1000` : undefined;
    assert.equal(answer.headers['content-range'], contentRange);
  }
  for (const range of ['bytes=1000-', 'bytes=5000-6000', 'bytes=-0']) {
    const answer = await send(registry, 'GET', path, { headers: { range } });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers['content-range'], 'bytes */1000');
    assert.equal(answer.body.length, 0);
  }
  const cached = await send(registry, 'GET', path, { headers: { 'if-none-match': `"${digest}"` } });
  assert.deepEqual([cached.status, cached.body.length], [304, 0]);
});

test('a blob is mounted from another repository, and then lives on its own', async (t) => {
  const registry = await startRegistry(t);
  const digest = await pushBlob(registry, 'from/here', CONTENT);
  const mount = (repository: string, query: string) =>
    send(registry, 'POST', `/v2/${repository}/blobs/uploads/?mount=${digest}${query}`);
  const mounted = await mount('to/there', '&from=from/here');
  assert.equal(mounted.status, 201);
  assert.equal(mounted.headers.location, `/v2/to/there/blobs/${digest}`);
  assert.equal((await mount('to/there', '&from=from/here')).status, 201, 'again');
  assert.equal((await mount('to/there', '')).status, 201, 'it is here already');
  assert.equal((await send(registry, 'DELETE', `/v2/from/here/blobs/${digest}`)).status, 202);
  assert.deepEqual((await send(registry, 'GET', `/v2/to/there/blobs/${digest}`)).body, CONTENT);
  // Where it cannot be mounted, an upload is opened instead.
  for (const [repository, query] of [
    ['else/where', ''],
    ['else/where', '&from=from/here'],
    ['else/where', '&from=no/such'],
    ['else/where', '&from=../to/there'],
    ['else/where', '&from='],
  ] as const) {
    const answer = await mount(repository, query);
    assert.equal(answer.status, 202, query);
    assert.match(answer.headers.location ?? '', /^\/v2\/else\/where\/blobs\/uploads\//);
  }
  assert.equal((await send(registry, 'GET', `/v2/else/where/blobs/${digest}`)).code, 'BLOB_UNKNOWN');
  assert.deepEqual(readdirSync(join(registry.dir, 'temporary')), []);
});

test('what is not here is BLOB_UNKNOWN; what was deleted is not here', async (t) => {
  const registry = await startRegistry(t);
  const digest = await pushBlob(registry, 'a/b', CONTENT);
  const path = `/v2/a/b/blobs/${digest}`;
  assert.equal((await send(registry, 'GET', `/v2/a/c/blobs/${digest}`)).code, 'BLOB_UNKNOWN');
  assert.equal((await send(registry, 'DELETE', path)).status, 202);
  for (const method of ['GET', 'DELETE']) {
    const answer = await send(registry, method, path);
    assert.deepEqual([answer.status, answer.code], [404, 'BLOB_UNKNOWN'], method);
  }
});

test('of a body that breaks off, a PATCH keeps what came and a PUT keeps nothing', async (t) => {
  const registry = await startRegistry(t);
  const digest = digestOf(CONTENT);
  const patched = await openUpload(registry);
  await breakOff(registry, 'PATCH', patched, 'content-range: 0-999\r\n', CONTENT.subarray(0, 400));
  const state = await send(registry, 'GET', patched);
  assert.equal(state.headers.range, '0-399');
  const rest = { headers: { ...OCTETS, 'content-range': '400-999' }, body: CONTENT.subarray(400) };
  assert.equal((await send(registry, 'PUT', `${patched}?digest=${digest}`, rest)).status, 201);
  await send(registry, 'DELETE', `/v2/a/b/blobs/${digest}`);
  const put = await openUpload(registry);
  await breakOff(registry, 'PUT', `${put}?digest=${digest}`, '', CONTENT.subarray(0, 400));
  assert.equal((await send(registry, 'GET', put)).headers.range, '0-0');
  const whole = { headers: OCTETS, body: CONTENT };
  assert.equal((await send(registry, 'PUT', `${put}?digest=${digest}`, whole)).status, 201, 'the same request again');
  await send(registry, 'DELETE', `/v2/a/b/blobs/${digest}`);
  await breakOff(registry, 'POST', `/v2/a/b/blobs/uploads/?digest=${digest}`, '', CONTENT.subarray(0, 400));
  assert.deepEqual(uploadsIn(registry), [], 'nobody knows the name of an upload that a POST began');
  assert.deepEqual(registry.failures, [], 'a client that goes away is no failure of ours');
});

test('a client that resumes takes the upload over from a request that is stuck', async (t) => {
  const registry = await startRegistry(t);
  const location = await openUpload(registry);
  const { hostname, port } = new URL(registry.url);
  const stuck = connect(Number(port), hostname);
  await new Promise((resolve) => stuck.once('connect', resolve));
  stuck.on('error', () => undefined);
  stuck.write(`PATCH ${location} HTTP/1.1\r\nhost: x\r\ncontent-range: 0-999\r\ncontent-length: 1000\r\n\r\n`);
  stuck.write(CONTENT.subarray(0, 400));
  // The first part has arrived once the size says so.
  while ((await send(registry, 'GET', location)).headers.range !== '0-399');
  const rest = { headers: { ...OCTETS, 'content-range': '400-999' }, body: CONTENT.subarray(400) };
  assert.equal((await send(registry, 'PATCH', location, rest)).status, 202);
  stuck.write(CONTENT.subarray(400));
  const digest = digestOf(CONTENT);
  assert.equal((await send(registry, 'PUT', `${location}?digest=${digest}`)).status, 201);
  stuck.destroy();
  assert.deepEqual((await send(registry, 'GET', `/v2/a/b/blobs/${digest}`)).body, CONTENT);
});

test('many clients push the same blob at once, and one pulls while it is deleted', async (t) => {
  const registry = await startRegistry(t);
  const large = Buffer.alloc(3 << 20, 7);
  const digests = await Promise.all(Array.from({ length: 8 }, () => pushBlob(registry, 'a/b', large)));
  assert.equal(new Set(digests).size, 1);
  const path = `/v2/a/b/blobs/${digests[0] ?? ''}`;
  const [pulled] = await Promise.all([send(registry, 'GET', path), send(registry, 'DELETE', path)]);
  if (pulled.status === 200) assert.deepEqual(pulled.body, large);
  else assert.equal(pulled.code, 'BLOB_UNKNOWN');
  assert.equal((await send(registry, 'HEAD', path)).status, 404);
});

test('uploads that nobody touched for a day are swept away, and halves of them too', async (t) => {
  let now = new Date();
  const registry = await startRegistry(t, { now: () => now });
  const old = await openUpload(registry);
  now = new Date(now.getTime() + 25 * 3600_000);
  const fresh = await openUpload(registry);
  assert.equal((await send(registry, 'GET', old)).code, 'BLOB_UPLOAD_UNKNOWN');
  assert.equal(uploadsIn(registry).length, 1);
  assert.ok(existsSync(join(registry.dir, 'uploads', fresh.split('/').at(-1) ?? '')));
});

/** Sends half a request with a length of 1000 bytes, then hangs up, and waits until the server has noticed. */
async function breakOff(
  registry: TestRegistry,
  method: string,
  path: string,
  header: string,
  part: Uint8Array,
): Promise<void> {
  const { hostname, port } = new URL(registry.url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.on('error', () => undefined);
  socket.write(`${method} ${path} HTTP/1.1\r\nhost: x\r\n${header}content-length: 1000\r\n\r\n`);
  socket.write(part);
  socket.end();
  await new Promise((resolve) => {
    socket.once('close', resolve);
    socket.resume();
  });
  await registry.registry.close();
}
