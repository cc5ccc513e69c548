import { statSync } from 'node:fs';
import { join } from 'node:path';

/** The file that `--out` names. In a folder each has a name of its own, by which they stand in the order of their time. */
export function datedFile(out: string, name: string, at: Date): string {
  if (!out.endsWith('/') && statSync(out, { throwIfNoEntry: false })?.isDirectory() !== true) return out;
  return join(out, `${name}-${at.toISOString().replaceAll(':', '')}.json`);
}
