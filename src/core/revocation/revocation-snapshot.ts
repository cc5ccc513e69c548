import { encodeEnvelope, envelopeFrom, preAuthEncoding } from '../attestation/dsse.ts';
import { sha256 } from '../crypto/digest.ts';
import { defaultScheme, verifySignature } from '../crypto/signature.ts';
import type { SigningKey } from '../crypto/signing-key.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../encoding/json.ts';
import { FormatError, VerificationError } from '../../errors.ts';
import { RevocationHistory } from './revocation-history.ts';
import type { RevocationStatement } from './revocation-statement.ts';
import { parseTime, timeText } from './revocation-time.ts';
import { MAX_SKEW_MS } from './snapshot-freshness.ts';
import { verifyStatement, type StatementTrust, type VerifiedStatement } from './verified-statement.ts';

export const SNAPSHOT_MEDIA_TYPE = 'application/vnd.sealwright.revocations.v1+json';

/** Everything that has been said so far, and until when it may be taken for everything. */
export interface SnapshotContent {
  /** Of all that share an authority, the higher one is the newer. */
  readonly version: number;
  readonly issuedAt: Date;
  readonly expires: Date;
  /** In the order in which they came; JSON of Sigstore bundles, of one statement each. */
  readonly statements: readonly (readonly JsonValue[])[];
}

/** A snapshot that the authority answers for, in every part. */
export interface VerifiedSnapshot extends SnapshotContent {
  readonly records: readonly SnapshotRecord[];
  readonly history: RevocationHistory;
  /** Lower-case hexadecimal SHA-256 of what was signed. */
  readonly digest: string;
}

export interface SnapshotRecord extends VerifiedStatement {
  /** Lower-case hexadecimal SHA-256 of its bundles: a record that is known need not be verified again. */
  readonly digest: string;
}

const CODE = 'FORMAT_REVOCATION';
const LIMITS = { maxBytes: 64 << 20, maxDepth: 24 };
const MAX_STATEMENTS = 20_000;
const MAX_BUNDLES = 50;

/**
 * @param known the newest that has been verified before: what is in it must be in this one, and is not verified again
 * @throws FormatError FORMAT_REVOCATION and what bundles throw; LimitError; VerificationError SIGNATURE_INVALID for a snapshot that
 *   none of the snapshot keys has signed, REVOCATIONS_OLDER, REVOCATIONS_CONFLICT for one that contradicts `known`,
 *   REVOCATION_QUORUM
 */
export function verifySnapshot(
  input: Uint8Array | string,
  trust: StatementTrust,
  known?: VerifiedSnapshot,
): VerifiedSnapshot {
  const payload = openEnvelope(input, trust);
  const content = parseContent(payload);
  const digest = encodeHex(sha256(payload));
  if (known !== undefined) checkSuccession(content, digest, known);
  if (known?.digest === digest) return known;
  const history = new RevocationHistory();
  const records = content.statements.map((bundles, index) => {
    const record = verifyRecord(bundles, trust, history, known?.records[index]);
    checkTime(record.statement, content.issuedAt);
    history.add(record.statement);
    return record;
  });
  return { ...content, records, history, digest };
}

/** @returns a DSSE envelope as JSON */
export async function signSnapshot(content: SnapshotContent, key: SigningKey): Promise<string> {
  const payload = utf8(
    JSON.stringify({
      version: content.version,
      issuedAt: timeText(content.issuedAt),
      expires: timeText(content.expires),
      statements: content.statements.map((bundles) => ({ bundles })),
    }),
  );
  const signature = await key.sign(preAuthEncoding(SNAPSHOT_MEDIA_TYPE, payload), defaultScheme(key.publicKey.kind));
  return encodeEnvelope({ payloadType: SNAPSHOT_MEDIA_TYPE, payload, signatures: [{ signature, keyId: '' }] });
}

