import {
  attestationStatement,
  checkPredicateType,
  checkStatementSubject,
  parseStatementText,
  type AttestedSubject,
  type StatementText,
} from '../../core/attestation/attestation-statement.ts';
import { parsePredicate } from '../../core/attestation/predicate.ts';
import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import type { Artifact } from '../../core/verify/artifact.ts';

/** What is attested: a predicate, of which a statement is made, or a statement that somebody else has made. */
export type AttestationContent =
  | {
      readonly kind: 'predicate';
      /** One of cosign's short names, or a URI. */
      readonly type: string;
      readonly content: Uint8Array;
      /** As cosign: what the predicate's specification requires may be missing. */
      readonly allowIncomplete?: boolean;
    }
  | {
      readonly kind: 'statement';
      /** Signed as it is. */
      readonly content: Uint8Array;
      /** What it has to be, by short name or URI; anything when absent. */
      readonly type?: string;
      /** As cosign: the statement may be about something else. Nothing then ties it to what it is attached to. */
      readonly allowOtherSubject?: boolean;
    };

export interface AttestedStatement extends StatementText {
  /** Members of the predicate that its type has no place for, by path: they are not in what is signed. */
  readonly dropped: readonly string[];
  /** What the finished bundle is verified against. */
  readonly artifact: Artifact;
}

/**
 * The statement that is going to be signed, before anybody is asked to log in.
 *
 * @throws UsageError USAGE_BAD_FLAG; FormatError FORMAT_PREDICATE, FORMAT_STATEMENT or FORMAT_BASE64; LimitError;
 *   VerificationError SUBJECT_MISMATCH or PREDICATE_TYPE_MISMATCH
 */
export function attestedStatement(content: AttestationContent, subject: AttestedSubject, now: Date): AttestedStatement {
  const digests = [...subject.digests].map(([algorithm, hex]) => [algorithm, Buffer.from(hex, 'hex')] as const);
  const artifact: Artifact = { kind: 'digests', digests: new Map(digests) };
  if (content.kind === 'predicate') {
    const predicate = parsePredicate({ ...content, timestamp: now });
    return { ...attestationStatement(subject, predicate), dropped: predicate.dropped, artifact };
  }
  const text = parseStatementText(content.content);
  if (content.type !== undefined) checkPredicateType(text.statement, predicateTypeOf(content.type));
  if (content.allowOtherSubject === true) return { ...text, dropped: [], artifact: { kind: 'unsafeSkipArtifact' } };
  checkStatementSubject(text.statement, subject);
  return { ...text, dropped: [], artifact };
}
