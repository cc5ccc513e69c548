import { concatBytes, utf8 } from '../../core/encoding/bytes.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { FormatError } from '../../errors.ts';

/** Wire types of protobuf that occur here. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const MAX_VARINT_BYTES = 10;

/** Five bytes in front of each message of gRPC: not compressed, and its length. */
export const GRPC_HEADER_BYTES = 5;

/** `JWTSVIDRequest` in gRPC's framing: field 1 is an audience (SPIFFE Workload API). */
export function encodeTokenRequest(audience: string): Uint8Array {
  const text = utf8(audience);
  const message = concatBytes(Uint8Array.of((1 << 3) | BYTES), varint(text.length), text);
  const header = Buffer.alloc(GRPC_HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return concatBytes(header, message);
}

/**
 * The first token of a `JWTSVIDResponse` in gRPC's framing: field 1 is a `JWTSVID`, whose field 2 is the token. Fields that
 * are not known are passed over, as protobuf demands.
 *
 * @returns undefined when it holds none
 * @throws FormatError FORMAT_TOKEN for what is no such message
 */
export function parseTokenResponse(bytes: Uint8Array): string | undefined {
  const body = unframed(bytes);
  for (const [field, value] of fieldsOf(body)) {
    if (field !== 1 || typeof value === 'bigint') continue;
    for (const [inner, token] of fieldsOf(value)) {
      if (inner === 2 && typeof token !== 'bigint') return parseUtf8(token, 'FORMAT_TOKEN', 'the SVID');
    }
  }
  return undefined;
}

function unframed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole = bytes.length >= GRPC_HEADER_BYTES && view.getUint32(1) === bytes.length - GRPC_HEADER_BYTES;
  if (isWhole && bytes[0] === 0) return bytes.subarray(GRPC_HEADER_BYTES);
  throw malformed('no single uncompressed gRPC message');
}

function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, value: Uint8Array | bigint]> {
  const reader = new ProtoReader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const field = Number(tag >> 3n);
    switch (Number(tag & 7n)) {
      case VARINT:
        yield [field, reader.varint()];
        break;
      case FIXED64:
        yield [field, reader.bytes(8)];
        break;
      case BYTES:
        yield [field, reader.bytes(Number(reader.varint()))];
        break;
      case FIXED32:
        yield [field, reader.bytes(4)];
        break;
      default:
        throw malformed('an unknown wire type');
    }
  }
}

class ProtoReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const [byte = 0] = this.bytes(1);
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if ((byte & 0x80) === 0) return value;
    }
    throw malformed('a number of more than ten bytes');
  }

  bytes(length: number): Uint8Array {
    const end = this.#position + length;
    if (!(end <= this.#bytes.length)) throw malformed('a field that goes beyond the end');
    const part = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return part;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function malformed(found: string): FormatError {
  return new FormatError('FORMAT_TOKEN', 'the Workload API sent something else than a JWTSVIDResponse', {
    found,
    expected: 'a message of gRPC with a JWT-SVID',
  });
}
