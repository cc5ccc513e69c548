/**
 * The error taxonomy, read first.
 *
 * One base class, ten families sorted by who must act, and a stable code for each failure. What a user sees is the same
 * text everywhere (command line, webhook, Event): `CODE  one line` · `found:` · `expected:` · `closest:` · `fix:`.
 * Exit codes and HTTP statuses hang on the family, not on the code, so that a boundary maps them in one place.
 *
 * No error ever holds a token, a private key, a password or a signed URL.
 */

/** What may accompany an error. Every text is one line; `fix` is a command that works as pasted wherever one exists. */
export interface ErrorFacts {
  readonly found?: string;
  readonly expected?: string;
  readonly closest?: string;
  readonly fix?: string;
  /** Machine-readable facts for JSON output. Never secrets. `yaml` is lines to paste, which the text shows below the fix. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly cause?: unknown;
}

export type ErrorFamily =
  | 'usage'
  | 'format'
  | 'auth'
  | 'not-found'
  | 'verification'
  | 'policy'
  | 'remote'
  | 'limit'
  | 'integrity'
  | 'invariant';

/** Base of every error Sealwright throws on purpose. `message` says in one line what went wrong, without the code. */
export abstract class SealwrightError extends Error {
  abstract readonly family: ErrorFamily;
  /** Process exit code of the command line (design §4). */
  abstract readonly exitCode: number;
  /** HTTP status when a server answers with this error. */
  abstract readonly httpStatus: number;
  abstract readonly code: string;
  readonly facts: ErrorFacts;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.facts = facts;
  }
}

/** Narrows the code to a family's own, so that the compiler checks every throw and every switch. */
abstract class FamilyError<Code extends string> extends SealwrightError {
  override readonly code: Code;

  constructor(code: Code, message: string, facts?: ErrorFacts) {
    super(message, facts);
    this.code = code;
  }
}

export type UsageCode =
  | 'USAGE_BAD_FLAG' // a flag or argument is unknown, missing or has no such value
  | 'USAGE_BAD_REFERENCE' // an image reference does not parse
  | 'USAGE_NO_IDENTITY' // keyless verification without an identity and an issuer
  | 'USAGE_FILE' // a file named by the user cannot be read or written
  | 'USAGE_NO_TRUST' // no stack, trusted root or instance to trust
  | 'USAGE_NO_TOKEN' // no identity token could be found in this environment
  | 'USAGE_BAD_CONFIG' // a configuration or policy document is not acceptable
  | 'USAGE_STACK_RUNNING' // the folder is in use by another process
  | 'USAGE_STACK_NOT_RUNNING' // the folder has no running stack
  | 'USAGE_PORT_CONFLICT' // the port is taken, or another one was chosen for this folder before
  | 'USAGE_NOT_LOOPBACK' // a development-only service asked to listen on a public address
  | 'USAGE_NEEDS_ARTIFACT' // this signature cannot be verified from the digest given
  | 'USAGE_WOULD_OVERWRITE' // the destination holds something else, and nothing said to replace it
  | 'USAGE_NOT_CONFIRMED' // a question was answered with no, or not at all
  | 'USAGE_DISK_FULL' // no room for what was to be written
  | 'USAGE_INSTALLATION' // the webhooks of a cluster are not asked, or do not answer
  | 'USAGE_PASSWORD'; // a key's password is missing or wrong

