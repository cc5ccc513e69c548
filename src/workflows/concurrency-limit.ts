/** Lets a number of tasks run at once; the others wait their turn, first come first served. */
export class ConcurrencyLimit {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // A turn goes from hand to hand, so that nobody can slip in between.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
