import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;
const MAX_COLOURS = 256;
const BYTE = 0xff;

/**
 * A PNG of a page with a palette instead of colours: a third of the size. Pages have few colours, and the shades at the edges of letters
 * are rounded until all of them fit.
 *
 * @param png 8-bit RGB, not interlaced: as Chromium writes a page without transparency
 */
export function smallerPng(png: Uint8Array): Uint8Array {
  const { width, height, pixels } = decode(Buffer.from(png));
  for (let bits = 6; bits > 1; bits--) {
    const palette = new Map<number, number>();
    const rows = Buffer.alloc((width + 1) * height);
    for (let index = 0; index < width * height && palette.size <= MAX_COLOURS; index++) {
      const colour = rounded(pixels, index * 3, bits);
      const entry = palette.get(colour) ?? palette.size;
      palette.set(colour, entry);
      // Each row begins with its filter, which is none: neighbours in a palette are no neighbours of colour.
      rows[index + Math.floor(index / width) + 1] = entry;
    }
    if (palette.size <= MAX_COLOURS) return encode(width, height, [...palette.keys()], rows);
  }
  return png;
}

/** The middle of the colours that are told apart no more; black and white stay what they are. */
function rounded(pixels: Buffer, at: number, bits: number): number {
  const levels = (1 << bits) - 1;
  let colour = 0;
  for (let channel = 0; channel < 3; channel++) {
    const level = Math.round(((pixels[at + channel] ?? 0) * levels) / BYTE);
    colour = (colour << 8) | Math.round((level * BYTE) / levels);
  }
  return colour;
}

function decode(png: Buffer): { width: number; height: number; pixels: Buffer } {
  const data: Buffer[] = [];
  let [width, height] = [0, 0];
  for (let at = SIGNATURE_BYTES; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      if (body.toString('hex', 8) !== '0802000000') throw new Error('not 8-bit RGB without interlacing');
    }
    if (type === 'IDAT') data.push(body);
    at += 12 + length;
  }
  return { width, height, pixels: unfiltered(inflateSync(Buffer.concat(data)), width * 3, height) };
}

/** PNG §9.2. */
function unfiltered(raw: Buffer, stride: number, height: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (stride + 1)] ?? 0;
    for (let column = 0; column < stride; column++) {
      const at = row * stride + column;
      const left = column < 3 ? 0 : (out[at - 3] ?? 0);
      const above = row === 0 ? 0 : (out[at - stride] ?? 0);
      const corner = row === 0 || column < 3 ? 0 : (out[at - stride - 3] ?? 0);
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter] ?? 0;
      out[at] = ((raw[row * (stride + 1) + 1 + column] ?? 0) + guess) & BYTE;
    }
  }
  return out;
}

function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

function encode(width: number, height: number, palette: readonly number[], rows: Buffer): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & BYTE, colour & BYTE]));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, body: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, sum]);
}
