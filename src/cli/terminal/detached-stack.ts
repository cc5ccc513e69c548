import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { UsageError } from '../../errors.ts';
import { ReportedFailure } from './failure.ts';
import type { StackStatus } from '../../servers/stack/stack-status.ts';

/** What a stack says once, when it is ready. */
export interface StartedStack {
  readonly dir: string;
  readonly logFile: string;
  readonly status: StackStatus;
  readonly rootDigest: string;
  /** What did not work out, although the stack runs. */
  readonly warning?: string;
}

/**
 * Starts `up` in a process of its own and waits until it says that it is ready. The child tells over Node's channel, so
 * nothing has to be polled, and a child that fails tells why on its stderr.
 */
export async function startDetached(dir: string, flags: readonly string[]): Promise<StartedStack> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-up-'));
  const errors = openSync(join(folder, 'stderr'), 'w', 0o600);
  try {
    const [, start = ''] = process.argv;
    const child = spawn(process.execPath, [start, 'up', '--dir', dir, ...flags], {
      detached: true,
      stdio: ['ignore', 'ignore', errors, 'ipc'],
    });
    const started = await readyMessage(child, () => readFileSync(join(folder, 'stderr'), 'utf8'));
    child.disconnect();
    child.unref();
    return started;
  } finally {
    closeSync(errors);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Tells the process that started this one with `--detach`. @returns whether there is one */
export function reportToParent(started: StartedStack): boolean {
  if (process.send === undefined) return false;
  process.send(started);
  return true;
}

function readyMessage(child: ChildProcess, errors: () => string): Promise<StartedStack> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as StartedStack);
    });
    child.once('error', (cause) => {
      reject(new UsageError('USAGE_FILE', 'the stack cannot be started', { found: process.execPath, cause }));
    });
    child.once('exit', (code) => {
      reject(new ReportedFailure(errors().trimEnd(), code ?? 1));
    });
  });
}
