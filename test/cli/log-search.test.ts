/** What somebody has signed, asked of the log of a running stack: several identities, windows, a position, and a tile that was changed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Sandbox, SandboxStack, errorCode, type Ended } from '../support/command-line.ts';

const sandbox = new Sandbox();
let stack: SandboxStack;

interface Line {
  readonly index: string;
  readonly subjects?: readonly string[];
  readonly isTrusted?: boolean;
  readonly time?: string;
}

async function run(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(args, { environment: { COSIGN_PASSWORD: '' } });
}

async function done(...args: readonly string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function sign(...signer: readonly string[]): Promise<void> {
  await done('sign-blob', '--yes', '--bundle', 'out.bundle', ...signer, 'app.bin');
}

async function signAs(email: string): Promise<void> {
  writeFileSync(sandbox.path('token'), await stack.token(email));
  await sign('--identity-token', 'token');
}

async function found(...args: readonly string[]): Promise<readonly Line[]> {
  const { stdout } = await done('log', 'search', ...args);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

function who(identity: string): readonly string[] {
  return ['--issuer', stack.status.issuer, '--identity', identity];
}

before(async () => {
  stack = await SandboxStack.start(sandbox);
  sandbox.write('app.bin', 'an artifact');
  await done('generate-key-pair', '--output-key-prefix', 'own');
  await signAs('dev@example.test');
  await signAs('ann@example.test');
  await sign('--key', 'own.key');
  await signAs('dev@example.test');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('an identity, a pattern, a key, and nobody', async () => {
  const dev = await found(...who('dev@example.test'));
  assert.deepEqual(
    dev.map(({ index }) => index),
    ['0', '3'],
  );
  assert.deepEqual(dev[0]?.subjects, ['dev@example.test']);
  assert.equal(dev[0].isTrusted, true);
  assert.deepEqual(
    (await found(...who('*@example.test'))).map(({ index }) => index),
    ['0', '1', '3'],
  );
  const [key, ...more] = await found('--public-key', 'own.pub');
  assert.deepEqual([key?.index, key?.time, more], ['2', 'unknown', []]);
  assert.deepEqual(await found(...who('nobody@example.test')), []);
  assert.deepEqual(await found('--issuer', 'https://elsewhere.example', '--identity', 'dev@example.test'), []);
});

test('a window before, around and after', async () => {
  const hours = (count: number): string => new Date(Date.now() + count * 3_600_000).toISOString();
  const lines = async (...window: readonly string[]): Promise<number> =>
    (await found(...who('dev@*'), ...window)).length;
  assert.equal(await lines('--after', hours(-1), '--before', hours(1)), 2);
  assert.equal(await lines('--before', hours(-1)), 0);
  assert.equal(await lines('--after', hours(1)), 0);
});

test('from a position on, only what is new', async () => {
  assert.equal((await found(...who('dev@*'), '--state', 'position')).length, 2);
  assert.deepEqual(await found(...who('dev@*'), '--state', 'position'), []);
  await signAs('dev@example.test');
  assert.deepEqual(
    (await found(...who('dev@*'), '--state', 'position')).map(({ index }) => index),
    ['4'],
  );
});

const REFUSALS: readonly (readonly [name: string, args: readonly string[], code: string])[] = [
  ['nobody', [], 'USAGE_BAD_FLAG'],
  ['an identity and a key', ['--identity', 'a', '--issuer', 'b', '--public-key', 'own.pub'], 'USAGE_BAD_FLAG'],
  ['an identity without an issuer', ['--identity', 'a'], 'USAGE_BAD_FLAG'],
  ['a time that is none', ['--public-key', 'own.pub', '--after', 'soon'], 'USAGE_BAD_FLAG'],
  [
    'an end before the beginning',
    ['--public-key', 'own.pub', '--after', '2026-02-01T00:00:00Z', '--before', '2026-01-01T00:00:00Z'],
    'USAGE_BAD_FLAG',
  ],
  ['a log that nobody trusts', ['--public-key', 'own.pub', '--log', 'https://log.example'], 'USAGE_BAD_FLAG'],
  ['a key that is not there', ['--public-key', 'absent.pub'], 'USAGE_FILE'],
  ['a position that is none', ['--public-key', 'own.pub', '--state', 'app.bin'], 'FORMAT_TILE'],
];

for (const [name, args, code] of REFUSALS) {
  test(`refused: ${name}`, async () => {
    const ended = await run('log', 'search', ...args);
    assert.equal(errorCode(ended), code, ended.stderr);
    assert.equal(ended.exitCode, 1);
    assert.equal(ended.stdout, '');
  });
}

test('a tile that was changed: refused, and nothing is told', async () => {
  const folder = join(stack.dir, 'log');
  let changed = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !path.includes('entries')) continue;
    writeFileSync(path, readFileSync(path, 'latin1').replaceAll('"hashedrekord"', '"hashedrekorD"'), 'latin1');
    changed++;
  }
  assert.ok(changed > 0);
  const ended = await run('log', 'search', ...who('dev@*'));
  assert.equal(errorCode(ended), 'INCLUSION_PROOF_INVALID', ended.stderr);
  assert.equal(ended.exitCode, 12);
  assert.equal(ended.stdout, '');
});
