import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { HttpClient, type HttpClientOptions } from '../../../src/io/net/http-client.ts';
import type { RemoteError } from '../../../src/errors.ts';
import { peerServer } from '../../support/peer-server.ts';

interface Slept {
  readonly http: HttpClient;
  readonly waits: number[];
}

/** A client whose pauses take no time and are written down. */
function client(t: TestContext, options: HttpClientOptions = {}): Slept {
  const waits: number[] = [];
  const http = new HttpClient({
    clock: {
      now: () => new Date('2026-01-01T00:00:00Z'),
      sleep: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    },
    random: () => 1,
    ...options,
  });
  t.after(() => {
    http.close();
  });
  return { http, waits };
}

async function drained(body: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of body) sizeBytes += chunk.length;
  return sizeBytes;
}

test('an answer comes back with status, headers, body and address', async (t) => {
  const peer = await peerServer(t, (request, response, body) => {
    response.writeHead(201, { 'x-method': request.method, 'set-cookie': ['a=1', 'b=2'] }).end(body);
  });
  const { http } = client(t);
  const answer = await http.request({ method: 'POST', url: `${peer.url}/x?q=1`, body: Buffer.from('hello') });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['x-method'], 'POST');
  assert.equal(answer.headers['set-cookie'], 'a=1, b=2');
  assert.equal(Buffer.from(answer.body).toString(), 'hello');
  assert.equal(answer.url.pathname, '/x');
  assert.equal(peer.requests[0]?.headers['user-agent'], 'sealwright');
});

test('connections are kept alive between requests', async (t) => {
  const ports = new Set<number | undefined>();
  const peer = await peerServer(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end('ok');
  });
  const { http } = client(t);
  for (let i = 0; i < 5; i++) await http.request({ url: peer.url });
  assert.equal(ports.size, 1);
});

test('requests that begin together share their connections with those that follow, and closing ends all of them', async (t) => {
  const TOGETHER = 3;
  let waiting: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const peer = await peerServer(t, (request, response) => {
    sockets.add(request.socket);
    // None is answered before all have come, so that none can use the connection of another.
    waiting.push(() => response.end('ok'));
    if (waiting.length < TOGETHER) return;
    for (const answer of waiting) answer();
    waiting = [];
  });
  const { http } = client(t);
  const together = (): Promise<unknown> =>
    Promise.all(Array.from({ length: TOGETHER }, () => http.request({ url: peer.url })));
  await together();
  await together();
  assert.equal(sockets.size, TOGETHER, 'whoever opens more has forgotten some, and can close them no more');
  const ended = [...sockets].map((socket) => once(socket, 'close'));
  http.close();
  await Promise.all(ended);
});

test('a client certificate that cannot be used is refused to each of those who ask together', async (t) => {
  const { http } = client(t, { clientCertificate: { certificate: 'none', key: 'none' } });
  const asked = await Promise.allSettled([1, 2].map(() => http.request({ url: 'https://127.0.0.1:1/' })));
  for (const one of asked) {
    assert.equal(one.status === 'rejected' && (one.reason as RemoteError).code, 'USAGE_BAD_CONFIG');
  }
});

test('a streamed upload arrives whole, and is read again for a retry', async (t) => {
  const bodies: number[] = [];
  const peer = await peerServer(t, (_request, response, body) => {
    bodies.push(body.length);
    response.writeHead(bodies.length === 1 ? 503 : 201).end();
  });
  const { http } = client(t);
  const chunk = Buffer.alloc(64 << 10, 7);
  const open = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 20; i++) yield await Promise.resolve(chunk);
  };
  const sizeBytes = chunk.length * 20;
  const answer = await http.request({ method: 'PUT', url: peer.url, body: { sizeBytes, open } });
  assert.equal(answer.status, 201);
  assert.deepEqual(bodies, [sizeBytes, sizeBytes]);
});

test("an upload whose own source fails throws the source's error", async (t) => {
  const peer = await peerServer(t, (_request, response) => response.end());
  const { http } = client(t);
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('x'));
    throw new RangeError('disk');
  };
  await assert.rejects(http.request({ method: 'PUT', url: peer.url, body: { sizeBytes: 9, open } }), RangeError);
});

