/** Figures cut by cluster and team: what says whose something is, and what does not count as saying it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditFigures } from '../../../src/core/audit/audit-figures.ts';
import { encodeAuditSnapshot, parseAuditSnapshot } from '../../../src/core/audit/audit-snapshot.ts';
import { teamOf } from '../../../src/core/audit/team-of.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { pairedCuts, reportedCuts } from '../../../src/cli/report/cut-rows.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { auditEntry, auditSnapshot } from '../../support/audits.ts';

const LABELS = ['team', 'app.kubernetes.io/part-of'];
const label = (name: string, value: JsonValue): JsonValue => ({ labels: { [name]: value } });
const note = (name: string, value: JsonValue): JsonValue => ({ annotations: { [name]: value } });

const SAID: readonly (readonly [
  what: string,
  metadata: readonly (JsonValue | undefined)[],
  team: string | undefined,
])[] = [
  ['a label', [label('team', 'pay')], 'pay'],
  ['an annotation', [note('team', 'pay')], 'pay'],
  ['a label before an annotation', [{ ...(note('team', 'no') as object), ...(label('team', 'pay') as object) }], 'pay'],
  ['the nearest object', [label('team', 'pod'), label('team', 'maker')], 'pod'],
  [
    'the name that tells most, wherever it stands',
    [label('app.kubernetes.io/part-of', 'shop'), label('team', 'pay')],
    'pay',
  ],
  ['what makes it, and its namespace', [undefined, {}, label('team', 'pay')], 'pay'],
  ['nothing', [undefined, {}], undefined],
  ['another label', [label('owner', 'pay')], undefined],
  ['an empty one', [label('team', ' ')], undefined],
  ['no text', [label('team', 7)], undefined],
  ['labels that are a list', [{ labels: [{ team: 'pay' }] }], undefined],
  ['a text that is no name', [note('team', 'x'.repeat(64))], undefined],
  ['a name that every object has', [{ labels: {} }], undefined],
];

for (const [what, metadata, team] of SAID) {
  test(`whose it is by ${what}: ${team ?? 'unknown'}`, () => {
    assert.equal(teamOf(LABELS, metadata), team);
  });
}

test('what every object inherits is no label', () => {
  assert.equal(teamOf(['constructor', 'toString'], [{ labels: {} }]), undefined);
});

const TEAMS = { labels: LABELS, notLookedAt: [{ what: 'namespaces', reason: '403' }] };
const ENTRIES = [
  auditEntry('a', 'verified', { team: 'pay' }),
  auditEntry('b', 'unsigned', { team: 'pay' }),
  auditEntry('c', 'exempt', { team: 'pay' }),
  auditEntry('d', 'unsigned'),
];

test('by team: what is exempt is in no share, and what is nobody\u2019s is unknown', () => {
  const { cuts } = auditFigures(auditSnapshot(ENTRIES, { teams: TEAMS, cluster: { name: 'eu', id: 'uid' } }));
  const [open, ...others] = reportedCuts(cuts).team;
  assert.deepEqual([open?.name, open?.coverage], ['', { verified: 0, of: 1, share: 0 }]);
  assert.deepEqual(
    others.map(({ name, coverage }) => [name, coverage]),
    [['pay', { verified: 1, of: 2, share: 0.5 }]],
  );
  assert.deepEqual([...cuts.cluster.keys()], ['eu']);
});

test('a cluster without a name is told by its UID; where nobody looked there is no cut, not one without a name', () => {
  assert.deepEqual([...auditFigures(auditSnapshot(ENTRIES, { cluster: { id: 'uid' } })).cuts.cluster.keys()], ['uid']);
  const { cuts } = auditFigures(auditSnapshot(ENTRIES));
  assert.deepEqual([cuts.cluster.size, cuts.team.size], [0, 0]);
});

test('before and after, also what has come or gone', () => {
  const cutsOf = (team: string): ReturnType<typeof reportedCuts> =>
    reportedCuts(auditFigures(auditSnapshot([auditEntry('a', 'verified', { team })], { teams: TEAMS })).cuts);
  const teams = pairedCuts(cutsOf('old'), cutsOf('new')).filter(({ by }) => by === 'team');
  assert.deepEqual(
    teams.map(({ name, before, after }) => [name, before?.coverage.verified, after?.coverage.verified]),
    [
      ['new', undefined, 1],
      ['old', 1, undefined],
    ],
  );
});

test('read as it was written; a member that nobody knows is refused', () => {
  const written = encodeAuditSnapshot(auditSnapshot(ENTRIES, { teams: TEAMS, cluster: { name: 'eu', id: 'uid' } }));
  const read = parseAuditSnapshot(written);
  assert.equal(encodeAuditSnapshot(read), written);
  assert.deepEqual([read.teams, read.cluster, read.entries[0]?.team], [TEAMS, { name: 'eu', id: 'uid' }, 'pay']);
  for (const damage of [
    ['"id": "uid"', '"id": "other"'],
    ['"id": "uid"', '"of": "uid"'],
    ['"team": "pay"', '"team": 7'],
  ] as const) {
    assert.throws(
      () => parseAuditSnapshot(written.replace(damage[0], damage[1])),
      (error) => error instanceof SealwrightError && error.code === 'FORMAT_AUDIT',
      damage.join(' '),
    );
  }
});
