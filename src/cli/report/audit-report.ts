import { compareAudits, type AuditChange, type AuditComparison } from '../../core/audit/audit-comparison.ts';
import { AUDIT_STATES, workloadOf, type AuditEntry, type AuditState } from '../../core/audit/audit-entry.ts';
import { exposureRank, type Exposure } from '../../core/audit/exposure.ts';
import { auditFigures, type AuditFigures } from '../../core/audit/audit-figures.ts';
import type { TimeToRevoke } from '../../core/audit/time-to-revoke.ts';
import { trustRows } from './audit-trust-text.ts';
import { reportedSnapshot, type ReportedFile, type ReportedSnapshot } from './reported-snapshot.ts';
import { drillCommand } from './drill-command.ts';
import { contentDigest, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';

const SCHEMA = 'urn:sealwright:audit-report:v1';

export interface ReportedChange {
  readonly workload: string;
  readonly path: string;
  readonly image: string;
  /** `absent` where there was, or is, nothing. */
  readonly from: AuditState | 'absent';
  readonly to: AuditState | 'absent';
  readonly signers: readonly string[];
  readonly reason?: string;
}

export interface ReportedGap {
  readonly workload: string;
  readonly image: string;
  readonly state: AuditState;
  readonly pods: number;
  readonly exposure?: readonly Exposure[];
  readonly reachedBy?: readonly string[];
  readonly reason?: string;
}

/** One page on what changed, as data; every format is made from it. */
export interface AuditReport {
  readonly schema: typeof SCHEMA;
  readonly system: string;
  /** The one sentence that people remember. */
  readonly summary: string;
  readonly before: ReportedSnapshot;
  readonly after: ReportedSnapshot;
  readonly hasSamePolicies: boolean;
  /** Whether looking again gave the same; absent where nobody did. */
  readonly noise?: ReportedNoise;
  readonly regressions: readonly ReportedChange[];
  readonly improvements: readonly ReportedChange[];
  readonly others: readonly ReportedChange[];
  readonly unchanged: number;
  /** What enforcing today would refuse when it is made again. */
  readonly wouldBreak: readonly ReportedGap[];
  /** Everything that is not verified: the most exposed first, then what most pods run. */
  readonly gaps: readonly ReportedGap[];
  /** By the last drill, in a sentence. */
  readonly timeToRevoke: string;
  /** Whether another drill is due. */
  readonly isDrillDue: boolean;
  /** By which it is held, where it is. */
  readonly drillCommand?: string;
  readonly ticket?: string;
}

const MAX_REACHING = 2;
const REFUSED: readonly AuditState[] = ['signed-untrusted', 'unsigned', 'revoked'];

/** A snapshot minutes after the later one: what differs then is how good the figures are. */
export interface ReportedNoise {
  readonly takenAt: string;
  /** Every byte but the moment is the same. */
  readonly agrees: boolean;
  /** Places that are not as they were. */
  readonly differing: number;
}

/** What a report says beside the comparison. */
export interface ReportFacts {
  readonly drilled: TimeToRevoke;
  readonly before: ReportedFile;
  readonly after: ReportedFile;
  readonly ticket?: string | undefined;
  /** Another snapshot, taken after the later one. */
  readonly again?: AuditSnapshot | undefined;
}

export function auditReport(comparison: AuditComparison, facts: ReportFacts): AuditReport {
  const { drilled, ticket } = facts;
  const { before, after, regressions, improvements, others, unchanged, hasSamePolicies } = comparison;
  const gaps = after.entries
    .filter(({ state }) => state !== 'verified' && state !== 'exempt')
    .map(gapOf)
    .sort(
      (a, b) =>
        exposureRank(b.exposure) - exposureRank(a.exposure) ||
        b.pods - a.pods ||
        severity(b.state) - severity(a.state) ||
        (a.workload < b.workload ? -1 : 1),
    );
  return {
    schema: SCHEMA,
    system: after.system,
    summary: summaryOf(before, after),
    before: reportedSnapshot(before, facts.before),
    after: reportedSnapshot(after, facts.after),
    hasSamePolicies,
    ...(facts.again === undefined ? {} : { noise: noiseOf(after, facts.again) }),
    regressions: regressions.map(changeOf),
    improvements: improvements.map(changeOf),
    others: others.map(changeOf),
    unchanged,
    wouldBreak: gaps.filter(({ state }) => REFUSED.includes(state)),
    gaps,
    timeToRevoke: drilled.text,
    isDrillDue: drilled.isDue,
    ...(drilled.isDue ? { drillCommand: drillCommand(drilled.last) } : {}),
    ...(ticket === undefined ? {} : { ticket }),
  };
}

function noiseOf(after: AuditSnapshot, again: AuditSnapshot): ReportedNoise {
  const { regressions, improvements, others } = compareAudits(after, again);
  return {
    takenAt: again.takenAt.toISOString(),
    agrees: contentDigest(after) === contentDigest(again),
    differing: regressions.length + improvements.length + others.length,
  };
}

/** In a sentence. */
export function noiseText({ noise, after }: AuditReport): string {
  if (noise === undefined) return 'Whether looking again gives the same was not checked (--again)';
  const pair = `Snapshots of ${after.takenAt} and ${noise.takenAt}`;
  if (noise.agrees) return `${pair} agree in every byte but the moment`;
  return `${pair} differ in ${noise.differing} places: the figures are as good as that`;
}

/** What a gap is exposed by, with what leads to it. */
export function exposureTexts({
  exposure = [],
  reachedBy = [],
}: Pick<AuditEntry, 'exposure' | 'reachedBy'>): readonly string[] {
  const more = reachedBy.length > MAX_REACHING ? [`${reachedBy.length - MAX_REACHING} more`] : [];
  const by = [...reachedBy.slice(0, MAX_REACHING), ...more].join(', ');
  return exposure.map((one) => (one === 'from-outside' ? `${one} by ${by}` : one));
}

/** What trust rested on, and rests on. */
export function pairedRows({
  before,
  after,
}: AuditReport): readonly (readonly [name: string, was: string, is: string])[] {
  const was = new Map(trustRows(before.figures));
  return trustRows(after.figures).map(([name, is]) => [name, was.get(name) ?? '', is] as const);
}

/** With its sign, for tables of what changed. */
export function deltaText(before: number, after: number): string {
  return before === after ? '0' : after > before ? `+${after - before}` : `−${before - after}`;
}

function summaryOf(before: AuditSnapshot, after: AuditSnapshot): string {
  const [was, is] = [auditFigures(before).containers, auditFigures(after).containers];
  const total = (counts: AuditFigures['containers']): number =>
    AUDIT_STATES.reduce((sum, state) => sum + counts[state], 0);
  const rest = AUDIT_STATES.filter((state) => state !== 'verified' && is[state] > 0).map(
    (state) => `${is[state]} ${state}`,
  );
  return `On ${day(before.takenAt)} it could be said who built ${was.verified} of ${total(was)} running images; on ${day(after.takenAt)}, ${is.verified} of ${total(is)}${
    rest.length === 0 ? '' : `; ${rest.join(', ')}`
  }.`;
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function changeOf({ workload, path, before, after }: AuditChange): ReportedChange {
  const entry = after ?? before;
  return {
    workload,
    path,
    image: entry?.image ?? '',
    from: before?.state ?? 'absent',
    to: after?.state ?? 'absent',
    signers: (after?.signers ?? []).map(({ name }) => name),
    ...(after?.reason === undefined ? {} : { reason: after.reason }),
  };
}

function gapOf(entry: AuditEntry): ReportedGap {
  const { image, state, pods, exposure, reachedBy, reason } = entry;
  const rest = {
    ...(exposure === undefined ? {} : { exposure }),
    ...(reachedBy === undefined ? {} : { reachedBy }),
    ...(reason === undefined ? {} : { reason }),
  };
  return { workload: workloadOf(entry), image, state, pods, ...rest };
}

function severity(state: AuditState): number {
  return AUDIT_STATES.indexOf(state);
}
