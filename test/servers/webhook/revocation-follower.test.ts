/** Revocations as they reach a webhook: by asking for them, and by whoever brings them. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { RemoteError, type SealwrightError } from '../../../src/errors.ts';
import {
  followRevocations,
  reopenWithTrust,
  type FollowedRevocations,
} from '../../../src/servers/webhook/revocation-follower.ts';
import { refreshRevocations, RevocationState } from '../../../src/workflows/admission/revocation-state.ts';
import type { TrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import type { ResolvedTrust } from '../../../src/workflows/trust/trust-source.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../../support/instance.ts';
import { Authority, ISSUED, reinstatement, revocation } from '../../support/revocations.ts';
import { openDoor, policyFor } from './door.ts';
import { Recorder } from './recorder.ts';
import { ask, pod, post } from './review.ts';
import { World } from './world.ts';

const identity = revocation({ identity: { issuer: ISSUER, subject: SUBJECT } });

async function following(t: TestContext, refresh?: (state: RevocationState) => Promise<SealwrightError | undefined>) {
  const world = await World.open(t);
  const people = new Authority(world.instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  let kept: string | undefined;
  const state = await RevocationState.open({
    authority: people.authority,
    trustedRoot: world.instance.trustedRoot,
    keeper: { read: () => Promise.resolve(kept), write: (text) => Promise.resolve(void (kept = text)) },
    mode: 'warn',
    now: () => ISSUED,
  });
  const follower = await followRevocations({
    first: { state, refresh: () => refresh?.(state) ?? Promise.resolve(undefined) },
    everyMs: 5,
  });
  t.after(() => follower.close());
  const door = await openDoor(t, { world, revocations: follower });
  door.enforce(policyFor(world));
  const image = await world.pushSigned('shop/app');
  const { routes } = door.webhook;
  return {
    people,
    routes,
    follower,
    bring: (text: string) => post(routes, '/revocations', text),
    asked: () => ask(routes, 'validate', { object: pod(image.toString()) }),
  };
}

test('what somebody brings holds from the next review on, and shows in the metrics', async (t) => {
  const { people, routes, bring, asked } = await following(t);
  assert.equal((await asked()).allowed, true);
  const answer = await bring(await people.snapshot({ version: 4, statements: [people.sign(identity, ['ann'])] }));
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { version: 4, isNews: true });
  assert.match((await asked()).message, /^REVOKED /);
  const metrics = await (await routes.request('/metrics')).text();
  assert.match(metrics, /^sealwright_revocations_in_force 1$/m);
  assert.match(metrics, /^sealwright_revocations_version 4$/m);
  assert.match(metrics, /^sealwright_revocations_age_seconds 0$/m);
});

test('the same again is no news', async (t) => {
  const { people, bring } = await following(t);
  const text = await people.snapshot({ version: 4 });
  await bring(text);
  assert.deepEqual(await (await bring(text)).json(), { version: 4, isNews: false });
});

test('what strangers bring is refused, and changes nothing', async (t) => {
  const { people, bring, asked, follower } = await following(t);
  const stolen = people.sign(identity, ['ann']);
  await bring(await people.snapshot({ version: 4, statements: [stolen] }));
  const stranger = new Authority(people.instance, ['eve'], { narrow: 1, broad: 1, relaxing: 1 });
  const reinstated = reinstatement(identity.id);
  const bySelf = people.sign(revocation({ key: encodeHex(people.key('ann').publicKey.id) }), ['ann']);
  const early = revocation({ repository: '*' }, { issuedAt: new Date(ISSUED.getTime() + 86_400_000) });
  const brought: readonly (readonly [text: string, status: number, code: string])[] = [
    [await stranger.snapshot({ version: 9 }), 422, 'SIGNATURE_INVALID'],
    [await people.snapshot({ version: 3 }), 422, 'REVOCATIONS_OLDER'],
    [await people.snapshot({ version: 4 }), 422, 'REVOCATIONS_CONFLICT'],
    [await people.snapshot({ version: 5 }), 422, 'REVOCATIONS_CONFLICT'],
    // A member who has revoked his own key says nothing after that, in the same snapshot either.
    [
      await people.snapshot({ version: 5, statements: [stolen, bySelf, people.sign(reinstated, ['ann'])] }),
      422,
      'REVOCATION_QUORUM',
    ],
    [
      await people.snapshot({ version: 5, statements: [stolen, people.sign(early, ['ann'])] }),
      400,
      'FORMAT_REVOCATION',
    ],
    [await people.snapshot({ version: 5, statements: [stolen], expires: ISSUED }), 400, 'FORMAT_REVOCATION'],
    ['{}', 400, 'FORMAT_REVOCATION'],
    ['not JSON', 400, 'FORMAT_REVOCATION'],
    ['', 400, 'FORMAT_REVOCATION'],
    ['\u0000'.repeat(100), 400, 'FORMAT_REVOCATION'],
  ];
  for (const [text, status, code] of brought) {
    const answer = await bring(text);
    assert.deepEqual(
      [answer.status, ((await answer.json()) as { code: string }).code],
      [status, code],
      text.slice(0, 40),
    );
  }
  assert.equal((await bring('x'.repeat((16 << 20) + 1))).status, 413);
  assert.equal(follower.view().version, 4);
  assert.match((await asked()).message, /^REVOKED /);
});

test('the source is asked again and again; one that fails takes nothing back', async (t) => {
  let next: ((state: RevocationState) => Promise<SealwrightError | undefined>) | undefined;
  let count = 0;
  const { people, follower } = await following(t, async (state) => {
    count++;
    return next?.(state);
  });
  const text = await people.snapshot({ version: 2, statements: [people.sign(identity, ['ann'])] });
  const changed = new Promise<void>((resolve) => {
    next = async (state) => {
      await state.accept(text);
      resolve();
      return undefined;
    };
  });
  await changed;
  assert.equal(follower.view().index.size, 1);
  const failed = new Promise<void>((resolve) => {
    next = () => {
      resolve();
      return Promise.resolve(new RemoteError('REMOTE_UNREACHABLE', 'gone'));
    };
  });
  await failed;
  assert.ok(count > 2);
  assert.equal(follower.view().index.size, 1);
});

/** A trust that says nothing at first, and then what a test has it say. */
async function silentTrust(t: TestContext) {
  const world = await World.open(t);
  let next: (() => Promise<FollowedRevocations | undefined>) | undefined;
  let turn: (() => void) | undefined;
  const recorder = new Recorder();
  const follower = await followRevocations({
    first: undefined,
    reopen: async () => {
      const told = await next?.().finally(() => (next = undefined));
      turn?.();
      return told;
    },
    everyMs: 5,
    logger: recorder.logger,
  });
  t.after(() => follower.close());
  const door = await openDoor(t, { world, revocations: follower });
  door.enforce(policyFor(world));
  const image = await world.pushSigned('shop/app');
  const open = async (people: Authority, snapshot: string): Promise<FollowedRevocations> => {
    const state = await RevocationState.open({
      authority: people.authority,
      trustedRoot: world.instance.trustedRoot,
      keeper: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
      mode: 'last-known',
      now: () => ISSUED,
    });
    return { state, refresh: () => refreshRevocations(state, () => Promise.resolve(snapshot)) };
  };
  return {
    world,
    recorder,
    open,
    routes: door.webhook.routes,
    asked: () => ask(door.webhook.routes, 'validate', { object: pod(image.toString()) }),
    /** Comes back when the trust has been asked, and once more after that. */
    says: async (told: () => Promise<FollowedRevocations | undefined>) => {
      next = told;
      for (let count = 0; count < 3; count++) await new Promise<void>((resolve) => (turn = resolve));
    },
  };
}

