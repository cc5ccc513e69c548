/** A webhook that starts in a cluster that runs: it knows what runs before anybody asks. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RequestBudget } from '../../../src/io/net/request-budget.ts';
import { listRunningImages } from '../../../src/servers/webhook/running-objects.ts';
import { peerServer } from '../../support/peer-server.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, podSpec } from './review.ts';
import { World } from './world.ts';

function runningPod(name: string, ...images: readonly string[]): object {
  return { metadata: { name, namespace: 'shop', labels: { app: 'x' } }, spec: podSpec(...images) };
}

function replicaSet(...images: readonly string[]): object {
  return { metadata: { name: 'r', namespace: 'shop' }, spec: { template: { spec: podSpec(...images) } } };
}

async function clusterOf(t: TestContext, pods: readonly object[], replicaSets: readonly object[] = []) {
  const { url, seen } = await peerServer(t, (request, response) => {
    const asked = new URL(request.url ?? '', 'http://x');
    if (asked.pathname === '/apis/apps/v1/replicasets') response.end(JSON.stringify({ items: replicaSets }));
    else if (asked.pathname !== '/api/v1/pods') response.writeHead(403).end('{"message":"no"}');
    else {
      // A page for each pod.
      const index = Number(asked.searchParams.get('continue') ?? '0');
      const next = index + 1 < pods.length ? String(index + 1) : '';
      response.end(JSON.stringify({ metadata: { continue: next }, items: pods.slice(index, index + 1) }));
    }
  });
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  return { access: { server: url, http, authorization: () => Promise.resolve(undefined) }, seen };
}

function lists(seen: readonly string[]): readonly string[] {
  return seen.filter((line) => line.includes('/referrers/'));
}

test('what runs, and what would be rolled back to, is fetched once; reviews then need no registry', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  const [now, before] = [
    (await world.pushSigned('shop/now')).toString(),
    (await world.pushSigned('shop/before')).toString(),
  ];
  const bare = (await world.push('shop/bare')).toString();
  const pods = [runningPod('a', now, bare), runningPod('b', now), runningPod('c', now)];
  const { access } = await clusterOf(t, pods, [replicaSet(now), replicaSet(before)]);
  world.taken();
  assert.equal(await webhook.warm(listRunningImages(access)), 3);
  assert.equal(lists(world.taken()).length, 3);
  world.fault.answer = () => new Response('', { status: 500 });
  for (const image of [now, before]) {
    assert.equal((await ask(webhook.routes, 'validate', { object: pod(image) })).allowed, true);
  }
  assert.deepEqual(world.taken(), []);
  world.fault.answer = undefined;
  assert.equal(await webhook.warm(listRunningImages(access)), 0);
  assert.deepEqual(world.taken(), []);
  // Warming decides nothing.
  assert.match((await ask(webhook.routes, 'validate', { object: pod(bare) })).message, /^NO_SIGNATURE /);
});

test('nothing is fetched for images that no policy is about, that are named by a tag, or that cannot be read', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world).replace('/shop/**', '/guarded/**'));
  const image = (await world.pushSigned('shop/app')).toString();
  const { access } = await clusterOf(t, [
    runningPod('a', image),
    runningPod('b', `${world.host}/guarded/app:1`),
    runningPod('c', `${world.host}/guarded/app@sha256:short`),
    { metadata: { name: 'd', namespace: 'shop' }, spec: 7 },
    { metadata: { name: 'e', namespace: 'shop', labels: { app: 7 } }, spec: podSpec(image) },
  ]);
  world.taken();
  assert.equal(await webhook.warm(listRunningImages(access)), 0);
  assert.deepEqual(world.taken(), []);
});

test('a registry that throttles is left alone, and so the webhook starts all the same', async (t) => {
  const budget = new RequestBudget({ perMinute: 1200, atOnce: 32, maxWaitMs: 10_000, clock: new SteppedClock() });
  const { world, webhook, enforce } = await openDoor(t, {
    world: await World.open(t, { budget }),
    hasRoom: (registry) => budget.hasRoom(registry),
  });
  enforce(policyFor(world));
  const images = await Promise.all(Array.from({ length: 20 }, (_, index) => world.push(`shop/app${index}`)));
  const { access } = await clusterOf(t, [runningPod('a', ...images.map(String))]);
  world.taken();
  world.fault.answer = () => new Response('', { status: 429, headers: { 'retry-after': '30' } });
  await webhook.warm(listRunningImages(access));
  const asked = new Set(world.taken().map((line) => /app\d+/.exec(line)?.[0]));
  assert.ok(asked.size > 0 && asked.size <= 4, [...asked].join());
});

test('without leave to list pods, warming fails and says so', async (t) => {
  const { webhook } = await openDoor(t);
  const { url } = await peerServer(t, (_, response) => {
    response.writeHead(403).end('{"message":"pods is forbidden"}');
  });
  const http = new HttpClient({ retry: { retries: 0 } });
  const access = { server: url, http, authorization: () => Promise.resolve(undefined) };
  await assert.rejects(webhook.warm(listRunningImages(access)), { code: 'REMOTE_STATUS' });
  http.close();
});

test('a webhook that closes stops warming', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  const images = await Promise.all(Array.from({ length: 10 }, (_, index) => world.push(`shop/app${index}`)));
  const { access } = await clusterOf(t, [runningPod('a', ...images.map(String))]);
  await webhook.close();
  world.taken();
  assert.equal(await webhook.warm(listRunningImages(access)), 0);
  assert.deepEqual(world.taken(), []);
});