function openEnvelope(input: Uint8Array | string, { authority }: StatementTrust): Uint8Array {
  const fields = new JsonFields(parseJson(input, 'the revocation snapshot', CODE, LIMITS), 'snapshot', CODE);
  const { payloadType, payload, signatures } = envelopeFrom(fields);
  if (payloadType !== SNAPSHOT_MEDIA_TYPE) throw wrong('snapshot.payloadType', SNAPSHOT_MEDIA_TYPE, payloadType);
  const signed = preAuthEncoding(payloadType, payload);
  const isSigned = authority.snapshotKeys.some((key) =>
    signatures.some(({ signature }) => verifySignature(key, defaultScheme(key.kind), signed, signature)),
  );
  if (isSigned) return payload;
  throw new VerificationError('SIGNATURE_INVALID', 'no key of the revocation authority has signed this snapshot', {
    expected: authority.snapshotKeys.map((key) => `a signature by ${encodeHex(key.id)}`).join(' or '),
  });
}

function parseContent(payload: Uint8Array): SnapshotContent {
  const fields = new JsonFields(parseJson(payload, 'the revocation snapshot', CODE, LIMITS), 'snapshot', CODE);
  fields.only('version', 'issuedAt', 'expires', 'statements');
  const version = fields.integer('version');
  if (version < 1) throw wrong('snapshot.version', 'a number from 1 on', String(version));
  const [issuedAt, expires] = [parseTime(fields, 'issuedAt'), parseTime(fields, 'expires')];
  if (expires <= issuedAt) throw wrong('snapshot.expires', 'a time after it was issued', timeText(expires));
  const statements = fields.objects('statements', MAX_STATEMENTS).map((record) => {
    const bundles = record.only('bundles').array('bundles', MAX_BUNDLES);
    if (bundles.length === 0) throw wrong(`${record.path}.bundles`, 'at least one bundle', 'none');
    return bundles;
  });
  return { version, issuedAt, expires, statements };
}

/** What has once been said is never unsaid: whoever could drop a statement could bring a stolen identity back. */
function checkSuccession({ version, statements }: SnapshotContent, digest: string, known: VerifiedSnapshot): void {
  if (version < known.version) {
    throw new VerificationError('REVOCATIONS_OLDER', 'the revocation snapshot is older than one seen before', {
      found: `version ${version}`,
      expected: `version ${known.version} or newer`,
    });
  }
  if (version === known.version && digest !== known.digest) {
    throw conflict(`two snapshots of version ${version}`, `the one with digest ${known.digest}`);
  }
  const lost = known.records.findIndex((record, index) => recordDigest(statements[index] ?? []) !== record.digest);
  if (lost < 0) return;
  throw conflict(
    `version ${version} without statement ${known.records[lost]?.statement.id ?? ''} in its place`,
    'every statement that was there before, in the same order',
  );
}

function verifyRecord(
  bundles: readonly JsonValue[],
  trust: StatementTrust,
  history: RevocationHistory,
  known: SnapshotRecord | undefined,
): SnapshotRecord {
  const digest = recordDigest(bundles);
  return known?.digest === digest ? known : { ...verifyStatement(bundles, trust, history), digest };
}

/** Of a statement from tomorrow nothing is new enough: evidence about its repository would be fetched again until then. */
function checkTime({ id, issuedAt }: RevocationStatement, snapshotAt: Date): void {
  if (issuedAt.getTime() - snapshotAt.getTime() <= MAX_SKEW_MS) return;
  throw wrong(
    `the time of statement ${id}`,
    `no later than the snapshot's, ${timeText(snapshotAt)}`,
    timeText(issuedAt),
  );
}

function recordDigest(bundles: readonly JsonValue[]): string {
  return encodeHex(sha256(utf8(JSON.stringify(bundles))));
}

function conflict(found: string, expected: string): VerificationError {
  return new VerificationError('REVOCATIONS_CONFLICT', 'revocation snapshots contradict each other', {
    found,
    expected,
  });
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError(CODE, `${path} is not valid`, { found: found.slice(0, 100), expected });
}
