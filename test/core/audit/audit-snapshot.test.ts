/** Snapshots of an audit as data: written, read, counted and compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareAudits } from '../../../src/core/audit/audit-comparison.ts';
import { AUDIT_STATES, worstState, type AuditEntry, type AuditState } from '../../../src/core/audit/audit-entry.ts';
import { auditFigures } from '../../../src/core/audit/audit-figures.ts';
import {
  contentDigest,
  encodeAuditSnapshot,
  parseAuditSnapshot,
  type AuditSnapshot,
} from '../../../src/core/audit/audit-snapshot.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const BEFORE = new Date('2026-03-03T08:00:00Z');
const AFTER = new Date('2026-03-10T08:00:00Z');

function image(name: string, digit = 'a'): string {
  return `registry.example/${name}@sha256:${digit.repeat(64)}`;
}

function entry(owner: string, state: AuditState, rest: Partial<AuditEntry> = {}): AuditEntry {
  return {
    namespace: 'pay',
    owner: `Deployment ${owner}`,
    path: 'spec.containers[0].image',
    text: `registry.example/${owner}:1`,
    image: image(owner),
    source: 'status',
    pods: 1,
    state,
    signers: state === 'verified' ? [{ kind: 'identity', name: 'ci, authenticated by issuer' }] : [],
    policies: ['prod'],
    ...(state === 'undetermined' ? { cause: 'credentials' as const, code: 'COULD_NOT_CHECK', reason: 'no login' } : {}),
    ...rest,
  };
}

function snapshot(entries: readonly AuditEntry[], rest: Partial<AuditSnapshot> = {}): AuditSnapshot {
  return {
    system: 'pay-prod',
    takenAt: BEFORE,
    version: '0.1.0',
    scope: 'a cluster, all namespaces',
    policies: { source: 'the cluster', digest: `sha256:${'0'.repeat(64)}`, count: 1 },
    trust: 'files',
    entries,
    notLookedAt: [],
    ...rest,
  };
}

const EXCEPTION = { name: 'ImageException pay/old', owner: 'team', expires: '2026-03-04T00:00:00Z' };
/** What else a snapshot says. */
const STANDING: Partial<AuditSnapshot> = {
  policies: {
    source: 'the cluster',
    digest: `sha256:${'0'.repeat(64)}`,
    count: 1,
    widest: { policy: 'prod', pattern: '/@acme/', fixed: 5 },
    keys: [{ name: 'the key 12', policies: ['prod'], since: '2025-01-01T00:00:00Z' }],
  },
  exceptions: [{ ...EXCEPTION, from: '2026-02-01T00:00:00Z' }],
};
const MIXED = [
  entry('web', 'verified'),
  entry('web', 'verified', { path: 'spec.containers[1].image', image: image('sidecar', 'b') }),
  entry('api', 'verified', { image: image('sidecar', 'b'), signers: [{ kind: 'key', name: 'the key 12' }] }),
  entry('job', 'unsigned', { policies: [] }),
  entry('old', 'exempt', { exception: EXCEPTION }),
  entry('ext', 'undetermined', { image: 'other.example/ext:1' }),
  entry('bot', 'signed-untrusted', {
    namespace: 'lab',
    exposure: ['from-outside', 'privileged', 'host-network'],
    reachedBy: ['Ingress lab/bot'],
  }),
  entry('bad', 'revoked'),
];

test('read as it was written, in order, whatever the order it was found in', () => {
  const written = encodeAuditSnapshot(snapshot(MIXED));
  assert.equal(encodeAuditSnapshot(snapshot([...MIXED].reverse())), written);
  assert.equal(encodeAuditSnapshot(parseAuditSnapshot(written)), written);
});

test('what policies accept, and every exception, are read as they were written', () => {
  const signers = [
    {
      kind: 'key',
      name: 'the key 12',
      firstSigned: '2025-03-01T00:00:00.000Z',
      lastSigned: '2026-01-01T00:00:00.000Z',
    },
  ] as const;
  const written = encodeAuditSnapshot(snapshot([entry('web', 'verified', { signers })], STANDING));
  const read = parseAuditSnapshot(written);
  assert.equal(encodeAuditSnapshot(read), written);
  assert.deepEqual(
    [read.policies, read.exceptions, read.entries[0]?.signers],
    [STANDING.policies, STANDING.exceptions, signers],
  );
});

