/** A real kube-apiserver with etcd (tools/kube) for one test, and kubectl to talk to it. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { peer } from './peers.ts';

const TOOLS = resolve(import.meta.dirname, '../../tools/kube');
const run = promisify(execFile);

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class KubeCluster {
  readonly kubeconfig: string;
  readonly #kubectl: string;
  readonly #dir: string;

  readonly #more: Readonly<Record<string, string>>;

  private constructor(dir: string, kubectl: string, more: Readonly<Record<string, string>>) {
    this.#dir = dir;
    this.#more = more;
    this.kubeconfig = join(dir, 'kubeconfig');
    this.#kubectl = kubectl;
  }

  /** Undefined, and the test skipped aloud, when a peer is missing. Stops with the test. */
  static async start(t: TestContext, { controllers = false } = {}): Promise<KubeCluster | undefined> {
    if (controllers && peer(t, 'kube-controller-manager') === undefined) return undefined;
    const kubectl = peer(t, 'kubectl');
    if (kubectl === undefined || peer(t, 'etcd') === undefined || peer(t, 'kube-apiserver') === undefined) {
      return undefined;
    }
    const dir = mkdtempSync(join(tmpdir(), 'sealwright-kube-'));
    t.after(async () => {
      await run(join(TOOLS, 'stop'), [dir, '--purge']);
      rmSync(dir, { recursive: true, force: true });
    });
    const more: Readonly<Record<string, string>> = controllers ? { CONTROLLERS: '1', DISABLE_PLUGINS: '' } : {};
    await run(join(TOOLS, 'start'), [dir], { env: { ...process.env, ...more } });
    return new KubeCluster(dir, kubectl, more);
  }

  /** Ends everything that runs, and starts it again with what it had stored; the API server's port is another one. */
  async restart(): Promise<void> {
    await this.halt();
    await this.resume();
  }

  /** The first half of a restart: until the other one, nobody answers. */
  async halt(): Promise<void> {
    await run(join(TOOLS, 'stop'), [this.#dir]);
  }

  async resume(): Promise<void> {
    await run(join(TOOLS, 'start'), [this.#dir], { env: { ...process.env, ...this.#more, KEEP: '1' } });
  }

  /** File with the authority that its API server's certificate is from. */
  get authority(): string {
    return join(this.#dir, 'pki', 'ca.crt');
  }

  /** URL of its API server. */
  async server(): Promise<string> {
    return this.must(['config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}']);
  }

  kubectl(args: readonly string[], stdin = ''): Promise<Ended> {
    return new Promise((done, reject) => {
      const flags = ['--kubeconfig', this.kubeconfig, '--cache-dir', join(this.#dir, 'kcache')];
      const child = spawn(this.#kubectl, [...flags, ...args], { stdio: 'pipe' });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.on('error', reject);
      child.on('close', (code) => {
        done({ exitCode: code ?? 128, stdout, stderr });
      });
      child.stdin.end(stdin);
    });
  }

  /** kubectl that has to succeed. @returns what it printed */
  async must(args: readonly string[], stdin?: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.kubectl(args, stdin);
    if (exitCode === 0) return stdout;
    throw new Error(`kubectl ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  }

  async create(object: object): Promise<void> {
    await this.must(['create', '-f', '-'], JSON.stringify(object));
  }

  /** Creates what has to be refused. @returns kubectl's message */
  async refused(object: object, verb = 'create'): Promise<string> {
    const { exitCode, stdout, stderr } = await this.kubectl([verb, '-f', '-'], JSON.stringify(object));
    if (exitCode !== 0) return stderr;
    throw new Error(`not refused: ${stdout}`);
  }

  async read(kind: string, name: string): Promise<Record<string, unknown>> {
    const text = await this.must(['get', kind, name, '-n', 'shop', '-o', 'json']);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Asks again and again, as what the API server is told takes effect some milliseconds later. */
  async eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) if (await holds()) return;
    throw new Error(`never came true: ${what}`);
  }
}