export type FormatCode =
  | 'FORMAT_JSON'
  | 'FORMAT_BASE64'
  | 'FORMAT_HEX'
  | 'FORMAT_PEM'
  | 'FORMAT_DER'
  | 'FORMAT_CERTIFICATE'
  | 'FORMAT_CERTIFICATE_REQUEST'
  | 'FORMAT_PUBLIC_KEY'
  | 'FORMAT_PRIVATE_KEY'
  | 'FORMAT_SIGNATURE'
  | 'FORMAT_SCT'
  | 'FORMAT_TIMESTAMP'
  | 'FORMAT_BUNDLE'
  | 'FORMAT_BUNDLE_VERSION'
  | 'FORMAT_SIMPLE_SIGNING'
  | 'FORMAT_SIGNATURE_LAYER'
  | 'FORMAT_LOG_ENTRY'
  | 'FORMAT_CHECKPOINT'
  | 'FORMAT_PROOF'
  | 'FORMAT_TILE'
  | 'FORMAT_ENVELOPE'
  | 'FORMAT_STATEMENT'
  | 'FORMAT_REVOCATION'
  | 'FORMAT_AUDIT'
  | 'FORMAT_PLAN'
  | 'FORMAT_PREDICATE'
  | 'FORMAT_TRUSTED_ROOT'
  | 'FORMAT_SIGNING_CONFIG'
  | 'FORMAT_TUF'
  | 'FORMAT_TOKEN'
  | 'FORMAT_REFERENCE'
  | 'FORMAT_DIGEST'
  | 'FORMAT_MANIFEST'
  | 'FORMAT_DOCKERFILE'
  | 'FORMAT_POLICY'
  | 'FORMAT_INSTALLATION'
  | 'FORMAT_ADMISSION_REVIEW'
  | 'FORMAT_REQUEST';

export type AuthCode =
  | 'AUTH_TOKEN_INVALID' // signature, shape or type of the identity token
  | 'AUTH_TOKEN_EXPIRED'
  | 'AUTH_ISSUER_UNKNOWN'
  | 'AUTH_AUDIENCE'
  | 'AUTH_CLAIM' // a required claim is missing or unusable
  | 'AUTH_PROOF_OF_POSSESSION'
  | 'AUTH_KEY_REFUSED' // a well-formed key that this service does not accept
  | 'AUTH_REGISTRY' // the registry wants other credentials
  | 'AUTH_SUSPENDED' // an identity that this certificate authority refuses for now
  | 'AUTH_FORBIDDEN'; // a local secret or Host header is wrong

export type NotFoundCode =
  | 'NO_SIGNATURE' // exit 10
  | 'NO_ATTESTATION' // exit 10 as well: nothing of the predicate type refers to the image
  | 'TAG_NOT_FOUND' // exit 11
  | 'IMAGE_NOT_FOUND' // exit 11 as well: whether it is signed, nobody can tell
  | 'NO_CERTIFICATE' // exit 13
  | 'NOT_FOUND'; // anything else that is absent

export type VerificationCode =
  | 'SIGNATURE_INVALID'
  | 'ARTIFACT_MISMATCH' // the digest of the artifact is not the one that was signed
  | 'SUBJECT_MISMATCH' // a statement names other subjects
  | 'PAYLOAD_TYPE_MISMATCH'
  | 'PREDICATE_TYPE_MISMATCH' // a statement of another predicate type than the one asked for
  | 'CERTIFICATE_UNTRUSTED'
  | 'CERTIFICATE_TIME' // outside validity of a certificate or of its CA's window
  | 'CERTIFICATE_PROFILE' // EKU, basic constraints, critical extensions, path length
  | 'SCT_INVALID'
  | 'SCT_MISSING'
  | 'LOG_ENTRY_MISSING'
  | 'LOG_ENTRY_DUPLICATE'
  | 'LOG_ENTRY_MISMATCH' // the entry logs another signature, key or digest
  | 'LOG_UNTRUSTED'
  | 'LOG_TIME' // outside the window of the log's key
  | 'SET_INVALID'
  | 'INCLUSION_PROOF_INVALID'
  | 'INCLUSION_PROOF_MISSING'
  | 'CHECKPOINT_INVALID'
  | 'TIMESTAMP_INVALID'
  | 'TIMESTAMP_MISSING' // no trusted time at all
  | 'TIMESTAMP_UNTRUSTED'
  | 'KEY_MISMATCH' // key bundle with identities, certificate bundle with a key, or another key
  | 'KEY_TIME'
  | 'IDENTITY_MISMATCH'
  | 'SIGNERS_MISSING' // fewer of the demanded signers signed than are required
  | 'ANNOTATION_MISMATCH'
  | 'UNREAD_FORMAT' // there is a signature, in a format that is not read
  | 'TUF_SIGNATURE' // trust metadata without enough signatures of the keys that its role has
  | 'TUF_ROLLBACK' // trust metadata older than what has been seen before
  | 'TUF_MISMATCH' // trust metadata or a target that is not the one that other metadata names
  | 'REVOCATION_QUORUM' // too few members of the revocation authority, or about different statements
  | 'AUDIT_TIME' // a snapshot of an audit that was not signed when it says it was taken
  | 'REVOCATIONS_OLDER' // a snapshot of revocations older than one seen before
  | 'REVOCATIONS_CONFLICT' // snapshots of revocations that contradict each other
  | 'DIGEST_MISMATCH'; // content does not have the digest it was named by

