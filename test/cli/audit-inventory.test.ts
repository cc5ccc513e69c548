/** `sealwright audit inventory`: who signs, of snapshots that were taken and the log of a running stack. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

const CI = 'ci@example.test';
const BOB = 'bob@example.test';
const sandbox = new Sandbox();
let stack: SandboxStack;
let keyId: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  sandbox.write('app.bin', 'an artifact');
  sandbox.write('policy.yaml', keylessPolicy(stack.status.issuer, CI));
  await done('generate-key-pair', '--output-key-prefix', 'own');
  for (const who of [CI, BOB]) sandbox.write(who, await stack.token(who));
  const image = await pushImage();
  for (const who of [CI, BOB]) await done('sign', '--yes', '--identity-token', who, image);
  await done('sign-blob', '--yes', '--identity-token', BOB, '--bundle', 'b', 'app.bin');
  await done('sign-blob', '--yes', '--key', 'own.key', '--bundle', 'k', 'app.bin');
  const { verificationMaterial } = JSON.parse(readFileSync(sandbox.path('k'), 'utf8')) as {
    verificationMaterial: { publicKey: { hint: string } };
  };
  keyId = Buffer.from(verificationMaterial.publicKey.hint, 'base64').toString('hex');
  await done('audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', '--out', 'now.json', image);
  await done('audit', 'snapshot', '--system', 'bank', '--policy', 'policy.yaml', '--out', 'bank.json', image);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

function run(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(args, { environment: { COSIGN_PASSWORD: '' } });
}

async function done(...args: readonly string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

/** A file as an image: what is in it does not matter here. */
async function pushImage(): Promise<string> {
  const { stdout } = await done('upload', 'blob', '-f', 'app.bin', `${stack.status.registry}/shop/web:1`);
  return stdout.trim();
}

interface Inventory {
  readonly isLogRead: boolean;
  readonly signers: readonly {
    readonly name: string;
    readonly expected: string;
    readonly images: number;
    readonly inLog?: { readonly entries: number; readonly untrusted: number; readonly first?: string };
  }[];
}

async function inventory(...args: readonly string[]): Promise<Inventory> {
  const { stdout } = await done('audit', 'inventory', 'now.json', '-o', 'json', ...args);
  return JSON.parse(stdout) as Inventory;
}

test('of a snapshot: who is accepted, and who only signs beside them', async () => {
  const { signers, isLogRead } = await inventory();
  assert.equal(isLogRead, false);
  assert.deepEqual(
    signers.map(({ name, expected, images, inLog }) => [name.split(',')[0], expected, images, inLog]),
    [
      [BOB, 'not-accepted', 1, undefined],
      [CI, 'accepted', 1, undefined],
    ],
  );
});

test('with the log: everybody in it, how often, and since when', async () => {
  const { signers, isLogRead } = await inventory('--search-log');
  assert.equal(isLogRead, true);
  assert.deepEqual(
    signers.map(({ name, expected, inLog }) => [name.split(',')[0], expected, inLog?.entries, inLog?.untrusted]),
    [
      [BOB, 'not-accepted', 2, 0],
      [`the key ${keyId}`, 'only-logged', 1, 0],
      [CI, 'accepted', 1, 0],
    ],
  );
  assert.ok(Number.isFinite(Date.parse(signers[0]?.inLog?.first ?? '')));
  assert.equal(signers[1]?.inLog?.first, undefined, 'a key says no time');
});

test('for people: a table, and Markdown', async () => {
  const table = await done('audit', 'inventory', 'now.json', '--search-log');
  assert.match(table.stdout, /^EXPECTED +WHO +IMAGES +LOGGED +FIRST +LAST\n/);
  assert.match(table.stdout, /^only logged +the key [0-9a-f]{64} \(long-lived\) +0 +1 +no time +no time$/m);
  const markdown = await done('audit', 'inventory', 'now.json', '-o', 'markdown');
  assert.match(markdown.stdout, /^# Who signs: shop\n\nIn snapshots; no log was read\.\n/);
  assert.match(markdown.stdout, /^\| not accepted \| bob&#64;example\.test, authenticated by .* \| 1 \| {2}\| \d{4}-/m);
});

test('a folder of snapshots is as good as their names', async () => {
  mkdirSync(sandbox.path('series'));
  copyFileSync(sandbox.path('now.json'), sandbox.path('series/1.json'));
  const named = await done('audit', 'inventory', 'now.json', '-o', 'json');
  const folder = await done('audit', 'inventory', 'series', '-o', 'json');
  assert.equal(folder.stdout, named.stdout);
});

test('refused with a code', async () => {
  mkdirSync(sandbox.path('empty'));
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['USAGE_FILE', ['missing.json']],
    ['FORMAT_AUDIT', ['policy.yaml']],
    ['USAGE_BAD_FLAG', ['now.json', 'bank.json']],
    ['USAGE_BAD_FLAG', ['empty']],
    ['NO_SIGNATURE', ['now.json', '--certificate-identity', CI, '--certificate-oidc-issuer', stack.status.issuer]],
    ['USAGE_BAD_FLAG', ['now.json', '--search-log', '--log', 'https://log.example']],
    ['LIMIT_COUNT', ['now.json', '--search-log', '--limit', '2']],
  ];
  for (const [code, args] of cases) {
    const ended = await run('audit', 'inventory', ...args);
    assert.equal(errorCode(ended), code, `${args.join(' ')}: ${ended.stderr}`);
    assert.equal(ended.stdout, '', args.join(' '));
  }
});
