import { unreadableMemory } from '../../core/installation/installation-memory.ts';
import { UsageError } from '../../errors.ts';
import { REMEMBERED_FLAGS } from '../flags/installation-flags.ts';
import { parseFlags } from '../grammar/flag-parser.ts';
import type { FlagValues } from '../grammar/flag-values.ts';
import { shellCommand } from '../terminal/shell-word.ts';

const NAMES = REMEMBERED_FLAGS.map(({ name }) => name);

/** What an installation is to remember: each flag that was given, `--name=value`, those of a list one by one. */
export function wordsToRemember(flags: FlagValues): readonly string[] {
  return REMEMBERED_FLAGS.flatMap(({ name, kind }) => {
    if (!flags.isGiven(name)) return [];
    if (kind === 'boolean') return [`--${name}=${flags.boolean(name)}`];
    const texts = kind === 'list' ? flags.list(name) : [flags.string(name) ?? ''];
    return texts.filter((text) => text !== '').map((text) => `--${name}=${text}`);
  });
}

/**
 * What was typed, completed by what an installation remembers: a list grows by what is typed, anything else that is typed takes the place
 * of what was. What `unset` names (`NAME`, or `NAME=VALUE` for one of a list) is forgotten before.
 *
 * @throws FormatError FORMAT_INSTALLATION for a word that is no flag of an installation; UsageError USAGE_BAD_FLAG for one that is
 *   to be forgotten and was never chosen
 */
export function completedFlags(typed: FlagValues, words: readonly string[], unset: readonly string[]): FlagValues {
  checkRemembered(words);
  let kept = words;
  for (const text of unset) {
    const rest = kept.filter((word) => word !== `--${text}` && !word.startsWith(`--${text}=`));
    if (rest.length === kept.length) {
      throw new UsageError('USAGE_BAD_FLAG', '--unset names nothing that the installation was made with', {
        found: text.slice(0, 200),
        expected: [...new Set(words.map(nameOf))].join(', '),
      });
    }
    kept = rest;
  }
  return typed.completedBy(parseFlags(REMEMBERED_FLAGS, { arguments: kept, environment: {} }).values, NAMES);
}

/** @throws FormatError FORMAT_INSTALLATION */
export function checkRemembered(words: readonly string[]): void {
  for (const word of words) {
    if (!NAMES.includes(nameOf(word))) throw unreadableMemory(`--${nameOf(word)} is no flag of an installation`);
    try {
      parseFlags(REMEMBERED_FLAGS, { arguments: [word], environment: {} });
    } catch (cause) {
      throw unreadableMemory(word.slice(0, 200), cause);
    }
  }
}

/** The command that makes the same installation again. Who pastes it elsewhere has to name both files as well. */
export function installCommand(words: readonly string[], more: readonly string[] = []): string {
  return shellCommand(['sealwright', 'webhook', 'install', ...words, ...more.filter((word) => !words.includes(word))]);
}

function nameOf(word: string): string {
  return word.slice(2).split('=')[0] ?? '';
}
