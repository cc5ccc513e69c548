import { DatabaseSync } from 'node:sqlite';
import { IntegrityError } from '../../errors.ts';
import type { EvidenceStore } from '../../workflows/admission/stored-evidence.ts';

/** The oldest beyond this go: some hundred megabytes at most. */
const MAX_ROWS = 20_000;
const PRUNE_EVERY = 100;
/** A record from the future would never be exchanged for a younger one; clocks of processes differ by less. */
const FUTURE_MS = 600_000;

/**
 * Evidence in one SQLite file.
 *
 * @param path created when it is not there; `:memory:` keeps nothing
 * @throws IntegrityError STATE_UNAVAILABLE when it cannot be opened or written, STATE_CORRUPT when it is no such file
 */
export function openSqliteEvidenceStore(path: string, maxRows = MAX_ROWS): EvidenceStore {
  const database = attempt(path, () => {
    const opened = new DatabaseSync(path);
    // A record that a power cut takes is fetched again: no fsync for each.
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
    opened.exec(
      'CREATE TABLE IF NOT EXISTS evidence (name TEXT PRIMARY KEY, found_at INTEGER NOT NULL, text TEXT NOT NULL) STRICT;' +
        'CREATE INDEX IF NOT EXISTS evidence_by_age ON evidence (found_at)',
    );
    return opened;
  });
  const select = database.prepare('SELECT text FROM evidence WHERE name = ?');
  const insert = database.prepare(
    'INSERT INTO evidence (name, found_at, text) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE ' +
      'SET found_at = excluded.found_at, text = excluded.text ' +
      `WHERE found_at <= excluded.found_at OR found_at > excluded.found_at + ${FUTURE_MS}`,
  );
  const prune = database.prepare(
    'DELETE FROM evidence WHERE name IN (SELECT name FROM evidence ORDER BY found_at DESC, name LIMIT -1 OFFSET ?)',
  );
  let puts = 0;
  return {
    get: (name) =>
      guarded(path, () => {
        const text = select.get(name)?.['text'];
        return typeof text === 'string' ? text : undefined;
      }),
    put: (name, foundAt, text) =>
      guarded(path, () => {
        insert.run(name, foundAt.getTime(), text);
        puts++;
        if (puts % Math.min(PRUNE_EVERY, maxRows) === 0) prune.run(maxRows);
      }),
    close: () =>
      guarded(path, () => {
        if (database.isOpen) database.close();
      }),
  };
}

/** At once, whatever the promise looks like: the disk is this machine's, and a row takes less than a turn of the loop. */
function guarded<Result>(path: string, action: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    resolve(attempt(path, action));
  });
}

function attempt<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : 'an error';
    const isDamaged = /not a database|malformed|no such (table|column)/.test(words);
    throw new IntegrityError(
      isDamaged ? 'STATE_CORRUPT' : 'STATE_UNAVAILABLE',
      `the evidence in ${path} cannot be used`,
      {
        found: words,
        expected: 'a file of ours, on a disk that can be written',
        fix: isDamaged
          ? `remove ${path}: everything in it can be fetched again`
          : 'free or mount the disk, and try again',
        cause,
      },
    );
  }
}
