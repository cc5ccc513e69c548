import { FormatError, LimitError, type FormatCode } from '../../errors.ts';
import { parseBase64 } from './base64.ts';
import type { JsonObject, JsonValue } from './json.ts';

/**
 * Typed access to a parsed JSON object that remembers its path, so that every refusal names the member at fault.
 * Optional accessors treat an absent member and `null` alike, as proto3 JSON does.
 */
export class JsonFields {
  readonly path: string;
  readonly code: FormatCode;
  readonly #object: JsonObject;

  /** @throws FormatError with `code` when `value` is not an object */
  constructor(value: JsonValue | undefined, path: string, code: FormatCode) {
    this.path = path;
    this.code = code;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw new FormatError(code, `${path} is not an object`, { found: kindOf(value), expected: 'an object' });
    }
    this.#object = value as JsonObject;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name) && this.#object[name] !== null;
  }

  names(): readonly string[] {
    return Object.keys(this.#object);
  }

  /** The member as parsed, undefined when absent or null. */
  value(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined;
  }

  string(name: string): string {
    return this.optionalString(name) ?? this.#missing(name, 'a string');
  }

  optionalString(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.#wrong(name, value, 'a string');
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#wrong(name, value, 'true or false');
  }

  /** A whole number that a double holds exactly. */
  optionalInteger(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    return this.#wrong(name, value, 'a whole number');
  }

  integer(name: string): number {
    return this.optionalInteger(name) ?? this.#missing(name, 'a whole number');
  }

  /** proto3 JSON int64: a decimal string, or a number that a double holds exactly. */
  optionalInt64(name: string): bigint | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'string' && /^(0|-?[1-9][0-9]{0,18})$/.test(value)) {
      const number = BigInt(value);
      if (BigInt.asIntN(64, number) === number) return number;
    }
    return this.#wrong(name, value, 'a 64-bit integer in decimal');
  }

  int64(name: string): bigint {
    return this.optionalInt64(name) ?? this.#missing(name, 'a 64-bit integer in decimal');
  }

  /** Strict standard base64, as every signed or stored document has it. */
  bytes(name: string): Uint8Array {
    return this.optionalBytes(name) ?? this.#missing(name, 'base64 bytes');
  }

  optionalBytes(name: string): Uint8Array | undefined {
    const text = this.optionalString(name);
    return text === undefined ? undefined : parseBase64(text, `${this.path}.${name}`);
  }

  object(name: string): JsonFields {
    return this.optionalObject(name) ?? this.#missing(name, 'an object');
  }

  optionalObject(name: string): JsonFields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new JsonFields(value, `${this.path}.${name}`, this.code);
  }

  /** The elements of an array; an absent array is empty, as in proto3 JSON. */
  array(name: string, maxLength: number): readonly JsonValue[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.#wrong(name, value, 'an array');
    const elements = value as readonly JsonValue[];
    if (elements.length > maxLength) {
      throw new LimitError('LIMIT_COUNT', `${this.path}.${name} has too many elements`, {
        found: String(elements.length),
        expected: `at most ${maxLength}`,
      });
    }
    return elements;
  }

  /** The elements of an array of objects, each with its own path. */
  objects(name: string, maxLength: number): readonly JsonFields[] {
    return this.array(name, maxLength).map(
      (element, index) => new JsonFields(element, `${this.path}.${name}[${index}]`, this.code),
    );
  }

  strings(name: string, maxLength: number): readonly string[] {
    return this.array(name, maxLength).map((element, index) =>
      typeof element === 'string' ? element : this.#wrong(`${name}[${index}]`, element, 'a string'),
    );
  }

  /** Refuses members that the format does not define. */
  only(...allowed: readonly string[]): this {
    const stranger = Object.keys(this.#object).find((name) => !allowed.includes(name));
    if (stranger === undefined) return this;
    throw new FormatError(this.code, `${this.path} has an unknown member`, {
      found: JSON.stringify(stranger.slice(0, 64)),
      expected: `only ${allowed.join(', ')}`,
    });
  }

  #missing(name: string, expected: string): never {
    throw new FormatError(this.code, `${this.path}.${name} is missing`, { expected });
  }

  #wrong(name: string, value: JsonValue, expected: string): never {
    throw new FormatError(this.code, `${this.path}.${name} has the wrong type`, { found: kindOf(value), expected });
  }
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${String(value)}`;
}
