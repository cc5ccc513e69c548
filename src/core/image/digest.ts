import { FormatError } from '../../errors.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex, parseHex } from '../encoding/hex.ts';
import { digest as hash, DIGEST_LENGTHS, type HashAlgorithm } from '../crypto/digest.ts';

/** The algorithms registered by the image-spec that are still collision resistant. */
export type DigestAlgorithm = Extract<HashAlgorithm, 'sha256' | 'sha512'>;

/** A content address: `sha256:` and 64 lower-case hexadecimal characters, or `sha512:` and 128 (image-spec, descriptor). */
export class Digest {
  readonly algorithm: DigestAlgorithm;
  /** 32 or 64 bytes. */
  readonly bytes: Uint8Array;
  readonly #text: string;

  private constructor(algorithm: DigestAlgorithm, bytes: Uint8Array) {
    this.algorithm = algorithm;
    this.bytes = bytes;
    this.#text = `${algorithm}:${encodeHex(bytes)}`;
  }

  /** @throws FormatError FORMAT_DIGEST */
  static parse(text: string, what = 'the digest'): Digest {
    const [, algorithm, hex = ''] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
    if ((algorithm !== 'sha256' && algorithm !== 'sha512') || hex.length !== DIGEST_LENGTHS[algorithm] * 2) {
      throw new FormatError('FORMAT_DIGEST', `${what} is not a digest`, {
        found: text.slice(0, 150),
        expected: 'sha256: and 64 characters 0-9 a-f, or sha512: and 128',
      });
    }
    return new Digest(algorithm, parseHex(hex));
  }

  /** @throws FormatError FORMAT_DIGEST when the length is not the algorithm's */
  static fromBytes(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
    return Digest.parse(`${algorithm}:${encodeHex(bytes)}`);
  }

  /** Address of `content`. */
  static of(content: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
    return new Digest(algorithm, hash(algorithm, content));
  }

  get hex(): string {
    return encodeHex(this.bytes);
  }

  equals(other: Digest): boolean {
    return this.algorithm === other.algorithm && equalBytes(this.bytes, other.bytes);
  }

  /** Whether `content` is what this digest names. */
  names(content: Uint8Array): boolean {
    return equalBytes(hash(this.algorithm, content), this.bytes);
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }
}
