import { lstat, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../../errors.ts';
import { syncFolder, writeDurableFile } from '../files/durable-file.ts';
import { systemCode } from '../files/system-code.ts';

export interface KeyFiles {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** PREFIX.key and PREFIX.pub, as cosign names them. */
export function keyFileNames(prefix: string): KeyFiles {
  return { privateKey: `${prefix}.key`, publicKey: `${prefix}.pub` };
}

/**
 * Writes a key pair: the private key for its owner alone, both on disk before this returns. When the second file cannot be
 * written, a first one that is new is taken away again, so that no half of a pair is left.
 *
 * @param overwrite replaces files that are there; otherwise they are never touched
 * @throws UsageError USAGE_FILE
 */
export async function writeKeyFiles(
  files: KeyFiles,
  pems: { readonly privateKey: string; readonly publicKey: string },
  overwrite: boolean,
): Promise<void> {
  await writeFile(files.privateKey, pems.privateKey, 0o600, overwrite);
  try {
    await writeFile(files.publicKey, pems.publicKey, 0o644, overwrite);
  } catch (error) {
    if (!overwrite) await rm(files.privateKey, { force: true });
    throw error;
  }
}

/**
 * The public half alone, of a pair whose private half lives elsewhere.
 *
 * @param asCosign for its owner alone, and in place of a file that is there
 * @throws UsageError USAGE_FILE when it cannot be written or is there already
 */
export async function writePublicKeyFile(path: string, pem: string, asCosign = false): Promise<void> {
  await writeFile(path, pem, asCosign ? 0o600 : 0o644, asCosign);
}

/** Before something is made that cannot be taken back. @throws UsageError USAGE_FILE when the name is taken */
export async function checkNameIsFree(path: string): Promise<void> {
  if (await isTaken(path)) throw cannotWrite(path, Object.assign(new Error('taken'), { code: 'EEXIST' }));
}

export async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

async function writeFile(path: string, text: string, mode: number, overwrite: boolean): Promise<void> {
  try {
    // Replaced in one step: an old key is not lost to a disk that is full, and a link to somewhere else is not followed.
    if (overwrite) await writeDurableFile(path, text, mode);
    else await writeNew(path, text, mode);
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  // `wx`: a file that appears in the meantime is not overwritten either.
  const file = await open(path, 'wx', mode);
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // It is ours, and half of a key on a full disk would keep the name from the next attempt.
    await rm(path, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

function cannotWrite(path: string, cause: unknown): UsageError {
  const code = systemCode(cause);
  return new UsageError('USAGE_FILE', `the key file ${path} cannot be written`, {
    found: code === 'EEXIST' ? 'a file of that name, which stays as it is' : code,
    expected: 'a name that is not taken, in a folder that can be written',
    fix: 'choose another name with --output-key-prefix',
    cause,
  });
}
