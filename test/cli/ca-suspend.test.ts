/** An identity that the stack's certificate authority refuses: for us and for real cosign, at once, through a crash, and let in again. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Sandbox, SandboxStack, errorCode, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const WHO = 'dev@example.test';
const sandbox = new Sandbox();
let stack: SandboxStack;

async function done(...args: readonly string[]): Promise<Ended> {
  const ended = await sandbox.run(args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function refused(code: string, ...args: readonly string[]): Promise<Ended> {
  const ended = await sandbox.run(args);
  assert.equal(errorCode(ended), code, ended.stderr);
  assert.equal(ended.exitCode, 1);
  return ended;
}

function ca(verb: string, ...args: readonly string[]): readonly string[] {
  return ['ca', verb, '--dir', stack.dir, ...args];
}

async function sign(email: string): Promise<readonly string[]> {
  writeFileSync(sandbox.path('token'), await stack.token(email));
  return ['sign-blob', '--identity-token', 'token', '--bundle', 'out.bundle', '--yes', 'app.bin'];
}

function journal(): readonly Record<string, unknown>[] {
  const lines = readFileSync(join(stack.dir, 'operator.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

before(async () => {
  stack = await SandboxStack.start(sandbox);
  sandbox.write('app.bin', 'an artifact');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('suspended by a pattern: refused with the reason; others are not; resumed, it signs again', async () => {
  const issuer = ['--issuer', stack.status.issuer];
  await done(...(await sign(WHO)));
  assert.equal((await done(...ca('status'))).stdout.trim(), 'nobody is suspended');
  await done(...ca('suspend', ...issuer, '--reason', 'token stolen, SEC-77', 'dev@*'));
  const ended = await refused('AUTH_SUSPENDED', ...(await sign(WHO)));
  assert.match(ended.stderr, /token stolen, SEC-77: dev@example\.test: identity dev@\*/);
  await done(...(await sign('ann@example.test')));
  assert.match((await done(...ca('status'))).stdout, /identity dev@\*, issuer http.* +token stolen, SEC-77/);
  assert.match((await done(...ca('status', WHO))).stdout, /dev@\*/);
  assert.equal((await done(...ca('status', 'ann@example.test'))).stdout.trim(), 'not suspended');
  await done(...ca('resume', ...issuer, 'dev@*'));
  await done(...(await sign(WHO)));
});

test('of another issuer, or with another claim, it is another identity', async () => {
  await done(...ca('suspend', '--issuer', 'https://elsewhere.example', '--reason', 'x', WHO));
  await done(
    ...ca('suspend', '--issuer', stack.status.issuer, '--claim', 'sourceRepositoryUri=https://x', '--reason', 'x', WHO),
  );
  await done(...(await sign(WHO)));
});

test('a suspension outlives a crash of the stack', async () => {
  await done(...ca('suspend', '--issuer', stack.status.issuer, '--reason', 'stolen', WHO));
  process.kill(stack.status.pid, 'SIGKILL');
  stack = await SandboxStack.start(sandbox);
  await refused('AUTH_SUSPENDED', ...(await sign(WHO)));
  await done(...ca('resume', '--issuer', stack.status.issuer, WHO));
  await done(...(await sign(WHO)));
});

test('every action is in the journal, with who and why, asked before it is done', () => {
  const actions = journal().filter(({ action }) => action === 'suspend' || action === 'resume');
  assert.deepEqual(
    actions.slice(0, 4).map(({ phase, action, reason }) => [phase, action, reason]),
    [
      ['asked', 'suspend', 'token stolen, SEC-77'],
      ['done', 'suspend', undefined],
      ['asked', 'resume', undefined],
      ['done', 'resume', undefined],
    ],
  );
});

interop(
  'cosign',
  'sealwright → peer',
  'a suspended identity gets no certificate, and the refusal says why',
  async (t, cosign) => {
    const token = await stack.token(WHO);
    const env = { PATH: process.env['PATH'] ?? '', HOME: sandbox.home };
    const trust = ['--trusted-root', stack.status.trustedRoot, '--signing-config', stack.status.signingConfig];
    const args = ['sign-blob', '--yes', '--identity-token', token, '--bundle', sandbox.path('c.bundle'), ...trust];
    const run = async (): Promise<string> => {
      try {
        const { stderr } = await promisify(execFile)(cosign, [...args, sandbox.path('app.bin')], { env });
        return stderr;
      } catch (error) {
        const { stderr = '', code } = error as { stderr?: string; code?: number };
        return `exit ${String(code)}: ${stderr}`;
      }
    };
    assert.doesNotMatch(await run(), /^exit/);
    await done(...ca('suspend', '--issuer', stack.status.issuer, '--reason', 'stolen', '*@example.test'));
    const text = await run();
    t.diagnostic(text.slice(0, 600));
    assert.match(text, /^exit [1-9]/);
    assert.match(text, /There was an error processing the identity token: the identity is suspended/);
    await done(...ca('resume', '--issuer', stack.status.issuer, '*@example.test'));
    assert.doesNotMatch(await run(), /^exit/);
  },
);

test('refused: nobody, no reason, one that is not suspended, a folder without a running stack', async () => {
  const issuer = ['--issuer', stack.status.issuer];
  await refused('USAGE_BAD_FLAG', ...ca('suspend', ...issuer, '--reason', 'x'));
  await refused('USAGE_BAD_FLAG', ...ca('suspend', ...issuer, WHO));
  await refused('USAGE_BAD_FLAG', ...ca('suspend', '--reason', 'x', WHO));
  await refused('FORMAT_REVOCATION', ...ca('suspend', ...issuer, '--claim', 'team=x', '--reason', 'x', WHO));
  await refused('NOT_FOUND', ...ca('resume', ...issuer, 'nobody@example.test'));
  await refused('USAGE_STACK_NOT_RUNNING', 'ca', 'status', '--dir', 'elsewhere');
});

test('a list of the suspended that was damaged stops the start: nobody would know whom to refuse', async () => {
  await stack.stop();
  const path = join(stack.dir, 'suspensions.json');
  const kept = readFileSync(path, 'utf8');
  writeFileSync(path, kept.slice(0, kept.length / 2));
  await refused('STATE_CORRUPT', 'up', '--detach', '--dir', stack.dir);
  writeFileSync(path, kept);
  stack = await SandboxStack.start(sandbox);
});
