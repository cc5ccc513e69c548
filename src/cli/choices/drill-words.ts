import { existsSync } from 'node:fs';
import { isDrillWord } from '../../core/revocation/drill-record.ts';
import { REPEATED_FLAGS } from '../flags/repeated-flags.ts';
import type { CommandContext } from '../grammar/command.ts';

const TOKEN = /^--(?:canary-)?identity-token=(.*)$/;

/** What was said to a drill, to be said again to the next one: where keys and tokens are, and never one of them. */
export function drillWords({ flags }: Pick<CommandContext, 'flags'>): readonly string[] {
  return flags.words(REPEATED_FLAGS.drill).filter((word) => isDrillWord(word) && !isSecret(word));
}

/** A token that is no file is the token itself; a URL may hold a password, or a signature in what follows its question mark. */
function isSecret(word: string): boolean {
  const token = TOKEN.exec(word)?.[1];
  if (token !== undefined) return !existsSync(token);
  const value = word.slice(word.indexOf('=') + 1);
  if (!/^https?:/i.test(value)) return false;
  return !URL.canParse(value) || /[@?]/.test(value);
}
