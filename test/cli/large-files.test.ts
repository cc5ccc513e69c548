/**
 * Files and layers larger than any buffer: what signs, verifies and carries them needs as much memory as for a small one. A
 * file that were held would show as its whole size, a gibibyte.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { startWeightlessRegistry, zeroDigest, type WeightlessRegistry } from '../support/weightless-registry.ts';

const LARGE_BYTES = 2 ** 30;
/** What chunks on their way, and whatever was not collected yet, may take. */
const ALLOWED_MIB = 128;

/** As Node itself counts: it is asked as it ends. */
const PRELOAD = `process.on('exit', () => {
  require('node:fs').writeFileSync(process.env.PEAK_MEMORY_FILE, String(process.resourceUsage().maxRSS / 1024));
});`;

const sandbox = new Sandbox();
let stack: SandboxStack;
let registry: WeightlessRegistry;
let services: readonly string[];
let trust: readonly string[];

before(async () => {
  stack = await SandboxStack.start(sandbox);
  registry = await startWeightlessRegistry();
  const { trustedRoot, signingConfig } = stack.status;
  trust = ['--trusted-root', trustedRoot];
  services = [...trust, '--signing-config', signingConfig, '--yes', '--key', 'cosign.key'];
  sandbox.write('preload.cjs', PRELOAD);
  for (const [name, size] of [
    ['small', 1000],
    ['large', LARGE_BYTES],
  ] as const) {
    sandbox.write(name, '');
    // Sparse: it takes no place on the disk.
    truncateSync(sandbox.path(name), size);
  }
  sandbox.write('predicate.json', '{}');
  const made = await sandbox.run(['generate-key-pair'], { environment: { COSIGN_PASSWORD: '' } });
  assert.equal(made.exitCode, 0, made.stderr);
  registry.offer('shop/small', '1', 1000);
  registry.offer('shop/large', '1', LARGE_BYTES);
});

after(async () => {
  await stack.stop();
  await registry.close();
  sandbox.remove();
});

async function run(args: readonly string[]): Promise<Ended & { readonly peakMiB: number }> {
  const file = sandbox.path('peak');
  writeFileSync(file, '');
  const ended = await sandbox.run(args, {
    environment: {
      COSIGN_PASSWORD: '',
      NODE_OPTIONS: `--require ${sandbox.path('preload.cjs')}`,
      PEAK_MEMORY_FILE: file,
    },
  });
  return { ...ended, peakMiB: Number(readFileSync(file, 'utf8')) };
}

/** The same command about a small and about a large thing. */
async function sameMemory(command: (name: 'small' | 'large') => readonly string[]): Promise<Ended> {
  const [small, large] = [await run(command('small')), await run(command('large'))];
  for (const { exitCode, stderr } of [small, large]) assert.equal(exitCode, 0, stderr);
  assert.ok(small.peakMiB > 10, `nobody measured: ${small.peakMiB} MiB`);
  assert.ok(
    large.peakMiB < small.peakMiB + ALLOWED_MIB,
    `${large.peakMiB.toFixed(0)} MiB for a large file, ${small.peakMiB.toFixed(0)} MiB for a small one`,
  );
  return large;
}

test('what holds a file is seen: a quarter of the large one', async () => {
  const held = `${PRELOAD} globalThis.held = Buffer.alloc(${LARGE_BYTES / 4}, 1);`;
  sandbox.write('preload.cjs', held);
  const holding = await run(['version']);
  sandbox.write('preload.cjs', PRELOAD);
  const { peakMiB } = await run(['version']);
  assert.ok(holding.peakMiB > peakMiB + ALLOWED_MIB, `${holding.peakMiB} and ${peakMiB} MiB`);
});

test('sign-blob and verify-blob', async () => {
  await sameMemory((name) => ['sign-blob', ...services, '--bundle', `${name}.json`, name]);
  await sameMemory((name) => ['verify-blob', ...trust, '--key', 'cosign.pub', '--bundle', `${name}.json`, name]);
  // The last byte counts as well.
  writeFileSync(sandbox.path('large'), 'x', { flag: 'a' });
  const longer = await run(['verify-blob', ...trust, '--key', 'cosign.pub', '--bundle', 'large.json', 'large']);
  truncateSync(sandbox.path('large'), LARGE_BYTES);
  assert.deepEqual([longer.exitCode, errorCode(longer)], [12, 'ARTIFACT_MISMATCH'], longer.stderr);
});

test('attest-blob and verify-blob-attestation', async () => {
  const about = ['--type', 'custom', '--predicate', 'predicate.json'];
  await sameMemory((name) => ['attest-blob', ...services, ...about, '--bundle', `${name}.att`, name]);
  const verify = ['verify-blob-attestation', ...trust, '--key', 'cosign.pub', '--type', 'custom'];
  await sameMemory((name) => [...verify, '--bundle', `${name}.att`, name]);
  const other = await run([...verify, '--bundle', 'large.att', 'small']);
  assert.deepEqual([other.exitCode, errorCode(other)], [12, 'SUBJECT_MISMATCH'], other.stderr);
});

test('upload blob sends a file of any size', async () => {
  await sameMemory((name) => ['upload', 'blob', '-f', name, `${registry.host}/files/${name}:1`]);
  assert.equal(registry.received.get(zeroDigest(LARGE_BYTES)), LARGE_BYTES);
});

test('copy carries a layer of any size from one registry to another', async () => {
  const target = await startWeightlessRegistry();
  try {
    await sameMemory((name) => ['copy', `${registry.host}/shop/${name}:1`, `${target.host}/shop/${name}:1`]);
    assert.equal(target.received.get(zeroDigest(LARGE_BYTES)), LARGE_BYTES);
  } finally {
    await target.close();
  }
});

test('a key that signs no digest refuses what it would have to hold', async () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  sandbox.write('edwards.pem', pem);
  const imported = await run(['import-key-pair', '--key', 'edwards.pem', '--output-key-prefix', 'edwards']);
  assert.equal(imported.exitCode, 0, imported.stderr);
  const key = services.map((word) => (word === 'cosign.key' ? 'edwards.key' : word));
  const refused = await run(['sign-blob', ...key, '--bundle', 'no.json', 'large']);
  assert.deepEqual([refused.exitCode, errorCode(refused)], [1, 'LIMIT_SIZE'], refused.stderr);
});
