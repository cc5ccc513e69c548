import { FormatError, type FormatCode } from '../../errors.ts';

const STRICT_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Strict UTF-8: ill-formed sequences are refused, not replaced. A byte order mark stays in the text.
 *
 * @throws FormatError with `code`
 */
export function parseUtf8(bytes: Uint8Array, code: FormatCode, what: string): string {
  try {
    return STRICT_DECODER.decode(bytes);
  } catch (cause) {
    throw new FormatError(code, `${what} is not valid UTF-8`, { cause });
  }
}
