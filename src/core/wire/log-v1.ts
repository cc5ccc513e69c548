import { encodeEnvelope } from '../attestation/dsse.ts';
import type { BundleContent } from '../bundle/bundle.ts';
import type { LoggedVerifier } from '../bundle/entry-body.ts';
import type { NamedDigest } from '../bundle/hash-name.ts';
import type { TransparencyLogEntry } from '../bundle/log-entry.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex, parseHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { encodePem } from '../encoding/pem.ts';
import { FormatError, InvariantError } from '../../errors.ts';

/** What Rekor v1 is to log: a message signature as hashedrekord, an envelope as dsse. */
export interface ProposedEntry {
  readonly content: BundleContent;
  readonly verifier: LoggedVerifier;
  /** Of the signed bytes; only a message's is logged. Undefined for a scheme that signs none. */
  readonly digest: NamedDigest | undefined;
}

const CODE = 'FORMAT_LOG_ENTRY';
const LIMITS = { maxBytes: 16 << 20, maxDepth: 8 };
const MAX_HASHES = 63;

/** Body of Rekor v1's `POST /api/v1/log/entries`: kinds hashedrekord 0.0.1 and dsse 0.0.1. */
export function encodeProposedEntry(entry: ProposedEntry): string {
  return JSON.stringify(proposedEntryJson(entry));
}

/** Body of `POST /api/v1/log/entries/retrieve`: which entries there are that would be equal. */
export function encodeEntrySearch(entry: ProposedEntry): string {
  return JSON.stringify({ entries: [proposedEntryJson(entry)] });
}

function proposedEntryJson({ content, verifier, digest }: ProposedEntry): object {
  const pem = encodeBase64(
    utf8(encodePem(verifier.kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY', verifier.der)),
  );
  if (content.kind === 'dsse') {
    return {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: { proposedContent: { envelope: encodeEnvelope(content.envelope), verifiers: [pem] } },
    };
  }
  if (digest === undefined) throw new InvariantError('a message without a digest was to be logged');
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      signature: { content: encodeBase64(content.signature), publicKey: { content: pem } },
      data: { hash: { algorithm: digest.algorithm, value: encodeHex(digest.digest) } },
    },
  };
}

const MAX_FOUND = 100;

/**
 * Rekor v1's answer to a search: a list of maps, each of one entry under its id.
 *
 * @throws FormatError FORMAT_LOG_ENTRY, FORMAT_HEX or FORMAT_BASE64; LimitError
 */
export function parseFoundEntries(answer: Uint8Array): readonly TransparencyLogEntry[] {
  const json = parseJson(answer, "the log's answer", CODE, LIMITS);
  return new JsonFields({ found: json }, 'answer', CODE).objects('found', MAX_FOUND).map(entryFrom);
}

/**
 * Rekor v1's answer, a map of one entry under its id, as the entry that bundles carry.
 *
 * @throws FormatError FORMAT_LOG_ENTRY, FORMAT_HEX or FORMAT_BASE64; LimitError
 */
export function parseLogV1Entry(answer: Uint8Array): TransparencyLogEntry {
  return entryFrom(new JsonFields(parseJson(answer, "the log's answer", CODE, LIMITS), 'answer', CODE));
}

function entryFrom(map: JsonFields): TransparencyLogEntry {
  const [id, ...others] = map.names();
  if (id === undefined || others.length > 0) {
    throw new FormatError(CODE, "the log's answer is not one entry", {
      found: `${map.names().length} entries`,
      expected: 'one, under its id',
    });
  }
  const fields = map.object(id);
  const body = fields.bytes('body');
  const kindVersion = new JsonFields(parseJson(body, "the log entry's body", CODE, LIMITS), 'body', CODE);
  const verification = fields.object('verification');
  const proof = verification.object('inclusionProof');
  const hashes = proof.strings('hashes', MAX_HASHES);
  return {
    logIndex: natural(fields, 'logIndex'),
    logId: parseHex(fields.string('logID'), `${fields.path}.logID`),
    kind: kindVersion.string('kind'),
    version: kindVersion.string('apiVersion'),
    integratedTime: natural(fields, 'integratedTime'),
    inclusionPromise: verification.bytes('signedEntryTimestamp'),
    inclusionProof: {
      logIndex: natural(proof, 'logIndex'),
      rootHash: parseHash(proof.string('rootHash'), `${proof.path}.rootHash`),
      treeSize: natural(proof, 'treeSize'),
      hashes: hashes.map((hash, index) => parseHash(hash, `${proof.path}.hashes[${index}]`)),
      checkpoint: proof.string('checkpoint'),
    },
    body,
  };
}

function natural(fields: JsonFields, name: string): bigint {
  const value = fields.int64(name);
  if (value >= 0n) return value;
  throw new FormatError(CODE, `${fields.path}.${name} is negative`, { found: `${value}` });
}

function parseHash(hex: string, what: string): Uint8Array {
  const bytes = parseHex(hex, what);
  if (bytes.length === 32) return bytes;
  throw new FormatError(CODE, `${what} is not a hash`, { found: `${bytes.length} bytes`, expected: '32 bytes' });
}
