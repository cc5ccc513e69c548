import { RemoteError } from '../errors.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Leaves a registry alone that has asked for fewer requests: for as long as it says, or twice as long each time. Whoever
 * comes in the meantime is told so at once, instead of adding to what the registry cannot take.
 */
export class RegistryPause {
  readonly #now: () => Date;
  readonly #paused = new Map<string, { readonly until: number; readonly lastMs: number }>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** @throws RemoteError REMOTE_THROTTLED during a pause, without running the task; all that the task throws */
  async run<Result>(registry: string, task: () => Promise<Result>): Promise<Result> {
    const paused = this.#paused.get(registry);
    const waitMs = paused === undefined ? 0 : paused.until - this.#now().getTime();
    // A clock that was put back must not make a pause of days.
    if (waitMs > 0 && waitMs <= LONGEST_PAUSE_MS) throw pausing(registry, waitMs);
    try {
      const result = await task();
      this.#paused.delete(registry);
      return result;
    } catch (error) {
      if (error instanceof RemoteError && error.code === 'REMOTE_THROTTLED') this.#pause(registry, error);
      throw error;
    }
  }

  #pause(registry: string, { facts }: RemoteError): void {
    const asked = facts.details?.['retryAfterMs'];
    const doubled = (this.#paused.get(registry)?.lastMs ?? FIRST_PAUSE_MS / 2) * 2;
    const lastMs = Math.min(LONGEST_PAUSE_MS, Math.max(doubled, typeof asked === 'number' ? asked : 0));
    this.#paused.set(registry, { until: this.#now().getTime() + lastMs, lastMs });
  }
}

function pausing(registry: string, waitMs: number): RemoteError {
  return new RemoteError(
    'REMOTE_THROTTLED',
    `${registry} has asked for fewer requests, and is left alone for a while`,
    {
      found: `a pause of ${Math.ceil(waitMs / 1000)} s more`,
      expected: 'a registry that answers',
      retryable: true,
    },
  );
}
