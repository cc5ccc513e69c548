import type { JsonFields } from '../encoding/json-fields.ts';
import { FormatError } from '../../errors.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;

/** @throws FormatError with the fields' code for what is not RFC 3339 in UTC, to the millisecond at most */
export function parseTime(fields: JsonFields, name: string): Date {
  const text = fields.string(name);
  const time = new Date(text);
  // Date takes 30 February for 2 March.
  if (TIME.test(text) && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text.slice(0, 19))) return time;
  throw new FormatError(fields.code, `${fields.path}.${name} is not a time`, {
    found: text.slice(0, 50),
    expected: 'a time such as 2026-01-31T12:00:00Z',
  });
}

/** Without milliseconds where there are none. */
export function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}
