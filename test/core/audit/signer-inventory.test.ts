/** Who signs, of snapshots and a log: what each source says, and nothing that neither does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry, AuditSigner, AuditState } from '../../../src/core/audit/audit-entry.ts';
import type { AuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import { inventorySigners, type LoggedSignature } from '../../../src/core/audit/signer-inventory.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

const MARCH = new Date('2026-03-03T08:00:00Z');
const APRIL = new Date('2026-04-03T08:00:00Z');
const CI = 'ci, authenticated by issuer';
const BOB = 'bob, authenticated by issuer';
const KEY = 'the key 12';

function entry(owner: string, digit: string, state: AuditState, ...signers: readonly AuditSigner[]): AuditEntry {
  return auditEntry(owner, state, { image: `registry.example/${owner}@sha256:${digit.repeat(64)}`, signers });
}

function snapshot(takenAt: Date, ...entries: readonly AuditEntry[]): AuditSnapshot {
  return auditSnapshot(entries, { takenAt });
}

const signer = (name: string, accepted?: boolean): AuditSigner => ({
  kind: name === KEY ? 'key' : 'identity',
  name,
  ...(accepted === undefined ? {} : { accepted }),
});
const logged = (name: string, time?: Date, isTrusted?: boolean): LoggedSignature => ({
  kind: name === KEY ? 'key' : 'identity',
  name,
  ...(time === undefined ? {} : { time }),
  ...(isTrusted === undefined ? {} : { isTrusted }),
});

test('distinct digests and places, the first and the last snapshot, and entries of the log with their times', () => {
  const { signers, system } = inventorySigners(
    [
      snapshot(MARCH, entry('web', 'a', 'verified', signer(CI, true))),
      snapshot(
        APRIL,
        entry('web', 'a', 'verified', signer(CI, true)),
        entry('api', 'a', 'verified', signer(CI, true)),
        entry('job', 'b', 'verified', signer(CI, true)),
      ),
    ],
    [logged(CI, APRIL, true), logged(CI, MARCH, false), logged(KEY)],
  );
  assert.equal(system, 'pay-prod');
  assert.deepEqual(signers, [
    { kind: 'key', name: KEY, expected: 'only-logged', images: 0, workloads: 0, inLog: { entries: 1, untrusted: 0 } },
    {
      ...{ kind: 'identity', name: CI, expected: 'accepted', images: 2, workloads: 3 },
      inSnapshots: { first: MARCH, last: APRIL },
      inLog: { entries: 2, untrusted: 1, first: MARCH, last: APRIL },
    },
  ]);
});

test('accepted is whom a policy has passed an image by, and nobody who only stands beside them', () => {
  const cases: readonly (readonly [string, readonly (boolean | undefined)[], string])[] = [
    ['passed once', [false, true], 'accepted'],
    ['never passed', [false, false], 'not-accepted'],
    ['nobody said', [undefined], 'unknown'],
    ['nobody said, once', [false, undefined], 'unknown'],
    ['passed, and once nobody said', [undefined, true], 'accepted'],
  ];
  for (const [what, answers, expected] of cases) {
    const entries = answers.map((accepted, index) =>
      entry('web', String(index), 'verified', signer(CI, true), signer(BOB, accepted)),
    );
    const { signers } = inventorySigners([snapshot(MARCH, ...entries)], undefined);
    assert.equal(signers.find(({ name }) => name === BOB)?.expected, expected, what);
    assert.equal(signers.find(({ name }) => name === CI)?.expected, 'accepted', what);
  }
});

test('whoever is not expected comes first; a log that was not read says nothing', () => {
  const { signers } = inventorySigners(
    [
      snapshot(
        MARCH,
        entry('web', 'a', 'verified', signer(CI, true)),
        entry('x', 'b', 'signed-untrusted', signer(BOB, false)),
      ),
    ],
    undefined,
  );
  assert.deepEqual(
    signers.map(({ name, inLog }) => [name, inLog]),
    [
      [BOB, undefined],
      [CI, undefined],
    ],
  );
});

test('an image of which nobody could tell is told as not looked at, once', () => {
  const one = snapshot(MARCH, entry('web', 'a', 'undetermined'));
  const { notLookedAt, signers } = inventorySigners([one, one], [], [{ what: 'entry 5 of the log', reason: 'a kind' }]);
  assert.deepEqual(signers, []);
  assert.deepEqual(
    notLookedAt.map(({ what, reason }) => [what.slice(0, 20), reason]),
    [
      ['registry.example/web', 'no login'],
      ['entry 5 of the log', 'a kind'],
    ],
  );
});
