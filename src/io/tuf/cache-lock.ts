import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LimitError } from '../../errors.ts';

const FILE = '.sealwright-lock.sqlite';
/** Writers hold the lock for a few small files. */
const PATIENCE_MS = 5_000;
const SQLITE_BUSY = 5;

/**
 * Runs something while no other process of ours writes to the folder. The operating system drops the lock with the
 * process, however that dies (docs/decisions/0004).
 *
 * @throws LimitError LIMIT_BUSY when another process holds it for seconds; the error of `node:sqlite` when the folder
 *   cannot be written
 */
export async function withCacheLock<Value>(folder: string, action: () => Promise<Value>): Promise<Value> {
  // Within this process by queueing: waiting for SQLite would stop the very event loop that the holder needs.
  const before = QUEUES.get(folder) ?? Promise.resolve();
  const turn = before.then(() => lockAndRun(folder, action));
  const settled = turn.then(nothing, nothing);
  QUEUES.set(folder, settled);
  try {
    return await turn;
  } finally {
    if (QUEUES.get(folder) === settled) QUEUES.delete(folder);
  }
}

/** Who is last in line, by folder. */
const QUEUES = new Map<string, Promise<void>>();

function nothing(): void {
  // A failure is its own caller's.
}

async function lockAndRun<Value>(folder: string, action: () => Promise<Value>): Promise<Value> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, FILE), { timeout: PATIENCE_MS });
  try {
    begin(database);
    return await action();
  } finally {
    database.close();
  }
}

function begin(database: DatabaseSync): void {
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    if (!(cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY)) throw cause;
    throw new LimitError('LIMIT_BUSY', "the trust root's cache is in use", {
      found: `another process has written to it for ${PATIENCE_MS} ms`,
      cause,
    });
  }
}
