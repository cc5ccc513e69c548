import { FormatError, type FormatCode } from '../../errors.ts';
import { concatBytes } from './bytes.ts';

/** Cursor over TLS presentation language (RFC 8446 §3): fixed integers and length-prefixed vectors. */
export class TlsReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #code: FormatCode;
  #offset = 0;

  /** @param what names the structure in refusals */
  constructor(bytes: Uint8Array, what: string, code: FormatCode) {
    this.#bytes = bytes;
    this.#what = what;
    this.#code = code;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw this.malformed('a truncated structure');
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }

  /** @param size up to 6 bytes */
  uint(size: number): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0);
  }

  uint64(): bigint {
    return (BigInt(this.uint(4)) << 32n) | BigInt(this.uint(4));
  }

  vector(lengthSize: number): Uint8Array {
    return this.take(this.uint(lengthSize));
  }

  end(): void {
    if (!this.isAtEnd) throw this.malformed('bytes behind the end of the structure');
  }

  malformed(found: string): FormatError {
    return new FormatError(this.#code, `${this.#what} is malformed`, { found });
  }
}

/** A vector with its length in front, big-endian in `lengthSize` bytes. */
export function tlsVector(lengthSize: number, content: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(lengthSize);
  prefix.writeUIntBE(content.length, 0, lengthSize);
  return concatBytes(prefix, content);
}

export function tlsUint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
