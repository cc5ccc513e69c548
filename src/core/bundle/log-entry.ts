import { encodeBase64 } from '../encoding/base64.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';

/** An inclusion proof as it travels; `rootHash` and `treeSize` only repeat what the checkpoint says. */
export interface InclusionProof {
  /** Rekor v1: index in the shard. Rekor v2: the same as the entry's. */
  readonly logIndex: bigint;
  readonly rootHash: Uint8Array;
  readonly treeSize: bigint;
  readonly hashes: readonly Uint8Array[];
  /** Signed note. */
  readonly checkpoint: string;
}

/** dev.sigstore.rekor.v1.TransparencyLogEntry; unverified. */
export interface TransparencyLogEntry {
  /** Rekor v1: index over all shards. Rekor v2: index in the log. */
  readonly logIndex: bigint;
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  /** Seconds since the epoch; 0 when the log says nothing about the time. */
  readonly integratedTime: bigint;
  /** Rekor v1's signed entry timestamp. */
  readonly inclusionPromise?: Uint8Array;
  readonly inclusionProof?: InclusionProof;
  /** The leaf, byte for byte. */
  readonly body: Uint8Array;
}

const CODE = 'FORMAT_LOG_ENTRY';
/** A tree of 2^63 leaves has paths of 63 hashes. */
const MAX_HASHES = 63;
const MAX_BODY_BYTES = 8 << 20;
const LIMITS = { maxBytes: 16 << 20, maxDepth: 8 };
/** End of the year 9999, the last second that a Date can be written for in four digits. */
const MAX_TIME = 253402300799n;

/** One entry as a log's API returns it. */
export function parseLogEntry(input: Uint8Array | string): TransparencyLogEntry {
  return logEntryFrom(new JsonFields(parseJson(input, 'the log entry', CODE, LIMITS), 'logEntry', CODE));
}

/** @throws FormatError FORMAT_LOG_ENTRY, or with the code of `fields` for wrong types; FORMAT_BASE64; LimitError */
export function logEntryFrom(fields: JsonFields): TransparencyLogEntry {
  fields.only(
    'logIndex',
    'logId',
    'kindVersion',
    'integratedTime',
    'inclusionPromise',
    'inclusionProof',
    'canonicalizedBody',
  );
  const kindVersion = fields.object('kindVersion').only('kind', 'version');
  const integratedTime = natural(fields, 'integratedTime');
  if (integratedTime > MAX_TIME) throw impossible(fields, 'integratedTime', `${integratedTime}`, 'seconds since 1970');
  const inclusionPromise = fields
    .optionalObject('inclusionPromise')
    ?.only('signedEntryTimestamp')
    .bytes('signedEntryTimestamp');
  const proof = fields.optionalObject('inclusionProof');
  return {
    // proto3 JSON leaves out zeros, and 0 is an index.
    logIndex: natural(fields, 'logIndex'),
    logId: sized(fields.object('logId').only('keyId'), 'keyId', 1, 64),
    kind: kindVersion.string('kind'),
    version: kindVersion.string('version'),
    integratedTime,
    ...(inclusionPromise === undefined ? {} : { inclusionPromise }),
    ...(proof === undefined ? {} : { inclusionProof: parseProof(proof) }),
    body: sized(fields, 'canonicalizedBody', 1, MAX_BODY_BYTES),
  };
}

function parseProof(fields: JsonFields): InclusionProof {
  fields.only('logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint');
  const checkpoint = fields.optionalObject('checkpoint')?.only('envelope').optionalString('envelope') ?? '';
  if (checkpoint === '') {
    throw new FormatError(CODE, `${fields.path} has no checkpoint`, {
      expected: 'a checkpoint signed by the log: without one anybody can make up a tree',
    });
  }
  const hashes = fields.array('hashes', MAX_HASHES).map((_, index, all) => hashAt(fields, index, all));
  return {
    logIndex: natural(fields, 'logIndex'),
    rootHash: sized(fields, 'rootHash', 32, 32),
    treeSize: natural(fields, 'treeSize'),
    hashes,
    checkpoint,
  };
}

function hashAt(fields: JsonFields, index: number, all: ReturnType<JsonFields['array']>): Uint8Array {
  const element = new JsonFields({ hash: all[index] ?? null }, `${fields.path}.hashes[${index}]`, fields.code);
  return sized(element, 'hash', 32, 32);
}

/** The entry's JSON members: 64-bit integers as decimal strings. */
export function logEntryJson(entry: TransparencyLogEntry): object {
  const { inclusionProof: proof, inclusionPromise: promise } = entry;
  return {
    logIndex: entry.logIndex.toString(),
    logId: { keyId: encodeBase64(entry.logId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    ...(entry.integratedTime === 0n ? {} : { integratedTime: entry.integratedTime.toString() }),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: encodeBase64(promise) } }),
    ...(proof === undefined ? {} : { inclusionProof: proofJson(proof) }),
    canonicalizedBody: encodeBase64(entry.body),
  };
}

function proofJson(proof: InclusionProof): object {
  return {
    logIndex: proof.logIndex.toString(),
    rootHash: encodeBase64(proof.rootHash),
    treeSize: proof.treeSize.toString(),
    hashes: proof.hashes.map(encodeBase64),
    checkpoint: { envelope: proof.checkpoint },
  };
}

function natural(fields: JsonFields, name: string): bigint {
  const value = fields.optionalInt64(name) ?? 0n;
  if (value < 0n) throw impossible(fields, name, `${value}`, 'a number from 0 on');
  return value;
}

function sized(fields: JsonFields, name: string, min: number, max: number): Uint8Array {
  const bytes = fields.bytes(name);
  if (bytes.length < min || bytes.length > max) {
    throw impossible(fields, name, `${bytes.length} bytes`, min === max ? `${min} bytes` : `${min} to ${max} bytes`);
  }
  return bytes;
}

function impossible(fields: JsonFields, name: string, found: string, expected: string): FormatError {
  return new FormatError(CODE, `${fields.path}.${name} has an impossible value`, { found, expected });
}
