/** From the build to the first signature: whose word counts for a time, and whose does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry } from '../../../src/core/audit/audit-entry.ts';
import { encodeAuditSnapshot, parseAuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import { signingLag, signingTimes } from '../../../src/core/audit/signing-lag.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

type Proofs = Parameters<typeof signingTimes>[0];
const V1 = 'https://slsa.dev/provenance/v1';

function seen(source: 'log' | 'tsa' | 'clock', time: string): Proofs[number] {
  const witness = { kind: 'clock' } as const;
  return { statement: undefined, times: [{ source, time: new Date(time), authority: 'a', operator: 'a', witness }] };
}

function says(predicateType: string, predicate: JsonValue): Proofs[number] {
  return { times: [], statement: { type: 'https://in-toto.io/Statement/v1', subjects: [], predicateType, predicate } };
}

const finished = (finishedOn: JsonValue): JsonValue => ({ runDetails: { metadata: { finishedOn } } });

test('signed when a log or an authority first saw it; our own clock says nothing', () => {
  const found = signingTimes([
    seen('clock', '2026-01-01T00:00:00Z'),
    seen('tsa', '2026-01-02T00:00:01Z'),
    seen('log', '2026-01-02T00:00:00Z'),
  ]);
  assert.deepEqual(found, { signed: '2026-01-02T00:00:00.000Z' });
  assert.deepEqual(signingTimes([seen('clock', '2026-01-01T00:00:00Z')]), {});
});

const BUILT: readonly (readonly [
  what: string,
  predicateType: string,
  predicate: JsonValue,
  built: string | undefined,
])[] = [
  ['provenance 1', V1, finished('2026-01-01T10:00:00Z'), '2026-01-01T10:00:00.000Z'],
  ['another zone', V1, finished('2026-01-01T12:00:00.5+02:00'), '2026-01-01T10:00:00.500Z'],
  [
    'provenance 0.2',
    'https://slsa.dev/provenance/v0.2',
    { metadata: { buildFinishedOn: '2026-01-01T10:00:00Z' } },
    '2026-01-01T10:00:00.000Z',
  ],
  ['when it began alone', V1, { runDetails: { metadata: { startedOn: '2026-01-01T10:00:00Z' } } }, undefined],
  ['no metadata', V1, { runDetails: {} }, undefined],
  ['a number', V1, finished(1767261600), undefined],
  ['a time without a zone', V1, finished('2026-01-01T10:00:00'), undefined],
  ['a day', V1, finished('2026-01-01'), undefined],
  ['no such day', V1, finished('2026-13-41T10:00:00Z'), undefined],
  [
    'a statement of another type that says the same',
    'https://example.com/build/v1',
    finished('2026-01-01T10:00:00Z'),
    undefined,
  ],
  ['a type that only begins like it', `${V1}/more`, finished('2026-01-01T10:00:00Z'), undefined],
];

for (const [what, predicateType, predicate, built] of BUILT) {
  test(`built by ${what}: ${built ?? 'unknown'}`, () => {
    assert.equal(signingTimes([says(predicateType, predicate)]).built, built);
  });
}

function image(name: string, seconds: number | undefined, rest: Partial<AuditEntry> = {}): AuditEntry {
  const signed = new Date(Date.UTC(2026, 0, 1, 12)).toISOString();
  const built = seconds === undefined ? {} : { built: new Date(Date.UTC(2026, 0, 1, 12, 0, -seconds)).toISOString() };
  return auditEntry(name, 'verified', { signed, ...built, ...rest });
}

test('by digest, once however often it runs; what nobody says is counted apart, and is no lag of 0', () => {
  const lag = signingLag([
    image('a', 10),
    image('a', 10, { namespace: 'other' }),
    image('b', 30),
    image('c', 20),
    image('d', undefined),
    auditEntry('e', 'verified', { built: '2026-01-01T00:00:00Z' }),
    // Signed before it was built.
    image('f', -5),
    image('g', 1, { state: 'signed-untrusted' }),
    image('h', 1, { state: 'revoked' }),
  ]);
  assert.deepEqual(lag, { known: 3, unknown: 3, medianSeconds: 20, maxSeconds: 30 });
});

test('where nothing is known there is no figure, not even one of nothing', () => {
  assert.deepEqual(signingLag([image('a', undefined)]), { known: 0, unknown: 1 });
  assert.deepEqual(signingLag([]), { known: 0, unknown: 0 });
});

test('read as it was written; what is no time is refused', () => {
  const written = encodeAuditSnapshot(auditSnapshot([image('a', 10)]));
  assert.equal(encodeAuditSnapshot(parseAuditSnapshot(written)), written);
  assert.throws(
    () => parseAuditSnapshot(written.replace('"built": "2026', '"built": "soon')),
    (error) => error instanceof SealwrightError && error.code === 'FORMAT_AUDIT' && error.message.includes('built'),
  );
});
