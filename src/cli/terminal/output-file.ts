import { lstatSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';

/**
 * Writes a result, whole or not at all. A link stays a link, and a device or a pipe is written to.
 *
 * @param mode for its owner alone (cosign's mode for bundles) unless it is public
 *
 * @throws UsageError USAGE_FILE
 */
export function writeOutputFile(path: string, content: Uint8Array | string, mode = 0o600): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined || there.isFile() || there.isDirectory()) {
      replaceFile(placeOf(path), content, mode);
    } else {
      // It has no whole to replace, and must never be replaced by a file.
      writeFileSync(path, content);
    }
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `${path} cannot be written`, {
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      cause,
    });
  }
}

function replaceFile(path: string, content: Uint8Array | string, mode: number): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, content, { mode, flush: true });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

/** Where links lead, also those that lead to nothing yet. Links in a circle never come here: nobody can ask what they are. */
function placeOf(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  return placeOf(resolve(realpathSync(dirname(path)), readlinkSync(path)));
}
