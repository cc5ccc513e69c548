/** A real kube-apiserver on this machine (tools/kube), and `kubectl` as a person would use it. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { DemoFailure, insist, show } from './demo-shell.ts';

const ROOT = resolve(import.meta.dirname, '..');

export class DemoCluster {
  readonly #dir: string;
  readonly #kubectl: string;

  private constructor(dir: string, kubectl: string) {
    this.#dir = dir;
    this.#kubectl = kubectl;
  }

  /** @throws DemoFailure when a part is not installed, with the command that installs it */
  static async start(dir: string): Promise<DemoCluster> {
    const kubectl = await must(join(ROOT, 'tools/peers'), ['path', 'kubectl']);
    await must(join(ROOT, 'tools/kube/start'), [dir]);
    return new DemoCluster(dir, kubectl.trim());
  }

  /** For whoever else has to speak to it. */
  get kubeconfig(): string {
    return join(this.#dir, 'kubeconfig');
  }

  async stop(): Promise<void> {
    await must(join(ROOT, 'tools/kube/stop'), [this.#dir, '--purge']);
  }

  /** Creates objects without showing them. */
  async create(...objects: readonly object[]): Promise<void> {
    for (const object of objects) await must(this.#kubectl, this.#flags(['create', '-f', '-']), JSON.stringify(object));
  }

  /**
   * Shows the command, its input and what came of it.
   *
   * @throws DemoFailure when it ends in another way than expected
   */
  async run(
    args: readonly string[],
    expected: { readonly refusedWith?: string; readonly stdin?: string } = {},
  ): Promise<string> {
    process.stdout.write(`$ kubectl ${args.join(' ')}${expected.stdin === undefined ? '' : ` <<'END'`}\n`);
    if (expected.stdin !== undefined) show(`${expected.stdin}END`);
    const { exitCode, stdout, stderr } = await execute(this.#kubectl, this.#flags(args), expected.stdin);
    show(`${stdout}${stderr}`);
    if (expected.refusedWith === undefined) insist(exitCode === 0, `kubectl ${args.join(' ')} should have succeeded`);
    else insist(exitCode !== 0 && stderr.includes(expected.refusedWith), `it should be ${expected.refusedWith}`);
    return stdout;
  }

  /** What the API server is told takes effect some milliseconds later: asks until it does. */
  async untilRefused(args: readonly string[], text: string): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) if (await this.isRefused(args, text)) return;
    throw new DemoFailure(`the API server never refused with ${text}`);
  }

  /** Whether it would be, without showing it. */
  async isRefused(args: readonly string[], text: string): Promise<boolean> {
    const { exitCode, stderr } = await execute(this.#kubectl, this.#flags([...args, '--dry-run=server']));
    return exitCode !== 0 && stderr.includes(text);
  }

  /** The same for a warning. */
  async untilWarned(args: readonly string[], text: string): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { stderr } = await execute(this.#kubectl, this.#flags([...args, '--dry-run=server']));
      if (stderr.includes(text)) return;
    }
    throw new DemoFailure(`the API server never warned with ${text}`);
  }

  /** Writes what a kubelet would write when the pod's container runs, without showing it. */
  async reportRunning(namespace: string, pod: string, imageID: string): Promise<void> {
    const state = { name: pod, image: imageID, imageID, ready: true, restartCount: 0, state: { running: {} } };
    const status = JSON.stringify({ status: { phase: 'Running', containerStatuses: [state] } });
    const patch = ['patch', `pod/${pod}`, '-n', namespace, '--subresource=status', '--type=merge', '-p', status];
    await must(this.#kubectl, this.#flags(patch));
  }

  #flags(args: readonly string[]): readonly string[] {
    return ['--kubeconfig', this.kubeconfig, '--cache-dir', join(this.#dir, 'kcache'), ...args];
  }
}

async function must(command: string, args: readonly string[], stdin?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await execute(command, args, stdin);
  if (exitCode === 0) return stdout;
  throw new DemoFailure(`${command} ${args.join(' ')} ended with exit code ${exitCode}\n${stderr}`);
}

function execute(
  command: string,
  args: readonly string[],
  stdin = '',
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
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
