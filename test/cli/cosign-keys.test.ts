/** Every kind of key, made or imported by one and used by the other: cosign and Sealwright as whole processes, our stack. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { errorCode, Sandbox, SandboxStack } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { installKmsProgram } from '../support/kms-plugin.ts';

const execute = promisify(execFile);
const sandbox = new Sandbox();
let stack: SandboxStack;
let environment: Readonly<Record<string, string>>;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  environment = { ...installKmsProgram(sandbox.folder, 'testbox'), COSIGN_PASSWORD: 'a password' };
  writeFileSync(sandbox.path('app.bin'), 'an artifact\n');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

async function cosign(executable: string, ...args: readonly string[]): Promise<string> {
  const env = { HOME: sandbox.home, TUF_ROOT: sandbox.path('tuf'), ...environment };
  return (await execute(executable, args, { cwd: sandbox.work, env })).stdout;
}

async function sealwright(...args: readonly string[]): Promise<string> {
  const ended = await sandbox.run(args, { environment });
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended.stdout;
}

function trust(): readonly string[] {
  return ['--trusted-root', stack.status.trustedRoot];
}

function signing(): readonly string[] {
  return ['--yes', ...trust(), '--signing-config', stack.status.signingConfig];
}

async function newImage(repository: string): Promise<string> {
  const { digest } = await pushDemoImage(stack.status.registry, repository, '1');
  return `${stack.status.registry}/${repository}@${digest}`;
}

interface Kind {
  readonly name: string;
  readonly key: () => KeyObject;
  readonly form: 'pkcs1' | 'sec1' | 'pkcs8';
  /** cosign's `verify` takes keys with SHA-256 unless it is told another digest. */
  readonly digestFlag?: readonly string[];
  /** It signs in the pre-hashed form and checks what it signed in the pure one, so that it refuses its own signature. */
  readonly cosignIsBroken?: true;
}

const ec = (namedCurve: string) => (): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number) => (): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;

const KINDS: readonly Kind[] = [
  { name: 'p256', key: ec('prime256v1'), form: 'sec1' },
  { name: 'p384', key: ec('secp384r1'), form: 'pkcs8', digestFlag: ['--signature-digest-algorithm', 'sha384'] },
  { name: 'p521', key: ec('secp521r1'), form: 'sec1', digestFlag: ['--signature-digest-algorithm', 'sha512'] },
  { name: 'ed25519', key: () => generateKeyPairSync('ed25519').privateKey, form: 'pkcs8', cosignIsBroken: true },
  { name: 'rsa2048', key: rsa(2048), form: 'pkcs1' },
  { name: 'rsa3072', key: rsa(3072), form: 'pkcs8' },
  { name: 'rsa4096', key: rsa(4096), form: 'pkcs8' },
];

for (const { name, key, form, digestFlag = [], cosignIsBroken } of KINDS) {
  interop('cosign', 'both', `key of ${name}: imported by each, public halves equal`, async (_, executable) => {
    writeFileSync(sandbox.path(`${name}.pem`), key().export({ format: 'pem', type: form }));
    await sealwright('import-key-pair', '--key', `${name}.pem`, '--output-key-prefix', `${name}-ours`);
    await cosign(executable, 'import-key-pair', '--key', `${name}.pem`, '--output-key-prefix', `${name}-theirs`);
    const expected = readFileSync(sandbox.path(`${name}-theirs.pub`), 'utf8');
    assert.equal(readFileSync(sandbox.path(`${name}-ours.pub`), 'utf8'), expected);
    assert.equal(await cosign(executable, 'public-key', '--key', `${name}-ours.key`), expected);
    assert.equal(await sealwright('public-key', '--key', `${name}-theirs.key`), expected);
  });

  interop('cosign', 'both', `key of ${name}: blob and image by the other's key file`, async (_, executable) => {
    const [ours, theirs] = [await newImage(`${name}/ours`), await newImage(`${name}/theirs`)];
    const pub = ['--key', `${name}-ours.pub`];
    await sealwright('sign-blob', '--key', `${name}-theirs.key`, '--bundle', `${name}.ours.json`, 'app.bin');
    await sealwright('sign', '--key', `${name}-theirs.key`, ours);
    await sealwright('verify-blob', ...pub, '--bundle', `${name}.ours.json`, 'app.bin');
    await sealwright('verify', ...pub, ours);
    const blob = [...signing(), '--key', `${name}-ours.key`, '--bundle', `${name}.json`, 'app.bin'];
    if (cosignIsBroken === true) {
      await assert.rejects(cosign(executable, 'sign-blob', ...blob), /could not verify message/);
      return;
    }
    await cosign(executable, 'sign-blob', ...blob);
    await cosign(executable, 'sign', ...signing(), '--key', `${name}-ours.key`, theirs);
    await sealwright('verify-blob', ...pub, '--bundle', `${name}.json`, 'app.bin');
    await sealwright('verify', ...pub, theirs);
    for (const bundle of [`${name}.ours.json`, `${name}.json`]) {
      await cosign(executable, 'verify-blob', ...trust(), ...pub, ...digestFlag, '--bundle', bundle, 'app.bin');
    }
    for (const image of [ours, theirs]) await cosign(executable, 'verify', ...trust(), ...pub, ...digestFlag, image);
  });
}

