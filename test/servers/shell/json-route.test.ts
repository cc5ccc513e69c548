/** Routes that are answered from the socket: as the application answers them, and nothing that is not theirs. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { LimitError } from '../../../src/errors.ts';
import { createApp } from '../../../src/servers/shell/app.ts';
import { mountJsonRoute, type JsonRoute } from '../../../src/servers/shell/json-route.ts';
import { listen } from '../../../src/servers/shell/listen.ts';

const MAX_BYTES = 100;

interface Served {
  readonly url: string;
  readonly port: number;
  /** Who answered each request. */
  readonly by: string[];
  readonly logged: unknown[];
}

/** The same route twice: in the application, and before it. */
async function serve(t: TestContext): Promise<Served> {
  const by: string[] = [];
  const logged: unknown[] = [];
  const routeOf = (who: string): JsonRoute => ({
    path: '/ask',
    maxBytes: MAX_BYTES,
    answer: (body, query) => {
      by.push(who);
      const text = Buffer.from(body).toString();
      if (text === 'busy') {
        return Promise.reject(new LimitError('LIMIT_BUSY', 'too many', { expected: 'fewer', retryAfterSeconds: 3 }));
      }
      if (text === 'bug') return Promise.reject(new TypeError('secret detail'));
      return Promise.resolve(JSON.stringify({ text, query }));
    },
  });
  const logger = {
    info: () => undefined,
    warn: () => undefined,
    error: (facts: object) => logged.push(facts),
  };
  const app = createApp(logger);
  mountJsonRoute(app, routeOf('application'));
  app.get('/ask', (context) => context.text('page'));
  const server = await listen(app, { host: '127.0.0.1', port: 0, direct: [routeOf('socket')], logger });
  t.after(() => server.close(0));
  return { url: server.url, port: server.port, by, logged };
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** A body in pieces goes out without a length. */
function ask(method: string, url: string, body: string | readonly string[] = []): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const { 'content-type': type, 'retry-after': retryAfter } = response.headers;
        resolve({ status: response.statusCode ?? 0, type, retryAfter, text });
      });
    });
    // A refusal may come before the body is out.
    outgoing.on('error', reject);
    if (typeof body === 'string') outgoing.setHeader('content-length', Buffer.byteLength(body)).end(body);
    else {
      for (const piece of body) outgoing.write(piece);
      outgoing.end();
    }
  });
}

const post = (url: string, body: string | readonly string[]): Promise<Answer> => ask('POST', url, body);

/** Bytes as they are; what comes back until the server closes. */
function raw(port: number, text: string, end = true): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    socket.on('close', () => {
      resolve(received);
    });
    socket.on('error', () => undefined);
    if (end) socket.end(text);
    else socket.write(text, () => socket.destroy());
  });
}

test('a question is answered before the application, with the length in bytes', async (t) => {
  const { url, by } = await serve(t);
  const answered = await post(`${url}/ask?timeout=10s&x=%20`, 'grüße');
  assert.deepEqual(answered, {
    status: 200,
    type: 'application/json',
    retryAfter: undefined,
    text: '{"text":"grüße","query":"timeout=10s&x=%20"}',
  });
  assert.equal((await post(`${url}/ask`, '')).text, '{"text":"","query":""}');
  assert.deepEqual(by, ['socket', 'socket']);
});

test('two questions on one connection, in one piece, get two answers', async (t) => {
  const { port } = await serve(t);
  const one = (text: string, more: string): string =>
    `POST /ask HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n${more}\r\n${text}`;
  const received = await raw(port, one('a', '') + one('b', 'connection: close\r\n'));
  assert.deepEqual(received.match(/"text":"."/g), ['"text":"a"', '"text":"b"']);
});

test('what is thrown is answered in the error contract, and a bug of ours says nothing about itself', async (t) => {
  const { url, logged } = await serve(t);
  const busy = await post(`${url}/ask`, 'busy');
  assert.deepEqual([busy.status, busy.retryAfter], [429, '3']);
  assert.deepEqual(JSON.parse(busy.text), { code: 'LIMIT_BUSY', message: 'too many', expected: 'fewer' });
  assert.equal(logged.length, 0);
  const bug = await post(`${url}/ask`, 'bug');
  assert.equal(bug.status, 500);
  assert.match(bug.text, /^\{"code":"INVARIANT"/);
  assert.doesNotMatch(bug.text, /secret/);
  assert.equal(logged.length, 1);
});

test('the application has everything else: other methods and paths, bodies without a length or beyond the limit', async (t) => {
  const { url, by } = await serve(t);
  assert.equal((await ask('GET', `${url}/ask`)).text, 'page');
  assert.equal((await post(`${url}/ask/`, 'x')).status, 404);
  const streamed = await post(`${url}/ask`, ['stre', 'amed']);
  assert.equal(streamed.text, '{"text":"streamed","query":""}');
  assert.deepEqual(by, ['application']);
  for (const body of ['x'.repeat(MAX_BYTES + 1), ['x'.repeat(MAX_BYTES), 'x']]) {
    const { status, text } = await post(`${url}/ask`, body);
    assert.deepEqual([status, (JSON.parse(text) as { code: string }).code], [413, 'LIMIT_SIZE']);
  }
  assert.deepEqual(by, ['application']);
});

test('a body that is cut short is answered by nobody, and told', async (t) => {
  const { port, by, logged } = await serve(t);
  const received = await raw(port, 'POST /ask HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nhalf', false);
  assert.equal(received, '');
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((logged[0] as { error: { code: string } }).error.code, 'REMOTE_BODY');
  assert.deepEqual(by, []);
});
