/** `sealwright plan init` and `plan check`: a plan of what is found, renewed without touching what people wrote, and held to what is true. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { parseContacts, encodeContacts } from '../../src/core/emergency/emergency-contacts.ts';
import { parseEmergencyPlan } from '../../src/core/emergency/emergency-plan.ts';
import { encodeTabletop, type TabletopRecord } from '../../src/core/emergency/tabletop-record.ts';
import { drillStatement } from '../../src/core/revocation/drill-record.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeSignedDrill } from '../../src/core/revocation/signed-drill.ts';
import type { RevocationStatement } from '../../src/core/revocation/revocation-statement.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { runningCluster, runs } from './running-cluster.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { drillRecord, drillStages } from '../support/drills.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../support/instance.ts';
import { Authority, revocation } from '../support/revocations.ts';

const DENIED = 20;
const UNKNOWN = 23;
const KEY = PrivateKey.generate('ecdsa-p256').publicKey;

interface Lab {
  readonly instance: FakeInstance;
  readonly people: Authority;
  readonly sandbox: Sandbox;
  readonly read: (file: string) => string;
  readonly write: (file: string, text: string) => void;
  readonly init: (...more: readonly string[]) => Promise<Ended>;
  readonly check: (...more: readonly string[]) => Promise<Checked>;
  readonly say: (statements: readonly RevocationStatement[], names?: readonly string[]) => Promise<void>;
}

interface Checked {
  readonly ended: Ended;
  /** Of each finding, in order. */
  readonly rules: readonly string[];
  readonly found: string;
}

const POLICY = (subject: string): string => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "**"}]
  authorities:
    - keyless: {identities: [{issuer: "${ISSUER}", subject: ${subject}}]}
    - key:
        data: |
          ${KEY.toPem().trim().replaceAll('\n', '\n          ')}
