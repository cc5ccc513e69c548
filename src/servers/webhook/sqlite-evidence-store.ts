import { DatabaseSync } from 'node:sqlite';
import { IntegrityError } from '../../errors.ts';
import type { EvidenceStore } from '../../workflows/stored-evidence.ts';

/** The oldest beyond this go: some hundred megabytes at most. */
const MAX_ROWS = 20_000;
const PRUNE_EVERY = 100;

/**
 * Evidence in one SQLite file.
 *
 * @param path created when it is not there; `:memory:` keeps nothing
 * @throws IntegrityError STATE_UNAVAILABLE when it cannot be opened or written, STATE_CORRUPT when it is no such file
 */
export function openEvidenceStore(path: string, maxRows = MAX_ROWS): EvidenceStore {
  const database = guarded(path, () => {
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
  const insert = database.prepare('INSERT OR REPLACE INTO evidence (name, found_at, text) VALUES (?, ?, ?)');
  const prune = database.prepare(
    'DELETE FROM evidence WHERE found_at < (SELECT found_at FROM evidence ORDER BY found_at DESC LIMIT 1 OFFSET ?)',
  );
  let puts = 0;
  return {
    get: (name) => {
      const text = guarded(path, () => select.get(name))?.['text'];
      return typeof text === 'string' ? text : undefined;
    },
    put: (name, foundAt, text) => {
      guarded(path, () => insert.run(name, foundAt.getTime(), text));
      puts++;
      if (puts % Math.min(PRUNE_EVERY, maxRows) === 0) guarded(path, () => prune.run(maxRows - 1));
    },
    close: () => {
      database.close();
    },
  };
}

function guarded<Result>(path: string, action: () => Result): Result {
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
