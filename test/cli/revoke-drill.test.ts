/** `sealwright revoke drill` against a running stack: a canary of its own, two people, a record that proves itself, and nothing left. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';

const WHO = 'dev@example.test';
const DRILL_FAILED = 20;

const sandbox = new Sandbox();
const { run, done, refused } = checkedCommands(sandbox, { COSIGN_PASSWORD: '' });
let stack: SandboxStack;

interface Drilled {
  readonly record: {
    readonly words: readonly string[];
    readonly startedAt: string;
    readonly passed: boolean;
    readonly canary: string;
    readonly statement: string;
    readonly stages: readonly { readonly stage: string; readonly outcome: string; readonly detail?: string }[];
    readonly restored: { readonly outcome: string };
  };
}

/** What every drill here says, with keys of as many as make something good again. */
function drill(...more: readonly string[]): readonly string[] {
  const told = ['--to', stack.dir, '--snapshot-key', 'snapshot.key', '--policy', 'policy.yaml'];
  return ['revoke', 'drill', ...told, ...more];
}

const BOTH = ['--key', 'ann.key', '--key', 'ben.key'];

function fresh(): readonly string[] {
  return ['--push', `${stack.status.registry}/drill/canary`, '--canary-identity-token', 'token'];
}

function recordIn(name: string): Drilled['record'] {
  return (JSON.parse(readFileSync(sandbox.path(name), 'utf8')) as Drilled).record;
}

/** Everything was reached, however long it took: a busy machine may be too late for the goals, and says so. */
async function drilled(file: string, ...args: readonly string[]): Promise<Ended> {
  const ended = await run(...args);
  const { passed, stages, restored } = recordIn(file);
  assert.ok(
    stages.every(({ outcome }) => outcome !== 'failed'),
    ended.stderr,
  );
  assert.equal(restored.outcome, 'done', ended.stderr);
  assert.equal(ended.exitCode, passed ? 0 : DRILL_FAILED, ended.stderr);
  assert.equal(errorCode(ended), passed ? '' : 'DRILL_FAILED');
  return ended;
}

async function inForce(): Promise<string> {
  return (await done('revoke', 'status')).stdout;
}

