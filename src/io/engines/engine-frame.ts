import { concatBytes } from '../../core/encoding/bytes.ts';

/** Largest request and answer in bytes; the engines have the same limits (`tools/engines/request.go`). */
export const MAX_REQUEST_BYTES = 32 << 20;
export const MAX_ANSWER_BYTES = 4 << 20;

/** Length of the content and number of the exchange, four bytes each, big endian. */
const HEADER_BYTES = 8;

/**
 * @param exchange which answer belongs to it: the engines send the number back, so that no verdict is ever taken for
 *   another's
 */
export function encodeFrame(exchange: number, content: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setUint32(0, content.length);
  header.setUint32(4, exchange);
  return concatBytes(new Uint8Array(header.buffer), content);
}

/** Puts the one frame that answers an exchange together from the pieces in which a pipe delivers it. */
export class FrameReader {
  readonly #exchange: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(exchange: number) {
    this.#exchange = exchange;
  }

  /**
   * @returns the content, once it is complete; 'malformed' when it says that it is longer than allowed or of another
   *   exchange, or when more follows it
   */
  add(piece: Uint8Array): Uint8Array | 'incomplete' | 'malformed' {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes < HEADER_BYTES) return 'incomplete';
    const [first = piece] = this.#pieces;
    const head = first.length >= HEADER_BYTES ? first : concatBytes(...this.#pieces);
    const header = new DataView(head.buffer, head.byteOffset);
    const contentBytes = header.getUint32(0);
    const wantedBytes = HEADER_BYTES + contentBytes;
    if (header.getUint32(4) !== this.#exchange || contentBytes > MAX_ANSWER_BYTES) return 'malformed';
    if (this.#bytes > wantedBytes) return 'malformed';
    return this.#bytes < wantedBytes ? 'incomplete' : concatBytes(...this.#pieces).subarray(HEADER_BYTES);
  }
}
