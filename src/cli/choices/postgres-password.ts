import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { variable, type Environment } from '../terminal/environment.ts';
import { readTextFile } from '../terminal/input-file.ts';
import type { PostgresUrl } from './postgres-url.ts';

/** Readable by its owner alone, or libpq ignores it (§34.16). */
const OTHERS = 0o077;

/**
 * The password for a connection, read anew each time: from the file that was named, PGPASSWORD, or the password file of libpq
 * (PGPASSFILE, `~/.pgpass`). Undefined where nobody gives one: a server may know by other means who asks.
 *
 * @param file of `--…-password-file`: the password, and perhaps a line feed
 * @param home where `.pgpass` is looked for
 * @throws UsageError USAGE_FILE, USAGE_BAD_CONFIG for a password file that others may read
 */
export function postgresPassword(
  url: PostgresUrl,
  file: string | undefined,
  { environment, home }: { readonly environment: Environment; readonly home: string },
): string | undefined {
  if (file !== undefined) return readTextFile(file).replace(/\r?\n$/, '');
  const given = variable(environment, 'PGPASSWORD');
  if (given !== undefined) return given;
  const named = variable(environment, 'PGPASSFILE');
  const path = named ?? join(home, '.pgpass');
  if (named === undefined && !existsSync(path)) return undefined;
  const text = readTextFile(path);
  if ((statSync(path).mode & OTHERS) !== 0) {
    throw new UsageError('USAGE_BAD_CONFIG', `${path} can be read by others`, {
      expected: 'a password file that its owner alone can read',
      fix: `chmod 600 ${path}`,
    });
  }
  return passwordIn(text, url);
}

/** The first line whose `host:port:database:user` fits; `*` is anything, and a backslash takes the meaning of what follows. */
export function passwordIn(text: string, { host, port, database, user }: PostgresUrl): string | undefined {
  const wanted = [host.startsWith('/') ? 'localhost' : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/(?:^|:)((?:\\.|[^\\:])*)/g)].map(([, field = '']) => field);
    const fits = wanted.every((value, index) => {
      const field = fields[index];
      return field === '*' || (field !== undefined && unescaped(field) === value);
    });
    if (fits && fields.length > wanted.length) return unescaped(fields[wanted.length] ?? '');
  }
  return undefined;
}

function unescaped(field: string): string {
  return field.replaceAll(/\\(.)/g, '$1');
}
