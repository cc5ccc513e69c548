/** Start, stop, interrupt, `kill -9` and start again, through the command line: what was acknowledged is there. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { Sandbox, SandboxStack, errorCode } from '../support/command-line.ts';

const WHO = 'dev@example.test';
const SEALWRIGHT = resolve(import.meta.dirname, '..', '..', 'bin', 'sealwright');
const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

test('a killed stack starts again with everything it had acknowledged', async () => {
  const stack = await SandboxStack.start(sandbox);
  const { registry, issuer, pid } = stack.status;
  const { digest } = await pushDemoImage(registry, 'shop/app', '1');
  const pinned = `${registry}/shop/app@${digest}`;
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  const first = await sandbox.run(['sign', '--identity-token', 'token', pinned]);
  assert.match(first.stderr, /logged #0/);

  process.kill(pid, 'SIGKILL');
  await silence(stack.status.url);
  const status = await sandbox.run(['status', '--dir', stack.dir]);
  assert.equal(errorCode(status), 'USAGE_STACK_NOT_RUNNING', status.stderr);

  const again = await SandboxStack.start(sandbox);
  try {
    assert.equal(again.status.url, stack.status.url);
    assert.notEqual(again.status.pid, pid);
    const trust = ['--certificate-identity', WHO, '--certificate-oidc-issuer', issuer];
    const verified = await sandbox.run(['verify', ...trust, pinned]);
    assert.equal(verified.exitCode, 0, verified.stderr);
    // A token of the time before, a new certificate, the next place in the same log.
    const second = await sandbox.run(['sign', '--force', '--identity-token', 'token', pinned]);
    assert.match(second.stderr, /logged #1/, second.stderr);
    const fsck = await sandbox.run(['log', 'fsck', '--dir', again.dir]);
    assert.equal(fsck.exitCode, 0, fsck.stderr);
  } finally {
    await again.stop();
  }
});

/** A process that was killed answers until the system has taken it apart. */
async function silence(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), hostname);
    const isThere = await new Promise<boolean>((resolved) => {
      socket.once('connect', () => {
        resolved(true);
      });
      socket.once('error', () => {
        resolved(false);
      });
    });
    socket.destroy();
    if (!isThere) return;
  }
}

/** `up` in the foreground, up to its first line. */
async function foreground(dir: string): Promise<ChildProcess> {
  const child = spawn(SEALWRIGHT, ['up', '--dir', dir, '--port', '0'], {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  assert.match(line, /^✓ stack ready in \d+\.\d s {3}url http:\/\/127\.0\.0\.1:\d+ {3}root sha256:[0-9a-f]{12}…/);
  return child;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`a stack in the foreground ends well on ${signal}`, async () => {
    const dir = sandbox.path(`foreground-${signal}`);
    const child = await foreground(dir);
    const running = await sandbox.run(['status', '--dir', dir, '-o', 'json']);
    assert.equal((JSON.parse(running.stdout) as { pid: number }).pid, child.pid);
    const ended = once(child, 'exit');
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(existsSync(join(dir, 'running.json')), false);
    assert.equal(errorCode(await sandbox.run(['status', '--dir', dir])), 'USAGE_STACK_NOT_RUNNING');
  });
}

test('a taken port is refused with a way out, and another one than the folder’s own without', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    const dir = sandbox.path('taken');
    const taken = await sandbox.run(['up', '--detach', '--dir', dir, '--port', String(port)]);
    assert.equal(errorCode(taken), 'USAGE_PORT_CONFLICT', taken.stderr);
    assert.equal(taken.exitCode, 1);
    assert.match(taken.stderr, /fix: +sealwright up --port 0/);
  } finally {
    other.close();
  }
  const stack = await SandboxStack.start(sandbox, 'chosen');
  await stack.stop();
  const another = await sandbox.run(['up', '--detach', '--dir', stack.dir, '--port', '1']);
  assert.equal(errorCode(another), 'USAGE_PORT_CONFLICT', another.stderr);
  const same = await SandboxStack.start(sandbox, 'chosen');
  assert.equal(same.status.url, stack.status.url);
  await same.stop();
});

