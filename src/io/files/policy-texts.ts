import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, UsageError } from '../../errors.ts';

/** A policy file as it is written. */
export interface PolicyText {
  /** Where it is from, for messages. */
  readonly path: string;
  readonly text: string;
}

const MAX_FILES = 1000;
const MAX_FILE_BYTES = 4 << 20;

/**
 * Reads files, and of folders those whose names end in `.yaml`, `.yml` or `.json` (not those in folders below).
 *
 * @throws UsageError USAGE_FILE for a path that cannot be read, USAGE_BAD_CONFIG for too many; FormatError FORMAT_POLICY for what
 *   is not UTF-8
 */
export async function readPolicyTexts(paths: readonly string[]): Promise<readonly PolicyText[]> {
  const files = (await Promise.all(paths.map(listFiles))).flat();
  if (files.length > MAX_FILES) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there are too many policy files', {
      found: String(files.length),
      expected: `at most ${MAX_FILES}`,
    });
  }
  return Promise.all(files.map(readText));
}

async function listFiles(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'));
    return names.sort().map((name) => join(path, name));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readText(path: string): Promise<PolicyText> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new RangeError(`${size} bytes, more than ${MAX_FILE_BYTES}`);
    bytes = await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new FormatError('FORMAT_POLICY', `${path} is not valid UTF-8`, { cause });
  }
}

function unreadable(path: string, cause: unknown): UsageError {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const found = typeof code === 'string' ? code : cause instanceof Error ? cause.message : 'an error';
  return new UsageError('USAGE_FILE', `the policy file ${path} cannot be read`, { found, cause });
}
