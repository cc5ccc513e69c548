/** Namespaces by what becomes of an image there that nothing proves: the weakest decides, and nobody is guessed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry, Unproven } from '../../../src/core/audit/audit-entry.ts';
import { auditFigures } from '../../../src/core/audit/audit-figures.ts';
import { encodeAuditSnapshot, parseAuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import {
  enforcementFigures,
  type Enforcement,
  type NamespaceGuard,
} from '../../../src/core/audit/enforcement-reach.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

function running(...unproven: readonly (Unproven | undefined)[]): readonly AuditEntry[] {
  return unproven.map((one, index) =>
    auditEntry(`w${index}`, 'verified', { namespace: 'shop', ...(one === undefined ? {} : { unproven: one }) }),
  );
}

const ASKED: NamespaceGuard = { guard: 'asked', failurePolicy: 'Fail' };
const CASES: readonly (readonly [what: string, guard: NamespaceGuard, entries: readonly AuditEntry[], Enforcement])[] =
  [
    ['everything that runs is under policies that refuse', ASKED, running('refused', 'refused'), 'enforced'],
    ['one of them only warns', ASKED, running('refused', 'warned'), 'warned'],
    ['one is let in', ASKED, running('refused', 'warned', 'admitted'), 'not-covered'],
    ['of one nobody knows', ASKED, running('refused', undefined), 'unknown'],
    ['nothing runs', ASKED, [], 'idle'],
    ['what refuses is not asked, by a label', { guard: 'opted-out' }, running('refused'), 'opted-out'],
    ['what refuses is not asked', { guard: 'not-covered' }, running('refused'), 'not-covered'],
    ['nobody knows whether it is asked', { guard: 'unknown' }, running('refused'), 'unknown'],
  ];

for (const [what, guard, entries, expected] of CASES) {
  test(`${expected}: ${what}`, () => {
    const { counts, namespaces } = enforcementFigures(
      { namespaces: [{ name: 'shop', ...guard }], notLookedAt: [] },
      entries,
    );
    assert.deepEqual(
      namespaces.map(({ name, enforcement }) => [name, enforcement]),
      [['shop', expected]],
    );
    assert.equal(counts[expected], 1);
    assert.equal(
      Object.values(counts).reduce((sum, count) => sum + count, 0),
      1,
    );
  });
}

test('where something runs and nobody looked at the namespace, it is unknown, not missing', () => {
  const { namespaces } = enforcementFigures({ namespaces: [], notLookedAt: [] }, running('refused'));
  assert.deepEqual(namespaces, [{ name: 'shop', enforcement: 'unknown', reason: 'nobody looked at the namespace' }]);
});

test('a webhook that lets in what it does not answer is counted apart, where it is asked', () => {
  const { failOpen } = enforcementFigures(
    {
      namespaces: [
        { name: 'a', guard: 'asked', failurePolicy: 'Ignore' },
        { name: 'b', ...ASKED },
        { name: 'c', guard: 'opted-out' },
      ],
      notLookedAt: [],
    },
    [],
  );
  assert.equal(failOpen, 1);
});

test('of files, and of older snapshots, there is no figure', () => {
  assert.equal(auditFigures(auditSnapshot(running('refused'))).enforcement, undefined);
});

test('read as it was written; what nobody knows is refused', () => {
  const enforcement = {
    namespaces: [
      { name: 'lab', guard: 'not-covered', reason: 'no label' },
      { name: 'shop', guard: 'asked', failurePolicy: 'Fail' },
    ],
    notLookedAt: [{ what: 'namespaces', reason: '403' }],
  } as const;
  const written = encodeAuditSnapshot(auditSnapshot(running('refused'), { enforcement }));
  const read = parseAuditSnapshot(written);
  assert.equal(encodeAuditSnapshot(read), written);
  assert.deepEqual([read.enforcement, read.entries[0]?.unproven], [enforcement, 'refused']);
  for (const [from, to] of [
    ['"guard": "asked"', '"guard": "sure"'],
    ['"failurePolicy": "Fail"', '"failurePolicy": "fail"'],
    ['"guard": "not-covered"', '"guard": "asked"'],
    ['"unproven": "refused"', '"unproven": "yes"'],
  ] as const) {
    assert.throws(
      () => parseAuditSnapshot(written.replace(from, to)),
      (error) => error instanceof SealwrightError && error.code === 'FORMAT_AUDIT',
      to,
    );
  }
});
