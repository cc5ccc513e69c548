import { FormatError } from '../../errors.ts';

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * Strict lower-case hexadecimal; upper case is refused, because a digest must have one spelling.
 *
 * @throws FormatError FORMAT_HEX when the length is odd or a character is not 0-9 or a-f
 */
export function parseHex(text: string, what = 'hexadecimal text'): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new FormatError('FORMAT_HEX', `${what} is not lower-case hexadecimal`, {
      found: `${text.length} characters`,
      expected: 'an even number of the characters 0-9 and a-f',
    });
  }
  return Buffer.from(text, 'hex');
}
