/** `bin/run-bundle.cjs`: bytecode that earlier runs left is used when it is whole and of these sources, and never otherwise. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealwright-run-bundle-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const DIGEST_BYTES = 32;
const HEADER_BYTES = 256;

/** Says a word from a function that is compiled when it is called, and fails when asked to. */
const saying = (word: string): string =>
  `function say(){process.stdout.write("${word}")}say();if(process.argv.includes("--fail"))process.exit(7);`;

interface Place {
  readonly home: string;
  readonly bundle: string;
  /** Where the bytecode is kept. */
  readonly cache: string;
}

function place(source: string): Place {
  const home = mkdtempSync(join(folder, 'home-'));
  const bundle = join(home, 'said.cjs');
  writeFileSync(bundle, source);
  return { home, bundle, cache: join(home, '.cache/sealwright/node') };
}

function run({ home, bundle }: Place, ...args: readonly string[]): { stdout: string; status: number | null } {
  const code = `require(${JSON.stringify(join(ROOT, 'bin/run-bundle.cjs'))}).runBundle(process.argv[1])`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', code, bundle, ...args], {
    encoding: 'utf8',
    env: { HOME: home, PATH: '/usr/bin' },
  });
  assert.equal(stderr, '');
  return { stdout, status };
}

function kept({ cache }: Place): readonly string[] {
  return readdirSync(cache).map((name) => join(cache, name));
}

function onlyOne(where: Place): string {
  const [path = '', ...others] = kept(where);
  assert.deepEqual(others, []);
  return path;
}

/** As the digest in front covers them: the sources as they are run, and all that follows it. */
function withDigest(cached: Buffer, source: string): Buffer {
  const wrapped = `(function(exports,require,module,__filename,__dirname){${source}\n})`;
  const digest = createHash('sha256').update(wrapped).update(cached.subarray(DIGEST_BYTES)).digest();
  return Buffer.concat([digest, cached.subarray(DIGEST_BYTES)]);
}

function assertWhole(path: string, source: string): void {
  const cached = readFileSync(path);
  assert.ok(cached.length > HEADER_BYTES);
  assert.ok(withDigest(cached, source).equals(cached));
}

/** A run that has left bytecode, and in its place that of other sources of the same length, which V8 does not tell apart. */
function exchanged(): { readonly where: Place; readonly path: string; readonly cached: Buffer } {
  const [where, other] = [place(saying('true')), place(saying('fake'))];
  assert.equal(run(where).stdout, 'true');
  assert.equal(run(other).stdout, 'fake');
  const path = onlyOne(where);
  const cached = Buffer.concat([
    readFileSync(path).subarray(0, HEADER_BYTES),
    readFileSync(onlyOne(other)).subarray(HEADER_BYTES),
  ]);
  return { where, path, cached };
}

test('what a run compiled is what the next one runs', () => {
  const { where, path, cached } = exchanged();
  writeFileSync(path, withDigest(cached, saying('true')));
  assert.equal(run(where).stdout, 'fake');
});

test('bytecode of other sources is not run, and replaced', () => {
  const { where, path, cached } = exchanged();
  writeFileSync(path, cached);
  assert.equal(run(where).stdout, 'true');
  assertWhole(path, saying('true'));
});

test('nor when the bundle has changed since, within its length', () => {
  const where = place(saying('true'));
  run(where);
  writeFileSync(where.bundle, saying('news'));
  assert.equal(run(where).stdout, 'news');
  assert.equal(run(where).stdout, 'news');
});

for (const [what, damage] of [
  ['one byte of its digest is another', (cached) => flipped(cached, 3)],
  ['its list of runs is damaged', (cached) => flipped(cached, DIGEST_BYTES)],
  ['one byte of the bytecode is another', (cached) => flipped(cached, HEADER_BYTES + 200)],
  ['its last byte is another', (cached) => flipped(cached, cached.length - 1)],
  ['it is cut short', (cached) => cached.subarray(0, cached.length / 2)],
  ['it ends within the digest', (cached) => cached.subarray(0, 20)],
  ['it is empty', () => Buffer.alloc(0)],
  ['it is full of zeros, as after a power cut', (cached) => Buffer.alloc(cached.length)],
  ['it is right by its digest, but no bytecode', (cached) => withDigest(cached.fill(7, HEADER_BYTES), saying('true'))],
] satisfies readonly (readonly [string, (cached: Buffer) => Buffer])[]) {
  test(`the sources run when ${what}, and it is written anew`, () => {
    const where = place(saying('true'));
    run(where);
    const path = onlyOne(where);
    writeFileSync(path, damage(readFileSync(path)));
    assert.deepEqual(run(where), { stdout: 'true', status: 0 });
    assert.equal(onlyOne(where), path);
    assertWhole(path, saying('true'));
  });
}

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

test('a run that fails leaves nothing', () => {
  const where = place(saying('true'));
  assert.deepEqual(run(where, '--fail'), { stdout: 'true', status: 7 });
  assert.deepEqual(kept(where), []);
});

test('each new kind of run adds to what is kept, the same kind again does not, and there is an end', () => {
  const where = place(saying('true'));
  const flowsAfter = (...args: readonly string[]): number => {
    run(where, ...args);
    return readFileSync(onlyOne(where))[DIGEST_BYTES] ?? 0;
  };
  assert.equal(flowsAfter('a', '--key', 'one'), 1);
  const { ino } = statSync(onlyOne(where));
  assert.equal(flowsAfter('b', '--key=two'), 1);
  assert.equal(statSync(onlyOne(where)).ino, ino);
  assert.equal(flowsAfter('b', '--bundle=two', '--key', 'x'), 2);
  for (let index = 0; index < 20; index++) flowsAfter(`--flag-${index}`);
  assert.equal(flowsAfter(), 16);
});

test('it is its owner’s alone, and tells nobody which flags were used', () => {
  const where = place(saying('true'));
  run(where, '--a-secret-that-looks-like-a-flag');
  const path = onlyOne(where);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(!readFileSync(path, 'latin1').includes('a-secret'));
});

test('nothing is kept where others could write, and nothing there is run', () => {
  const { where, path, cached } = exchanged();
  const planted = withDigest(cached, saying('true'));
  writeFileSync(path, planted);
  chmodSync(where.cache, 0o777);
  assert.equal(run(where).stdout, 'true');
  assert.ok(readFileSync(path).equals(planted));
});

test('without a folder for it the sources run', () => {
  const where = place(saying('true'));
  writeFileSync(join(where.home, '.cache'), 'in the way');
  assert.deepEqual(run(where), { stdout: 'true', status: 0 });
});

test('what a bundle asks for in its folder runs once, and is kept as well', () => {
  const where = place('const a=require("./late.a.cjs");process.stdout.write(`${a===require("./late.a.cjs")} ${a()}`)');
  const late = 'process.stdout.write("loaded ");module.exports=()=>require("node:path").basename(__filename)';
  writeFileSync(join(where.home, 'late.a.cjs'), late);
  for (let times = 0; times < 2; times++) assert.equal(run(where).stdout, 'loaded true late.a.cjs');
  assert.equal(kept(where).length, 2);
});

test('an error tells the place in the bundle', () => {
  const where = place('function lost(){throw new Error("lost")}try{lost()}catch(error){console.log(error.stack)}');
  mkdirSync(where.cache, { recursive: true, mode: 0o700 });
  for (let times = 0; times < 2; times++) assert.ok(run(where).stdout.includes(`at lost (${where.bundle}:1:23)`));
});
