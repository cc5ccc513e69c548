/** Preloaded into a program under test, with --expose-gc: at SIGUSR2 it collects, and says on stderr what is left. */
import process from 'node:process';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.stderr.write(`memory ${heapUsed + external}\n`);
});
