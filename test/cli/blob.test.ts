/** Files through the command line: signed, verified without a socket, and every damaged bundle refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Sandbox, SandboxStack, errorCode, type Ended } from '../support/command-line.ts';
import { peer } from '../support/peers.ts';

const WHO = 'dev@example.test';
const SEALWRIGHT = resolve(import.meta.dirname, '..', '..', 'bin', 'sealwright');
const CONTENT = 'an artifact\n';

const sandbox = new Sandbox();
let stack: SandboxStack;
let trust: readonly string[];
let bundle: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { issuer, trustedRoot } = stack.status;
  trust = ['--certificate-identity', WHO, '--certificate-oidc-issuer', issuer, '--trusted-root', trustedRoot];
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  writeFileSync(sandbox.path('app.bin'), CONTENT);
  writeFileSync(sandbox.path('other.bin'), 'another artifact\n');
  const signed = await sandbox.run(['sign-blob', '--identity-token', 'token', '--bundle', 'app.json', 'app.bin']);
  assert.equal(signed.exitCode, 0, signed.stderr);
  bundle = readFileSync(sandbox.path('app.json'), 'utf8');
  // From here on nothing may need the stack.
  await stack.stop();
});

after(() => {
  sandbox.remove();
});

function verify(...args: string[]): Promise<Ended> {
  return sandbox.run(['verify-blob', '--offline', ...trust, ...args]);
}

test('verified offline: by file, by stdin, by digest', async () => {
  const digest = `sha256:${createHash('sha256').update(CONTENT).digest('hex')}`;
  for (const argument of ['app.bin', digest]) {
    const ended = await verify('--bundle', 'app.json', argument);
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.match(ended.stderr, /^Verified OK$/m);
    assert.equal(ended.stdout, '');
  }
  const piped = ['verify-blob', '--offline', ...trust, '--bundle', 'app.json', '-o', 'json', '-'];
  const ended = await sandbox.run(piped, { input: CONTENT });
  assert.equal(ended.exitCode, 0, ended.stderr);
  const { outcome, subjects } = JSON.parse(ended.stdout) as {
    outcome: string;
    subjects: { digest: string; signatures: { checks: { status: string }[] }[] }[];
  };
  assert.equal(outcome, 'verified');
  assert.equal(subjects[0]?.digest, digest);
  assert.ok(subjects[0].signatures[0]?.checks.every(({ status }) => status === 'passed'));
});

test('what a pattern lets in that may not be meant is a warning on stderr and in the report', async () => {
  const { issuer, trustedRoot } = stack.status;
  const by = (pattern: string): Promise<Ended> => {
    const identity = ['--certificate-identity-regexp', pattern, '--certificate-oidc-issuer', issuer];
    const trusted = ['--trusted-root', trustedRoot, '--bundle', 'app.json', '-o', 'json', 'app.bin'];
    return sandbox.run(['verify-blob', '--offline', ...identity, ...trusted]);
  };
  const loose = await by('dev@example.test');
  assert.equal(loose.exitCode, 0, loose.stderr);
  const warning = String.raw`subject dev@example.test: . stands for any character, so that other names are accepted, such as dev@examplextest; write dev@example\.test`;
  assert.ok(loose.stderr.includes(`! ${warning}`), loose.stderr);
  assert.deepEqual((JSON.parse(loose.stdout) as { warnings: string[] }).warnings, [warning]);
  const exact = await by(String.raw`dev@example\.test`);
  assert.equal(exact.exitCode, 0, exact.stderr);
  assert.doesNotMatch(exact.stderr, /stands for/);
  assert.deepEqual((JSON.parse(exact.stdout) as { warnings: string[] }).warnings, []);
});

test('verifying offline opens no socket', (t) => {
  const strace = peer(t, 'strace');
  if (strace === undefined) return;
  const trace = join(sandbox.work, 'trace');
  execFileSync(
    strace,
    [
      '-f',
      '-e',
      'trace=%network',
      '-o',
      trace,
      SEALWRIGHT,
      'verify-blob',
      '--offline',
      ...trust,
      '--bundle',
      'app.json',
      'app.bin',
    ],
    { cwd: sandbox.work, env: { PATH: process.env['PATH'], HOME: sandbox.home }, stdio: 'ignore' },
  );
  assert.doesNotMatch(readFileSync(trace, 'utf8'), /\b(socket|connect|bind|sendto)\(/);
});

test('another file, another identity, another digest', async () => {
  for (const [args, code] of [
    [['--bundle', 'app.json', 'other.bin'], 'ARTIFACT_MISMATCH'],
    [['--bundle', 'app.json', `sha256:${'0'.repeat(64)}`], 'ARTIFACT_MISMATCH'],
  ] as const) {
    const ended = await verify(...args);
    assert.equal(errorCode(ended), code, ended.stderr);
    assert.equal(ended.exitCode, 12);
  }
  const [, , ...rest] = trust;
  const others = ['--certificate-identity', 'else@example.test', ...rest, '--bundle', 'app.json', 'app.bin'];
  const ended = await sandbox.run(['verify-blob', '--offline', ...others]);
  assert.equal(errorCode(ended), 'IDENTITY_MISMATCH', ended.stderr);
  assert.equal(ended.exitCode, 12);
});

/** Evenly spread, because each costs a process; `test/core` tries every byte. */
const CUTS = [0, 1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999];

for (const cut of CUTS) {
  test(`a bundle cut off at ${cut} of its length is refused by name`, async () => {
    const length = cut === 1 ? 1 : Math.floor(bundle.length * cut);
    writeFileSync(sandbox.path('cut.json'), bundle.slice(0, length));
    const ended = await verify('--bundle', 'cut.json', 'app.bin');
    assert.equal(errorCode(ended), 'FORMAT_BUNDLE', ended.stderr);
    assert.equal(ended.exitCode, 1);
    assert.doesNotMatch(ended.stderr, /\n\s+at /);
  });
}

for (const part of [0.05, 0.25, 0.45, 0.65, 0.85, 0.95]) {
  test(`a bundle with a bit flipped at ${part} of its length is refused by name`, async () => {
    const bytes = Buffer.from(bundle);
    const index = Math.floor(bytes.length * part);
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    writeFileSync(sandbox.path('flipped.json'), bytes);
    const ended = await verify('--bundle', 'flipped.json', 'app.bin');
    assert.ok(ended.exitCode === 1 || ended.exitCode === 12, `exit code ${ended.exitCode}: ${ended.stderr}`);
    assert.match(errorCode(ended), /^[A-Z]+_[A-Z0-9_]+$/);
    assert.doesNotMatch(ended.stderr, /INVARIANT|\n\s+at /);
  });
}

test('signing says that the services are not there', async () => {
  const ended = await sandbox.run(['sign-blob', '--identity-token', 'token', '--bundle', 'late.json', 'app.bin']);
  assert.equal(errorCode(ended), 'REMOTE_UNREACHABLE', ended.stderr);
  assert.equal(ended.exitCode, 23);
  assert.throws(() => readFileSync(sandbox.path('late.json')));
});
