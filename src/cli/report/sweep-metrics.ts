import type { RungOutcome } from '../../core/audit/running-copy.ts';
import { DRILL_STATES, type DrillStanding } from '../../core/audit/drill-standing.ts';
import type { Sweep } from '../../workflows/revocation/sweep-running-copies.ts';

const PREFIX = 'sealwright_watch_';
const SECOND_MS = 1000;

/** What came of the looks of one watch, in Prometheus' text format. */
export class SweepMetrics {
  readonly #looks = { complete: 0, partial: 0, failed: 0 };
  readonly #rungs = new Map<string, number>();
  #last: { readonly at: Date; readonly sweep: Sweep; readonly version: number | undefined } | undefined;

  #drill: DrillStanding | undefined;

  looked(sweep: Sweep, version: number | undefined, at: Date): void {
    this.#looks[sweep.notLookedAt.length === 0 ? 'complete' : 'partial']++;
    this.#last = { at, sweep, version };
    for (const { rung, result } of sweep.copies.flatMap(({ rungs }) => rungs)) this.#count(rung, result);
  }

  drilled(standing: DrillStanding): void {
    this.#drill = standing;
  }

  failed(): void {
    this.#looks.failed++;
  }

  text(): string {
    const { at, sweep, version } = this.#last ?? {};
    return [
      ...family('looks_total', 'counter', 'Looks, by whether everything could be looked at.', [
        ...Object.entries(this.#looks).map(([result, count]) => [`{result="${result}"}`, count] as const),
      ]),
      ...family('rungs_total', 'counter', 'What was done about copies, and what came of it.', [...this.#rungs]),
      ...family('last_look_timestamp_seconds', 'gauge', 'When a look last came to its end.', [
        ['', (at?.getTime() ?? 0) / SECOND_MS],
      ]),
      ...family('pods', 'gauge', 'Pods that it looked at.', [['', sweep?.pods ?? 0]]),
      ...family('copies', 'gauge', 'Pods of them that run what is revoked.', [['', sweep?.copies.length ?? 0]]),
      ...family('not_looked_at', 'gauge', 'Things of which it could not tell.', [['', sweep?.notLookedAt.length ?? 0]]),
      ...family('revocations_version', 'gauge', 'Version of the revocations that it knew of.', [['', version ?? 0]]),
      ...(this.#drill === undefined ? [] : drillFamilies(this.#drill)),
      '',
    ].join('\n');
  }

  #count(rung: RungOutcome['rung'], result: RungOutcome['result']): void {
    const labels = `{rung="${rung}",result="${result}"}`;
    this.#rungs.set(labels, (this.#rungs.get(labels) ?? 0) + 1);
  }
}

/** The time is 0 unless a record is believed: what nobody can tell counts as never. */
function drillFamilies({ state, isDue, last }: DrillStanding): readonly string[] {
  return [
    ...family(
      'last_drill_timestamp_seconds',
      'gauge',
      'When the last drill of revocation ended; 0 for none believed.',
      [['', (last?.endedAt.getTime() ?? 0) / SECOND_MS]],
    ),
    ...family('drill_state', 'gauge', 'What the last drill says: 1 for what is so.', [
      ...DRILL_STATES.map((one) => [`{state="${one}"}`, one === state ? 1 : 0] as const),
    ]),
    ...family('drill_due', 'gauge', 'Whether another drill is due.', [['', isDue ? 1 : 0]]),
  ];
}

function family(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): readonly string[] {
  return [
    `# HELP ${PREFIX}${name} ${help}`,
    `# TYPE ${PREFIX}${name} ${type}`,
    ...samples.map(([labels, value]) => `${PREFIX}${name}${labels} ${value}`),
  ];
}
