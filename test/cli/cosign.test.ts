/** cosign and Sealwright over the same stack, each as a whole process, in both directions. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { Sandbox, SandboxStack } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';
const PASSWORD = { COSIGN_PASSWORD: 'a password' };

const sandbox = new Sandbox();
let stack: SandboxStack;
let token: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
  writeFileSync(sandbox.path('app.bin'), 'an artifact\n');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

/** A repository of its own for each test, so that no signature of another one counts. */
async function newImage(repository: string): Promise<string> {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, repository, '1');
  return `${registry}/${repository}@${digest}`;
}

function identity(): readonly string[] {
  return ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
}

function trustedRoot(): readonly string[] {
  return ['--trusted-root', stack.status.trustedRoot];
}

function signingFiles(): readonly string[] {
  return [...trustedRoot(), '--signing-config', stack.status.signingConfig];
}

async function cosign(executable: string, args: readonly string[], tufRoot = 'tuf'): Promise<string> {
  const { stderr } = await execute(executable, args, {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path(tufRoot), ...PASSWORD },
  });
  return stderr;
}

async function sealwright(...args: string[]): Promise<void> {
  const ended = await sandbox.run(args, { environment: PASSWORD });
  assert.equal(ended.exitCode, 0, ended.stderr);
}

interop('cosign', 'sealwright → peer', 'image, keyless, our stack', async (_, executable) => {
  const image = await newImage('ours/keyless');
  await sealwright('sign', '--identity-token', 'token', image);
  await cosign(executable, ['verify', ...trustedRoot(), ...identity(), image]);
  await assert.rejects(
    cosign(executable, [
      ...['verify', ...trustedRoot(), '--certificate-identity', 'else@example.test'],
      ...identity().slice(2),
      image,
    ]),
  );
});

interop('cosign', 'peer → sealwright', 'image, keyless, our stack', async (_, executable) => {
  const image = await newImage('theirs/keyless');
  await cosign(executable, ['sign', '--yes', ...signingFiles(), '--identity-token', token, image]);
  await sealwright('verify', ...trustedRoot(), ...identity(), image);
  const other = await sandbox.run(['verify', '--certificate-identity', 'x', ...identity().slice(2), image]);
  assert.equal(other.exitCode, 12, other.stderr);
});

interop('cosign', 'both', "what verify prints as cosign is cosign's to the byte", async (_, executable) => {
  const image = await newImage('theirs/output');
  await sealwright('sign', '--identity-token', 'token', '-a', 'team=<shop> & co', image);
  for (const format of ['json', 'text']) {
    const args = ['verify', ...trustedRoot(), ...identity(), '-o', format, '-a', 'team=<shop> & co', image];
    const theirs = await execute(executable, args, { env: { PATH: process.env['PATH'], HOME: sandbox.home } });
    const ours = await sandbox.run(['--compat', 'cosign', ...args]);
    assert.deepEqual({ stdout: ours.stdout, stderr: ours.stderr }, { stdout: theirs.stdout, stderr: theirs.stderr });
  }
});

interop('cosign', 'both', 'image, key pair of the other, our stack', async (_, executable) => {
  await sealwright('generate-key-pair', '--output-key-prefix', 'ours');
  await cosign(executable, ['generate-key-pair', '--output-key-prefix', 'theirs']);
  const ours = await newImage('ours/key');
  await sealwright('sign', '--key', 'theirs.key', ours);
  await cosign(executable, ['verify', ...trustedRoot(), '--key', 'theirs.pub', ours]);
  const theirs = await newImage('theirs/key');
  await cosign(executable, ['sign', '--yes', ...signingFiles(), '--key', 'ours.key', theirs]);
  await sealwright('verify', '--key', 'ours.pub', theirs);
});

interop('cosign', 'both', 'blob, keyless, our stack', async (_, executable) => {
  await sealwright('sign-blob', '--identity-token', 'token', '--bundle', 'ours.json', 'app.bin');
  await cosign(executable, ['verify-blob', ...trustedRoot(), ...identity(), '--bundle', 'ours.json', 'app.bin']);
  const args = [
    'sign-blob',
    '--yes',
    ...signingFiles(),
    '--identity-token',
    token,
    '--bundle',
    'theirs.json',
    'app.bin',
  ];
  await cosign(executable, args);
  await sealwright('verify-blob', '--offline', ...trustedRoot(), ...identity(), '--bundle', 'theirs.json', 'app.bin');
});

interop('cosign', 'both', 'blob, key pair, our stack', async (_, executable) => {
  await sealwright('generate-key-pair', '--output-key-prefix', 'blob');
  await sealwright('sign-blob', '--key', 'blob.key', '--bundle', 'ours-key.json', 'app.bin');
  await cosign(executable, [
    'verify-blob',
    ...trustedRoot(),
    '--key',
    'blob.pub',
    '--bundle',
    'ours-key.json',
    'app.bin',
  ]);
  const args = ['sign-blob', '--yes', ...signingFiles(), '--key', 'blob.key', '--bundle', 'theirs-key.json', 'app.bin'];
  await cosign(executable, args);
  await sealwright('verify-blob', '--key', 'blob.pub', '--bundle', 'theirs-key.json', 'app.bin');
});

interop('cosign', 'peer → sealwright', 'trust and services by TUF alone', async (_, executable) => {
  const image = await newImage('theirs/tuf');
  mkdirSync(sandbox.path('tuf-only'));
  const { mirror, root } = stack.status.tuf;
  await cosign(executable, ['initialize', '--mirror', mirror, '--root', root], 'tuf-only');
  await cosign(executable, ['sign', '--yes', '--identity-token', token, image], 'tuf-only');
  await cosign(executable, ['verify', ...identity(), image], 'tuf-only');
  await sealwright('verify', ...identity(), image);
});
