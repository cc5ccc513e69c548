/** Snapshots in a row: what changed from each to the next, what agrees, and what is missing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import { auditTrend } from '../../../src/core/audit/audit-trend.ts';
import type { AuditState } from '../../../src/core/audit/audit-entry.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

const DAY_MS = 86_400_000;

function day(number: number, states: readonly AuditState[], rest: Partial<AuditSnapshot> = {}): AuditSnapshot {
  return auditSnapshot(
    states.map((state, index) => auditEntry(`w${index}`, state)),
    { takenAt: new Date(Date.UTC(2026, 2, number, 8)), ...rest },
  );
}

const POLICIES = { source: 'the cluster', digest: `sha256:${'1'.repeat(64)}`, count: 2 };

test('by moment, each beside the one before it', () => {
  const trend = auditTrend([
    day(3, ['verified', 'revoked']),
    day(1, ['unsigned', 'verified']),
    day(4, ['verified', 'revoked'], { policies: POLICIES }),
    day(2, ['unsigned', 'verified']),
  ]);
  assert.deepEqual(
    trend.points.map(({ snapshot, since }) => [snapshot.takenAt.getUTCDate(), since]),
    [
      [1, undefined],
      [2, { regressions: 0, improvements: 0, hasSamePolicies: true, agrees: true }],
      [3, { regressions: 1, improvements: 1, hasSamePolicies: true, agrees: false }],
      [4, { regressions: 0, improvements: 0, hasSamePolicies: false, agrees: false }],
    ],
  );
  assert.deepEqual(trend.gaps, [], 'nobody said how often one is due');
});

test('a copy of a snapshot is no second one', () => {
  assert.equal(auditTrend([day(1, ['verified']), day(1, ['verified'])]).points.length, 1);
});

test('what is missing from a schedule is named; a late job is none', () => {
  const series = [day(1, []), day(2, []), day(5, []), day(6, [], { takenAt: new Date(Date.UTC(2026, 2, 6, 19)) })];
  assert.deepEqual(auditTrend(series, DAY_MS).gaps, [
    { from: new Date(Date.UTC(2026, 2, 2, 8)), to: new Date(Date.UTC(2026, 2, 5, 8)) },
  ]);
  assert.deepEqual(auditTrend(series, 7 * DAY_MS).gaps, []);
});

test('refused: nothing, two systems, and two that contradict each other', () => {
  const one = day(1, ['verified']);
  for (const series of [[], [one, day(2, [], { system: 'other' })], [one, day(1, ['unsigned'])]]) {
    assert.throws(() => auditTrend(series), { code: 'USAGE_BAD_FLAG' });
  }
});
