import { FormatError, type FormatCode } from '../../errors.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';
import { jsonKind, objectMembers } from './json-kind.ts';
import type { Member, MessageShape, Shape, Shaped } from './message-shape.ts';
import { WireTime } from './wire-time.ts';

/** Go's zero time, as its encoding/json writes it. */
const ZERO_TIME = '0001-01-01T00:00:00Z';

/**
 * Reads an object as Go's encoding/json decodes it into a structure, and writes it as it is encoded again: members by name
 * without regard to case, `null` for nothing, and what is absent as the zero value of its type.
 *
 * @param path names the object in errors
 * @throws FormatError with `code`
 */
export function readGoJson(value: JsonValue, shape: MessageShape, path: string, code: FormatCode): Shaped {
  const reader = new GoJsonReader(code);
  return { value: reader.message(value, shape, path), dropped: reader.dropped };
}

class GoJsonReader {
  readonly dropped: string[] = [];
  readonly #code: FormatCode;

  constructor(code: FormatCode) {
    this.#code = code;
  }

  message(value: JsonValue, { members }: MessageShape, path: string): JsonObject {
    const read = new Map<Member, JsonValue>();
    for (const [name, content] of value === null ? [] : objectMembers(value, path, this.#code)) {
      const member =
        members.find((known) => known.name === name) ??
        members.find((known) => known.name.toLowerCase() === name.toLowerCase());
      if (member === undefined) this.dropped.push(`${path}.${name}`);
      else if (content !== null) read.set(member, this.#value(content, member.shape, `${path}.${name}`));
    }
    return Object.fromEntries(
      members
        .map((member) => [member, read.get(member) ?? zero(member)] as const)
        .filter(([member, content]) => member.omitEmpty !== true || !isEmpty(member, content))
        .map(([{ name }, content]) => [name, content]),
    );
  }

  #value(value: JsonValue, shape: Shape, path: string): JsonValue {
    if (value === null) return zeroOf(shape);
    switch (shape.kind) {
      case 'text':
      case 'bytes':
        return typeof value === 'string' ? value.toWellFormed() : this.#wrong(value, path, 'a string');
      case 'boolean':
        return typeof value === 'boolean' ? value : this.#wrong(value, path, 'true or false');
      case 'time':
        return typeof value === 'string'
          ? WireTime.parse(value, path, this.#code, Infinity).toGo()
          : this.#wrong(value, path, 'a time');
      case 'object':
        return Object.fromEntries(objectMembers(value, path, this.#code));
      case 'any':
        return value;
      case 'list':
        return Array.isArray(value)
          ? (value as readonly JsonValue[]).map((element, index) => this.#value(element, shape.of, `${path}[${index}]`))
          : this.#wrong(value, path, 'an array');
      case 'map':
        return Object.fromEntries(
          objectMembers(value, path, this.#code).map(([name, content]) => [
            name,
            this.#value(content, shape.of, `${path}.${name}`),
          ]),
        );
      case 'message':
        return this.message(value, shape, path);
    }
  }

  #wrong(value: JsonValue, path: string, expected: string): never {
    throw new FormatError(this.#code, `${path} has the wrong type`, { found: jsonKind(value), expected });
  }
}

/** A time or a structure that may be left out is a pointer in Go: nothing, when nothing was said. */
function zero({ shape, omitEmpty }: Member): JsonValue {
  return omitEmpty === true && (shape.kind === 'time' || shape.kind === 'message') ? null : zeroOf(shape);
}

function zeroOf(shape: Shape): JsonValue {
  switch (shape.kind) {
    case 'text':
    case 'bytes':
      return '';
    case 'boolean':
      return false;
    case 'time':
      return ZERO_TIME;
    case 'object':
    case 'any':
    case 'list':
    case 'map':
      return null;
    case 'message':
      return new GoJsonReader('FORMAT_JSON').message(null, shape, '');
  }
}

/** Go's rule for `omitempty`. What an interface holds counts as something, whatever it is. */
function isEmpty({ shape }: Member, value: JsonValue): boolean {
  if (value === null) return true;
  if (shape.kind === 'text' || shape.kind === 'bytes') return value === '';
  if (shape.kind === 'boolean') return value === false;
  if (shape.kind === 'list' || shape.kind === 'map' || shape.kind === 'object') return Object.keys(value).length === 0;
  return false;
}
