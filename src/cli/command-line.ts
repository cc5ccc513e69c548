import { LimitError, UsageError, type SealwrightError } from '../errors.ts';
import type { Command } from './command.ts';
import { isCompatWanted } from './compat-mode.ts';
import { COMMANDS, COMMAND_NAMES, findCommand } from './command-table.ts';
import type { Environment } from './environment.ts';
import { GLOBAL_FLAGS, type Flag } from './flag.ts';
import { reportFailure } from './failure.ts';
import { parseFlags, type ParsedFlags } from './flag-parser.ts';
import { Terminal } from './terminal.ts';

/** The process, as the command line sees it. */
export interface CommandLineHost {
  readonly arguments: readonly string[];
  readonly environment: Environment;
  /** What the program was called as, without folder: `cosign` means to be cosign. */
  readonly programName: string;
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
  let compat = false;
  try {
    compat = isCompatWanted(host);
    return await dispatch({ ...host, compat }, plain);
  } catch (error) {
    return reportFailure(error, plain, compat);
  }
}

/** The same, once it is known whose behaviour is wanted. */
interface DecidedHost extends CommandLineHost {
  readonly compat: boolean;
}

async function dispatch(host: DecidedHost, plain: Terminal): Promise<number> {
  const { leading, rest } = splitLeadingFlags(host.arguments);
  const [first = '--help', second = ''] = rest;
  if (['--help', '-h', 'help', '--help-all', '-help'].includes(first)) {
    const { commandPage, overviewPage } = await import('./help-page.ts');
    const about = first === 'help' ? findCommand(rest.slice(1).join(' ')) : undefined;
    plain.result(about === undefined ? overviewPage(COMMANDS) : commandPage(await about.load(), false));
    return 0;
  }
  if (first === '--version' || first === '-version') return run(host, 'version', [...leading, ...rest.slice(1)]);
  const isTwoWords = findCommand(`${first} ${second}`) !== undefined;
  const args = [...leading, ...rest.slice(isTwoWords ? 2 : 1)];
  return run(host, isTwoWords ? `${first} ${second}` : first, args);
}

/** What every command understands may stand in front of it: `sealwright --compat cosign verify …`. */
function splitLeadingFlags(args: readonly string[]): { leading: readonly string[]; rest: readonly string[] } {
  let index = 0;
  for (let flag = leadingFlag(args[0]); flag !== undefined; flag = leadingFlag(args[index])) {
    index += flag.kind === 'boolean' || args[index]?.includes('=') === true ? 1 : 2;
  }
  return { leading: args.slice(0, index), rest: args.slice(index) };
}

function leadingFlag(text = ''): Flag | undefined {
  const [name] = text.split('=', 1);
  const flag = GLOBAL_FLAGS.find((candidate) => name === `--${candidate.name}` || name === `-${candidate.short ?? ''}`);
  return flag?.name.startsWith('help') === true ? undefined : flag;
}

async function run(host: DecidedHost, name: string, args: readonly string[]): Promise<number> {
  const entry = findCommand(name);
  if (entry === undefined) throw await unknownCommand(name);
  const command = await entry.load();
  const parsed = parseFlags(command.flags, {
    arguments: args,
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
    const { environment, compat } = host;
    await command.run({ flags: values, terminal, environment, compat, now: () => new Date() });
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

async function startDeadline(host: DecidedHost, terminal: Terminal, text?: string): Promise<NodeJS.Timeout> {
  const timeoutMs =
    text === undefined ? DEFAULT_TIMEOUT_MS : (await import('./duration.ts')).parseDuration(text, 'timeout');
  const expire = (): void => {
    const error = new LimitError('LIMIT_TIME', `the command did not end within ${timeoutMs / 1000} s`, {
      expected: 'an end before the deadline',
      fix: 'add --timeout with a longer time',
    });
    host.exit(reportFailure(error, terminal, host.compat));
  };
  // A deadline alone must not keep a finished process alive.
  return setTimeout(expire, timeoutMs).unref();
}
