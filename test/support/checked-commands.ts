/** Commands that have to end as they should, for tests of many steps: each failure shows what the command said. */
import assert from 'node:assert/strict';
import { errorCode, type Ended, type Sandbox } from './command-line.ts';

export interface CheckedCommands {
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  /** Ends with 0. */
  readonly done: (...args: readonly string[]) => Promise<Ended>;
  readonly refused: (code: string, exitCode: number, ...args: readonly string[]) => Promise<Ended>;
}

export function checkedCommands(sandbox: Sandbox, environment: Readonly<Record<string, string>>): CheckedCommands {
  const run: CheckedCommands['run'] = (...args) => sandbox.run(args, { environment });
  return {
    run,
    done: async (...args) => {
      const ended = await run(...args);
      assert.equal(ended.exitCode, 0, ended.stderr);
      return ended;
    },
    refused: async (code, exitCode, ...args) => {
      const ended = await run(...args);
      assert.equal(errorCode(ended), code, ended.stderr);
      assert.equal(ended.exitCode, exitCode);
      return ended;
    },
  };
}
