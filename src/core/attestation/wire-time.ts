import { FormatError, type FormatCode } from '../../errors.ts';

/** RFC 3339 §5.6 as Go reads it: capital letters, a full stop, no leap second. */
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** A time in the text of a document, to the nanosecond, which is more than a Date holds. */
export class WireTime {
  /** Whole seconds of the local time, as if it were UTC. */
  readonly #local: Date;
  /** Nine digits. */
  readonly #nanoseconds: string;
  readonly #offsetMinutes: number;
  readonly #offset: string;

  private constructor(local: Date, nanoseconds: string, offset: string) {
    this.#local = local;
    this.#nanoseconds = nanoseconds;
    this.#offsetMinutes = offset === 'Z' ? 0 : Number(`${offset[0] ?? ''}1`) * minutesOf(offset.slice(1));
    this.#offset = this.#offsetMinutes === 0 ? 'Z' : offset;
  }

  /**
   * @param path names the member in errors
   * @param maxFraction digits that a fraction may have; those after the ninth are cut off
   * @throws FormatError with `code`
   */
  static parse(text: string, path: string, code: FormatCode, maxFraction: number): WireTime {
    const parts = RFC3339.exec(text);
    if (parts === null) throw notATime(text, path, code);
    const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = '', offset = ''] = parts;
    const local = new Date(0);
    local.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
    local.setUTCHours(Number(hour), Number(minute), Number(second));
    // A day or an hour that does not exist rolls over into another one.
    const isReal = local.toISOString().startsWith(`${year}-${month}-${day}T${hour}:${minute}:${second}`);
    const isOffset = offset === 'Z' || (Number(offset.slice(1, 3)) < 24 && Number(offset.slice(4)) < 60);
    if (!isReal || !isOffset || fraction.length > maxFraction) throw notATime(text, path, code);
    const time = new WireTime(local, fraction.slice(0, 9).padEnd(9, '0'), offset);
    // In UTC the ends of year 1 and year 9999 can lie outside of what four digits say.
    if (!/^(?!0000)\d{4}-/.test(time.toProto())) throw notATime(text, path, code);
    return time;
  }

  /** As protobuf's JSON writes a Timestamp: UTC, with no, three, six or nine digits of a second's fraction. */
  toProto(): string {
    const utc = new Date(this.#local.getTime() - this.#offsetMinutes * 60_000);
    const digits = this.#nanoseconds.replace(/(?:000){1,3}$/, '');
    return `${utc.toISOString().slice(0, -5)}${digits === '' ? '' : `.${digits}`}Z`;
  }

  /** As Go's encoding/json writes a time: in its own offset, without zeros at the fraction's end. */
  toGo(): string {
    const digits = this.#nanoseconds.replace(/0+$/, '');
    return `${this.#local.toISOString().slice(0, -5)}${digits === '' ? '' : `.${digits}`}${this.#offset}`;
  }
}

function minutesOf(offset: string): number {
  return Number(offset.slice(0, 2)) * 60 + Number(offset.slice(3));
}

function notATime(text: string, path: string, code: FormatCode): FormatError {
  return new FormatError(code, `${path} is not a time`, {
    found: JSON.stringify(text.slice(0, 64)),
    expected: 'RFC 3339, such as 2026-01-31T12:00:00Z',
  });
}
