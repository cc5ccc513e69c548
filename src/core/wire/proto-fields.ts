import { parseProtoBase64 } from '../encoding/base64.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import type { JsonValue } from '../encoding/json.ts';
import { FormatError, type FormatCode } from '../../errors.ts';

/**
 * A message as Go's protojson reads requests: lowerCamelCase or the snake_case of the proto file, `null` for unset, either
 * base64 alphabet. A member given under both names is refused, as there.
 */
export class ProtoFields {
  readonly fields: JsonFields;

  constructor(value: JsonValue | JsonFields, path = 'request', code: FormatCode = 'FORMAT_REQUEST') {
    this.fields = value instanceof JsonFields ? value : new JsonFields(value, path, code);
  }

  object(name: string): ProtoFields | undefined {
    const inner = this.fields.optionalObject(this.#spelling(name));
    return inner === undefined ? undefined : new ProtoFields(inner);
  }

  string(name: string): string | undefined {
    return this.fields.optionalString(this.#spelling(name));
  }

  value(name: string): JsonValue | undefined {
    return this.fields.value(this.#spelling(name));
  }

  /** proto3 does not tell an absent `bytes` member from an empty one. */
  bytes(name: string): Uint8Array {
    return parseProtoBase64(this.string(name) ?? '', `${this.fields.path}.${name}`);
  }

  /** Refuses members that the message does not define; services that ignore those do not call it. */
  only(...names: readonly string[]): this {
    this.fields.only(...names, ...names.map(snake));
    return this;
  }

  #spelling(name: string): string {
    const other = snake(name);
    if (other === name || !this.fields.has(other)) return name;
    if (!this.fields.has(name)) return other;
    throw new FormatError(this.fields.code, `${this.fields.path} has one member under two names`, {
      found: `${name} and ${other}`,
      expected: 'either',
    });
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
