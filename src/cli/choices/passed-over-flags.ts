import type { CommandContext } from '../grammar/command.ts';

/** Says of flags that were given that cosign does not look at them here: in its mode nobody does. */
export function tellPassedOver({ flags, terminal }: CommandContext, names: readonly string[], where: string): void {
  for (const name of names.filter((flag) => flags.isGiven(flag))) {
    terminal.warn(`--${name} is passed over ${where}, as cosign does it`);
  }
}
