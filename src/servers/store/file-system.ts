import {
  closeSync,
  fsync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';

/** A new file whose bytes may still be in memory only. */
export interface NewFile {
  /** On return the bytes are durable; the name is when its folder is synced. */
  sync(): Promise<void>;
  close(): void;
}

/**
 * The few file operations that durable storage is made of, so that a test can cut the power between any two of them.
 * Only the syncs wait for a disk. Errors are those of `node:fs`.
 */
export interface FileSystem {
  /** undefined when there is no such file. */
  read(path: string): Uint8Array | undefined;
  /** Names in a folder; none when there is no such folder. */
  list(path: string): readonly string[];
  /** @returns false when the folder was there */
  makeFolder(path: string): boolean;
  /** Creates a file that is not there yet, readable by its owner alone. */
  create(path: string, bytes: Uint8Array): NewFile;
  /** A second name for a file. @returns false when something has that name */
  link(from: string, to: string): boolean;
  /** Replaces what has the name, in one step. */
  rename(from: string, to: string): void;
  /** Nothing happens when there is no such file. */
  removeFile(path: string): void;
  /** With all that is in it; nothing happens when it is not there. */
  removeFolder(path: string): void;
  /** On return the names in the folder are durable. */
  syncFolder(path: string): Promise<void>;
}

const sync = promisify(fsync);

export const nodeFileSystem: FileSystem = {
  read: (path) => absentAs(undefined, () => readFileSync(path)),
  list: (path) => absentAs([], () => readdirSync(path)),
  makeFolder: (path) => existsAs(false, () => (mkdirSync(path, 0o700), true)),
  create(path, bytes) {
    const fd = openSync(path, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return {
      sync: () => sync(fd),
      close: () => {
        closeSync(fd);
      },
    };
  },
  link: (from, to) => existsAs(false, () => (linkSync(from, to), true)),
  rename: (from, to) => {
    renameSync(from, to);
  },
  removeFile: (path) => {
    absentAs(undefined, () => {
      unlinkSync(path);
    });
  },
  removeFolder: (path) => {
    rmSync(path, { recursive: true, force: true });
  },
  async syncFolder(path) {
    const fd = openSync(path, 'r');
    try {
      await sync(fd);
    } finally {
      closeSync(fd);
    }
  },
};

function absentAs<Value>(value: Value, action: () => Value): Value {
  return unless(['ENOENT', 'ENOTDIR'], value, action);
}

function existsAs<Value>(value: Value, action: () => Value): Value {
  return unless(['EEXIST'], value, action);
}

function unless<Value>(codes: readonly string[], value: Value, action: () => Value): Value {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && 'code' in error && codes.includes(String(error.code))) return value;
    throw error;
  }
}
