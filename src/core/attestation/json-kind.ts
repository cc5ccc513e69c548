import { FormatError, type FormatCode } from '../../errors.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';

/** What a value is, for messages; never what it says. */
export function jsonKind(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @throws FormatError with `code` when the value is not an object */
export function objectMembers(value: JsonValue, path: string, code: FormatCode): [string, JsonValue][] {
  if (isObject(value)) return Object.entries(value);
  throw new FormatError(code, `${path} is not an object`, { found: jsonKind(value), expected: 'an object' });
}

/** @throws FormatError with `code` for a lone surrogate, which has no UTF-8 */
export function wellFormedText(text: string, path: string, code: FormatCode): string {
  if (text.isWellFormed()) return text;
  throw new FormatError(code, `${path} is no text`, { found: 'a lone surrogate', expected: 'Unicode text' });
}

/**
 * Refuses what JavaScript reads but cannot write as it was: a number outside a double's range, which would become `null`,
 * and a lone surrogate.
 *
 * @throws FormatError with `code`
 */
export function checkWritable(value: JsonValue, path: string, code: FormatCode): void {
  if (typeof value === 'string') wellFormedText(value, path, code);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new FormatError(code, `${path} is a number that nobody can read back`, {
      found: String(value),
      expected: "a number within a double's range",
    });
  }
  if (value === null || typeof value !== 'object') return;
  for (const [name, content] of Object.entries(value)) {
    wellFormedText(name, path, code);
    checkWritable(content, `${path}.${name}`, code);
  }
}
