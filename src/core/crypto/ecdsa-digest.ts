import { createECDH, type ECDH } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { encodeHex } from '../encoding/hex.ts';

export type EcdsaKind = 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521';

interface Curve {
  readonly pure: typeof p256;
  /** Modulus of the field. */
  readonly p: bigint;
  /** Order of the group. */
  readonly n: bigint;
  /** Bytes of a coordinate, and of r and s. */
  readonly size: number;
  /** Native scalar multiplication. Its private key is overwritten by each use; nothing secret ever goes in. */
  readonly native?: ECDH;
}

const CURVES: Readonly<Record<EcdsaKind, Curve>> = {
  'ecdsa-p256': { ...curve(p256, 32), native: createECDH('prime256v1') },
  // OpenSSL has fast arithmetic for P-256 alone; on the others, native multiplications would gain little or nothing.
  'ecdsa-p384': curve(p384, 48),
  'ecdsa-p521': curve(p521, 66),
};

/** Bytes of the group order: r and s have as many each. */
export function orderLength(kind: EcdsaKind): number {
  return CURVES[kind].size;
}

/**
 * ECDSA verification over a digest (FIPS 186-5 §6.4.2), which `node:crypto` cannot do. With z the digest, the point to
 * compare is z/s·G + r/s·Q, which equals r/s·(z/r·G + Q): two scalar multiplications that ECDH does natively, and one
 * addition of points in between. On P-256 that takes 0.2 ms, where pure JavaScript, which stays for the other curves and
 * for exceptional points, takes 2 ms.
 *
 * @param point uncompressed public key (SEC 1 §2.3.3), already known to lie on the curve
 * @param compact r and s, `orderLength` bytes each
 */
export function verifyEcdsaDigest(
  kind: EcdsaKind,
  point: Uint8Array,
  digest: Uint8Array,
  compact: Uint8Array,
): boolean {
  const { pure, n, size, native } = CURVES[kind];
  if (native === undefined) return pure.verify(compact, digest, point, { prehash: false, lowS: false });
  const r = toNumber(compact.subarray(0, size));
  const s = toNumber(compact.subarray(size));
  if (r === 0n || s === 0n || r >= n || s >= n) return false;
  // One inversion for both: 1/r = s/(rs), 1/s = r/(rs).
  const inverse = invert((r * s) % n, n);
  const base = (truncated(digest, n) * ((s * inverse) % n)) % n;
  const publicX = toNumber(point.subarray(1, 1 + size));
  if (base !== 0n) {
    native.setPrivateKey(toBytes(base, size));
    const product = native.getPublicKey();
    const x = toNumber(product.subarray(1, 1 + size));
    if (x !== publicX) {
      const sum = add(
        CURVES[kind].p,
        x,
        toNumber(product.subarray(1 + size)),
        publicX,
        toNumber(point.subarray(1 + size)),
      );
      native.setPrivateKey(toBytes((r * ((r * inverse) % n)) % n, size));
      const encoded = Buffer.concat([Buffer.of(4), toBytes(sum.x, size), toBytes(sum.y, size)]);
      return toNumber(native.computeSecret(encoded)) % n === r;
    }
  }
  // z is a multiple of n, or z/r·G is Q or -Q: reachable only by who chooses the digest, and needs complete formulas.
  return pure.verify(compact, digest, point, { prehash: false, lowS: false });
}

function curve(pure: typeof p256, size: number): Curve {
  return { pure, p: pure.Point.Fp.ORDER, n: pure.Point.Fn.ORDER, size };
}

/** The leftmost bits of the digest, as many as the order has (FIPS 186-5 §6.4.1). */
function truncated(digest: Uint8Array, n: bigint): bigint {
  const excess = 8 * digest.length - n.toString(2).length;
  return excess > 0 ? toNumber(digest) >> BigInt(excess) : toNumber(digest);
}

/** Sum of two affine points with different x (SEC 1 §2.2.1). */
function add(p: bigint, x1: bigint, y1: bigint, x2: bigint, y2: bigint): { x: bigint; y: bigint } {
  const slope = (modulo(y2 - y1, p) * invert(modulo(x2 - x1, p), p)) % p;
  const x = modulo(slope * slope - x1 - x2, p);
  return { x, y: modulo(slope * (x1 - x) - y1, p) };
}

/** Extended Euclid. In variable time, which is right for public values only. */
function invert(value: bigint, modulus: bigint): bigint {
  let [low, high] = [value, modulus];
  let [factor, previous] = [1n, 0n];
  while (low !== 0n) {
    const quotient = high / low;
    [high, low] = [low, high - quotient * low];
    [previous, factor] = [factor, previous - quotient * factor];
  }
  return modulo(previous, modulus);
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${encodeHex(bytes)}`);
}

function toBytes(value: bigint, size: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex');
}
