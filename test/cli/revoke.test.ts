/** Revoking through the command line, from the authority to the verifier that refuses: whole processes against a running stack. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { errorCode, Sandbox, SandboxStack } from '../support/command-line.ts';
import { revokeSign } from './revoke-words.ts';

const WHO = 'dev@example.test';
const REVOKED = 21;

const sandbox = new Sandbox();
const environment = { COSIGN_PASSWORD: '' };
let stack: SandboxStack;
let pinned: string;
let digest: string;

const { done, refused } = checkedCommands(sandbox, environment);

/** Each test has snapshots of its own, and with another authority nothing of an earlier one is known. */
async function authority(name: string, ...more: readonly string[]): Promise<readonly string[]> {
  await done('generate-key-pair', '--output-key-prefix', `${name}-snapshot`);
  const members = ['ann', 'ben'].flatMap((member) => ['--member', `${member}=${member}.pub`]);
  const file = `${name}-authority.json`;
  await done('revoke', 'init', ...members, '--snapshot-key', `${name}-snapshot.pub`, '--out', file, ...more);
  return ['--revocations', `${name}.json`, '--revocation-authority', file];
}

function publish(name: string, ...files: readonly string[]): readonly string[] {
  const key = ['--snapshot-key', `${name}-snapshot.key`, '--revocation-authority', `${name}-authority.json`];
  return ['revoke', 'publish', ...key, '--snapshot', `${name}.json`, ...files];
}

