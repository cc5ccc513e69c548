import type { Command } from './grammar/command.ts';
import type { CommandFamily } from './command-family.ts';
import type { CommandGroup } from './grammar/command-entry.ts';
import { GLOBAL_FLAGS, type Flag } from './grammar/flag.ts';

const INDENT = '  ';

/** The first page: what there is, in one screen. */
export function overviewPage(groups: readonly CommandGroup[]): string {
  const common = groups.flatMap(({ entries }) => entries).filter(({ isSeldom }) => isSeldom !== true);
  const width = Math.max(...common.map(({ name }) => name.length));
  const sections = groups.map(({ title, entries }) => {
    const seldom = entries.filter(({ isSeldom }) => isSeldom === true).map(({ name }) => name);
    return [
      `${title}:`,
      ...entries
        .filter((entry) => common.includes(entry))
        .map(({ name, summary }) => line(name.padEnd(width), summary)),
      ...(seldom.length === 0 ? [] : [line('also'.padEnd(width), seldom.join(', '))]),
    ].join('\n');
  });
  return [
    'sealwright signs container images keylessly, logs every signature, verifies them.',
    '',
    'Usage: sealwright COMMAND [flags] [arguments]',
    '',
    sections.join('\n\n'),
    '',
    'sealwright COMMAND --help tells about one of them.',
  ].join('\n');
}

/** What a word begins that is no command by itself. */
export function familyPage({ name, summary, entries }: CommandFamily): string {
  const width = Math.max(...entries.map((entry) => entry.name.length));
  return [
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    `Usage: sealwright ${name} COMMAND [flags] [arguments]`,
    '',
    'Commands:',
    ...entries.map((entry) => line(entry.name.padEnd(width), entry.summary)),
    '',
    `sealwright ${name} COMMAND --help tells about one of them.`,
  ].join('\n');
}

function line(name: string, text: string): string {
  return `${INDENT}${name}  ${text}`;
}

/** @param isComplete every flag, instead of those that one needs */
export function commandPage(command: Command, isComplete: boolean): string {
  const shown = command.flags.filter((flag) => flag.deprecated === undefined && (isComplete || flag.isCommon === true));
  const globals = isComplete ? GLOBAL_FLAGS : GLOBAL_FLAGS.filter(({ name }) => name.startsWith('help'));
  return [
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    '',
    `Usage: ${usageLine(command)}`,
    ...(command.examples.length === 0 ? [] : ['', 'Examples:', ...command.examples.map((line) => `${INDENT}${line}`)]),
    '',
    'Flags:',
    ...flagLines([...shown, ...globals]),
  ].join('\n');
}

export function usageLine(command: Command): string {
  return ['sealwright', command.name, '[flags]', command.operands].filter((word) => word !== '').join(' ');
}

function flagLines(flags: readonly Flag[]): readonly string[] {
  const rows = flags.map((flag) => ({ left: flagSyntax(flag), right: flagText(flag) }));
  const width = Math.min(38, Math.max(...rows.map(({ left }) => left.length)));
  return rows.map(({ left, right }) => `${INDENT}${left.padEnd(width)}  ${right}`);
}

export function flagSyntax(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${short}--${flag.name}${flag.kind === 'boolean' ? '' : ` ${flag.value ?? 'VALUE'}`}`;
}

/** Help with what is assumed and what is possible. */
export function flagText(flag: Flag): string {
  const choices = flag.choices === undefined ? '' : ` (${flag.choices.join(', ')})`;
  const assumed = flag.default === undefined ? '' : ` [${flag.default === true ? 'true' : flag.default}]`;
  return `${flag.help}${choices}${assumed}`;
}
