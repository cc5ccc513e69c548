import { missedStages, type DrillRecord, type DrillStageName } from '../revocation/drill-record.ts';
import type { VerifiedDrill } from '../revocation/signed-drill.ts';

/** How fast a revocation is felt, as far as anybody has tried. */
export interface TimeToRevoke {
  readonly state: 'never-drilled' | 'drilled' | 'failed' | 'stale';
  /** One sentence. */
  readonly text: string;
  /** Whether another drill is due. */
  readonly isDue: boolean;
  /** The last drill, by which the next can be held in the same way. */
  readonly last?: DrillRecord;
}

export const DRILL_MAX_AGE_MS = 90 * 86_400_000;

const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

/**
 * What the last drill says of now. One that failed, or that is too old to say anything about today's cluster, makes another due.
 *
 * @param at of the report
 */
export function timeToRevoke(drill: VerifiedDrill | undefined, at: Date, maxAgeMs = DRILL_MAX_AGE_MS): TimeToRevoke {
  if (drill === undefined) return { state: 'never-drilled', text: 'never drilled', isDue: true };
  const { record, member } = drill;
  const missed = missedStages(record);
  const ageMs = at.getTime() - record.startedAt.getTime();
  const where = record.namespace === undefined ? 'without a cluster' : `in ${record.namespace}`;
  const which = `the drill of ${record.startedAt.toISOString().slice(0, 10)} ${where}, signed by ${member}`;
  if (missed.length > 0 || record.restored.outcome === 'failed') {
    const what = [
      ...missed.map(({ stage, ms }) => (ms === undefined ? stage : `${stage} after ${seconds(ms)}`)),
      ...(record.restored.outcome === 'failed' ? ['not made good again'] : []),
    ];
    return { state: 'failed', text: `failed: ${what.join(', ')}; ${which}`, isDue: true, last: record };
  }
  const text = `${timesText(record)}; ${which}, told by ${record.news}`;
  if (ageMs <= maxAgeMs) return { state: 'drilled', text, isDue: false, last: record };
  const [age, allowed] = [ageMs, maxAgeMs].map((ms) => Math.floor(ms / DAY_MS));
  return {
    state: 'stale',
    text: `stale, ${age} days old where ${allowed} are allowed: ${text}`,
    isDue: true,
    last: record,
  };
}

const WORDS: readonly (readonly [DrillStageName, string])[] = [
  ['denied', 'the API server denied it'],
  ['found', 'the running copy was found'],
  ['refused', 'the command line refused it'],
];

/** The stages that somebody feels. */
function timesText({ stages }: DrillRecord): string {
  return WORDS.flatMap(([name, words]) => {
    const ms = stages.find(({ stage, outcome }) => stage === name && outcome === 'done')?.ms;
    return ms === undefined ? [] : [`${words} after ${seconds(ms)}`];
  }).join(', ');
}

function seconds(ms: number): string {
  return `${(ms / SECOND_MS).toFixed(1)} s`;
}
