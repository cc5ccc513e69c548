import { createHash, hash as oneShot, type Hash } from 'node:crypto';

/** The digests Sigstore signs with (FIPS 180-4). SHA-1 and MD5 are absent on purpose. */
export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

/** Length of each digest in bytes. */
export const DIGEST_LENGTHS: Readonly<Record<HashAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** @returns 32 bytes */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', ...parts);
}

/** Digest of the concatenation of `parts`. */
export function digest(algorithm: HashAlgorithm, ...parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  // One-shot hashing saves the allocation of a Hash object, which costs more than hashing a tree node.
  if (first !== undefined && parts.length === 1) return oneShot(algorithm, first, 'buffer');
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** A digest that grows with the bytes of a stream. */
export class RunningDigest {
  readonly algorithm: HashAlgorithm;
  readonly #hash: Hash;

  constructor(algorithm: HashAlgorithm) {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** Ends the digest; the object must not be used afterwards. */
  digest(): Uint8Array {
    return this.#hash.digest();
  }
}
