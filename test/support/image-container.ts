/**
 * An image's layers run as a container runtime runs them, as far as that goes without one: unpacked, read-only, with the
 * image's user, entrypoint and environment, no privileges to gain, and the volumes that a pod has. Wants root, for mounts
 * and for becoming somebody else; there is no seccomp profile, no network and no control group of its own.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { skipAloud } from './shared.ts';

const PATIENCE_MS = 60_000;
const POLL_MS = 50;

export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly WorkingDir: string;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

export interface Volume {
  /** Absolute, in the container. */
  readonly path: string;
  /** Folder or file of this machine, seen read-only; what the pod alone may write to when absent. */
  readonly source?: string;
}

export interface ContainerOptions {
  readonly volumes?: readonly Volume[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Whether this process may do what it takes; a test that may not has been skipped, and returns at once. */
export function mayRunContainers(t: TestContext): boolean {
  if (process.platform === 'linux' && process.getuid?.() === 0) return true;
  skipAloud(t, 'running an image without a container runtime needs root on Linux', 'sudo npm test -- test/tools');
  return false;
}

/** What a runtime makes of a file system: mounts that end with the process, then no way back. */
const ENTER = `
set -eu
root=$1 user=$2 volumes=$3; shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for device in null zero random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
for file in hosts resolv.conf; do mount --bind "/etc/$file" "$root/etc/$file"; done
while IFS='|' read -r path source; do
  if [ -z "$path" ]; then continue; fi
  if [ -n "$source" ]; then
    mount --bind "$source" "$root$path"
    mount -o remount,bind,ro "$root$path"
  else
    mount -t tmpfs -o "mode=2777,uid=0,gid=\${user#*:}" volume "$root$path"
  fi
done <"$volumes"
mount -o remount,bind,ro "$root"
exec env -i "$@"
`;

export class ImageContainer {
  readonly config: ImageConfig['config'];
  readonly #root: string;
  #runs = 0;

  private constructor(root: string, config: ImageConfig['config']) {
    this.#root = root;
    this.config = config;
  }

  /** @param folder made; holds the unpacked image */
  static unpack(layout: string, folder: string): ImageContainer {
    const { config, layers } = readImage(layout);
    const root = join(folder, 'root');
    mkdirSync(root, { recursive: true, mode: 0o755 });
    for (const { path } of layers) execFileSync('tar', ['-xzpf', path, '--numeric-owner', '-C', root]);
    for (const name of ['proc', 'dev']) mkdirSync(join(root, name));
    for (const name of ['dev/null', 'dev/zero', 'dev/random', 'dev/urandom', 'etc/hosts', 'etc/resolv.conf']) {
      writeFileSync(join(root, name), '');
    }
    return new ImageContainer(root, config.config);
  }

  /** Starts the entrypoint with arguments; the child is the program itself, and ends with the test. */
  start(t: Pick<TestContext, 'after'>, args: readonly string[], options: ContainerOptions = {}): RunningContainer {
    const { volumes = [], environment = {} } = options;
    for (const { path, source } of volumes) this.#mountPoint(path, source);
    const list = join(dirname(this.#root), `volumes-${++this.#runs}`);
    writeFileSync(list, volumes.map(({ path, source = '' }) => `${path}|${source}\n`).join(''));
    const variables = [...this.config.Env, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
    const enter = [this.#root, this.config.User, list, ...variables];
    const become = [
      '/usr/bin/setpriv',
      '--no-new-privs',
      '/usr/sbin/chroot',
      '--groups=',
      `--userspec=${this.config.User}`,
    ];
    const command = [...become, this.#root, ...this.config.Entrypoint, ...args];
    // Each of these becomes the next, so that what is signalled is the program.
    const child = spawn('unshare', ['--mount', 'sh', '-c', ENTER, 'enter', ...enter, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return new RunningContainer(t, child);
  }

  /** Runtimes make what a volume is mounted on, whatever the image has there. */
  #mountPoint(path: string, source: string | undefined): void {
    const point = join(this.#root, path);
    if (source === undefined || isFolder(source)) mkdirSync(point, { recursive: true });
    else {
      mkdirSync(dirname(point), { recursive: true });
      writeFileSync(point, '');
    }
  }
}

export interface EndedContainer {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunningContainer {
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  #isClosed = false;
  stdout = '';
  stderr = '';

  constructor(t: Pick<TestContext, 'after'>, child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#closed = new Promise((done, reject) => {
      child.once('error', reject);
      child.once('close', () => {
        this.#isClosed = true;
        done();
      });
    });
    t.after(async () => {
      this.#kill();
      await this.#closed;
    });
  }

  get pid(): number {
    assert.ok(this.#child.pid !== undefined);
    return this.#child.pid;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<EndedContainer> {
    await this.until('it ends', () => Promise.resolve(this.#isClosed));
    const { exitCode, signalCode } = this.#child;
    return { exitCode, signal: signalCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** Waits for something, and fails with what the program said when it ends before, or takes too long. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
      const wasClosed = this.#isClosed;
      if (await holds()) return;
      assert.ok(!wasClosed, `it ended before: ${what}\n${this.stdout}${this.stderr}`);
      await sleep(POLL_MS);
    }
    this.#kill();
    assert.fail(`not in time: ${what}\n${this.stdout}${this.stderr}`);
  }

  #kill(): void {
    if (this.#isClosed || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It is gone, and so is its group.
    }
  }
}

export interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ReadImage {
  readonly root: Described;
  readonly configuration: Described;
  readonly config: ImageConfig;
  readonly layers: readonly (Described & { readonly path: string })[];
}

/** What is in a layout, without anything being checked. */
export function readImage(layout: string): ReadImage {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(layout, path), 'utf8'));
  const blob = ({ digest }: Described): string => `blobs/${digest.replace(':', '/')}`;
  const index = read('index.json') as { manifests: Described[] };
  const [root] = index.manifests;
  assert.ok(root !== undefined && index.manifests.length === 1);
  const manifest = read(blob(root)) as { config: Described; layers: Described[] };
  return {
    root,
    configuration: manifest.config,
    config: read(blob(manifest.config)) as ImageConfig,
    layers: manifest.layers.map((layer) => ({ ...layer, path: join(layout, blob(layer)) })),
  };
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory();
}
