import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { orderLength, verifyEcdsaDigest, type EcdsaKind } from '../../../src/core/crypto/ecdsa-digest.ts';
import { ecdsaSignatureToCompact } from '../../../src/core/crypto/ecdsa-signature.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';

const CURVES = { 'ecdsa-p256': p256, 'ecdsa-p384': p384, 'ecdsa-p521': p521 };
const KINDS = Object.keys(CURVES) as EcdsaKind[];
const HASHES = ['sha256', 'sha384', 'sha512'] as const;

/** big-endian, padded */
function bytes(value: bigint, size: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex');
}

/** A signature with chosen nonce and secret, which `node:crypto` does not let us make. */
function craft(kind: EcdsaKind, secret: bigint, nonce: bigint, digest: Buffer): { point: Buffer; compact: Buffer } {
  const { Point } = CURVES[kind];
  const n = Point.Fn.ORDER;
  const r = Point.BASE.multiply(nonce).toAffine().x % n;
  const excess = Math.max(0, 8 * digest.length - n.toString(2).length);
  const z = BigInt(`0x${digest.toString('hex')}`) >> BigInt(excess);
  const s = Point.Fn.mul(Point.Fn.inv(nonce), (z + r * secret) % n);
  const size = orderLength(kind);
  const point = Buffer.from(Point.BASE.multiply(secret).toBytes(false));
  return { point, compact: Buffer.concat([bytes(r, size), bytes(s, size)]) };
}

for (const kind of KINDS) {
  test(`${kind}: agrees with native signing for every digest, and refuses every other digest`, () => {
    for (let round = 0; round < 8; round++) {
      const key = PrivateKey.generate(kind);
      for (const hash of HASHES) {
        const message = Buffer.from(`message ${round}`);
        const compact = ecdsaSignatureToCompact(key.sign(message, `ecdsa-${hash}`), orderLength(kind))!;
        const digest = createHash(hash).update(message).digest();
        const other = createHash(hash).update('other').digest();
        assert.equal(verifyEcdsaDigest(kind, key.publicKey.raw(), digest, compact), true);
        assert.equal(verifyEcdsaDigest(kind, key.publicKey.raw(), other, compact), false);
      }
    }
  });

  test(`${kind}: exceptional points are decided by complete formulas`, () => {
    const { Point } = CURVES[kind];
    const n = Point.Fn.ORDER;
    const size = orderLength(kind);
    const digestOf = (value: bigint): Buffer => bytes(value, Math.min(64, size));
    if (size > 64) return; // a P-521 digest of 64 bytes cannot reach the order
    // z = 0: the base point drops out.
    const zero = craft(kind, 5n, 7n, digestOf(0n));
    assert.equal(verifyEcdsaDigest(kind, zero.point, digestOf(0n), zero.compact), true);
    assert.equal(verifyEcdsaDigest(kind, zero.point, digestOf(1n), zero.compact), false);
    // z/r·G = Q (doubling) and z/r·G = -Q (infinity).
    const nonce = 7n;
    const r = Point.BASE.multiply(nonce).toAffine().x % n;
    const secret = 5n;
    const same = digestOf((r * secret) % n);
    const doubled = craft(kind, secret, nonce, same);
    assert.equal(verifyEcdsaDigest(kind, doubled.point, same, doubled.compact), true);
    const opposite = digestOf((n - ((r * secret) % n)) % n);
    const forged = Buffer.concat([bytes(r, size), bytes(1n, size)]);
    assert.equal(verifyEcdsaDigest(kind, doubled.point, opposite, forged), false);
  });

  test(`${kind}: r and s outside 1 to n-1 are refused, high s is not`, () => {
    const { Point } = CURVES[kind];
    const n = Point.Fn.ORDER;
    const size = orderLength(kind);
    const digest = createHash('sha256').update('range').digest();
    const { point, compact } = craft(kind, 11n, 13n, digest);
    const r = compact.subarray(0, size);
    const s = BigInt(`0x${compact.subarray(size).toString('hex')}`);
    assert.equal(verifyEcdsaDigest(kind, point, digest, compact), true);
    assert.equal(verifyEcdsaDigest(kind, point, digest, Buffer.concat([r, bytes(n - s, size)])), true);
    for (const value of [0n, n, n + 1n]) {
      assert.equal(verifyEcdsaDigest(kind, point, digest, Buffer.concat([r, bytes(value, size)])), false);
      assert.equal(verifyEcdsaDigest(kind, point, digest, Buffer.concat([bytes(value, size), r])), false);
    }
  });
}
