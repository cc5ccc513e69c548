import { DIGEST_LENGTHS, type HashAlgorithm } from '../crypto/digest.ts';
import { parseBase64 } from '../encoding/base64.ts';
import { parseJson, type JsonValue } from '../encoding/json.ts';
import { DerElement } from '../encoding/der-reader.ts';
import { derInteger } from '../encoding/der-writer.ts';
import { parseTimestampRequest, type TimestampRequest } from '../pki/timestamp-request.ts';
import { FormatError, LimitError, SealwrightError } from '../../errors.ts';

/** Media types of RFC 3161 §3.4, and the one of timestamp-authority's JSON requests. */
export const TIMESTAMP_QUERY = 'application/timestamp-query';
export const TIMESTAMP_REPLY = 'application/timestamp-reply';
export const JSON_REQUEST = 'application/json';

/** What timestamp-authority calls the reasons for a refusal. Clients and operators search for these texts. */
export const TIMESTAMP_REFUSALS = {
  other: 'Error generating timestamp response',
  weakHash: 'Weak hash algorithm in timestamp request',
  digestLength: 'Message digest has incorrect length for specified algorithm',
  policy: 'unaccepted policy: requested TSA policy is not supported by the TSA',
  extension: 'unaccepted extension: requested extensions are not supported by the TSA',
  tooLarge: 'timestamp request is too large',
  policyLength: 'OID should be comprised of at most 128 components',
} as const;

export type TimestampRefusal = keyof typeof TIMESTAMP_REFUSALS;

/** The body that every refusal has: never a TimeStampResp, which timestamp-authority uses for granted ones alone. */
export function encodeTimestampError(status: number, message: string): string {
  return JSON.stringify({ code: status, message });
}

/** timestamp-authority's own bound: decimal nonces take quadratic time to read. */
const MAX_JSON_BYTES = 1024;
/** 128 dots, which is one arc more than the message says (GHSA-4qg8-fj49-pxjh). */
const MAX_POLICY_ARCS = 129;
const CODE = 'FORMAT_TIMESTAMP';
const HASH_NAMES: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512'];

/**
 * A request in either form. {@link refusalOf} says what to call a failure.
 *
 * @param body DER TimeStampReq, or the JSON object for which sigstore-js is known
 * @throws FormatError; LimitError LIMIT_SIZE
 */
export function parseTimestampBody(
  body: Uint8Array,
  mediaType: typeof TIMESTAMP_QUERY | typeof JSON_REQUEST,
): TimestampRequest {
  return mediaType === JSON_REQUEST ? parseJsonRequest(body) : parseTimestampRequest(body);
}

/** The reason that timestamp-authority gives for what {@link parseTimestampBody} threw. */
export function refusalOf(error: unknown): TimestampRefusal {
  if (!(error instanceof SealwrightError)) return 'other';
  const { details } = error.facts;
  if (details?.['weakHash'] === true) return 'weakHash';
  if (details?.['wrongLength'] === true) return 'digestLength';
  if (details?.['policyLength'] === true) return 'policyLength';
  return details?.['jsonSize'] === true ? 'tooLarge' : 'other';
}

/** As Go's encoding/json reads it: names in any case, unknown members ignored, null as absent. */
function parseJsonRequest(body: Uint8Array): TimestampRequest {
  if (body.length > MAX_JSON_BYTES) {
    throw new LimitError('LIMIT_SIZE', 'the timestamp request is too large', {
      found: `${body.length} bytes`,
      expected: `at most ${MAX_JSON_BYTES}`,
      details: { jsonSize: true },
    });
  }
  const members = caselessMembers(
    parseJson(body, 'the timestamp request', CODE, { maxBytes: MAX_JSON_BYTES, maxDepth: 8 }),
  );
  const hashAlgorithm = parseHashName(text(members, 'hashalgorithm'));
  const policy = parsePolicy(text(members, 'tsapolicyoid'));
  const hashedMessage = parseDigest(text(members, 'artifacthash'), hashAlgorithm);
  const certificates = members.get('certificates') ?? false;
  if (typeof certificates !== 'boolean') throw malformed('certificates', 'true or false');
  const nonce = parseNonce(Buffer.from(body).toString('utf8'), members.get('nonce') ?? null);
  return {
    messageImprint: { hashAlgorithm, hashedMessage },
    wantsCertificate: certificates,
    hasExtensions: false,
    ...(policy === undefined ? {} : { policy }),
    ...(nonce === undefined ? {} : { nonce }),
  };
}

