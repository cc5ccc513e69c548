import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';

/**
 * Writes a result for its owner alone (cosign's mode for bundles), whole or not at all.
 *
 * @throws UsageError USAGE_FILE
 */
export function writeOutputFile(path: string, content: string): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, content, { mode: 0o600, flush: true });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new UsageError('USAGE_FILE', `${path} cannot be written`, {
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      cause,
    });
  }
}
