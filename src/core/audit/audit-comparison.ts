import { UsageError } from '../../errors.ts';
import { AUDIT_STATES, workloadOf, type AuditEntry, type AuditState } from './audit-entry.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';

/** One place, before and after. */
export interface AuditChange {
  readonly workload: string;
  readonly path: string;
  readonly before?: AuditEntry;
  readonly after?: AuditEntry;
}

export interface AuditComparison {
  readonly before: AuditSnapshot;
  readonly after: AuditSnapshot;
  /** Worse than before, or new and bad; the worst first. */
  readonly regressions: readonly AuditChange[];
  readonly improvements: readonly AuditChange[];
  /** New, gone, or with another image in the same state. */
  readonly others: readonly AuditChange[];
  readonly unchanged: number;
  /** Whether they were held against the same policies: where not, a change of state may be the policies'. */
  readonly hasSamePolicies: boolean;
}

/**
 * What changed between two snapshots of one system, place by place.
 *
 * @throws UsageError USAGE_BAD_FLAG for two systems, or for the later one first
 */
export function compareAudits(before: AuditSnapshot, after: AuditSnapshot): AuditComparison {
  if (before.system !== after.system) {
    throw new UsageError('USAGE_BAD_FLAG', 'these are snapshots of two systems', {
      found: `${before.system} and ${after.system}`,
      expected: 'two snapshots of one system',
    });
  }
  if (before.takenAt > after.takenAt) {
    throw new UsageError('USAGE_BAD_FLAG', 'the first snapshot is the later one', {
      found: `${before.takenAt.toISOString()}, then ${after.takenAt.toISOString()}`,
      expected: 'the earlier one first',
    });
  }
  const changes = pairs(before.entries, after.entries);
  const regressions = changes.filter((change) => direction(change) < 0);
  const improvements = changes.filter((change) => direction(change) > 0);
  const others = changes.filter((change) => direction(change) === 0 && isChanged(change));
  return {
    before,
    after,
    regressions: [...regressions].sort((a, b) => rank(b.after) - rank(a.after)),
    improvements,
    others,
    unchanged: changes.length - regressions.length - improvements.length - others.length,
    hasSamePolicies: before.policies.digest === after.policies.digest,
  };
}

/** Places that have several images, as while something rolls out, are compared by image as well. */
function pairs(before: readonly AuditEntry[], after: readonly AuditEntry[]): readonly AuditChange[] {
  const places = new Map<string, { before: AuditEntry[]; after: AuditEntry[] }>();
  const add = (side: 'before' | 'after', entries: readonly AuditEntry[]): void => {
    for (const entry of entries) {
      const key = JSON.stringify([workloadOf(entry), entry.path]);
      const place = places.get(key) ?? { before: [], after: [] };
      places.set(key, place);
      place[side].push(entry);
    }
  };
  add('before', before);
  add('after', after);
  return [...places].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, place]) => pairPlace(place.before, place.after));
}

function pairPlace(before: readonly AuditEntry[], after: readonly AuditEntry[]): readonly AuditChange[] {
  const restBefore = [...before];
  const restAfter: AuditEntry[] = [];
  const found: AuditChange[] = [];
  for (const entry of after) {
    const index = restBefore.findIndex(({ image }) => image === entry.image);
    if (index < 0) restAfter.push(entry);
    else found.push(change(restBefore.splice(index, 1)[0], entry));
  }
  for (const entry of restAfter) found.push(change(restBefore.shift(), entry));
  return [...found, ...restBefore.map((entry) => ({ workload: workloadOf(entry), path: entry.path, before: entry }))];
}

function change(before: AuditEntry | undefined, after: AuditEntry): AuditChange {
  const place = { workload: workloadOf(after), path: after.path, after };
  return before === undefined ? place : { ...place, before };
}

/** Below 0 for worse. What is gone is neither; what is new counts as if it had been verified before. */
function direction({ before, after }: AuditChange): number {
  if (after === undefined) return 0;
  return rankOf(before?.state ?? 'verified') - rankOf(after.state);
}

function isChanged({ before, after }: AuditChange): boolean {
  return before?.image !== after?.image;
}

function rank(entry: AuditEntry | undefined): number {
  return entry === undefined ? 0 : rankOf(entry.state);
}

function rankOf(state: AuditState): number {
  return AUDIT_STATES.indexOf(state);
}
