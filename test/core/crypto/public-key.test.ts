import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { PublicKey, type KeyKind } from '../../../src/core/crypto/public-key.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const KINDS: readonly KeyKind[] = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'];
const BAD = { code: 'FORMAT_PUBLIC_KEY' };
const spki = (handle: KeyObject): Uint8Array => handle.export({ format: 'der', type: 'spki' });

for (const kind of KINDS) {
  test(`${kind}: DER, PEM and node:crypto agree, and the key is its own copy`, () => {
    const der = Uint8Array.from(PrivateKey.generate(kind).publicKey.spki);
    const key = PublicKey.fromSpki(der);
    assert.equal(key.kind, kind);
    assert.ok(PublicKey.fromPem(key.toPem()).equals(key));
    assert.equal(key.toPem(), createPublicKey(key.toPem()).export({ format: 'pem', type: 'spki' }));
    der.fill(0);
    assert.notDeepEqual(key.spki, der);
  });

  test(`${kind}: truncated or changed, it is refused or is another key`, () => {
    const { spki: der } = PrivateKey.generate(kind).publicKey;
    const original = encodeHex(der);
    for (const bytes of damaged(der)) {
      try {
        // Bits of a modulus or of an Ed25519 point may flip and leave a key, which must be the changed one.
        assert.equal(encodeHex(PublicKey.fromSpki(bytes).spki), encodeHex(bytes));
        assert.notEqual(encodeHex(bytes), original);
      } catch (error) {
        assert.ok(error instanceof SealwrightError && error.code === 'FORMAT_PUBLIC_KEY', String(error));
      }
    }
  });

  test(`${kind}: a byte behind the key is refused`, () => {
    const { spki: der } = PrivateKey.generate(kind).publicKey;
    assert.throws(() => PublicKey.fromSpki(Buffer.concat([der, Buffer.of(0)])), BAD);
  });
}

test('a bare RSA key reads as the same key', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const bare = publicKey.export({ format: 'der', type: 'pkcs1' });
  assert.equal(encodeHex(PublicKey.fromPkcs1(bare).spki), encodeHex(spki(publicKey)));
  const pem = encodePem('RSA PUBLIC KEY', bare);
  assert.equal(PublicKey.fromPem(pem).bits, 2048);
  assert.throws(() => PublicKey.fromSpki(bare), BAD);
  assert.throws(() => PublicKey.fromPkcs1(spki(publicKey)), BAD);
});

const REFUSED: readonly (readonly [string, () => KeyObject])[] = [
  ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey],
  ['a curve that Sigstore does not use', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey],
  ['X25519', () => generateKeyPairSync('x25519').publicKey],
  ['Ed448', () => generateKeyPairSync('ed448').publicKey],
  ['DSA', () => generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).publicKey],
  ['RSA with its hash in the key', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey],
  [
    'explicit curve parameters',
    () => generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }).publicKey,
  ],
];
for (const [what, make] of REFUSED) {
  test(`${what} is refused`, () => {
    assert.throws(() => PublicKey.fromSpki(spki(make())), BAD);
  });
}

test('a compressed point is refused: one key would have two ids', () => {
  const { spki: der } = PrivateKey.generate('ecdsa-p256').publicKey;
  const x = der.subarray(27, 59);
  const parity = 2 + ((der[90] ?? 0) & 1);
  const compressed = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    Buffer.of(parity),
    x,
  ]);
  // OpenSSL reads it.
  assert.equal(createPublicKey({ key: compressed, format: 'der', type: 'spki' }).asymmetricKeyType, 'ec');
  assert.throws(() => PublicKey.fromSpki(compressed), BAD);
});

test('a point that is not on the curve is refused', () => {
  const der = Uint8Array.from(PrivateKey.generate('ecdsa-p256').publicKey.spki);
  der[90] = (der[90] ?? 0) ^ 1;
  assert.throws(() => PublicKey.fromSpki(der), BAD);
});

test('PEM with another label, none at all, or too much of it is refused', () => {
  const { publicKey } = PrivateKey.generate('ecdsa-p256');
  assert.throws(() => PublicKey.fromPem(encodePem('CERTIFICATE', publicKey.spki)), BAD);
  assert.throws(() => PublicKey.fromPem(encodePem('PRIVATE KEY', publicKey.spki)), BAD);
  assert.throws(() => PublicKey.fromPem('ssh-ed25519 AAAA'), { code: 'FORMAT_PEM' });
  assert.throws(() => PublicKey.fromSpki(new Uint8Array(4097)), BAD);
});
