import { FormatError, LimitError, type FormatCode } from '../../errors.ts';
import { parseUtf8 } from './utf8.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export interface JsonLimits {
  readonly maxBytes: number;
  /** Nesting of objects and arrays. */
  readonly maxDepth: number;
}

/** Suits every document we read except registry manifests and TUF targets, which state their own. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxBytes: 16 << 20, maxDepth: 64 };

/**
 * Parses untrusted JSON strictly: UTF-8, no duplicate member names, bounded size and depth. Duplicate names are refused
 * because two parsers may pick different ones, which makes the signed text mean two things (RFC 8259 §4).
 *
 * @param code the format the document claims to be, for the error
 * @throws FormatError with `code`; LimitError LIMIT_SIZE or LIMIT_DEPTH
 */
export function parseJson(
  input: Uint8Array | string,
  what: string,
  code: FormatCode = 'FORMAT_JSON',
  limits: JsonLimits = DEFAULT_JSON_LIMITS,
): JsonValue {
  if (input.length > limits.maxBytes) {
    throw new LimitError('LIMIT_SIZE', `${what} is too large`, {
      found: `${input.length} bytes`,
      expected: `at most ${limits.maxBytes}`,
    });
  }
  const text = typeof input === 'string' ? input : parseUtf8(input, code, what);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new FormatError(code, `${what} is not valid JSON`, { cause, found: describeSyntaxError(cause) });
  }
  const members = countMembers(value, what, limits.maxDepth);
  if (countNames(text) !== members) refuseDuplicate(text, what, code);
  return value;
}

function describeSyntaxError(cause: unknown): string {
  // V8 quotes the document in its message; keep the position, drop the quotation (it may be a token).
  const message = cause instanceof Error ? cause.message : '';
  return (
    /at position \d+/.exec(message)?.[0] ?? (message.includes('end of JSON') ? 'unexpected end' : 'a syntax error')
  );
}

/**
 * How many members the objects of a value have, all together.
 *
 * @throws LimitError LIMIT_DEPTH
 */
function countMembers(value: JsonValue, what: string, maxDepth: number, depth = 1): number {
  if (value === null || typeof value !== 'object') return 0;
  if (depth > maxDepth) {
    throw new LimitError('LIMIT_DEPTH', `${what} is nested too deeply`, { expected: `at most ${maxDepth} levels` });
  }
  const inside: readonly JsonValue[] = isJsonArray(value) ? value : Object.values(value);
  let count = isJsonArray(value) ? 0 : inside.length;
  for (const element of inside) count += countMembers(element, what, maxDepth, depth + 1);
  return count;
}

/**
 * How many names are written in text that JSON.parse has accepted: strings with a colon behind them. More than there are
 * members means that one of them was written twice. Strings, base64 mostly, are skipped natively.
 */
function countNames(text: string): number {
  let count = 0;
  for (let start = text.indexOf('"'); start !== -1;) {
    let next = closingQuote(text, start + 1) + 1;
    while (isSpace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === COLON) count++;
    start = text.indexOf('"', next);
  }
  return count;
}

const COLON = 0x3a;

/** RFC 8259 §2. */
function isSpace(character: number): boolean {
  return character === 0x20 || character === 0x0a || character === 0x0d || character === 0x09;
}

/** Finds the duplicate for the message. Names are compared decoded: "\u0061" and "a" are the same member. */
function refuseDuplicate(text: string, what: string, code: FormatCode): never {
  const names: Set<string>[] = [];
  let found = '';
  let string: [start: number, end: number] = [0, 0];
  for (let i = 0; i < text.length && found === ''; i++) {
    const character = text.charAt(i);
    if (character === '"') {
      string = [i, closingQuote(text, i + 1) + 1];
      i = string[1] - 1;
    } else if (character === ':') {
      const name = JSON.parse(text.slice(...string)) as string;
      const seen = names[names.length - 1];
      if (seen?.has(name) === true) {
        found = `two members named ${JSON.stringify(name.slice(0, 64))}, the second ending at offset ${i}`;
      }
      seen?.add(name);
    } else if (character === '{' || character === '[') names.push(new Set());
    else if (character === '}' || character === ']') names.pop();
  }
  throw new FormatError(code, `${what} has a duplicate member`, { found, expected: 'each name once per object' });
}

/** Offset of the quote that ends the string whose first character is at `start`: the first with no escape before it. */
function closingQuote(text: string, start: number): number {
  for (let end = text.indexOf('"', start); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

/**
 * RFC 8785 canonical JSON: members sorted by UTF-16 code units, no white space, ECMAScript numbers and escapes.
 *
 * @throws FormatError FORMAT_JSON for what has no canonical form: a number outside a double's range (JSON.parse makes
 *   Infinity of 1e999) and a lone surrogate (RFC 8785 §3.2.2.2, §3.2.2.3)
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new FormatError('FORMAT_JSON', 'a number has no canonical JSON', { found: String(value) });
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isJsonArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((name) => `${canonicalString(name)}:${canonicalJson(value[name] ?? null)}`);
  return `{${members.join(',')}}`;
}

function canonicalString(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  throw new FormatError('FORMAT_JSON', 'a string has no canonical JSON', { found: 'a lone surrogate' });
}

function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
