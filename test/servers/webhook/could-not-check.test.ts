/** A registry that cannot be asked: neither unsigned nor fine. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

function unchecked(answer: Answer, cause: string): void {
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 503, answer.message);
  assert.equal(answer.reason, 'ServiceUnavailable');
  assert.match(answer.message, /^COULD_NOT_CHECK {2}.*could not be checked/);
  assert.ok(answer.message.includes(`\n  found:    ${cause}`), answer.message);
  assert.match(answer.message, /\n {2}fix: /);
  assert.deepEqual(answer.annotations, { decision: 'could-not-check' });
}

type Fault = NonNullable<World['fault']['answer']>;

/** Whatever the path contains is answered so. */
function on(part: string, answer: () => Response): Fault {
  return (request) => (new URL(request.url).pathname.includes(part) ? answer() : undefined);
}

const NEVER = new Promise<Response>(() => undefined);

const FAULTS: readonly (readonly [what: string, fault: Fault, cause: string])[] = [
  ['500 for everything', () => new Response('', { status: 500 }), 'REMOTE_STATUS'],
  ['503 for the list', on('/referrers/', () => new Response('', { status: 503 })), 'REMOTE_STATUS'],
  [
    '429',
    on('/referrers/', () => new Response('', { status: 429, headers: { 'retry-after': '60' } })),
    'REMOTE_THROTTLED',
  ],
  ['401 without a challenge', on('/referrers/', () => new Response('', { status: 401 })), 'AUTH_REGISTRY'],
  ['403', on('/referrers/', () => new Response('', { status: 403 })), 'AUTH_REGISTRY'],
  [
    'a list that is no JSON',
    on(
      '/referrers/',
      () => new Response('{', { headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' } }),
    ),
    'REMOTE_BODY',
  ],
  ['500 for the bundle', on('/blobs/', () => new Response('', { status: 500 })), 'REMOTE_STATUS'],
  ['another bundle than the one asked for', on('/blobs/', () => new Response('{}')), 'DIGEST_MISMATCH'],
];

for (const [what, fault, cause] of FAULTS) {
  test(`${what}: could not check`, async (t) => {
    const { world, webhook, enforce } = await openDoor(t);
    const image = await world.pushSigned('shop/app');
    enforce(policyFor(world));
    world.fault.answer = fault;
    const input = { object: pod(image.toString()) };
    unchecked(await ask(webhook.routes, 'mutate', input), cause);
    // Nothing of that is remembered.
    world.fault.answer = undefined;
    assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
  });
}

test('a tag that cannot be resolved: could not check', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  world.fault.answer = () => new Response('', { status: 500 });
  unchecked(await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:1`) }), 'REMOTE_STATUS');
});

test('a registry that nobody answers for: could not check', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  enforce(policyFor(world).replaceAll(world.host, `127.0.0.1:${port}`));
  unchecked(await ask(webhook.routes, 'mutate', { object: pod(`127.0.0.1:${port}/shop/app:1`) }), 'REMOTE_UNREACHABLE');
});

test('a registry at a port that there is not: could not check', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world).replaceAll(world.host, 'h.example:99999'));
  unchecked(await ask(webhook.routes, 'mutate', { object: pod('h.example:99999/shop/app:1') }), 'REMOTE_UNREACHABLE');
});

test('a digest that its registry does not have: could not check, not unsigned', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  const absent = `${world.host}/shop/app@sha256:${'a'.repeat(64)}`;
  unchecked(await ask(webhook.routes, 'mutate', { object: pod(absent) }), 'IMAGE_NOT_FOUND');
  const { host } = world;
  world.fault.answer = on(`/shop/app/manifests/sha256:${'a'.repeat(64)}`, () => new Response('', { status: 403 }));
  unchecked(
    await ask(webhook.routes, 'mutate', { object: pod(`${host}/shop/app@sha256:${'a'.repeat(64)}`) }),
    'AUTH_REGISTRY',
  );
});

test('a tag that is not there is a finding, not a failure to check', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:nowhere`) });
  assert.equal(answer.code, 403);
  assert.match(answer.message, /^TAG_NOT_FOUND/);
});

test('in mode warn it is a warning', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world, 'shop', '  mode: warn'));
  world.fault.answer = () => new Response('', { status: 500 });
  const answer = await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  assert.equal(answer.allowed, true);
  assert.match(answer.warnings[0] ?? '', /^COULD_NOT_CHECK/);
});

test('beside a finding against another image, the finding decides', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const [a, b] = [await world.push('shop/a'), await world.push('shop/b')];
  enforce(policyFor(world));
  world.fault.answer = on('/shop/b/', () => new Response('', { status: 500 }));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(a.toString(), b.toString()) });
  assert.equal(answer.code, 403);
  assert.match(answer.message, /^NO_SIGNATURE .*\n(.*\n)*COULD_NOT_CHECK /);
});

test('an answer comes before the API server loses patience; the check goes on, and is remembered', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  world.fault.answer = async (request) => {
    if (new URL(request.url).pathname.includes('/referrers/')) await held;
    return undefined;
  };
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      object: pod(image.toString()),
    },
  });
  const response = await webhook.routes.request('/mutate?timeout=20ms', { method: 'POST', body });
  assert.match(await response.text(), /COULD_NOT_CHECK.*the time for an answer was up.*LIMIT_TIME/);
  release?.();
  assert.equal((await ask(webhook.routes, 'mutate', { object: pod(image.toString()) })).allowed, true);
  world.fault.answer = () => NEVER;
  assert.equal((await ask(webhook.routes, 'validate', { object: pod(image.toString()) })).allowed, true);
});

test('a registry that does not answer holds up no image of another registry', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const other = await World.open(t);
  const image = await other.push('shop/app');
  await other.attach(image, world.draft(image.digest!));
  enforce(policyFor(world), policyFor(other, 'other'));
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  world.fault.answer = async () => {
    await held;
    return new Response('', { status: 500 });
  };
  const stuck = Array.from({ length: 50 }, (_, i) =>
    ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:${i}`) }),
  );
  const answer = await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  release?.();
  assert.equal(answer.allowed, true, answer.message);
  for (const one of await Promise.all(stuck)) unchecked(one, 'REMOTE_STATUS');
});