function caselessMembers(document: JsonValue): ReadonlyMap<string, JsonValue> {
  if (document === null || typeof document !== 'object' || Array.isArray(document)) {
    throw new FormatError(CODE, 'the timestamp request is not an object', { expected: 'an object' });
  }
  const members = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(document)) {
    const key = name.toLowerCase();
    // Two spellings of one member would let two readers see two requests.
    if (members.has(key)) throw malformed(key, 'one spelling of each member');
    members.set(key, value);
  }
  return members;
}

function text(members: ReadonlyMap<string, JsonValue>, name: string): string {
  const value = members.get(name) ?? '';
  if (typeof value !== 'string') throw malformed(name, 'a string');
  return value;
}

function parseHashName(name: string): HashAlgorithm {
  const lower = name.toLowerCase();
  const known = HASH_NAMES.find((candidate) => candidate === lower);
  if (known !== undefined) return known;
  throw new FormatError(CODE, 'the timestamp request uses a digest that is not accepted', {
    found: JSON.stringify(name.slice(0, 32)),
    expected: HASH_NAMES.join(', '),
    details: { weakHash: lower === 'sha1' },
  });
}

function parseDigest(encoded: string, algorithm: HashAlgorithm): Uint8Array {
  const hashed = parseBase64(encoded, 'artifactHash');
  if (hashed.length === DIGEST_LENGTHS[algorithm]) return hashed;
  throw new FormatError(CODE, 'artifactHash has the wrong length', {
    found: `${hashed.length} bytes`,
    expected: `${DIGEST_LENGTHS[algorithm]} bytes for ${algorithm}`,
    details: { wrongLength: true },
  });
}

/** Arcs beyond a double are no policy of anybody's. */
function parsePolicy(dotted: string): string | undefined {
  if (dotted === '') return undefined;
  const arcs = dotted.split('.');
  if (arcs.length <= MAX_POLICY_ARCS && arcs.every((arc) => /^(0|[1-9][0-9]{0,14})$/.test(arc))) return dotted;
  throw new FormatError(CODE, 'tsaPolicyOID is not an object identifier', {
    expected: `at most ${MAX_POLICY_ARCS} numbers with dots between them`,
    details: { policyLength: true },
  });
}

/**
 * Content of the INTEGER that the nonce becomes. It is read as text: a double holds 53 bits, nonces have 64 and more.
 *
 * @param json has been parsed without an error, and its member `nonce` is `value`
 */
function parseNonce(json: string, value: JsonValue): Uint8Array | undefined {
  if (value === null) return undefined;
  const source = typeof value === 'number' ? topLevelNumbers(json).get('nonce') : undefined;
  if (source === undefined || !/^(0|-?[1-9][0-9]*)$/.test(source)) throw malformed('nonce', 'a whole number');
  return DerElement.parse(derInteger(BigInt(source))).integerBytes();
}

/** The numbers among the members of the outermost object, as they are written. */
function topLevelNumbers(json: string): ReadonlyMap<string, string> {
  const sources = new Map<unknown, Map<string, string>>();
  const reviver = function (this: unknown, name: string, value: unknown, context?: { source?: string }): unknown {
    if (typeof value === 'number' && context?.source !== undefined) {
      const known = sources.get(this) ?? new Map<string, string>();
      sources.set(this, known.set(name.toLowerCase(), context.source));
    }
    return value;
  };
  return sources.get(JSON.parse(json, reviver)) ?? new Map<string, string>();
}

function malformed(member: string, expected: string): FormatError {
  return new FormatError(CODE, `${member} in the timestamp request is malformed`, { expected });
}
