import { readFileSync } from 'node:fs';
import { parseTrustedRoot } from '../../core/trust/trusted-root.ts';
import { IntegrityError } from '../../errors.ts';
import { fsckLog, type FsckReport } from '../log/fsck.ts';
import { parseSettings } from './settings.ts';
import { neverStarted, type StackFolder } from './stack-folder.ts';
import { ctOrigin, logOrigin } from './log-origin.ts';

export interface LogReport extends FsckReport {
  readonly log: 'transparency log' | 'CT log';
  /** Folder of its tiles. */
  readonly dir: string;
}

/**
 * Derives every tile of both logs from their entries and compares, by the keys that the trusted root names. Reads only, and
 * may run beside the stack.
 *
 * @throws UsageError USAGE_STACK_NOT_RUNNING when no stack was ever started here; IntegrityError when it cannot be read
 */
export async function fsckStack(folder: StackFolder): Promise<readonly LogReport[]> {
  if (!folder.exists) throw neverStarted(folder.path);
  const { host, port } = parseSettings(readFileSync(folder.settings, 'utf8'));
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const trusted = parseTrustedRoot(readFileSync(folder.trustedRoot));
  const [log] = trusted.tlogs;
  const [ct] = trusted.ctlogs;
  if (log === undefined || ct === undefined) {
    throw new IntegrityError('STATE_CORRUPT', "the stack's trusted root names no logs", { found: folder.trustedRoot });
  }
  const logDir = await folder.part('log');
  const ctDir = await folder.part('ct');
  return [
    {
      log: 'transparency log',
      dir: logDir,
      ...(await fsckLog({ dir: logDir, origin: logOrigin(url), key: log.publicKey })),
    },
    { log: 'CT log', dir: ctDir, ...(await fsckLog({ dir: ctDir, origin: ctOrigin(url), key: ct.publicKey })) },
  ];
}
