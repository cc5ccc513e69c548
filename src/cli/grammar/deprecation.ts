import type { CommandContext } from './command.ts';

/** Said by commands that cosign announces for removal: scripts that call them run, and their owners learn of it. */
export function tellDeprecated({ terminal }: CommandContext, command: string, instead: string): void {
  terminal.warn(`${command} is deprecated, as in cosign: ${instead}`);
}
