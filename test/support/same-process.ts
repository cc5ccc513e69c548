/**
 * The command line without a process for each command: a hundredth of the time, for tables of many. What whole processes
 * do besides (their start, their end, their streams) is for `command-line.ts`.
 */
import assert from 'node:assert/strict';
import { fileSystem } from '../../src/cli/terminal/file-system.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import type { Ended, RunOptions, Sandbox } from './command-line.ts';
import { assertPublished } from './json-schema.ts';

const STDOUT = 1;
const STDERR = 2;

/** One command at a time: each has the working folder and the two streams to itself. Nothing is read from stdin. */
export class SameProcess {
  readonly #sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    process.chdir(sandbox.work);
  }

  async run(
    args: readonly string[],
    { environment = {} }: RunOptions = {},
    programName = 'sealwright',
  ): Promise<Ended> {
    const written = { [STDOUT]: '', [STDERR]: '' };
    const { writeSync } = fileSystem;
    const take = (descriptor: number, data: string | Uint8Array): number => {
      if (descriptor !== STDOUT && descriptor !== STDERR) return writeSync(descriptor, data as Uint8Array);
      written[descriptor] += Buffer.from(data as Uint8Array).toString();
      return Buffer.byteLength(data);
    };
    fileSystem.writeSync = take as typeof writeSync;
    try {
      const exitCode = await runCommandLine({
        arguments: args,
        environment: { PATH: process.env['PATH'], HOME: this.#sandbox.home, LC_ALL: 'C.UTF-8', ...environment },
        programName,
        isTerminal: false,
        isResultOnTerminal: false,
        exit: (code) => assert.fail(`the command ran into its deadline, ${code}`),
      });
      assertPublished(written[STDOUT]);
      return { exitCode, stdout: written[STDOUT], stderr: written[STDERR] };
    } finally {
      fileSystem.writeSync = writeSync;
    }
  }

  /** The same, for what must go well before anything can be asserted. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const ended = await this.run(args, options);
    assert.equal(ended.exitCode, 0, `${args.join(' ')}\n${ended.stderr}`);
    return ended;
  }
}
