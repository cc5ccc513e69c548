/** What a wrong command line ends in, as whole processes: its code, its exit code, nothing on stdout, nothing written. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encryptPrivateKey } from '../../src/core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { renderClusterImagePolicy } from '../../src/core/policy/cluster-image/cluster-image-policy-render.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { FakeInstance } from '../support/instance.ts';
import { Sandbox, errorCode } from '../support/command-line.ts';

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

const DIGEST = `sha256:${'0'.repeat(64)}`;
const ROOT = encodeTrustedRoot(new FakeInstance().trustedRoot);
const WHO = ['--certificate-identity', 'dev@example.com', '--certificate-oidc-issuer', 'https://issuer.example'];
const KEY = PrivateKey.generate('ecdsa-p256');

writeFileSync(sandbox.path('root.json'), ROOT);
writeFileSync(sandbox.path('cut.json'), ROOT.slice(0, 1000));
writeFileSync(sandbox.path('flipped.json'), ROOT.replace('"rawBytes": "MII', '"rawBytes": "MIA'));
writeFileSync(sandbox.path('other.json'), ROOT.replace('trustedroot', 'trustedboot'));
writeFileSync(sandbox.path('app.bin'), 'an artifact');
writeFileSync(sandbox.path('not.bundle'), 'no bundle at all');
writeFileSync(sandbox.path('empty'), '');
writeFileSync(sandbox.path('cosign.key'), encryptPrivateKey(KEY, Buffer.from('right')));
writeFileSync(sandbox.path('cosign.pub'), KEY.publicKey.toPem());
writeFileSync(sandbox.path('cut.pub'), KEY.publicKey.toPem().slice(0, 80));
writeFileSync(sandbox.path('cut.key'), encryptPrivateKey(KEY, Buffer.from('right')).slice(0, 200));

const POLICY = renderClusterImagePolicy({ kind: 'key', key: KEY.publicKey }, 'a.example/b@*');
writeFileSync(sandbox.path('policy.yaml'), POLICY);
writeFileSync(sandbox.path('cut.yaml'), POLICY.slice(0, POLICY.indexOf('data:')));

interface Refusal {
  readonly name: string;
  readonly args: readonly string[];
  readonly code: string;
  readonly exitCode: number;
  /** A part of stderr that must be there. */
  readonly says?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const VERIFY = ['verify', ...WHO, '--trusted-root', 'root.json'];
const VERIFY_BLOB = ['verify-blob', ...WHO, '--trusted-root', 'root.json'];
const WEBHOOK = ['webhook', '--trusted-root', 'root.json', '--port', '0'];
const SIGN_KEY = ['sign', '--trusted-root', 'root.json', '--key', 'cosign.key'];

