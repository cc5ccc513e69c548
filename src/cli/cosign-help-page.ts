import type { Command } from './grammar/command.ts';
import type { CommandFamily } from './command-family.ts';
import type { CommandGroup } from './grammar/command-entry.ts';
import { GLOBAL_FLAGS, type Flag } from './grammar/flag.ts';

/** Of every command in cosign too; the other global flags are ours. */
const COSIGN_GLOBAL_FLAGS: readonly string[] = ['output-file', 'timeout', 'verbose'];

/** Pages in the shape of cosign's, for programs that read them: on stdout, with the same headings and the same flag syntax. */
export function cosignOverviewPage(groups: readonly CommandGroup[]): string {
  const entries = groups.flatMap((group) => group.entries).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const width = Math.max(...entries.map(({ name }) => name.length));
  return [
    'Container image signing, verification and storage in an OCI registry, by sealwright in the manner of cosign',
    '',
    'Usage:',
    'cosign [command]',
    '',
    'Available Commands:',
    ...entries.map(({ name, summary }) => `${name.padEnd(width)} ${summary}`),
    '',
    ...flagSection('cosign', GLOBAL_FLAGS.filter(isCosignGlobal)),
    'Use "cosign [command] --help" for more information about a command.',
  ].join('\n');
}

/** A word that only begins commands; cosign's `debug` could be run by itself, and does nothing then. */
export function cosignFamilyPage({ name, summary, entries }: CommandFamily): string {
  const lines = entries.map((entry) => ({ word: entry.name.slice(name.length + 1), summary: entry.summary }));
  const width = Math.max(11, ...lines.map(({ word }) => word.length));
  return [
    ...(name === 'debug' ? [] : [`${summary.charAt(0).toUpperCase()}${summary.slice(1)}`, '']),
    'Usage:',
    ...(name === 'debug' ? ['cosign debug [flags]'] : []),
    `cosign ${name} [command]`,
    '',
    'Available Commands:',
    ...lines.map(({ word, summary: about }) => `${word.padEnd(width)} ${about}`),
    '',
    ...flagSection(name, []),
    'Global Flags:',
    ...GLOBAL_FLAGS.filter(isCosignGlobal).map(globalLine),
    '',
    `Use "cosign ${name} [command] --help" for more information about a command.`,
  ].join('\n');
}

export function cosignCommandPage(command: Command): string {
  const flags = command.flags.filter(({ deprecated }) => deprecated === undefined);
  const examples = command.examples.map((line) => `  ${line.replace(/^sealwright /, 'cosign ')}`);
  return [
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}`,
    '',
    'Usage:',
    `cosign ${command.name} [flags]`,
    '',
    ...(examples.length === 0 ? [] : ['Examples:', ...examples, '']),
    ...flagSection(command.name, flags),
    'Global Flags:',
    ...GLOBAL_FLAGS.filter(isCosignGlobal).map(globalLine),
  ].join('\n');
}

function isCosignGlobal({ name }: Flag): boolean {
  return COSIGN_GLOBAL_FLAGS.includes(name);
}

function flagSection(about: string, flags: readonly Flag[]): readonly string[] {
  const help: Flag = { name: 'help', short: 'h', kind: 'boolean', help: `help for ${about}` };
  const sorted = [...flags, help].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return ['Flags:', ...sorted.flatMap((flag) => [`    ${syntax(flag)}:`, `\t${flag.help}`, ''])];
}

function syntax(flag: Flag): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  return `${short}--${flag.name}=${defaultText(flag)}`;
}

/** As pflag writes it: texts in quotes, everything else bare. */
function defaultText({ kind, default: assumed, name }: Flag): string {
  if (kind === 'boolean') return String(assumed === true);
  if (kind === 'list') return '[]';
  return name === 'timeout' ? String(assumed) : `'${assumed === undefined ? '' : String(assumed)}'`;
}

function globalLine(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const kind = flag.kind === 'boolean' ? '' : flag.name === 'timeout' ? ' duration' : ' string';
  return `  ${short}${`--${flag.name}${kind}`.padEnd(22)} ${flag.help}`;
}
