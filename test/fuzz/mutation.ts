/** Deterministic damage: the same seed and samples give the same inputs. */

/** Uniform in [0, below). */
export type Random = (below: number) => number;

/** mulberry32: small, fast, and good enough to choose damage with. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Operation = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

/** Bytes that decide something in JSON, PEM, DER, base64, YAML, notes or paths. */
const TELLING = Buffer.from(
  '\0\n\r\t "\'\\{}[]:,;=+-_/.%*&|!#<>@0179azAZ\x7f\x80\xbf\xc3\xed\xf4\xff\x30\x31\x02\xa0\x84',
  'latin1',
);
/** Values that parsers of numbers, names and trees trip over. */
const TOKENS = [
  'null',
  'true',
  '-1',
  '0',
  '1e999',
  '-0',
  '9007199254740993',
  '18446744073709551616',
  '""',
  '[]',
  '{}',
  '"__proto__"',
  '"constructor"',
  '"\\ud800"',
  '"\\u0000"',
  '\u2028',
  '\ufeff',
  '{"a":'.repeat(40),
  '['.repeat(200),
  '-----BEGIN X-----',
  '\n\n\u2014 ',
  '%00',
  '%',
  '../',
  '&a *a',
  '<<: *a',
  '!!js/function ""',
  '0x7f',
  '1_000',
].map((text) => Buffer.from(text));

const at = (bytes: Uint8Array, random: Random): number => random(bytes.length + 1);
const span = (bytes: Uint8Array, random: Random): Buffer => {
  const start = at(bytes, random);
  return Buffer.from(bytes.subarray(start, start + 1 + random(64)));
};
const insert = (bytes: Buffer, index: number, piece: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, index), piece, bytes.subarray(index)]);

const OPERATIONS: readonly Operation[] = [
  function flipBit(bytes, random) {
    if (bytes.length > 0) bytes[random(bytes.length)]! ^= 1 << random(8);
    return bytes;
  },
  function setByte(bytes, random) {
    if (bytes.length > 0) bytes[random(bytes.length)] = TELLING[random(TELLING.length)]!;
    return bytes;
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, at(bytes, random));
  },
  function remove(bytes, random) {
    const start = at(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random(32))]);
  },
  function insertByte(bytes, random) {
    return insert(bytes, at(bytes, random), Buffer.of(TELLING[random(TELLING.length)]!));
  },
  function insertToken(bytes, random) {
    return insert(bytes, at(bytes, random), TOKENS[random(TOKENS.length)]!);
  },
  function duplicate(bytes, random) {
    return insert(bytes, at(bytes, random), span(bytes, random));
  },
  function splice(bytes, random, others) {
    const other = others[random(others.length)] ?? bytes;
    const cut = at(other, random);
    return Buffer.concat([bytes.subarray(0, at(bytes, random)), other.subarray(cut)]);
  },
  // What backtracking expressions and quadratic loops choke on.
  function pump(bytes, random) {
    const piece = span(bytes, random).subarray(0, 1 + random(4));
    return insert(bytes, at(bytes, random), Buffer.concat(Array<Buffer>(1 + random(4000)).fill(piece)));
  },
  function replaceJsonValue(bytes, random) {
    const text = bytes.toString('latin1');
    const values = [...text.matchAll(/(?<=[:[,]\s*)(?:"[^"\\]*"|-?[0-9.]+|true|false|null|\[\]|\{\})/g)];
    const chosen = values[random(Math.max(1, values.length))];
    if (chosen === undefined) return bytes;
    const token = TOKENS[random(TOKENS.length)]!;
    return Buffer.concat([bytes.subarray(0, chosen.index), token, bytes.subarray(chosen.index + chosen[0].length)]);
  },
];

/** One to three of the operations on a copy of a sample. */
export function mutate(samples: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(samples[random(samples.length)] ?? new Uint8Array(0));
  for (let times = 1 + random(3); times > 0; times--) {
    bytes = OPERATIONS[random(OPERATIONS.length)]!(bytes, random, samples);
  }
  return Uint8Array.from(bytes);
}
