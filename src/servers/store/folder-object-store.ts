import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { IntegrityError, InvariantError, SealwrightError } from '../../errors.ts';
import { systemCode } from '../../io/files/system-code.ts';
import { nodeFileSystem, type FileSystem, type NewFile } from './file-system.ts';
import type { ObjectBatch, ObjectStore, StagedObjects, StoredObject } from './object-store.ts';

const NAME = /^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/;

interface StagedFile {
  readonly object: StoredObject;
  readonly temporary: string;
  readonly file: NewFile;
}

/**
 * Objects as files below `objects/`; staged ones below `staging/`, synced before they get their names, so that a name
 * never stands for half a file. A hard link is made, because it fails when the name is taken, where a rename would win.
 */
export class FolderObjectStore implements ObjectStore {
  readonly #files: FileSystem;
  readonly #objects: string;
  readonly #staging: string;
  /** Folders with names that are not known to be durable. */
  readonly #unsynced = new Set<string>();
  /** Folders that need no making. */
  readonly #made = new Set<string>();
  #counter = 0;
  #failed: unknown;

  private constructor(root: string, files: FileSystem) {
    this.#files = files;
    this.#objects = join(root, 'objects');
    this.#staging = join(root, 'staging');
  }

  /** @param root exists already, and is this store's alone */
  static async open(root: string, files: FileSystem = nodeFileSystem): Promise<FolderObjectStore> {
    const store = new FolderObjectStore(root, files);
    await store.#guard('the object store cannot be opened', async () => {
      // Staged files of a process that died belong to no batch: what is committed is staged again from the commit.
      files.removeFolder(store.#staging);
      files.makeFolder(store.#staging);
      files.makeFolder(store.#objects);
      await files.syncFolder(root);
    });
    return store;
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#guard(`${name} cannot be read`, () => this.#files.read(this.#path(name)));
  }

  async stage(batch: ObjectBatch): Promise<StagedObjects> {
    const staged: StagedFile[] = [];
    const syncs: Promise<void>[] = [];
    try {
      // All are written before the first wait, so that their syncs reach the disk together, and beside the commit's.
      for (const object of [...batch.objects, batch.pointer]) staged.push(this.#create(object));
      syncs.push(...staged.map(({ file }) => file.sync()));
      await Promise.all(syncs);
    } catch (cause) {
      // A descriptor must not be closed, and perhaps given out again, while a sync still holds its number.
      await Promise.allSettled(syncs);
      // What cannot be removed now is when the store is opened again; the first failure is the one to tell.
      await this.#guard('', () => {
        this.#discard(staged);
      }).catch(() => undefined);
      throw unavailable('a batch cannot be staged', cause);
    } finally {
      for (const { file } of staged) file.close();
    }
    return {
      place: () =>
        this.#guard('a batch cannot be placed', () => {
          this.#place(staged);
        }),
      discard: () =>
        this.#guard('a batch cannot be discarded', () => {
          this.#discard(staged);
        }),
    };
  }

  async flush(): Promise<void> {
    if (this.#failed !== undefined) throw unavailable('an earlier flush failed', this.#failed);
    const folders = [...this.#unsynced];
    this.#unsynced.clear();
    try {
      await Promise.all(folders.map((folder) => this.#files.syncFolder(folder)));
    } catch (cause) {
      // After a failed fsync the kernel may call the same pages clean: a second one would promise what nobody knows.
      this.#failed = cause;
      throw unavailable('names cannot be made durable', cause);
    }
  }

  removeFolder(name: string): Promise<void> {
    return this.#guard(`${name} cannot be removed`, () => {
      const path = this.#path(name);
      this.#files.removeFolder(path);
      const inside = (folder: string): boolean => folder === path || folder.startsWith(`${path}/`);
      for (const folder of [...this.#unsynced, ...this.#made].filter(inside)) {
        this.#unsynced.delete(folder);
        this.#made.delete(folder);
      }
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #create(object: StoredObject): StagedFile {
    const temporary = join(this.#staging, String(this.#counter++));
    return { object, temporary, file: this.#files.create(temporary, object.bytes) };
  }

  #place(staged: readonly StagedFile[]): void {
    const pointer = staged[staged.length - 1];
    if (pointer === undefined) throw new InvariantError('a batch without a pointer');
    for (const { object, temporary } of staged.slice(0, -1)) {
      const path = this.#path(object.name);
      this.#makeFolders(dirname(path));
      if (!this.#files.link(temporary, path)) this.#checkSame(object, path);
      // Also when it was there: whoever placed it may have died before its name was durable.
      this.#unsynced.add(dirname(path));
    }
    const path = this.#path(pointer.object.name);
    this.#makeFolders(dirname(path));
    this.#files.rename(pointer.temporary, path);
    this.#unsynced.add(dirname(path));
    for (const { temporary } of staged.slice(0, -1)) this.#files.removeFile(temporary);
  }

  #checkSame(object: StoredObject, path: string): void {
    const present = this.#files.read(path);
    if (present !== undefined && equalBytes(present, object.bytes)) return;
    throw new IntegrityError('STATE_CORRUPT', 'an immutable object has other bytes than the log gave it', {
      found: `${present?.length ?? 0} other bytes in ${object.name}`,
      expected: `the ${object.bytes.length} bytes that were committed`,
      fix: 'sealwright log fsck',
    });
  }

  #discard(staged: readonly StagedFile[]): void {
    for (const { temporary } of staged) this.#files.removeFile(temporary);
  }

  #makeFolders(folder: string): void {
    if (folder === this.#objects || this.#made.has(folder)) return;
    this.#makeFolders(dirname(folder));
    this.#files.makeFolder(folder);
    this.#unsynced.add(dirname(folder));
    this.#made.add(folder);
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new InvariantError('not the name of an object');
    return join(this.#objects, name);
  }

  async #guard<Value>(what: string, action: () => Value | Promise<Value>): Promise<Value> {
    try {
      return await action();
    } catch (cause) {
      throw cause instanceof SealwrightError ? cause : unavailable(what, cause);
    }
  }
}

/**
 * An object of a log that another thread, or another process, writes to. Beside a store of its own, readers need nothing
 * but the file: it is whole, or it is not there.
 *
 * @throws IntegrityError STATE_UNAVAILABLE when it cannot be read
 */
export async function readStoredObject(root: string, name: string): Promise<Uint8Array | undefined> {
  if (!NAME.test(name)) throw new InvariantError('not the name of an object');
  try {
    return await readFile(join(root, 'objects', name));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(cause.code))) {
      return undefined;
    }
    throw unavailable(`${name} cannot be read`, cause);
  }
}

function unavailable(what: string, cause: unknown): IntegrityError {
  const found = systemCode(cause);
  return new IntegrityError('STATE_UNAVAILABLE', what, { found, expected: 'a disk that reads and writes', cause });
}
