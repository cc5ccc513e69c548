import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';

/**
 * One process per folder, by an exclusive SQLite transaction that is never committed: the operating system drops its
 * file lock with the process, however that dies, so no stale lock file can ever keep a stack from starting.
 */
export class FolderLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws UsageError USAGE_STACK_RUNNING when another process holds the folder */
  static acquire(folder: string): FolderLock {
    const database = open(folder, PROBE_PATIENCE_MS);
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new FolderLock(database);
    } catch (cause) {
      database.close();
      if (!isBusy(cause)) throw cause;
      throw new UsageError('USAGE_STACK_RUNNING', 'the folder is in use by another process', {
        found: `a running stack in ${folder}`,
        expected: 'one process per folder',
        fix: `sealwright down --dir ${folder}`,
        cause,
      });
    }
  }

  /** Whether some process holds the folder now. Takes a shared lock for an instant, which an `acquire` waits out. */
  static isHeld(folder: string): boolean {
    const database = open(folder, 0);
    try {
      database.exec('BEGIN; SELECT count(*) FROM sqlite_schema; COMMIT');
      return false;
    } catch (cause) {
      if (isBusy(cause)) return true;
      throw cause;
    } finally {
      database.close();
    }
  }

  release(): void {
    this.#database.close();
  }
}

/** Longer than any `isHeld` of a `status` that happens at the same moment. */
const PROBE_PATIENCE_MS = 300;
const SQLITE_BUSY = 5;

function open(folder: string, timeout: number): DatabaseSync {
  return new DatabaseSync(join(folder, 'lock.sqlite'), { timeout });
}

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY;
}
