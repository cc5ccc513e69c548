/**
 * Damaged input to every parser of untrusted bytes: it parses, or it is refused with an error of the families its reader
 * expects, and in no time. `FUZZ_SEED` repeats a run, `FUZZ_ROUNDS` lengthens it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { test } from 'node:test';
import { SealwrightError } from '../../src/errors.ts';
import { mutate, seededRandom } from './mutation.ts';
import { PARSERS } from './parsers.ts';
import type { FuzzedParser } from './samples.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20261125);
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 1000);
/** A parser that hangs fails its test instead of the run. */
const PATIENCE_MS = 60_000;

const bytesOf = (sample: Uint8Array | string): Uint8Array =>
  typeof sample === 'string' ? Buffer.from(sample) : sample;

/** @returns undefined when the input was dealt with as it should be */
async function complaint(parser: FuzzedParser, input: Uint8Array): Promise<string | undefined> {
  try {
    await parser.parse(input);
    return undefined;
  } catch (error) {
    if (!(error instanceof SealwrightError))
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    return parser.families.includes(error.family)
      ? undefined
      : `a ${error.family} error: ${error.code} ${error.message}`;
  }
}

for (const [index, parser] of PARSERS.entries()) {
  test(`${parser.name} (${index})`, { timeout: PATIENCE_MS }, async (t) => {
    const samples = parser.samples.map(bytesOf);
    // A sample that is refused would make every damage to it look handled.
    for (const sample of samples) await parser.parse(sample);
    const random = seededRandom(SEED + index);
    let slowest = 0;
    for (let round = 0; round < Math.min(ROUNDS, (parser.rounds ?? ROUNDS) * (ROUNDS / 1000)); round++) {
      const input = mutate(samples, random);
      const started = performance.now();
      const found = await complaint(parser, input);
      slowest = Math.max(slowest, performance.now() - started);
      const where = `FUZZ_SEED=${SEED}, round ${round}, input in base64: ${Buffer.from(input).toString('base64').slice(0, 20_000)}`;
      assert.equal(found, undefined, `${where}\n${String(found)}`);
    }
    t.diagnostic(`${parser.name}: seed ${SEED}, slowest ${slowest.toFixed(1)} ms`);
  });
}

test('the harness notices what it looks for', async () => {
  const parser = { name: 'a', samples: [], families: ['format'] as const };
  const thrown = new TypeError('a member of undefined');
  const wrong: FuzzedParser = { ...parser, parse: () => assert.fail(thrown) };
  assert.match((await complaint(wrong, new Uint8Array(0))) ?? '', /member of undefined/);
  const random = [seededRandom(7), seededRandom(7)] as const;
  const sample = [Buffer.from('{"a":[1,"b"]}')];
  const [one, two] = random.map((source) =>
    Array.from({ length: 50 }, () => Buffer.from(mutate(sample, source)).toString('hex')),
  );
  assert.deepEqual(one, two);
  assert.ok(new Set(one).size > 40);
});

/** Readers of values that a parser in the table has made already, and what is no reader of bytes at all. */
const EXEMPT: Readonly<Record<string, string>> = {
  'core/crypto/public-key.ts: fromHandle': 'takes a key that OpenSSL has parsed',
  'servers/engine/thread-messages.ts: parseAppend': 'takes what this process encoded for its own thread',
  'servers/engine/thread-messages.ts: parseBatch': 'the same',
  'servers/engine/thread-messages.ts: parseFailure': 'the same',
  'core/image/digest.ts: fromBytes': 'takes a digest that was computed here',
  'core/policy/kyverno/certificate-attestor-parser.ts: parseCertificates': 'part of parseKyvernoPolicy',
  'core/policy/kyverno/log-demand-parser.ts: parseLogDemand': 'the same',
  'core/policy/kyverno/log-demand-parser.ts: parseChain': 'the same',
};
/** Their first parameter is part of a document that a parser in the table has parsed. */
const TAKES_PARSED = /^\(\s*(?:fields|element|document|parameters): (?:JsonFields|DerElement|Parameters)\b/;

test('every exported parser is in the table, or is exempt for a reason', () => {
  const root = resolve(import.meta.dirname, '../../src');
  const listed = new Set(PARSERS.map(({ name }) => name));
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const source = readFileSync(join(root, file), 'utf8');
      const declared =
        /^(?:export (?:async )?function (?=(?:parse|decrypt|decode)[A-Z])| {2}static (?:async )?(?=(?:parse|from|allFrom)(?:[A-Z]|\())) *(\w+)(?:<[^(]*>)?/gm;
      return [...source.matchAll(declared)]
        .filter((match) => !TAKES_PARSED.test(source.slice(match.index + match[0].length)))
        .map((match) => `${file.replaceAll('\\', '/')}: ${match[1] ?? ''}`);
    });
  assert.ok(found.length > 40, 'the search finds what it looks for');
  assert.deepEqual(
    found.filter((name) => !listed.has(name) && !Object.hasOwn(EXEMPT, name)),
    [],
  );
  const sources = new Set(found);
  assert.deepEqual(
    Object.keys(EXEMPT).filter((name) => !sources.has(name)),
    [],
  );
});
