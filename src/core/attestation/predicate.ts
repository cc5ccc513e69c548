import { FormatError, LimitError } from '../../errors.ts';
import { parseJson, type JsonObject, type JsonValue } from '../encoding/json.ts';
import { parseUtf8 } from '../encoding/utf8.ts';
import { readGoJson } from './go-json-reader.ts';
import { checkWritable, isObject, objectMembers } from './json-kind.ts';
import type { MessageShape, Shaped } from './message-shape.ts';
import { predicateTypeOf } from './predicate-type.ts';
import { LINK, PROVENANCE_V02, PROVENANCE_V1, VULNERABILITY_SCAN } from './predicate-shapes.ts';
import { readProtoJson } from './proto-json-reader.ts';
import { MAX_STATEMENT_BYTES } from './statement.ts';

export interface PredicateInput {
  /** One of cosign's short names, or a URI. */
  readonly type: string;
  /** The file, as it is. */
  readonly content: Uint8Array;
  /** For `custom` alone, which notes when the attestation was made. */
  readonly timestamp: Date;
  /**
   * Whether what a specification requires may be missing, as cosign has it: a whole statement given for a provenance then
   * becomes an empty provenance. Links are held to their members either way.
   */
  readonly allowIncomplete?: boolean;
}

export interface Predicate {
  /** A URI. */
  readonly type: string;
  readonly value: JsonValue;
  /** Members of the file that the type has no place for, by path: they are not in what is signed. */
  readonly dropped: readonly string[];
}

/** One level less than a statement may have, which holds the predicate. */
const LIMITS = { maxBytes: MAX_STATEMENT_BYTES, maxDepth: 63 };

/**
 * Makes a predicate of a file as cosign's `attest` does (cosign.md §4.1): some types are read by their structure, others are
 * any JSON object, `spdx` and `custom` any text.
 *
 * @throws UsageError USAGE_BAD_FLAG for a type that is none; FormatError FORMAT_PREDICATE or FORMAT_BASE64; LimitError
 */
export function parsePredicate({ type, content, timestamp, allowIncomplete = false }: PredicateInput): Predicate {
  const uri = predicateTypeOf(type);
  const shaped = (): Shaped => {
    switch (type) {
      case 'slsaprovenance':
      case 'slsaprovenance02':
        return typed(parseObject(content), PROVENANCE_V02, readProtoJson, !allowIncomplete);
      case 'slsaprovenance1':
        return typed(withInvocationId(parseObject(content)), PROVENANCE_V1, readProtoJson, !allowIncomplete);
      case 'link':
        return typed(parseObject(content), LINK, readGoJson, true);
      case 'vuln':
        return typed(parseObject(content), VULNERABILITY_SCAN, readGoJson, !allowIncomplete);
      case 'spdx':
        return { value: parseText(content), dropped: [] };
      case 'custom':
        return { value: { Data: parseText(content), Timestamp: wholeSeconds(timestamp) }, dropped: [] };
      default:
        // Named by its URI, cosign's own type is wrapped all the same.
        return uri === predicateTypeOf('custom')
          ? { value: { Data: parseText(content), Timestamp: wholeSeconds(timestamp) }, dropped: [] }
          : { value: parseObject(content), dropped: [] };
    }
  };
  return { type: uri, ...shaped() };
}

function typed(value: JsonValue, shape: MessageShape, read: typeof readProtoJson, isComplete: boolean): Shaped {
  if (isComplete) requireMembers(value, shape, 'predicate');
  return read(value, shape, 'predicate', 'FORMAT_PREDICATE');
}

/** Whether each required member is there, under its exact name, is asked of the file and not of what was read from it. */
function requireMembers(value: JsonValue, { members }: MessageShape, path: string): void {
  const present = new Map(objectMembers(value, path, 'FORMAT_PREDICATE'));
  for (const { name, shape, required } of members) {
    const content = present.get(name);
    if (content === undefined && required !== true) continue;
    if (content === undefined) {
      throw new FormatError('FORMAT_PREDICATE', `${path}.${name} is missing`, {
        found: [...present.keys()].includes('predicateType')
          ? 'a whole statement in place of its predicate'
          : 'nothing',
        expected: 'every member that the predicate type requires',
      });
    }
    if (shape.kind === 'message' && content !== null) requireMembers(content, shape, `${path}.${name}`);
  }
}

/** SLSA's older spelling; the protobuf message has the newer one. */
function withInvocationId(predicate: JsonValue): JsonValue {
  return replaceMember(predicate, 'runDetails', (details) =>
    replaceMember(details, 'metadata', (metadata) => {
      const members = new Map(Object.entries(metadata));
      const old = members.get('invocationID');
      if (old === undefined) return metadata;
      members.delete('invocationID');
      return Object.fromEntries(members.set('invocationId', old));
    }),
  );
}

function replaceMember(value: JsonValue, name: string, replace: (content: JsonObject) => JsonValue): JsonValue {
  if (!isObject(value)) return value;
  const members = new Map(Object.entries(value));
  const content = members.get(name);
  return isObject(content) ? Object.fromEntries(members.set(name, replace(content))) : value;
}

function parseObject(content: Uint8Array): JsonValue {
  const value = parseJson(content, 'the predicate', 'FORMAT_PREDICATE', LIMITS);
  objectMembers(value, 'predicate', 'FORMAT_PREDICATE');
  checkWritable(value, 'predicate', 'FORMAT_PREDICATE');
  return value;
}

function parseText(content: Uint8Array): string {
  if (content.length > MAX_STATEMENT_BYTES) {
    throw new LimitError('LIMIT_SIZE', 'the predicate is too large', {
      found: `${content.length} bytes`,
      expected: `at most ${MAX_STATEMENT_BYTES}`,
    });
  }
  return parseUtf8(content, 'FORMAT_PREDICATE', 'the predicate');
}

function wholeSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
