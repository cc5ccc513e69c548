/** Rows of the table of cosign's command line. */
import type { ParityProof, ParityRow } from './parity-table.ts';

/**
 * `same`: as with cosign, in its mode at least. `safer`: where cosign lets pass what it should not, this does not by default.
 * `refused`: known, and never done: the refusal names it. There is no fourth: what cosign has is done and proven, or refused.
 */
export type CommandVerdict = 'same' | 'safer' | 'refused';
export type CommandRow = ParityRow<CommandVerdict>;

/** A file, to name tests of. */
export function testsIn(file: string): (test: string) => ParityProof {
  return (test) => ({ file, test });
}

/** As cosign has it: `verify --key`; the command itself for an empty flag. */
export function fieldOf(command: string, flag: string): string {
  if (flag === '') return command;
  return command === '' ? `--${flag}` : `${command} --${flag}`;
}

/**
 * Rows for each flag of each command.
 *
 * @param flags with spaces between; an empty name, as in `' key sk'`, is the command itself
 */
export function rows(
  verdict: CommandVerdict,
  commands: readonly string[],
  flags: string,
  proof: ParityProof,
  how?: string,
): readonly CommandRow[] {
  return fields(commands, flags).map((field) => ({ field, verdict, proof, ...(how === undefined ? {} : { how }) }));
}

function fields(commands: readonly string[], flags: string): readonly string[] {
  return commands.flatMap((command) => flags.split(' ').map((flag) => fieldOf(command, flag)));
}
