/** Labels of namespaces, for policies that select by them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { namespaceLabels } from '../../../src/servers/webhook/namespace-labels.ts';
import { peerServer } from '../../support/peer-server.ts';
import { Recorder } from './recorder.ts';

test('labels are asked for, kept for five seconds, and unknown where they cannot be had', async (t) => {
  const asked: string[] = [];
  let status = 200;
  const { url } = await peerServer(t, (request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status).end(JSON.stringify({ metadata: { name: 'shop', labels: { env: 'prod' } } }));
  });
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  let now = Date.parse('2026-06-01T00:00:00Z');
  const recorder = new Recorder();
  const labels = namespaceLabels({
    cluster: { server: url, http, authorization: () => Promise.resolve(undefined) },
    now: () => new Date(now),
    logger: recorder.logger,
  });
  assert.deepEqual(await labels('shop'), new Map([['env', 'prod']]));
  assert.deepEqual(await labels('shop'), new Map([['env', 'prod']]));
  assert.deepEqual(asked, ['/api/v1/namespaces/shop']);
  now += 5000;
  status = 503;
  assert.equal(await labels('shop'), undefined);
  status = 404;
  assert.equal(await labels('shop'), undefined);
  assert.equal(await labels(''), undefined);
  assert.equal(asked.length, 3);
  assert.deepEqual(
    recorder.lines.map(({ level }) => level),
    ['warn'],
  );
});
