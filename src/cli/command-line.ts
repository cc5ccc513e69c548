import { LimitError, UsageError, type SealwrightError } from '../errors.ts';
import type { Command } from './command.ts';
import { COMMANDS, COMMAND_NAMES, findCommand } from './command-table.ts';
import type { Environment } from './environment.ts';
import { reportFailure } from './failure.ts';
import { parseFlags, type ParsedFlags } from './flag-parser.ts';
import { Terminal } from './terminal.ts';

/** The process, as the command line sees it. */
export interface CommandLineHost {
  readonly arguments: readonly string[];
  readonly environment: Environment;
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  readonly isResultOnTerminal: boolean;
  /** Ends the process; the only way out when a deadline has passed. */
  readonly exit: (code: number) => void;
}

const DEFAULT_TIMEOUT_MS = 180_000;

/** Runs one command line to its end. @returns the exit code; never throws */
export async function runCommandLine(host: CommandLineHost): Promise<number> {
  const plain = new Terminal({ environment: host.environment, isTerminal: host.isTerminal, quiet: false });
  try {
    return await dispatch(host, plain);
  } catch (error) {
    return reportFailure(error, plain);
  }
}

async function dispatch(host: CommandLineHost, plain: Terminal): Promise<number> {
  const [first = '--help', second = ''] = host.arguments;
  if (['--help', '-h', 'help', '--help-all', '-help'].includes(first)) {
    const { commandPage, overviewPage } = await import('./help-page.ts');
    const about = first === 'help' ? findCommand(host.arguments.slice(1).join(' ')) : undefined;
    plain.result(about === undefined ? overviewPage(COMMANDS) : commandPage(await about.load(), false));
    return 0;
  }
  if (first === '--version' || first === '-version') return run(host, 'version', 1);
  return findCommand(`${first} ${second}`) === undefined ? run(host, first, 1) : run(host, `${first} ${second}`, 2);
}

async function run(host: CommandLineHost, name: string, words: number): Promise<number> {
  const entry = findCommand(name);
  if (entry === undefined) throw await unknownCommand(name);
  const command = await entry.load();
  const parsed = parseFlags(command.flags, {
    arguments: host.arguments.slice(words),
    environment: command.readsCosignVariables ? host.environment : {},
  });
  const { values } = parsed;
  const outputFile = values.string('output-file');
  const terminal = new Terminal({
    environment: host.environment,
    isTerminal: host.isTerminal,
    isResultOnTerminal: host.isResultOnTerminal,
    quiet: values.boolean('quiet'),
    ...(outputFile === undefined ? {} : { outputFile }),
  });
  if (values.boolean('help') || values.boolean('help-all')) {
    const { commandPage } = await import('./help-page.ts');
    terminal.result(commandPage(command, values.boolean('help-all')));
    return 0;
  }
  for (const warning of parsed.warnings) terminal.warn(warning);
  await checkOperands(command, parsed);
  const deadline =
    command.isService === true ? undefined : await startDeadline(host, terminal, values.string('timeout'));
  try {
    await command.run({ flags: values, terminal, environment: host.environment, now: () => new Date() });
  } finally {
    clearTimeout(deadline);
  }
  return 0;
}

async function unknownCommand(name: string): Promise<SealwrightError> {
  const { closestName } = await import('./closest-name.ts');
  const closest = closestName(name, COMMAND_NAMES);
  return new UsageError('USAGE_BAD_FLAG', 'there is no such command', {
    found: name,
    ...(closest === undefined ? {} : { closest }),
    fix: 'sealwright --help',
  });
}

async function checkOperands(command: Command, { values }: ParsedFlags): Promise<void> {
  const [min, max] = command.operandCount;
  const count = values.arguments.length;
  if (count >= min && count <= max) return;
  const { usageLine } = await import('./help-page.ts');
  throw new UsageError('USAGE_BAD_FLAG', count < min ? 'an argument is missing' : 'there are too many arguments', {
    found: count === 0 ? 'none' : values.arguments.join(' '),
    expected: usageLine(command),
  });
}

async function startDeadline(host: CommandLineHost, terminal: Terminal, text?: string): Promise<NodeJS.Timeout> {
  const timeoutMs =
    text === undefined ? DEFAULT_TIMEOUT_MS : (await import('./duration.ts')).parseDuration(text, 'timeout');
  const expire = (): void => {
    const error = new LimitError('LIMIT_TIME', `the command did not end within ${timeoutMs / 1000} s`, {
      expected: 'an end before the deadline',
      fix: 'add --timeout with a longer time',
    });
    host.exit(reportFailure(error, terminal));
  };
  // A deadline alone must not keep a finished process alive.
  return setTimeout(expire, timeoutMs).unref();
}
