import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { test } from 'node:test';
import { decryptPrivateKey, encryptPrivateKey } from '../../../src/core/crypto/encrypted-key.ts';
import { keyDetailsName, parseKeyDetails } from '../../../src/core/crypto/key-details.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { PublicKey, type KeyKind } from '../../../src/core/crypto/public-key.ts';
import { hashOf, schemesFor, verifyDigestSignature, verifySignature } from '../../../src/core/crypto/signature.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const KINDS: readonly KeyKind[] = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'];
const KEYS = new Map(KINDS.map((kind) => [kind, PrivateKey.generate(kind)]));
const MESSAGE = utf8('the artifact');

for (const [kind, key] of KEYS) {
  for (const scheme of schemesFor(kind)) {
    test(`${kind} ${scheme}: signs, verifies, and refuses another message, key and any changed byte`, () => {
      const signature = key.sign(MESSAGE, scheme);
      assert.equal(verifySignature(key.publicKey, scheme, MESSAGE, signature), true);
      assert.equal(verifySignature(key.publicKey, scheme, utf8('the artefact'), signature), false);
      assert.equal(verifySignature(PrivateKey.generate(kind).publicKey, scheme, MESSAGE, signature), false);
      for (const bad of damaged(signature)) {
        assert.equal(verifySignature(key.publicKey, scheme, MESSAGE, bad), false);
      }
      const trailing = Buffer.concat([signature, Buffer.of(0)]);
      assert.equal(verifySignature(key.publicKey, scheme, MESSAGE, trailing), false);
    });
  }
}

for (const [kind, key] of KEYS) {
  for (const scheme of schemesFor(kind)) {
    const hash = hashOf(scheme);
    if (hash === undefined) continue;
    test(`${kind} ${scheme}: verifies from a digest alone`, () => {
      const signature = key.sign(MESSAGE, scheme);
      const digest = createHash(hash).update(MESSAGE).digest();
      const other = createHash(hash).update('other').digest();
      assert.equal(verifyDigestSignature(key.publicKey, scheme, digest, signature), true);
      assert.equal(verifyDigestSignature(key.publicKey, scheme, other, signature), false);
      assert.equal(verifyDigestSignature(key.publicKey, scheme, digest.subarray(1), signature), false);
      for (const bad of damaged(signature)) {
        assert.equal(verifyDigestSignature(key.publicKey, scheme, digest, bad), false);
      }
    });
  }
}

test('pure Ed25519 cannot be verified from a digest, and says so', () => {
  const ed = KEYS.get('ed25519')!.publicKey;
  const code = { code: 'FORMAT_SIGNATURE' };
  assert.throws(() => verifyDigestSignature(ed, 'ed25519', new Uint8Array(32), new Uint8Array(64)), code);
});

test('a scheme of another kind of key never verifies', () => {
  const key = KEYS.get('ecdsa-p256')!;
  assert.equal(verifySignature(key.publicKey, 'ed25519', MESSAGE, new Uint8Array(64)), false);
  assert.equal(verifySignature(key.publicKey, 'rsa-pkcs1-sha256', MESSAGE, key.sign(MESSAGE)), false);
});