export type PolicyCode =
  | 'POLICY_DENIED'
  | 'POLICY_NO_MATCH'
  | 'POLICY_EVALUATION' // a policy in Rego, CUE or CEL failed on this input
  | 'REVOKED'
  | 'PLAN_INCOMPLETE' // something is missing in the emergency plan, or no longer true
  | 'DRILL_FAILED' // a drill of revocation did not reach all that it should, or not in time
  | 'TRUST_STALE';

export type RemoteCode =
  | 'REMOTE_UNREACHABLE'
  | 'REMOTE_TIMEOUT'
  | 'REMOTE_STATUS'
  | 'REMOTE_THROTTLED'
  | 'REMOTE_BODY' // truncated, oversize or malformed answer
  | 'REMOTE_TLS'
  | 'REMOTE_OFFLINE' // network needed but forbidden
  | 'POLICY_ENGINE_MISSING' // a policy in Rego, CUE or CEL, and no engine to evaluate it
  | 'POLICY_ENGINE_TIMEOUT'
  | 'POLICY_ENGINE_FAILED' // crashed, out of memory, or an answer that makes no sense
  | 'COULD_NOT_CHECK';

export type LimitCode = 'LIMIT_SIZE' | 'LIMIT_DEPTH' | 'LIMIT_COUNT' | 'LIMIT_BUSY' | 'LIMIT_TIME';

export type IntegrityCode =
  | 'STATE_CORRUPT' // stored state contradicts itself
  | 'STATE_CONFLICT' // a compare-and-swap lost against another writer
  | 'STATE_UNAVAILABLE' // the disk refused to read or to write, and nothing that failed was acknowledged
  | 'STATE_VERSION'; // written by a version that this one does not know

/** Flags, reference or configuration: the caller must change what was asked. */
export class UsageError extends FamilyError<UsageCode> {
  override readonly family = 'usage';
  override readonly exitCode = 1;
  override readonly httpStatus = 400;
}

/** Untrusted bytes do not parse. Facts name the format, the offset or field path, and the section that forbids it. */
export class FormatError extends FamilyError<FormatCode> {
  override readonly family = 'format';
  override readonly exitCode = 1;
  override readonly httpStatus = 400;
}

/** A token or a proof of possession was refused. Names issuer and claim, never the token. */
export class AuthError extends FamilyError<AuthCode> {
  override readonly family = 'auth';
  override readonly exitCode = 1;
  override readonly httpStatus: number;
  constructor(code: AuthCode, message: string, facts?: ErrorFacts) {
    super(code, message, facts);
    this.httpStatus = code === 'AUTH_FORBIDDEN' ? 403 : 401;
  }
}

const NOT_FOUND_EXIT_CODES: Readonly<Record<NotFoundCode, number>> = {
  NO_SIGNATURE: 10,
  NO_ATTESTATION: 10,
  TAG_NOT_FOUND: 11,
  IMAGE_NOT_FOUND: 11,
  NO_CERTIFICATE: 13,
  NOT_FOUND: 1,
};

/** The thing asked for does not exist, and the peer said so: never used when it could not be asked. */
export class NotFoundError extends FamilyError<NotFoundCode> {
  override readonly family = 'not-found';
  override readonly exitCode: number;
  override readonly httpStatus = 404;
  constructor(code: NotFoundCode, message: string, facts?: ErrorFacts) {
    super(code, message, facts);
    this.exitCode = NOT_FOUND_EXIT_CODES[code];
  }
}

