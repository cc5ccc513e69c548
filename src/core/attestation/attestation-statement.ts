import type { HashAlgorithm } from '../crypto/digest.ts';
import { LimitError, VerificationError } from '../../errors.ts';
import type { Predicate } from './predicate.ts';
import { encodeStatement, MAX_STATEMENT_BYTES, parseStatement, STATEMENT_V01, type Statement } from './statement.ts';

/** What an attestation is about. */
export interface AttestedSubject {
  /** An image's repository, or a file's name without its folder, as cosign writes it. */
  readonly name: string;
  /** Lower-case hexadecimal; the first is what a statement made here says, all of them are what one made elsewhere may say. */
  readonly digests: ReadonlyMap<HashAlgorithm, string>;
}

/** A statement, and the very bytes of it that are signed. */
export interface StatementText {
  readonly statement: Statement;
  readonly payload: Uint8Array;
}

/**
 * The statement that cosign's `attest` makes of a predicate: of version 0.1, about one subject (cosign.md §4.1).
 *
 * @throws LimitError when nobody could verify it: too large, or nested too deeply
 */
export function attestationStatement({ name, digests }: AttestedSubject, predicate: Predicate): StatementText {
  const payload = encodeStatement({
    type: STATEMENT_V01,
    subjects: [{ name, digests: new Map([...digests].slice(0, 1)) }],
    predicateType: predicate.type,
    predicate: predicate.value,
  });
  return parseStatementText(payload);
}

/**
 * A statement that somebody else has made: its bytes are signed as they are.
 *
 * @throws FormatError FORMAT_STATEMENT; LimitError
 */
export function parseStatementText(payload: Uint8Array): StatementText {
  if (payload.length > MAX_STATEMENT_BYTES) {
    throw new LimitError('LIMIT_SIZE', 'the statement is too large to be attested', {
      found: `${payload.length} bytes`,
      expected: `at most ${MAX_STATEMENT_BYTES}: its bundle could not be read`,
    });
  }
  return { statement: parseStatement(payload), payload };
}

/**
 * Whether a statement is about the artifact it is to be attached to: with another one's digest it would vouch for nothing
 * there, and nobody would find it where it belongs.
 *
 * @throws VerificationError SUBJECT_MISMATCH
 */
export function checkStatementSubject({ subjects }: Statement, { digests: known }: AttestedSubject): void {
  const isNamed = [...known].some(([algorithm, hex]) => subjects.some(({ digests }) => digests.get(algorithm) === hex));
  if (isNamed) return;
  const [[algorithm, hex] = ['', '']] = known;
  const named = subjects.slice(0, 3).map(({ digests }) => digests.get(algorithm) ?? `no ${algorithm} digest`);
  throw new VerificationError('SUBJECT_MISMATCH', 'the statement is about something else', {
    found: `${named.join(', ')}${subjects.length > 3 ? ` and ${subjects.length - 3} more` : ''}`,
    expected: `${algorithm}:${hex} among its subjects`,
  });
}

/**
 * Whether a statement says what it was announced to say.
 *
 * @param type a URI
 * @throws VerificationError PREDICATE_TYPE_MISMATCH
 */
export function checkPredicateType({ predicateType }: Statement, type: string): void {
  if (predicateType === type) return;
  throw new VerificationError('PREDICATE_TYPE_MISMATCH', 'the statement is of another predicate type', {
    found: predicateType.slice(0, 256),
    expected: type,
    fix: `add --type ${predicateType.slice(0, 256)}`,
  });
}
