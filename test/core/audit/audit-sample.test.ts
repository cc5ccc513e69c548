/** Samples of an audit: those that another implementation draws (test/vectors/audit-sample), and what a frame has to be. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { AuditState } from '../../../src/core/audit/audit-entry.ts';
import { drawSample, unitName } from '../../../src/core/audit/audit-sample.ts';
import type { AuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

interface Vector {
  readonly seed: string;
  readonly count: number;
  readonly states: readonly AuditState[];
  readonly snapshots: readonly (readonly [moment: string, entries: number])[];
  readonly frame: { readonly units: number; readonly digest: string };
  readonly units: readonly { readonly draw: string; readonly name: string }[];
}

const { states: STATES, cases: VECTORS } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../vectors/audit-sample/vectors.json'), 'utf8'),
) as { readonly states: readonly AuditState[]; readonly cases: readonly Vector[] };

/** As make.py has them. */
function day(moment: string, entries: number): AuditSnapshot {
  return auditSnapshot(
    Array.from({ length: entries }, (_, index) =>
      auditEntry(`app-${index}`, STATES[index % STATES.length] ?? 'verified', {
        namespace: 'shop',
        ...(index === 0 ? { owner: 'Deployment über 例 🔒' } : {}),
        image: `registry.example/app-${index}@sha256:${createHash('sha256').update(String(index)).digest('hex')}`,
      }),
    ),
    { takenAt: new Date(moment) },
  );
}

for (const { seed, count, states, snapshots, frame, units } of VECTORS) {
  test(`drawn as elsewhere: ${count} of ${frame.units}, seed ${seed}`, () => {
    const days = snapshots.map(([moment, entries]) => day(moment, entries));
    for (const order of [days, days.toReversed()]) {
      const shuffled = order.map((one) => ({ ...one, entries: one.entries.toReversed() }));
      const drawn = drawSample(shuffled, { seed, count, states });
      assert.deepEqual([drawn.frame.units, drawn.frame.digest], [frame.units, frame.digest]);
      assert.deepEqual(
        drawn.units.map(({ draw, snapshot, entry }) => ({ draw, name: unitName(snapshot, entry) })),
        units,
      );
    }
  });
}

test('a larger sample begins with the smaller one; another seed, or frame, draws another', () => {
  const days = [day('2026-03-01T08:00:00.000Z', 12), day('2026-03-02T08:00:00.000Z', 12)];
  const draws = (of: readonly AuditSnapshot[], seed: string, count: number): readonly string[] =>
    drawSample(of, { seed, count }).units.map(({ draw }) => draw);
  assert.deepEqual(draws(days, 'a', 20).slice(0, 5), draws(days, 'a', 5));
  assert.notDeepEqual(draws(days, 'a', 5), draws(days, 'b', 5));
  const [first, second] = days;
  const changed = { ...second!, entries: second!.entries.slice(1) };
  const [whole, less] = [
    drawSample(days, { seed: 'a', count: 1 }),
    drawSample([first!, changed], { seed: 'a', count: 1 }),
  ];
  assert.notEqual(whole.frame.digest, less.frame.digest);
  assert.equal(less.frame.units, whole.frame.units - 1);
});

test('a state that was edited afterwards is another unit', () => {
  const one = day('2026-03-01T08:00:00.000Z', 3);
  const better = { ...one, entries: one.entries.map((entry) => ({ ...entry, state: 'verified' as const })) };
  assert.notEqual(
    drawSample([one], { seed: 'a', count: 1 }).frame.digest,
    drawSample([better], { seed: 'a', count: 1 }).frame.digest,
  );
});

test('refused: snapshots of two systems, and one that would count twice', () => {
  const one = day('2026-03-01T08:00:00.000Z', 3);
  for (const frame of [
    [one, { ...day('2026-03-02T08:00:00.000Z', 3), system: 'other' }],
    [one, one],
    [one, { ...one, entries: [] }],
  ]) {
    assert.throws(() => drawSample(frame, { seed: 'a', count: 1 }), { code: 'USAGE_BAD_FLAG' });
  }
});
