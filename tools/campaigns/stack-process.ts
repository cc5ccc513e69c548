/** The whole stack as a process of its own, started as users start it, and ended as they hope it never is. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { readRunningRecord } from '../../src/servers/stack/running-record.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

export class StackProcess {
  readonly url: string;
  readonly #pid: number;
  readonly #exited: Promise<void>;

  private constructor(pid: number, exited: Promise<void>, url: string) {
    this.#pid = pid;
    this.#exited = exited;
    this.url = url;
  }

  /** @param wrap a command that runs it, such as `strace`; @throws Error with the stack's own words when it ends instead */
  static async start(dir: string, wrap: readonly string[] = []): Promise<StackProcess> {
    const [command, ...args] = [...wrap, join(ROOT, 'bin/sealwright'), 'up', '--dir', dir, '--port', '0'];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ownHome(dir) });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(String(chunk)));
    const exited = new Promise<void>((settle) =>
      child.once('close', () => {
        settle();
      }),
    );
    const http = new HttpClient({ retry: { retries: 0 } });
    try {
      for (let waited = 0; waited < PATIENCE_MS && child.exitCode === null; waited += POLL_MS) {
        // The record of a process that was killed stays behind until the next one replaces it.
        if (output.join('').includes('stack ready')) {
          const record = readRunningRecord(join(dir, 'running.json'));
          if (record === undefined) throw new Error('the stack is ready and has no record');
          await http.request({ url: `${record.url}/readyz` });
          return new StackProcess(record.pid, exited, record.url);
        }
        await sleep(POLL_MS);
      }
      throw new Error('the stack does not come up');
    } catch (cause) {
      child.kill('SIGKILL');
      await exited;
      throw new Error(`the stack did not start:\n${output.join('')}`, { cause });
    } finally {
      http.close();
    }
  }

  /** `kill -9`, and gone. */
  async kill(): Promise<void> {
    process.kill(this.#pid, 'SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    process.kill(this.#pid, 'SIGINT');
    await this.#exited;
  }
}

/** `up` records the stack for its user; a campaign must not become the user's stack. */
function ownHome(dir: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: join(dir, 'home'), XDG_CONFIG_HOME: join(dir, 'home/.config') };
}
