import { homedir } from 'node:os';
import { UsageError } from '../../errors.ts';
import { openSqliteEvidenceStore } from '../../servers/webhook/sqlite-evidence-store.ts';
import type { EvidenceStore } from '../../workflows/admission/stored-evidence.ts';
import type { CommandContext } from '../grammar/command.ts';
import { variable } from '../terminal/environment.ts';
import { parseAge } from '../terminal/duration.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { postgresPassword } from './postgres-password.ts';
import { isPostgresUrl, parsePostgresUrl } from './postgres-url.ts';

const PASSWORD_FLAG = 'evidence-password-file';

/**
 * Where evidence outlives the process (`--evidence`): a file of this replica's own, or a database that replicas share. A
 * database need not be there yet; what is said about it has to be right.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; IntegrityError for a file that cannot be used
 */
export async function openEvidence({ flags, environment, now }: CommandContext): Promise<EvidenceStore | undefined> {
  const text = flags.string('evidence');
  // An empty one is what a chart says where it has no database.
  const passwordFile = variable({ given: flags.string(PASSWORD_FLAG) }, 'given');
  if (text === undefined || !isPostgresUrl(text)) {
    if (passwordFile !== undefined) {
      throw new UsageError('USAGE_BAD_FLAG', `--${PASSWORD_FLAG} is for a database`, {
        expected: '--evidence postgres://USER@HOST/DATABASE as well',
      });
    }
    if (text?.includes('://') === true) {
      throw new UsageError('USAGE_BAD_FLAG', '--evidence names no database that is known here', {
        found: `${text.slice(0, text.indexOf('://'))}://…`,
        expected: 'a file, or postgres://USER@HOST/DATABASE',
      });
    }
    return text === undefined ? undefined : openSqliteEvidenceStore(text);
  }
  const url = parsePostgresUrl(text, 'evidence');
  // Read when it is needed: a Secret that is gone must not keep a webhook from starting.
  const password = (): string | undefined => postgresPassword(url, passwordFile, { environment, home: homedir() });
  const { host, port, user, database, sslMode, rootCertificateFile } = url;
  const { openPostgresEvidenceStore } = await import('../../servers/webhook/postgres-evidence-store.ts');
  const ca = rootCertificateFile === undefined ? [] : [readTextFile(rootCertificateFile)];
  return openPostgresEvidenceStore({
    connection: {
      ...{ host, port, user, database },
      password: () => Promise.resolve().then(password),
      ...(sslMode === 'disable' ? {} : { tls: { ca, checksName: sslMode === 'verify-full' } }),
    },
    now,
  });
}

/** How long a pass may rest on it. @throws UsageError USAGE_BAD_FLAG */
export function evidenceAges({ flags }: CommandContext): { maxAgeMs?: number; lastKnownMs?: number } {
  const maxAge = flags.string('evidence-max-age');
  const lastKnown = flags.string('last-known-good');
  return {
    ...(maxAge === undefined ? {} : { maxAgeMs: parseAge(maxAge, 'evidence-max-age') }),
    ...(lastKnown === undefined
      ? {}
      : { lastKnownMs: lastKnown === 'never' ? 0 : parseAge(lastKnown, 'last-known-good') }),
  };
}
