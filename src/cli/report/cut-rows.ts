import { coverageOf, CUTS, type AuditCuts, type Coverage, type StateCounts } from '../../core/audit/audit-figures.ts';
import { percent } from './percent-text.ts';

/** Coverage by container of one cluster, namespace, team or registry. */
export interface CutRow {
  /** Empty for what nothing gives a name. */
  readonly name: string;
  readonly containers: StateCounts;
  readonly coverage: Coverage;
}

export type ReportedCuts = Readonly<Record<(typeof CUTS)[number], readonly CutRow[]>>;

/** The same of two moments; undefined where there was, or is, nothing of it. */
export interface PairedCut {
  readonly by: (typeof CUTS)[number];
  readonly name: string;
  readonly before: CutRow | undefined;
  readonly after: CutRow | undefined;
}

/** Those first that have the most that is not verified: that is where the work is. */
export function cutRows(counts: ReadonlyMap<string, StateCounts>): readonly CutRow[] {
  return [...counts]
    .map(([name, containers]) => ({ name, containers, coverage: coverageOf(containers) }))
    .sort((a, b) => openOf(b) - openOf(a) || (a.name < b.name ? -1 : 1));
}

export function reportedCuts(cuts: AuditCuts): ReportedCuts {
  return {
    cluster: cutRows(cuts.cluster),
    namespace: cutRows(cuts.namespace),
    team: cutRows(cuts.team),
    registry: cutRows(cuts.registry),
  };
}

/** In the order of what is there now, and behind it what has gone. */
export function pairedCuts(before: ReportedCuts, after: ReportedCuts): readonly PairedCut[] {
  return CUTS.flatMap((by) => {
    const was = new Map(before[by].map((row) => [row.name, row]));
    const is = new Set(after[by].map(({ name }) => name));
    return [
      ...after[by].map((row) => ({ by, name: row.name, before: was.get(row.name), after: row })),
      ...before[by]
        .filter(({ name }) => !is.has(name))
        .map((row) => ({ by, name: row.name, before: row, after: undefined })),
    ];
  });
}

/** Nobody is guessed where nothing gives a name. */
export function cutName(name: string): string {
  return name === '' ? 'unknown' : name;
}

export function cutShare(row: CutRow | undefined): string {
  return row === undefined ? 'absent' : `${percent(row.coverage.share)} of ${row.coverage.of}`;
}

function openOf({ coverage: { of, verified } }: CutRow): number {
  return of - verified;
}
