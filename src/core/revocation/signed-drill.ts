import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { encodeDrillRecord, parseDrillRecord, type DrillRecord } from './drill-record.ts';
import type { RevocationHistory } from './revocation-history.ts';
import { believedMembers, verifyByMember, type StatementTrust } from './verified-statement.ts';

const SCHEMA = 'urn:sealwright:revocation-drill:v1';
const CODE = 'FORMAT_REVOCATION';
const LIMITS = { maxBytes: 256 << 10, maxDepth: 32 };

/** A record that a member of the authority has signed, and a log has taken. */
export interface VerifiedDrill {
  readonly record: DrillRecord;
  /** Who signed it. */
  readonly member: string;
}

/** The file of a drill: what it found, for people and programs, beside the proof of it. */
export function encodeSignedDrill(record: DrillRecord, bundle: JsonValue): string {
  return `${JSON.stringify({ schema: SCHEMA, record: encodeDrillRecord(record), bundle }, undefined, 2)}\n`;
}

/**
 * The file of a drill. Nothing in it is verified.
 *
 * @throws FormatError FORMAT_REVOCATION; LimitError
 */
export function parseSignedDrill(input: Uint8Array | string): {
  readonly record: JsonValue;
  readonly bundle: JsonValue;
} {
  const fields = new JsonFields(parseJson(input, 'the record of a drill', CODE, LIMITS), 'drill', CODE);
  fields.only('schema', 'record', 'bundle');
  if (fields.string('schema') !== SCHEMA) {
    throw new FormatError(CODE, 'this is no record of a drill', {
      found: fields.string('schema').slice(0, 100),
      expected: SCHEMA,
    });
  }
  return { record: fields.value('record') ?? null, bundle: fields.value('bundle') ?? null };
}

/**
 * @param history decides which members nobody believes any more
 * @throws FormatError FORMAT_REVOCATION for a file that shows something else than was signed; PolicyError REVOKED; VerificationError; LimitError
 */
export function verifySignedDrill(
  input: Uint8Array | string,
  { authority, trustedRoot }: StatementTrust,
  history: RevocationHistory,
): VerifiedDrill {
  const { record: shown, bundle } = parseSignedDrill(input);
  const { member, verified } = verifyByMember(
    JSON.stringify(bundle),
    believedMembers(authority, history),
    trustedRoot,
    history,
  );
  if (verified.statement === undefined) {
    throw new FormatError(CODE, 'what was signed is no statement', { expected: 'a signed in-toto statement' });
  }
  const record = parseDrillRecord(verified.statement);
  if (JSON.stringify(shown) !== JSON.stringify(encodeDrillRecord(record))) {
    throw new FormatError(CODE, 'the file shows another record than the one that was signed', {
      expected: 'the file as sealwright revoke drill has written it',
    });
  }
  return { record, member: member.name };
}