before(async () => {
  stack = await SandboxStack.start(sandbox);
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  writeFileSync(
    sandbox.path('policy.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "**"}]
  authorities: [{keyless: {identities: [{issuer: "${stack.status.issuer}", subject: "${WHO}"}]}}]
`,
  );
  for (const name of ['ann', 'ben', 'eve', 'snapshot']) await done('generate-key-pair', '--output-key-prefix', name);
  const members = ['--member', 'ann=ann.pub', '--member', 'ben=ben.pub', '--snapshot-key', 'snapshot.pub'];
  await done('revoke', 'init', ...members);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('refused before anything is published: nobody tells revocations yet', async () => {
  await refused('USAGE_BAD_FLAG', 1, ...drill(...BOTH, ...fresh()));
  assert.ok(!existsSync(sandbox.path('revocation-drill.json')));
  await done('revoke', 'publish', '--to', stack.dir, '--snapshot-key', 'snapshot.key');
});

test('a canary of its own: logged, published, refused, good again; the record is signed, and nothing stays revoked', async () => {
  const ended = await drilled('revocation-drill.json', ...drill(...BOTH, ...fresh()));
  assert.match(ended.stdout, /statement logged +\d+\.\d s +2\.0 s +(ok|TOO LATE)/);
  assert.match(ended.stdout, /denied by the API server +- +30\.0 s +not tried/);
  assert.match(ended.stdout, /^good again after \d+\.\d s\n(passed|FAILED)$/m);
  const record = recordIn('revocation-drill.json');
  assert.deepEqual(
    record.stages.map(({ outcome }) => outcome),
    ['done', 'done', 'not-tried', 'not-tried', 'done'],
  );
  assert.equal(await inForce(), 'nothing is revoked\n');
  assert.ok(!existsSync(sandbox.path('revocation-drill.json.undo')));
  const status = JSON.parse((await done('revoke', 'status', '-o', 'json')).stdout) as {
    statements: readonly { kind: string; drill?: boolean; selector?: { digest: readonly string[] } }[];
  };
  assert.deepEqual(
    status.statements.map(({ kind }) => kind),
    ['revocation', 'reinstatement'],
  );
  const [said] = status.statements;
  assert.ok(said?.drill === true, 'marked as a drill');
  assert.deepEqual(said.selector?.digest, [record.canary.split('@')[1]]);
});

test('called as the flag, and as JSON', async () => {
  const [, , ...rest] = drill(...BOTH, ...fresh(), '--out', 'second.json', '-o', 'json');
  const { stdout } = await drilled('second.json', 'revoke', '--drill', ...rest);
  assert.equal(stdout.trim(), readFileSync(sandbox.path('second.json'), 'utf8').trim());
});

test('an image that is named, and what ends the drill signed beforehand by the other one', async () => {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, 'drill/given', '1');
  const image = `${registry}/drill/given@${digest}`;
  await done('sign', '--keyless', '--identity-token', 'token', image);
  await done('revoke', 'sign', '--key', 'ann.key', '--reinstate', 'd-3', '--reason', 'over', '--out', 'undo.json');
  const alone = ['--key', 'ann.key', '--reinstatement', 'undo.json', '--out', 'third.json', image];
  const early = await refused('DRILL_FAILED', DRILL_FAILED, ...drill(...alone));
  assert.match(early.stdout, /statement logged .*REVOCATION_QUORUM/);
  assert.match(early.stdout, /good again: nothing had been published/);
  assert.equal(await inForce(), 'nothing is revoked\n');
  await done('revoke', 'approve', '--key', 'ben.key', '--yes', 'undo.json');
  await drilled('third.json', ...drill(...alone));
  assert.equal(recordIn('third.json').statement, 'd-3');
  assert.equal(await inForce(), 'nothing is revoked\n');
});

test('refused: no canary or two, one that nobody signed, a stranger who would not be believed, one that is revoked', async () => {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, 'drill/bare', '1', 'something else');
  const bare = `${registry}/drill/bare@${digest}`;
  await refused('USAGE_BAD_FLAG', 1, ...drill(...BOTH));
  await refused('USAGE_BAD_FLAG', 1, ...drill(...BOTH, ...fresh(), bare));
  await refused('USAGE_BAD_FLAG', 1, ...drill(...BOTH, '--canary-key', 'eve.key', bare));
  await refused('USAGE_BAD_FLAG', 1, ...drill(...BOTH, '--push', `${registry}/drill/canary`));
  await refused('NO_SIGNATURE', 10, ...drill(...BOTH, bare));
  const strange = await refused(
    'DRILL_FAILED',
    DRILL_FAILED,
    ...drill('--key', 'eve.key', ...fresh(), '--out', 'e.json'),
  );
  assert.match(strange.stdout, /statement logged FAILED|KEY_MISMATCH/);
  await done('revoke', 'sign', '--key', 'ann.key', '--reason', 'x', '--out', 'r.json', recordIn('third.json').canary);
  await done('revoke', 'publish', '--to', stack.dir, '--snapshot-key', 'snapshot.key', 'r.json');
  await refused('POLICY_DENIED', 20, ...drill(...BOTH, recordIn('third.json').canary));
});

test('a record remembers how it was held, in a folder under a name of its own, and no token', async () => {
  const token = readFileSync(sandbox.path('token'), 'utf8').trim();
  const canary = ['--push', `${stack.status.registry}/drill/canary`, '--canary-identity-token', token];
  mkdirSync(sandbox.path('records'));
  const ended = await run(...drill(...BOTH, ...canary, '--out', 'records/'));
  assert.match(ended.stderr, /records\/revocation-drill-\S+Z\.json {3}signed and logged/);
  const [name = '', ...others] = readdirSync(sandbox.path('records'));
  assert.deepEqual(others, []);
  const text = readFileSync(sandbox.path(`records/${name}`), 'utf8');
  const { words } = recordIn(`records/${name}`);
  assert.deepEqual(
    words.filter((word) => !word.startsWith('--allow-') && !word.startsWith('--push=')),
    ['--key=ann.key', '--key=ben.key', `--to=${stack.dir}`, '--snapshot-key=snapshot.key', '--policy=policy.yaml'],
  );
  assert.ok(!text.includes(token));
});

test('an audit takes the newest record that the authority has signed, and not one by somebody else', async () => {
  await done(
    'audit',
    'snapshot',
    '--system',
    's',
    '--policy',
    'policy.yaml',
    '--out',
    'now.json',
    recordIn('third.json').canary,
  );
  const report = await done('audit', 'diff', 'now.json', 'now.json', '--drill', 'third.json', '--drill', 'second.json');
  assert.match(report.stdout, /(the command line refused it|failed: ).* after \d+\.\d s\b.*signed by ann/);
  // Once one is due, what the report says to do is done as pasted.
  const due = ['--drill', 'revocation-drill.json', '--drill-max-age', '1s'];
  const stale = await done('audit', 'diff', 'now.json', 'now.json', ...due);
  const [, command = ''] = /^Next: `sealwright (revoke drill [^`]*)`$/m.exec(stale.stdout) ?? [];
  assert.doesNotMatch(command, /--help|'/, stale.stdout);
  const { startedAt } = recordIn('revocation-drill.json');
  await drilled('revocation-drill.json', ...command.split(' '));
  assert.ok(recordIn('revocation-drill.json').startedAt > startedAt);
  const stranger = await run('audit', 'diff', 'now.json', 'now.json', '--drill', 'e.json');
  assert.match(stranger.stderr, /^KEY_MISMATCH/m);
});
