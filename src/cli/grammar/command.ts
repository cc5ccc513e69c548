import type { Environment } from '../terminal/environment.ts';
import type { Flag } from './flag.ts';
import type { FlagValues } from './flag-values.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What a command may know of the process it runs in. */
export interface CommandContext {
  readonly flags: FlagValues;
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly now: () => Date;
  /** cosign's behaviour to the letter, weaknesses included (`compat-mode.ts`); false is safe. */
  readonly compat: boolean;
}

export interface Command {
  /** As typed; "log fsck" is two words. */
  readonly name: string;
  readonly summary: string;
  /** What comes behind the flags, such as `IMAGE...`; empty for none. */
  readonly operands: string;
  /** How many of them there may be. */
  readonly operandCount: readonly [min: number, max: number];
  /** In cosign's mode, where that is not as strict, or stricter. */
  readonly cosignOperandCount?: readonly [min: number, max: number];
  readonly flags: readonly Flag[];
  /** Lines for help: what one types most. */
  readonly examples: readonly string[];
  /** Whether `COSIGN_NAME` sets `--name`: for the commands that cosign has. */
  readonly readsCosignVariables: boolean;
  /** What it does while one waits for it, such as `verifying`: for whoever looks on. */
  readonly work?: string;
  /** Whether it ends by itself, so that `--timeout` means something. */
  readonly isService?: true;
  readonly run: (context: CommandContext) => Promise<void>;
}
