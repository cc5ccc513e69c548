import { COMMAND_NAMES, COMMANDS, findCommand } from './command-table.ts';
import { GLOBAL_FLAGS, type Flag } from './grammar/flag.ts';

/** What may stand next on a command line. */
export interface Completion {
  readonly candidates: readonly { readonly text: string; readonly about: string }[];
  /** Whether a file may stand there too. */
  readonly isFile: boolean;
}

const NO_FILE = ':4';
const FILE = ':0';

/**
 * Answers a shell, in the protocol of the command framework that cosign is written with, so that completion scripts made by
 * cosign work here and ours work there: one candidate a line, a tab, a description; the last line says whether the shell
 * should offer files.
 *
 * @param words what stands behind the program's name; the last one is being typed, and may be empty
 */
export async function completionAnswer(words: readonly string[], hasDescriptions: boolean): Promise<string> {
  const { candidates, isFile } = await complete(words);
  const lines = candidates.map(({ text, about }) => (hasDescriptions && about !== '' ? `${text}\t${about}` : text));
  return [...lines, isFile ? FILE : NO_FILE].join('\n');
}

export async function complete(words: readonly string[]): Promise<Completion> {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? '';
  const plain = before.filter((word) => !word.startsWith('-'));
  const entry = findCommand(plain.slice(0, 2).join(' ')) ?? findCommand(plain[0] ?? '');
  if (entry === undefined) return { candidates: nextWords(plain.join(' '), typed), isFile: false };
  const command = await entry.load();
  const flags = [...command.flags, ...GLOBAL_FLAGS].filter(({ deprecated }) => deprecated === undefined);
  const [name, value] = splitAtEquals(typed);
  if (value !== undefined) return valuesOf(flagNamed(flags, name), value, `${name}=`);
  const previous = flagNamed(flags, before.at(-1) ?? '');
  if (previous !== undefined && previous.kind !== 'boolean') return valuesOf(previous, typed, '');
  if (!typed.startsWith('-')) return { candidates: [], isFile: true };
  const candidates = flags.map((flag) => ({ text: `--${flag.name}`, about: flag.help }));
  return { candidates: starting(candidates, typed), isFile: false };
}

/** Words that continue a command's name: `log` before `fsck`. */
function nextWords(before: string, typed: string): Completion['candidates'] {
  const prefix = before === '' ? '' : `${before} `;
  const entries = COMMANDS.flatMap((group) => group.entries).filter(({ name }) => name.startsWith(prefix));
  const found = new Map<string, string>();
  for (const { name, summary } of entries) {
    const [word = ''] = name.slice(prefix.length).split(' ');
    found.set(word, COMMAND_NAMES.includes(`${prefix}${word}`) ? summary : '');
  }
  return starting(
    [...found].map(([text, about]) => ({ text, about })),
    typed,
  );
}

function starting(candidates: Completion['candidates'], typed: string): Completion['candidates'] {
  return candidates.filter(({ text }) => text.startsWith(typed));
}

function splitAtEquals(typed: string): readonly [name: string, value: string | undefined] {
  const at = typed.startsWith('-') ? typed.indexOf('=') : -1;
  return at === -1 ? [typed, undefined] : [typed.slice(0, at), typed.slice(at + 1)];
}

function flagNamed(flags: readonly Flag[], text: string): Flag | undefined {
  return flags.find(({ name, short }) => text === `--${name}` || (short !== undefined && text === `-${short}`));
}

function valuesOf(flag: Flag | undefined, typed: string, prefix: string): Completion {
  const choices = flag?.kind === 'boolean' ? ['true', 'false'] : (flag?.choices ?? []);
  const candidates = choices.filter((choice) => choice.startsWith(typed));
  return {
    candidates: candidates.map((choice) => ({ text: `${prefix}${choice}`, about: '' })),
    isFile: choices.length === 0,
  };
}
