import type { JsonFields } from '../encoding/json-fields.ts';
import { FormatError } from '../../errors.ts';

/** When a key or service is believed: a closed interval, open-ended while it is in use. */
export interface ValidityWindow {
  readonly start: Date;
  readonly end?: Date;
}

export function windowContains(window: ValidityWindow, time: Date): boolean {
  return window.start <= time && (window.end === undefined || time <= window.end);
}

/** For error messages: both ends, in UTC. */
export function windowText(window: ValidityWindow): string {
  return `${window.start.toISOString()} to ${window.end?.toISOString() ?? 'now (no end is set)'}`;
}

/** @param name of the member that holds the window, which must be there and must have a start */
export function parseWindow(fields: JsonFields, name: string): ValidityWindow {
  const window = fields.object(name).only('start', 'end');
  const start = parseProtoTime(window, 'start');
  if (start === undefined) {
    throw new FormatError(fields.code, `${window.path} has no start`, {
      expected: 'a start: a window without one would believe the key for all the past',
    });
  }
  const end = parseProtoTime(window, 'end');
  if (end !== undefined && end < start) {
    throw new FormatError(fields.code, `${window.path} ends before it starts`, {
      found: `${start.toISOString()} to ${end.toISOString()}`,
    });
  }
  return end === undefined ? { start } : { start, end };
}

export function windowJson(window: ValidityWindow): { start: string; end?: string } {
  return { start: timeText(window.start), ...(window.end === undefined ? {} : { end: timeText(window.end) }) };
}

/** protojson writes no fraction when there is none. */
function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339. Fractions finer than a millisecond are cut off. @returns undefined for what is no time, or none that exists */
export function parseTime(text: string): Date | undefined {
  const match = RFC3339.exec(text);
  const [, seconds = '', fraction = '', offset = ''] = match ?? [];
  const time = new Date(`${seconds}${fraction.slice(0, 4)}${offset}`);
  if (match === null || Number.isNaN(time.getTime())) return undefined;
  // A Date rolls 31 February over; written back in UTC it then reads otherwise.
  return new Date(`${seconds}Z`).toISOString().startsWith(seconds) ? time : undefined;
}

/** google.protobuf.Timestamp as JSON. */
function parseProtoTime(fields: JsonFields, name: string): Date | undefined {
  const text = fields.optionalString(name);
  if (text === undefined) return undefined;
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw new FormatError(fields.code, `${fields.path}.${name} is not a time`, {
    found: text.slice(0, 40),
    expected: 'RFC 3339, such as 2026-01-31T12:00:00Z',
  });
}
