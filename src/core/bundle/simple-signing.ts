import { utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson, type JsonObject, type JsonValue } from '../encoding/json.ts';
import { Digest } from '../image/digest.ts';
import { FormatError } from '../../errors.ts';

/** What cosign signed for an image before bundles (containers/image `signature` format, without its OpenPGP). */
export interface SimpleSigning {
  /** The image's name as the signer wrote it. Nobody compares it: images are copied between registries. */
  readonly dockerReference: string;
  /** The signed image. */
  readonly imageDigest: Digest;
  readonly type: string;
  /** `-a NAME=VALUE` of the signer; what is no string is left out, as no verifier can ask for it. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** What `critical.type` says in payloads that are signatures of images; the second is that of cosign before 1.0. */
export const SIMPLE_SIGNING_TYPES: readonly string[] = [
  'cosign container image signature',
  'cosign container signature',
];

/** Annotations of people's making; a payload has some hundred bytes. */
export const MAX_SIMPLE_SIGNING_BYTES = 1 << 20;
const CODE = 'FORMAT_SIMPLE_SIGNING';
const LIMITS = { maxBytes: MAX_SIMPLE_SIGNING_BYTES, maxDepth: 16 };

/**
 * Reads a payload. Members are found whatever their case, as cosign's own parser does: its first versions wrote `Critical`
 * and `Docker-manifest-digest`. Unknown members of `critical` are refused, which is what that name means.
 *
 * @throws FormatError FORMAT_SIMPLE_SIGNING, FORMAT_DIGEST; LimitError
 */
export function parseSimpleSigning(input: Uint8Array | string): SimpleSigning {
  const payload = folded(parseJson(input, 'the simple-signing payload', CODE, LIMITS), 'payload');
  payload.only('critical', 'optional');
  const critical = folded(payload.value('critical'), 'payload.critical').only('identity', 'image', 'type');
  const identity = folded(critical.value('identity'), 'payload.critical.identity').only('docker-reference');
  const image = folded(critical.value('image'), 'payload.critical.image').only('docker-manifest-digest');
  return {
    dockerReference: identity.optionalString('docker-reference') ?? '',
    imageDigest: Digest.parse(image.string('docker-manifest-digest'), `${image.path}.docker-manifest-digest`),
    type: critical.string('type'),
    annotations: stringsOf(payload.optionalObject('optional')),
  };
}

/**
 * The bytes that cosign signs: no spaces, members in this order, annotations sorted, Go's escapes (cosign.md §3.1).
 *
 * @param dockerReference repository without tag or digest
 */
export function encodeSimpleSigning(
  dockerReference: string,
  imageDigest: Digest,
  annotations: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1));
  const json = JSON.stringify({
    critical: {
      identity: { 'docker-reference': dockerReference },
      image: { 'docker-manifest-digest': imageDigest.toString() },
      type: SIMPLE_SIGNING_TYPES[0],
    },
    optional: entries.length === 0 ? null : Object.fromEntries(entries),
  });
  return utf8(json.replace(/[<>&\u2028\u2029]/g, goEscape));
}

/** What Go's `encoding/json` escapes and JavaScript does not: always inside of strings. */
function goEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The object with its names in lower case. Two names that differ by case alone would let two readers differ. */
function folded(value: JsonValue | undefined, path: string): JsonFields {
  const fields = new JsonFields(value, path, CODE);
  const object: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(value as JsonObject)) {
    const lower = name.toLowerCase();
    if (Object.hasOwn(object, lower)) {
      throw new FormatError(CODE, `${fields.path} has a duplicate member`, {
        found: `two spellings of ${JSON.stringify(lower.slice(0, 64))}`,
        expected: 'each name once',
      });
    }
    Object.defineProperty(object, lower, { value: member, enumerable: true });
  }
  return new JsonFields(object, path, CODE);
}

function stringsOf(fields: JsonFields | undefined): Readonly<Record<string, string>> {
  const entries = (fields?.names() ?? []).flatMap((name) => {
    const value = fields?.value(name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(entries);
}
