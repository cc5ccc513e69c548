import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { LimitError, UsageError } from '../../../src/errors.ts';
import { createApp } from '../../../src/servers/shell/app.ts';
import { readBody } from '../../../src/servers/shell/body.ts';
import { mountHealth } from '../../../src/servers/shell/health.ts';
import { listen } from '../../../src/servers/shell/listen.ts';

test('an unknown path answers 404 in the error contract', async () => {
  const response = await createApp().request('/nowhere');
  assert.equal(response.status, 404);
  assert.equal(((await response.json()) as { code: string }).code, 'NOT_FOUND');
});

test('an error of ours keeps code and facts, and a busy limit says when to come back', async () => {
  const app = createApp();
  app.get('/busy', () => {
    throw new LimitError('LIMIT_BUSY', 'too many', { expected: 'fewer', retryAfterSeconds: 3 });
  });
  const response = await app.request('/busy');
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '3');
  assert.deepEqual(await response.json(), { code: 'LIMIT_BUSY', message: 'too many', expected: 'fewer' });
});

test('a bug of ours answers 500 and says nothing about itself', async () => {
  const app = createApp();
  app.get('/bug', () => {
    throw new TypeError('secret detail');
  });
  const response = await app.request('/bug');
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
});

test('a body over its limit is refused, declared or not', async () => {
  const declared = new Request('http://x/', { method: 'POST', body: 'abcdef', headers: { 'content-length': '6' } });
  await assert.rejects(readBody(declared, 5), { code: 'LIMIT_SIZE' });
  const chunked = new Request('http://x/', { method: 'POST', body: new Blob(['abcdef']).stream(), duplex: 'half' });
  await assert.rejects(readBody(chunked, 5), { code: 'LIMIT_SIZE' });
  const fits = new Request('http://x/', { method: 'POST', body: 'abcde' });
  assert.equal(Buffer.from(await readBody(fits, 5)).toString(), 'abcde');
});

test('readyz names what is not ready and keeps the reason to itself', async () => {
  const app = createApp();
  mountHealth(app, [
    { name: 'log', check: () => Promise.resolve() },
    { name: 'ca', check: () => Promise.reject(new Error('private reason')) },
  ]);
  const response = await app.request('/readyz');
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { status: 'NOT_READY', notReady: ['ca'] });
});

test('a taken port is a usage error', async () => {
  const first = await listen(createApp(), { host: '127.0.0.1', port: 0 });
  await assert.rejects(listen(createApp(), { host: '127.0.0.1', port: first.port }), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.code, 'USAGE_PORT_CONFLICT');
    return true;
  });
  await first.close();
});

test('an idle connection is kept as long as was said, and clients are told', async (t) => {
  const told = async (idle: { readonly idleMs?: number }): Promise<string | undefined> => {
    const server = await listen(createApp(), { host: '127.0.0.1', port: 0, ...idle });
    t.after(() => server.close(0));
    return new Promise((resolve, reject) => {
      const agent = new Agent({ keepAlive: true });
      request(server.url, { agent }, (response) => {
        resolve(response.headers['keep-alive']?.toString());
        response.resume().on('end', () => {
          agent.destroy();
        });
      })
        .on('error', reject)
        .end();
    });
  };
  assert.equal(await told({}), 'timeout=5');
  assert.equal(await told({ idleMs: 120_000 }), 'timeout=120');
});

test('closing lets a request under way finish', async () => {
  const app = createApp();
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let started = (): void => undefined;
  const running = new Promise<void>((resolve) => (started = resolve));
  app.get('/slow', async (context) => {
    started();
    await gate;
    return context.text('done');
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const answer = new Promise<string>((resolve, reject) => {
    request(`${server.url}/slow`, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    })
      .on('error', reject)
      .end();
  });
  await running;
  const closed = server.close();
  release();
  assert.equal(await answer, 'done');
  await closed;
});
