import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshnessOf, judgeFreshness } from '../../../src/core/revocation/snapshot-freshness.ts';

const ISSUED = new Date('2026-06-02T12:00:00Z');
const SNAPSHOT = { version: 7, issuedAt: ISSUED, expires: new Date('2026-06-02T12:05:00Z') };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const CASES = [
  { after: 0, state: 'fresh', effects: ['none', 'none', 'none'] },
  { after: 5 * MINUTE - 1, state: 'fresh', effects: ['none', 'none', 'none'] },
  { after: 5 * MINUTE, state: 'last-known', effects: ['warn', 'refuse', 'warn'] },
  { after: 24 * HOUR + 5 * MINUTE - 1, state: 'last-known', effects: ['warn', 'refuse', 'warn'] },
  { after: 24 * HOUR + 5 * MINUTE, state: 'stale', effects: ['refuse', 'refuse', 'warn'] },
  { after: -5 * MINUTE, state: 'fresh', effects: ['none', 'none', 'none'] },
  // A clock that is behind would keep a snapshot fresh for ever.
  { after: -5 * MINUTE - 1, state: 'stale', effects: ['warn', 'refuse', 'warn'] },
] as const;

for (const { after, state, effects } of CASES) {
  test(`${String(after)} ms after it was issued: ${state}`, () => {
    const freshness = freshnessOf(SNAPSHOT, new Date(ISSUED.getTime() + after));
    assert.equal(freshness.state, state);
    const found = (['last-known', 'enforce', 'warn'] as const).map((mode) => judgeFreshness(freshness, SNAPSHOT, mode));
    assert.deepEqual(
      found.map(({ effect }) => effect),
      effects,
    );
    for (const judged of found) {
      if (judged.effect !== 'none') assert.equal(judged.error.code, 'TRUST_STALE');
    }
  });
}

test('how long what is known does after its end can be chosen', () => {
  const now = new Date(ISSUED.getTime() + HOUR);
  assert.equal(freshnessOf(SNAPSHOT, now, HOUR).state, 'last-known');
  assert.equal(freshnessOf(SNAPSHOT, now, 30 * MINUTE).state, 'stale');
  assert.equal(freshnessOf(SNAPSHOT, now, 0).state, 'stale');
});

test('the age is told', () => {
  const judged = judgeFreshness(freshnessOf(SNAPSHOT, new Date(ISSUED.getTime() + 3 * HOUR)), SNAPSHOT, 'last-known');
  assert.ok(judged.effect === 'warn' && judged.error.facts.found === 'revocations, version 7, of 3 hours ago');
});
