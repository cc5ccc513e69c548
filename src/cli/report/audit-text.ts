import { AUDIT_STATES, workloadOf } from '../../core/audit/audit-entry.ts';
import type { AuditFigures, Coverage, StateCounts } from '../../core/audit/audit-figures.ts';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import { trustRows } from './audit-trust-text.ts';
import { cutName, cutRows } from './cut-rows.ts';
import { columns } from './columns.ts';
import { percent } from './percent-text.ts';

const MAX_LISTED = 40;
const MAX_CUT = 5;
const NAME_WIDTH = 19;

/** A snapshot for somebody at a terminal: the figures first, then what is not as it should be. */
export function auditText(snapshot: AuditSnapshot, figures: AuditFigures): readonly string[] {
  const { system, scope, policies, entries } = snapshot;
  const { coverage, rescheduleRisk, withoutRule } = figures;
  const bad = entries.filter(({ state }) => state !== 'verified');
  const rows = bad
    .slice(0, MAX_LISTED)
    .map((entry) => [entry.state, workloadOf(entry), entry.image, entry.reason ?? entry.cause ?? '']);
  return [
    `${system}: ${entries.length} containers  ${countsText(figures.containers)}`,
    `  scope              ${scope}`,
    `  policies           ${policies.count} from ${policies.source}`,
    `  coverage           containers ${percentOf(coverage.containers)}, digests ${percentOf(coverage.digests)}, workloads ${percentOf(coverage.workloads)}`,
    `  enforcing now      would refuse ${rescheduleRisk.refused} when they are made again (+${rescheduleRisk.unknown} unknown)`,
    `  from outside       ${fromOutsideText(snapshot, figures)}`,
    `  no rule            ${withoutRule} containers that no policy is about`,
    ...cutLines(figures),
    ...trustRows(figures).map(([name, value]) => `  ${name.padEnd(NAME_WIDTH)}${value}`),
    ...(rows.length === 0 ? [] : ['', columns([['STATE', 'WORKLOAD', 'IMAGE', 'WHY'], ...rows])]),
    ...(bad.length > MAX_LISTED ? [`and ${bad.length - MAX_LISTED} more: -o json has them all`] : []),
  ];
}

/** The first of each, those first of which the least is verified; with one of a kind there is nothing to compare. */
function cutLines({ cuts }: AuditFigures): readonly string[] {
  return (['namespace', 'team'] as const).flatMap((by) => {
    const rows = cutRows(cuts[by]);
    if (rows.length < 2) return [];
    const shown = rows.slice(0, MAX_CUT).map(({ name, coverage }) => `${cutName(name)} ${percentOf(coverage)}`);
    const more = rows.length > MAX_CUT ? [`${rows.length - MAX_CUT} more`] : [];
    return [`  ${`by ${by}`.padEnd(NAME_WIDTH)}${[...shown, ...more].join(', ')}`];
  });
}

function fromOutsideText({ reach }: AuditSnapshot, { fromOutside }: AuditFigures): string {
  if (reach === undefined) return 'not looked at';
  const { notLookedAt } = reach;
  const unknown = notLookedAt.length === 0 ? '' : `; not looked at: ${notLookedAt.map(({ what }) => what).join(', ')}`;
  return `${fromOutside} that are not proven are reached from outside of the cluster${unknown}`;
}

export function countsText(counts: StateCounts): string {
  return AUDIT_STATES.filter((state) => counts[state] > 0)
    .map((state) => `${state} ${counts[state]}`)
    .join('  ');
}

function percentOf({ verified, of, share }: Coverage): string {
  return of === 0 ? 'of nothing' : `${percent(share)} (${verified} of ${of})`;
}
