/** What the demo needs of a terminal: run a real command, show it and its answer, and insist on how it ends. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const SEALWRIGHT = join(resolve(import.meta.dirname, '..'), 'bin', 'sealwright');

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class DemoFailure extends Error {}

export interface CommandExpectation {
  /** 0 when absent. */
  readonly exitCode?: number;
  /** The code that its error must have. */
  readonly errorCode?: string;
  /**
   * What of its answer is shown. `stderr` is what a person at a terminal sees of a command whose stdout is JSON for
   * programs; `nothing` is for a result that the next step uses.
   */
  readonly shows?: 'everything' | 'stderr' | 'nothing';
  /** Where a shell would have sent its stdout. */
  readonly redirectedTo?: string;
}

/** Prints a comment line between steps. */
export function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

export function show(text: string): void {
  for (const line of text.trimEnd().split('\n')) if (line !== '') process.stdout.write(`${line}\n`);
}

export function insist(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DemoFailure(what);
}

function shellWord(text: string): string {
  return /\s/.test(text) ? `'${text}'` : text;
}

/** Commands run in one folder, exactly as they are shown. */
export class DemoShell {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;

  /** @param environment on top of the process's own */
  constructor(folder: string, environment: Readonly<Record<string, string | undefined>>) {
    this.folder = folder;
    this.environment = { LC_ALL: 'C.UTF-8', ...process.env, ...environment };
  }

  /**
   * Runs `sealwright`, shows the command line and what it printed.
   *
   * @throws DemoFailure when it ends in another way than expected
   */
  async sealwright(args: readonly string[], expected: CommandExpectation = {}): Promise<Ended> {
    const { exitCode = 0, errorCode, shows = 'everything', redirectedTo } = expected;
    process.stdout.write(
      `$ sealwright ${args.map(shellWord).join(' ')}${redirectedTo === undefined ? '' : ` > ${redirectedTo}`}\n`,
    );
    const ended = await this.#run(args);
    if (shows !== 'nothing') show(ended.stderr);
    if (shows === 'everything') show(ended.stdout);
    insist(
      ended.exitCode === exitCode,
      `sealwright ${args[0] ?? ''} ended with exit code ${ended.exitCode}, expected ${exitCode}\n${ended.stderr}`,
    );
    insist(
      errorCode === undefined || new RegExp(`^${errorCode}  `, 'm').test(ended.stderr),
      `sealwright ${args[0] ?? ''} should have been refused with ${errorCode ?? ''}\n${ended.stderr}`,
    );
    if (exitCode !== 0) process.stdout.write(`(exit code ${ended.exitCode})\n`);
    return ended;
  }

  #run(args: readonly string[]): Promise<Ended> {
    return new Promise((done, reject) => {
      const child = spawn(SEALWRIGHT, args, {
        cwd: this.folder,
        env: this.environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.on('error', reject);
      child.on('close', (code) => {
        done({ exitCode: code ?? 128, stdout, stderr });
      });
    });
  }
}

/** Runs a demo in a folder of its own, which goes with it; a step that did not do what it says ends it with exit code 1. */
export async function runDemo(main: (shell: DemoShell) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-demo-'));
  try {
    // `up` notes for its user which stack to trust; the demo's is gone when it ends, so it notes that elsewhere.
    await main(new DemoShell(folder, { XDG_CONFIG_HOME: join(folder, 'config'), SEALWRIGHT_DIR: undefined }));
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    process.stderr.write(`\ndemo failed: ${error.message}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
