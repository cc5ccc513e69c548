/** What hosts are asked: so many requests a minute and at once, and none while they want to be left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RequestBudget, type BudgetEvent, type RequestBudgetOptions } from '../../../src/io/net/request-budget.ts';
import { peerServer } from '../../support/peer-server.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

const REGISTRY = new URL('https://registry.example/v2/');

interface Bounded {
  readonly clock: SteppedClock;
  readonly budget: RequestBudget;
  readonly events: BudgetEvent[];
  /** Seconds since the start at which requests were sent. */
  readonly sent: number[];
  /** What the host answers from now on. */
  readonly host: { answer: () => { status: number; headers: Record<string, string> } };
  /** One request; its status, or the code of the error. */
  readonly ask: (url?: URL) => Promise<number | string>;
}

function bounded(options: Partial<RequestBudgetOptions> = {}): Bounded {
  const clock = new SteppedClock();
  const start = clock.now().getTime();
  const events: BudgetEvent[] = [];
  const sent: number[] = [];
  const budget = new RequestBudget({
    perMinute: 60,
    atOnce: 100,
    maxWaitMs: 10_000,
    clock,
    observe: (event) => events.push(event),
    ...options,
  });
  const host: Bounded['host'] = { answer: () => ({ status: 200, headers: {} }) };
  const ask = async (url = REGISTRY): Promise<number | string> => {
    try {
      const { status } = await budget.run(url, () => {
        sent.push((clock.now().getTime() - start) / 1000);
        return Promise.resolve(host.answer());
      });
      return status;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { clock, budget, events, sent, host, ask };
}

async function all(clock: SteppedClock, asked: readonly Promise<number | string>[]): Promise<(number | string)[]> {
  await clock.untilNobodySleeps();
  return Promise.all(asked);
}

function times<Value>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make);
}

