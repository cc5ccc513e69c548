import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { FileLayer } from './file-layer.ts';

/**
 * Changes to files that survive a power cut once they have returned: bytes forced to the disk, then the name, then the
 * folder that holds the name.
 */
export class DurableFolders {
  readonly #root: string;
  readonly #files: FileLayer;
  /**
   * Folders whose names are on the disk, or soon will be: `mkdir` alone may tell two writers that a folder is there while
   * its name is not.
   */
  readonly #known = new Map<string, Promise<void>>();

  private constructor(root: string, files: FileLayer) {
    this.#root = root;
    this.#files = files;
  }

  /**
   * Makes the folder if need be, and clears away what a crash has left half-written.
   *
   * @param root one process at a time
   */
  static async open(root: string, files: FileLayer): Promise<DurableFolders> {
    await makeRoot(root, files);
    const folders = new DurableFolders(root, files);
    await files.removeTree(folders.#temporaries);
    await files.makeFolder(folders.#temporaries);
    await files.syncFolder(root);
    return folders;
  }

  /** Writes a small file: whole and durable on return, or not there. Replaces what was there before. */
  async write(path: string, content: Uint8Array): Promise<void> {
    await this.#ensure(dirname(path));
    const temporary = this.#temporaryName();
    try {
      const file = await this.#files.append(temporary);
      try {
        await file.append(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#files.rename(temporary, path);
    } catch (error) {
      await this.#files.remove(temporary);
      throw error;
    }
    await this.#files.syncFolder(dirname(path));
  }

  /** Moves a file whose bytes are on the disk already to its name. */
  async move(from: string, to: string): Promise<void> {
    await this.#ensure(dirname(to));
    await this.#files.rename(from, to);
    await this.#files.syncFolder(dirname(to));
  }

  /** Gives a file a second name. False when there is no such file. */
  async share(from: string, to: string): Promise<boolean> {
    await this.#ensure(dirname(to));
    const temporary = this.#temporaryName();
    try {
      if (!(await this.#files.link(from, temporary))) return false;
      await this.#files.rename(temporary, to);
    } finally {
      // Renaming one hard link onto another of the same file leaves both.
      await this.#files.remove(temporary);
    }
    await this.#files.syncFolder(dirname(to));
    return true;
  }

  /** False when there was no such file. */
  async remove(path: string): Promise<boolean> {
    if (!(await this.#files.remove(path))) return false;
    await this.#files.syncFolder(dirname(path));
    return true;
  }

  /** @param path below the root */
  #ensure(path: string): Promise<void> {
    if (path === this.#root) return Promise.resolve();
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const made = this.#make(path);
    this.#known.set(path, made);
    made.catch(() => this.#known.delete(path));
    return made;
  }

  async #make(path: string): Promise<void> {
    const parent = dirname(path);
    await this.#ensure(parent);
    await this.#files.makeFolder(path);
    await this.#files.syncFolder(parent);
  }

  get #temporaries(): string {
    return join(this.#root, 'temporary');
  }

  /** All in one folder on the same file system, where no listing sees them and the next start finds them. */
  #temporaryName(): string {
    return join(this.#temporaries, randomUUID());
  }
}

/** The names above the root as well: a registry that lies in a folder that is gone is gone. */
async function makeRoot(path: string, files: FileLayer): Promise<void> {
  if ((await files.stat(path)) !== undefined) return;
  await makeRoot(dirname(path), files);
  await files.makeFolder(path);
  await files.syncFolder(dirname(path));
}
