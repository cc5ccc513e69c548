import type { StateCounts, AuditFigures } from '../../core/audit/audit-figures.ts';
import type { AuditTrend, TrendPoint } from '../../core/audit/audit-trend.ts';
import type { SnapshotSignature } from '../../core/audit/snapshot-statement.ts';

const SCHEMA = 'urn:sealwright:audit-trend:v1';

export interface TrendRow {
  readonly takenAt: string;
  readonly contentDigest: string;
  readonly signature: SnapshotSignature;
  readonly containers: StateCounts;
  readonly coverage: AuditFigures['coverage'];
  readonly rescheduleRisk: AuditFigures['rescheduleRisk'];
  readonly keyBasedShare: number;
  readonly exceptions: AuditFigures['exceptions'];
  /** Things that were not looked at. */
  readonly notLookedAt: number;
  readonly since?: NonNullable<TrendPoint['since']>;
}

/** A series as data; every format is made from it. */
export interface TrendDocument {
  readonly schema: typeof SCHEMA;
  readonly system: string;
  readonly snapshots: readonly TrendRow[];
  readonly gaps: readonly { readonly from: string; readonly to: string }[];
}

/** @param signatures of the snapshots, by their content and moment */
export function trendDocument(
  { system, points, gaps }: AuditTrend,
  signatureOf: (point: TrendPoint) => SnapshotSignature,
): TrendDocument {
  return {
    schema: SCHEMA,
    system,
    snapshots: points.map((point) => {
      const { coverage, containers, rescheduleRisk, keyBasedShare, exceptions } = point.figures;
      return {
        takenAt: point.snapshot.takenAt.toISOString(),
        contentDigest: point.contentDigest,
        signature: signatureOf(point),
        containers,
        coverage,
        rescheduleRisk,
        keyBasedShare,
        exceptions,
        notLookedAt: point.snapshot.notLookedAt.length,
        ...(point.since === undefined ? {} : { since: point.since }),
      };
    }),
    gaps: gaps.map(({ from, to }) => ({ from: from.toISOString(), to: to.toISOString() })),
  };
}

/** What happened between one snapshot and the one before it, in words. */
export function sinceText({ since }: TrendRow): string {
  if (since === undefined) return '';
  if (since.agrees) return 'agrees';
  const parts = [
    ...(since.regressions === 0 ? [] : [`${since.regressions} worse`]),
    ...(since.improvements === 0 ? [] : [`${since.improvements} better`]),
    ...(since.hasSamePolicies ? [] : ['other policies']),
  ];
  return parts.length === 0 ? 'other images' : parts.join(', ');
}
