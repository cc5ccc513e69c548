/** Decisions as Kubernetes Events: for whoever watches the object, few, and never in the way of a decision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RemoteError, type SealwrightError } from '../../../src/errors.ts';
import type { ClusterEvent } from '../../../src/io/kubernetes/event.ts';
import { EventRecorder } from '../../../src/servers/webhook/event-recorder.ts';
import type { DecisionEvent } from '../../../src/workflows/admission/decision-events.ts';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, podSpec } from './review.ts';

const MINUTE = 60_000;

function recorder(create?: (event: ClusterEvent) => Promise<void>) {
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  const created: ClusterEvent[] = [];
  const reports: SealwrightError[] = [];
  const events = new EventRecorder({
    create: create ?? ((event) => Promise.resolve(void created.push(event))),
    now: () => new Date(clock.now),
    report: (error) => reports.push(error),
  });
  return { clock, created, reports, events };
}

function event(changes: Partial<DecisionEvent> = {}): DecisionEvent {
  const regarding = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'p' };
  return { type: 'Warning', reason: 'ImageRefused', message: 'NO_SIGNATURE  x', regarding, ...changes };
}

test('a refusal is told at the controller that wanted the pod, in the words of the answer', async (t) => {
  const { created, events } = recorder();
  const { world, webhook, enforce } = await openDoor(t, { events });
  enforce(policyFor(world));
  const image = (await world.push('shop/bare')).toString();
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'Other', name: 'o', uid: 'u-0' },
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d9f', uid: 'u-1', controller: true },
  ];
  const object = { metadata: { generateName: 'web-7d9f-', ownerReferences }, spec: podSpec(image) };
  const answer = await ask(webhook.routes, 'mutate', { object });
  await events.flush();
  assert.deepEqual(
    created.map(({ type, reason, message, regarding }) => ({ type, reason, message, regarding })),
    [
      {
        type: 'Warning',
        reason: 'ImageRefused',
        message: answer.message,
        regarding: { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: 'web-7d9f', uid: 'u-1' },
      },
    ],
  );
});

test('warnings, what could not be checked, and what was admitted as last known good are told; passes are not', async (t) => {
  const { created, events } = recorder();
  let now = Date.now();
  const { world, webhook, enforce } = await openDoor(t, { events, now: () => new Date(now) });
  enforce(policyFor(world));
  const image = (await world.pushSigned('shop/app')).toString();
  const bare = (await world.push('shop/bare')).toString();
  const asked = (text: string, dryRun = false) => ask(webhook.routes, 'validate', { object: pod(text), dryRun });
  await asked(image);
  now += 2 * 60 * MINUTE;
  world.fault.answer = () => new Response('', { status: 500 });
  assert.equal((await asked(image)).allowed, true);
  await asked(bare);
  world.fault.answer = undefined;
  enforce(policyFor(world, 'shop', '  mode: warn'));
  await asked(bare);
  await asked((await world.push('shop/dry')).toString(), true);
  await ask(webhook.routes, 'validate', { object: { metadata: { name: 'x' }, spec: 7 } });
  await events.flush();
  assert.deepEqual(
    created.map(({ type, reason }) => `${type} ${reason}`),
    ['Normal LastKnownGoodUsed', 'Warning ImageNotChecked', 'Warning ImageWarned', 'Warning ReviewFailed'],
  );
  assert.match(created[0]?.message ?? '', new RegExp(image));
  assert.deepEqual(created[0]?.regarding, { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'p' });
});

test('a message fits what the API server takes, and no character is cut in two', async (t) => {
  const { created, events } = recorder();
  const { webhook } = await openDoor(t, { events });
  const images = Array.from({ length: 40 }, (_, index) => `registry.example/größe/${index}é`);
  await ask(webhook.routes, 'validate', { object: pod(...images) });
  await events.flush();
  const message = created[0]?.message ?? '';
  assert.ok(Buffer.byteLength(message) <= 1024 && Buffer.byteLength(message) > 1000);
  assert.doesNotMatch(message, /\uFFFD/);
});

test('the same again is counted for ten minutes, then told with its number', async () => {
  const { clock, created, events } = recorder();
  for (let count = 0; count < 5; count++) {
    events.record(event());
    clock.now += MINUTE;
  }
  events.record(event({ message: 'another' }));
  await events.flush();
  assert.deepEqual(
    created.map(({ message, count }) => [message, count]),
    [
      ['NO_SIGNATURE  x', 1],
      ['another', 1],
    ],
  );
  clock.now += 10 * MINUTE;
  events.record(event());
  await events.flush();
  assert.equal(created[2]?.count, 5);
  assert.equal(created[2].firstAt.toISOString(), '2026-01-01T00:01:00.000Z');
  assert.equal(events.counts.dropped, 0);
});

test('beyond a burst, Events are dropped and counted, and come again with time', async () => {
  const { clock, created, events } = recorder();
  for (let count = 0; count < 100; count++) events.record(event({ message: String(count) }));
  await events.flush();
  assert.equal(created.length, 25);
  assert.equal(events.counts.dropped, 75);
  clock.now += 3000;
  for (let count = 0; count < 10; count++) events.record(event({ message: `later ${count}` }));
  await events.flush();
  assert.equal(created.length, 28);
});

test('an API server that refuses or never answers is reported once and holds nothing up', async (t) => {
  const refuse = (): Promise<void> => Promise.reject(new RemoteError('REMOTE_STATUS', 'no', { status: 403 }));
  const refused = recorder(refuse);
  for (let count = 0; count < 3; count++) refused.events.record(event({ message: String(count) }));
  await refused.events.flush();
  assert.deepEqual([refused.events.counts.failed, refused.reports.length], [3, 1]);
  assert.equal(refused.reports[0]?.code, 'REMOTE_STATUS');
  const stuck = recorder(() => new Promise(() => undefined));
  const { webhook } = await openDoor(t, { events: stuck.events });
  for (let count = 0; count < 30; count++) {
    assert.equal((await ask(webhook.routes, 'validate', { object: pod(`nginx:${count}`) })).allowed, false);
  }
  assert.deepEqual(stuck.events.counts, { sent: 0, dropped: 5, failed: 0 });
});
