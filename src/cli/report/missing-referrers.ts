import type { Digest } from '../../core/image/digest.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A registry that lists what it does not have: nothing that could be carried along, but nothing to be silent about. */
export function reportMissing(terminal: Terminal, missing: readonly Digest[]): void {
  for (const digest of missing)
    terminal.warn(`passed over ${digest.toString()}: listed, but not there or of another image`);
}
