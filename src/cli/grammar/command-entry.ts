import type { Command } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Other words for the same command. */
  readonly aliases?: readonly string[];
  /** Named on the first page without its summary, so that the page stays one screen. */
  readonly isSeldom?: true;
  readonly load: () => Promise<Command>;
}

export interface CommandGroup {
  readonly title: string;
  readonly entries: readonly CommandEntry[];
}
