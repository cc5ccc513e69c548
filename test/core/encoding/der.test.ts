import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DerElement } from '../../../src/core/encoding/der-reader.ts';
import {
  derBitString,
  derBoolean,
  derElement,
  derExplicit,
  derGeneralizedTime,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derPrintableString,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
} from '../../../src/core/encoding/der-writer.ts';
import { encodeHex, parseHex } from '../../../src/core/encoding/hex.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const DER = { code: 'FORMAT_DER' };
const element = (hex: string): DerElement => DerElement.parse(parseHex(hex));

test('X.690 examples: OBJECT IDENTIFIER (§8.19.5), BOOLEAN (§8.2.2), BIT STRING (§8.6.4.2)', () => {
  assert.equal(encodeHex(derOid('2.999.3')), '0603883703');
  assert.equal(element('0603883703').oid(), '2.999.3');
  assert.equal(encodeHex(derBoolean(true)), '0101ff');
  assert.equal(encodeHex(derBitString(parseHex('0a3b5f291cd0'), 4)), '0307040a3b5f291cd0');
});

test('integers of any sign and size have one encoding, both ways', () => {
  const table: readonly (readonly [bigint, string])[] = [
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [256n, '02020100'],
    [-1n, '0201ff'],
    [-128n, '020180'],
    [-129n, '0202ff7f'],
    [-32768n, '02028000'],
    [2n ** 64n, '0209010000000000000000'],
    [-(2n ** 63n), '02088000000000000000'],
  ];
  for (const [value, hex] of table) {
    assert.equal(encodeHex(derInteger(value)), hex);
    assert.equal(element(hex).integer(), value);
  }
  assert.equal(encodeHex(derInteger(300)), '0202012c');
  assert.equal(encodeHex(derInteger(Uint8Array.of(0, 0, 0x80))), '02020080');
  assert.equal(encodeHex(derInteger(new Uint8Array(0))), '020100');
});

test('lengths are minimal at each boundary', () => {
  for (const [size, header] of [
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65536, '0483010000'],
  ] as const) {
    const encoded = derOctetString(new Uint8Array(size));
    assert.equal(encodeHex(encoded.subarray(0, encoded.length - size)), header);
    assert.equal(DerElement.parse(encoded).octets().length, size);
  }
});

test('SET OF is sorted by encoding (X.690 §11.6)', () => {
  assert.equal(encodeHex(derSet(derInteger(5), derNull(), derInteger(3))), '3108' + '020103' + '020105' + '0500');
});

test('times: UTCTime to 2049, GeneralizedTime from 2050, fractions only where asked for', () => {
  const y2049 = new Date('2049-12-31T23:59:59Z');
  const y2050 = new Date('2050-01-01T00:00:00Z');
  assert.equal(Buffer.from(derTime(y2049)).toString('latin1'), '\x17\x0d491231235959Z');
  assert.equal(Buffer.from(derTime(y2050)).toString('latin1'), '\x18\x0f20500101000000Z');
  assert.deepEqual(DerElement.parse(derTime(y2049)).time(), y2049);
  assert.deepEqual(DerElement.parse(derTime(y2050)).time(), y2050);
  assert.deepEqual(
    DerElement.parse(derTime(new Date('1950-01-01T00:00:00Z'))).time(),
    new Date('1950-01-01T00:00:00Z'),
  );
  assert.throws(() => derTime(new Date('1949-12-31T23:59:59Z')), { code: 'INVARIANT' });
  const general = (text: string): DerElement => DerElement.parse(derElement(0x18, Buffer.from(text)));
  assert.deepEqual(general('20240229120000.25Z').fractionalTime(), new Date('2024-02-29T12:00:00.250Z'));
  assert.deepEqual(DerElement.parse(derGeneralizedTime(y2049)).fractionalTime(), y2049);
  for (const text of [
    '20240229120000.Z',
    '20240229120000.250Z',
    '20240229120000',
    '202402291200Z',
    '20240229120000+0000',
    '20230229120000Z',
    '20240229240000Z',
    '20241301000000Z',
    '20240229126000Z',
    '20240229120060Z',
  ]) {
    assert.throws(() => general(text).fractionalTime(), DER, text);
  }
  assert.throws(() => general('20240229120000.25Z').time(), DER);
  assert.throws(() => DerElement.parse(derElement(0x17, Buffer.from('240229120000+0100'))).time(), DER);
});

test('named bits carry no trailing zeros', () => {
  assert.deepEqual(element('03020780').namedBits().slice(0, 2), [true, false]);
  assert.equal(element('03020106').namedBits()[5], true);
  assert.deepEqual(element('030100').namedBits(), []);
  for (const hex of ['0300', '030107', '03020880', '03020781', '03020680', '03020000', '0307000000000001']) {
    assert.throws(() => element(hex).namedBits(), DER, hex);
  }
});

