import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

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
  await makeDurableFolder(dirname(path));
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

/**
 * Makes a folder and those above it where they are missing, for this user alone: on return every name that was made is on the
 * disk. A folder whose own name is lost takes all that was forced to the disk inside it along.
 *
 * @throws the error of `node:fs`
 */
export async function makeDurableFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = resolve(path); ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === resolve(first)) return;
  }
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
