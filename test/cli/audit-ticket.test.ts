/** `sealwright audit ticket` as it is typed: places, tokens, what it prints and how it ends. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { AuditState } from '../../src/core/audit/audit-entry.ts';
import { encodeAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { github } from '../support/github-tracker.ts';
import { Tracker } from '../support/issue-trackers.ts';

const TOKEN = 'ghp_secretsecretsecret';
const IMAGE = `registry.example/web@sha256:${'ab'.repeat(32)}`;

function open(t: TestContext, state: AuditState = 'unsigned'): Sandbox {
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const place = {
    namespace: 'shop',
    owner: 'Deployment web',
    path: 'spec.containers[0].image',
    text: IMAGE,
    image: IMAGE,
  };
  const policies = { source: 'the cluster', digest: 'sha256:00', count: 1 };
  const facts = {
    system: 'shop',
    takenAt: new Date('2026-03-03T08:00:00Z'),
    version: '1',
    scope: 'a cluster, all namespaces',
    policies,
    trust: 't',
  };
  const entry = { ...place, source: 'status', pods: 1, state, signers: [], policies: [] } as const;
  sandbox.write('now.json', encodeAuditSnapshot({ ...facts, entries: [entry], notLookedAt: [] }));
  return sandbox;
}

test('GitHub: rehearsed, created, and found again; the token goes into the header alone', async (t) => {
  const sandbox = open(t);
  const tracker = await Tracker.open(t, github);
  const environment = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: tracker.url };
  const run = (...more: readonly string[]) =>
    sandbox.run(['audit', 'ticket', 'now.json', '--to', 'github:acme/ops', '--owner', 'payments', ...more], {
      environment,
    });
  const rehearsed = await run('--dry-run');
  assert.equal(rehearsed.exitCode, 0, rehearsed.stderr);
  assert.match(rehearsed.stdout, new RegExp(`^would create a ticket\\n[^]*^sealwright sign ${IMAGE}$`, 'm'));
  assert.equal(tracker.tickets.length, 0);
  const created = await run('-o', 'json');
  assert.deepEqual(JSON.parse(created.stdout), {
    schema: 'urn:sealwright:audit-ticket:v1',
    action: 'create',
    dryRun: false,
    commented: false,
    due: '2026-03-25',
    url: `${tracker.url}/acme/ops/issues/1`,
    title: 'shop: 1 open between what runs and what is proven',
  });
  const again = await run();
  assert.equal(again.stdout, `nothing to change  ${tracker.url}/acme/ops/issues/1\n`);
  assert.equal(tracker.tickets.length, 1);
  assert.ok(tracker.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`));
  assert.ok([rehearsed, created, again].every(({ stdout, stderr }) => !`${stdout}${stderr}`.includes(TOKEN)));
  assert.deepEqual(tracker.problems, []);
});

test('each command of a ticket is one that the command line takes', async (t) => {
  const sandbox = open(t);
  const { stdout } = await sandbox.run(['audit', 'ticket', 'now.json', '--to', 'gap.md', '--dry-run']);
  const commands = stdout.split('\n').filter((line) => line.startsWith('sealwright '));
  assert.equal(commands.length, 4);
  assert.match(stdout, / in every snapshot for 14 days\./, 'what the help says of --close-after');
  for (const command of commands.flatMap((line) => line.split(' && '))) {
    const ended = await sandbox.run([...command.split(' ').slice(1), '--help']);
    assert.equal(ended.exitCode, 0, command);
    assert.notEqual(errorCode(ended), 'USAGE_BAD_FLAG', command);
  }
  assert.ok(!existsSync(sandbox.path('gap.md')));
});

test('the close rule as a test: 20 while there is a gap, 0 without one', async (t) => {
  const file = ['audit', 'ticket', 'now.json', '--to', 'gap.md', '--close-after', '0', '--fail-while-open'];
  assert.equal((await open(t).run(file)).exitCode, 20);
  assert.equal((await open(t, 'verified').run(file)).exitCode, 0);
  const tooEarly = await open(t, 'verified').run(file.map((word) => (word === '0' ? '14' : word)));
  assert.deepEqual([tooEarly.exitCode, errorCode(tooEarly)], [20, 'POLICY_DENIED']);
});

test('what is refused before anything is asked', async (t) => {
  const sandbox = open(t);
  const cases: readonly (readonly [code: string, args: readonly string[], environment?: Record<string, string>])[] = [
    ['USAGE_BAD_FLAG', []],
    ['USAGE_BAD_FLAG', ['--to', 'gap.txt']],
    ['USAGE_BAD_FLAG', ['--to', 'github:acme']],
    ['USAGE_BAD_FLAG', ['--to', 'github:../ops']],
    ['USAGE_BAD_FLAG', ['--to', 'jira:ops" OR 1']],
    ['USAGE_BAD_FLAG', ['--to', 'gap.md', '--system', 'other']],
    ['USAGE_BAD_FLAG', ['--to', 'gap.md', '--review', '2020-01-01']],
    ['USAGE_BAD_CONFIG', ['--to', 'github:acme/ops']],
    ['USAGE_BAD_CONFIG', ['--to', 'github:acme/ops'], { GITHUB_TOKEN: 'two\nlines' }],
    ['USAGE_BAD_CONFIG', ['--to', 'gitlab:acme/ops'], { GITLAB_TOKEN: 'x', GITLAB_HOST: 'https://u:p@gitlab.example' }],
    ['USAGE_BAD_CONFIG', ['--to', 'jira:OPS'], { JIRA_TOKEN: 'x' }],
  ];
  for (const [code, args, environment = {}] of cases) {
    const ended = await sandbox.run(['audit', 'ticket', 'now.json', ...args], { environment });
    assert.deepEqual([ended.exitCode, errorCode(ended)], [1, code], `${args.join(' ')}: ${ended.stderr}`);
  }
  sandbox.write('forged.json', '{}');
  assert.equal(errorCode(await sandbox.run(['audit', 'ticket', 'forged.json', '--to', 'gap.md'])), 'FORMAT_AUDIT');
});