test('text: UTF-8, PrintableString and IA5String, nothing else', () => {
  assert.equal(DerElement.parse(derUtf8String('Zoë')).text(), 'Zoë');
  assert.equal(DerElement.parse(derPrintableString('Zoe')).text(), 'Zoe');
  assert.throws(() => element('0c01ff').text(), DER);
  assert.throws(() => element('1601ff').text(), DER);
  assert.throws(() => element('1401aa').text(), DER);
  // Long text must not become arguments of one call.
  assert.equal(DerElement.parse(derElement(0x16, Buffer.alloc(200_000, 'a'))).text().length, 200_000);
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['', 'nothing at all'],
  ['30', 'a tag without a length'],
  ['3080' + '0000', 'an indefinite length'],
  ['308100', 'a long form for a length below 128'],
  ['30820001' + '00', 'a length with a leading zero'],
  ['3085' + '0000000000', 'a length of five bytes'],
  ['3001', 'content that is cut off'],
  ['3000' + '00', 'a byte behind the end'],
  ['1f8101' + '00', 'a high tag number'],
];
for (const [hex, what] of REFUSED) {
  test(`refuses ${what}`, () => {
    assert.throws(() => element(hex), DER);
  });
}

const REFUSED_VALUES: readonly (readonly [string, (value: DerElement) => unknown, string])[] = [
  ['010101', (e) => e.boolean(), 'TRUE that is not 0xff'],
  ['0100', (e) => e.boolean(), 'an empty BOOLEAN'],
  ['0200', (e) => e.integer(), 'an empty INTEGER'],
  ['02020001', (e) => e.integer(), 'a padded positive INTEGER'],
  ['0202ff80', (e) => e.integer(), 'a padded negative INTEGER'],
  ['020180', (e) => e.smallInteger(), 'a negative small INTEGER'],
  ['02050100000000', (e) => e.smallInteger(), 'an INTEGER of five bytes as a small one'],
  ['0600', (e) => e.oid(), 'an empty OBJECT IDENTIFIER'],
  ['060280 01'.replace(' ', ''), (e) => e.oid(), 'a padded arc'],
  ['06022a86', (e) => e.oid(), 'a truncated arc'],
  ['060a2affffffffffffffff7f', (e) => e.oid(), 'an arc beyond 53 bits'],
  ['03020180', (e) => e.bits(), 'unused bits where whole bytes are needed'],
  ['0300', (e) => e.bits(), 'a BIT STRING without its first byte'],
  ['0401ff', (e) => e.children(), 'children of a primitive element'],
  ['04020500', (e) => e.sequence(), 'an OCTET STRING as a SEQUENCE'],
  ['040405000500', (e) => e.inner(), 'two elements inside a wrapper'],
  ['0400', (e) => e.inner(), 'nothing inside a wrapper'],
  ['3003020500', (e) => e.children(), 'a child longer than its parent'],
];
for (const [hex, read, what] of REFUSED_VALUES) {
  test(`refuses ${what}`, () => {
    assert.throws(() => read(element(hex)), DER);
  });
}

test('nesting and size are bounded', () => {
  let deep = derNull();
  for (let level = 0; level < 40; level++) deep = derSequence(deep);
  const descend = (from: DerElement): void => {
    for (const child of from.tag === 0x30 ? from.children() : []) descend(child);
  };
  assert.throws(() => {
    descend(DerElement.parse(deep));
  }, DER);
  assert.throws(() => DerElement.parse(new Uint8Array((1 << 18) + 1)), { code: 'LIMIT_SIZE' });
});

test('the error carries the code of the format that was read', () => {
  assert.throws(() => DerElement.parse(parseHex('3001'), 'FORMAT_TIMESTAMP'), { code: 'FORMAT_TIMESTAMP' });
});

const READERS: readonly ((from: DerElement) => unknown)[] = [
  (from) => from.oid(),
  (from) => from.integer(),
  (from) => from.text(),
  (from) => from.time(),
  (from) => from.fractionalTime(),
  (from) => from.boolean(),
  (from) => from.namedBits(),
];

test('any damage is refused by name or read as another value', () => {
  const sample = derSequence(
    derOid('1.2.840.113549'),
    derExplicit(0, derInteger(-129n)),
    derSet(derUtf8String('text'), derBoolean(true)),
    derTime(new Date('2026-01-02T03:04:05Z')),
    derBitString(Uint8Array.of(1, 2, 3)),
  );
  const readAll = (from: DerElement): void => {
    for (const read of READERS) {
      try {
        read(from);
      } catch (error) {
        assert.ok(error instanceof SealwrightError, String(error));
      }
    }
    for (const child of (from.tag & 0x20) === 0 ? [] : from.children()) readAll(child);
  };
  for (const bad of damaged(sample)) {
    try {
      readAll(DerElement.parse(bad));
    } catch (error) {
      assert.ok(error instanceof SealwrightError, String(error));
    }
  }
});
