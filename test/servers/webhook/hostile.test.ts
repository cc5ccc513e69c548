/** Reviews that nobody sends by accident. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { damaged } from '../../support/damage.ts';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, podSpec, post, readAnswer, review, type ReviewInput } from './review.ts';
import { World } from './world.ts';

const MALFORMED: readonly (readonly [what: string, body: string, status: number, code: string])[] = [
  ['nothing', '', 400, 'FORMAT_ADMISSION_REVIEW'],
  ['no JSON', '<html>', 400, 'FORMAT_ADMISSION_REVIEW'],
  ['a pod in place of a review', JSON.stringify(pod('a')), 400, 'FORMAT_ADMISSION_REVIEW'],
  [
    'a review without request',
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
    400,
    'FORMAT_ADMISSION_REVIEW',
  ],
  ['nesting without end', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 413, 'LIMIT_DEPTH'],
  ['9 MiB', ' '.repeat(9 << 20), 413, 'LIMIT_SIZE'],
];

for (const [what, body, status, code] of MALFORMED) {
  test(`${what}: ${status}, in the words of the error contract`, async (t) => {
    const { webhook } = await openDoor(t);
    for (const path of ['/mutate', '/validate']) {
      const response = await post(webhook.routes, path, body);
      assert.equal(response.status, status);
      const answer = (await response.json()) as { code: string; message: string };
      assert.equal(answer.code, code);
      assert.doesNotMatch(JSON.stringify(answer), /at .*\.ts/);
    }
  });
}

test('a body that claims to be small and is not, is cut off', async (t) => {
  const { webhook } = await openDoor(t);
  const body = new Blob([' '.repeat(9 << 20)]).stream();
  const request = new Request('http://x/mutate', { method: 'POST', body, duplex: 'half' });
  assert.equal((await webhook.routes.request(request)).status, 413);
});

for (const [method, path, status] of [
  ['GET', '/mutate', 404],
  ['PUT', '/validate', 404],
  ['POST', '/', 404],
  ['POST', '/mutate/', 404],
  ['GET', '/healthz', 200],
  ['GET', '/readyz', 200],
  ['GET', '/metrics', 200],
] as const) {
  test(`${method} ${path}: ${status}`, async (t) => {
    const { webhook } = await openDoor(t);
    assert.equal((await webhook.routes.request(path, { method })).status, status);
  });
}

/** Well-formed reviews of objects that are not what they say: answered, and refused. */
const OBJECTS: readonly (readonly [what: string, input: ReviewInput, code: string])[] = [
  ['a pod without a spec', { object: {} }, 'FORMAT_ADMISSION_REVIEW'],
  ['containers that are a text', { object: { spec: { containers: 'nginx' } } }, 'FORMAT_ADMISSION_REVIEW'],
  ['an image that is a list', { object: { spec: { containers: [{ image: ['nginx'] }] } } }, 'FORMAT_ADMISSION_REVIEW'],
  ['1,000 containers', { object: pod(...Array.from({ length: 1000 }, (_, i) => `r.example/a:${i}`)) }, 'LIMIT_COUNT'],
  ['10,000 containers', { object: pod(...Array.from({ length: 10_000 }, () => 'r.example/a:1')) }, 'LIMIT_COUNT'],
  [
    'an old object that is malformed',
    { operation: 'UPDATE', object: pod('nginx'), oldObject: { spec: { containers: 1 } } },
    'FORMAT_ADMISSION_REVIEW',
  ],
];

for (const [what, input, code] of OBJECTS) {
  test(`${what}: refused, and no registry asked`, async (t) => {
    const { world, webhook, enforce } = await openDoor(t);
    enforce(policyFor(world).replace(`${world.host}/shop/**`, '**'));
    const answer = await ask(webhook.routes, 'mutate', input);
    assert.equal(answer.allowed, false);
    assert.equal(answer.code, 400);
    assert.ok(answer.message.startsWith(`${code}  `), answer.message);
    assert.deepEqual(world.taken(), []);
  });
}

const HEX = '0'.repeat(64);

/** Texts that look like an image name, to somebody. */
const REFERENCES: readonly string[] = [
  ' nginx',
  'nginx ',
  'nginx\n',
  'nginx\u0000',
  'ngınx', // dotless i
  'nginх', // Cyrillic ha
  'r.example/shop\u200b/app:1', // zero-width space
  'r.example/shop\u2215app:1', // division slash
  'r.example\u3002com/app:1', // ideographic full stop
  'r.example/\u202eppa/pohs:1', // right-to-left override
  'r.example/shop/app:1\u001b[2K',
  'r.example/shop/ａｐｐ:1', // full width
  'r.example/shop/../app:1',
  'r.example/shop//app:1',
  'r.example/%73hop/app:1',
  'https://r.example/shop/app:1',
  'user:password@r.example/shop/app',
  'r.example/shop/app@sha256:abc',
  `r.example/shop/app@sha256:${HEX.toUpperCase()}F`,
  `r.example/shop/app@sha256:${HEX}@sha256:${HEX}`,
  `r.example/shop/app@md5:${'0'.repeat(32)}`,
  'r.example/shop/app:',
  'r.example/shop/app:1:2',
  'r.example/Shop/app',
  'r.example:port/app',
  '/app',
  'r.example/',
  '@',
  ':',
  '.',
  'x'.repeat(10_000),
  `r.example/${'a/'.repeat(200)}app`,
];

