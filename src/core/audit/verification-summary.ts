import { STATEMENT_V1, type Statement } from '../attestation/statement.ts';
import { digestOf, worstState, type AuditEntry, type AuditState } from './audit-entry.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';

/** SLSA v1, verification summary attestation. */
export const VSA_PREDICATE = 'https://slsa.dev/verification_summary/v1';

/** Of SLSA's specification, whose fields these are. */
const SLSA_VERSION = '1.1';
const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** What one digest came to: a statement to hand on, or why there can be none. */
export type DigestSummary =
  | {
      readonly digest: string;
      readonly result: 'PASSED' | 'FAILED';
      readonly state: AuditState;
      readonly reason?: string;
      readonly statement: Statement;
    }
  | { readonly digest: string; readonly result: 'none'; readonly state: AuditState; readonly reason: string };

export interface Verifier {
  /** URI by which consumers know who verified. */
  readonly id: string;
}

/**
 * One summary for each digest of a snapshot, in order of digests. The worst that is known of a digest counts, wherever it runs. There is no
 * summary where nobody could tell, or where an exception and no signature let it in: either word would say what was not verified.
 *
 * The build level is `SLSA_BUILD_LEVEL_UNEVALUATED`: policies ask who has signed, and no more was verified.
 */
export function verificationSummaries(snapshot: AuditSnapshot, verifier: Verifier): readonly DigestSummary[] {
  const byDigest = new Map<string, AuditEntry[]>();
  for (const entry of snapshot.entries) {
    const digest = digestOf(entry) ?? entry.image;
    byDigest.set(digest, [...(byDigest.get(digest) ?? []), entry]);
  }
  return [...byDigest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([digest, entries]) => summaryOf(digest, entries, snapshot, verifier));
}

function summaryOf(
  digest: string,
  entries: readonly AuditEntry[],
  snapshot: AuditSnapshot,
  verifier: Verifier,
): DigestSummary {
  const state = worstState(entries.map((entry) => entry.state));
  const worst = entries.find((entry) => entry.state === state);
  const hex = DIGEST.exec(digest)?.[1];
  if (hex === undefined) return { digest, result: 'none', state, reason: 'no SHA-256 digest says which image it is' };
  if (state === 'undetermined') {
    return { digest, result: 'none', state, reason: worst?.reason ?? 'nobody could tell' };
  }
  if (state === 'exempt') {
    return { digest, result: 'none', state, reason: `let in by the exception ${worst?.exception?.name ?? ''}`.trim() };
  }
  const result = state === 'verified' ? 'PASSED' : 'FAILED';
  const names = [...new Set(entries.map(({ image }) => image))].sort();
  const { takenAt, version, policies } = snapshot;
  return {
    digest,
    result,
    state,
    ...(worst?.reason === undefined ? {} : { reason: worst.reason }),
    statement: {
      type: STATEMENT_V1,
      subjects: names.map((name) => ({ name, digests: new Map([['sha256', hex]]) })),
      predicateType: VSA_PREDICATE,
      predicate: {
        verifier: { id: verifier.id, version: { sealwright: version } },
        timeVerified: `${takenAt.toISOString().slice(0, 19)}Z`,
        resourceUri: packageUrl(names[0] ?? digest),
        policy: { name: policies.source, digest: { sha256: policies.digest.slice(policies.digest.indexOf(':') + 1) } },
        verificationResult: result,
        verifiedLevels: [result === 'PASSED' ? 'SLSA_BUILD_LEVEL_UNEVALUATED' : 'FAILED'],
        slsaVersion: SLSA_VERSION,
      },
    },
  };
}

/** `pkg:oci/web@sha256%3A…?repository_url=registry/shop/web`, purl's type for images. */
function packageUrl(image: string): string {
  const at = image.lastIndexOf('@');
  const repository = image.slice(0, at);
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  return `pkg:oci/${encodeURIComponent(name)}@${encodeURIComponent(image.slice(at + 1))}?repository_url=${repository
    .split('/')
    .map(encodeURIComponent)
    .join('/')}`;
}
