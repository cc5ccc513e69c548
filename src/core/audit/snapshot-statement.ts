import { STATEMENT_V1, type Statement } from '../attestation/statement.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { FormatError, VerificationError } from '../../errors.ts';
import { auditFigures } from './audit-figures.ts';
import { contentDigest, type AuditSnapshot } from './audit-snapshot.ts';

export const AUDIT_PREDICATE = 'https://sealwright.dev/audit-snapshot/v1';

const CODE = 'FORMAT_AUDIT';
/** A snapshot is signed when it is taken: what is signed later may have been made later, with the date that suits. */
const MAX_DELAY_MS = 3_600_000;
const CLOCK_SKEW_MS = 300_000;

/**
 * The statement by which somebody stands for a snapshot: its file by digest, and what matters of it in words, for whoever finds the
 * statement in a log without the file.
 *
 * @param hex SHA-256 of the file
 */
export function snapshotStatement(name: string, hex: string, snapshot: AuditSnapshot): Statement {
  const { system, takenAt, version, scope, policies, notLookedAt } = snapshot;
  return {
    type: STATEMENT_V1,
    subjects: [{ name, digests: new Map([['sha256', hex]]) }],
    predicateType: AUDIT_PREDICATE,
    predicate: {
      system,
      takenAt: takenAt.toISOString(),
      contentDigest: contentDigest(snapshot),
      scope,
      policies: { source: policies.source, digest: policies.digest, count: policies.count },
      program: { name: 'sealwright', version },
      containers: { ...auditFigures(snapshot).containers },
      notLookedAt: notLookedAt.length,
    },
  };
}

/**
 * Holds what was signed against the file that it is about, once the signature and the file's digest are verified.
 *
 * @param times trusted ones of the signature; none where a key stands by itself, and nobody can say when
 * @throws VerificationError AUDIT_TIME for one that was signed at another time than it says it was taken; FormatError FORMAT_AUDIT
 */
export function checkSnapshotStatement(
  { predicate }: Statement,
  snapshot: AuditSnapshot,
  times: readonly { readonly time: Date }[],
): void {
  const fields = new JsonFields(predicate ?? {}, 'predicate', CODE);
  const expected = {
    system: snapshot.system,
    takenAt: snapshot.takenAt.toISOString(),
    contentDigest: contentDigest(snapshot),
  };
  for (const [name, value] of Object.entries(expected)) {
    if (fields.string(name) === value) continue;
    throw new FormatError(CODE, `what was signed says another ${name} than the snapshot`, {
      found: fields.string(name).slice(0, 100),
      expected: value,
    });
  }
  const late = times.find(({ time }) => {
    const delay = time.getTime() - snapshot.takenAt.getTime();
    return delay > MAX_DELAY_MS || delay < -CLOCK_SKEW_MS;
  });
  if (late === undefined) return;
  throw new VerificationError('AUDIT_TIME', 'the snapshot was not signed when it says it was taken', {
    found: `taken ${expected.takenAt}, signed ${late.time.toISOString()}`,
    expected: 'a signature within the hour',
    fix: `sealwright audit snapshot --system ${snapshot.system} --sign --out now.json`,
  });
}

/** What is known of who stands for a snapshot. */
export type SnapshotSignature =
  | { readonly state: 'unsigned' }
  /** There is one, and nobody said whose it has to be. */
  | { readonly state: 'not-verified' }
  | {
      readonly state: 'verified';
      readonly by: string;
      /** RFC 3339, by a witness; none where a key stands by itself. */
      readonly at?: string;
      /** In its log. */
      readonly logIndex?: string;
    };
