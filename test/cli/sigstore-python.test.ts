/** sigstore-python and Sealwright over the same stack, each as a whole process, in both directions. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { CLIENT_TRUST_CONFIG_V01 } from '../../src/core/trust/client-trust-config.ts';
import { errorCode, Sandbox, SandboxStack } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';

const sandbox = new Sandbox();
let stack: SandboxStack;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { trustedRoot, signingConfig } = stack.status;
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const trust = {
    mediaType: CLIENT_TRUST_CONFIG_V01,
    trustedRoot: read(trustedRoot),
    signingConfig: read(signingConfig),
  };
  writeFileSync(sandbox.path('trust.json'), JSON.stringify(trust));
  writeFileSync(sandbox.path('app.bin'), 'an artifact\n');
  writeFileSync(sandbox.path('other.bin'), 'another artifact\n');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

function python(executable: string, ...args: readonly string[]): Promise<unknown> {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home };
  return execute(executable, ['--trust-config', 'trust.json', ...args], { cwd: sandbox.work, env });
}

interop('sigstore-python', 'sealwright → peer', 'blob, keyless, our stack', async (_, executable) => {
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  const { trustedRoot, signingConfig, issuer } = stack.status;
  const services = ['--trusted-root', trustedRoot, '--signing-config', signingConfig, '--identity-token', 'token'];
  const signed = await sandbox.run(['sign-blob', ...services, '--yes', '--bundle', 'ours.json', 'app.bin']);
  assert.equal(signed.exitCode, 0, signed.stderr);
  const verify = ['verify', 'identity', '--bundle', 'ours.json', '--cert-oidc-issuer', issuer, '--cert-identity'];
  await python(executable, ...verify, WHO, 'app.bin');
  await assert.rejects(python(executable, ...verify, WHO, 'other.bin'));
  await assert.rejects(python(executable, ...verify, 'else@example.test', 'app.bin'));
});

interop('sigstore-python', 'peer → sealwright', 'blob, keyless, our stack', async (_, executable) => {
  const { trustedRoot, issuer } = stack.status;
  await python(executable, 'sign', '--identity-token', await stack.token(WHO), '--bundle', 'theirs.json', 'app.bin');
  const verify = ['verify-blob', '--offline', '--trusted-root', trustedRoot, '--bundle', 'theirs.json'];
  const by = (who: string): string[] => ['--certificate-oidc-issuer', issuer, '--certificate-identity', who];
  const verified = await sandbox.run([...verify, ...by(WHO), 'app.bin']);
  assert.equal(verified.exitCode, 0, verified.stderr);
  assert.equal(errorCode(await sandbox.run([...verify, ...by('else@example.test'), 'app.bin'])), 'IDENTITY_MISMATCH');
  assert.equal(errorCode(await sandbox.run([...verify, ...by(WHO), 'other.bin'])), 'ARTIFACT_MISMATCH');
});