`;

async function openLab(t: TestContext): Promise<Lab> {
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const instance = new FakeInstance();
  const people = new Authority(instance, ['ann', 'ben'], { narrow: 1, broad: 2, relaxing: 2 });
  const write = (file: string, text: string): void => {
    writeFileSync(sandbox.path(file), text);
  };
  write('root.json', encodeTrustedRoot(instance.trustedRoot));
  write('authority.json', encodeRevocationAuthority(people.authority));
  write('policy.yaml', POLICY(SUBJECT));
  const say: Lab['say'] = async (said, names = ['ann', 'ben']) => {
    const statements = said.map((one) => people.sign(one, names));
    const now = { issuedAt: new Date(), expires: new Date(Date.now() + 3_600_000), version: said.length + 1 };
    write('revocations.json', await people.snapshot({ ...now, statements }));
  };
  await say([]);
  const flags = [
    ...['--trusted-root', 'root.json', '--policy', 'policy.yaml'],
    ...['--revocations', 'revocations.json', '--revocation-authority', 'authority.json'],
  ];
  return {
    ...{ instance, people, sandbox, write, say },
    read: (file) => readFileSync(sandbox.path(`emergency-plan/${file}`), 'utf8'),
    init: (...more) => sandbox.run(['plan', 'init', ...flags, ...more]),
    check: async (...more) => {
      const ended = await sandbox.run(['plan', 'check', '-o', 'json', ...flags, ...more]);
      const { findings } = JSON.parse(ended.stdout || '{"findings":[]}') as {
        findings: { rule: string; found: string }[];
      };
      return { ended, rules: findings.map(({ rule }) => rule), found: findings.map(({ found }) => found).join('\n') };
    },
  };
}

/** Fills in the contacts, and records a drill and a tabletop. */
async function complete(lab: Lab): Promise<void> {
  const contacts = parseContacts(lab.read('contacts.json'));
  lab.write(
    'emergency-plan/contacts.json',
    encodeContacts(
      contacts.map(({ name, role }) => ({ name: name || 'cem', role, reach: '+1 555 0100', backup: 'pager' })),
    ),
  );
  const refreshed = await lab.init();
  assert.equal(refreshed.exitCode, 0, refreshed.stderr);
  lab.write('emergency-plan/records/drill.json', drillFile(lab.people, 'ann', { endedAt: new Date() }));
  lab.write('emergency-plan/records/tabletop.json', encodeTabletop(TABLETOP));
}

/** A record as a drill leaves it, signed by somebody. */
function drillFile(people: Authority, name: string, how: { readonly endedAt: Date; readonly isFailed?: true }): string {
  const endedAt = new Date(Math.floor(how.endedAt.getTime() / 1000) * 1000);
  const stages = drillStages(how.isFailed === true ? { denied: { outcome: 'failed', detail: 'admitted' } } : {});
  const record = drillRecord({ startedAt: new Date(endedAt.getTime() - 9000), endedAt, stages });
  const [bundle = null] = people.signStatement(drillStatement(record), [name]);
  return encodeSignedDrill(record, bundle);
}

const TABLETOP: TabletopRecord = {
  heldAt: new Date(Math.floor(Date.now() / 1000) * 1000),
  scenario: 'stolen-identity',
  about: 'identity alice',
  participants: ['ann', 'ben'],
  approvals: { needed: 2, of: ['ann', 'ben'] },
  blast: { count: '0', scope: 'nothing', notLookedAt: [], protected: [] },
  steps: [],
  questions: [{ question: 'who decides?', answer: 'ann' }],
};

test('a plan of what is found: page, drafts that parse, contacts to fill in', async (t) => {
  const lab = await openLab(t);
  const ended = await lab.init();
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal(ended.stdout, 'emergency-plan\n');
  assert.match(ended.stderr, /no cluster: name one with --kubeconfig/);
  const page = lab.read('plan.md');
  for (const part of [
    SUBJECT,
    encodeHex(KEY.id),
    'ann',
    'ben',
    lab.instance.root.certificate.fingerprint.slice(0, 12),
  ]) {
    assert.ok(page.includes(part), part);
  }
  const drafts = readdirSync(lab.sandbox.path('emergency-plan/statements'));
  const kinds = drafts.map((name) => name.replace(/-[0-9a-f]{8}\.json$/, '')).sort();
  assert.deepEqual(
    [...new Set(kinds)],
    ['ca-compromise', 'leaked-key', 'log-compromise', 'stolen-identity', 'tsa-compromise'],
  );
  assert.deepEqual(
    parseContacts(lab.read('contacts.json')).map(({ name, role }) => `${name} ${role}`.trim()),
    [
      'ann may revoke',
      'ben may revoke',
      'incident lead',
      'keeper of the snapshot key',
      'platform on call',
      'communications',
    ],
  );
  // A draft says what a statement is about, and the same command takes it.
  const draft = drafts.find((name) => name.startsWith('stolen-identity')) ?? '';
  const about = ['--draft', `emergency-plan/statements/${draft}`, '--from', '2026-06-01T11:00:00Z'];
  const images = [
    '--policy',
    'policy.yaml',
    '--trusted-root',
    'root.json',
    '--running',
    `a.example/x@sha256:${'0'.repeat(64)}`,
  ];
  const plan = await lab.sandbox.run(['revoke', 'plan', '-o', 'json', ...about, ...images]);
  assert.match(plan.stdout, /alice@example\.com/);
});

test('run again: nothing changes; what people wrote is kept to the byte, and so is what nobody could look at', async (t) => {
  const lab = await openLab(t);
  await lab.init();
  const files = ['plan.md', 'plan.json', 'contacts.json'];
  const before = files.map(lab.read);
  assert.match((await lab.init()).stderr, /nothing has changed/);
  assert.deepEqual(files.map(lab.read), before);
  const own = lab.read('plan.md').replace('- (none)', '- billing: last, and only by day  ');
  lab.write('emergency-plan/plan.md', own);
  lab.write('policy.yaml', POLICY('bob@example.com'));
  assert.equal((await lab.init()).exitCode, 0);
  const after = lab.read('plan.md');
  assert.ok(after.includes('- billing: last, and only by day  \n') && after.includes('bob@example.com'));
  assert.ok(!after.includes(SUBJECT), 'nothing accepts Alice any more');
  const drafts = readdirSync(lab.sandbox.path('emergency-plan/statements'));
  assert.equal(drafts.filter((name) => name.startsWith('stolen-identity')).length, 1);
  // Without policies nobody knows who signs: what was known stays.
  const blind = await lab.sandbox.run(['plan', 'init', '--trusted-root', 'root.json']);
  assert.equal(blind.exitCode, 0, blind.stderr);
  assert.match(blind.stderr, /not looked at: the policies/);
  assert.match(blind.stderr, /nothing has changed/);
});

test('generated parts that somebody has changed are not written over unless that is said', async (t) => {
  const lab = await openLab(t);
  await lab.init();
  const [draft = ''] = readdirSync(lab.sandbox.path('emergency-plan/statements'));
  const changes: readonly (readonly [file: string, named: RegExp, change: (text: string) => string])[] = [
    ['plan.md', /plan\.md, part authority/, (text) => text.replace('Who has to agree: 1', 'Who has to agree: 9')],
    [`statements/${draft}`, new RegExp(draft), (text) => text.replace('"severity": "critical"', '"severity": "high"')],
  ];
  for (const [file, named, change] of changes) {
    const text = lab.read(file);
    const changed = change(text);
    assert.notEqual(changed, text);
    lab.write(`emergency-plan/${file}`, changed);
    const refused = await lab.init();
    assert.deepEqual([refused.exitCode, errorCode(refused)], [1, 'USAGE_WOULD_OVERWRITE'], refused.stderr);
    assert.match(refused.stderr, named);
    assert.equal(lab.read(file), changed, 'and nothing was written');
    assert.equal((await lab.init('--force')).exitCode, 0);
    assert.equal(lab.read(file), text);
  }
  lab.write('emergency-plan/plan.json', '{"schema": 1}');
  assert.equal(errorCode(await lab.init()), 'FORMAT_PLAN');
  lab.write('emergency-plan/contacts.json', '[]');
  assert.equal(errorCode(await lab.init()), 'FORMAT_PLAN');
});

test('a new plan misses contacts and exercises; a complete one misses nothing', async (t) => {
  const lab = await openLab(t);
  await lab.init();
  const fresh = await lab.check();
  assert.deepEqual([fresh.ended.exitCode, errorCode(fresh.ended)], [DENIED, 'PLAN_INCOMPLETE'], fresh.ended.stderr);
  assert.deepEqual([...new Set(fresh.rules)], ['contact-missing', 'drill-missing', 'tabletop-missing']);
  await complete(lab);
  const good = await lab.check();
  assert.deepEqual([good.ended.exitCode, good.rules], [0, []], good.found);
  const trusted = ['plan', 'check', '--trusted-root', 'root.json'];
  const who = ['--revocations', 'revocations.json', '--revocation-authority', 'authority.json'];
  const blind = await lab.sandbox.run([...trusted, ...who]);
  assert.deepEqual([blind.exitCode, errorCode(blind)], [UNKNOWN, 'COULD_NOT_CHECK'], blind.stdout);
  assert.match(blind.stdout, /^unknown +not-looked-at: the policies: /);
  // Who signed a drill cannot be told without those who may.
  const unknown = await lab.sandbox.run([...trusted, '--policy', 'policy.yaml']);
  assert.equal(errorCode(unknown), 'PLAN_INCOMPLETE');
  assert.match(unknown.stdout, /record-unreadable: records.drill\.json: nobody says/);
  assert.match(unknown.stdout, /not-looked-at: who may revoke: /);
});

const CHANGES: readonly (readonly [
  name: string,
  change: (lab: Lab) => Promise<void> | void,
  rules: readonly string[],
])[] = [
  [
    'another authority',
    async (lab) => {
      const others = new Authority(lab.instance, ['ann', 'dora'], { narrow: 1, broad: 2, relaxing: 2 });
      lab.write('authority.json', encodeRevocationAuthority(others.authority));
      lab.write(
        'revocations.json',
        await others.snapshot({ issuedAt: new Date(), expires: new Date(Date.now() + 3_600_000) }),
      );
    },
    // Ann has another key, and Ben's drill was signed by somebody who is nobody any more.
    ['authority-changed', 'contact-missing', 'contact-unknown', 'page-changed', 'record-unreadable', 'drill-missing'],
  ],
  [
    'a member whose key is revoked: nobody can reinstate any more',
    async (lab) => lab.say([revocation({ key: encodeHex(lab.people.key('ben').publicKey.id) })]),
    ['authority-locked'],
  ],
  [
    'another trusted root',
    (lab) => {
      lab.write('root.json', encodeTrustedRoot({ ...lab.instance.trustedRoot, tlogs: [lab.instance.logV2.instance] }));
    },
    ['trust-changed', 'draft-stale', 'page-changed'],
  ],
  [
    'another signer in a policy',
    (lab) => {
      lab.write('policy.yaml', POLICY('bob@example.com'));
    },
    ['draft-missing', 'draft-stale', 'page-changed'],
  ],
  [
    'a signer whom nothing can name',
    (lab) => {
      lab.write('policy.yaml', POLICY(SUBJECT).replace(`subject: ${SUBJECT}`, 'subjectRegExp: ".*"'));
    },
    ['draft-stale', 'signer-undrafted', 'page-changed'],
  ],
  [
    'a draft that is gone',
    (lab) => {
      const dir = lab.sandbox.path('emergency-plan/statements');
      rmSync(`${dir}/${readdirSync(dir)[0] ?? ''}`);
    },
    ['draft-missing'],
  ],
  [
    'a page without a part',
    (lab) => {
      lab.write('emergency-plan/plan.md', lab.read('plan.md').replace('sealwright:end repair', 'end'));
    },
    ['page-changed'],
  ],
  [
    'a drill of last year',
    (lab) => {
      lab.write(
        'emergency-plan/records/drill.json',
        drillFile(lab.people, 'ann', { endedAt: new Date('2026-01-01T00:00:00Z') }),
      );
    },
    ['drill-old'],
  ],
  [
    'a drill that failed',
    (lab) => {
      lab.write(
        'emergency-plan/records/drill.json',
        drillFile(lab.people, 'ann', { endedAt: new Date(), isFailed: true }),
      );
    },
    ['drill-failed'],
  ],
  [
    'a drill by a stranger',
    (lab) => {
      lab.write(
        'emergency-plan/records/drill.json',
        drillFile(new Authority(lab.instance, ['eve'], { narrow: 1, broad: 1, relaxing: 1 }), 'eve', {
          endedAt: new Date(),
        }),
      );
    },
    ['record-unreadable', 'drill-missing'],
  ],
  [
    'a drill of which somebody has changed the times',
    (lab) => {
      lab.write(
        'emergency-plan/records/drill.json',
        lab.read('records/drill.json').replace('"passed": true', '"passed": false'),
      );
    },
    ['record-unreadable', 'drill-missing'],
  ],
  [
    'a tabletop of last year',
    (lab) => {
      lab.write(
        'emergency-plan/records/tabletop.json',
        encodeTabletop({ ...TABLETOP, heldAt: new Date('2026-01-01T00:00:00Z') }),
      );
    },
    ['tabletop-old'],
  ],
  [
    'a tabletop from the future',
    (lab) => {
      lab.write(
        'emergency-plan/records/tabletop.json',
        encodeTabletop({ ...TABLETOP, heldAt: new Date('2036-01-01T00:00:00Z') }),
      );
    },
    ['record-unreadable', 'tabletop-missing'],
  ],
  [
    'a tabletop with a question left',
    (lab) => {
      lab.write(
        'emergency-plan/records/tabletop.json',
        encodeTabletop({ ...TABLETOP, questions: [{ question: 'who has the key?' }] }),
      );
    },
    ['tabletop-open'],
  ],
  [
    'a record that is none',
    (lab) => {
      lab.write('emergency-plan/records/x.json', '{}');
    },
    ['record-unreadable'],
  ],
];

for (const [name, change, rules] of CHANGES) {
  test(`found: ${name}`, async (t) => {
    const lab = await openLab(t);
    await lab.init();
    await complete(lab);
    await change(lab);
    const { ended, rules: found, found: words } = await lab.check();
    assert.deepEqual([...new Set(found)], rules, words);
    if (rules.some((rule) => rule === 'drill-old' || rule === 'drill-failed')) {
      assert.match(
        ended.stdout,
        /"fix": "sealwright revoke drill --namespace=drill --out=emergency-plan\/records\/drill-\S+\.json registry\.example/,
      );
    }
    if (rules.includes('drill-missing')) assert.match(ended.stdout, /"fix": "sealwright revoke drill --help"/);
    const isUnknown = rules.every((rule) => rule === 'record-unreadable');
    assert.equal(errorCode(ended), isUnknown ? 'COULD_NOT_CHECK' : 'PLAN_INCOMPLETE', ended.stderr);
  });
}

test('a cluster: where images run from, its server, and what to do in it', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, run } = running;
  const lab = await openLab(t);
  const image = `registry.infra.svc:5000/shop/app@sha256:${'a'.repeat(64)}`;
  await run({
    name: 'web',
    owner: 'ReplicaSet web',
    spec: { containers: [{ name: 'c', image }] },
    status: { phase: 'Running', containerStatuses: [runs('c', 'x', image)] },
  });
  const ended = await lab.init('--kubeconfig', cluster.kubeconfig);
  assert.equal(ended.exitCode, 0, ended.stderr);
  const { facts } = parseEmergencyPlan(lab.read('plan.json'));
  assert.ok(facts.registries.includes('registry.infra.svc:5000'), facts.registries.join());
  assert.match(facts.cluster?.server ?? '', /^https:/);
  assert.match(lab.read('plan.md'), /revoke watch --level evict --dry-run=false/);
  await complete(lab);
  const whole = await lab.check('--kubeconfig', cluster.kubeconfig);
  assert.deepEqual([whole.ended.exitCode, whole.rules], [0, []], whole.found);
  // Without it nobody looked, and nothing is forgotten.
  const blind = await lab.check();
  assert.deepEqual([blind.rules, errorCode(blind.ended)], [['not-looked-at'], 'COULD_NOT_CHECK'], blind.found);
  await run({
    name: 'other',
    owner: 'ReplicaSet other',
    spec: { containers: [{ name: 'c', image: 'ghcr.io/acme/app:1' }] },
    status: { phase: 'Running', containerStatuses: [runs('c', 'x', 'ghcr.io/acme/app:1')] },
  });
  const grown = await lab.check('--kubeconfig', cluster.kubeconfig);
  assert.deepEqual(grown.rules, ['registry-unknown', 'page-changed'], grown.found);
  assert.equal(errorCode(grown.ended), 'PLAN_INCOMPLETE');
});

test('no plan, and no trust', async (t) => {
  const lab = await openLab(t);
  assert.equal(errorCode((await lab.check()).ended), 'USAGE_FILE');
  assert.ok(!existsSync(lab.sandbox.path('emergency-plan')));
  assert.equal(errorCode(await lab.sandbox.run(['plan', 'init', '--trusted-root', 'absent.json'])), 'USAGE_FILE');
  assert.ok(!existsSync(lab.sandbox.path('emergency-plan')), 'nothing was begun');
});
