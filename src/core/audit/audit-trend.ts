import { UsageError } from '../../errors.ts';
import { compareAudits } from './audit-comparison.ts';
import { auditFigures, type AuditFigures } from './audit-figures.ts';
import { contentDigest, type AuditSnapshot } from './audit-snapshot.ts';
import { checkOneSystem } from './one-system.ts';

/** One snapshot of a series, beside the one before it. */
export interface TrendPoint {
  readonly snapshot: AuditSnapshot;
  readonly contentDigest: string;
  readonly figures: AuditFigures;
  /** Since the one before; absent for the first. */
  readonly since?: {
    readonly regressions: number;
    readonly improvements: number;
    readonly hasSamePolicies: boolean;
    /** Every byte but the moment is the same. */
    readonly agrees: boolean;
  };
}

/** A time in which no snapshot was taken, though one was due. */
export interface TrendGap {
  readonly from: Date;
  readonly to: Date;
}

/** Snapshots of one system, by moment. */
export interface AuditTrend {
  readonly system: string;
  /** At least one. */
  readonly points: readonly TrendPoint[];
  /** Only where it is known how often one is due. */
  readonly gaps: readonly TrendGap[];
}

/** A schedule's jobs start late, and take their time. */
const TOLERANCE = 1.5;

/**
 * Puts snapshots in a row. The same one twice, as a copy of it in the folder, is there once.
 *
 * @param everyMs how often one is due
 * @throws UsageError USAGE_BAD_FLAG for none, for several systems, and for two that differ and are of one moment
 */
export function auditTrend(snapshots: readonly AuditSnapshot[], everyMs?: number): AuditTrend {
  const [first] = snapshots;
  if (first === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'there is no snapshot in this series', {
      expected: 'snapshots of one system, or a folder that has some',
      fix: 'sealwright audit snapshot --system NAME --sign --out series/',
    });
  }
  checkOneSystem(snapshots);
  const points = distinct(snapshots).map((snapshot, index, all) => point(snapshot, all[index - 1]));
  return { system: first.system, points, gaps: everyMs === undefined ? [] : gapsOf(points, everyMs) };
}

function distinct(snapshots: readonly AuditSnapshot[]): readonly AuditSnapshot[] {
  const byMoment = new Map<number, AuditSnapshot>();
  for (const snapshot of snapshots) {
    const moment = snapshot.takenAt.getTime();
    const same = byMoment.get(moment);
    if (same !== undefined && contentDigest(same) !== contentDigest(snapshot)) {
      throw new UsageError('USAGE_BAD_FLAG', 'two snapshots of one moment say different things', {
        found: `${contentDigest(same)} and ${contentDigest(snapshot)}, both of ${snapshot.takenAt.toISOString()}`,
        expected: 'one snapshot of each moment',
      });
    }
    byMoment.set(moment, snapshot);
  }
  return [...byMoment].sort(([a], [b]) => a - b).map(([, snapshot]) => snapshot);
}

function point(snapshot: AuditSnapshot, before: AuditSnapshot | undefined): TrendPoint {
  const digest = contentDigest(snapshot);
  const facts = { snapshot, contentDigest: digest, figures: auditFigures(snapshot) };
  if (before === undefined) return facts;
  const { regressions, improvements, hasSamePolicies } = compareAudits(before, snapshot);
  return {
    ...facts,
    since: {
      regressions: regressions.length,
      improvements: improvements.length,
      hasSamePolicies,
      agrees: digest === contentDigest(before),
    },
  };
}

function gapsOf(points: readonly TrendPoint[], everyMs: number): readonly TrendGap[] {
  return points.flatMap(({ snapshot: { takenAt: to } }, index) => {
    const from = points[index - 1]?.snapshot.takenAt;
    return from !== undefined && to.getTime() - from.getTime() > everyMs * TOLERANCE ? [{ from, to }] : [];
  });
}
