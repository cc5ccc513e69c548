/** Several signers of one file, and the claims of their certificates, by the command line. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Sandbox, SandboxStack, errorCode, type Ended } from '../support/command-line.ts';

const ANN = 'ann@example.test';
const BOB = 'bob@example.test';
const NO_PASSWORD = { COSIGN_PASSWORD: '' };

const sandbox = new Sandbox();
let stack: SandboxStack;
let issuer: readonly string[];

before(async () => {
  stack = await SandboxStack.start(sandbox);
  issuer = ['--certificate-oidc-issuer', stack.status.issuer];
  sandbox.write('app.bin', 'an artifact\n');
  for (const [who, name] of [
    [ANN, 'ann'],
    [BOB, 'bob'],
  ] as const) {
    writeFileSync(sandbox.path('token'), await stack.token(who));
    await ok(['sign-blob', '--identity-token', 'token', '--bundle', `${name}.json`, 'app.bin']);
  }
  for (const name of ['one', 'two', 'other']) {
    await ok(['generate-key-pair', '--output-key-prefix', name]);
    await ok(['sign-blob', '--key', `${name}.key`, '--bundle', `${name}.json`, 'app.bin']);
  }
  await stack.stop();
});

after(() => {
  sandbox.remove();
});

async function ok(args: readonly string[]): Promise<void> {
  const ended = await sandbox.run(args, { environment: NO_PASSWORD });
  assert.equal(ended.exitCode, 0, ended.stderr);
}

function verify(...args: readonly string[]): Promise<Ended> {
  const trust = ['--offline', '--trusted-root', stack.status.trustedRoot];
  return sandbox.run(['verify-blob', ...trust, ...args, 'app.bin']);
}

const identities = (...who: string[]): string[] => who.flatMap((name) => ['--certificate-identity', name]);
const bundles = (...names: string[]): string[] => names.flatMap((name) => ['--bundle', `${name}.json`]);
const keys = (...names: string[]): string[] => names.flatMap((name) => ['--key', `${name}.pub`]);

/** Arguments, and how it ends: an exit code, or an error. */
const CASES: readonly (readonly [string, () => readonly string[], string])[] = [
  ['any of two identities', () => [...identities(ANN, BOB), ...issuer, ...bundles('bob')], ''],
  [
    'all of two, both there',
    () => [...identities(ANN, BOB), ...issuer, '--require', 'all', ...bundles('ann', 'bob')],
    '',
  ],
  [
    'all of two, one there',
    () => [...identities(ANN, BOB), ...issuer, '--require=all', ...bundles('ann')],
    'SIGNERS_MISSING',
  ],
  [
    'one bundle twice',
    () => [...identities(ANN, BOB), ...issuer, '--require=2', ...bundles('ann', 'ann')],
    'SIGNERS_MISSING',
  ],
  [
    'nobody of two',
    () => [...identities('x@y', 'z@y'), ...issuer, '--require=2', ...bundles('ann')],
    'IDENTITY_MISMATCH',
  ],
  ['any of two keys', () => [...keys('other', 'one'), ...bundles('one')], ''],
  ['all of two keys', () => [...keys('one', 'two'), '--require=all', ...bundles('two', 'one')], ''],
  ['two of three keys', () => [...keys('one', 'two', 'other'), '--require=2', ...bundles('two', 'other')], ''],
  [
    'three of three keys',
    () => [...keys('one', 'two', 'other'), '--require=3', ...bundles('two', 'one')],
    'SIGNERS_MISSING',
  ],
  ['none of two keys', () => [...keys('one', 'two'), ...bundles('other')], 'KEY_MISMATCH'],
  [
    'a key and an identity',
    () => [...keys('one'), ...identities(ANN), ...issuer, '--require=2', ...bundles('ann', 'one')],
    '',
  ],
  [
    'a key and an identity without a number',
    () => [...keys('one'), ...identities(ANN), ...issuer, ...bundles('ann')],
    'USAGE_BAD_FLAG',
  ],
  [
    'an issuer for each',
    () => [...identities(ANN, BOB), ...issuer, ...issuer, '--require=all', ...bundles('ann', 'bob')],
    '',
  ],
  [
    "the other one's issuer",
    () => [
      ...identities(ANN, BOB),
      ...issuer,
      '--certificate-oidc-issuer',
      'https://else',
      '--require=all',
      ...bundles('ann', 'bob'),
    ],
    'SIGNERS_MISSING',
  ],
  [
    'three issuers for two',
    () => [...identities(ANN, BOB), ...issuer, ...issuer, ...issuer, ...bundles('ann')],
    'USAGE_BAD_FLAG',
  ],
  ['two issuers for one', () => [...identities(ANN), ...issuer, ...issuer, ...bundles('ann')], 'USAGE_BAD_FLAG'],
  ['the same identity twice', () => [...identities(ANN, ANN), ...issuer, ...bundles('ann')], 'USAGE_BAD_FLAG'],
  ['the same key twice', () => [...keys('one', 'one'), ...bundles('one')], 'USAGE_BAD_FLAG'],
  [
    'an empty one of two',
    () => [...identities(ANN, ''), ...issuer, '--require=all', ...bundles('ann')],
    'USAGE_BAD_FLAG',
  ],
  ['more than there are', () => [...identities(ANN), ...issuer, '--require=2', ...bundles('ann')], 'USAGE_BAD_FLAG'],
  ['none at all', () => [...identities(ANN), ...issuer, '--require=0', ...bundles('ann')], 'USAGE_BAD_FLAG'],
  ['a word', () => [...identities(ANN), ...issuer, '--require=most', ...bundles('ann')], 'USAGE_BAD_FLAG'],
  [
    'a claim that is not there',
    () => [...identities(ANN), ...issuer, '--certificate-claim', 'ref=refs/heads/main', ...bundles('ann')],
    'IDENTITY_MISMATCH',
  ],
  [
    'the issuer as a claim',
    () => [...identities(ANN), ...issuer, '--certificate-claim', `issuer=${stack.status.issuer}`, ...bundles('ann')],
    '',
  ],
  [
    'a claim of no name',
    () => [...identities(ANN), ...issuer, '--certificate-claim', 'refs/heads/main', ...bundles('ann')],
    'USAGE_BAD_FLAG',
  ],
  [
    'a claim twice',
    () => [...identities(ANN), ...issuer, '--certificate-claim=sha=a', '--certificate-claim=sha=b', ...bundles('ann')],
    'USAGE_BAD_FLAG',
  ],
  // The last one counts, as in cosign.
  ['in compat mode', () => ['--compat', 'cosign', ...identities(BOB, ANN), ...issuer, ...bundles('ann')], ''],
  ['in compat mode, keys', () => ['--compat', 'cosign', ...keys('two', 'one'), ...bundles('one')], ''],
];
for (const [name, args, code] of CASES) {
  test(`${name}: ${code || 'verified'}`, async () => {
    const ended = await verify(...args());
    if (code === '') assert.equal(ended.exitCode, 0, ended.stderr);
    else assert.equal(errorCode(ended), code, ended.stderr);
  });
}

