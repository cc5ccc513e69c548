/** The real webhook, in a process of its own, over HTTPS with a certificate of its own making. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DemoFailure, SEALWRIGHT, show, type DemoShell } from './demo-shell.ts';

export class DemoWebhook {
  /** For mutating reviews. */
  readonly url: string;
  /** What the API server would be told to trust, PEM. */
  readonly ca: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string, ca: string) {
    this.#process = process;
    this.url = url;
    this.ca = ca;
  }

  /** @param tls folder of its certificate. @throws DemoFailure when it ends instead of listening */
  static async start(shell: DemoShell, flags: readonly string[], tls = 'webhook'): Promise<DemoWebhook> {
    const args = ['webhook', ...flags, '--port', '0', '--self-signed', tls];
    process.stdout.write(`$ sealwright ${args.join(' ')} &\n`);
    const child = spawn(SEALWRIGHT, args, {
      cwd: shell.folder,
      env: shell.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = await firstLine(child);
    show(output);
    const [origin = ''] = /https:\/\/\S+/.exec(output) ?? [];
    return new DemoWebhook(child, `${origin}/mutate`, readFileSync(join(shell.folder, tls, 'ca.pem'), 'utf8'));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}

/** What it prints when it is ready. Its log goes to stderr, and is told only when it fails. */
function firstLine(child: ReturnType<typeof spawn>): Promise<string> {
  let output = '';
  let log = '';
  return new Promise((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('\n')) resolve(output);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
    child.on('error', reject);
    child.on('exit', (code) => {
      reject(new DemoFailure(`the webhook ended with exit code ${code ?? 'none'}:\n${log}`));
    });
  });
}
