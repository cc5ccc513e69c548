import { open, rm, type FileHandle } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';

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
  await writeNew(files.privateKey, pems.privateKey, 0o600, overwrite);
  try {
    await writeNew(files.publicKey, pems.publicKey, 0o644, overwrite);
  } catch (error) {
    if (!overwrite) await rm(files.privateKey, { force: true });
    throw error;
  }
}

async function writeNew(path: string, text: string, mode: number, overwrite: boolean): Promise<void> {
  // Taken away first: a file that is there keeps its mode, and may be a link to somewhere else.
  if (overwrite) await rm(path, { force: true });
  let file: FileHandle | undefined;
  try {
    // `wx`: a file that appears in the meantime is not overwritten either.
    file = await open(path, 'wx', mode);
    await file.writeFile(text);
    await file.sync();
  } catch (cause) {
    throw cannotWrite(path, cause);
  } finally {
    await file?.close();
  }
}

function cannotWrite(path: string, cause: unknown): UsageError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
  return new UsageError('USAGE_FILE', `the key file ${path} cannot be written`, {
    found: code === 'EEXIST' ? 'a file of that name, which stays as it is' : code,
    expected: 'a name that is not taken, in a folder that can be written',
    fix: 'choose another name with --output-key-prefix',
    cause,
  });
}
