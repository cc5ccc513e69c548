import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';

/**
 * Writes a result, whole or not at all.
 *
 * @param mode for its owner alone (cosign's mode for bundles) unless it is public
 *
 * @throws UsageError USAGE_FILE
 */
export function writeOutputFile(path: string, content: Uint8Array | string, mode = 0o600): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, content, { mode, flush: true });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new UsageError('USAGE_FILE', `${path} cannot be written`, {
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      cause,
    });
  }
}
