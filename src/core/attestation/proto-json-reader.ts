import { FormatError, type FormatCode } from '../../errors.ts';
import { parseProtoBase64, encodeBase64 } from '../encoding/base64.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';
import { jsonKind, objectMembers, wellFormedText } from './json-kind.ts';
import type { Member, MessageShape, Shape, Shaped } from './message-shape.ts';
import { WireTime } from './wire-time.ts';

/**
 * Reads an object as protobuf's JSON mapping reads a message (protobuf.dev/programming-guides/json) and writes it as the
 * mapping writes it: members by either name, `null` for nothing, defaults left out, unknown members dropped.
 *
 * @param path names the object in errors
 * @throws FormatError with `code`, or FORMAT_BASE64
 */
export function readProtoJson(value: JsonValue, shape: MessageShape, path: string, code: FormatCode): Shaped {
  const reader = new ProtoJsonReader(code);
  return { value: reader.message(value, shape, path), dropped: reader.dropped };
}

class ProtoJsonReader {
  readonly dropped: string[] = [];
  readonly #code: FormatCode;

  constructor(code: FormatCode) {
    this.#code = code;
  }

  message(value: JsonValue, { members }: MessageShape, path: string): JsonObject {
    const read = new Map<string, JsonValue>();
    for (const [name, content] of objectMembers(value, path, this.#code)) {
      const member = members.find((known) => known.name === name || protoName(known) === name);
      if (member === undefined) {
        this.dropped.push(`${path}.${name}`);
        continue;
      }
      if (read.has(member.name)) {
        throw new FormatError(this.#code, `${path} says ${member.name} twice`, {
          found: `${member.name} and ${protoName(member)}`,
          expected: 'one of the two spellings',
        });
      }
      if (content !== null) read.set(member.name, this.#value(content, member.shape, `${path}.${name}`));
    }
    return Object.fromEntries([...read].filter(([name, content]) => !isDefault(name, content, members)));
  }

  #value(value: JsonValue, shape: Shape, path: string): JsonValue {
    switch (shape.kind) {
      case 'text':
        return typeof value === 'string'
          ? wellFormedText(value, path, this.#code)
          : this.#wrong(value, path, 'a string');
      case 'boolean':
        return typeof value === 'boolean' ? value : this.#wrong(value, path, 'true or false');
      case 'time':
        return typeof value === 'string'
          ? WireTime.parse(value, path, this.#code, 9).toProto()
          : this.#wrong(value, path, 'a time');
      case 'bytes':
        return typeof value === 'string'
          ? encodeBase64(parseProtoBase64(value, path))
          : this.#wrong(value, path, 'base64');
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

/** The name in the `.proto` file, which the mapping accepts as well. */
function protoName({ name }: Member): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** proto3 has no presence for these kinds: what is empty was never said. A message that is empty was. */
function isDefault(name: string, value: JsonValue, members: readonly Member[]): boolean {
  switch (members.find((member) => member.name === name)?.shape.kind) {
    case 'text':
    case 'bytes':
      return value === '';
    case 'boolean':
      return value === false;
    case 'list':
      return (value as readonly JsonValue[]).length === 0;
    case 'map':
      return Object.keys(value as JsonObject).length === 0;
    default:
      return false;
  }
}
