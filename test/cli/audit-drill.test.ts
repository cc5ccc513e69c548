/** What an audit's page says of how fast a revocation is felt: the newest drill that the authority has signed, or none. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { encodeAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { drillStatement, type DrillRecord } from '../../src/core/revocation/drill-record.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeSignedDrill } from '../../src/core/revocation/signed-drill.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { drillCommand } from '../../src/cli/report/drill-command.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { CANARY, drillRecord, drillStages } from '../support/drills.ts';
import { FakeInstance } from '../support/instance.ts';
import { Authority } from '../support/revocations.ts';

const NOW = new Date();
const sandbox = new Sandbox();
const instance = new FakeInstance();
const ONE = { narrow: 1, broad: 1, relaxing: 1 };
const people = new Authority(instance, ['ann'], ONE);

after(() => {
  sandbox.remove();
});

/** As the last one was held: from `words` of its record alone. */
const WORDS = [
  '--push=registry.example/drill/canary',
  '--key=k8s://drill/ann',
  '--to=/srv/my stack',
  '--namespace=drill',
];
const AGAIN =
  "sealwright revoke drill --push=registry.example/drill/canary --key=k8s://drill/ann '--to=/srv/my stack' --namespace=drill";

function keep(name: string, by = people, rest: Partial<DrillRecord> = {}): void {
  const record = drillRecord({ startedAt: NOW, endedAt: NOW, words: WORDS, ...rest });
  const [bundle = null] = by.signStatement(drillStatement(record), ['ann']);
  writeFileSync(sandbox.path(name), encodeSignedDrill(record, bundle));
}

async function report(...args: readonly string[]): Promise<Ended> {
  const snapshot = encodeAuditSnapshot({
    ...{ system: 'shop', takenAt: NOW, version: '0', scope: 'nothing', trust: 'a test', entries: [] },
    notLookedAt: [{ what: 'a namespace', reason: 'REMOTE_STATUS' }],
    policies: { source: 'a test', digest: `sha256:${'0'.repeat(64)}`, count: 0 },
  });
  writeFileSync(sandbox.path('now.json'), snapshot);
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(instance.trustedRoot));
  writeFileSync(sandbox.path('authority.json'), encodeRevocationAuthority(people.authority));
  const expires = new Date(NOW.getTime() + 3_600_000);
  writeFileSync(sandbox.path('revocations.json'), await people.snapshot({ issuedAt: NOW, expires }));
  return sandbox.run(['audit', 'diff', 'now.json', 'now.json', ...args]);
}

const BELIEVED = [
  ...['--trusted-root', 'root.json', '--revocations', 'revocations.json'],
  ...['--revocation-authority', 'authority.json'],
];

