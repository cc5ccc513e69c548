/** One of the three who play a scenario, with a home, a working folder and repositories of its own on the same stack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import type { Ended, SandboxStack } from '../support/command-line.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const SEALWRIGHT = join(ROOT, 'bin', 'sealwright');

/** `cosign` is cosign; `called` is Sealwright through a link named cosign; `default` is Sealwright. */
export type ActorKind = 'cosign' | 'called' | 'default';

export const WHO = 'dev@example.test';

export interface ActorOptions {
  readonly kind: ActorKind;
  /** A folder that is this actor's alone. */
  readonly folder: string;
  readonly stack: Pick<SandboxStack, 'dir' | 'status'>;
  /** Of {@link WHO}. */
  readonly token: string;
  /** cosign's executable. */
  readonly cosign: string;
}

export class Actor {
  readonly kind: ActorKind;
  readonly token: string;
  readonly stack: Pick<SandboxStack, 'dir' | 'status'>;
  readonly work: string;
  readonly #home: string;
  readonly #program: string;

  constructor({ kind, folder, stack, token, cosign }: ActorOptions) {
    this.kind = kind;
    this.stack = stack;
    this.token = token;
    this.work = join(folder, 'work');
    this.#home = join(folder, 'home');
    mkdirSync(this.work, { recursive: true });
    mkdirSync(this.#home, { mode: 0o700 });
    this.#program = kind === 'cosign' ? cosign : SEALWRIGHT;
    if (kind === 'called') {
      this.#program = join(folder, 'cosign');
      symlinkSync(SEALWRIGHT, this.#program);
    }
  }

  /** `--certificate-identity` and issuer of whoever signs here. */
  get signer(): readonly string[] {
    return ['--certificate-identity', WHO, '--certificate-oidc-issuer', this.issuer];
  }

  get issuer(): string {
    return this.stack.status.issuer;
  }

  /** A repository of this actor's own. */
  repository(name: string): string {
    return `${this.stack.status.registry}/${this.kind}/${name}`;
  }

  /** Pushes an index of two images. @returns it by digest */
  async image(name: string): Promise<string> {
    const { registry } = this.stack.status;
    const { digest } = await pushDemoImage(registry, `${this.kind}/${name}`, '1');
    return `${registry}/${this.kind}/${name}@${digest}`;
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(join(this.work, name), content);
    return name;
  }

  remove(name: string): void {
    rmSync(join(this.work, name), { force: true });
  }

  read(name: string): string {
    return readFileSync(join(this.work, name), 'utf8');
  }

  json(name: string): Readonly<Record<string, unknown>> {
    return JSON.parse(this.read(name)) as Record<string, unknown>;
  }

  mode(name: string): number {
    return statSync(join(this.work, name)).mode & 0o777;
  }

  /** Certificates of the stack's timestamp authority, in PEM, its own first. */
  async timestampChain(): Promise<string> {
    const { body } = await new HttpClient().request({ url: `${this.stack.status.url}/api/v1/timestamp/certchain` });
    return Buffer.from(body).toString();
  }

  /** Digests of the images that an index names. */
  async children(image: string): Promise<readonly string[]> {
    const { registry, url } = this.stack.status;
    const [repository = '', digest = ''] = image.slice(registry.length + 1).split('@');
    const { body } = await new HttpClient().request({
      url: `${url}/v2/${repository}/manifests/${digest}`,
      headers: { accept: 'application/vnd.oci.image.index.v1+json' },
    });
    const index = JSON.parse(Buffer.from(body).toString()) as {
      readonly manifests: readonly { readonly digest: string }[];
    };
    return index.manifests.map((manifest) => manifest.digest);
  }

  /**
   * Runs one command line. Names that differ between the actors only because each has its own are made the same.
   *
   * @param watch is given each piece of stdout, as it comes
   */
  async run(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    input = '',
    watch?: (text: string) => void,
  ): Promise<Ended> {
    const child = spawn(this.#program, args, {
      cwd: this.work,
      env: {
        PATH: process.env['PATH'],
        HOME: this.#home,
        LC_ALL: 'C.UTF-8',
        XDG_CACHE_HOME: join(ROOT, 'node_modules', '.cache'),
        TUF_ROOT: join(this.#home, 'tuf'),
        COSIGN_PASSWORD: 'a password',
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      watch?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const exitCode = await new Promise<number>((done, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        done(code ?? 128);
      });
    });
    return { exitCode, stdout: this.neutral(stdout), stderr: this.neutral(stderr) };
  }

  /** The same, for what must go well before anything can be asserted. */
  async ok(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const ended = await this.run(args, environment);
    assert.equal(ended.exitCode, 0, `${this.kind}: ${args.join(' ')}\n${ended.stderr}`);
    return ended;
  }

  async exit(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.run(args, environment)).exitCode;
  }

  /** Without the names that differ between the actors only because each has its own. */
  neutral(text: string): string {
    return text
      .replaceAll(`${this.stack.status.registry}/${this.kind}/`, 'REGISTRY/')
      .replaceAll(this.stack.status.registry, 'HOST')
      .replaceAll(this.work, 'WORK');
  }
}