test('a quarter of a minute’s requests at once, then one by one, and what would wait too long is refused at once', async () => {
  const { clock, sent, ask, events } = bounded();
  const answers = await all(
    clock,
    times(30, () => ask()),
  );
  assert.deepEqual(sent, [...times(15, () => 0), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(
    answers.slice(0, 25),
    times(25, () => 200),
  );
  assert.deepEqual(
    answers.slice(25),
    times(5, () => 'REMOTE_THROTTLED'),
  );
  assert.equal(events.filter(({ what }) => what === 'refused').length, 5);
  assert.deepEqual(events.filter(({ what }) => what === 'waited').at(-1), {
    host: 'registry.example',
    what: 'waited',
    ms: 10_000,
  });
});

test('a refusal names the host, the wait and the budget, and takes no turn from anybody', async () => {
  const { clock, budget, ask } = bounded({ maxWaitMs: 0 });
  await all(
    clock,
    times(15, () => ask()),
  );
  await assert.rejects(
    budget.run(REGISTRY, () => assert.fail('sent')),
    (error: Error & { facts: { found: string; expected: string } }) => {
      assert.equal(error.message, 'registry.example is left alone for a while');
      assert.equal(error.facts.found, 'no turn for 1 s');
      assert.equal(error.facts.expected, 'at most 60 requests a minute to registry.example');
      return true;
    },
  );
  await all(
    clock,
    times(50, () => ask()),
  );
  clock.set(clock.now().getTime() + 1000);
  assert.equal(await ask(), 200);
});

test('hosts have budgets of their own; this machine has none', async () => {
  const { clock, ask } = bounded({ perMinute: 1, maxWaitMs: 0 });
  assert.deepEqual(await all(clock, [ask(), ask()]), [200, 'REMOTE_THROTTLED']);
  assert.equal(await ask(new URL('https://other.example/')), 200);
  const local = new URL('http://127.0.0.1:5000/');
  assert.deepEqual(
    await all(
      clock,
      times(1000, () => ask(local)),
    ),
    times(1000, () => 200),
  );
});

test('no more at once than allowed, first come first served', async () => {
  const { budget } = bounded({ perMinute: Number.POSITIVE_INFINITY, atOnce: 2 });
  const release: (() => void)[] = [];
  const started: number[] = [];
  const asked = [0, 1, 2, 3].map((index) =>
    budget.run(REGISTRY, async () => {
      started.push(index);
      await new Promise<void>((resolve) => release.push(resolve));
      return { status: 200, headers: {} };
    }),
  );
  const turn = (): Promise<void> => new SteppedClock().untilNobodySleeps();
  await turn();
  assert.deepEqual(started, [0, 1]);
  release.shift()?.();
  await turn();
  assert.deepEqual(started, [0, 1, 2]);
  while (release.length > 0) {
    release.shift()?.();
    await turn();
  }
  await Promise.all(asked);
  assert.deepEqual(started, [0, 1, 2, 3]);
});

for (const [what, answer] of [
  ['429 with Retry-After', { status: 429, headers: { 'retry-after': '3' } }],
  ['503 with Retry-After', { status: 503, headers: { 'retry-after': '3' } }],
  ['429 with a date', { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:03 GMT' } }],
] as const) {
  test(`${what}: everybody waits as long as it says`, async () => {
    const { clock, sent, host, ask, events } = bounded();
    host.answer = () => answer;
    assert.equal(await ask(), answer.status);
    host.answer = () => ({ status: 200, headers: {} });
    const other = ask(new URL('https://other.example/'));
    assert.deepEqual(await all(clock, [ask(), ask(), other]), [200, 200, 200]);
    assert.deepEqual(sent, [0, 0, 3, 3]);
    assert.deepEqual(events[0], { host: 'registry.example', what: 'paused', ms: 3000 });
  });
}

test('a pause that is longer than anybody would wait refuses at once, and ends', async () => {
  const { clock, host, ask, sent } = bounded();
  host.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
  assert.equal(await ask(), 429);
  assert.deepEqual(
    await Promise.all(times(100, () => ask())),
    times(100, () => 'REMOTE_THROTTLED'),
  );
  assert.equal(sent.length, 1);
  host.answer = () => ({ status: 200, headers: {} });
  clock.set(clock.now().getTime() + 51_000);
  assert.deepEqual(await all(clock, [ask()]), [200]);
  assert.deepEqual(sent, [0, 60]);
});

test('without Retry-After each pause is twice the one before, until an answer comes', async () => {
  const { clock, host, ask, events } = bounded();
  const lengths = (): number[] => events.splice(0).flatMap(({ what, ms }) => (what === 'paused' ? [ms] : []));
  host.answer = () => ({ status: 429, headers: {} });
  for (let count = 0; count < 4; count++) await all(clock, [ask()]);
  assert.deepEqual(lengths(), [250, 500, 1000, 2000]);
  host.answer = () => ({ status: 404, headers: {} });
  await all(clock, [ask()]);
  host.answer = () => ({ status: 429, headers: {} });
  await all(clock, [ask()]);
  assert.deepEqual(lengths(), [250]);
});

test('answers to what was sent before a pause are no news: many at once make one pause', async () => {
  const { clock, host, ask, events } = bounded();
  host.answer = () => ({ status: 429, headers: {} });
  await all(
    clock,
    times(10, () => ask()),
  );
  assert.deepEqual(
    events.map(({ what, ms }) => [what, ms]),
    [['paused', 250]],
  );
});

test('500 and 503 without Retry-After make no pause', async () => {
  const { clock, host, ask, events } = bounded();
  for (const status of [500, 503]) {
    host.answer = () => ({ status, headers: {} });
    await all(clock, [ask()]);
  }
  assert.deepEqual(events, []);
});

test('a registry that asks for days is asked again after five minutes', async () => {
  const { clock, host, ask } = bounded();
  host.answer = () => ({ status: 429, headers: { 'retry-after': '999999' } });
  await ask();
  assert.equal(await ask(), 'REMOTE_THROTTLED');
  host.answer = () => ({ status: 200, headers: {} });
  clock.set(clock.now().getTime() + 300_000);
  assert.equal(await ask(), 200);
});

test('a clock that was put back by days makes no wait of days', async () => {
  const { clock, host, ask } = bounded();
  await all(
    clock,
    times(20, () => ask()),
  );
  clock.set(clock.now().getTime() - 86_400_000);
  assert.deepEqual(await all(clock, [ask()]), [200]);
  host.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
  await ask();
  host.answer = () => ({ status: 200, headers: {} });
  clock.set(clock.now().getTime() - 86_400_000);
  assert.deepEqual(await all(clock, [ask()]), [200]);
});

test('those for whom nobody waits leave half of a burst to others, and take nothing in a long pause', async () => {
  const { clock, budget, host, ask } = bounded({ maxWaitMs: 3000 });
  let taken = 0;
  const warm = async (): Promise<void> => {
    while (await budget.hasRoom('registry.example')) {
      if (taken >= 20) return;
      taken++;
      await ask();
    }
  };
  const warming = warm();
  await new SteppedClock().untilNobodySleeps();
  assert.equal(taken, 8);
  assert.deepEqual(
    await Promise.all(times(7, () => ask())),
    times(7, () => 200),
  );
  await clock.untilNobodySleeps();
  await warming;
  // Others had taken more than could be waited for.
  assert.equal(taken, 8);
  clock.set(clock.now().getTime() + 60_000);
  assert.equal(await budget.hasRoom('registry.example'), true);
  host.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
  await ask();
  assert.equal(await budget.hasRoom('registry.example'), false);
  assert.equal(await budget.hasRoom('other.example:5000'), true);
});

test('a thousand hosts are forgotten again, one that is paused is not', async () => {
  const { clock, host, ask } = bounded({ maxWaitMs: 0 });
  host.answer = () => ({ status: 429, headers: { 'retry-after': '200' } });
  await ask();
  host.answer = () => ({ status: 200, headers: {} });
  for (let count = 0; count < 3000; count++) {
    clock.set(clock.now().getTime() + 50);
    assert.equal(await ask(new URL(`https://h${count}.example/`)), 200);
  }
  assert.equal(await ask(), 'REMOTE_THROTTLED');
});

test('a client with a budget repeats what was told to come later, after everybody’s pause and not its own', async (t) => {
  const { clock, budget, events } = bounded({ perMinute: Number.POSITIVE_INFINITY });
  let count = 0;
  const peer = await peerServer(t, (_request, response) => {
    response.writeHead(++count <= 3 ? 429 : 200, { 'retry-after': '2' }).end();
  });
  const http = new HttpClient({ budget, clock: { now: () => clock.now(), sleep: () => assert.fail('slept') } });
  t.after(() => {
    http.close();
  });
  assert.equal((await clock.until(http.request({ url: peer.url }))).status, 200);
  assert.deepEqual(
    events.map(({ what, ms }) => [what, ms]),
    [
      ['paused', 2000],
      ['waited', 2000],
      ['paused', 4000],
      ['waited', 4000],
      ['paused', 8000],
      ['waited', 8000],
    ],
  );
});

test('a client gives up on a host that says so for ever, with its own words', async (t) => {
  const { clock, budget } = bounded({ repetitions: 2 });
  const peer = await peerServer(t, (_request, response) => {
    response.writeHead(429).end('slow down');
  });
  const http = new HttpClient({ budget });
  t.after(() => {
    http.close();
  });
  await assert.rejects(clock.until(http.request({ url: peer.url, peer: 'the registry' })), {
    code: 'REMOTE_THROTTLED',
    message: `the registry at ${peer.host} wants fewer requests`,
  });
  assert.equal(peer.seen.length, 3);
});