test('never drilled, and what to do about it', async () => {
  const { stdout } = await report();
  assert.match(stdout, /## Time to revoke\n\nnever drilled\n\nNext: `sealwright revoke drill --help`/);
  assert.match((await report('-o', 'html')).stdout, /never drilled<\/p>\n<p>Next: <code>sealwright revoke drill/);
});

test('the newest of several drills counts; one that is too old, or failed, makes another due', async () => {
  const old = new Date('2020-01-01T00:00:00Z');
  keep('new.json');
  keep('old.json', people, { startedAt: old, endedAt: old });
  keep('failed.json', people, { stages: drillStages({ denied: { outcome: 'failed' } }) });
  const drilled = await report(...BELIEVED, '--drill', 'old.json', '--drill', 'new.json');
  assert.match(drilled.stdout, /denied it after 3\.0 s.*signed by ann/, drilled.stderr);
  assert.doesNotMatch(drilled.stdout, /Next:/);
  const stale = await report(...BELIEVED, '--drill', 'old.json');
  assert.match(stale.stdout, /stale, \d+ days old where 90 are allowed/);
  assert.ok(stale.stdout.includes(`\n\nNext: \`${AGAIN}\`\n`), stale.stdout);
  assert.ok(
    (await report(...BELIEVED, '--drill', 'old.json', '-o', 'html')).stdout.includes(
      `<p>Next: <code>${AGAIN.replaceAll("'", '&#39;')}</code>`,
    ),
  );
  const accepted = await report(...BELIEVED, '--drill', 'old.json', '--drill-max-age', '800000h', '-o', 'json');
  assert.equal((JSON.parse(accepted.stdout) as { isDrillDue: boolean }).isDrillDue, false);
  const failed = await report(...BELIEVED, '--drill', 'failed.json');
  assert.match(failed.stdout, /failed: denied/);
  assert.ok(failed.stdout.includes(`\n\nNext: \`${AGAIN}\`\n`), failed.stdout);
});

test('what the next drill is called with: flags of a drill alone, and what the record says beside them', () => {
  const cases: readonly (readonly [Partial<DrillRecord> | undefined, string])[] = [
    [undefined, '--help'],
    [{}, `--namespace=drill ${CANARY}`],
    [{ words: WORDS }, AGAIN.replace('sealwright revoke drill ', '')],
    [{ words: ['--key=a.key', '--namespace=drill'] }, `--key=a.key --namespace=drill ${CANARY}`],
    // Whoever signed a record cannot have another flag pasted, nor a second command.
    [{ words: ['--out=/etc/passwd', '--push=r/c', '--help', '--keys=x'] }, '--push=r/c --namespace=drill'],
    [{ words: ["--key=x'; id #", '--push=r/c'] }, `'--key=x'\\''; id #' --push=r/c --namespace=drill`],
  ];
  for (const [last, expected] of cases) {
    const record = last === undefined ? undefined : drillRecord(last);
    assert.equal(drillCommand(record), `sealwright revoke drill ${expected}`);
  }
  assert.equal(
    drillCommand(drillRecord(), 'x/y.json'),
    `sealwright revoke drill --namespace=drill --out=x/y.json ${CANARY}`,
  );
});

test('a ticket says it as well, and has the drill among its actions once it is due', async () => {
  await report();
  const ticket = (...args: readonly string[]): Promise<Ended> =>
    sandbox.run(['audit', 'ticket', 'now.json', '--to', 'gap.md', '--dry-run', ...args]);
  const old = new Date('2020-01-01T00:00:00Z');
  keep('new.json');
  keep('old.json', people, { startedAt: old, endedAt: old });
  const silent = await ticket();
  assert.doesNotMatch(silent.stdout, /revoke drill|Time to revoke/, silent.stderr);
  const drilled = await ticket(...BELIEVED, '--drill', 'new.json');
  assert.match(drilled.stdout, /Time to revoke.*denied it after 3\.0 s/, drilled.stderr);
  assert.doesNotMatch(drilled.stdout, /sealwright revoke drill/);
  const due = await ticket(...BELIEVED, '--drill', 'old.json');
  assert.match(
    due.stdout,
    /Time to revoke.*stale[^]*sealwright revoke drill --push=registry\.example\/drill\/canary .*--namespace=drill$[^]*--drill old\.json/m,
    due.stderr,
  );
  assert.equal(errorCode(await ticket(...BELIEVED, '--drill', 'absent.json')), 'USAGE_FILE');
});

test('refused: a record by a stranger beside a good one, one that is not there, and nobody who says whom to believe', async () => {
  keep('new.json');
  keep('forged.json', new Authority(instance, ['ann'], ONE));
  const refusals: readonly (readonly [string, readonly string[]])[] = [
    ['KEY_MISMATCH', [...BELIEVED, '--drill', 'new.json', '--drill', 'forged.json']],
    ['USAGE_FILE', [...BELIEVED, '--drill', 'absent.json']],
    ['FORMAT_REVOCATION', [...BELIEVED, '--drill', 'now.json']],
    ['USAGE_BAD_FLAG', ['--trusted-root', 'root.json', '--drill', 'new.json']],
    ['USAGE_BAD_FLAG', [...BELIEVED, '--drill', 'new.json', '--drill-max-age', 'long']],
  ];
  for (const [code, args] of refusals) assert.equal(errorCode(await report(...args)), code, args.join(' '));
});
