/** Registries that want fewer requests: slower answers, or none, and never a wrong one. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { RequestBudget, type BudgetEvent } from '../../../src/io/net/request-budget.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';
import { seededRandom } from '../../support/volatile-disk.ts';
import { openDoor, policyFor, type Door } from './door.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

interface Throttled extends Door {
  readonly clock: SteppedClock;
  readonly events: BudgetEvent[];
  /** Lets time go on until there is an answer. */
  readonly answerTo: (image: string) => Promise<Answer>;
}

async function throttled(t: TestContext): Promise<Throttled> {
  const clock = new SteppedClock();
  const events: BudgetEvent[] = [];
  const budget = new RequestBudget({
    perMinute: 1200,
    atOnce: 32,
    maxWaitMs: 10_000,
    clock,
    observe: (event) => events.push(event),
  });
  const world = await World.open(t, { budget });
  const door = await openDoor(t, { world, hasRoom: (registry) => budget.hasRoom(registry) });
  const answerTo = (image: string): Promise<Answer> =>
    clock.until(ask(door.webhook.routes, 'mutate', { object: pod(image) }));
  return { ...door, clock, events, answerTo };
}

const BUSY = (): Response => new Response('', { status: 429 });

test('429 to half of the requests: what is signed is admitted, what is not is refused, and nothing else', async (t) => {
  const { world, enforce, events, answerTo } = await throttled(t);
  enforce(policyFor(world));
  const count = 8;
  const names = Array.from({ length: count }, (_, index) => String(index));
  const signed = await Promise.all(names.map((name) => world.pushSigned(`shop/signed${name}`)));
  const bare = await Promise.all(names.map((name) => world.push(`shop/bare${name}`)));
  const others = await Promise.all(
    names.map(async (name) => {
      const image = await world.push(`shop/other${name}`);
      await world.sign(image, { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }] } });
      return image;
    }),
  );
  const random = seededRandom(7);
  let refused = 0;
  world.fault.answer = () => {
    if (random() < 0.5) return undefined;
    refused++;
    return BUSY();
  };
  const answers = async (images: readonly { toString(): string }[]): Promise<Answer[]> =>
    Promise.all(images.map((image) => answerTo(image.toString())));
  const [allowed, unsigned, foreign] = await Promise.all([answers(signed), answers(bare), answers(others)]);
  let unchecked = 0;
  const decided = (all: readonly Answer[]): readonly Answer[] => {
    const known = all.filter(({ code }) => code !== 503);
    unchecked += all.length - known.length;
    return known;
  };
  for (const { allowed: isAllowed, message } of decided(allowed)) assert.ok(isAllowed, message);
  for (const { message } of decided(unsigned)) assert.match(message, /^NO_SIGNATURE /);
  for (const { message } of decided(foreign)) assert.match(message, /^IDENTITY_MISMATCH /);
  assert.ok(refused > count, `${refused} of the requests were refused`);
  // Nine attempts at each request: one in five hundred fails.
  assert.ok(unchecked <= 3, `${unchecked} could not be checked`);
  assert.ok(events.some(({ what }) => what === 'paused') && events.some(({ what }) => what === 'waited'));
});

test('429 for ever: could not check, and what was proven before is admitted by it', async (t) => {
  const { world, enforce, answerTo } = await throttled(t);
  enforce(policyFor(world));
  const known = (await world.pushSigned('shop/known')).toString();
  const unknown = (await world.pushSigned('shop/unknown')).toString();
  assert.equal((await answerTo(known)).allowed, true);
  world.fault.answer = BUSY;
  const answer = await answerTo(unknown);
  assert.equal(answer.code, 503);
  assert.match(answer.message, /^COULD_NOT_CHECK .*\n(.*\n)*.*REMOTE_THROTTLED/);
  enforce(policyFor(world, 'changed'));
  assert.equal((await answerTo(known)).allowed, true);
  world.fault.answer = undefined;
});

test('Retry-After of one answer holds for everybody: in the meantime nothing is sent', async (t) => {
  const { world, enforce, clock, answerTo } = await throttled(t);
  enforce(policyFor(world));
  const images = await Promise.all(Array.from({ length: 20 }, (_, index) => world.pushSigned(`shop/app${index}`)));
  world.fault.answer = () => new Response('', { status: 429, headers: { 'retry-after': '60' } });
  assert.equal((await answerTo(images[0]!.toString())).code, 503);
  world.taken();
  world.fault.answer = undefined;
  for (const image of images) assert.equal((await answerTo(image.toString())).code, 503);
  assert.deepEqual(world.taken(), []);
  clock.set(clock.now().getTime() + 60_000);
  for (const image of images) assert.equal((await answerTo(image.toString())).allowed, true);
});
