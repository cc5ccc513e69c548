/** `--no-log` and `--offline`: each alone makes the configuration that it names. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Sandbox, SandboxStack, errorCode, type Ended } from '../support/command-line.ts';

const WHO = 'dev@example.test';
const ENVIRONMENT = { COSIGN_PASSWORD: '' };

const sandbox = new Sandbox();
let stack: SandboxStack;
let keyless: readonly string[];

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { issuer, trustedRoot } = stack.status;
  keyless = ['--certificate-identity', WHO, '--certificate-oidc-issuer', issuer, '--trusted-root', trustedRoot];
  sandbox.write('app.bin', 'an artifact\n');
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  const key = ['generate-key-pair', '--output-key-prefix', 'own'];
  for (const args of [
    key,
    ['sign-blob', '--no-log', '--identity-token', 'token', '--bundle', 'keyless.json', 'app.bin'],
    ['sign-blob', '--no-log', '--key', 'own.key', '--bundle', 'key.json', 'app.bin'],
  ]) {
    const ended = await sandbox.run(args, { environment: ENVIRONMENT });
    assert.equal(ended.exitCode, 0, ended.stderr);
  }
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

const verify = (...args: readonly string[]): Promise<Ended> => sandbox.run(['verify-blob', ...args, 'app.bin']);

test('--no-log signs without a log entry, and verifies what was signed so', async () => {
  for (const [name, signer] of [
    ['keyless.json', keyless],
    ['key.json', ['--key', 'own.pub', '--trusted-root', stack.status.trustedRoot]],
  ] as const) {
    const { verificationMaterial } = JSON.parse(readFileSync(sandbox.path(name), 'utf8')) as {
      verificationMaterial: { tlogEntries?: readonly unknown[] };
    };
    assert.equal(verificationMaterial.tlogEntries?.length ?? 0, 0);
    const good = await verify('--no-log', ...signer, '--bundle', name);
    assert.equal(good.exitCode, 0, good.stderr);
    assert.match(good.stderr, /^! --no-log: what else this signer has signed, no log can tell$/m);
    assert.equal(errorCode(await verify(...signer, '--bundle', name)), 'LOG_ENTRY_MISSING');
  }
});

test('--no-log says what is lost, and the command that it prints verifies as pasted', async () => {
  for (const [name, signer] of [
    ['keyless', ['--identity-token', 'token']],
    ['key', ['--key', 'own.key']],
  ] as const) {
    const sign = (...flags: readonly string[]): Promise<Ended> =>
      sandbox.run(['sign-blob', ...flags, ...signer, '--bundle', `told-${name}.json`, 'app.bin'], {
        environment: ENVIRONMENT,
      });
    const logged = await sign();
    assert.doesNotMatch(logged.stderr, /nothing is logged|--no-log/);
    for (const flag of ['--no-log', '--tlog-upload=false']) {
      const { stderr } = await sign(flag);
      assert.match(stderr, /^! nothing is logged: no log can tell that this was signed/m);
      assert.match(stderr, /Verifiers have to say --no-log; with cosign --insecure-ignore-tlog/);
      const [, words = ''] = /^ {2}verify: +sealwright (verify-blob .*)$/m.exec(stderr) ?? [];
      assert.match(words, / --no-log /);
      const pasted = await sandbox.run(words.split(' '));
      assert.equal(pasted.exitCode, 0, pasted.stderr);
      const without = await sandbox.run(words.replace(' --no-log', '').split(' '));
      assert.deepEqual([errorCode(without), without.exitCode], ['LOG_ENTRY_MISSING', 12]);
    }
  }
});

test('--no-log still demands a time for a certificate', async () => {
  const bundle = JSON.parse(readFileSync(sandbox.path('keyless.json'), 'utf8')) as {
    verificationMaterial: { timestampVerificationData?: unknown };
  };
  delete bundle.verificationMaterial.timestampVerificationData;
  sandbox.write('untimed.json', JSON.stringify(bundle));
  assert.equal(errorCode(await verify('--no-log', ...keyless, '--bundle', 'untimed.json')), 'TIMESTAMP_MISSING');
});

test('--offline asks nobody for a key, wherever it is', async () => {
  for (const reference of [
    `${stack.status.url}/key.pub`,
    'k8s://default/keys',
    'hashivault://own',
    'gitlab://group/project',
  ]) {
    const ended = await verify('--offline', '--key', reference, '--bundle', 'key.json');
    assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'REMOTE_OFFLINE'], `${reference}: ${ended.stderr}`);
  }
});

test('--offline lets image verification ask the registry alone', async () => {
  const image = `${stack.status.registry}/none/app:1`;
  const asked = await sandbox.run(['verify', '--offline', ...keyless, image]);
  assert.equal(errorCode(asked), 'TAG_NOT_FOUND', asked.stderr);
  const trust = ['--trust', `${stack.status.tuf.mirror}#${'0'.repeat(64)}`];
  const [who, name, by, issuer] = keyless;
  const refused = await sandbox.run(['verify', '--offline', who!, name!, by!, issuer!, ...trust, image]);
  assert.equal(errorCode(refused), 'REMOTE_OFFLINE', refused.stderr);
});
