import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** An open file that is read. It can be read to its end even if its name is removed meanwhile. */
export interface StoredFile {
  readonly sizeBytes: number;
  /** The bytes from `start` to `end`, both inclusive. Closes the file at its end, and when the reader goes away. */
  stream(start: number, end: number): ReadableStream<Uint8Array>;
  close(): Promise<void>;
}

/** An open file that grows. */
export interface GrowingFile {
  append(bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** On return the bytes are on the disk; the file's name is when its folder is synced. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The few file operations that the registry is made of, so that a test can cut the power between any two of them. Only
 * the syncs promise anything about the disk. Errors are those of `node:fs`.
 */
export interface FileLayer {
  /** Undefined when there is no such file. */
  open(path: string): Promise<StoredFile | undefined>;
  /** Undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Undefined when there is nothing. */
  stat(path: string): Promise<{ readonly sizeBytes: number; readonly modifiedMs: number } | undefined>;
  /** Names in a folder; none when there is no such folder. */
  list(path: string): Promise<readonly string[]>;
  /** For appending; created if absent, readable by its owner alone. */
  append(path: string): Promise<GrowingFile>;
  /** One folder, whose parent is there; nothing happens when it is there itself. */
  makeFolder(path: string): Promise<void>;
  /** Replaces what has the name, in one step. */
  rename(from: string, to: string): Promise<void>;
  /**
   * A second name for a file, that is not taken; a copy where the file system has no hard links, or has no more of them.
   * False when there is no such file.
   */
  link(from: string, to: string): Promise<boolean>;
  /** False when there was no such file. */
  remove(path: string): Promise<boolean>;
  /** A folder with all in it; nothing happens when it is not there. */
  removeTree(path: string): Promise<void>;
  /** On return the names in the folder are on the disk. */
  syncFolder(path: string): Promise<void>;
}

/** A disk reads faster in larger pieces than the default of 64 KiB. */
const READ_BYTES = 256 << 10;

export const nodeFileLayer: FileLayer = {
  open: (path) =>
    absentAs(undefined, async () => {
      const handle = await open(path, 'r');
      return { sizeBytes: (await handle.stat()).size, stream: streamOf(handle), close: () => handle.close() };
    }),
  read: (path) => absentAs(undefined, () => readFile(path)),
  stat: (path) =>
    absentAs(undefined, async () => {
      const { size, mtimeMs } = await stat(path);
      return { sizeBytes: size, modifiedMs: mtimeMs };
    }),
  list: (path) => absentAs([], () => readdir(path)),
  async append(path) {
    const handle = await open(path, 'a', 0o600);
    return {
      append: (bytes) => handle.appendFile(bytes),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  async makeFolder(path) {
    try {
      await mkdir(path, 0o700);
    } catch (error) {
      // Whatever else has the name would show itself later, as an upload that fails.
      if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
    }
  },
  rename,
  link: (from, to) =>
    absentAs(false, async () => {
      await linkOrCopy(from, to);
      return true;
    }),
  remove: (path) =>
    absentAs(false, async () => {
      await rm(path);
      return true;
    }),
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  async syncFolder(path) {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

function streamOf(handle: FileHandle): StoredFile['stream'] {
  return (start, end) =>
    Readable.toWeb(handle.createReadStream({ start, end, highWaterMark: READ_BYTES })) as ReadableStream<Uint8Array>;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EMLINK', 'EPERM', 'ENOTSUP', 'EXDEV'].includes(codeOf(error))) throw error;
    await copyFile(from, to);
    const copy = await open(to, 'r+');
    try {
      await copy.sync();
    } finally {
      await copy.close();
    }
  }
}

async function absentAs<T>(value: T, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return value;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