interop('cosign', 'sealwright → peer', 'blob, keyless, by a fresh key of each algorithm', async (_, executable) => {
  writeFileSync(sandbox.path('token'), await stack.token('dev@example.test'));
  const identity = ['--certificate-identity', 'dev@example.test', '--certificate-oidc-issuer', stack.status.issuer];
  for (const name of ['ecdsa-sha2-384-nistp384', 'ecdsa-sha2-512-nistp521', 'rsa-sign-pkcs1-2048-sha256']) {
    const bundle = ['--bundle', `${name}.json`, 'app.bin'];
    await sealwright('sign-blob', '--signing-algorithm', name, '--identity-token', 'token', ...bundle);
    await cosign(executable, 'verify-blob', ...trust(), ...identity, ...bundle);
  }
  for (const args of [
    ['--signing-algorithm', 'rsa-sign-pss-2048-sha256', '--identity-token', 'token'],
    ['--signing-algorithm', 'md5', '--identity-token', 'token'],
    ['--signing-algorithm', 'ecdsa-sha2-384-nistp384', '--key', 'p256-ours.key'],
  ]) {
    const ended = await sandbox.run(['sign-blob', ...args, 'app.bin'], { environment });
    assert.equal(errorCode(ended), 'USAGE_BAD_FLAG', ended.stderr);
  }
});

interop('cosign', 'both', 'key service: made by one, signed with and verified by the other', async (_, executable) => {
  await cosign(executable, 'generate-key-pair', '--kms', 'testbox://theirs', '--output-key-prefix', 'kms-theirs');
  await sealwright('generate-key-pair', '--kms', 'testbox://ours', '--output-key-prefix', 'kms-ours');
  const image = await newImage('kms/image');
  await sealwright('sign', '--key', 'testbox://theirs', image);
  await cosign(executable, 'verify', ...trust(), '--key', 'testbox://theirs', image);
  await sealwright('sign-blob', '--key', 'testbox://theirs', '--bundle', 'kms.ours.json', 'app.bin');
  await cosign(
    executable,
    'verify-blob',
    ...trust(),
    '--key',
    'testbox://theirs',
    '--bundle',
    'kms.ours.json',
    'app.bin',
  );
  await cosign(
    executable,
    'sign-blob',
    ...signing(),
    '--key',
    'testbox://ours',
    '--bundle',
    'kms.theirs.json',
    'app.bin',
  );
  await sealwright('verify-blob', '--key', 'testbox://ours', '--bundle', 'kms.theirs.json', 'app.bin');
  await sealwright('verify-blob', '--key', 'kms-ours.pub', '--bundle', 'kms.theirs.json', 'app.bin');
  assert.equal(
    await cosign(executable, 'public-key', '--key', 'testbox://ours'),
    readFileSync(sandbox.path('kms-ours.pub'), 'utf8'),
  );
});
