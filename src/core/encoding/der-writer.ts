import { InvariantError } from '../../errors.ts';
import { utf8 } from './bytes.ts';
import { TAG } from './der-reader.ts';
import { parseHex } from './hex.ts';

/** One element: tag, minimal definite length, content (X.690 §8.1, §10.1). */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | byteCount(length), ...bigEndian(length)];
  return Buffer.concat([Uint8Array.from(header), ...content]);
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(TAG.sequence, ...parts);
}

/** SET OF: elements in ascending order of their encodings (X.690 §11.6). */
export function derSet(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(TAG.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));
}

/** A non-negative INTEGER from its big-endian magnitude or a small number; a bigint may be of any sign. */
export function derInteger(value: Uint8Array | number | bigint): Uint8Array {
  if (typeof value === 'bigint') return derElement(TAG.integer, twosComplement(value));
  const magnitude = typeof value === 'number' ? Uint8Array.from(value === 0 ? [0] : bigEndian(value)) : value;
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const minimal = magnitude.subarray(start);
  if (minimal.length === 0) return derElement(TAG.integer, Uint8Array.of(0));
  return (minimal[0] ?? 0) >= 0x80
    ? derElement(TAG.integer, Uint8Array.of(0), minimal)
    : derElement(TAG.integer, minimal);
}

export function derBoolean(value: boolean): Uint8Array {
  return derElement(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function derNull(): Uint8Array {
  return Uint8Array.of(TAG.null, 0);
}

/** @param dotted for example "1.2.840.10045.2.1" */
export function derOid(dotted: string): Uint8Array {
  const known = OIDS.get(dotted);
  if (known !== undefined) return known;
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap(base128);
  const encoded = derElement(TAG.oid, Uint8Array.from(bytes));
  OIDS.set(dotted, encoded);
  return encoded;
}

/** Every object identifier comes from our own source, so this never grows beyond their number. */
const OIDS = new Map<string, Uint8Array>();

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return derElement(TAG.octetString, bytes);
}

/** Whole bytes unless `unusedBits` says how many of the last byte's lowest bits do not count. */
export function derBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return derElement(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

export function derUtf8String(text: string): Uint8Array {
  return derElement(TAG.utf8String, utf8(text));
}

export function derIa5String(text: string): Uint8Array {
  return derElement(TAG.ia5String, utf8(text));
}

export function derPrintableString(text: string): Uint8Array {
  return derElement(TAG.printableString, utf8(text));
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). Fractions of a second are cut off. */
export function derTime(time: Date): Uint8Array {
  const year = time.getUTCFullYear();
  if (year < 1950 || year > 9999) throw new InvariantError('a certificate time outside 1950 to 9999');
  return year < 2050 ? derElement(TAG.utcTime, utf8(digits(time).slice(2))) : derGeneralizedTime(time);
}

/** GeneralizedTime with whole seconds, as RFC 3161 and RFC 5280 want it. */
export function derGeneralizedTime(time: Date): Uint8Array {
  return derElement(TAG.generalizedTime, utf8(digits(time)));
}

/** `[number]` around complete elements. */
export function derExplicit(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(0xa0 | number, ...parts);
}

/** `[number] IMPLICIT` over primitive content. */
export function derImplicit(number: number, content: Uint8Array): Uint8Array {
  return derElement(0x80 | number, content);
}

function digits(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}

function base128(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest % 128) | 0x80);
  return bytes;
}

/** The shortest two's complement form, at least one byte. */
function twosComplement(value: bigint): Uint8Array {
  const magnitude = value < 0n ? -value - 1n : value;
  const bytes = Math.floor((magnitude === 0n ? 0 : magnitude.toString(2).length) / 8) + 1;
  const hex = BigInt.asUintN(8 * bytes, value).toString(16);
  return parseHex(hex.padStart(2 * bytes, '0'));
}

function byteCount(value: number): number {
  return bigEndian(value).length;
}

function bigEndian(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}
