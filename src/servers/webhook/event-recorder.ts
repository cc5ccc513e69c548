import { SealwrightError } from '../../errors.ts';
import type { ClusterEvent } from '../../io/kubernetes/event.ts';

export interface EventRecorderOptions {
  /** Creates one in the cluster. */
  readonly create: (event: ClusterEvent) => Promise<void>;
  readonly now: () => Date;
  /** Told when creating begins to fail, once until it succeeds again. */
  readonly report?: (error: SealwrightError) => void;
}

/** What is the same within this time is one Event; a later one says how often it came in between. */
const QUIET_MS = 600_000;
/** As client-go's: so many at once, then one each so often. */
const BURST = 25;
const REFILL_MS = 1000;
const MAX_WAITING = 100;
const MAX_REMEMBERED = 2000;

interface Seen {
  /** Of the last Event that was made. */
  readonly toldAt: number;
  firstAt: Date;
  /** Since then. */
  count: number;
}

/**
 * Decisions as Kubernetes Events, one after the other, in the background. What would be the same Event again is counted, what is
 * too much at once is dropped and counted: the API server that waits for decisions must not be asked more because of them.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #waiting: ClusterEvent[] = [];
  #tokens = BURST;
  #refilledAt: number;
  #sending: Promise<void> | undefined;
  #isFailing = false;
  readonly counts = { sent: 0, dropped: 0, failed: 0 };

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#refilledAt = options.now().getTime();
  }

  /** Returns at once, and never throws. */
  record(event: Omit<ClusterEvent, 'firstAt' | 'lastAt' | 'count'>): void {
    const now = this.#options.now();
    const key = JSON.stringify([event.regarding, event.reason, event.message]);
    const seen = this.#seen.get(key);
    const sinceMs = seen === undefined ? QUIET_MS : now.getTime() - seen.toldAt;
    // A clock that was put back must not silence anything.
    if (seen !== undefined && sinceMs >= 0 && sinceMs < QUIET_MS) {
      if (seen.count === 0) seen.firstAt = now;
      seen.count++;
      return;
    }
    if (!this.#takeToken(now) || this.#waiting.length >= MAX_WAITING) {
      this.counts.dropped++;
      return;
    }
    const isRepeated = seen !== undefined && seen.count > 0;
    this.#remember(key, { toldAt: now.getTime(), firstAt: now, count: 0 });
    this.#waiting.push({
      ...event,
      firstAt: isRepeated ? seen.firstAt : now,
      lastAt: now,
      count: isRepeated ? seen.count + 1 : 1,
    });
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** What waits is created, or has failed. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  #takeToken(now: Date): boolean {
    const passed = now.getTime() - this.#refilledAt;
    if (passed < 0 || passed >= REFILL_MS) {
      this.#tokens = Math.min(BURST, this.#tokens + Math.max(0, Math.floor(passed / REFILL_MS)));
      this.#refilledAt = now.getTime();
    }
    if (this.#tokens === 0) return false;
    this.#tokens--;
    return true;
  }

  #remember(key: string, seen: Seen): void {
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MAX_REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }

  async #send(): Promise<void> {
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      try {
        await this.#options.create(event);
        this.counts.sent++;
        this.#isFailing = false;
      } catch (error) {
        this.counts.failed++;
        if (!this.#isFailing && error instanceof SealwrightError) this.#options.report?.(error);
        this.#isFailing = true;
      }
    }
  }
}