test('what leads here is kept, and what of it nobody looked at; of older snapshots nobody knows', () => {
  const reach = { kinds: ['Service', 'Ingress'], notLookedAt: [{ what: 'ingresses', reason: '403' }] };
  const written = encodeAuditSnapshot(snapshot(MIXED, { reach }));
  assert.deepEqual(parseAuditSnapshot(written).reach, { ...reach, kinds: ['Ingress', 'Service'] });
  assert.notEqual(contentDigest(parseAuditSnapshot(written)), contentDigest(snapshot(MIXED)));
  assert.equal(parseAuditSnapshot(encodeAuditSnapshot(snapshot(MIXED))).reach, undefined);
  assert.equal(auditFigures(snapshot(MIXED)).fromOutside, 1);
});

test('two snapshots of the same things agree in all but the moment', () => {
  const [first, second] = [snapshot(MIXED), snapshot(MIXED, { takenAt: AFTER, version: '0.2.0' })];
  assert.equal(contentDigest(first), contentDigest(second));
  assert.notEqual(contentDigest(first), contentDigest(snapshot(MIXED.slice(1))));
  assert.notEqual(contentDigest(first), contentDigest(snapshot(MIXED, { scope: 'files' })));
});

test('damage is refused: what is read is what was written', () => {
  const written = encodeAuditSnapshot(snapshot(MIXED.slice(0, 2)));
  for (const broken of damaged(Buffer.from(written))) {
    let read: AuditSnapshot;
    try {
      read = parseAuditSnapshot(broken);
    } catch (error) {
      assert.ok(error instanceof SealwrightError && error.family !== 'invariant', String(error));
      continue;
    }
    // The moment and the program are not in the digest; white space is nobody's.
    assert.equal(contentDigest(read), contentDigest(snapshot(MIXED.slice(0, 2))));
  }
});

const BAD: readonly (readonly [string, (document: Record<string, unknown>) => void])[] = [
  ['another schema', (document) => (document['schema'] = 'urn:other')],
  ['an unknown member', (document) => (document['note'] = 'x')],
  ['no time', (document) => (document['takenAt'] = 'yesterday')],
  ['an unknown state', (document) => ((document['entries'] as { state: string }[])[0]!.state = 'fine')],
  ['a state that was changed', (document) => ((document['entries'] as { state: string }[])[0]!.state = 'unsigned')],
  ['an entry that was left out', (document) => (document['entries'] as unknown[]).pop()],
  [
    'an unknown exposure',
    (document) => ((document['entries'] as { exposure?: string[] }[])[0]!.exposure = ['sunlight']),
  ],
  [
    'what leads to it changed',
    (document) => ((document['entries'] as { reachedBy?: string[] }[])[0]!.reachedBy = ['x']),
  ],
  ['nothing looked at, left out', (document) => (document['reach'] = { kinds: [], notLookedAt: [] })],
  ['a reach that is none', (document) => (document['reach'] = 'all')],
  ['a beginning that is no time', (document) => ((document['exceptions'] as { from: string }[])[0]!.from = 'once')],
  ['another widest pattern', (document) => ((document['policies'] as { widest: { fixed: number } }).widest.fixed = 99)],
  ['a key left out', (document) => (document['policies'] as { keys: unknown[] }).keys.pop()],
  ['another digest', (document) => (document['contentDigest'] = `sha256:${'1'.repeat(64)}`)],
];

for (const [name, change] of BAD) {
  test(`refused: ${name}`, () => {
    const document = JSON.parse(encodeAuditSnapshot(snapshot(MIXED, STANDING))) as Record<string, unknown>;
    change(document);
    assert.throws(() => parseAuditSnapshot(JSON.stringify(document)), { code: 'FORMAT_AUDIT' });
  });
}

