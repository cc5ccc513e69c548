import type { StartedStack } from '../terminal/detached-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The first block that `up` prints, detached or not. */
export function announceStack(terminal: Terminal, started: StartedStack): void {
  const { dir, logFile, status, rootDigest, warning } = started;
  if (warning !== undefined) terminal.warn(warning);
  const seconds = (performance.now() / 1000).toFixed(1);
  const facts = [`url ${status.url}`, `root sha256:${rootDigest.slice(0, 12)}…`, `data ${dir}`];
  terminal.result(terminal.done(`stack ready in ${seconds} s   ${facts.join('   ')}   (dev mode: keys on disk)`));
  terminal.result(`  registry  ${status.registry}`);
  terminal.result(`  issuer    ${status.issuer}   (for development: whoever reads ${dir} can be anyone)`);
  terminal.result(`  process   ${status.pid}, which writes its log to ${logFile}`);
}
