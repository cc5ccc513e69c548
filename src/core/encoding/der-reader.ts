import { FormatError, LimitError, type FormatCode } from '../../errors.ts';
import { encodeHex } from './hex.ts';

/** Universal tags we meet (X.680 §8.4), constructed bit included where DER demands it. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** No structure we read comes near this depth; recursion on hostile input ends here. */
const MAX_DEPTH = 24;

/** Certificates and timestamps with whole chains stay far below; a larger structure is refused before it is read. */
const MAX_BYTES = 1 << 18;

/**
 * One DER element inside a larger buffer; nothing is copied until `raw` or `content` is asked for, and even those are
 * views. Lengths are definite and minimal (X.690 §10.1), elements never reach beyond their parent.
 */
export class DerElement {
  readonly tag: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #contentStart: number;
  readonly #end: number;
  readonly #depth: number;
  readonly #code: FormatCode;

  private constructor(
    bytes: Uint8Array,
    start: number,
    contentStart: number,
    end: number,
    depth: number,
    code: FormatCode,
  ) {
    this.tag = bytes[start] ?? 0;
    this.#bytes = bytes;
    this.#start = start;
    this.#contentStart = contentStart;
    this.#end = end;
    this.#depth = depth;
    this.#code = code;
  }

  /**
   * The one element that `bytes` consist of.
   *
   * @param code the format the bytes claim to be, for errors
   * @throws FormatError with `code` on anything that is not DER, or on bytes behind the element; LimitError LIMIT_SIZE
   */
  static parse(bytes: Uint8Array, code: FormatCode = 'FORMAT_DER'): DerElement {
    if (bytes.length > MAX_BYTES) {
      throw new LimitError('LIMIT_SIZE', 'the structure is too large', {
        found: `${bytes.length} bytes`,
        expected: `at most ${MAX_BYTES}`,
      });
    }
    const element = DerElement.#read(bytes, 0, bytes.length, 0, code);
    if (element.#end !== bytes.length) element.#fail('bytes behind the end of the structure', element.#end);
    return element;
  }

  static #read(bytes: Uint8Array, start: number, limit: number, depth: number, code: FormatCode): DerElement {
    if (depth > MAX_DEPTH) throw derError(code, 'nesting that is too deep', start);
    const tag = bytes[start];
    let length = bytes[start + 1];
    if (start + 2 > limit || tag === undefined || length === undefined) {
      throw derError(code, 'a truncated header', start);
    }
    if ((tag & 0x1f) === 0x1f) throw derError(code, 'a tag number above 30', start);
    let contentStart = start + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || contentStart + count > limit) {
        throw derError(code, 'an indefinite, oversize or truncated length', start);
      }
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[contentStart + i] ?? 0);
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) {
        throw derError(code, 'a length that is not minimal', start);
      }
      contentStart += count;
    }
    if (contentStart + length > limit) throw derError(code, 'a length beyond the enclosing structure', start);
    return new DerElement(bytes, start, contentStart, contentStart + length, depth, code);
  }

  /** Header and content. */
  get raw(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(this.#contentStart, this.#end);
  }

  /** Offset of the element in the parsed buffer. */
  get offset(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  isContext(number: number): boolean {
    return (this.tag & 0xdf) === (0x80 | number);
  }

  /** The elements inside a constructed one. */
  children(): DerElement[] {
    if ((this.tag & 0x20) === 0) this.#fail('a primitive element where a constructed one is needed', this.#start);
    return this.#parseContent();
  }

  /** The one element inside an OCTET STRING or an explicit tag. */
  inner(): DerElement {
    const [only, ...rest] = this.#parseContent();
    if (only === undefined || rest.length > 0) this.#fail('not exactly one element inside', this.#start);
    return only;
  }

  #parseContent(): DerElement[] {
    const elements: DerElement[] = [];
    for (let at = this.#contentStart; at < this.#end;) {
      const element = DerElement.#read(this.#bytes, at, this.#end, this.#depth + 1, this.#code);
      elements.push(element);
      at = element.#end;
    }
    return elements;
  }

  /** @returns this, when it has the tag */
  expect(tag: number, what: string): this {
    if (this.tag !== tag) {
      this.#fail(`tag 0x${this.tag.toString(16)} where ${what} (0x${tag.toString(16)}) is needed`, this.#start);
    }
    return this;
  }

  sequence(what = 'a SEQUENCE'): DerElement[] {
    return this.expect(TAG.sequence, what).children();
  }

  boolean(): boolean {
    const { content } = this.expect(TAG.boolean, 'a BOOLEAN');
    // X.690 §11.1: TRUE is 0xFF and nothing else.
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
      this.#fail('a BOOLEAN not in DER', this.#start);
    return content[0] === 0xff;
  }

  /** Two's complement content of an INTEGER, minimal. */
  integerBytes(): Uint8Array {
    const { content } = this.expect(TAG.integer, 'an INTEGER');
    const [first = 0, second = 0] = content;
    const padded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (content.length === 0 || padded) this.#fail('an INTEGER that is not minimal', this.#start);
    return content;
  }

  /** An INTEGER of any sign and size. */
  integer(): bigint {
    const content = this.integerBytes();
    const magnitude = BigInt(`0x${encodeHex(content)}`);
    return (content[0] ?? 0) < 0x80 ? magnitude : magnitude - (1n << BigInt(8 * content.length));
  }

  /** A small non-negative INTEGER. */
  smallInteger(): number {
    const content = this.integerBytes();
    if (content.length > 4 || (content[0] ?? 0) >= 0x80) this.#fail('an INTEGER out of range', this.#start);
    return content.reduce((value, byte) => value * 256 + byte, 0);
  }

  /** Dotted decimal. */
  oid(): string {
    this.expect(TAG.oid, 'an OBJECT IDENTIFIER');
    let dotted = '';
    let arc = 0;
    let fresh = true;
    for (let at = this.#contentStart; at < this.#end; at++) {
      const byte = this.#bytes[at] ?? 0;
      if (fresh && byte === 0x80) this.#fail('an OBJECT IDENTIFIER that is not minimal', this.#start);
      arc = arc * 128 + (byte & 0x7f);
      if (arc > Number.MAX_SAFE_INTEGER) this.#fail('an OBJECT IDENTIFIER arc that is too large', this.#start);
      fresh = byte < 0x80;
      if (!fresh) continue;
      if (dotted === '') {
        const first = arc < 80 ? Math.floor(arc / 40) : 2;
        dotted = `${first}.${arc - first * 40}`;
      } else dotted += `.${arc}`;
      arc = 0;
    }
    if (dotted === '' || !fresh) this.#fail('a truncated OBJECT IDENTIFIER', this.#start);
    return dotted;
  }

  octets(): Uint8Array {
    return this.expect(TAG.octetString, 'an OCTET STRING').content;
  }

  /** Bytes of a BIT STRING that has no unused bits, as keys and signatures are. */
  bits(): Uint8Array {
    const { content } = this.expect(TAG.bitString, 'a BIT STRING');
    if (content[0] !== 0) this.#fail('a BIT STRING with unused bits', this.#start);
    return content.subarray(1);
  }

  /** A named bit list such as KeyUsage: whether each bit is set, first bit first (X.690 §11.2: no trailing zero bits). */
  namedBits(): boolean[] {
    const { content } = this.expect(TAG.bitString, 'a BIT STRING');
    const unused = content[0] ?? 8;
    const last = content[content.length - 1] ?? 0;
    const canonical = content.length === 1 ? unused === 0 : unused < 8 && (last & (0xff >> (8 - unused))) === 0;
    if (content.length === 0 || content.length > 5 || !canonical) this.#fail('a BIT STRING not in DER', this.#start);
    if (content.length > 1 && ((last >> unused) & 1) === 0) this.#fail('a bit list with trailing zeros', this.#start);
    const bits: boolean[] = [];
    for (const byte of content.subarray(1)) for (let bit = 7; bit >= 0; bit--) bits.push(((byte >> bit) & 1) === 1);
    return bits;
  }

  /** Text of a UTF8String, PrintableString or IA5String. */
  text(): string {
    const { content } = this;
    switch (this.tag) {
      case TAG.utf8String:
        try {
          return UTF8.decode(content);
        } catch {
          return this.#fail('a UTF8String that is not UTF-8', this.#start);
        }
      case TAG.printableString:
      case TAG.ia5String:
        if (content.some((byte) => byte >= 0x80)) this.#fail('a character outside ASCII', this.#start);
        return latin1(content);
      default:
        return this.#fail(`tag 0x${this.tag.toString(16)} where text is needed`, this.#start);
    }
  }

  /** UTCTime or GeneralizedTime in the one form DER allows (RFC 5280 §4.1.2.5): seconds, no fraction, Z. */
  time(): Date {
    const match = this.tag === TAG.utcTime ? UTC_TIME.exec(latin1(this.content)) : this.#generalizedTime(TIME);
    if (match === null) return this.#fail('a time not in the form that DER allows', this.#start);
    const year = match[1] ?? '';
    return this.#date(match, year.length === 4 ? year : Number(year) < 50 ? `20${year}` : `19${year}`);
  }

  /** GeneralizedTime that may have a fraction without trailing zeros (RFC 3161 §2.4.2); kept to the millisecond. */
  fractionalTime(): Date {
    const match = this.#generalizedTime(FRACTIONAL_TIME);
    if (match === null) return this.#fail('a time not in the form that DER allows', this.#start);
    return this.#date(match, match[1] ?? '', match[7]);
  }

  #generalizedTime(form: RegExp): RegExpExecArray | null {
    return this.tag === TAG.generalizedTime ? form.exec(latin1(this.content)) : null;
  }

  #date(match: RegExpExecArray, year: string, fraction = ''): Date {
    const [, , month = '', day = '', hour = '', minute = '', second = ''] = match;
    const millis = fraction.slice(0, 3).padEnd(3, '0');
    const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}Z`);
    // A Date rolls 31 February and 24:00 over instead of refusing them.
    if (Number.isNaN(time.getTime()) || time.getUTCDate() !== Number(day)) {
      this.#fail('a time that does not exist', this.#start);
    }
    return time;
  }

  /** Refuses, naming the offset. For structures built on this reader. */
  fail(problem: string): never {
    return this.#fail(problem, this.#start);
  }

  #fail(problem: string, offset: number): never {
    throw derError(this.#code, problem, offset);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const UTC_TIME = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const FRACTIONAL_TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{0,17}[1-9]))?Z$/;

/** One character per byte. Spreading a hostile megabyte into arguments would overflow the stack. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function derError(code: FormatCode, problem: string, offset: number): FormatError {
  return new FormatError(code, 'the structure is not valid DER', { found: `${problem}, at offset ${offset}` });
}