test('RFC 8032 §7.1 test 3 (Ed25519) and §7.3 (Ed25519ph)', () => {
  const seed = (hex: string): PrivateKey =>
    PrivateKey.fromPkcs8(Buffer.from(`302e020100300506032b657004220420${hex}`, 'hex'));
  const third = seed('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
  assert.equal(
    Buffer.from(third.sign(Buffer.from('af82', 'hex'))).toString('hex'),
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  );
  const ph = seed('833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42');
  assert.equal(
    Buffer.from(ph.sign(utf8('abc'), 'ed25519ph')).toString('hex'),
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
  );
});

test('public keys of other kinds, sizes and encodings are refused', () => {
  const code = { code: 'FORMAT_PUBLIC_KEY' };
  const p256 = KEYS.get('ecdsa-p256')!.publicKey;
  const compressed = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
  const x = p256.raw().subarray(1, 33);
  assert.throws(() => PublicKey.fromSpki(Buffer.concat([compressed, Buffer.of(2 + (p256.raw()[64]! & 1)), x])), code);
  assert.throws(() => PublicKey.fromSpki(Buffer.concat([p256.spki, Buffer.of(0)])), code);
  assert.throws(() => PublicKey.fromPem('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), code);
  assert.throws(() => PublicKey.fromPem('not pem'), { code: 'FORMAT_PEM' });
  for (const bad of damaged(p256.spki)) {
    try {
      assert.notDeepEqual(PublicKey.fromSpki(bad).spki, p256.spki);
    } catch (error) {
      assert.ok(error instanceof SealwrightError, String(error));
    }
  }
});

test('private keys: PKCS#8, SEC 1 and PKCS#1 load; other blocks and damaged bytes do not', () => {
  const ec = KEYS.get('ecdsa-p256')!;
  const handle = createPrivateKey({ key: Buffer.from(ec.toPkcs8()), format: 'der', type: 'pkcs8' });
  const sec1 = handle.export({ format: 'pem', type: 'sec1' });
  assert.ok(PrivateKey.fromPem(sec1).publicKey.equals(ec.publicKey));
  const code = { code: 'FORMAT_PRIVATE_KEY' };
  assert.throws(() => PrivateKey.fromPem(ec.publicKey.toPem()), code);
  assert.throws(() => PrivateKey.fromPem(encodePem('PRIVATE KEY', ec.toPkcs8().slice(0, 40))), code);
  assert.equal(verifySignature(ec.publicKey, 'ecdsa-sha256', MESSAGE, sign('sha256', MESSAGE, handle)), true);
});

test('key details name kind, scheme and size, both ways', () => {
  for (const [kind, key] of KEYS) {
    const name = keyDetailsName(key.publicKey, schemesFor(kind)[0]!);
    assert.equal(parseKeyDetails(name).kind, kind);
  }
  assert.equal(keyDetailsName(KEYS.get('rsa')!.publicKey, 'rsa-pkcs1-sha256'), 'PKIX_RSA_PKCS1V15_2048_SHA256');
  assert.throws(() => parseKeyDetails('PKIX_ECDSA_P256_HMAC_SHA_256'), { code: 'FORMAT_PUBLIC_KEY' });
  assert.throws(() => parseKeyDetails('toString'), { code: 'FORMAT_PUBLIC_KEY' });
  assert.throws(() => keyDetailsName(KEYS.get('rsa')!.publicKey, 'rsa-pkcs1-sha512'), { code: 'FORMAT_PUBLIC_KEY' });
});

test('an encrypted key opens with its password and with no other', () => {
  const key = KEYS.get('ecdsa-p256')!;
  const pem = encryptPrivateKey(key, utf8('correct horse'));
  assert.ok(decryptPrivateKey(pem, utf8('correct horse')).publicKey.equals(key.publicKey));
  assert.throws(() => decryptPrivateKey(pem, utf8('battery staple')), { code: 'USAGE_PASSWORD' });
});

test('an encrypted key with other costs or ciphers is refused before any work is done', () => {
  const body = (n: number, cipher: string): string =>
    encodePem(
      'ENCRYPTED SIGSTORE PRIVATE KEY',
      utf8(
        JSON.stringify({
          kdf: { name: 'scrypt', params: { N: n, r: 8, p: 1 }, salt: 'AAAA' },
          cipher: { name: cipher, nonce: Buffer.alloc(24).toString('base64') },
          ciphertext: 'AAAA',
        }),
      ),
    );
  const code = { code: 'FORMAT_PRIVATE_KEY' };
  assert.throws(() => decryptPrivateKey(body(1 << 30, 'nacl/secretbox'), utf8('')), code);
  assert.throws(() => decryptPrivateKey(body(65536, 'aes'), utf8('')), code);
  assert.throws(() => decryptPrivateKey('-----BEGIN X-----\nAAAA\n-----END X-----\n', utf8('')), code);
});