test('a download streams, and stops holding its connection when abandoned', async (t) => {
  const peer = await peerServer(t, (_request, response) => {
    response.write(Buffer.alloc(1000));
    response.end(Buffer.alloc(1000));
  });
  const { http } = client(t);
  const whole = await http.stream({ url: peer.url });
  let size = 0;
  for await (const chunk of whole.body) size += chunk.length;
  assert.equal(size, 2000);
  const abandoned = await http.stream({ url: peer.url });
  abandoned.discard();
});

const STATUSES: readonly [number, string, number][] = [
  [400, 'REMOTE_STATUS', 1],
  [401, 'REMOTE_STATUS', 1],
  [404, 'REMOTE_STATUS', 1],
  [429, 'REMOTE_THROTTLED', 4],
  [500, 'REMOTE_STATUS', 4],
  [501, 'REMOTE_STATUS', 1],
  [502, 'REMOTE_STATUS', 4],
  [503, 'REMOTE_STATUS', 4],
  [504, 'REMOTE_STATUS', 4],
];
for (const [status, code, attempts] of STATUSES) {
  test(`status ${status} is ${code} after ${attempts} attempts`, async (t) => {
    const peer = await peerServer(t, (_request, response) => response.writeHead(status).end('why'));
    const { http, waits } = client(t);
    await assert.rejects(http.request({ url: peer.url }), (error: RemoteError) => {
      assert.equal(error.code, code);
      assert.equal(error.status, status);
      assert.equal(error.facts.found, `status ${status}: why`);
      return true;
    });
    assert.equal(peer.seen.length, attempts);
    assert.deepEqual(waits, [250, 500, 1000].slice(0, attempts - 1));
  });
}

test('an expected status is an answer, whatever it is', async (t) => {
  const peer = await peerServer(t, (_request, response) => response.writeHead(503).end('busy'));
  const { http } = client(t);
  assert.equal((await http.request({ url: peer.url, expect: [503] })).status, 503);
  await assert.rejects(http.request({ url: peer.url, expect: [200], method: 'POST' }), { code: 'REMOTE_STATUS' });
});

test('Retry-After is honoured, in seconds and as a date', async (t) => {
  const asked = ['2', 'Thu, 01 Jan 2026 00:00:07 GMT', 'soon'];
  const peer = await peerServer(t, (_request, response) => {
    const value = asked.shift();
    if (value === undefined) response.end('ok');
    else response.writeHead(429, { 'retry-after': value }).end();
  });
  const { http, waits } = client(t);
  await http.request({ url: peer.url });
  assert.deepEqual(waits, [2000, 7000, 1000]);
});

test('a peer that asks for a longer wait than we grant is reported at once', async (t) => {
  const peer = await peerServer(t, (_request, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
  const { http, waits } = client(t);
  await assert.rejects(http.request({ url: peer.url }), { code: 'REMOTE_THROTTLED', retryable: true });
  assert.deepEqual(waits, []);
});

test('a POST is repeated only when the peer says that it did nothing', async (t) => {
  let status = 502;
  const peer = await peerServer(t, (_request, response) => response.writeHead(status).end());
  const { http } = client(t);
  await assert.rejects(http.request({ method: 'POST', url: peer.url }), { code: 'REMOTE_STATUS' });
  assert.equal(peer.seen.length, 1);
  await assert.rejects(http.request({ method: 'POST', url: peer.url, idempotent: true }), { code: 'REMOTE_STATUS' });
  assert.equal(peer.seen.length, 5);
  status = 429;
  await assert.rejects(http.request({ method: 'POST', url: peer.url }), { code: 'REMOTE_THROTTLED' });
  assert.equal(peer.seen.length, 9);
});

test('half a body is REMOTE_BODY, and repeated for reads', async (t) => {
  const peer = await peerServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.socket?.destroy());
  });
  const { http } = client(t);
  await assert.rejects(http.request({ url: peer.url }), { code: 'REMOTE_BODY' });
  assert.equal(peer.seen.length, 4);
  await assert.rejects(http.request({ method: 'POST', url: peer.url }), { code: 'REMOTE_BODY' });
  assert.equal(peer.seen.length, 5);
});

test('half a chunked body in a stream is REMOTE_BODY', async (t) => {
  const peer = await peerServer(t, (_request, response) => {
    response.write('half', () => response.socket?.destroy());
  });
  const { http } = client(t);
  const stream = await http.stream({ url: peer.url });
  await assert.rejects(drained(stream.body), { code: 'REMOTE_BODY' });
});

