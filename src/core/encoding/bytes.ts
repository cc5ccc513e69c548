/** Byte-wise equality of public values. Not constant-time: secrets are compared in `core/crypto`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

const UTF8_ENCODER = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return UTF8_ENCODER.encode(text);
}
