import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodePem, parsePem } from '../../../src/core/encoding/pem.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

/** RFC 7468 §13, Figure 15. */
const PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEn1LlwLN/KBYQRVH6HfIMTzfEqJOVztLe
kLchp2hi78cCaMY81FBlYs8J9l7krc+M4aBeCGYFjba+hiXttJWPL7ydlE+5UG4U
Nkn3Eos8EiZByi9DVsyfy9eejh+8AXgp
-----END PUBLIC KEY-----
`;

test('RFC 7468 §13: the published public key reads and encodes to itself', () => {
  const [block, ...more] = parsePem(PUBLIC_KEY);
  assert.equal(block?.label, 'PUBLIC KEY');
  assert.equal(block.der.length, 120);
  assert.deepEqual([block.der[0], block.der[1]], [0x30, 0x76]);
  assert.equal(more.length, 0);
  assert.equal(encodePem('PUBLIC KEY', block.der), PUBLIC_KEY);
});

const READ_AS_ONE: readonly (readonly [string, string])[] = [
  ['carriage returns', PUBLIC_KEY.replaceAll('\n', '\r\n')],
  ['no final line feed', PUBLIC_KEY.trimEnd()],
  ['explanatory text around it (RFC 7468 §2)', `Subject: CN=example\n${PUBLIC_KEY}and after\n`],
  ['lines of another length', PUBLIC_KEY.replace(/(\w{10})\n(\w)/g, '$1$2\n')],
];

for (const [what, text] of READ_AS_ONE) {
  test(`read: ${what}`, () => {
    const blocks = parsePem(text);
    assert.equal(blocks.length, 1);
    assert.equal(encodePem('PUBLIC KEY', blocks[0]!.der), PUBLIC_KEY);
  });
}

test('several blocks keep their order and labels', () => {
  const text = encodePem('CERTIFICATE', utf8('leaf')) + encodePem('CERTIFICATE', utf8('root')) + PUBLIC_KEY;
  assert.deepEqual(
    parsePem(text).map((block) => block.label),
    ['CERTIFICATE', 'CERTIFICATE', 'PUBLIC KEY'],
  );
});

test('lines are 64 characters long, whatever the length (RFC 7468 §2)', () => {
  for (const size of [0, 1, 47, 48, 49, 95, 96, 97]) {
    const lines = encodePem('X', new Uint8Array(size)).split('\n');
    assert.deepEqual([lines[0], lines.at(-2), lines.at(-1)], ['-----BEGIN X-----', '-----END X-----', '']);
    for (const line of lines.slice(1, -3)) assert.equal(line.length, 64, `${size} bytes`);
    assert.equal(parsePem(lines.join('\n'))[0]?.der.length, size);
  }
});

const REFUSED: readonly (readonly [string, string, string])[] = [
  ['nothing', '', 'FORMAT_PEM'],
  ['text without a block', 'no key here', 'FORMAT_PEM'],
  ['bare base64', 'Zm9v', 'FORMAT_PEM'],
  ['no END line', PUBLIC_KEY.split('-----END')[0]!, 'FORMAT_PEM'],
  ['another label at the END', PUBLIC_KEY.replace('END PUBLIC', 'END PRIVATE'), 'FORMAT_PEM'],
  ['a block cut off before a whole one', PUBLIC_KEY.split('-----END')[0]! + PUBLIC_KEY, 'FORMAT_PEM'],
  ['a whole block before one cut off', PUBLIC_KEY + PUBLIC_KEY.split('-----END')[0]!, 'FORMAT_PEM'],
  ['headers of RFC 1421', PUBLIC_KEY.replace('KEY-----\n', 'KEY-----\nProc-Type: 4,ENCRYPTED\n\n'), 'FORMAT_PEM'],
  ['a header without a dash', PUBLIC_KEY.replace('KEY-----\n', 'KEY-----\nComment: key\n\n'), 'FORMAT_BASE64'],
  ['a lower-case label', PUBLIC_KEY.replaceAll('PUBLIC KEY', 'public key'), 'FORMAT_PEM'],
  ['four dashes', PUBLIC_KEY.replaceAll('-----', '----'), 'FORMAT_PEM'],
  ['a letter outside the alphabet', PUBLIC_KEY.replace('MHYw', 'MHY*'), 'FORMAT_BASE64'],
  ['a lost letter', PUBLIC_KEY.replace('MHYw', 'MHY'), 'FORMAT_BASE64'],
  ['trailing bits that are not zero', '-----BEGIN X-----\nZh==\n-----END X-----\n', 'FORMAT_BASE64'],
  ['too many blocks', encodePem('X', utf8('x')).repeat(65), 'LIMIT_COUNT'],
  ['too large a text', ' '.repeat((1 << 20) + 1), 'LIMIT_SIZE'],
];

for (const [what, text, code] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parsePem(text), { code });
  });
}

test('damage is refused or still reads as blocks', () => {
  for (const bytes of damaged(utf8(PUBLIC_KEY))) {
    try {
      assert.equal(parsePem(Buffer.from(bytes).toString('latin1')).length, 1);
    } catch (error) {
      assert.ok(error instanceof SealwrightError);
    }
  }
});