test('a body larger than allowed is refused by its announcement and by its bytes', async (t) => {
  const peer = await peerServer(t, (request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': '1000' });
    response.write(Buffer.alloc(600));
    response.end(Buffer.alloc(400));
  });
  const { http } = client(t);
  for (const path of ['/announced', '/chunked']) {
    await assert.rejects(http.request({ url: peer.url + path, maxBytes: 999 }), { code: 'REMOTE_BODY' });
    assert.equal((await http.request({ url: peer.url + path, maxBytes: 1000 })).body.length, 1000);
  }
});

test('a reset before the answer is repeated for reads, then REMOTE_UNREACHABLE', async (t) => {
  const peer = await peerServer(t, (_request, response) => response.socket?.destroy());
  const { http } = client(t);
  await assert.rejects(http.request({ url: peer.url }), { code: 'REMOTE_UNREACHABLE' });
  assert.equal(peer.seen.length, 4);
  await assert.rejects(http.request({ method: 'POST', url: peer.url }), { code: 'REMOTE_UNREACHABLE' });
  assert.equal(peer.seen.length, 5);
});

test('nobody listening is REMOTE_UNREACHABLE, not HTTP is REMOTE_BODY, not TLS is REMOTE_TLS', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    socket.end('this is not HTTP\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { http } = client(t);
  await assert.rejects(http.request({ url: `http://127.0.0.1:${port}/` }), { code: 'REMOTE_BODY' });
  await assert.rejects(http.request({ url: `https://127.0.0.1:${port}/` }), { code: 'REMOTE_TLS' });
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(http.request({ url: `http://127.0.0.1:${port}/` }), { code: 'REMOTE_UNREACHABLE' });
});

test('silence is REMOTE_TIMEOUT: before the answer, within it, within a stream', async (t) => {
  const peer = await peerServer(t, (request, response) => {
    if (request.url !== '/never') response.write('a');
  });
  const { http } = client(t, { retry: { retries: 1 } });
  for (const path of ['/never', '/half']) {
    await assert.rejects(http.request({ url: peer.url + path, timeoutMs: 40 }), { code: 'REMOTE_TIMEOUT' });
  }
  assert.equal(peer.seen.length, 4);
  // The beginning has to have arrived by then, on a busy machine as well.
  const stream = await http.stream({ url: `${peer.url}/half`, timeoutMs: 1_000 });
  await assert.rejects(drained(stream.body), { code: 'REMOTE_TIMEOUT' });
});

test("the caller's signal ends the request", async (t) => {
  const peer = await peerServer(t, () => undefined);
  const { http } = client(t);
  const given = new AbortController();
  const running = http.request({ url: peer.url, signal: given.signal });
  given.abort();
  await assert.rejects(running, { code: 'REMOTE_TIMEOUT', retryable: false });
  await assert.rejects(http.request({ url: peer.url, signal: given.signal }), { code: 'REMOTE_TIMEOUT' });
});

test('redirects are followed for reads, and keep credentials on the same origin only', async (t) => {
  const target = await peerServer(t, (request, response) => response.end(request.headers.authorization ?? 'none'));
  const peer = await peerServer(t, (request, response) => {
    if (request.url === '/here') response.end(request.headers.authorization ?? 'none');
    else response.writeHead(307, { location: request.url === '/same' ? '/here' : `${target.url}/there` }).end();
  });
  const { http } = client(t);
  const headers = { Authorization: 'Bearer secret', 'X-Kept': '1' };
  const same = await http.request({ url: `${peer.url}/same`, headers });
  assert.equal(Buffer.from(same.body).toString(), 'Bearer secret');
  assert.equal(same.url.pathname, '/here');
  const other = await http.request({ url: `${peer.url}/other`, headers });
  assert.equal(Buffer.from(other.body).toString(), 'none');
  assert.equal(target.requests[0]?.headers['x-kept'], '1');
});

test('a redirect that is expected is an answer; writes are repeated elsewhere by 307 alone', async (t) => {
  const peer = await peerServer(t, (request, response, body) => {
    if (request.url === '/end') response.end(body);
    else response.writeHead(Number(request.url?.slice(1)), { location: '/end' }).end();
  });
  const { http } = client(t);
  assert.equal((await http.request({ url: `${peer.url}/307`, expect: [307] })).headers['location'], '/end');
  const body = Buffer.from('again');
  const moved = await http.request({ url: `${peer.url}/307`, method: 'PUT', body });
  assert.equal(Buffer.from(moved.body).toString(), 'again');
  await assert.rejects(http.request({ url: `${peer.url}/302`, method: 'PUT', body }), { code: 'REMOTE_STATUS' });
});

