/**
 * ECDSA-Sig-Value (RFC 3279 §2.2.3) as strict DER: `SEQUENCE { r INTEGER, s INTEGER }` with minimal, positive integers
 * and nothing behind them. OpenSSL accepts more, which would let one signature have several spellings.
 *
 * @param size bytes of the curve's order: 32, 48 or 66
 * @returns r and s, each as `size` bytes, one behind the other; undefined when the encoding is not canonical
 */
export function ecdsaSignatureToCompact(der: Uint8Array, size: number): Uint8Array | undefined {
  if (der.length < 8 || der[0] !== 0x30) return undefined;
  let offset = 2;
  let length = der[1] ?? 0;
  if (length === 0x81) {
    length = der[2] ?? 0;
    if (length < 0x80) return undefined;
    offset = 3;
  } else if (length >= 0x80) return undefined;
  if (offset + length !== der.length) return undefined;
  const compact = new Uint8Array(2 * size);
  for (const half of [0, 1]) {
    if (der[offset] !== 0x02) return undefined;
    const valueLength = der[offset + 1] ?? 0;
    const start = offset + 2;
    const end = start + valueLength;
    if (valueLength === 0 || valueLength >= 0x80 || end > der.length) return undefined;
    const first = der[start] ?? 0;
    if (first >= 0x80) return undefined;
    if (first === 0 && (valueLength === 1 || (der[start + 1] ?? 0) < 0x80)) return undefined;
    const magnitude = der.subarray(first === 0 ? start + 1 : start, end);
    if (magnitude.length > size) return undefined;
    compact.set(magnitude, (half + 1) * size - magnitude.length);
    offset = end;
  }
  return offset === der.length ? compact : undefined;
}
