/** A drill's course: what is timed, what fails, and that the canary is made good again whatever happened before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasPassed, missedStages } from '../../src/core/revocation/drill-record.ts';
import { InvariantError, RemoteError } from '../../src/errors.ts';
import {
  drillRevocation,
  type DrillOutcome,
  type DrillParts,
} from '../../src/workflows/revocation/drill-revocation.ts';
import { drillRecord } from '../support/drills.ts';

const DOWN = new RemoteError('REMOTE_UNREACHABLE', 'nobody answers');

interface Course {
  readonly outcome: DrillOutcome;
  readonly calls: readonly string[];
}

/** A world in which time passes only while somebody waits, and signing takes half a second. */
class World {
  ms = 0;
  readonly calls: string[] = [];

  parts(change: Partial<DrillParts> = {}): DrillParts {
    const call = (name: string, ms: number) => (): Promise<void> => {
      this.calls.push(name);
      this.ms += ms;
      return Promise.resolve();
    };
    return {
      revoke: call('revoke', 500),
      publish: call('publish', 300),
      reinstate: call('reinstate', 400),
      observers: { denied: this.after(2000), found: this.after(3000), refused: this.after(1000) },
      isGood: () => Promise.resolve(true),
      news: 'push',
      clock: {
        now: () => new Date(Date.UTC(2026, 0, 1) + this.ms),
        elapsedMs: () => this.ms,
        sleep: (ms) => {
          this.ms += ms;
          return Promise.resolve();
        },
      },
      isInterrupted: () => false,
      onStage: ({ stage, outcome }) => this.calls.push(`${stage} ${outcome}`),
      ...change,
    };
  }

  after(ms: number): () => Promise<boolean> {
    return () => Promise.resolve(this.ms >= ms);
  }

  async run(change: Partial<DrillParts> = {}): Promise<Course> {
    return { outcome: await drillRevocation(this.parts(change)), calls: this.calls };
  }
}

function outcomes({ outcome }: Course): readonly string[] {
  return outcome.stages.map(({ stage, outcome: reached }) => `${stage} ${reached}`);
}

test('each stage is timed from the beginning, and then the canary is made good again', async () => {
  const { outcome } = await new World().run();
  assert.deepEqual(outcome.stages.map(({ stage, ms }) => [stage, ms]).slice(0, 2), [
    ['logged', 500],
    ['published', 800],
  ]);
  const at = (name: string): number => outcome.stages.find(({ stage }) => stage === name)?.ms ?? NaN;
  assert.ok(at('refused') >= 1000 && at('denied') >= 2000 && at('found') >= 3000, JSON.stringify(outcome.stages));
  assert.deepEqual(outcome.restored, { outcome: 'done', ms: 400 });
  assert.ok(hasPassed(drillRecord(outcome)));
  assert.ok(outcome.endedAt > outcome.startedAt);
});

test('without a cluster what cannot be asked is not tried', async () => {
  const world = new World();
  const course = await world.run({ observers: { refused: world.after(1000) } });
  assert.deepEqual(outcomes(course).slice(2), ['denied not-tried', 'found not-tried', 'refused done']);
});

test('nothing is signed: nothing is published, and nothing has to be taken back', async () => {
  const course = await new World().run({ revoke: () => Promise.reject(DOWN) });
  assert.deepEqual(outcomes(course), [
    'logged failed',
    'published not-tried',
    'denied not-tried',
    'found not-tried',
    'refused not-tried',
  ]);
  assert.match(course.outcome.stages[0]?.detail ?? '', /REMOTE_UNREACHABLE/);
  assert.ok(!course.calls.includes('reinstate'));
  assert.equal(hasPassed(drillRecord(course.outcome)), false);
});

test('publishing fails, nobody knows how far it came: taken back all the same', async () => {
  const course = await new World().run({ publish: () => Promise.reject(DOWN) });
  assert.deepEqual(outcomes(course).slice(0, 3), ['logged done', 'published failed', 'denied not-tried']);
  assert.ok(course.calls.includes('reinstate'));
});

test('a stage that never comes is given up after twice its goal, the others are told, and the canary is good again', async () => {
  const course = await new World().run({
    observers: {
      denied: () => Promise.resolve(false),
      found: () => Promise.reject(DOWN),
      refused: () => Promise.resolve(true),
    },
  });
  assert.deepEqual(outcomes(course).slice(2), ['denied failed', 'found failed', 'refused done']);
  const [, , denied, found] = course.outcome.stages;
  assert.match(denied?.detail ?? '', /it did not happen within 30 s/);
  assert.match(found?.detail ?? '', /REMOTE_UNREACHABLE nobody answers within 240 s/);
  assert.equal(course.outcome.restored.outcome, 'done');
  assert.deepEqual(
    missedStages(drillRecord(course.outcome)).map(({ stage }) => stage),
    ['denied', 'found'],
  );
});

test('an observer that fails for a while, an API server that restarts say, is asked again', async () => {
  const world = new World();
  const restarting = (): Promise<boolean> => (world.ms < 5000 ? Promise.reject(DOWN) : Promise.resolve(true));
  const { outcome } = await world.run({ observers: { denied: restarting } });
  assert.equal(outcome.stages[2]?.outcome, 'done');
});

test('interrupted: no stage is waited for any longer, and the canary is made good again', async () => {
  const course = await new World().run({ isInterrupted: () => true });
  assert.deepEqual(outcomes(course).slice(2), ['denied failed', 'found failed', 'refused failed']);
  assert.match(course.outcome.stages[2]?.detail ?? '', /interrupted/);
  assert.ok(course.calls.includes('reinstate'));
});

test('a reinstatement that fails is tried again; one that never succeeds, or is not felt, is told', async () => {
  const world = new World();
  let left = 2;
  const flaky = await world.run({ reinstate: () => (left-- > 0 ? Promise.reject(DOWN) : Promise.resolve()) });
  assert.equal(flaky.outcome.restored.outcome, 'done');
  const never = await new World().run({ reinstate: () => Promise.reject(DOWN) });
  assert.equal(never.outcome.restored.outcome, 'failed');
  assert.match(never.outcome.restored.detail ?? '', /REMOTE_UNREACHABLE/);
  const unfelt = await new World().run({ isGood: () => Promise.resolve(false) });
  assert.match(unfelt.outcome.restored.detail ?? '', /reinstated, and it is still refused/);
  for (const { outcome } of [never, unfelt]) assert.equal(hasPassed(drillRecord(outcome)), false);
});

test('what is a fault of the program itself is thrown, behind the reinstatement', async () => {
  const world = new World();
  const broken = (): Promise<boolean> => Promise.reject(new InvariantError('a bug'));
  await assert.rejects(world.run({ observers: { denied: broken } }), /a bug/);
  assert.ok(world.calls.includes('reinstate'));
});
