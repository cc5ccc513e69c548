import type { CommandContext } from '../grammar/command.ts';
import { variable } from '../terminal/environment.ts';
import type { Flag } from '../grammar/flag.ts';

/** For the commands that own a stack: only they find it in the working directory, because trust never comes from there. */
export const OWN_STACK_FLAG: Flag = {
  name: 'dir',
  kind: 'string',
  value: 'DIR',
  default: './.sealwright',
  help: 'folder of the stack; SEALWRIGHT_DIR says the same',
  isCommon: true,
};

export const OUTPUT_FLAG: Flag = {
  name: 'output',
  isOurs: true,
  short: 'o',
  kind: 'string',
  value: 'FORMAT',
  choices: ['text', 'json'],
  default: 'text',
  help: 'how to print',
  isCommon: true,
};

export function ownStackFolder({ flags, environment }: CommandContext): string {
  return flags.string('dir') ?? variable(environment, 'SEALWRIGHT_DIR') ?? './.sealwright';
}
