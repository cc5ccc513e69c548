import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';

/** Paths below a folder, with `/`, and what each file holds. */
export type FolderContent = ReadonlyMap<string, Uint8Array | string>;

/**
 * Writes a folder with everything in it, or nothing: it gets its name when it is whole. Readable by all, writable by its owner.
 *
 * @throws UsageError USAGE_WOULD_OVERWRITE where there is something already, USAGE_FILE
 */
export function writeOutputFolder(path: string, files: FolderContent): void {
  checkOutputFolder(path);
  const target = resolve(path);
  let temporary: string | undefined;
  try {
    temporary = mkdtempSync(join(dirname(target), `.${basename(target)}.new-`));
    const root = join(temporary, basename(target));
    mkdirSync(root);
    for (const [name, content] of files) {
      const file = join(root, ...name.split('/'));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { mode: 0o644, flush: true });
    }
    renameSync(root, target);
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `${path} cannot be written`, {
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      cause,
    });
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
}

/** Before long work: what is there is never added to. @throws UsageError USAGE_WOULD_OVERWRITE, USAGE_FILE */
export function checkOutputFolder(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || (there.isDirectory() && readdirSync(path).length === 0)) return;
  throw new UsageError('USAGE_WOULD_OVERWRITE', `${path} is there already`, {
    found: there.isDirectory() ? 'a folder with files in it' : 'a file',
    expected: 'a folder that does not exist yet, or an empty one',
  });
}

/** cosign makes no folder for its keys. @param prefix of the files' names. @throws UsageError USAGE_FILE */
export function requireFolderOf(prefix: string): void {
  const folder = dirname(prefix);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new UsageError('USAGE_FILE', `${folder} is no folder`, {
    found: prefix,
    expected: 'a folder that is there',
    fix: 'choose another --output-key-prefix',
  });
}
