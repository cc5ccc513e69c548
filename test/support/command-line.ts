/** The command line as its users run it: whole processes through `bin/sealwright`, in a home of their own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assertPublished } from './json-schema.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
export const SEALWRIGHT = join(ROOT, 'bin', 'sealwright');

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
}

/** A temporary home and working folder. Nothing of the user's own is seen: no configuration, no credentials, no stack. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'sealwright-cli-'));
  readonly home = join(this.folder, 'home');
  readonly work = join(this.folder, 'work');

  constructor() {
    mkdirSync(this.home, { mode: 0o700 });
    mkdirSync(this.work);
  }

  path(name: string): string {
    return join(this.work, name);
  }

  /** A file in the working folder. @returns its name */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return name;
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = spawn(SEALWRIGHT, args, {
      cwd: options.cwd ?? this.work,
      env: {
        PATH: process.env['PATH'],
        HOME: this.home,
        LC_ALL: 'C.UTF-8',
        // Compiled code is not what is tested, and need not be made anew for every home.
        XDG_CACHE_HOME: join(ROOT, 'node_modules', '.cache'),
        ...options.environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A command that refuses early does not read its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const ended = await new Promise<Ended>((done, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        done({ exitCode: code ?? 128, stdout, stderr });
      });
    });
    assertPublished(ended.stdout);
    return ended;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface StackStatus {
  readonly pid: number;
  readonly url: string;
  readonly registry: string;
  readonly issuer: string;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  readonly tuf: { readonly mirror: string; readonly root: string };
}

/** A running stack of a sandbox, on a free port, with what its users need. */
export class SandboxStack {
  readonly sandbox: Sandbox;
  readonly dir: string;
  readonly status: StackStatus;

  private constructor(sandbox: Sandbox, dir: string, status: StackStatus) {
    this.sandbox = sandbox;
    this.dir = dir;
    this.status = status;
  }

  static async start(sandbox: Sandbox, name = 'stack'): Promise<SandboxStack> {
    const dir = sandbox.path(name);
    const up = await sandbox.run(['up', '--detach', '--dir', dir, '--port', '0']);
    if (up.exitCode !== 0) throw new Error(`the stack did not start:\n${up.stderr}`);
    const status = await sandbox.run(['status', '--dir', dir, '-o', 'json']);
    return new SandboxStack(sandbox, dir, JSON.parse(status.stdout) as StackStatus);
  }

  async token(email: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.sandbox.run(['dev-token', '--dir', this.dir, '--email', email]);
    if (exitCode !== 0) throw new Error(`no token:\n${stderr}`);
    return stdout.trim();
  }

  async stop(): Promise<void> {
    await this.sandbox.run(['down', '--dir', this.dir]);
  }
}

/** The last failure's code: the first word of the error contract's text. */
export function errorCode({ stderr }: Ended): string {
  return /^([A-Z][A-Z0-9_]+) {2}/m.exec(stderr)?.[1] ?? '';
}
