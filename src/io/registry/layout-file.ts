import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../core/image/digest.ts';
import { MAX_MANIFEST_BYTES } from '../../core/image/manifest.ts';
import { LimitError, NotFoundError, UsageError, VerificationError } from '../../errors.ts';
import { systemCode } from '../files/system-code.ts';

/** @throws UsageError USAGE_FILE for a folder that is no layout; LimitError LIMIT_SIZE */
export async function readLayoutFile(folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, name);
  const size = await sizeOf(path);
  if (size === undefined) {
    throw new UsageError('USAGE_FILE', `${folder} is no OCI layout`, {
      found: `no file ${name}`,
      expected: 'a folder that save has written',
    });
  }
  if (size > MAX_MANIFEST_BYTES) {
    throw new LimitError('LIMIT_SIZE', `${path} is too large`, { found: `${size} bytes` });
  }
  return readFile(path);
}

/** Undefined where there is no ordinary file: neither a pipe nor a link out of the folder is content. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const file = await lstat(path);
    return file.isFile() ? file.size : undefined;
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: code, cause });
  }
}

/** Sorted; none where there is no folder. @throws UsageError USAGE_FILE */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return [];
    throw new UsageError('USAGE_FILE', `${folder} cannot be read`, { found: systemCode(cause), cause });
  }
}

export function noBlob(folder: string, digest: Digest): NotFoundError {
  return new NotFoundError('NOT_FOUND', `the layout has no blob ${digest.toString()}`, {
    found: folder,
    expected: 'a whole image, as it was saved',
  });
}

export function tooLarge(digest: Digest, size: number, limit: number): LimitError {
  return new LimitError('LIMIT_SIZE', `${digest.toString()} in the layout is too large`, {
    found: `${size} bytes`,
    expected: `at most ${limit}`,
  });
}

export function mismatch(expected: Digest, found: Digest): VerificationError {
  return new VerificationError('DIGEST_MISMATCH', 'the layout holds other content than its name says', {
    found: found.toString(),
    expected: expected.toString(),
  });
}