for (const [name, args] of [
  ['identities', () => [...identities(ANN, BOB), ...issuer, ...bundles('ann')]],
  ['keys', () => [...keys('one', 'two'), ...bundles('one')]],
] as const) {
  test(`in compat mode the first of several ${name} is nobody`, async () => {
    assert.equal((await verify('--compat', 'cosign', ...args())).exitCode, 1);
  });
}

test('an unknown claim is refused with the closest name', async () => {
  const ended = await verify(
    ...identities(ANN),
    ...issuer,
    '--certificate-claim',
    'source_repositry_uri=x',
    ...bundles('ann'),
  );
  assert.equal(errorCode(ended), 'USAGE_BAD_FLAG');
  assert.match(ended.stderr, /closest: +source-repository-uri$/m);
});

test('the report says whose demand is met, and who is missing', async () => {
  const ended = await verify(...identities(ANN, BOB), ...issuer, '--require=all', '-o', 'json', ...bundles('ann'));
  const { demand, subjects } = JSON.parse(ended.stdout) as {
    demand: { signers: string[]; require: string };
    subjects: { outcome: string; missingSigners: string[]; signatures: { counts: boolean; meets: string[] }[] }[];
  };
  const [ann, bob] = demand.signers;
  assert.equal(demand.require, 'all');
  assert.deepEqual(
    subjects.map(({ outcome, missingSigners, signatures }) => ({
      outcome,
      missingSigners,
      met: signatures.map(({ counts, meets }) => [counts, meets]),
    })),
    [{ outcome: 'refused', missingSigners: [bob], met: [[true, [ann]]] }],
  );
  assert.match(ended.stderr, /^ {2}not signed by subject bob@example\.test/m);
});

test('several bundles are not held against a pipe', async () => {
  const trust = ['--offline', '--trusted-root', stack.status.trustedRoot];
  const args = ['verify-blob', ...trust, ...identities(ANN, BOB), ...issuer, ...bundles('ann', 'bob'), '-'];
  assert.equal(errorCode(await sandbox.run(args, { input: 'an artifact\n' })), 'USAGE_BAD_FLAG');
});
