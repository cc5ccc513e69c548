import { lstatSync, readFileSync, rmSync, type Stats } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { UsageError } from '../../errors.ts';
import { writeDurableFile } from '../files/durable-file.ts';
import { systemCode } from '../files/system-code.ts';

/** The stack that this user's commands trust when nothing else is said. */
export interface RecordedStack {
  /** Absolute path of its folder. */
  readonly dir: string;
}

const FILE = 'stack.json';
const LIMITS = { maxBytes: 64 << 10, maxDepth: 2 };
const OTHERS_WRITE = 0o022;

/**
 * Notes a stack as this user's own.
 *
 * @param configFolder `~/.config/sealwright`; made when it is not there
 * @throws UsageError USAGE_FILE when it cannot be written
 */
export async function recordStack(configFolder: string, dir: string): Promise<void> {
  const path = join(configFolder, FILE);
  try {
    await writeDurableFile(path, `${JSON.stringify({ version: 1, dir: resolve(dir) })}\n`);
  } catch (cause) {
    throw new UsageError('USAGE_FILE', 'the stack cannot be noted as yours', {
      found: `${path}: ${systemCode(cause)}`,
      expected: 'a folder that can be written',
      cause,
    });
  }
}

/** Takes the note away; nothing happens without one. */
export function forgetStack(configFolder: string): void {
  rmSync(join(configFolder, FILE), { force: true });
}

/**
 * Reads the note. Whoever can change it decides what this user trusts, so it must be a plain file of the user's own, in a
 * folder of the user's own, that nobody else may write.
 *
 * @returns undefined when there is none
 * @throws UsageError USAGE_NO_TRUST when others could have written it, or it does not parse
 */
export function readRecordedStack(configFolder: string): RecordedStack | undefined {
  const path = join(configFolder, FILE);
  let text: string;
  try {
    checkPrivate(path, lstatSync(path));
    checkPrivate(configFolder, lstatSync(configFolder));
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    if (error instanceof UsageError) throw error;
    throw unusable(path, systemCode(error), error);
  }
  return { dir: parseNote(path, text) };
}

/**
 * Refuses what another user could have written.
 *
 * @throws UsageError USAGE_NO_TRUST
 */
export function checkPrivate(path: string, stats: Stats): void {
  if (!stats.isFile() && !stats.isDirectory()) throw unusable(path, 'neither a file nor a folder');
  const user = process.getuid?.();
  if (user !== undefined && stats.uid !== user) throw unusable(path, `it belongs to user ${stats.uid}`);
  if ((stats.mode & OTHERS_WRITE) !== 0) {
    throw new UsageError('USAGE_NO_TRUST', 'what says whom to trust can be changed by other users', {
      found: `${path} has mode ${(stats.mode & 0o777).toString(8)}`,
      expected: 'that only you may write it',
      fix: `chmod go-w ${path}`,
    });
  }
}

function parseNote(path: string, text: string): string {
  try {
    const fields = new JsonFields(parseJson(text, path, 'FORMAT_JSON', LIMITS), 'stack', 'FORMAT_JSON');
    const dir = fields.string('dir');
    if (fields.integer('version') === 1 && isAbsolute(dir)) return dir;
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : 'it does not parse', cause);
  }
  throw unusable(path, 'another version, or a path that is not absolute');
}

function unusable(path: string, found: string, cause?: unknown): UsageError {
  return new UsageError('USAGE_NO_TRUST', 'the note of your stack cannot be used', {
    found: `${path}: ${found}`,
    expected: 'a file of your own, as sealwright up writes it',
    fix: `rm ${path}`,
    cause,
  });
}
