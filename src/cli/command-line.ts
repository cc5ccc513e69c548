import { LimitError, UsageError } from '../errors.ts';
import type { Command } from './grammar/command.ts';
import { isCompatWanted } from './grammar/compat-mode.ts';
import type { CommandFamily } from './command-family.ts';
import type { CommandEntry } from './grammar/command-entry.ts';
import { COMMANDS, findCommand } from './command-table.ts';
import type { Environment } from './terminal/environment.ts';
import { GLOBAL_FLAGS, type Flag } from './grammar/flag.ts';
import { reportFailure } from './terminal/failure.ts';
import { parseFlags, type ParsedFlags } from './grammar/flag-parser.ts';
import { Terminal } from './terminal/terminal.ts';

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
  let asCosign: { readonly command: string } | undefined;
  try {
    const call = readCall(host.arguments);
    const compat = isCompatWanted(host);
    if (compat) asCosign = { command: call.name };
    return await dispatch({ ...host, compat }, call, plain);
  } catch (error) {
    return reportFailure(error, plain, asCosign);
  }
}

/** The same, once it is known whose behaviour is wanted. */
interface DecidedHost extends CommandLineHost {
  readonly compat: boolean;
}

/** Which command was called, and with what. */
interface Call {
  /** Of one or two words; as typed when there is none of that name. */
  readonly name: string;
  readonly arguments: readonly string[];
  /** What stands behind the name, without the flags in front of it. */
  readonly behind: readonly string[];
}

function readCall(args: readonly string[]): Call {
  const { leading, rest } = splitLeadingFlags(args);
  const [first = '--help', second = ''] = rest;
  const isTwoWords = findCommand(`${first} ${second}`) !== undefined;
  const name = first === '--version' || first === '-version' ? 'version' : isTwoWords ? `${first} ${second}` : first;
  const behind = rest.slice(isTwoWords ? 2 : 1);
  return { name, arguments: [...leading, ...behind], behind };
}

