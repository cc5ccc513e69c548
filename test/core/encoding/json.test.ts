import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { canonicalJson, parseJson, type JsonValue } from '../../../src/core/encoding/json.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

/** RFC 8785 §3.2.2, the sample; the expected bytes are those of §3.2.4. */
const SAMPLE = String.raw`{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}`;
const SAMPLE_CANONICAL =
  '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e33333333' +
  '3333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c' +
  '5c5c5c5c222f227d';

test('RFC 8785 §3.2.4: the sample document, to the byte', () => {
  const canonical = canonicalJson(parseJson(SAMPLE, 'sample'));
  assert.equal(Buffer.from(canonical).toString('hex'), SAMPLE_CANONICAL);
  assert.equal(canonicalJson(parseJson(canonical, 'sample')), canonical);
});

test('RFC 8785 §3.2.3: members sort by UTF-16 code units, so an emoji comes before U+FB33', () => {
  const text = String.raw`{
    "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
  }`;
  assert.deepEqual(
    [...canonicalJson(parseJson(text, 'sample')).matchAll(/:"([^"]*)"/g)].map((match) => match[1]),
    [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ],
  );
});

/** RFC 8785 Appendix B. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

test('RFC 8785 Appendix B: numbers', () => {
  for (const [bits, text] of NUMBERS) assert.equal(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), text, bits);
});

const NO_CANONICAL_FORM: readonly (readonly [string, () => JsonValue])[] = [
  ['NaN (Appendix B)', () => Buffer.from('7fffffffffffffff', 'hex').readDoubleBE()],
  ['Infinity (Appendix B)', () => Buffer.from('7ff0000000000000', 'hex').readDoubleBE()],
  ['a number beyond a double, deep inside', () => parseJson('{"a":[1,{"b":-1e999}]}', 'sample')],
  ['a lone surrogate in a value (§3.2.2.2)', () => parseJson(String.raw`["\ud800"]`, 'sample')],
  ['a lone surrogate in a name', () => parseJson(String.raw`{"\udead":1}`, 'sample')],
];

for (const [what, value] of NO_CANONICAL_FORM) {
  test(`no canonical form: ${what}`, () => {
    assert.throws(() => canonicalJson(value()), { code: 'FORMAT_JSON' });
  });
}

const ACCEPTED: readonly (readonly [string, JsonValue])[] = [
  ['{"a":{"a":1},"b":[{"a":1},{"a":2}]}', { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }] }],
  [String.raw`{"a\":\"b":1,"a":2}`, { 'a":"b': 1, a: 2 }],
  ['["{", "}", "[", ":"]', ['{', '}', '[', ':']],
  [' \t\r\n1 ', 1],
  ['"\u2028"', '\u2028'],
];

test('one name in different objects, and brackets in strings, are not duplicates or depth', () => {
  for (const [text, value] of ACCEPTED) assert.deepEqual(parseJson(text, 'sample'), value, text);
});

test('a member called __proto__ is a member and no prototype', () => {
  const value = parseJson('{"__proto__":{"admin":true}}', 'sample') as Record<string, JsonValue>;
  assert.equal(value['admin'], undefined);
  assert.equal(canonicalJson(value), '{"__proto__":{"admin":true}}');
});

const REFUSED: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['nothing', '', 'FORMAT_BUNDLE'],
  ['half an object', '{"a":', 'FORMAT_BUNDLE'],
  ['a trailing comma', '{"a":1,}', 'FORMAT_BUNDLE'],
  ['a comment', '{"a":1}//', 'FORMAT_BUNDLE'],
  ['two documents', '{}{}', 'FORMAT_BUNDLE'],
  ['single quotes', "{'a':1}", 'FORMAT_BUNDLE'],
  ['NaN', '[NaN]', 'FORMAT_BUNDLE'],
  ['a leading zero', '[01]', 'FORMAT_BUNDLE'],
  ['a raw control character in a string', '["\n"]', 'FORMAT_BUNDLE'],
  ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'FORMAT_BUNDLE'],
  ['ill-formed UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'FORMAT_BUNDLE'],
  ['an overlong UTF-8 sequence', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), 'FORMAT_BUNDLE'],
  ['a duplicate member', '{"a":1,"b":2,"a":3}', 'FORMAT_BUNDLE'],
  ['a duplicate member, once escaped', String.raw`{"a":1,"\u0061":2}`, 'FORMAT_BUNDLE'],
  ['a duplicate member, deep inside', '[[{"x":{"a":[],"a":[]}}]]', 'FORMAT_BUNDLE'],
  ['a duplicate name that ends in an escaped backslash', String.raw`{"a\\":1,"a\\":2}`, 'FORMAT_BUNDLE'],
  ['a duplicate behind a value of quotes', String.raw`{"a":"\"\\\"{:","a":2}`, 'FORMAT_BUNDLE'],
  ['a duplicate empty name', '{"":1,"":2}', 'FORMAT_BUNDLE'],
  ['65 levels', '['.repeat(65) + ']'.repeat(65), 'LIMIT_DEPTH'],
  ['65 levels of objects', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 'LIMIT_DEPTH'],
];

for (const [what, input, code] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseJson(input, 'the bundle', 'FORMAT_BUNDLE'), { code });
  });
}

test('quotes, colons and braces inside strings are not structure', () => {
  const text = String.raw`{"a\"":1,"a\\":2,"a\\\"":3,"b":"\",\"b\":[[[[[[[[[[","c":"\\"}`;
  const limits = { maxBytes: 1024, maxDepth: 1 };
  assert.equal(
    canonicalJson(parseJson(text, 'sample', 'FORMAT_JSON', limits)),
    canonicalJson(JSON.parse(text) as never),
  );
});

test('the limits hold exactly, as bytes and as text', () => {
  const limits = { maxBytes: 8, maxDepth: 2 };
  assert.deepEqual(parseJson('[[123]]', 'sample', 'FORMAT_JSON', limits), [[123]]);
  for (const input of ['[[12345]]', utf8('[[12345]]')]) {
    assert.throws(() => parseJson(input, 'sample', 'FORMAT_JSON', limits), { code: 'LIMIT_SIZE' });
  }
  assert.throws(() => parseJson('[[[]]]', 'sample', 'FORMAT_JSON', limits), { code: 'LIMIT_DEPTH' });
  const deepest = '['.repeat(64) + ']'.repeat(64);
  assert.equal(canonicalJson(parseJson(deepest, 'sample')), deepest);
});

test('a million brackets meet the limit, not the stack', () => {
  assert.throws(() => parseJson('['.repeat(1 << 20), 'sample'), { code: 'FORMAT_JSON' });
  assert.throws(() => parseJson('['.repeat(1 << 20) + ']'.repeat(1 << 20), 'sample'), { code: 'LIMIT_DEPTH' });
});

test('a syntax error gives the position and never quotes the document', () => {
  assert.throws(
    () => parseJson('{"token":"s3cret" "x"}', 'sample'),
    (error: unknown) => {
      assert.ok(error instanceof SealwrightError);
      assert.match(error.facts.found ?? '', /position \d+/);
      assert.doesNotMatch(error.message + (error.facts.found ?? ''), /s3cret/);
      return true;
    },
  );
});

test('damage is refused by name, or parses to what canonical form can carry', () => {
  for (const bytes of damaged(utf8(SAMPLE))) {
    try {
      const canonical = canonicalJson(parseJson(bytes, 'sample'));
      assert.equal(canonicalJson(parseJson(canonical, 'sample')), canonical);
    } catch (error) {
      assert.ok(error instanceof SealwrightError, Buffer.from(bytes).toString('latin1'));
    }
  }
});