test('redirects without end, to nowhere, and to plain HTTP elsewhere are refused', async (t) => {
  const peer = await peerServer(t, (request, response) => {
    const location = { '/loop': '/loop', '/file': 'file:///etc/passwd', '/plain': 'http://192.0.2.1/' }[
      request.url ?? ''
    ];
    response.writeHead(302, location === undefined ? {} : { location }).end();
  });
  const { http } = client(t);
  await assert.rejects(http.request({ url: `${peer.url}/loop` }), { code: 'REMOTE_STATUS' });
  assert.equal(peer.seen.length, 6);
  await assert.rejects(http.request({ url: `${peer.url}/none` }), { code: 'REMOTE_BODY' });
  await assert.rejects(http.request({ url: `${peer.url}/file` }), { code: 'REMOTE_TLS' });
  await assert.rejects(http.request({ url: `${peer.url}/plain` }), { code: 'USAGE_BAD_CONFIG' });
});

test('offline refuses before anything is looked up', async (t) => {
  const { http } = client(t, { offline: true });
  for (const url of ['https://name.invalid/x', 'http://127.0.0.1:1/']) {
    await assert.rejects(http.request({ url }), { code: 'REMOTE_OFFLINE' });
    await assert.rejects(http.stream({ url }), { code: 'REMOTE_OFFLINE' });
  }
});

test('plain HTTP beyond loopback needs permission', async (t) => {
  const { http } = client(t);
  for (const url of ['http://192.0.2.1/', 'http://127.0.0.1.example.test/', 'http://localhost.example.test/']) {
    await assert.rejects(http.request({ url }), { code: 'USAGE_BAD_CONFIG' });
  }
  for (const url of ['ftp://127.0.0.1/', 'not a url']) {
    await assert.rejects(http.request({ url }), { code: 'USAGE_BAD_CONFIG' });
  }
});

test('requests go through the proxy of the environment, except to loopback and to what NO_PROXY names', async (t) => {
  const proxy = await peerServer(t, (request, response) => response.end(`proxied ${request.url ?? ''}`));
  const direct = await peerServer(t, (_request, response) => response.end('direct'));
  const { http } = client(t, { proxyEnv: { HTTP_PROXY: proxy.url, NO_PROXY: 'internal.test' }, allowHttp: true });
  const proxied = await http.request({ url: 'http://host.test/x' });
  assert.equal(Buffer.from(proxied.body).toString(), 'proxied http://host.test/x');
  assert.equal(Buffer.from((await http.request({ url: direct.url })).body).toString(), 'direct');
  await assert.rejects(http.request({ url: 'http://internal.test/' }), { code: 'REMOTE_UNREACHABLE' });
});

test('no error repeats a query, a password or a token', async (t) => {
  const peer = await peerServer(t, (_request, response) =>
    response.writeHead(403).end('no: Bearer abc.def at https://u:pw@h.test/p?sig=1 eyJhbGciOiJub25lIn0.e30.x'),
  );
  const { http } = client(t);
  const url = `${peer.url.replace('//', '//user:hunter2@')}/path?X-Amz-Signature=s3cr3t`;
  await assert.rejects(http.request({ url }), (error: RemoteError) => {
    const text = JSON.stringify([error.message, error.facts]);
    assert.match(text, /\/path/);
    for (const secret of ['hunter2', 's3cr3t', 'abc.def', 'pw@', 'sig=1', 'eyJ']) {
      assert.ok(!text.includes(secret), `${secret} in ${text}`);
    }
    return true;
  });
});

test('a request whose body holds a secret is sent nowhere else', async (t) => {
  const stranger = await peerServer(t, (_, response) => response.end('thank you'));
  for (const status of [301, 302, 303, 307, 308]) {
    const peer = await peerServer(t, (_, response) => response.writeHead(status, { location: stranger.url }).end());
    const { http } = client(t);
    const request = { method: 'POST', url: peer.url, body: Buffer.from('secret'), redirects: 'refuse' } as const;
    await assert.rejects(http.request(request), { code: 'REMOTE_STATUS', status }, String(status));
  }
  assert.deepEqual(stranger.seen, []);
});
