import { chmodSync, lstatSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';

/** For its owner alone: cosign's mode for bundles. */
const PRIVATE = 0o600;

/**
 * Writes a result, whole or not at all. A link stays a link, and a device or a pipe is written to.
 *
 * @param mode for its owner alone unless it is public
 *
 * @throws UsageError USAGE_FILE
 */
export function writeOutputFile(path: string, content: Uint8Array | string, mode = PRIVATE): void {
  write(path, content, { mode });
}

/**
 * A result that cosign writes too. In its mode a file that is there keeps its mode, as one does that is written into; it is replaced
 * whole all the same.
 *
 * @throws UsageError USAGE_FILE
 */
export function writeResultFile(
  { compat }: { readonly compat: boolean },
  path: string,
  content: Uint8Array | string,
  mode = PRIVATE,
): void {
  write(path, content, { mode, keepsMode: compat });
}

interface FileMode {
  /** Of a file that is new. */
  readonly mode: number;
  /** Also that of one that is replaced, unless it keeps its own. */
  readonly keepsMode?: boolean;
}

function write(path: string, content: Uint8Array | string, { mode, keepsMode = false }: FileMode): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined || there.isFile() || there.isDirectory()) {
      replaceFile(placeOf(path), content, mode, keepsMode && there?.isFile() === true ? there.mode & 0o777 : undefined);
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

/** @param kept of the file that is replaced, whatever the process' mask takes from new ones */
function replaceFile(path: string, content: Uint8Array | string, mode: number, kept: number | undefined): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, content, { mode, flush: true });
    if (kept !== undefined) chmodSync(temporary, kept);
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