test('the stack that was started last is trusted without a flag, and named', async () => {
  const stack = await SandboxStack.start(sandbox, 'recorded');
  try {
    const trust = ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
    const { digest } = await pushDemoImage(stack.status.registry, 'shop/app', '1');
    const ended = await sandbox.run(['verify', ...trust, `${stack.status.registry}/shop/app@${digest}`]);
    assert.equal(errorCode(ended), 'NO_SIGNATURE', ended.stderr);
    assert.ok(ended.stderr.includes(stack.dir), ended.stderr);
  } finally {
    await stack.stop();
  }
});

test('log fsck names the tile that is not what the entries make it, beside a running stack and without one', async () => {
  const stack = await SandboxStack.start(sandbox, 'fsck');
  writeFileSync(sandbox.path('fsck-token'), await stack.token(WHO));
  writeFileSync(sandbox.path('blob'), 'a blob');
  const signed = await sandbox.run(['sign-blob', '--identity-token', 'fsck-token', '--bundle', 'blob.json', 'blob']);
  assert.equal(signed.exitCode, 0, signed.stderr);
  const fsck = ['log', 'fsck', '--dir', stack.dir];
  const sound = await sandbox.run(fsck);
  assert.equal(sound.exitCode, 0, sound.stderr);
  assert.match(sound.stdout, /transparency log: 1 entries/);
  await stack.stop();

  for (const log of ['log', 'ct']) {
    const tile = join(stack.dir, log, 'objects', 'tile', '0', '000.p', '1');
    const whole = readFileSync(tile);
    writeFileSync(tile, whole.with(7, (whole[7] ?? 0) ^ 1));
    const damaged = await sandbox.run([...fsck, '-o', 'json']);
    assert.equal(errorCode(damaged), 'STATE_CORRUPT', damaged.stderr);
    assert.equal(damaged.exitCode, 1);
    const reports = JSON.parse(damaged.stdout) as { dir: string; differences: { name: string }[] }[];
    const [report] = reports.filter(({ differences }) => differences.length > 0);
    assert.equal(report?.dir, join(stack.dir, log));
    assert.ok(
      report.differences.some(({ name }) => name === 'tile/0/000.p/1'),
      damaged.stdout,
    );
    writeFileSync(tile, whole);
  }
  assert.equal((await sandbox.run(fsck)).exitCode, 0);
  const nothing = await sandbox.run(['log', 'fsck', '--dir', sandbox.path('nothing')]);
  assert.equal(errorCode(nothing), 'USAGE_STACK_NOT_RUNNING', nothing.stderr);
});

test('initialize starts trusting an instance by its root, and by no other', async () => {
  const stack = await SandboxStack.start(sandbox, 'mirrored');
  const other = await SandboxStack.start(sandbox, 'other');
  try {
    const { issuer, registry, tuf } = stack.status;
    const { digest } = await pushDemoImage(registry, 'shop/app', '1');
    const pinned = `${registry}/shop/app@${digest}`;
    writeFileSync(sandbox.path('mirrored-token'), await stack.token(WHO));
    const verify = ['verify', '--certificate-identity', WHO, '--certificate-oidc-issuer', issuer, pinned];

    const wrong = await sandbox.run(['initialize', '--mirror', tuf.mirror, '--root', other.status.tuf.root]);
    assert.match(errorCode(wrong), /^TUF_/, wrong.stderr);
    assert.equal(wrong.exitCode, 12);
    const before = await sandbox.run(verify);
    assert.ok(before.stderr.includes(other.dir), 'the stack that was started last is still the one');

    const done = await sandbox.run(['initialize', '--mirror', tuf.mirror, '--root', tuf.root]);
    assert.equal(done.exitCode, 0, done.stderr);
    assert.ok(done.stderr.includes(other.dir), done.stderr);
    const signed = await sandbox.run(['sign', '--identity-token', 'mirrored-token', pinned]);
    assert.equal(signed.exitCode, 0, signed.stderr);
    const after = await sandbox.run(verify);
    assert.equal(after.exitCode, 0, after.stderr);
    assert.ok(after.stderr.includes(tuf.mirror), after.stderr);
  } finally {
    await stack.stop();
    await other.stop();
  }
});
