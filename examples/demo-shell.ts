/** What the demo needs of a terminal: run a real command, show it and its answer, and insist on how it ends. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..');
const SEALWRIGHT = join(ROOT, 'bin/sealwright');

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class DemoFailure extends Error {}

/** Prints a comment line between steps. */
export function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

export function show(text: string): void {
  for (const line of text.trimEnd().split('\n')) if (line !== '') process.stdout.write(`${line}\n`);
}

/**
 * Runs `sealwright` as a user would, shows the command line and what it printed.
 *
 * @param shown what a reader should see instead of the arguments, where those hold a token or a long path
 * @throws DemoFailure when it ends with another exit code than `exitCode`
 */
export async function sealwright(
  args: readonly string[],
  options: {
    readonly exitCode?: number;
    readonly shown?: string;
    readonly quiet?: boolean;
    readonly cwd?: string;
  } = {},
): Promise<Ended> {
  if (options.quiet !== true) process.stdout.write(`$ sealwright ${options.shown ?? args.join(' ')}\n`);
  const ended = await run(SEALWRIGHT, args, options.cwd);
  if (options.quiet !== true) {
    show(ended.stderr);
    show(ended.stdout);
  }
  const expected = options.exitCode ?? 0;
  if (ended.exitCode !== expected) {
    throw new DemoFailure(
      `sealwright ${args[0] ?? ''} ended with exit code ${ended.exitCode}, expected ${expected}\n${ended.stderr}`,
    );
  }
  if (options.quiet !== true && expected !== 0) process.stdout.write(`(exit code ${ended.exitCode})\n`);
  return ended;
}

export function insist(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DemoFailure(what);
}

function run(command: string, args: readonly string[], cwd: string | undefined): Promise<Ended> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
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