async function dispatch(host: DecidedHost, call: Call, plain: Terminal): Promise<number> {
  if (['--help', '-h', 'help', '--help-all', '-help'].includes(call.name)) {
    const about = call.name === 'help' ? call.behind.join(' ') : '';
    const { findFamily } = await import('./command-family.ts');
    const family = findFamily(about);
    plain.result(await (family === undefined ? helpPage(host, findCommand(about)) : familyHelpPage(host, family)));
    return 0;
  }
  if (call.name === '__complete' || call.name === '__completeNoDesc') {
    const { completionAnswer } = await import('./completion.ts');
    plain.result(await completionAnswer(call.behind, call.name === '__complete'));
    return 0;
  }
  return run(host, call);
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

async function run(host: DecidedHost, { name, arguments: args }: Call): Promise<number> {
  const entry = findCommand(name);
  if (entry === undefined) return runFamily(host, name, args);
  const command = await entry.load();
  const parsed = parseFlags(command.flags, {
    arguments: args,
    environment: command.readsCosignVariables ? host.environment : {},
    compat: host.compat,
  });
  const { values } = parsed;
  const outputFile = values.string('output-file');
  const terminal = new Terminal({
    environment: host.environment,
    isTerminal: host.isTerminal,
    isResultOnTerminal: host.isResultOnTerminal,
    quiet: values.boolean('quiet'),
    compat: host.compat,
    ...(outputFile === undefined ? {} : { outputFile }),
  });
  if (values.boolean('help') || values.boolean('help-all')) {
    terminal.result(await helpPage(host, entry, values.boolean('help-all')));
    return 0;
  }
  for (const { text, cosign } of parsed.warnings) {
    if (host.compat) terminal.note(cosign);
    else terminal.warn(text);
  }
  await checkOperands(command, parsed, host.compat);
  if (values.boolean('verbose')) {
    const { traceHttp } = await import('./terminal/http-trace.ts');
    traceHttp((line) => {
      terminal.note(line);
    });
  }
  const deadline =
    command.isService === true ? undefined : await startDeadline(host, name, terminal, values.string('timeout'));
  const endSpinner = await spinnerFor(host, command, parsed, terminal);
  try {
    const { environment, compat } = host;
    await command.run({ flags: values, terminal, environment, compat, now: () => new Date() });
  } finally {
    endSpinner();
    clearTimeout(deadline);
  }
  return 0;
}

/** @returns ends it; loaded only where somebody could see it */
async function spinnerFor(
  { isTerminal, environment, compat }: DecidedHost,
  { work }: Command,
  { values }: ParsedFlags,
  terminal: Terminal,
): Promise<() => void> {
  if (!isTerminal || work === undefined) return () => undefined;
  const { isSpinnerShown, startSpinner } = await import('./terminal/spinner.ts');
  const setting = { quiet: values.boolean('quiet'), verbose: values.boolean('verbose'), arguments: values.arguments };
  if (!isSpinnerShown({ ...setting, isTerminal, environment, compat })) return () => undefined;
  return startSpinner(work, terminal.isUtf8, (text) => {
    terminal.draw(text);
  });
}

/** A word that only begins commands lists them: any word behind it is one that it does not begin. */
async function runFamily(host: DecidedHost, name: string, args: readonly string[]): Promise<number> {
  const { findFamily, unknownCommand } = await import('./command-family.ts');
  const family = findFamily(name);
  if (family === undefined) throw unknownCommand(name);
  const { environment, isTerminal, compat } = host;
  if (compat && family.deprecatedInCosign !== undefined) {
    const terminal = new Terminal({ environment, isTerminal, quiet: false });
    terminal.note(`Command "${name}" is deprecated, and leaves cosign in v4: ${family.deprecatedInCosign}`);
  }
  const { values } = parseFlags([], { arguments: args, environment: {}, compat });
  // cosign answers a word that it does not know with the page, and exit code 0.
  const [word] = values.arguments;
  if (word !== undefined && !compat) throw unknownCommand(`${name} ${word}`);
  const outputFile = values.string('output-file');
  new Terminal({
    environment,
    isTerminal,
    quiet: false,
    ...(outputFile === undefined ? {} : { outputFile }),
  }).result(await familyHelpPage(host, family));
  return 0;
}

async function familyHelpPage({ compat }: DecidedHost, family: CommandFamily): Promise<string> {
  if (compat) return (await import('./cosign-help-page.ts')).cosignFamilyPage(family);
  return (await import('./help-page.ts')).familyPage(family);
}

/** @param about undefined for the overview */
async function helpPage({ compat }: DecidedHost, about: CommandEntry | undefined, isComplete = false): Promise<string> {
  if (compat) {
    const { cosignCommandPage, cosignOverviewPage } = await import('./cosign-help-page.ts');
    return about === undefined ? cosignOverviewPage(COMMANDS) : cosignCommandPage(await about.load());
  }
  const { commandPage, overviewPage } = await import('./help-page.ts');
  return about === undefined ? overviewPage(COMMANDS) : commandPage(await about.load(), isComplete);
}

async function checkOperands(command: Command, { values }: ParsedFlags, compat: boolean): Promise<void> {
  const [min, max] = (compat ? command.cosignOperandCount : undefined) ?? command.operandCount;
  const count = values.arguments.length;
  if (count >= min && count <= max) return;
  const { usageLine } = await import('./help-page.ts');
  throw new UsageError('USAGE_BAD_FLAG', count < min ? 'an argument is missing' : 'there are too many arguments', {
    found: count === 0 ? 'none' : values.arguments.join(' '),
    expected: usageLine(command),
    details: { cosign: cobraCountError(count, min, max) },
  });
}

/** How the command framework of cosign's complains of a number of arguments. */
function cobraCountError(count: number, min: number, max: number): string {
  if (min === max) return `accepts ${min} arg(s), received ${count}`;
  if (count < min) return `requires at least ${min} arg(s), only received ${count}`;
  return `accepts at most ${max} arg(s), received ${count}`;
}

async function startDeadline(
  host: DecidedHost,
  command: string,
  terminal: Terminal,
  text?: string,
): Promise<NodeJS.Timeout> {
  const timeoutMs =
    text === undefined ? DEFAULT_TIMEOUT_MS : (await import('./terminal/duration.ts')).parseDuration(text, 'timeout');
  const expire = (): void => {
    const error = new LimitError('LIMIT_TIME', `the command did not end within ${timeoutMs / 1000} s`, {
      expected: 'an end before the deadline',
      fix: 'add --timeout with a longer time',
    });
    host.exit(reportFailure(error, terminal, host.compat ? { command } : undefined));
  };
  // A deadline alone must not keep a finished process alive.
  return setTimeout(expire, timeoutMs).unref();
}
