import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { parseCheckpoint, signCheckpoint, verifyCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { noteKeyHash } from '../../../src/core/tlog/signed-note.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const LOG_NAME = 'log.example.org';
/** Ed25519 with a seed of 32 bytes 0x01. */
const LOG_KEY = PrivateKey.fromPkcs8(Buffer.from(`302e020100300506032b657004220420${'01'.repeat(32)}`, 'hex'));
const LOG_LINE =
  '\u2014 log.example.org s9S6ObtMQJLPIHk2P96PEUZlHJbAU1lQ9a+m03xKXhHTsBb82SiexPgiuEcF/Ffx5DmMOVEGI9GAWjGWpxmb25y1JQ8=\n';
const WITNESS_LINE =
  '\u2014 witness.example.org/w1 bX75BwAAAABlU/EAosAdU/lGdrEMGVCGRoTDJduV5hkcpMHNXDC88EJabMwyWeEqzqvPprZctf+nsaZ7nyhBSYLlBgdm/l5KN3LDAw==\n';
const TEXT = 'log.example.org\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n';
const verifier = { name: LOG_NAME, key: LOG_KEY.publicKey };

test('a checkpoint is signed to the published bytes', () => {
  const root = Buffer.from('XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=', 'base64');
  assert.equal(signCheckpoint({ origin: LOG_NAME, size: 8n, root }, LOG_KEY), `${TEXT}\n${LOG_LINE}`);
});

test('the log signature counts wherever it stands, witnesses are ignored', () => {
  for (const lines of [LOG_LINE, LOG_LINE + WITNESS_LINE, WITNESS_LINE + LOG_LINE]) {
    assert.equal(verifyCheckpoint(`${TEXT}\n${lines}`, verifier).size, 8n);
  }
});

test('a real checkpoint of the staging log verifies with its published key', () => {
  const name = 'log2025-alpha1.rekor.sigstage.dev';
  const key = PublicKey.fromSpki(Buffer.from('MCowBQYDK2VwAyEAPn+AREHoBaZ7wgS1zBqpxmLSGnyhxXj4lFxSdWVB8o8=', 'base64'));
  const text = `${name}\n736\nrs1YPY0ydAV0lxgfrq5pE4oRpUJwo3syeps5+eGUTDI=\n\n\u2014 ${name} 8w1amdbj1mjNN674dHAkD92+QZoEgBC7o0mXYSTRluDjQrOPjrps3zQB9ut+ShLepyZPsWBDi5IB3yXyjgjQT6OG9A8=\n`;
  assert.equal(verifyCheckpoint(text, { name, key }).size, 736n);
  assert.equal(Buffer.from(noteKeyHash(name, key)).toString('base64'), '8w1amZ2S5mJIQkQmPxdMuOrL/oJkvFg9MnQXmeOCXck=');
});

test('another name, another key or a wrong signature is refused', () => {
  const code = { code: 'CHECKPOINT_INVALID' };
  const signed = `${TEXT}\n${LOG_LINE}`;
  assert.throws(() => verifyCheckpoint(signed, { ...verifier, name: 'other.example.org' }), code);
  assert.throws(
    () => verifyCheckpoint(signed, { name: LOG_NAME, key: PrivateKey.generate('ed25519').publicKey }),
    code,
  );
  assert.throws(() => verifyCheckpoint(`${TEXT}\n${WITNESS_LINE}`, verifier), code);
  assert.throws(() => verifyCheckpoint(signed.replace('\n8\n', '\n9\n'), verifier), code);
  // One good line does not excuse a bad one by the same key.
  const bad = LOG_LINE.replace('s9S6ObtM', 's9S6ObtN');
  assert.throws(() => verifyCheckpoint(`${TEXT}\n${LOG_LINE}${bad}`, verifier), code);
});

test('a signature that held once vouches for no other text, key or signature', () => {
  const code = { code: 'CHECKPOINT_INVALID' };
  const signed = `${TEXT}\n${LOG_LINE}`;
  const keyId = Buffer.from('s9S6OQ==', 'base64');
  for (const size of [8n, 8n]) {
    assert.equal(verifyCheckpoint(signed, { ...verifier, keyId }).size, size);
    assert.throws(() => verifyCheckpoint(signed.replace('\n8\n', '\n7\n'), { ...verifier, keyId }), code);
    // The key id is only four bytes that a trusted root may give: another key may bear it.
    const impostor = PrivateKey.generate('ed25519').publicKey;
    assert.throws(() => verifyCheckpoint(signed, { name: LOG_NAME, key: impostor, keyId }), code);
    assert.throws(() => verifyCheckpoint(signed.replace('s9S6ObtM', 's9S6ObtN'), { ...verifier }), code);
  }
});

const MALFORMED: readonly (readonly [string, string])[] = [
  ['no signature block', TEXT],
  ['no empty line', TEXT + LOG_LINE],
  ['no final line feed', `${TEXT}\n${LOG_LINE.slice(0, -1)}`],
  ['no origin', `\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n${LOG_LINE}`],
  ['no size', `log.example.org\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n${LOG_LINE}`],
  ['a leading zero', `${TEXT.replace('\n8\n', '\n08\n')}\n${LOG_LINE}`],
  ['a huge size', `${TEXT.replace('\n8\n', '\n9999999999999999999\n')}\n${LOG_LINE}`],
  ['no root', `log.example.org\n8\n\n${LOG_LINE}`],
  ['a short root', `log.example.org\n8\nAAAA\n\n${LOG_LINE}`],
  ['a hyphen for the dash', `${TEXT}\n${LOG_LINE.replace('\u2014', '-')}`],
  ['a carriage return', `${TEXT.replace('\n8', '\r\n8')}\n${LOG_LINE}`],
  ['a signature without bytes', `${TEXT}\n\u2014 log.example.org s9S6OQ==\n`],
];

for (const [what, text] of MALFORMED) {
  test(`malformed: ${what}`, () => {
    assert.throws(() => parseCheckpoint(text), { code: 'FORMAT_CHECKPOINT' });
  });
}

test('damage to any byte is refused with an error of ours', () => {
  for (const bytes of damaged(utf8(`${TEXT}\n${LOG_LINE}`))) {
    assert.throws(
      () => verifyCheckpoint(Buffer.from(bytes).toString(), verifier),
      (error) => error instanceof SealwrightError,
    );
  }
});
