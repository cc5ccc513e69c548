import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file that only its owner may read. */
const PRIVATE = 0o600;

/**
 * Replaces a file: on return it is there whole and stays through a power cut; on a failure what had the name still has it.
 * The folder is forced to the disk as well, because a rename is a change of the folder.
 *
 * @param path folders above it are made where they are missing, for this user alone
 * @param mode of the new file, whatever the old one had; readable by its owner alone when absent
 * @throws the error of `node:fs`
 */
export async function writeDurableFile(path: string, content: string | Uint8Array, mode = PRIVATE): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(dirname(path), `.${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Forces a folder's list of names to the disk: a file is there for good only when its name is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
