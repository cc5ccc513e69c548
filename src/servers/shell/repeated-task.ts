import { setTimeout as sleep } from 'node:timers/promises';

export interface RepeatedTask {
  /** No further run begins, and the one under way has ended. */
  stop(): Promise<void>;
}

/**
 * Runs a task again and again, each time some while after it has ended. Keeps no process alive.
 *
 * @param task what it throws ends the process: whatever may fail is its own to handle
 * @param everyMs asked anew before each wait
 */
export function repeatTask(task: () => Promise<void>, everyMs: () => number): RepeatedTask {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    for (;;) {
      await sleep(everyMs(), undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await task();
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
