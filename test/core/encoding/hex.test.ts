import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeHex, parseHex } from '../../../src/core/encoding/hex.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

/** RFC 4648 §10, BASE16, in our lower case. */
const VECTORS: readonly (readonly [string, string])[] = [
  ['', ''],
  ['f', '66'],
  ['fo', '666f'],
  ['foo', '666f6f'],
  ['foob', '666f6f62'],
  ['fooba', '666f6f6261'],
  ['foobar', '666f6f626172'],
];

for (const [text, hex] of VECTORS) {
  test(`RFC 4648 §10: BASE16("${text}")`, () => {
    assert.equal(encodeHex(utf8(text)), hex);
    assert.deepEqual(new Uint8Array(parseHex(hex)), utf8(text));
  });
}

test('a view into a larger buffer encodes only itself', () => {
  assert.equal(encodeHex(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)), '0203');
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['upper case, a second spelling of one digest', '666F'],
  ['an odd number of digits', '666'],
  ['a character outside the alphabet', '66g0'],
  ['a prefix', '0x66'],
  ['white space inside', '66 6f'],
  ['a final line feed', '666f\n'],
  ['a NUL', '66\u0000f'],
  ['full-width digits', '６６'],
];

for (const [what, text] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseHex(text), { code: 'FORMAT_HEX' });
  });
}

test('the refusal names what was read, not the text itself', () => {
  assert.throws(
    () => parseHex('secret', 'the log ID'),
    (error: unknown) => {
      assert.ok(error instanceof SealwrightError);
      assert.match(error.message, /^the log ID /);
      assert.doesNotMatch(JSON.stringify(error.facts), /secret/);
      return true;
    },
  );
});

test('damage is refused or reads as what encodes to it', () => {
  for (const bytes of damaged(utf8('00ff10a0c0de'))) {
    const text = Buffer.from(bytes).toString('latin1');
    try {
      assert.equal(encodeHex(parseHex(text)), text);
    } catch (error) {
      assert.ok(error instanceof SealwrightError, text);
    }
  }
});
