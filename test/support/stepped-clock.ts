/** Time that stands still until a test lets it go on, to the next moment that somebody sleeps for. */
import { setImmediate as settled } from 'node:timers/promises';
import type { Clock } from '../../src/io/net/retry-policy.ts';

export class SteppedClock implements Clock {
  #nowMs: number;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  constructor(start = '2026-01-01T00:00:00Z') {
    this.#nowMs = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ until: this.#nowMs + ms, wake });
    });
  }

  /** The clock is set, and wakes nobody. */
  set(ms: number): void {
    this.#nowMs = ms;
  }

  /** Goes on, step by step, until the work is done, which need not sleep all the time. */
  async until<Result>(work: Promise<Result>): Promise<Result> {
    const state = { done: false };
    const end = (): void => {
      state.done = true;
    };
    work.then(end, end);
    while (!state.done) await this.untilNobodySleeps();
    return work;
  }

  /** Goes on for as long as somebody sleeps; after each step everybody who woke has done what can be done. */
  async untilNobodySleeps(): Promise<void> {
    await settled();
    while (this.#sleepers.length > 0) {
      this.#nowMs = Math.max(this.#nowMs, Math.min(...this.#sleepers.map(({ until }) => until)));
      const due = this.#sleepers.filter(({ until }) => until <= this.#nowMs);
      this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#nowMs);
      for (const { wake } of due) wake();
      await settled();
    }
  }
}
