import { openSync } from 'node:fs';
import { SealwrightError, UsageError } from '../../errors.ts';
import { recordStack } from '../../io/tuf/recorded-stack.ts';
import { createLogger } from '../../servers/shell/logger.ts';
import { StackFolder } from '../../servers/stack/stack-folder.ts';
import { startStack } from '../../servers/stack/stack.ts';
import type { CommandContext } from '../grammar/command.ts';
import { reportToParent, type StartedStack } from '../terminal/detached-stack.ts';
import { ownStackFolder } from '../flags/stack-flags.ts';
import { untilInterrupted } from '../terminal/interruption.ts';
import { announceStack } from '../report/stack-announcement.ts';
import { configFolder } from '../terminal/user-folders.ts';

const MAX_PORT = 65_535;

/** `up` itself: starts the stack, says so, serves until interrupted. */
export async function serveStack(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const host = flags.string('host');
  const port = flags.integer('port', 0, MAX_PORT);
  const folder = new StackFolder(ownStackFolder(context));
  await folder.prepare();
  const stack = await startStack({
    dir: folder.path,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    now,
    logger: createLogger({ fd: openLog(folder), name: 'sealwright' }),
  });
  try {
    const warning = await record(configFolder(environment), folder.path);
    const started: StartedStack = {
      dir: folder.path,
      logFile: folder.serverLog,
      status: stack.status,
      rootDigest: stack.rootDigest,
      ...(warning === undefined ? {} : { warning }),
    };
    if (!reportToParent(started)) {
      announceStack(terminal, started);
      terminal.progress('  stop it with Ctrl-C');
    }
    await untilInterrupted();
  } finally {
    await stack.close();
  }
}

/**
 * Notes the stack as the one that this user's commands trust. A home that cannot be written is no reason to stop: the
 * stack can still be named, and is said to need that.
 */
async function record(config: string, dir: string): Promise<string | undefined> {
  try {
    await recordStack(config, dir);
    return undefined;
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return `not noted as your stack, so name it with --dir ${dir}: ${error.code} ${error.message}`;
  }
}

/** The log of a foreground stack goes to the same file as a detached one's: the terminal is for its reader. */
function openLog(folder: StackFolder): number {
  try {
    return openSync(folder.serverLog, 'a', 0o600);
  } catch (cause) {
    throw new UsageError('USAGE_FILE', 'the log file cannot be written', { found: folder.serverLog, cause });
  }
}
