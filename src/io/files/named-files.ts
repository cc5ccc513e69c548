import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { systemCode } from './system-code.ts';

const MAX_FILES = 1000;

/**
 * The file itself, or those of a name in a folder and all below it, in their order.
 *
 * @throws UsageError USAGE_FILE for a path that cannot be read, or a folder without any such file; USAGE_BAD_CONFIG for too many
 */
export async function findNamedFiles(path: string, name: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && entry.name === name)
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    if (files.length > 0 && files.length <= MAX_FILES) return files;
    if (files.length > MAX_FILES) {
      throw new UsageError('USAGE_BAD_CONFIG', `there are too many files called ${name}`, {
        found: `${files.length} below ${path}`,
        expected: `at most ${MAX_FILES}`,
      });
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: systemCode(cause), cause });
  }
  throw new UsageError('USAGE_FILE', `there is no ${name} in ${path}`, {
    found: path,
    expected: `a file called ${name}`,
  });
}
