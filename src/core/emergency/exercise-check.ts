import type { EmergencyFacts } from './emergency-facts.ts';
import { finding, type PlanFinding } from './plan-finding.ts';

/** What was held, newest last or not. */
export interface HeldDrill {
  readonly endedAt: Date;
  readonly passed: boolean;
  /** Whether it asked a cluster. */
  readonly isInCluster: boolean;
  readonly detail: string;
  /** The command that holds another in the same way. */
  readonly again: string;
}

export interface HeldTabletop {
  readonly heldAt: Date;
  /** Questions that nobody could answer. */
  readonly open: readonly string[];
}

/** What was held, and how long it counts. */
export interface HeldExercises {
  /** As the installation is found now. */
  readonly facts: Pick<EmergencyFacts, 'cluster'>;
  readonly drills: readonly HeldDrill[];
  readonly tabletops: readonly HeldTabletop[];
  /** Records that nobody can believe, each with why. */
  readonly unreadable: readonly string[];
  /** What helps where no drill was ever held. */
  readonly firstDrill: string;
  readonly drillDays: number;
  readonly tabletopDays: number;
  readonly now: Date;
}

const DAY_MS = 86_400_000;

/** Whether drills and tabletops were held, not too long ago, and well. */
export function checkExercises(input: HeldExercises): readonly PlanFinding[] {
  const { facts, unreadable, drillDays, tabletopDays, now } = input;
  // A clock that was ahead must not keep an exercise fresh until it is right.
  const hasCome = (time: Date): boolean => time.getTime() - now.getTime() <= DAY_MS;
  const drills = input.drills.filter(({ endedAt }) => hasCome(endedAt));
  const tabletops = input.tabletops.filter(({ heldAt }) => hasCome(heldAt));
  const early = input.drills.length + input.tabletops.length - drills.length - tabletops.length;
  const findings = [...unreadable, ...(early === 0 ? [] : [`${early} of a time that has not come yet`])].map((what) =>
    finding('unknown', 'record-unreadable', what, 'hold it again, or take the file away'),
  );
  const drill = newest(drills, ({ endedAt }) => endedAt);
  if (drill === undefined) {
    findings.push(finding('missing', 'drill-missing', 'no drill was ever held', input.firstDrill));
  } else {
    const drillFix = drill.again;
    const days = daysSince(drill.endedAt, now);
    if (days > drillDays)
      findings.push(finding('outdated', 'drill-old', `the last drill is ${days} days old`, drillFix));
    if (!drill.passed) {
      findings.push(finding('outdated', 'drill-failed', `the last drill failed: ${drill.detail}`, drillFix));
    }
    if (facts.cluster !== undefined && !drill.isInCluster) {
      findings.push(
        finding('missing', 'drill-partial', 'the last drill did not ask the cluster', `${drillFix} -n NAMESPACE`),
      );
    }
  }
  const tabletop = newest(tabletops, ({ heldAt }) => heldAt);
  const tableFix = 'sealwright tabletop stolen-identity --participant NAME --record';
  if (tabletop === undefined) {
    findings.push(finding('missing', 'tabletop-missing', 'no tabletop was ever held', tableFix));
    return findings;
  }
  const days = daysSince(tabletop.heldAt, now);
  if (days > tabletopDays) {
    findings.push(finding('outdated', 'tabletop-old', `the last tabletop is ${days} days old`, tableFix));
  }
  return [
    ...findings,
    ...tabletop.open.map((question) =>
      finding('missing', 'tabletop-open', `nobody could answer: ${question}`, 'find out, and hold it again'),
    ),
  ];
}

function newest<Value>(list: readonly Value[], time: (value: Value) => Date): Value | undefined {
  return [...list].sort((left, right) => time(right).getTime() - time(left).getTime())[0];
}

function daysSince(time: Date, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - time.getTime()) / DAY_MS));
}