function verify(...more: readonly string[]): readonly string[] {
  return ['verify', '--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer, ...more, pinned];
}

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { registry } = stack.status;
  ({ digest } = await pushDemoImage(registry, 'shop/app', '1'));
  pinned = `${registry}/shop/app@${digest}`;
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  await done('sign', '--keyless', '--identity-token', 'token', pinned);
  for (const name of ['ann', 'ben']) await done('generate-key-pair', '--output-key-prefix', name);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('an image by its digest: one member suffices, verification refuses, a reinstatement of two makes it good again', async () => {
  const known = await authority('image');
  await done(...publish('image'));
  await done(...verify(...known));
  const signed = await done(
    ...[...revokeSign('ann.key', 'a miner inside'), '--id', 'miner'],
    ...['--out', 'r1.json', pinned],
  );
  assert.match(signed.stderr, new RegExp(`revokes +image ${digest}`));
  await done(...publish('image', 'r1.json'));
  const ended = await refused('REVOKED', REVOKED, ...verify(...known));
  assert.match(ended.stderr, /a miner inside/);
  assert.match(ended.stderr, /statement miner of /);
  // What the webhook would say, said before it is asked.
  const passing = 'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n';
  writeFileSync(
    sandbox.path('p.yaml'),
    `${passing}spec: {images: [{glob: "**"}], authorities: [{static: {action: pass}}]}\n`,
  );
  const trial = ['policy', 'test', '--policy', 'p.yaml', '--dir', stack.dir];
  await done(...trial, pinned);
  await refused('REVOKED', REVOKED, ...trial, ...known, pinned);
  const status = await done('revoke', 'status', ...known);
  assert.match(status.stdout, /^miner +deny +ever +ann +image sha256:/m);

  await done(...revokeSign('ann.key', 'a mistake'), '--reinstate', 'miner', '--out', 'r2.json');
  const alone = await refused('REVOCATION_QUORUM', 12, ...publish('image', 'r2.json'));
  assert.match(alone.stderr, /found: +ann/);
  await done('revoke', 'approve', '--key', 'ben.key', '--yes', 'r2.json');
  await done(...publish('image', 'r2.json'));
  await done(...verify(...known));
  const all = JSON.parse((await done('revoke', 'status', '-o', 'json', ...known)).stdout) as {
    version: number;
    statements: { id: string; inForce: boolean; approvals: string[] }[];
  };
  assert.equal(all.version, 3);
  assert.deepEqual(
    all.statements.map(({ inForce, approvals }) => [inForce, approvals]),
    [
      [false, ['ann']],
      [false, ['ann', 'ben']],
    ],
  );
});

test('an identity in a window: two members have to agree', async () => {
  const known = await authority('identity');
  const about = ['--identity', 'dev@*', '--issuer', stack.status.issuer, '--from', '2026-01-01T00:00:00Z'];
  await done(...revokeSign('ann.key', 'token stolen'), ...about, '--expect-count', '0+1', '--out', 'stolen.json');
  await refused('REVOCATION_QUORUM', 12, ...publish('identity', 'stolen.json'));
  await done('revoke', 'approve', '--key', 'ben.key', '--yes', 'stolen.json');
  await done(...publish('identity', 'stolen.json'));
  const ended = await refused('REVOKED', REVOKED, ...verify(...known));
  assert.match(ended.stderr, /identity dev@\*, issuer http.* from 2026-01-01T00:00:00Z/);
});

test('what was signed before the window is left alone', async () => {
  const known = await authority('later', '--quorum-broad', '1');
  const from = new Date(Date.now() - 1000).toISOString().slice(0, 19);
  const about = ['--identity', 'dev@*', '--issuer', stack.status.issuer, '--from', `${from}Z`];
  await done(...revokeSign('ann.key', 'token stolen'), ...about, '--expect-count', '0+1', '--out', 'later-r.json');
  await done(...publish('later', 'later-r.json'));
  await done(...verify(...known));
});

test('a key, and a blob that was signed with it', async () => {
  const known = await authority('key', '--quorum-broad', '1');
  await done('generate-key-pair', '--output-key-prefix', 'old');
  sandbox.write('app.bin', 'an artifact');
  await done('sign-blob', '--key', 'old.key', '--bundle', 'app.bundle', 'app.bin');
  const check = ['verify-blob', '--key', 'old.pub', '--bundle', 'app.bundle', ...known, 'app.bin'];
  await done(...publish('key'));
  await done(...check);
  await done(
    'revoke',
    'sign',
    '--key',
    'ann.key',
    '--expect-count',
    '0+1',
    '--reason',
    'leaked',
    '--public-key',
    'old.pub',
    '--out',
    'old.json',
  );
  await done(...publish('key', 'old.json'));
  await refused('REVOKED', REVOKED, ...check);
});

test('a member who is revoked: agrees to nothing more, and whoever publishes it is told who is left', async () => {
  await authority('locked', '--quorum-broad', '2', '--quorum-relaxing', '2');
  const sign = ['revoke', 'sign', '--key', 'ann.key', '--expect-count', '0+1'];
  await done(...sign, '--reason', 'laptop stolen', '--public-key', 'ben.pub', '--id', 'lost', '--out', 'lost.json');
  await done('revoke', 'approve', '--key', 'ben.key', '--yes', 'lost.json');
  const told = await done(...publish('locked', 'lost.json'));
  assert.match(
    told.stderr,
    /2 members have to agree on what is broad, and of those who are not revoked there are 1 \(ann\)/,
  );
  await done(...sign, '--reason', 'found again', '--reinstate', 'lost', '--out', 'found.json');
  await done('revoke', 'approve', '--key', 'ben.key', '--yes', 'found.json');
  await refused('KEY_MISMATCH', 12, ...publish('locked', 'found.json'));
});

test('a snapshot that is older than one seen before, or says less, is refused', async () => {
  const known = await authority('replay', '--quorum-broad', '1');
  await done(...revokeSign('ann.key', 'x'), '--public-key', 'a'.repeat(64), '--expect-count', '0+1', '--out', 'x.json');
  await done(...publish('replay', 'x.json'));
  const first = readFileSync(sandbox.path('replay.json'));
  await done(...publish('replay'));
  await done(...verify(...known));
  writeFileSync(sandbox.path('replay.json'), first);
  await refused('REVOCATIONS_OLDER', 12, ...verify(...known));
  writeFileSync(sandbox.path('replay.json'), '{}');
  await refused('FORMAT_REVOCATION', 1, ...verify(...known));
});

test('a source that is gone: what was known holds, with a warning, and refuses what it did', async () => {
  const known = await authority('gone');
  await done(...revokeSign('ann.key', 'x'), '--out', 'gone-r.json', pinned);
  await done(...publish('gone', 'gone-r.json'));
  await refused('REVOKED', REVOKED, ...verify(...known));
  const elsewhere = ['--revocations', 'http://127.0.0.1:1/revocations.json', ...known.slice(2)];
  const ended = await refused('REVOKED', REVOKED, ...verify(...elsewhere));
  assert.match(ended.stderr, /no news of revocations: REMOTE_UNREACHABLE/);
});

test('an end of the snapshot: a day of grace, none when asked for, and none where nothing was ever known', async () => {
  const known = await authority('ended');
  await done(...publish('ended'), '--valid-for', '1ms');
  const ended = await done(...verify(...known));
  assert.match(ended.stderr, /nobody knows whether anything has been revoked lately/);
  await refused('TRUST_STALE', 22, ...verify(...known, '--stale-revocations', 'enforce'));
  await done(...verify(...known, '--stale-revocations', 'warn', '--revocations-max-age', '1ms'));
  await refused('TRUST_STALE', 22, ...verify(...known, '--revocations-max-age', '1ms'));
  const never = await authority('never');
  const nowhere = ['--revocations', 'http://127.0.0.1:1/', ...never.slice(2)];
  await refused('TRUST_STALE', 22, ...verify(...nowhere));
});

const REFUSALS: readonly (readonly [name: string, args: readonly string[], code: string])[] = [
  ['about nothing', ['revoke', 'sign', '--reason', 'x'], 'USAGE_BAD_FLAG'],
  [
    'about two things',
    ['revoke', 'sign', '--reason', 'x', '--log', 'a'.repeat(64), '--repository', 'x'],
    'USAGE_BAD_FLAG',
  ],
  ['without a reason', ['revoke', 'sign', '--log', 'a'.repeat(64)], 'USAGE_BAD_FLAG'],
  ['an identity without issuer', ['revoke', 'sign', '--reason', 'x', '--identity', 'a'], 'USAGE_BAD_FLAG'],
  [
    'a time that is none',
    ['revoke', 'sign', '--reason', 'x', '--log', 'a'.repeat(64), '--from', 'soon'],
    'USAGE_BAD_FLAG',
  ],
  [
    'a key that never ends',
    ['revoke', 'sign', '--reason', 'x', '--public-key', 'a'.repeat(64), '--to', '2026-01-01T00:00:00Z'],
    'FORMAT_REVOCATION',
  ],
  [
    'a drill about a key',
    ['revoke', 'sign', '--reason', 'x', '--public-key', 'a'.repeat(64), '--drill'],
    'FORMAT_REVOCATION',
  ],
  [
    'an unknown claim',
    ['revoke', 'sign', '--reason', 'x', '--identity', 'a', '--issuer', 'b', '--claim', 'team=x'],
    'FORMAT_REVOCATION',
  ],
  ['an approval of nothing', ['revoke', 'approve', '--key', 'ann.key', '--yes', 'absent.json'], 'USAGE_FILE'],
  ['an approval of something else', ['revoke', 'approve', '--key', 'ann.key', '--yes', 'ann.pub'], 'FORMAT_REVOCATION'],
  ['an approval without a yes', ['revoke', 'approve', '--key', 'ann.key', 'r1.json'], 'USAGE_NOT_CONFIRMED'],
  [
    'a snapshot without an authority',
    ['verify', '--key', 'ann.pub', '--revocations', 'image.json', 'x'],
    'USAGE_BAD_FLAG',
  ],
  [
    'an authority without a snapshot',
    ['verify', '--key', 'ann.pub', '--revocation-authority', 'image-authority.json', 'x'],
    'USAGE_BAD_FLAG',
  ],
  ['a status of nothing', ['revoke', 'status'], 'USAGE_BAD_FLAG'],
  ['a member without a key', ['revoke', 'init', '--member', 'ann', '--snapshot-key', 'ann.pub'], 'USAGE_BAD_FLAG'],
  [
    'an authority over another one',
    ['revoke', 'init', '--member', 'a=ann.pub', '--snapshot-key', 'ann.pub', '--out', 'image-authority.json'],
    'USAGE_WOULD_OVERWRITE',
  ],
  [
    'a snapshot by a key that nobody knows',
    [
      'revoke',
      'publish',
      '--snapshot-key',
      'ann.key',
      '--revocation-authority',
      'image-authority.json',
      '--snapshot',
      'image.json',
    ],
    'USAGE_BAD_CONFIG',
  ],
];

for (const [name, args, code] of REFUSALS) {
  test(`refused: ${name}`, async () => {
    await refused(code, 1, ...args);
  });
}

test('a question that nobody answers names the flag that leaves it out', async () => {
  const ended = await refused('USAGE_NOT_CONFIRMED', 1, 'revoke', 'approve', '--key', 'ann.key', 'r1.json');
  assert.match(ended.stderr, /fix: +add --yes to go on/);
});

test('more than an image: signed with the count in hand, given or typed, and with no other', async () => {
  const { issuer } = stack.status;
  writeFileSync(
    sandbox.path('signed.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec: {images: [{glob: "**"}], authorities: [{keyless: {identities: [{issuer: "${issuer}", subject: "${WHO}"}]}}]}
`,
  );
  const where = ['--running', pinned, '--policy', 'signed.yaml'];
  const about = ['--identity', WHO, '--issuer', issuer, ...where];
  const sign = [...revokeSign('ann.key', 'stolen'), ...about, '--out', 'counted.json'];
  const plan = await done('revoke', 'plan', ...about, '-o', 'json');
  const { countDemanded } = JSON.parse(plan.stdout) as { countDemanded: string };
  assert.equal(countDemanded, '1');
  for (const wrong of [['--expect-count', '2'], ['--expect-count', '0+1'], ['--yes'], []]) {
    const ended = await refused('USAGE_NOT_CONFIRMED', 1, ...sign, ...wrong);
    assert.match(ended.stderr, /fix: +add --expect-count 1, if that is what you mean/);
  }
  for (const [input, code] of [
    ['y\n', 'USAGE_NOT_CONFIRMED'],
    ['1\n', ''],
  ] as const) {
    assert.equal(errorCode(await sandbox.run(sign, { environment, input })), code, input);
  }
  await done(...sign, '--expect-count', countDemanded);
  const approved = await done('revoke', 'approve', '--key', 'ben.key', '--yes', ...where, 'counted.json');
  assert.match(approved.stderr, /1 would stop[^]*containers: 1$/m);
});

test('what the cluster cannot do without is stopped by name only, an image or anything broader', async () => {
  const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: dns, namespace: kube-system}\nspec: {containers: [{name: c, image: "${pinned}"}]}\n`;
  writeFileSync(sandbox.path('dns.yaml'), pod);
  const sign = [...revokeSign('ann.key', 'x'), '--out', 'dns.json', '--policy', 'signed.yaml'];
  const broad = ['--identity', WHO, '--issuer', stack.status.issuer, '--expect-count', '1'];
  for (const about of [[pinned], broad]) {
    const ended = await refused('POLICY_DENIED', 20, ...sign, '--resource', 'dns.yaml', ...about);
    assert.match(ended.stderr, /add --force-stop kube-system/);
    await refused('POLICY_DENIED', 20, ...sign, '--resource', 'dns.yaml', '--force-stop', 'shop', ...about);
    await done(...sign, '--resource', 'dns.yaml', '--force-stop', 'kube-system', ...about);
  }
});