const REFUSALS: readonly Refusal[] = [
  { name: 'an unknown command', args: ['verfy'], code: 'USAGE_BAD_FLAG', exitCode: 1, says: 'closest:  verify' },
  { name: 'an unknown subcommand', args: ['log', 'fsk'], code: 'USAGE_BAD_FLAG', exitCode: 1 },
  {
    name: 'an unknown flag',
    args: ['verify', '--certificate-idenity', 'x', 'IMAGE'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
    says: 'closest:  --certificate-identity',
  },
  { name: 'no image', args: VERIFY, code: 'USAGE_BAD_FLAG', exitCode: 1, says: 'sealwright verify [flags] IMAGE...' },
  { name: 'too many arguments', args: ['version', 'x'], code: 'USAGE_BAD_FLAG', exitCode: 1 },
  { name: 'a reference that is none', args: [...VERIFY, 'a.example/Upper'], code: 'USAGE_BAD_REFERENCE', exitCode: 1 },
  {
    name: 'a digest that is none',
    args: [...VERIFY, 'a.example/b@sha256:12'],
    code: 'USAGE_BAD_REFERENCE',
    exitCode: 1,
  },
  { name: 'nobody who must have signed', args: ['verify', 'a.example/b:1'], code: 'USAGE_NO_IDENTITY', exitCode: 1 },
  {
    name: 'an identity without an issuer',
    args: ['verify', '--certificate-identity', 'me', 'a.example/b:1'],
    code: 'USAGE_NO_IDENTITY',
    exitCode: 1,
    says: '--certificate-oidc-issuer',
  },
  {
    name: 'a key and an identity',
    args: ['verify', '--key', 'cosign.pub', ...WHO, 'a.example/b:1'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
  },
  {
    name: 'a pattern that is none',
    args: [
      ...['verify', '--certificate-identity-regexp', '(', '--certificate-oidc-issuer', 'x'],
      ...['--trusted-root', 'root.json', 'localhost:1/b:1'],
    ],
    code: 'USAGE_BAD_CONFIG',
    exitCode: 1,
  },
  {
    name: 'an annotation without a value',
    args: [...VERIFY, '-a', 'key', 'a.example/b:1'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
  },
  {
    name: 'a private key to verify with',
    args: ['verify', '--trusted-root', 'root.json', '--key', 'cosign.key', 'a.example/b:1'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
    says: '--key cosign.pub',
  },
  {
    name: 'a public key that is cut off',
    args: ['verify', '--trusted-root', 'root.json', '--key', 'cut.pub', 'a.example/b:1'],
    code: 'FORMAT_PEM',
    exitCode: 1,
  },
  {
    name: 'a registry that is not there',
    args: [...VERIFY, 'localhost:1/b:1'],
    code: 'REMOTE_UNREACHABLE',
    exitCode: 23,
  },
  {
    name: 'a trusted root that is not there',
    args: ['verify', ...WHO, '--trusted-root', 'absent.json', 'localhost:1/b:1'],
    code: 'USAGE_FILE',
    exitCode: 1,
  },
  ...['cut.json', 'flipped.json', 'other.json', 'empty'].map((file): Refusal => ({
    name: `a trusted root that cannot be used: ${file}`,
    args: ['verify', ...WHO, '--trusted-root', file, 'localhost:1/b:1'],
    code: 'FORMAT_TRUSTED_ROOT',
    exitCode: 1,
  })),
  {
    name: 'a bundle that is none',
    args: [...VERIFY_BLOB, '--bundle', 'not.bundle', 'app.bin'],
    code: 'FORMAT_BUNDLE',
    exitCode: 1,
  },
  { name: 'no bundle', args: [...VERIFY_BLOB, 'app.bin'], code: 'USAGE_BAD_FLAG', exitCode: 1, says: '--bundle' },
  {
    name: 'a bundle that is not there',
    args: [...VERIFY_BLOB, '--bundle', 'absent', 'app.bin'],
    code: 'USAGE_FILE',
    exitCode: 1,
  },
  {
    name: 'a wrong password',
    args: [...SIGN_KEY, 'localhost:1/b:1'],
    code: 'USAGE_PASSWORD',
    exitCode: 1,
    environment: { COSIGN_PASSWORD: 'wrong' },
  },
  { name: 'no password', args: [...SIGN_KEY, 'localhost:1/b:1'], code: 'USAGE_PASSWORD', exitCode: 1 },
  {
    name: 'a private key that is cut off',
    args: ['sign', '--trusted-root', 'root.json', '--key', 'cut.key', 'localhost:1/b:1'],
    code: 'FORMAT_PEM',
    exitCode: 1,
    environment: { COSIGN_PASSWORD: 'right' },
  },
  {
    name: 'a key of a kind that is not supported',
    args: ['sign', '--trusted-root', 'root.json', '--key', 'awskms:///alias/x', 'localhost:1/b:1'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
  },
  {
    name: 'a key and keyless',
    args: ['sign', '--trusted-root', 'root.json', '--keyless', '--key', 'cosign.key', 'localhost:1/b:1'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
  },
  {
    name: 'services that nobody names',
    args: [...SIGN_KEY, 'localhost:1/b:1'],
    code: 'USAGE_NO_TRUST',
    exitCode: 1,
    environment: { COSIGN_PASSWORD: 'right' },
  },
  {
    name: 'a key pair over files that are there',
    args: ['generate-key-pair'],
    code: 'USAGE_FILE',
    exitCode: 1,
    environment: { COSIGN_PASSWORD: 'x' },
  },
  { name: 'a key pair without a password', args: ['generate-key-pair'], code: 'USAGE_PASSWORD', exitCode: 1 },
  { name: 'the status of no stack', args: ['status'], code: 'USAGE_STACK_NOT_RUNNING', exitCode: 1 },
  { name: 'stopping no stack', args: ['down'], code: 'USAGE_STACK_NOT_RUNNING', exitCode: 1 },
  {
    name: 'a token of no stack',
    args: ['dev-token', '--email', 'dev@example.com'],
    code: 'USAGE_STACK_NOT_RUNNING',
    exitCode: 1,
  },
  { name: 'a token of nobody', args: ['dev-token'], code: 'USAGE_BAD_FLAG', exitCode: 1, says: '--email' },
  { name: 'a port that is none', args: ['up', '--dir', 'x', '--port', '70000'], code: 'USAGE_BAD_FLAG', exitCode: 1 },
  {
    name: 'a stack for everybody',
    args: ['up', '--dir', 'public', '--port', '0', '--host', '0.0.0.0'],
    code: 'USAGE_NOT_LOOPBACK',
    exitCode: 1,
  },
  { name: 'a webhook without policies', args: [...WEBHOOK], code: 'USAGE_BAD_FLAG', exitCode: 1, says: '--in-cluster' },
  {
    name: 'policies from two places',
    args: [...WEBHOOK, '--policy', 'policy.yaml', '--in-cluster'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
  },
  {
    name: 'policies that are not there',
    args: [...WEBHOOK, '--policy', 'absent.yaml'],
    code: 'USAGE_FILE',
    exitCode: 1,
  },
  { name: 'policies that are none', args: [...WEBHOOK, '--policy', 'cut.yaml'], code: 'FORMAT_POLICY', exitCode: 1 },
  { name: 'a cluster around no pod', args: [...WEBHOOK, '--in-cluster'], code: 'USAGE_BAD_CONFIG', exitCode: 1 },
  {
    name: 'a kubeconfig that is none',
    args: [...WEBHOOK, '--kubeconfig', 'root.json'],
    code: 'USAGE_BAD_CONFIG',
    exitCode: 1,
  },
  {
    name: 'a webhook without a certificate',
    args: [...WEBHOOK, '--policy', 'policy.yaml'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
    says: '--self-signed',
  },
  {
    name: 'a webhook with a certificate that is none',
    args: [...WEBHOOK, '--policy', 'policy.yaml', '--tls-cert', 'root.json', '--tls-key', 'cosign.key'],
    code: 'USAGE_BAD_CONFIG',
    exitCode: 1,
  },
  {
    name: 'a listener for a ledger that is not kept',
    args: [
      ...WEBHOOK,
      '--policy',
      'policy.yaml',
      '--tls-cert',
      'root.json',
      '--tls-key',
      'cosign.key',
      '--ledger-port',
      '0',
    ],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
    says: '--ledger FOLDER',
  },
  {
    name: 'a decision looked for nowhere',
    args: ['why', 'x'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
    says: 'port-forward',
  },
  {
    name: 'a decision looked for in two places',
    args: ['why', 'x', '--ledger', 'x', '--webhook', 'http://127.0.0.1:1'],
    code: 'USAGE_BAD_FLAG',
    exitCode: 1,
  },
  { name: 'a ledger that is not there', args: ['why', 'x', '--ledger', 'absent'], code: 'USAGE_FILE', exitCode: 1 },
  { name: 'a time that is none', args: ['verify', '--timeout', 'soon', 'x'], code: 'USAGE_BAD_FLAG', exitCode: 1 },
];

for (const { name, args, code, exitCode, says, environment = {} } of REFUSALS) {
  test(`refused: ${name}`, async () => {
    const before = readdirSync(sandbox.work).filter((file) => file !== 'public');
    const ended = await sandbox.run(args, { environment });
    assert.equal(errorCode(ended), code, ended.stderr);
    assert.equal(ended.exitCode, exitCode);
    assert.equal(ended.stdout, '');
    assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack trace');
    if (says !== undefined) assert.ok(ended.stderr.includes(says), ended.stderr);
    assert.deepEqual(
      readdirSync(sandbox.work).filter((file) => file !== 'public'),
      before,
      'nothing is written',
    );
  });
}

test('a stack folder in the working directory is no source of trust', async () => {
  const checkout = sandbox.path('checkout');
  mkdirSync(join(checkout, '.sealwright', 'trust'), { recursive: true });
  writeFileSync(join(checkout, '.sealwright', 'trust', 'trusted_root.json'), ROOT);
  writeFileSync(
    join(checkout, '.sealwright', 'settings.json'),
    '{"version": 1, "host": "127.0.0.1", "port": 5080, "createdAt": "2026-01-01T00:00:00.000Z"}',
  );
  // Without a stack of the user's own it is the public instance, which no test asks.
  const environment = { HTTPS_PROXY: 'http://127.0.0.1:1' };
  const ended = await sandbox.run(['verify', ...WHO, `localhost:1/b@${DIGEST}`], { cwd: checkout, environment });
  assert.notEqual(ended.exitCode, 0);
  assert.doesNotMatch(ended.stderr, /\.sealwright/);
});

test('help and version answer on stdout', async () => {
  const overview = await sandbox.run([]);
  assert.equal(overview.exitCode, 0);
  assert.match(overview.stdout, /^ {2}verify {2,}/m);
  const page = await sandbox.run(['verify', '--help']);
  assert.match(page.stdout, /--certificate-identity NAME/);
  assert.doesNotMatch(page.stdout, /--registry-token/);
  assert.match((await sandbox.run(['verify', '--help-all'])).stdout, /--registry-token/);
  assert.deepEqual(
    (await sandbox.run(['help', 'log', 'fsck'])).stdout,
    (await sandbox.run(['log', 'fsck', '-h'])).stdout,
  );
  const version = await sandbox.run(['version', '--json']);
  assert.match((JSON.parse(version.stdout) as { gitVersion: string }).gitVersion, /^v\d+\.\d+\.\d+/);
  assert.equal((await sandbox.run(['--version'])).exitCode, 0);
});

test('no escape sequence without a terminal; --quiet says nothing', async () => {
  const prefix = ['generate-key-pair', '--output-key-prefix'];
  const plain = await sandbox.run([...prefix, 'one'], { environment: { COSIGN_PASSWORD: '' } });
  assert.equal(plain.exitCode, 0);
  assert.equal(plain.stderr.includes('\u001b'), false);
  const quiet = await sandbox.run([...prefix, 'two', '--quiet'], { environment: { COSIGN_PASSWORD: '' } });
  assert.equal(quiet.stderr, '');
});

test('a password may come from stdin', async () => {
  const made = await sandbox.run(['generate-key-pair', '--output-key-prefix', 'piped'], { input: 'secret' });
  assert.equal(made.exitCode, 0, made.stderr);
  assert.deepEqual(
    readdirSync(sandbox.work).filter((file) => file.startsWith('piped')),
    ['piped.key', 'piped.pub'],
  );
});