test('a trust that begins to tell is heard without a restart, and so is one that names others', async (t) => {
  const { world, open, asked, says, routes } = await silentTrust(t);
  assert.equal((await asked()).allowed, true, 'silence about revocations is no staleness');
  assert.equal((await post(routes, '/revocations', '{}')).status, 404);
  const quorum = { narrow: 1, broad: 1, relaxing: 1 };
  const first = new Authority(world.instance, ['ann'], quorum);
  const text = await first.snapshot({ version: 1 });
  await says(() => open(first, text));
  assert.equal((await asked()).allowed, true);
  const second = new Authority(world.instance, ['ben'], quorum);
  const revoked = await second.snapshot({ version: 2, statements: [second.sign(identity, ['ben'])] });
  await says(() => open(second, revoked));
  assert.match((await asked()).message, /^REVOKED /);
});

test('a trust that cannot be asked takes nothing back; one whose word cannot be had is not taken for silence', async (t) => {
  const { world, open, asked, says, recorder } = await silentTrust(t);
  await says(() => Promise.reject(new RemoteError('REMOTE_UNREACHABLE', 'gone')));
  assert.deepEqual(
    recorder.lines.map(({ level, facts }) => [level, (facts['error'] as RemoteError).code]),
    [['warn', 'REMOTE_UNREACHABLE']],
  );
  assert.equal((await asked()).allowed, true);
  const people = new Authority(world.instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  await says(() => open(people, 'not a snapshot'));
  assert.match((await asked()).message, /TRUST_STALE/);
});

test('statements that only a new trusted root proves are in force once it is there; what cannot be opened is tried again', async (t) => {
  const world = await World.open(t);
  const [old, both] = [world.instance, new FakeInstance()];
  const roots = {
    old: old.trustedRoot,
    both: { ...both.trustedRoot, tlogs: [...old.trustedRoot.tlogs, ...both.trustedRoot.tlogs] },
  };
  // Their statements are in the new instance's log.
  const people = new Authority(both, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  const snapshot = await people.snapshot({ version: 1, statements: [people.sign(identity, ['ann'])] });
  let trust: ResolvedTrust = { source: 'a test', trustedRoot: roots.old };
  const asked: TrustedRoot[] = [];
  let failures = 0;
  const open = async ({ trustedRoot }: ResolvedTrust): Promise<FollowedRevocations> => {
    asked.push(trustedRoot);
    if (asked.length === 2) {
      failures++;
      throw new RemoteError('REMOTE_UNREACHABLE', 'gone');
    }
    const state = await RevocationState.open({
      authority: people.authority,
      trustedRoot,
      keeper: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
      mode: 'last-known',
      now: () => ISSUED,
    });
    return { state, refresh: () => refreshRevocations(state, () => Promise.resolve(snapshot)) };
  };
  const recorder = new Recorder();
  const reopen = reopenWithTrust({ current: () => trust }, open, false);
  const first = await open(trust);
  const follower = await followRevocations({ first, reopen, everyMs: 5, logger: recorder.logger });
  t.after(() => follower.close());
  assert.equal(follower.view().index.size, 0);
  assert.equal((recorder.lines[0]?.facts['error'] as SealwrightError).family, 'verification');
  trust = { ...trust, trustedRoot: roots.both };
  while (follower.view().index.size === 0) await recorder.line(recorder.lines.length + 1);
  assert.deepEqual([asked, failures], [[roots.old, roots.both, roots.both], 1]);
  assert.ok(
    recorder.lines.some(({ facts }) => (facts['error'] as SealwrightError | undefined)?.code === 'REMOTE_UNREACHABLE'),
  );
});

test('a trust that says the same is not opened again, and one that falls silent takes nothing back', async () => {
  const told = { authority: 'ann', read: () => Promise.resolve('') };
  const { trustedRoot } = new FakeInstance();
  let trust: ResolvedTrust = { source: 'a test', trustedRoot, revocations: told };
  const opened: string[] = [];
  const open = (of: ResolvedTrust): Promise<undefined> => {
    opened.push(of.revocations?.authority ?? 'nobody');
    return Promise.resolve(undefined);
  };
  const [listening, said] = [true, false].map((mayFallSilent) =>
    reopenWithTrust({ current: () => trust }, open, mayFallSilent),
  );
  assert.ok(listening !== undefined && said !== undefined);
  trust = { ...trust, source: 'the same again' };
  await listening();
  assert.deepEqual(opened, []);
  trust = { source: 'silent', trustedRoot: { ...trustedRoot } };
  await listening();
  assert.deepEqual(opened, []);
  await said();
  assert.deepEqual(opened, ['nobody']);
  trust = { ...trust, revocations: { ...told, authority: 'ben' } };
  await listening();
  assert.deepEqual(opened, ['nobody', 'ben']);
});
