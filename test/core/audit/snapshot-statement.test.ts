/** What is signed of an audit's snapshot, and when it is held to say something else than the file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeStatement, parseStatement } from '../../../src/core/attestation/statement.ts';
import type { AuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import {
  AUDIT_PREDICATE,
  checkSnapshotStatement,
  snapshotStatement,
} from '../../../src/core/audit/snapshot-statement.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

const SNAPSHOT = auditSnapshot([auditEntry('web', 'verified'), auditEntry('job', 'unsigned')]);
const HEX = 'ab'.repeat(32);

function after(ms: number): readonly { readonly time: Date }[] {
  return [{ time: new Date(SNAPSHOT.takenAt.getTime() + ms) }];
}

function check(of: AuditSnapshot, times: readonly { readonly time: Date }[]): void {
  checkSnapshotStatement(parseStatement(encodeStatement(snapshotStatement('now.json', HEX, SNAPSHOT))), of, times);
}

test('the statement names the file, and what matters of it', () => {
  const { subjects, predicateType, predicate } = snapshotStatement('now.json', HEX, SNAPSHOT);
  assert.deepEqual(subjects, [{ name: 'now.json', digests: new Map([['sha256', HEX]]) }]);
  assert.equal(predicateType, AUDIT_PREDICATE);
  const { containers, notLookedAt, takenAt } = predicate as Record<string, unknown>;
  assert.deepEqual([(containers as { verified: number }).verified, notLookedAt], [1, 0]);
  assert.equal(takenAt, '2026-03-03T08:00:00.000Z');
});

test('signed when it was taken, or by a key of which nobody can say when', () => {
  check(SNAPSHOT, []);
  for (const ms of [0, 3_600_000, -300_000]) check(SNAPSHOT, after(ms));
});

test('refused: signed at another time, by any of its witnesses', () => {
  for (const ms of [3_600_001, 86_400_000, -300_001]) {
    assert.throws(
      () => {
        check(SNAPSHOT, after(ms));
      },
      { code: 'AUDIT_TIME' },
      String(ms),
    );
  }
  assert.throws(
    () => {
      check(SNAPSHOT, [...after(0), ...after(86_400_000)]);
    },
    { code: 'AUDIT_TIME' },
  );
});

test('refused: a statement that says something else than the snapshot that it is about', () => {
  const others: readonly Partial<AuditSnapshot>[] = [
    { system: 'other' },
    { takenAt: new Date('2026-03-03T08:00:01Z') },
    { entries: SNAPSHOT.entries.slice(1) },
  ];
  for (const other of others) {
    assert.throws(
      () => {
        check({ ...SNAPSHOT, ...other }, []);
      },
      { code: 'FORMAT_AUDIT' },
    );
  }
  const bare = { ...snapshotStatement('now.json', HEX, SNAPSHOT), predicate: {} };
  assert.throws(
    () => {
      checkSnapshotStatement(bare, SNAPSHOT, []);
    },
    { code: 'FORMAT_AUDIT' },
  );
});
