import {
  DRILL_STAGES,
  drillGoalMs,
  type DrillNews,
  type DrillRecord,
  type DrillStage,
  type DrillStageName,
} from '../../core/revocation/drill-record.ts';
import { SealwrightError } from '../../errors.ts';

/** Stages that somebody has to look for until they are there. */
export type ObservedStage = Exclude<DrillStageName, 'logged' | 'published'>;

export interface DrillClock {
  readonly now: () => Date;
  /** Monotonic. */
  readonly elapsedMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What a drill does and asks. Everything that could keep it from being ended has been done before it begins. */
export interface DrillParts {
  /** Signs and logs the statement. */
  readonly revoke: () => Promise<void>;
  /** On return a verifier that asks has it. */
  readonly publish: () => Promise<void>;
  /** Each says whether the stage is reached; absent where there is nothing to ask. @throws what is tried again */
  readonly observers: Readonly<Partial<Record<ObservedStage, () => Promise<boolean>>>>;
  /** Makes the canary good again, if it was revoked; may be asked again after it failed. */
  readonly reinstate: () => Promise<void>;
  /** Whether it is good wherever it was refused. */
  readonly isGood: () => Promise<boolean>;
  readonly news: DrillNews;
  /** How long is waited for what has to be observed; twice its goal when absent. */
  readonly patienceMs?: number;
  readonly clock: DrillClock;
  /** Whether whoever started it wants it to end. */
  readonly isInterrupted: () => boolean;
  readonly onStage: (stage: DrillStage) => void;
}

export type DrillOutcome = Pick<DrillRecord, 'startedAt' | 'endedAt' | 'stages' | 'restored'>;

const PAUSE_MS = 200;
const REINSTATE_ATTEMPTS = 5;
const REINSTATE_PAUSE_MS = 1000;
const MAX_DETAIL = 500;

/**
 * Revokes the canary for real, takes the time of every stage, and makes it good again whatever happens in between: a stage that
 * fails is told, and is no reason to leave anything revoked.
 *
 * @throws what is nobody's failure but the program's own, after the canary was made good again
 */
export async function drillRevocation(parts: DrillParts): Promise<DrillOutcome> {
  const { clock } = parts;
  const startedAt = clock.now();
  const drill = new Drill(parts);
  let restored: DrillRecord['restored'] = { outcome: 'done', detail: 'nothing had been published' };
  try {
    await drill.run();
  } finally {
    if (drill.mayBePublished) restored = await restore(parts);
  }
  return { startedAt, endedAt: clock.now(), stages: drill.stages, restored };
}

class Drill {
  /** Whether there may be something to take back. */
  mayBePublished = false;
  readonly #parts: DrillParts;
  readonly #beganMs: number;
  readonly #reached = new Map<DrillStageName, DrillStage>();

  constructor(parts: DrillParts) {
    this.#parts = parts;
    this.#beganMs = parts.clock.elapsedMs();
  }

  get stages(): readonly DrillStage[] {
    return DRILL_STAGES.map(
      (stage) => this.#reached.get(stage) ?? { stage, outcome: 'not-tried', goalMs: this.#goalMs(stage) },
    );
  }

  async run(): Promise<void> {
    const { revoke, publish, observers } = this.#parts;
    if (!(await this.#attempt('logged', revoke))) return;
    this.mayBePublished = true;
    if (!(await this.#attempt('published', publish))) return;
    // All of them, also where one is broken: none may be left running behind the reinstatement.
    const ended = await Promise.allSettled(
      Object.entries(observers).map(([stage, isReached]) => this.#observe(stage as ObservedStage, isReached)),
    );
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  async #attempt(stage: DrillStageName, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      this.#fail(stage, detailOf(error));
      return false;
    }
    this.#done(stage);
    return true;
  }

  async #observe(stage: ObservedStage, isReached: () => Promise<boolean>): Promise<void> {
    const { clock, patienceMs = 2 * this.#goalMs(stage), isInterrupted } = this.#parts;
    let why = 'it did not happen';
    while (clock.elapsedMs() - this.#beganMs < patienceMs) {
      if (isInterrupted()) {
        this.#fail(stage, 'interrupted');
        return;
      }
      try {
        if (await isReached()) {
          this.#done(stage);
          return;
        }
        why = 'it did not happen';
      } catch (error) {
        why = detailOf(error);
      }
      await clock.sleep(PAUSE_MS);
    }
    this.#fail(stage, `${why} within ${Math.round(patienceMs / 1000)} s`);
  }

  #done(stage: DrillStageName): void {
    this.#tell({ stage, outcome: 'done', ms: this.#elapsedMs(), goalMs: this.#goalMs(stage) });
  }

  #fail(stage: DrillStageName, detail: string): void {
    this.#tell({ stage, outcome: 'failed', ms: this.#elapsedMs(), goalMs: this.#goalMs(stage), detail });
  }

  #tell(stage: DrillStage): void {
    this.#reached.set(stage.stage, stage);
    this.#parts.onStage(stage);
  }

  #elapsedMs(): number {
    return Math.round(this.#parts.clock.elapsedMs() - this.#beganMs);
  }

  #goalMs(stage: DrillStageName): number {
    return drillGoalMs(stage, this.#parts.news);
  }
}

/** Said and waited for, so that the next drill, and everybody else, finds things as they were. */
async function restore(parts: DrillParts): Promise<DrillRecord['restored']> {
  const { clock, reinstate, isGood, news, patienceMs = 4 * drillGoalMs('denied', news) } = parts;
  const began = clock.elapsedMs();
  const elapsedMs = (): number => Math.round(clock.elapsedMs() - began);
  for (let attempt = 1; ; attempt++) {
    try {
      await reinstate();
      break;
    } catch (error) {
      const detail = detailOf(error);
      if (attempt === REINSTATE_ATTEMPTS) return { outcome: 'failed', ms: elapsedMs(), detail };
      await clock.sleep(REINSTATE_PAUSE_MS * attempt);
    }
  }
  let why = 'it is still refused';
  while (elapsedMs() < patienceMs) {
    try {
      if (await isGood()) return { outcome: 'done', ms: elapsedMs() };
    } catch (error) {
      why = detailOf(error);
    }
    await clock.sleep(PAUSE_MS);
  }
  return { outcome: 'failed', ms: elapsedMs(), detail: `reinstated, and ${why}` };
}

/** @throws what is no failure of anything that was tried */
function detailOf(error: unknown): string {
  if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
  const { code, message, facts } = error;
  return `${code} ${message}${facts.found === undefined ? '' : `: ${facts.found}`}`.slice(0, MAX_DETAIL);
}
