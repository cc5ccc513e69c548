import { auditFigures, type AuditFigures } from '../../core/audit/audit-figures.ts';
import { contentDigest, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import type { SnapshotSignature } from '../../core/audit/snapshot-statement.ts';
import { openNamespaces, type TrustFigures } from './audit-trust-text.ts';
import { reportedCuts, type ReportedCuts } from './cut-rows.ts';

/** Which file it was, and who stands for it. */
export interface ReportedFile {
  readonly digest: string;
  readonly signature: SnapshotSignature;
}

/** One snapshot in a report, with its figures. */
export interface ReportedSnapshot {
  readonly takenAt: string;
  readonly contentDigest: string;
  readonly containers: AuditFigures['containers'];
  readonly coverage: AuditFigures['coverage'];
  readonly cuts: ReportedCuts;
  readonly figures: TrustFigures & Pick<AuditFigures, 'fromOutside' | 'withoutRule'>;
  readonly notLookedAt: AuditSnapshot['notLookedAt'];
  /** What may enforce more, or less, and was not looked at; absent where nobody looked at all. */
  readonly enforcementNotLookedAt?: AuditSnapshot['notLookedAt'];
  readonly policies: AuditSnapshot['policies'];
  /** Absent where nothing says which it is. */
  readonly cluster?: AuditSnapshot['cluster'];
  /** By what it was found out whose what is; absent where the program that took it did not look. */
  readonly teams?: AuditSnapshot['teams'];
  /** Whether what leads here from outside was looked at; absent where the program that took it did not. */
  readonly reach?: AuditSnapshot['reach'];
  readonly scope: string;
  readonly trust: string;
  readonly version: string;
  readonly signature: SnapshotSignature;
  /** `sha256:…` of the file. */
  readonly fileDigest: string;
}

export function reportedSnapshot(snapshot: AuditSnapshot, { digest, signature }: ReportedFile): ReportedSnapshot {
  const { takenAt, notLookedAt, policies, reach, cluster, teams, scope, trust, version } = snapshot;
  const {
    containers,
    coverage,
    signers,
    keyBasedShare,
    keys,
    exceptions,
    fromOutside,
    withoutRule,
    cuts,
    enforcement,
    signingLag,
  } = auditFigures(snapshot);
  return {
    takenAt: takenAt.toISOString(),
    contentDigest: contentDigest(snapshot),
    containers,
    coverage,
    cuts: reportedCuts(cuts),
    figures: {
      ...{ signers, keyBasedShare, keys, exceptions, signingLag, fromOutside, withoutRule },
      ...(enforcement === undefined ? {} : { enforcement }),
    },
    notLookedAt,
    ...(snapshot.enforcement === undefined ? {} : { enforcementNotLookedAt: snapshot.enforcement.notLookedAt }),
    policies,
    ...(cluster === undefined ? {} : { cluster }),
    ...(teams === undefined ? {} : { teams }),
    ...(reach === undefined ? {} : { reach }),
    scope,
    trust,
    version,
    signature,
    fileDigest: digest,
  };
}

/** Why something that is not called exposed may be: one line each; none where all that leads here was looked at. */
export function unknownReach({ reach }: ReportedSnapshot): readonly string[] {
  if (reach === undefined) return ['nobody looked at what leads here from outside of the cluster'];
  return reach.notLookedAt.map(
    ({ what, reason }) => `not looked at, and may lead here from outside: ${what}: ${reason}`,
  );
}

/** Where enforcing does not reach, and what was not looked at for it; one line each. */
export function enforcementLines({ figures, enforcementNotLookedAt = [] }: ReportedSnapshot): readonly string[] {
  return [
    ...openNamespaces(figures).map((line) => `Namespace ${line}`),
    ...enforcementNotLookedAt.map(({ what, reason }) => `Not looked at, for what is enforced: ${what}: ${reason}`),
  ];
}

/** By what it is said whose what is, and what may say it of more; one line each. */
export function teamLines({ teams }: ReportedSnapshot): readonly string[] {
  if (teams === undefined) return ['Nobody looked at whose what is'];
  return [
    `Teams are what ${teams.labels.join(', ')} says, as a label or an annotation; unknown where it says nothing`,
    ...teams.notLookedAt.map(({ what, reason }) => `Not looked at, and may say whose something is: ${what}: ${reason}`),
  ];
}
