import { findFamily } from '../../src/cli/command-family.ts';
import { findCommand } from '../../src/cli/command-table.ts';
import { GLOBAL_FLAGS } from '../../src/cli/grammar/flag.ts';
import type { CommandRow } from './command-rows.ts';
import { ALL_ROWS } from './rows/all-rows.ts';

/** `verify --key` in its two parts; no flag for the command itself, no command for a flag of all. */
export function partsOf({ field }: CommandRow): { readonly command: string; readonly flag: string } {
  const [command = '', flag = ''] = field.startsWith('--') ? ['', field.slice(2)] : field.split(' --');
  return { command, flag };
}

async function isAccepted({ command, flag }: { readonly command: string; readonly flag: string }): Promise<boolean> {
  if (command === '') return GLOBAL_FLAGS.some(({ name }) => name === flag);
  if (flag === '' && findFamily(command) !== undefined) return true;
  const entry = findCommand(command);
  if (entry === undefined || flag === '') return entry !== undefined;
  return (await entry.load()).flags.some(({ name, aliases = [] }) => name === flag || aliases.includes(flag));
}

/**
 * Rows that say that there is what there is not, or the other way round.
 *
 * @returns one line each, with what to do
 */
export async function contradictedRows(): Promise<readonly string[]> {
  const contradictions: string[] = [];
  for (const row of ALL_ROWS) {
    const accepted = await isAccepted(partsOf(row));
    // What is refused need not be declared: an unknown word is refused too.
    if (row.verdict !== 'refused' && !accepted) {
      contradictions.push(`${row.field} is not there: its row in test/parity/rows says "${row.verdict}"`);
    }
  }
  return contradictions;
}
