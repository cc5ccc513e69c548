/**
 * Lets a number of tasks run at once for each peer; the others wait their turn, first come first served. A peer that does
 * not answer holds up nobody else's tasks.
 */
export class ConcurrencyLimit {
  readonly #atOnce: number;
  readonly #peers = new Map<string, { running: number; readonly waiting: (() => void)[] }>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  async run<Result>(peer: string, task: () => Promise<Result>): Promise<Result> {
    const turns = this.#peers.get(peer) ?? { running: 0, waiting: [] };
    this.#peers.set(peer, turns);
    if (turns.running < this.#atOnce) turns.running++;
    else await new Promise<void>((resolve) => turns.waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = turns.waiting.shift();
      // A turn goes from hand to hand, so that nobody can slip in between.
      if (next !== undefined) next();
      else if (--turns.running === 0) this.#peers.delete(peer);
    }
  }

  /**
   * Runs tasks as {@link run} does. After one has failed none is begun any more, and nothing goes on behind the failure.
   *
   * @returns the results in the order of the tasks
   * @throws what the first of them that failed has thrown
   */
  async runAll<Result>(peer: string, tasks: readonly (() => Promise<Result>)[]): Promise<readonly Result[]> {
    const failures: unknown[] = [];
    const results: Result[] = [];
    const guarded = async (task: () => Promise<Result>, index: number): Promise<void> => {
      if (failures.length > 0) return;
      try {
        results[index] = await task();
      } catch (error) {
        failures.push(error);
      }
    };
    await Promise.all(tasks.map((task, index) => this.run(peer, () => guarded(task, index))));
    if (failures.length > 0) throw failures[0];
    return results;
  }
}
