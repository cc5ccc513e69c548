import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { IntegrityError, SealwrightError, type IntegrityCode } from '../../errors.ts';
import type { Commit, CommitStore, StagedBatch } from './commit-store.ts';
import { nodeFileSystem } from './file-system.ts';

const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), checkpoint TEXT NOT NULL) STRICT;
  CREATE TABLE entry (identity BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE staging (sequence INTEGER PRIMARY KEY AUTOINCREMENT, batch BLOB NOT NULL) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Primary result codes of SQLite. */
const CONFLICT_CODES: readonly number[] = [5, 6]; // BUSY, LOCKED
const CORRUPT_CODES: readonly number[] = [11, 26]; // CORRUPT, NOTADB
const CONSTRAINT_CODE = 19;

/**
 * Commits in one SQLite file. Write-ahead log with `synchronous=FULL`: every commit is one append and one fsync, and the
 * name of a new log file is synced by SQLite itself. Locked exclusively, so that the lock dies with the process.
 */
export class SqliteCommitStore implements CommitStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * @throws IntegrityError STATE_CONFLICT when another process has it open; STATE_CORRUPT when it is no database;
   *   STATE_VERSION when a later version wrote it
   */
  static async open(path: string): Promise<SqliteCommitStore> {
    const database = guarded('the commit store cannot be opened', () => new DatabaseSync(path));
    try {
      guarded('the commit store cannot be opened', () => {
        database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
        database.exec('BEGIN EXCLUSIVE');
        const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
        if (version === 0) database.exec(SCHEMA);
        else if (version !== SCHEMA_VERSION) throw wrongVersion(version);
        database.exec('COMMIT');
      });
      await nodeFileSystem.syncFolder(dirname(path));
    } catch (error) {
      database.close();
      throw error;
    }
    return new SqliteCommitStore(database);
  }

  head(): Promise<string | undefined> {
    return this.#run('the last commit cannot be read', () => this.#head());
  }

  commit(commit: Commit): Promise<number | undefined> {
    return this.#run('a batch cannot be committed', () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const sequence = this.#write(commit);
        this.#database.exec('COMMIT');
        return sequence;
      } catch (error) {
        // A failed COMMIT may have ended the transaction already; the error that counts is the first one.
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  find(identities: readonly Uint8Array[]): Promise<readonly (bigint | undefined)[]> {
    return this.#run('entries cannot be looked up', () => {
      const statement = this.#statement('SELECT position FROM entry WHERE identity = ?');
      return identities.map((identity) => {
        const position = statement.get(identity)?.['position'];
        return typeof position === 'bigint' ? position : undefined;
      });
    });
  }

  staged(): Promise<readonly StagedBatch[]> {
    return this.#run('staged batches cannot be read', () =>
      this.#statement('SELECT sequence, batch FROM staging ORDER BY sequence')
        .all()
        .map(({ sequence, batch }) => {
          if (typeof sequence !== 'bigint' || !(batch instanceof Uint8Array))
            throw corrupt('a staged batch of no bytes');
          return { sequence: Number(sequence), batch };
        }),
    );
  }

  settle(sequences: readonly number[]): Promise<void> {
    return this.#run('staged batches cannot be forgotten', () => {
      this.#forget(sequences);
    });
  }

  close(): Promise<void> {
    return this.#run('the commit store cannot be closed', () => {
      this.#database.close();
    });
  }

  #head(): string | undefined {
    const row = this.#statement('SELECT checkpoint FROM head').get();
    if (row === undefined) return undefined;
    if (typeof row['checkpoint'] !== 'string') throw corrupt('a head without a checkpoint');
    return row['checkpoint'];
  }

  #write(commit: Commit): number | undefined {
    if (this.#head() !== commit.previous) {
      throw new IntegrityError('STATE_CONFLICT', 'another writer has committed to this log', {
        expected: 'the checkpoint that this batch follows',
      });
    }
    this.#statement('INSERT INTO head VALUES (1, ?1) ON CONFLICT DO UPDATE SET checkpoint = ?1').run(commit.checkpoint);
    const insert = this.#statement('INSERT INTO entry VALUES (?, ?)');
    for (const { identity, index } of commit.identities) insert.run(identity, index);
    this.#forget(commit.settled);
    if (commit.staged === undefined) return undefined;
    const stage = this.#statement('INSERT INTO staging (batch) VALUES (?)');
    return Number(stage.run(commit.staged).lastInsertRowid);
  }

  #forget(sequences: readonly number[]): void {
    const forget = this.#statement('DELETE FROM staging WHERE sequence = ?');
    for (const sequence of sequences) forget.run(sequence);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  async #run<Value>(what: string, action: () => Value): Promise<Value> {
    return await Promise.resolve(guarded(what, action));
  }
}

function guarded<Value>(what: string, action: () => Value): Value {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof SealwrightError) throw cause;
    throw new IntegrityError(codeOf(cause), what, {
      found: cause instanceof Error ? cause.message : 'an error',
      cause,
    });
  }
}

function codeOf(cause: unknown): IntegrityCode {
  const extended = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : 0;
  const primary = extended & 0xff;
  if (CONFLICT_CODES.includes(primary)) return 'STATE_CONFLICT';
  // An identity that is there already means that the caller did not look, or that the table lies.
  return CORRUPT_CODES.includes(primary) || primary === CONSTRAINT_CODE ? 'STATE_CORRUPT' : 'STATE_UNAVAILABLE';
}

function wrongVersion(version: number): IntegrityError {
  return new IntegrityError('STATE_VERSION', 'the log was written by a version that this one does not know', {
    found: `version ${version}`,
    expected: `version ${SCHEMA_VERSION}`,
  });
}

function corrupt(found: string): IntegrityError {
  return new IntegrityError('STATE_CORRUPT', 'the commit store contradicts itself', { found });
}