for (const text of REFERENCES) {
  test(`the image ${JSON.stringify(text.slice(0, 50))} is refused by its name, printed safely`, async (t) => {
    const { world, webhook, enforce } = await openDoor(t);
    enforce(policyFor(world).replace(`${world.host}/shop/**`, '**'));
    for (const stage of ['mutate', 'validate'] as const) {
      const answer = await ask(webhook.routes, stage, { object: pod(text) });
      assert.equal(answer.allowed, false);
      assert.match(answer.message, /^FORMAT_(REFERENCE|DIGEST) {2}/);
      assert.doesNotMatch(answer.message.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
      assert.ok(answer.message.length < 2000);
      assert.deepEqual(world.taken(), []);
    }
  });
}

test('a refused name is refused also where images that no policy is about are let in', async (t) => {
  const { webhook } = await openDoor(t, { noMatch: 'allow' });
  assert.equal((await ask(webhook.routes, 'mutate', { object: pod('nginx\u200b') })).allowed, false);
});

test('500 containers of one image are one check, and the refusal names some of the places', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  enforce(policyFor(world));
  const answer = await ask(webhook.routes, 'mutate', {
    object: pod(...Array.from({ length: 500 }, () => image.toString())),
  });
  assert.match(answer.message, /^NO_SIGNATURE .*spec\.containers\[4\]\.image and 495 more\)\n/);
  assert.ok(answer.message.length < 2000);
});

test('300 different images are refused in ten blocks and a number', async (t) => {
  const { webhook } = await openDoor(t);
  const object = pod(...Array.from({ length: 300 }, (_, i) => `r.example/a:${i}`));
  const { message } = await ask(webhook.routes, 'mutate', { object });
  assert.equal(message.match(/^POLICY_NO_MATCH/gm)?.length, 10);
  assert.match(message, /\n… and 290 more of this object's images$/);
});

test('300 different images that are to be checked go to the registry a few at a time', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  let underWay = 0;
  let most = 0;
  world.fault.answer = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
    return new Response('', { status: 404 });
  };
  const object = pod(...Array.from({ length: 300 }, (_, i) => `${world.host}/shop/app:${i}`));
  const answer = await ask(webhook.routes, 'mutate', { object });
  assert.match(answer.message, /^TAG_NOT_FOUND/);
  assert.ok(most <= 16, `${most} at once`);
});

test('labels without end neither match nor matter', async (t) => {
  const { webhook } = await openDoor(t, { noMatch: 'allow' });
  const labels = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 'v']));
  const object = { metadata: { labels: { ...labels, constructor: 'x' } }, spec: podSpec('nginx') };
  assert.equal((await ask(webhook.routes, 'mutate', { object })).allowed, true);
});

test('members of the prototype are no containers', async (t) => {
  const { webhook } = await openDoor(t, { noMatch: 'allow' });
  const text = '{"spec":{"__proto__":{"containers":[{"image":"nginx "}]},"containers":[{"image":"nginx"}]}}';
  const object = JSON.parse(text) as object;
  assert.equal((await ask(webhook.routes, 'mutate', { object })).allowed, true);
});

async function broken(t: TestContext): Promise<ReturnType<typeof createWebhook>> {
  const world = await World.open(t);
  return createWebhook({
    policies: {
      current: () => {
        throw new TypeError('private detail');
      },
      ready: () => Promise.reject(new Error('not yet')),
      close: () => Promise.resolve(),
    },
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
  });
}

test('a bug of ours refuses, and says nothing about itself', async (t) => {
  const webhook = await broken(t);
  const answer = await ask(webhook.routes, 'mutate', { object: pod('nginx') });
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 500);
  assert.match(answer.message, /^INVARIANT {2}internal error$/);
  assert.equal((await webhook.routes.request('/readyz')).status, 503);
});

test('a review damaged anywhere is answered or refused, never with a 500', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  enforce(policyFor(world));
  world.fault.answer = () => new Response('', { status: 404 });
  const sent = Buffer.from(JSON.stringify(review({ object: pod('r.example/a:1') })));
  for (const body of damaged(sent)) {
    const response = await post(webhook.routes, '/mutate', Uint8Array.from(body));
    assert.ok([200, 400].includes(response.status), `status ${response.status}`);
    if (response.status !== 200) continue;
    const text = await response.text();
    const { uid } = (JSON.parse(text) as { response: { uid: string } }).response;
    const { code } = readAnswer(text, uid);
    assert.notEqual(code, 500, text);
  }
});

test('decisions are counted', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  await ask(webhook.routes, 'mutate', { object: pod('nginx') });
  await ask(webhook.routes, 'validate', { object: {} });
  const text = await (await webhook.routes.request('/metrics')).text();
  for (const line of [
    'sealwright_admission_reviews_total{stage="mutate",decision="allow"} 1',
    'sealwright_admission_reviews_total{stage="mutate",decision="deny"} 1',
    'sealwright_admission_reviews_total{stage="validate",decision="error"} 1',
    'sealwright_admission_policies 1',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\n${text}`);
  }
});

test('a thousand reviews under way are enough: the next one is refused, and says why', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policyFor(world));
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  world.fault.answer = async () => {
    await held;
    return undefined;
  };
  const input = { object: pod(image.toString()) };
  const waiting = Array.from({ length: 1000 }, () => ask(webhook.routes, 'mutate', input));
  const metrics = async (): Promise<string> => (await webhook.routes.request('/metrics')).text();
  while (!(await metrics()).includes('reviews_under_way 1000\n')) await new Promise((resolve) => setImmediate(resolve));
  const answer = await ask(webhook.routes, 'mutate', input);
  release?.();
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 429);
  assert.match(answer.message, /^LIMIT_BUSY/);
  assert.ok((await Promise.all(waiting)).every(({ allowed }) => allowed));
  assert.equal((await ask(webhook.routes, 'mutate', input)).allowed, true);
});
