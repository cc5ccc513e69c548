/** Every truncation of a sample, then the sample with one bit of each byte flipped (a different bit from byte to byte). */
export function* damaged(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length);
  for (let index = 0; index < bytes.length; index++) {
    const copy = Uint8Array.from(bytes);
    copy[index] = (copy[index] ?? 0) ^ (1 << (index % 8));
    yield copy;
  }
}
