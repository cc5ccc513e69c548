/** Records of drills: what they may say, who has to have signed them, and what an audit makes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeToRevoke } from '../../../src/core/audit/time-to-revoke.ts';
import type { JsonObject, JsonValue } from '../../../src/core/encoding/json.ts';
import {
  drillStatement,
  encodeDrillRecord,
  hasPassed,
  missedStages,
  parseDrillRecord,
  type DrillRecord,
} from '../../../src/core/revocation/drill-record.ts';
import { RevocationHistory } from '../../../src/core/revocation/revocation-history.ts';
import { encodeSignedDrill, verifySignedDrill } from '../../../src/core/revocation/signed-drill.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { DRILLED, drillRecord, drillStages } from '../../support/drills.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../../support/instance.ts';
import { Authority, revocation } from '../../support/revocations.ts';

const instance = new FakeInstance();
const people = new Authority(instance, ['ann', 'ben'], { narrow: 1, broad: 2, relaxing: 2 });
const trust = { authority: people.authority, trustedRoot: instance.trustedRoot };
const nothing = new RevocationHistory();

function signed(record: DrillRecord, by = people, shown = record): string {
  const [bundle = null] = by.signStatement(drillStatement(record), ['ann']);
  return encodeSignedDrill(shown, bundle);
}

function failsWith(code: string, work: () => unknown): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof SealwrightError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

test('a record that a member has signed is believed, and says what it says', () => {
  const record = drillRecord({ words: ['--key=k8s://drill/ann', '--watched'] });
  const { record: read, member } = verifySignedDrill(signed(record), trust, nothing);
  assert.deepEqual(read, record);
  assert.equal(member, 'ann');
});

test('refused: another signer, an unlogged one, a member whose key is revoked, another record than the signed, other statements', () => {
  const record = drillRecord();
  const strangers = new Authority(instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  failsWith('KEY_MISMATCH', () => verifySignedDrill(signed(record, strangers), trust, nothing));
  const { bundle: logged } = JSON.parse(signed(record)) as {
    bundle: { verificationMaterial: JsonObject; dsseEnvelope: JsonObject };
  };
  const material = { ...logged.verificationMaterial, tlogEntries: [] };
  const unlogged = encodeSignedDrill(record, { ...logged, verificationMaterial: material });
  failsWith('LOG_ENTRY_MISSING', () => verifySignedDrill(unlogged, trust, nothing));
  const keyId = encodeHex(people.key('ann').publicKey.id);
  const stolen = new RevocationHistory([revocation({ key: keyId })]);
  failsWith('KEY_MISMATCH', () => verifySignedDrill(signed(record), trust, stolen));
  const better = drillRecord({ stages: drillStages({ denied: { ms: 1 } }) });
  failsWith('FORMAT_REVOCATION', () => verifySignedDrill(signed(record, people, better), trust, nothing));
  const [bundle = null] = people.sign(revocation({ key: keyId }), ['ann']);
  failsWith('FORMAT_REVOCATION', () => verifySignedDrill(encodeSignedDrill(record, bundle), trust, nothing));
  for (const text of [
    '{}',
    '{"schema":"urn:other","record":{},"bundle":{}}',
    signed(record).replace('{', '{"more":1,'),
  ]) {
    failsWith('FORMAT_REVOCATION', () => verifySignedDrill(text, trust, nothing));
  }
});

test('refused: lower goals, stages left out or in another order, a verdict that they contradict, another subject, no end', () => {
  const good = drillStatement(drillRecord());
  const predicate = good.predicate as JsonObject;
  const stages = predicate['stages'] as readonly JsonObject[];
  const wrong: readonly Record<string, JsonValue>[] = [
    { stages: stages.map((stage) => ({ ...stage, goalMs: 999_999 })) },
    { stages: stages.slice(1) },
    { words: ['rm'] },
    { words: ['--key=a\nrm -r .'] },
    { words: ['--Key=a'] },
    { words: [`--key=${'a'.repeat(1000)}`] },
    { stages: [...stages].reverse() },
    { stages: stages.map(({ ms: _, ...stage }) => stage) },
    { stages: stages.map((stage) => ({ ...stage, ms: -1 })) },
    { stages: stages.map((stage) => ({ ...stage, outcome: 'fine' })) },
    { passed: false },
    { news: 'rumour' },
    { endedAt: '2020-01-01T00:00:00Z' },
    { startedAt: 'yesterday' },
    { restored: { outcome: 'not-tried' } },
    { canary: `other@sha256:${'0'.repeat(64)}` },
    { statement: ' ' },
  ];
  for (const change of wrong) {
    failsWith('FORMAT_REVOCATION', () => parseDrillRecord({ ...good, predicate: { ...predicate, ...change } }));
  }
  const many = { words: Array.from({ length: 201 }, () => '--watched') };
  failsWith('LIMIT_COUNT', () => parseDrillRecord({ ...good, predicate: { ...predicate, ...many } }));
  failsWith('FORMAT_DIGEST', () => parseDrillRecord({ ...good, predicate: { ...predicate, canary: 'no-digest' } }));
  assert.deepEqual(parseDrillRecord(good), drillRecord());
});

test('passed: in time and made good again; late, failed, untried in a cluster or left revoked is not', () => {
  const passes: readonly DrillRecord[] = [
    drillRecord(),
    drillRecord({ stages: drillStages({ denied: { ms: 15_000 } }) }),
    drillRecord({ news: 'poll', stages: drillStages({ denied: { ms: 29_000 } }, 'poll') }),
    alone({ denied: { outcome: 'not-tried' }, found: { outcome: 'not-tried' } }),
  ];
  for (const record of passes) assert.ok(hasPassed(record), JSON.stringify(encodeDrillRecord(record)));
  const failures: readonly (readonly [DrillRecord, readonly string[]])[] = [
    [drillRecord({ stages: drillStages({ denied: { ms: 15_001 } }) }), ['denied']],
    [
      drillRecord({ stages: drillStages({ logged: { ms: 2001 }, refused: { outcome: 'failed' } }) }),
      ['logged', 'refused'],
    ],
    [drillRecord({ stages: drillStages({ found: { outcome: 'not-tried' } }) }), ['found']],
    [alone({ published: { outcome: 'not-tried' } }), ['published']],
    [drillRecord({ restored: { outcome: 'failed' } }), []],
  ];
  for (const [record, missed] of failures) {
    assert.deepEqual(
      missedStages(record).map(({ stage }) => stage),
      missed,
    );
    assert.equal(hasPassed(record), false);
  }
});

function alone(change: Parameters<typeof drillStages>[0]): DrillRecord {
  const { namespace: _, ...rest } = drillRecord({ stages: drillStages(change) });
  return rest;
}

test('an audit: never drilled, drilled, failed, or too long ago; due in all but one', () => {
  const day = (days: number): Date => new Date(DRILLED.getTime() + days * 86_400_000);
  const drill = (record: DrillRecord): { record: DrillRecord; member: string } => ({ record, member: 'ann' });
  assert.deepEqual(timeToRevoke(undefined, day(0)), { state: 'never-drilled', text: 'never drilled', isDue: true });
  const current = timeToRevoke(drill(drillRecord()), day(89));
  assert.deepEqual([current.state, current.isDue], ['drilled', false]);
  assert.match(current.text, /denied it after 3\.0 s, the running copy was found after 4\.0 s/);
  assert.match(current.text, /2026-06-02 in drill, signed by ann, told by push/);
  const stale = timeToRevoke(drill(drillRecord()), day(91));
  assert.deepEqual([stale.state, stale.isDue], ['stale', true]);
  assert.match(stale.text, /^stale, 91 days old where 90 are allowed: the API server denied it after 3\.0 s/);
  assert.equal(timeToRevoke(drill(drillRecord()), day(8), 7 * 86_400_000).state, 'stale');
  const late = timeToRevoke(drill(drillRecord({ stages: drillStages({ denied: { ms: 16_000 } }) })), day(1));
  assert.deepEqual([late.state, late.isDue], ['failed', true]);
  assert.match(late.text, /^failed: denied after 16\.0 s/);
  const left = timeToRevoke(drill(drillRecord({ restored: { outcome: 'failed' } })), day(1));
  assert.match(left.text, /^failed: not made good again/);
});

test('refused: a record by a certificate whose authority is revoked, as an approval by it would be', () => {
  const { members, ...rest } = people.authority;
  const identities = [
    { issuer: { kind: 'exact', value: ISSUER }, subject: { kind: 'exact', value: SUBJECT } },
  ] as const;
  const release = { name: 'release', signer: { kind: 'identities', identities } } as const;
  const mixed = { ...trust, authority: { ...rest, members: [release, ...members] } };
  const [bundle = null] = people.signStatement(drillStatement(drillRecord()), ['ann'], { managed: false });
  const record = encodeSignedDrill(drillRecord(), bundle);
  assert.equal(verifySignedDrill(record, mixed, nothing).member, 'release');
  const stolen = new RevocationHistory([revocation({ ca: instance.root.certificate.fingerprint })]);
  failsWith('REVOKED', () => verifySignedDrill(record, mixed, stolen));
  const other = new RevocationHistory([revocation({ ca: '0'.repeat(64) })]);
  assert.equal(verifySignedDrill(record, mixed, other).member, 'release');
});
