/** The main job through the command line: whole processes against a running stack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { askWebhook, deployment } from '../../examples/admission-client.ts';
import { copyWithBundle, pushDemoImage } from '../../examples/demo-image.ts';
import { Sandbox, SandboxStack, errorCode, type Ended } from '../support/command-line.ts';

const WHO = 'dev@example.test';
const BIN = resolve(import.meta.dirname, '..', '..', 'bin');

const sandbox = new Sandbox();
let stack: SandboxStack;
let image: string;
let pinned: string;
let signed: Ended;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, 'shop/app', '1');
  image = `${registry}/shop/app:1`;
  pinned = `${registry}/shop/app@${digest}`;
  await pushDemoImage(registry, 'shop/unsigned', '1');
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  signed = await sandbox.run(['sign', '--keyless', '--identity-token', 'token', '-a', 'team=shop', image]);
  assert.equal(signed.exitCode, 0, signed.stderr);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

function signedBy(identity = WHO): readonly string[] {
  return ['--certificate-identity', identity, '--certificate-oidc-issuer', stack.status.issuer];
}

function refused(ended: Ended, code: string, exitCode: number): void {
  assert.equal(errorCode(ended), code, ended.stderr);
  assert.equal(ended.exitCode, exitCode);
  assert.equal(ended.stdout, '');
}

/** Runs a text as a user would who pastes it into a shell. */
async function paste(script: string): Promise<Ended> {
  const child = spawn('sh', ['-c', script], {
    cwd: sandbox.work,
    env: { PATH: `${BIN}:${process.env['PATH'] ?? ''}`, HOME: sandbox.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { exitCode: code, stdout, stderr };
}

test('status names everything that scripts rely on, and the files are there', async () => {
  const { pid, url, registry, issuer, trustedRoot, signingConfig, tuf } = stack.status;
  assert.doesNotThrow(() => process.kill(pid, 0));
  assert.equal(url, `http://${registry}`);
  assert.equal(issuer, `${url}/oidc`);
  assert.equal(tuf.mirror, `${url}/tuf`);
  for (const file of [trustedRoot, signingConfig, tuf.root]) assert.ok(existsSync(file), file);
  const text = await sandbox.run(['status', '--dir', stack.dir]);
  assert.match(text.stdout, new RegExp(`^registry +${registry}$`, 'm'));
});

test('sign says which digest, who, where it is logged and when, on stderr', () => {
  assert.equal(signed.stdout, '');
  assert.match(signed.stderr, /^! tag resolved to sha256:[0-9a-f]{64}/m);
  assert.match(signed.stderr, /✓ identity {2}dev@example\.test .*✓ logged #0, .*✓ timestamp \d{4}-/);
});

test('the verify command that sign prints works as pasted', async () => {
  const [, command = ''] = /^ +verify: +(.*)$/m.exec(signed.stderr) ?? [];
  const ended = await paste(command);
  assert.equal(ended.exitCode, 0, ended.stderr);
});

test('the policy that sign prints works as pasted: it admits the image, and nothing unsigned', async () => {
  const [, policy = ''] = /<<'POLICY'\n([\s\S]*?)\nPOLICY/.exec(signed.stderr) ?? [];
  writeFileSync(sandbox.path('policy.yaml'), policy);
  const args = ['webhook', '--dir', stack.dir, '--policy', 'policy.yaml', '--port', '0', '--self-signed', 'tls'];
  const child = spawn(join(BIN, 'sealwright'), [...args, '--no-match', 'allow', '--ledger', 'ledger'], {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const [origin = ''] = /https:\/\/\S+/.exec(line) ?? [];
    const ca = readFileSync(sandbox.path('tls/ca.pem'), 'utf8');
    const admitted = await askWebhook(`${origin}/mutate`, ca, deployment('shop', image));
    assert.equal(admitted.allowed, true, admitted.message);
    const other = await copyWithBundle(stack.status.registry, 'shop/app', pinned.split('@')[1] ?? '', 'shop/app');
    const forged = `${stack.status.registry}/shop/app@${other}`;
    assert.equal((await askWebhook(`${origin}/mutate`, ca, deployment('shop', forged))).allowed, false);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
  const why = await sandbox.run(['why', pinned.split('@')[1] ?? '', '--ledger', 'ledger']);
  assert.equal(why.exitCode, 0, why.stderr);
  assert.match(why.stdout, /^\S+ {2}Deployment shop\/\S+: admitted\n/);
  assert.match(why.stdout, new RegExp(`^ {4}signer +${WHO}, authenticated by `, 'm'));
});

test('verify prints cosign’s payload on stdout and each check on stderr', async () => {
  for (const reference of [pinned, image]) {
    const ended = await sandbox.run(['verify', ...signedBy(), reference]);
    assert.equal(ended.exitCode, 0, ended.stderr);
    const [payload] = JSON.parse(ended.stdout) as [
      { critical: object; optional: Record<string, string>; checks: { check: string; passed: boolean }[] },
    ];
    assert.deepEqual(payload.critical, {
      identity: { 'docker-reference': reference },
      image: { 'docker-manifest-digest': pinned.split('@')[1] },
      type: 'https://sigstore.dev/cosign/sign/v1',
    });
    assert.deepEqual(payload.optional, { team: 'shop', Subject: WHO, Issuer: stack.status.issuer });
    assert.ok(payload.checks.every(({ passed }) => passed));
    for (const check of ['signature', 'certificate chain', 'SCT', 'log inclusion', 'timestamp', 'identity']) {
      assert.match(ended.stderr, new RegExp(`^✓ ${check} `, 'm'));
    }
  }
});

test('every image is reported on, and the first that fails decides the exit code', async () => {
  const { registry } = stack.status;
  const unsigned = `${registry}/shop/unsigned:1`;
  const images = [pinned, unsigned, `${registry}/shop/nothing:1`, image];
  const ended = await sandbox.run(['verify', ...signedBy(), '-o', 'jsonl', ...images]);
  assert.equal(ended.exitCode, 10, ended.stderr);
  const outcomes = ended.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { outcome: string; schema: string }).outcome);
  assert.deepEqual(outcomes, ['verified', 'refused', 'refused', 'verified']);
  assert.match(ended.stderr, /^NO_SIGNATURE {2}/m);
  assert.match(ended.stderr, /^TAG_NOT_FOUND {2}/m);
  // What is verified is still what a script gets; nothing stands for the others.
  const script = await sandbox.run(['verify', ...signedBy(), '--quiet', pinned, unsigned]);
  assert.equal(script.exitCode, 10);
  assert.equal(script.stdout.trim().split('\n').length, 1);
  assert.match(script.stderr, /^NO_SIGNATURE {2}/);
});

test('in a job on GitHub the summary goes to its file, the annotations to the log', async () => {
  const summary = sandbox.path('summary.md');
  const environment = { GITHUB_STEP_SUMMARY: summary, CI: 'true' };
  const ended = await sandbox.run(['verify', ...signedBy(), '-o', 'github', image], { environment });
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stdout, /^::notice title=Verified [^:]*%3A[^\n]*::signed by dev@example\.test$/m);
  assert.match(readFileSync(summary, 'utf8'), /^## Signatures: 1 of 1 verified$/m);
  const full = await sandbox.run(['verify', ...signedBy(), '-o', 'github', image], {
    environment: { GITHUB_STEP_SUMMARY: sandbox.path('no/such/folder') },
  });
  assert.equal(errorCode(full), 'USAGE_FILE', full.stderr);
});

test('annotations, patterns and repetitions are honoured', async () => {
  const pattern = ['--certificate-identity-regexp', '.*@example\\.test'];
  const issuer = ['--certificate-oidc-issuer-regexp', 'http://127\\.0\\.0\\.1:\\d+/oidc'];
  const ended = await sandbox.run(['verify', ...pattern, ...issuer, '-a', 'team=shop', '-o', 'text', pinned, image]);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal(ended.stdout.trim().split('\n').length, 2);
});

test('each refusal is its own', async () => {
  const { registry } = stack.status;
  const verify = (...args: string[]): Promise<Ended> => sandbox.run(['verify', ...args]);
  refused(await verify(...signedBy(), `${registry}/shop/unsigned:1`), 'NO_SIGNATURE', 10);
  refused(await verify(...signedBy(), `${registry}/shop/app:absent`), 'TAG_NOT_FOUND', 11);
  refused(await verify(...signedBy('else@example.test'), pinned), 'IDENTITY_MISMATCH', 12);
  refused(await verify(...signedBy(), '-a', 'team=other', pinned), 'ANNOTATION_MISMATCH', 12);
  const substring = ['--certificate-identity-regexp', 'example', '--certificate-oidc-issuer', stack.status.issuer];
  const part = await verify(...substring, pinned);
  refused(part, 'IDENTITY_MISMATCH', 12);
  assert.match(part.stderr, /fix: .*\.\*example\.\*/);
  refused(await verify(...signedBy(), '--allow-http-registry', 'registry.invalid/a:1'), 'REMOTE_UNREACHABLE', 23);
});

test('a token that is none, or for somebody else, signs nothing', async () => {
  const { registry } = stack.status;
  const unsigned = `${registry}/shop/unsigned:1`;
  writeFileSync(sandbox.path('other-audience'), (await otherAudience()).trim());
  writeFileSync(sandbox.path('no-token'), 'not a token');
  const token = readFileSync(sandbox.path('token'), 'utf8').trim();
  writeFileSync(sandbox.path('cut-token'), token.slice(0, -6));
  for (const [file, code, exitCode] of [
    ['no-token', 'USAGE_NO_TOKEN', 1],
    ['other-audience', 'AUTH_AUDIENCE', 1],
    ['cut-token', 'AUTH_TOKEN_INVALID', 1],
    ['absent', 'USAGE_FILE', 1],
  ] as const) {
    const ended = await sandbox.run(['sign', '--identity-token', file, unsigned]);
    refused(ended, code, exitCode);
    assert.equal(ended.stderr.includes(token.slice(-20)), false);
  }
  refused(await sandbox.run(['sign', unsigned]), 'USAGE_NO_TOKEN', 1);
  refused(await sandbox.run(['verify', ...signedBy(), unsigned]), 'NO_SIGNATURE', 10);
});

async function otherAudience(): Promise<string> {
  const args = ['dev-token', '--dir', stack.dir, '--email', WHO, '--audience', 'elsewhere'];
  return (await sandbox.run(args)).stdout;
}

test('--upload=false leaves the registry alone, and -o json says everything', async () => {
  const unsigned = `${stack.status.registry}/shop/unsigned:1`;
  const args = ['sign', '--identity-token', 'token', '--upload=false', '--bundle', 'unpushed.json', '-o', 'json'];
  const ended = await sandbox.run([...args, '--quiet', unsigned]);
  assert.equal(ended.exitCode, 0, ended.stderr);
  const record = JSON.parse(ended.stdout) as { digest: string; signer: object; referrer: null; verify: string };
  assert.match(record.digest, /^sha256:/);
  assert.deepEqual(record.signer, { subject: WHO, issuer: stack.status.issuer });
  assert.equal(record.referrer, null);
  assert.equal(statSync(sandbox.path('unpushed.json')).mode & 0o777, 0o600);
  refused(await sandbox.run(['verify', ...signedBy(), unsigned]), 'NO_SIGNATURE', 10);
});

test('the token may come from the environment', async () => {
  const ended = await sandbox.run(['sign', `${stack.status.registry}/shop/app:1`], {
    environment: { SIGSTORE_ID_TOKEN: await stack.token('ci@example.test') },
  });
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal((await sandbox.run(['verify', ...signedBy('ci@example.test'), pinned])).exitCode, 0);
});

test('a key pair signs and verifies; another key does not', async () => {
  const environment = { COSIGN_PASSWORD: 'secret' };
  for (const prefix of ['mine', 'other']) {
    const made = await sandbox.run(['generate-key-pair', '--output-key-prefix', prefix], { environment });
    assert.equal(made.exitCode, 0, made.stderr);
  }
  assert.equal(statSync(sandbox.path('mine.key')).mode & 0o777, 0o600);
  const signedWithKey = await sandbox.run(['sign', '--key', 'mine.key', image], { environment });
  assert.equal(signedWithKey.exitCode, 0, signedWithKey.stderr);
  const [, command = ''] = /^ +verify: +(.*)$/m.exec(signedWithKey.stderr) ?? [];
  assert.equal((await paste(command)).exitCode, 0, command);
  assert.equal((await sandbox.run(['verify', '--key', 'other.pub', pinned])).exitCode, 12);
});

test('a second up on the folder is refused, detached or not', async () => {
  for (const flags of [[], ['--detach']]) {
    refused(await sandbox.run(['up', '--dir', stack.dir, ...flags]), 'USAGE_STACK_RUNNING', 1);
  }
  refused(await sandbox.run(['up', '--dir', stack.dir, '--port', '1']), 'USAGE_STACK_RUNNING', 1);
});

test('--recursive signs an index and every image that it names', async () => {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, 'shop/index', '1');
  const args = [
    'sign',
    '--recursive',
    '--identity-token',
    'token',
    '-o',
    'json',
    '--quiet',
    `${registry}/shop/index:1`,
  ];
  const ended = await sandbox.run(args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  const records = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { digest: string; image: string });
  assert.equal(records[0]?.digest, digest);
  assert.equal(records.length, 3);
  for (const record of records) {
    assert.equal((await sandbox.run(['verify', ...signedBy(), record.image])).exitCode, 0, record.image);
  }
});

test('signatures may be kept in a repository of their own', async () => {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, 'shop/elsewhere', '1');
  const elsewhere = `${registry}/shop/elsewhere@${digest}`;
  const environment = { COSIGN_REPOSITORY: `${registry}/signatures` };
  const ended = await sandbox.run(['sign', '--identity-token', 'token', elsewhere], { environment });
  assert.equal(ended.exitCode, 0, ended.stderr);
  refused(await sandbox.run(['verify', ...signedBy(), elsewhere]), 'NO_SIGNATURE', 10);
  assert.equal((await sandbox.run(['verify', ...signedBy(), elsewhere], { environment })).exitCode, 0);
  const bad = await sandbox.run(['verify', ...signedBy(), elsewhere], {
    environment: { COSIGN_REPOSITORY: 'a/b:tag' },
  });
  refused(bad, 'USAGE_BAD_REFERENCE', 1);
});
