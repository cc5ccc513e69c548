import { DIGEST_LENGTHS, type HashAlgorithm } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson, type JsonObject, type JsonValue } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';

/** DSSE payload type of every in-toto statement. */
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

export const STATEMENT_V1 = 'https://in-toto.io/Statement/v1';
export const STATEMENT_V01 = 'https://in-toto.io/Statement/v0.1';

export interface StatementSubject {
  readonly name?: string;
  /** Algorithm name to digest; lower-case hexadecimal for the SHA-2 family, as written for all others. */
  readonly digests: ReadonlyMap<string, string>;
  readonly annotations?: JsonObject;
}

/** An in-toto statement: which artifacts, and what is said about them. */
export interface Statement {
  readonly type: typeof STATEMENT_V1 | typeof STATEMENT_V01;
  /** At least one. */
  readonly subjects: readonly StatementSubject[];
  readonly predicateType: string;
  /** An object, or undefined when the statement has none. */
  readonly predicate: JsonValue | undefined;
}

/** Sigstore's limits; a statement beyond them cannot be verified by any of its clients. */
const MAX_SUBJECTS = 1024;
/** What fits, in base64 and with everything that proves it, into a bundle of the size that is read. */
export const MAX_STATEMENT_BYTES = 11 << 20;
const MAX_DIGESTS = 32;

/** @throws FormatError FORMAT_STATEMENT; LimitError LIMIT_COUNT, LIMIT_SIZE or LIMIT_DEPTH */
export function parseStatement(bytes: Uint8Array): Statement {
  const fields = new JsonFields(
    parseJson(bytes, 'the in-toto statement', 'FORMAT_STATEMENT'),
    'statement',
    'FORMAT_STATEMENT',
  );
  const type = fields.string('_type');
  if (type !== STATEMENT_V1 && type !== STATEMENT_V01) {
    throw new FormatError('FORMAT_STATEMENT', 'the payload is not an in-toto statement that is known', {
      found: `_type ${JSON.stringify(type.slice(0, 128))}`,
      expected: `${STATEMENT_V1} or ${STATEMENT_V01}`,
    });
  }
  const subjects = fields.objects('subject', MAX_SUBJECTS).map(parseSubject);
  if (subjects.length === 0) {
    throw new FormatError('FORMAT_STATEMENT', 'the statement has no subject', { expected: 'at least one subject' });
  }
  const predicateType = fields.string('predicateType');
  if (predicateType === '') {
    throw new FormatError('FORMAT_STATEMENT', 'the statement has an empty predicate type', { expected: 'a URI' });
  }
  return { type, subjects, predicateType, predicate: fields.value('predicate') };
}

function parseSubject(fields: JsonFields): StatementSubject {
  const name = fields.optionalString('name');
  const digest = fields.object('digest');
  const algorithms = digest.names();
  if (algorithms.length === 0 || algorithms.length > MAX_DIGESTS) {
    throw new FormatError('FORMAT_STATEMENT', `${digest.path} has an unusable number of digests`, {
      found: String(algorithms.length),
      expected: `1 to ${MAX_DIGESTS}`,
    });
  }
  const digests = new Map(algorithms.map((name) => [name, digestText(digest, name)] as const));
  // Asked for as an object first, so that anything else is refused.
  const annotations = fields.optionalObject('annotations') === undefined ? undefined : fields.value('annotations');
  return {
    ...(name === undefined ? {} : { name }),
    digests,
    ...(annotations === undefined ? {} : { annotations: annotations as JsonObject }),
  };
}

/** in-toto digest sets also hold values that are no hexadecimal text (`dirHash`), which can match no artifact here. */
function digestText(fields: JsonFields, algorithm: string): string {
  const text = fields.string(algorithm);
  if (!isHashAlgorithm(algorithm)) return text;
  const hex = text.toLowerCase();
  if (/^[0-9a-f]*$/.test(hex) && hex.length === 2 * DIGEST_LENGTHS[algorithm]) return hex;
  throw new FormatError('FORMAT_STATEMENT', `${fields.path}.${algorithm} is not a digest`, {
    found: `${text.length} characters`,
    expected: `${2 * DIGEST_LENGTHS[algorithm]} hexadecimal digits`,
  });
}

export function isHashAlgorithm(name: string): name is HashAlgorithm {
  return Object.hasOwn(DIGEST_LENGTHS, name);
}

/** JSON of a statement, members in the order of the specification's examples. */
export function encodeStatement(statement: Statement): Uint8Array {
  return utf8(
    JSON.stringify({
      _type: statement.type,
      subject: statement.subjects.map(({ name, digests, annotations }) => ({
        ...(name === undefined ? {} : { name }),
        digest: Object.fromEntries(digests),
        ...(annotations === undefined ? {} : { annotations }),
      })),
      predicateType: statement.predicateType,
      ...(statement.predicate === undefined ? {} : { predicate: statement.predicate }),
    }),
  );
}
