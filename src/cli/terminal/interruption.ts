import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const IMPATIENT_EXIT_CODE = 130;

/** Resolves when the process is asked to end. Asked a second time, it ends at once. */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    // Without a handle of its own, a process that only waits for a signal would end.
    const alive = setInterval(() => undefined, 0x7fff_ffff);
    let isAsked = false;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (isAsked) process.exit(IMPATIENT_EXIT_CODE);
        isAsked = true;
        clearInterval(alive);
        resolve();
      });
    }
  });
}

/**
 * Pauses that end when the process is asked to end; asked before, there is none.
 *
 * Whoever races a promise stays on its list until it settles, so that a race with each pause would keep them all: only the pause that lasts
 * is waiting here.
 */
export function pausesUntilInterrupted(sleep: (ms: number) => Promise<void>): (ms: number) => Promise<'over' | 'due'> {
  let isOver = false;
  let wake = (): void => undefined;
  void untilInterrupted().then(() => {
    isOver = true;
    wake();
  });
  return (ms) =>
    isOver
      ? Promise.resolve('over')
      : Promise.race([
          sleep(ms).then(() => 'due' as const),
          new Promise<'over'>((resolve) => {
            wake = () => {
              resolve('over');
            };
          }),
        ]);
}
