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
