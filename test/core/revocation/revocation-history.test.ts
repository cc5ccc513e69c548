import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { RevocationHistory } from '../../../src/core/revocation/revocation-history.ts';
import type { Revocation } from '../../../src/core/revocation/revocation-statement.ts';
import { FormatError } from '../../../src/errors.ts';
import { reinstatement, revocation } from '../../support/revocations.ts';

const IDENTITY = { identity: { issuer: 'https://token.example', subject: '*' } };
const at = (hour: string): Date => new Date(`2026-06-01T${hour}:00:00Z`);
const [EIGHT, NINE, TEN] = [at('08'), at('09'), at('10')];

const first = (rest: Partial<Revocation> = {}): Revocation =>
  revocation(IDENTITY, { id: 'first', effectiveFrom: NINE, ...rest });
const next = (rest: Partial<Revocation>, selector: Record<string, JsonValue> = IDENTITY): Revocation =>
  revocation(selector, { id: 'next', supersedes: 'first', ...rest });

test('what is reinstated is no longer in force, and may be revoked again', () => {
  const history = new RevocationHistory([first(), reinstatement('first', { id: 'back' })]);
  assert.deepEqual(history.inForce, []);
  history.add(first({ id: 'again' }));
  assert.deepEqual(
    history.inForce.map(({ id }) => id),
    ['again'],
  );
});

const FOLLOWS: readonly (readonly [string, Revocation, Revocation])[] = [
  ['an earlier beginning', first(), next({ effectiveFrom: EIGHT })],
  ['no beginning at all', first(), next({})],
  ['the same', first(), next({ effectiveFrom: NINE })],
  ['an end to an open window', first(), next({ effectiveFrom: NINE, effectiveTo: TEN })],
  ['a later end', first({ effectiveFrom: EIGHT, effectiveTo: NINE }), next({ effectiveFrom: EIGHT, effectiveTo: TEN })],
  ['no end any more', first({ effectiveTo: TEN }), next({ effectiveFrom: NINE })],
  ['another action', first({ action: 'warn' }), next({ effectiveFrom: NINE })],
];

for (const [name, before, after] of FOLLOWS) {
  test(`may follow: ${name}`, () => {
    const history = new RevocationHistory([before, after]);
    assert.deepEqual(history.inForce, [after]);
  });
}

const CONTRADICTS: readonly (readonly [string, Revocation, Revocation])[] = [
  ['a later beginning', first(), next({ effectiveFrom: TEN })],
  ['a beginning where there was none', revocation(IDENTITY, { id: 'first' }), next({ effectiveFrom: EIGHT })],
  [
    'an earlier end',
    first({ effectiveFrom: EIGHT, effectiveTo: TEN }),
    next({ effectiveFrom: EIGHT, effectiveTo: NINE }),
  ],
  ['another selector', first(), next({ effectiveFrom: NINE }, { key: 'ab'.repeat(32) })],
  [
    'a pattern that is not the same',
    first(),
    next({ effectiveFrom: NINE }, { identity: { issuer: 'https://token.example', subject: 'a*' } }),
  ],
  ['an unknown revocation', first(), next({ effectiveFrom: NINE, supersedes: 'nobody' })],
  ['an identifier for the second time', first(), first()],
];

for (const [name, before, after] of CONTRADICTS) {
  test(`may not follow: ${name}`, () => {
    const history = new RevocationHistory([before]);
    assert.throws(
      () => {
        history.add(after);
      },
      (error: unknown) => error instanceof FormatError && error.code === 'FORMAT_REVOCATION',
    );
    assert.deepEqual(history.inForce, [before], 'nothing has changed');
  });
}

test('nothing is reinstated that is not in force', () => {
  const back = reinstatement('first', { id: 'back' });
  for (const known of [[], [first(), back], [first(), next({})]]) {
    assert.throws(() => new RevocationHistory([...known, reinstatement('first', { id: 'again' })]), {
      code: 'FORMAT_REVOCATION',
    });
  }
  assert.throws(() => new RevocationHistory([first(), reinstatement('first', { id: 'first' })]), {
    code: 'FORMAT_REVOCATION',
  });
});

test('how many must agree follows from what is at stake', () => {
  const open = new RevocationHistory([first()]);
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.equal(open.quorumFor(revocation({ digest: [digest] })), 'narrow');
  assert.equal(open.quorumFor(revocation(IDENTITY)), 'broad');
  assert.equal(open.quorumFor(next({ effectiveFrom: EIGHT })), 'broad');
  assert.equal(open.quorumFor(next({ effectiveFrom: NINE, effectiveTo: TEN })), 'relaxing', 'an end makes good again');
  assert.equal(open.quorumFor(next({ effectiveFrom: NINE, action: 'warn' })), 'relaxing');
  assert.equal(open.quorumFor(next({ effectiveFrom: NINE, action: 'quarantine' })), 'relaxing');
  assert.equal(open.quorumFor(reinstatement('first')), 'relaxing');
});
