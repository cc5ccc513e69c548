import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { cannotRead } from '../terminal/input-file.ts';
import { snapshotReader, type SnapshotFile } from './snapshot-file-choice.ts';

/**
 * Snapshots that operands name: files, and folders whose `.json` files all have to be some. Signatures lie beside them.
 *
 * @returns at least one
 * @throws UsageError USAGE_FILE, USAGE_BAD_FLAG for none; as `snapshotReader`, also what it returns
 */
export async function snapshotSeries(context: CommandContext): Promise<readonly SnapshotFile[]> {
  const read = await snapshotReader(context);
  const files: SnapshotFile[] = [];
  for (const path of context.flags.arguments.flatMap(snapshotPaths)) files.push(await read(path));
  if (files.length > 0) return files;
  throw new UsageError('USAGE_BAD_FLAG', 'there is no snapshot in what was named', {
    found: context.flags.arguments.join(', ').slice(0, 200),
    expected: 'snapshots of one system, or a folder that has some',
    fix: 'sealwright audit snapshot --system NAME --sign --out series/',
  });
}

/** In order of their names, whatever the file system's. */
function snapshotPaths(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => name.endsWith('.json') && !name.endsWith('.sigstore.json'))
      .sort()
      .map((name) => join(path, name));
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}
