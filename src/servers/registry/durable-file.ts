import { randomUUID } from 'node:crypto';
import { link, mkdir, open, copyFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Forces a folder's list of names to the disk: a file is there for good only when its name is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Creates folders so that they survive a power cut, and remembers which ones do: `mkdir` alone may tell two writers that
 * a folder is there while its name is not on the disk yet.
 */
export class DurableFolders {
  readonly #root: string;
  readonly #known = new Map<string, Promise<void>>();

  /** @param root exists already; nothing above it is touched */
  constructor(root: string) {
    this.#root = root;
  }

  /** @param path below the root */
  ensure(path: string): Promise<void> {
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
    await this.ensure(parent);
    await mkdir(path, { recursive: true });
    await syncFolder(parent);
  }

  /** Writes a small file: whole and durable on return, or not there. Replaces what was there before. */
  async write(path: string, content: Uint8Array | string): Promise<void> {
    await this.ensure(dirname(path));
    const temporary = temporaryName(path);
    try {
      const file = await open(temporary, 'wx', 0o600);
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

  /** Moves a file whose bytes are on the disk already to its name. */
  async move(from: string, to: string): Promise<void> {
    await this.ensure(dirname(to));
    await rename(from, to);
    await syncFolder(dirname(to));
  }

  /** Gives a file a second name; copies where the file system has no hard links, or has no more of them. */
  async share(from: string, to: string): Promise<void> {
    await this.ensure(dirname(to));
    const temporary = temporaryName(to);
    try {
      await linkOrCopy(from, temporary);
      await rename(temporary, to);
    } finally {
      // Renaming one hard link onto another of the same file leaves both.
      await rm(temporary, { force: true });
    }
    await syncFolder(dirname(to));
  }

  /** False when there was no such file. */
  async remove(path: string): Promise<boolean> {
    try {
      await rm(path);
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
    await syncFolder(dirname(path));
    return true;
  }
}

/** Whether a file operation failed because nothing is there. */
export function isAbsent(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Whether a name in a folder is a file under construction, left behind by a crash or still being written. */
export function isTemporary(name: string): boolean {
  return name.startsWith('.');
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${randomUUID()}`);
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!['EMLINK', 'EPERM', 'ENOTSUP', 'EXDEV'].includes(String(code))) throw error;
    await copyFile(from, to);
    const copy = await open(to, 'r+');
    try {
      await copy.sync();
    } finally {
      await copy.close();
    }
  }
}