test('coverage by three denominators that disagree, without what is exempt', () => {
  const figures = auditFigures(snapshot(MIXED));
  assert.deepEqual(figures.containers, {
    verified: 3,
    exempt: 1,
    undetermined: 1,
    'signed-untrusted': 1,
    unsigned: 1,
    revoked: 1,
  });
  assert.deepEqual(figures.coverage, {
    containers: { verified: 3, of: 7, share: 3 / 7 },
    digests: { verified: 1, of: 3, share: 1 / 3 },
    workloads: { verified: 2, of: 6, share: 2 / 6 },
  });
  assert.deepEqual(figures.rescheduleRisk, { refused: 3, unknown: 1 });
  assert.deepEqual([...figures.undetermined], [['credentials', 1]]);
  assert.equal(figures.signedUntrustedShare, 1 / 5);
  assert.equal(figures.withoutRule, 1);
  assert.deepEqual(figures.signers, {
    distinct: 2,
    people: 0,
    topShare: 2 / 3,
    top: 'ci, authenticated by issuer',
  });
  assert.equal(figures.keyBasedShare, 1 / 3);
  assert.deepEqual(figures.exceptions, { count: 1, pastExpiry: 0 });
  assert.deepEqual(auditFigures(snapshot(MIXED, { takenAt: AFTER })).exceptions, { count: 1, pastExpiry: 1 });
  assert.deepEqual([...figures.cuts.namespace.keys()], ['lab', 'pay']);
  assert.deepEqual([...figures.cuts.registry.keys()], ['other.example', 'registry.example']);
  assert.deepEqual([figures.cuts.team.size, figures.cuts.cluster.size], [0, 0], 'nobody looked');
});

test('nothing at all is covered, and has no signers', () => {
  const figures = auditFigures(snapshot([]));
  assert.equal(figures.coverage.containers.share, 1);
  assert.deepEqual(figures.signers, { distinct: 0, people: 0, topShare: 0 });
});

test('the worst state of a workload is what is known to be bad, before what nobody knows', () => {
  assert.equal(worstState([]), 'verified');
  assert.equal(worstState(['verified', 'undetermined']), 'undetermined');
  assert.equal(worstState(['undetermined', 'unsigned', 'verified']), 'unsigned');
  assert.equal(worstState(AUDIT_STATES), 'revoked');
});

test('what changed, place by place, the worst first', () => {
  const before = snapshot([
    entry('better', 'unsigned'),
    entry('worse', 'verified'),
    entry('worst', 'verified'),
    entry('same', 'verified'),
    entry('other', 'verified'),
    entry('gone', 'unsigned'),
  ]);
  const after = snapshot(
    [
      entry('better', 'verified'),
      entry('worse', 'undetermined'),
      entry('worst', 'revoked'),
      entry('same', 'verified'),
      entry('other', 'verified', { image: image('other', 'c') }),
      entry('new', 'unsigned'),
      entry('fresh', 'verified'),
    ],
    { takenAt: AFTER },
  );
  const compared = compareAudits(before, after);
  const owners = (changes: typeof compared.regressions): readonly string[] => changes.map(({ workload }) => workload);
  assert.deepEqual(owners(compared.regressions), [
    'Deployment pay/worst',
    'Deployment pay/new',
    'Deployment pay/worse',
  ]);
  assert.deepEqual(owners(compared.improvements), ['Deployment pay/better']);
  assert.deepEqual(owners(compared.others), ['Deployment pay/fresh', 'Deployment pay/gone', 'Deployment pay/other']);
  assert.equal(compared.unchanged, 1);
  assert.equal(compared.hasSamePolicies, true);
});

test('a place with two images, while something rolls out, is compared image by image', () => {
  const [old, next] = [image('app', 'a'), image('app', 'b')];
  const before = snapshot([entry('app', 'unsigned', { image: old })]);
  const after = snapshot([entry('app', 'unsigned', { image: old }), entry('app', 'verified', { image: next })], {
    takenAt: AFTER,
  });
  const compared = compareAudits(before, after);
  assert.deepEqual([compared.regressions, compared.improvements], [[], []]);
  assert.deepEqual(
    compared.others.map(({ after: now }) => now?.image),
    [next],
  );
});

test('refused: two systems, the later one first', () => {
  assert.throws(() => compareAudits(snapshot([]), snapshot([], { system: 'other', takenAt: AFTER })), {
    code: 'USAGE_BAD_FLAG',
  });
  assert.throws(() => compareAudits(snapshot([], { takenAt: AFTER }), snapshot([])), { code: 'USAGE_BAD_FLAG' });
});
