import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeBase64,
  encodeBase64Url,
  parseBase64,
  parseBase64Url,
  parseProtoBase64,
} from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

/** RFC 4648 §10, BASE64. */
const VECTORS: readonly (readonly [string, string])[] = [
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg=='],
  ['fooba', 'Zm9vYmE='],
  ['foobar', 'Zm9vYmFy'],
];

for (const [text, base64] of VECTORS) {
  test(`RFC 4648 §10: BASE64("${text}")`, () => {
    assert.equal(encodeBase64(utf8(text)), base64);
    assert.deepEqual(new Uint8Array(parseBase64(base64)), utf8(text));
    const unpadded = base64.replaceAll('=', '');
    assert.equal(encodeBase64Url(utf8(text)), unpadded);
    assert.deepEqual(new Uint8Array(parseBase64Url(unpadded)), utf8(text));
    for (const spelling of [base64, unpadded]) {
      assert.deepEqual(new Uint8Array(parseProtoBase64(spelling)), utf8(text));
    }
  });
}

/** RFC 7515 Appendix C: octets whose encoding needs both letters that the alphabets differ in. */
const JOSE = new Uint8Array([3, 236, 255, 224, 193]);

test('RFC 7515 Appendix C: base64url', () => {
  assert.equal(encodeBase64Url(JOSE), 'A-z_4ME');
  assert.deepEqual(new Uint8Array(parseBase64Url('A-z_4ME')), JOSE);
});

test('a protojson request may use either alphabet, padded or not', () => {
  for (const text of ['A-z_4ME', 'A-z_4ME=', 'A+z/4ME', 'A+z/4ME=']) {
    assert.deepEqual(new Uint8Array(parseProtoBase64(text)), JOSE, text);
  }
});

test('a view into a larger buffer encodes only itself', () => {
  const view = utf8('xfoox').subarray(1, 4);
  assert.equal(encodeBase64(view), 'Zm9v');
  assert.equal(encodeBase64Url(view), 'Zm9v');
});

type Parser = (text: string) => Uint8Array;

/** RFC 4648 §3.3 (alphabet, line feeds), §3.2 (padding), §3.5 (zero trailing bits). */
const REFUSED: readonly (readonly [string, string, readonly Parser[]])[] = [
  ['missing padding', 'Zg', [parseBase64]],
  ['half the padding', 'Zg=', [parseBase64]],
  ['padding where none belongs', 'Zm9v====', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['padding in the middle', 'Zg==Zg==', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['padding alone', '=', [parseBase64, parseBase64Url]],
  ['padding in base64url', 'Zg==', [parseBase64Url]],
  ['trailing bits that are not zero', 'Zh==', [parseBase64, parseProtoBase64]],
  ['trailing bits that are not zero, unpadded', 'Zm9', [parseBase64Url, parseProtoBase64]],
  ['one letter, less than a byte', 'Z', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['the other alphabet', 'A-z_4ME=', [parseBase64]],
  ['the other alphabet', 'A+z/4ME', [parseBase64Url]],
  ['a line feed inside', 'Zm9v\nYmFy', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['a final line feed', 'Zm9v\n', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['a space', 'Zm9v YmFy', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['a letter outside the alphabet', 'Zm9*', [parseBase64, parseBase64Url, parseProtoBase64]],
  ['a character beyond ASCII', 'Zm9\u0176', [parseBase64, parseBase64Url, parseProtoBase64]],
];

for (const [what, text, parsers] of REFUSED) {
  for (const parser of parsers) {
    test(`${parser.name} refuses ${what}: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parser(text), { code: 'FORMAT_BASE64' });
    });
  }
}

test('the refusal names what was read, not the text itself', () => {
  assert.throws(
    () => parseBase64('c2VjcmV0*', 'the signature'),
    (error: unknown) => {
      assert.ok(error instanceof SealwrightError);
      assert.match(error.message, /^the signature /);
      assert.doesNotMatch(JSON.stringify(error.facts), /c2VjcmV0/);
      return true;
    },
  );
});

test('damage is refused or reads as what encodes to it', () => {
  const strict = [
    [parseBase64, encodeBase64, 'A+z/4ME='],
    [parseBase64Url, encodeBase64Url, 'A-z_4ME'],
  ] as const;
  for (const [parse, encode, sample] of strict) {
    for (const bytes of damaged(utf8(sample))) {
      const text = Buffer.from(bytes).toString('latin1');
      try {
        assert.equal(encode(parse(text)), text);
      } catch (error) {
        assert.ok(error instanceof SealwrightError, text);
      }
    }
  }
});
