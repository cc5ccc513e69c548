/** cosign's older storage, as whole commands: by a script's flags, over the stack's registry, and read by cosign. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
/** What release scripts say when they sign by a key alone. */
const ALONE = ['--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false', '--yes'];

const sandbox = new Sandbox();
let stack: SandboxStack;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  await run('generate-key-pair');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

function run(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(args, { environment: PASSWORD });
}

async function succeed(...args: readonly string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function newImage(repository: string): Promise<{ image: string; digest: string }> {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, repository, '1');
  return { image: `${registry}/${repository}@${digest}`, digest };
}

test('a key signs by itself, leaves the parts in files, and verify says how it is stored', async () => {
  const { image, digest } = await newImage('older/files');
  const files = [
    '--output-signature',
    'image.sig',
    '--output-payload',
    'image.json',
    '--output-certificate',
    'image.pub',
  ];
  await succeed('sign', ...ALONE, ...files, '--key', 'cosign.key', '-a', 'build=42', image);
  assert.match(readFileSync(sandbox.path('image.sig'), 'utf8'), /^[A-Za-z0-9+/]+=*$/);
  assert.ok(readFileSync(sandbox.path('image.json'), 'utf8').includes(`"docker-manifest-digest":"${digest}"`));
  assert.equal(readFileSync(sandbox.path('image.pub'), 'utf8'), readFileSync(sandbox.path('cosign.pub'), 'utf8'));
  const verified = await succeed('verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', '-a', 'build=42', image);
  assert.match(verified.stderr, /format +cosign's older storage, sha256:/);
  const [payload] = JSON.parse(verified.stdout) as { critical: { type: string }; optional: object; format: string }[];
  assert.equal(payload?.format, 'legacy');
  assert.equal(payload.critical.type, 'cosign container image signature');
  const unlogged = await run('verify', '--key', 'cosign.pub', image);
  assert.equal(errorCode(unlogged), 'LOG_ENTRY_MISSING');
  assert.equal(unlogged.exitCode, 12);
});

test("a stack's log of version 2 cannot be used there, and the error says what can", async () => {
  const { image } = await newImage('older/log');
  const refused = await run('sign', '--new-bundle-format=false', '--key', 'cosign.key', image);
  assert.equal(errorCode(refused), 'USAGE_BAD_CONFIG');
  assert.match(refused.stderr, /--tlog-upload=false/);
  await succeed('sign', '--new-bundle-format=false', '--tlog-upload=false', '--key', 'cosign.key', image);
  const verify = ['verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', '--use-signed-timestamps'];
  await succeed(...verify, image);
});

test('a bundle without a log entry can be asked for, and verifies where no entry is demanded', async () => {
  const { image } = await newImage('newer/unlogged');
  await succeed('sign', '--tlog-upload=false', '--key', 'cosign.key', image);
  assert.equal(errorCode(await run('verify', '--key', 'cosign.pub', image)), 'LOG_ENTRY_MISSING');
  await succeed('verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', image);
});

const MISUSES: readonly (readonly [string, readonly string[]])[] = [
  ['--output-signature with a bundle', ['--key', 'cosign.key', '--output-signature', 'x.sig']],
  ['--payload with a bundle', ['--key', 'cosign.key', '--payload', 'x.json']],
  ['--bundle without one', [...ALONE, '--key', 'cosign.key', '--bundle', 'x.json']],
  ['no service, and a log wanted', ['--new-bundle-format=false', '--use-signing-config=false', '--key', 'cosign.key']],
  ['no service, and no key', [...ALONE]],
  [
    'one file for two names',
    [...ALONE, '--key', 'cosign.key', '--output-signature', 'x', '--sign-container-identity', 'a,b'],
  ],
  ['one file for an index and its images', [...ALONE, '--key', 'cosign.key', '--output-payload', 'x', '--recursive']],
];

for (const [what, flags] of MISUSES) {
  test(`sign refuses ${what}`, async () => {
    const { image } = await newImage('older/misuse');
    const ended = await run('sign', ...flags, image);
    assert.equal(errorCode(ended), 'USAGE_BAD_FLAG', ended.stderr);
    assert.equal(ended.exitCode, 1);
  });
}

interop('cosign', 'both', 'image, older storage, by the same flags on the command line', async (_, executable) => {
  const { image } = await newImage('older/both');
  const options = { cwd: sandbox.work, env: { PATH: process.env['PATH'], HOME: sandbox.home, ...PASSWORD } };
  const verify = ['verify', '--new-bundle-format=false', '--key', 'cosign.pub', '--insecure-ignore-tlog'];
  await succeed('sign', ...ALONE, '--key', 'cosign.key', '-a', 'by=us', image);
  await execute(executable, [...verify, '-a', 'by=us', image], options);
  await execute(executable, ['sign', ...ALONE, '--key', 'cosign.key', '-a', 'by=them', image], options);
  for (const by of ['us', 'them']) await succeed(...verify, '-a', `by=${by}`, image);
  assert.equal(errorCode(await run(...verify, '-a', 'by=nobody', image)), 'ANNOTATION_MISMATCH');
});