/** Well formed, not proven: names the failed check and both values. */
export class VerificationError extends FamilyError<VerificationCode> {
  override readonly family = 'verification';
  override readonly exitCode = 12;
  override readonly httpStatus = 422;
}

const POLICY_EXIT_CODES: Readonly<Record<PolicyCode, number>> = {
  POLICY_DENIED: 20,
  POLICY_NO_MATCH: 20,
  POLICY_EVALUATION: 20,
  REVOKED: 21,
  DRILL_FAILED: 20,
  PLAN_INCOMPLETE: 20,
  TRUST_STALE: 22,
};

/** Proven, not allowed. */
export class PolicyError extends FamilyError<PolicyCode> {
  override readonly family = 'policy';
  override readonly exitCode: number;
  override readonly httpStatus = 403;
  constructor(code: PolicyCode, message: string, facts?: ErrorFacts) {
    super(code, message, facts);
    this.exitCode = POLICY_EXIT_CODES[code];
  }
}

/** A peer failed or could not be reached: "could not check", which is neither "unsigned" nor "fine". */
export class RemoteError extends FamilyError<RemoteCode> {
  override readonly family = 'remote';
  override readonly exitCode = 23;
  override readonly httpStatus: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Status the peer answered with, when it answered. */
  readonly status: number | undefined;
  constructor(code: RemoteCode, message: string, facts?: ErrorFacts & { retryable?: boolean; status?: number }) {
    super(code, message, facts);
    this.retryable = facts?.retryable ?? false;
    this.status = facts?.status;
    this.httpStatus = this.retryable ? 503 : 502;
  }
}

/** Too large, too deep, too many or too busy. */
export class LimitError extends FamilyError<LimitCode> {
  override readonly family = 'limit';
  override readonly exitCode = 1;
  override readonly httpStatus: number;
  /** Seconds after which trying again makes sense; only for LIMIT_BUSY. */
  readonly retryAfterSeconds: number | undefined;
  constructor(code: LimitCode, message: string, facts?: ErrorFacts & { retryAfterSeconds?: number }) {
    super(code, message, facts);
    this.retryAfterSeconds = facts?.retryAfterSeconds;
    this.httpStatus = code === 'LIMIT_BUSY' ? 429 : 413;
  }
}

/** Our own stored state contradicts itself: writes stop until somebody has looked. */
export class IntegrityError extends FamilyError<IntegrityCode> {
  override readonly family = 'integrity';
  override readonly exitCode = 1;
  override readonly httpStatus = 500;
}

/** Our own bug. Reaching one is always a defect of Sealwright. */
export class InvariantError extends FamilyError<'INVARIANT'> {
  override readonly family = 'invariant';
  override readonly exitCode = 70;
  override readonly httpStatus = 500;
  constructor(message: string, facts?: ErrorFacts) {
    super('INVARIANT', message, facts);
  }
}

/**
 * The error contract's text: the code and one line, then the facts that are known, each on a line of its own.
 * Line feeds inside facts are folded so that untrusted bytes can never forge a line.
 */
export function renderError(error: SealwrightError): string {
  const lines = [`${error.code}  ${oneLine(error.message)}`];
  for (const name of ['found', 'expected', 'closest', 'fix'] as const) {
    const text = error.facts[name];
    if (text !== undefined) lines.push(`  ${`${name}:`.padEnd(9)} ${oneLine(text)}`);
  }
  const yaml = error.facts.details?.['yaml'];
  if (Array.isArray(yaml)) lines.push(...yaml.map((line) => `${' '.repeat(PASTED_INDENT)}${oneLine(String(line))}`));
  return lines.join('\n');
}

/** As far as the texts of the facts are indented. */
const PASTED_INDENT = 12;

/** Control characters, line separators and terminal escapes of untrusted text become visible escapes. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return `\\u{${point.toString(16)}}`;
  });
}
