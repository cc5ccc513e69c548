/** Summaries by digest, and what controls find in a pack: a word only for what was verified. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIT_STATES, type AuditEntry, type AuditState } from '../../../src/core/audit/audit-entry.ts';
import { auditFigures } from '../../../src/core/audit/audit-figures.ts';
import type { AuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import {
  controlEvidence,
  type ControlEvidence,
  type EvidenceFacts,
} from '../../../src/core/audit/evidence-controls.ts';
import { verificationSummaries } from '../../../src/core/audit/verification-summary.ts';
import { encodeStatement, parseStatement } from '../../../src/core/attestation/statement.ts';

const WEB = `registry.example/shop/web@sha256:${'a'.repeat(64)}`;

function entry(state: AuditState, rest: Partial<AuditEntry> = {}): AuditEntry {
  return {
    namespace: 'shop',
    owner: 'Deployment web',
    path: 'spec.containers[0].image',
    text: WEB,
    image: WEB,
    source: 'status',
    pods: 1,
    state,
    signers: state === 'verified' ? [{ kind: 'identity', name: 'ci, authenticated by issuer' }] : [],
    policies: ['prod'],
    ...(state === 'verified' ? {} : { code: 'SOME_CODE', reason: `it is ${state}` }),
    ...(state === 'exempt'
      ? { exception: { name: 'ImageException shop/old', owner: 'x', expires: '2030-01-01T00:00:00Z' } }
      : {}),
    ...rest,
  };
}

function snapshot(...entries: readonly AuditEntry[]): AuditSnapshot {
  return {
    system: 'shop',
    takenAt: new Date('2026-03-03T08:00:00.123Z'),
    version: '0.1.0',
    scope: 'a cluster',
    policies: { source: 'policies/', digest: `sha256:${'5'.repeat(64)}`, count: 1 },
    trust: 'files',
    entries,
    notLookedAt: [],
  };
}

const summaries = (...entries: readonly AuditEntry[]) =>
  verificationSummaries(snapshot(...entries), { id: 'https://a.example/v' });

test('a verified digest: every field that SLSA v1 demands, as it demands it', () => {
  const [summary] = summaries(entry('verified'));
  assert.ok(summary?.result === 'PASSED');
  assert.deepEqual(JSON.parse(new TextDecoder().decode(encodeStatement(summary.statement))), {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: WEB, digest: { sha256: 'a'.repeat(64) } }],
    predicateType: 'https://slsa.dev/verification_summary/v1',
    predicate: {
      verifier: { id: 'https://a.example/v', version: { sealwright: '0.1.0' } },
      timeVerified: '2026-03-03T08:00:00Z',
      resourceUri: `pkg:oci/web@sha256%3A${'a'.repeat(64)}?repository_url=registry.example/shop/web`,
      policy: { name: 'policies/', digest: { sha256: '5'.repeat(64) } },
      verificationResult: 'PASSED',
      verifiedLevels: ['SLSA_BUILD_LEVEL_UNEVALUATED'],
      slsaVersion: '1.1',
    },
  });
  assert.equal(parseStatement(encodeStatement(summary.statement)).predicateType, summary.statement.predicateType);
});

const RESULTS: Readonly<Record<AuditState, 'PASSED' | 'FAILED' | 'none'>> = {
  verified: 'PASSED',
  exempt: 'none',
  undetermined: 'none',
  'signed-untrusted': 'FAILED',
  unsigned: 'FAILED',
  revoked: 'FAILED',
};

for (const state of AUDIT_STATES) {
  test(`${state}: ${RESULTS[state]}, and the worse of two wherever the digest runs`, () => {
    const [alone] = summaries(entry(state));
    assert.equal(alone?.result, RESULTS[state]);
    if (alone.result === 'none') assert.equal('statement' in alone, false, 'nobody can hand on what nobody could tell');
    if (alone.result === 'FAILED') {
      assert.deepEqual((alone.statement.predicate as { verifiedLevels: unknown }).verifiedLevels, ['FAILED']);
    }
    const both = summaries(entry('verified'), entry(state, { owner: 'Deployment other' }));
    assert.deepEqual(
      both.map(({ result }) => result),
      [RESULTS[state]],
    );
  });
}

test('one digest under two names is one summary about both; what has no digest has none', () => {
  const copy = WEB.replace('registry.example', 'mirror.example');
  const [both] = summaries(entry('verified'), entry('verified', { image: copy }));
  assert.ok(both?.result === 'PASSED');
  assert.deepEqual(
    both.statement.subjects.map(({ name }) => name),
    [copy, WEB],
  );
  for (const image of [
    'registry.example/shop/web:1',
    `registry.example/shop/web@sha512:${'a'.repeat(128)}`,
    'x@sha256:a',
  ]) {
    const [without] = summaries(entry('verified', { image }));
    assert.deepEqual(
      [without?.result, without?.result === 'none' && without.reason],
      ['none', 'no SHA-256 digest says which image it is'],
    );
  }
});

function facts(entries: readonly AuditEntry[], rest: Partial<EvidenceFacts> = {}): EvidenceFacts {
  return {
    figures: auditFigures(snapshot(...entries)),
    notLookedAt: 0,
    snapshots: [
      { file: 'snapshots/1.json', isVerified: true },
      { file: 'snapshots/2.json', isVerified: true },
    ],
    summaries: summaries(...entries),
    policyFiles: ['policies/01-a.yaml'],
    arePoliciesProven: true,
    drillFiles: ['drills/01-d.json'],
    drilled: { state: 'drilled', text: 'in 3 s', isDue: false },
    reportFiles: ['report.md'],
    ...rest,
  };
}

const states = (given: EvidenceFacts): Readonly<Record<string, ControlEvidence['state']>> =>
  Object.fromEntries(controlEvidence(given).map(({ control, state }) => [control, state]));

test('everything there: every control is shown, with files and nothing missing', () => {
  const controls = controlEvidence(facts([entry('verified')]));
  for (const { state, missing, evidence, control } of controls) {
    assert.deepEqual([state, missing], ['shown', []], control);
    assert.ok(evidence.length > 0, control);
  }
});

test('each thing that is missing is missing where it is asked for, and nowhere else', () => {
  const good = [entry('verified')];
  const cases: readonly (readonly [string, EvidenceFacts, Readonly<Record<string, ControlEvidence['state']>>])[] = [
    ['no policies', facts(good, { policyFiles: [] }), { 'CC6.1, CC6.8': 'not-shown' }],
    ['other policies', facts(good, { arePoliciesProven: false }), { 'CC6.1, CC6.8': 'partly' }],
    ['no drill', facts(good, { drillFiles: [] }), { 'CC7.3 to CC7.5': 'not-shown' }],
    [
      'a stale drill',
      facts(good, { drilled: { state: 'stale', text: 'old', isDue: true } }),
      { 'CC7.3 to CC7.5': 'partly' },
    ],
    ['one snapshot', facts(good, { snapshots: [{ file: 'a', isVerified: true }] }), { 'CC7.1, CC7.2': 'not-shown' }],
    [
      'an unsigned snapshot',
      facts(good, {
        snapshots: [
          { file: 'a', isVerified: true },
          { file: 'b', isVerified: false },
        ],
      }),
      { 'CC7.1, CC7.2': 'partly' },
    ],
    [
      'something not looked at',
      facts(good, { notLookedAt: 1 }),
      { 'Verifying artifacts': 'partly', 'CC7.1, CC7.2': 'partly', 'PI1.4': 'partly' },
    ],
    ['nothing at all', facts([]), { 'Verifying artifacts': 'not-shown', 'CC8.1': 'not-shown', 'PI1.4': 'not-shown' }],
    [
      'an unsigned image',
      facts([...good, entry('unsigned', { image: WEB.replace('web', 'job').replace(/a{64}/, 'b'.repeat(64)) })]),
      { 'CC6.1, CC6.8': 'partly', 'CC8.1': 'partly' },
    ],
    [
      'one of which nobody could tell',
      facts([...good, entry('undetermined', { image: WEB.replace(/a{64}/, 'b'.repeat(64)) })]),
      { 'Verifying artifacts': 'partly', 'CC6.1, CC6.8': 'partly', 'PI1.4': 'partly' },
    ],
    ['no rule', facts([entry('verified', { policies: [] })]), { 'CC6.1, CC6.8': 'partly' }],
    ['a key alone', facts([entry('verified', { signers: [{ kind: 'key', name: 'k' }] })]), { 'CC8.1': 'partly' }],
    [
      'an exception past its end',
      facts([
        ...good,
        entry('exempt', {
          image: WEB.replace(/a{64}/, 'b'.repeat(64)),
          exception: { name: 'e', owner: 'o', expires: '2026-01-01T00:00:00Z' },
        }),
      ]),
      { 'Verifying artifacts': 'partly', 'CC8.1': 'partly' },
    ],
  ];
  const all = states(facts(good));
  for (const [what, given, expected] of cases) assert.deepEqual(states(given), { ...all, ...expected }, what);
});
