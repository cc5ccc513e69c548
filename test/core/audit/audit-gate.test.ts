/** What a gate lets pass: only what is known to be fine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAuditGate, coverageFloor, type GatedState } from '../../../src/core/audit/audit-gate.ts';
import type { AuditState } from '../../../src/core/audit/audit-entry.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

interface Case {
  readonly runs: readonly AuditState[];
  readonly under?: string;
  readonly on?: readonly GatedState[];
  /** What cannot be listed. */
  readonly isPartial?: true;
  /** The code; none where it passes. */
  readonly ends?: 'POLICY_DENIED' | 'COULD_NOT_CHECK';
}

const CASES: readonly Case[] = [
  { runs: ['verified'], under: '100', on: ['unsigned', 'untrusted', 'undetermined', 'revoked'] },
  { runs: ['verified', 'exempt'], under: '100' },
  { runs: ['verified', 'unsigned'], under: '50' },
  { runs: ['verified', 'undetermined'], under: '50' },
  { runs: ['unsigned', 'signed-untrusted', 'verified'], on: ['revoked'] },
  { runs: [] },
  { runs: ['undetermined'], isPartial: true },
  { runs: ['verified', 'unsigned'], under: '50.1', ends: 'POLICY_DENIED' },
  { runs: ['verified', 'unsigned', 'undetermined'], under: '70', ends: 'POLICY_DENIED' },
  { runs: ['verified', 'unsigned', 'undetermined'], under: '50', ends: 'COULD_NOT_CHECK' },
  { runs: ['verified', 'undetermined'], under: '100', ends: 'COULD_NOT_CHECK' },
  { runs: ['verified'], under: '100', isPartial: true, ends: 'COULD_NOT_CHECK' },
  { runs: [], under: '0', ends: 'COULD_NOT_CHECK' },
  { runs: ['verified', 'unsigned'], on: ['unsigned'], ends: 'POLICY_DENIED' },
  { runs: ['verified', 'signed-untrusted'], on: ['revoked', 'untrusted'], ends: 'POLICY_DENIED' },
  { runs: ['verified', 'revoked'], on: ['revoked'], ends: 'POLICY_DENIED' },
  { runs: ['revoked', 'undetermined'], on: ['revoked'], ends: 'POLICY_DENIED' },
  // It may be any of them.
  { runs: ['verified', 'undetermined'], on: ['revoked'], ends: 'COULD_NOT_CHECK' },
  { runs: ['verified', 'undetermined'], on: ['undetermined'], ends: 'COULD_NOT_CHECK' },
  { runs: ['verified'], on: ['unsigned'], isPartial: true, ends: 'COULD_NOT_CHECK' },
  { runs: [], on: ['undetermined'], ends: 'COULD_NOT_CHECK' },
];

for (const { runs, under, on = [], isPartial, ends } of CASES) {
  const name = `${runs.join(', ') || 'nothing'}${isPartial ? ' and what may not be listed' : ''}`;
  test(`${name}; under ${under ?? '-'}, on ${on.join() || '-'}: ${ends ?? 'passes'}`, () => {
    const snapshot = auditSnapshot(
      runs.map((state, index) => auditEntry(`w${index}`, state)),
      isPartial ? { notLookedAt: [{ what: 'pods', reason: 'forbidden' }] } : {},
    );
    const check = (): void => {
      checkAuditGate(snapshot, { floors: under === undefined ? [] : [coverageFloor(under)], failOn: on });
    };
    if (ends === undefined) check();
    else assert.throws(check, { code: ends });
  });
}

test('the denominators disagree, and the one that is named counts', () => {
  const [good, bad] = [{ image: auditEntry('a', 'verified').image }, { image: auditEntry('b', 'verified').image }];
  const snapshot = auditSnapshot([
    ...['one', 'two', 'three'].map((owner) => auditEntry(owner, 'verified', good)),
    auditEntry('four', 'unsigned', bad),
  ]);
  checkAuditGate(snapshot, { floors: [coverageFloor('75'), coverageFloor('digests:50')], failOn: [] });
  assert.throws(
    () => {
      checkAuditGate(snapshot, { floors: [coverageFloor('75'), coverageFloor('digests:75')], failOn: [] });
    },
    { code: 'POLICY_DENIED', message: /too little/ },
  );
});

test('what is no share of anything is refused', () => {
  assert.deepEqual(coverageFloor('workloads:99.5'), { by: 'workloads', percent: 99.5 });
  for (const text of ['', 'x', '101', '-1', 'pods:5', 'digests:', ':5', '1e2', '50%', 'digests:5:5'])
    assert.throws(() => coverageFloor(text), { code: 'USAGE_BAD_FLAG' }, text);
});
