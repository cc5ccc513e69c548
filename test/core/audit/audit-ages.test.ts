/** How old keys and exceptions are: counted from what somebody else stands for, and never guessed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exceptionFigures, keyFigures, knownKeys } from '../../../src/core/audit/audit-ages.ts';
import type { AuditEntry, AuditSigner } from '../../../src/core/audit/audit-entry.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

const NOW = new Date('2026-03-03T08:00:00Z');
const POLICIES = { source: 'the cluster', digest: `sha256:${'0'.repeat(64)}`, count: 1 };

function byKey(name: string, firstSigned?: string, lastSigned = firstSigned): AuditSigner {
  const times = firstSigned === undefined || lastSigned === undefined ? {} : { firstSigned, lastSigned };
  return { kind: 'key', name, accepted: true, ...times };
}

function signed(place: string, ...signers: readonly AuditSigner[]): AuditEntry {
  return auditEntry(place, 'verified', { signers });
}

test('a key is as old as the first of its signatures, or of the policies that accept it', () => {
  const entries = [
    signed('a', byKey('the key 1', '2026-02-01T00:00:00Z')),
    signed('b', byKey('the key 1', '2026-01-01T00:00:00Z', '2026-02-20T00:00:00Z')),
    signed('c', byKey('the key 2', '2026-03-01T00:00:00Z')),
  ];
  const keys = [
    { name: 'the key 2', policies: ['prod'], since: '2024-01-01T00:00:00Z' },
    { name: 'the key 3', policies: ['prod'], since: '2026-02-01T00:00:00Z' },
    { name: 'the key 4', policies: ['prod'] },
  ];
  const snapshot = auditSnapshot(entries, { takenAt: NOW, policies: { ...POLICIES, keys } });
  assert.deepEqual(
    knownKeys(snapshot).map(({ name, since, lastSigned }) => [name, since?.toISOString(), lastSigned?.toISOString()]),
    [
      ['the key 1', '2026-01-01T00:00:00.000Z', '2026-02-20T00:00:00.000Z'],
      ['the key 2', '2024-01-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
      ['the key 3', '2026-02-01T00:00:00.000Z', undefined],
      ['the key 4', undefined, undefined],
    ],
  );
  assert.deepEqual(keyFigures(snapshot), { count: 4, unrotated: 1, unknownAge: 1, medianDays: 61, maxDays: 792 });
});

test('a year is not over on its last day', () => {
  const keys = (since: string) => [{ name: 'the key 1', policies: ['prod'], since }];
  const unrotated = (since: string): number =>
    keyFigures(auditSnapshot([], { takenAt: NOW, policies: { ...POLICIES, keys: keys(since) } })).unrotated;
  assert.equal(unrotated('2025-03-03T08:00:00Z'), 0);
  assert.equal(unrotated('2025-03-02T07:00:00Z'), 1);
});

test('without keys there is no age, which is not 0', () => {
  assert.deepEqual(keyFigures(auditSnapshot([signed('a')], { takenAt: NOW })), {
    count: 0,
    unrotated: 0,
    unknownAge: 0,
  });
  const unlogged = keyFigures(auditSnapshot([signed('a', byKey('the key 1'))], { takenAt: NOW }));
  assert.deepEqual(unlogged, { count: 1, unrotated: 0, unknownAge: 1 });
});

const exception = (name: string, from: string, expires: string) => ({ name, owner: 'team', from, expires });

test('exceptions: what rests on one, how long those in force have been, and all that have ended', () => {
  const old = exception('old', '2026-01-02T08:00:00Z', '2026-04-01T00:00:00Z');
  const exceptions = [
    old,
    exception('new', '2026-03-01T08:00:00Z', '2026-04-01T00:00:00Z'),
    exception('later', '2026-03-10T00:00:00Z', '2026-04-01T00:00:00Z'),
    exception('ended', '2025-01-01T00:00:00Z', '2026-03-03T08:00:00Z'),
  ];
  const entries = [auditEntry('a', 'exempt', { exception: old }), auditEntry('b', 'exempt', { exception: old })];
  assert.deepEqual(exceptionFigures(auditSnapshot(entries, { takenAt: NOW, exceptions })), {
    count: 1,
    pastExpiry: 1,
    medianDays: 2,
    maxDays: 60,
  });
});

test('of an older snapshot only what something rested on is known, and no age', () => {
  const used = { name: 'x', owner: 'team', expires: '2026-03-01T00:00:00Z' };
  const entries = [auditEntry('a', 'exempt', { exception: used })];
  assert.deepEqual(exceptionFigures(auditSnapshot(entries, { takenAt: NOW })), { count: 1, pastExpiry: 1 });
  assert.deepEqual(exceptionFigures(auditSnapshot([], { takenAt: NOW })), { count: 0, pastExpiry: 0 });
});
