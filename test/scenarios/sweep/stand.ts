/** What the sweep is played on: a folder and a registry for each of the two, with the same things in them, and one stack for both. */
import assert from 'node:assert/strict';
import { cpSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pushDemoImage } from '../../../examples/demo-image.ts';
import { ImageReference } from '../../../src/core/image/reference.ts';
import { NotFoundError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import type { SandboxStack } from '../../support/command-line.ts';
import { faultyRegistry, type FaultyRegistry } from '../../support/faulty-registry.ts';
import { Actor, type ActorKind } from '../actor.ts';
import { ownAuthority } from '../own-authority.ts';
import type { Invocation } from './invocations.ts';

/** What one invocation has done that somebody could notice. */
export interface Effects {
  readonly exitCode: number;
  readonly stdout: string;
  /** Files that are new, changed or gone, with their modes. */
  readonly files: readonly string[];
  /** Repositories that were written to. */
  readonly written: readonly string[];
  /** For whoever reads a difference. */
  readonly stderr: string;
}

const HTTP = new HttpClient();
const ALONE = ['--yes', '--use-signing-config=false', '--tlog-upload=false', '--key', 'cosign.key'];
const OLDER = [...ALONE, '--new-bundle-format=false'];

export class Stand {
  readonly #actor: Actor;
  readonly #registry: FaultyRegistry;
  readonly #stack: SandboxStack;
  readonly #pristine: string;
  #child = '';
  #fresh = 0;

  private constructor(actor: Actor, registry: FaultyRegistry, stack: SandboxStack, pristine: string) {
    this.#actor = actor;
    this.#registry = registry;
    this.#stack = stack;
    this.#pristine = pristine;
  }

  static async start(kind: ActorKind, folder: string, stack: SandboxStack, cosign: string): Promise<Stand> {
    mkdirSync(folder);
    const registry = await faultyRegistry(join(folder, 'registry'));
    const own = {
      dir: stack.dir,
      status: { ...stack.status, registry: registry.host, url: `http://${registry.host}` },
    };
    const actor = new Actor({ kind, folder, stack: own, token: '', cosign });
    const stand = new Stand(actor, registry, stack, join(folder, 'pristine'));
    await stand.#prepare();
    return stand;
  }

  async stop(): Promise<void> {
    await this.#registry.close();
  }

  async play({ name, args, input }: Invocation): Promise<Effects> {
    const words: string[] = [];
    for (const word of args) words.push(await this.#place(word));
    this.#registry.begin();
    const before = this.#files();
    const { exitCode, stdout, stderr } = await this.#actor.run(
      words,
      { COSIGN_PASSWORD: 'a password', DOCKER_CONFIG: this.#actor.work },
      input ?? '',
    );
    const files = changes(before, this.#files());
    if (files.length > 0) this.#restore();
    return {
      exitCode,
      stdout: comparable(stdout),
      files: [...new Set(files)],
      written: this.#written(),
      stderr: `${name}: ${stderr}`,
    };
  }

  #written(): readonly string[] {
    const lines = this.#registry.seen.filter(({ kind }) => kind === 'write').map(({ line }) => line);
    return [...new Set(lines.map((line) => /\/v2\/(.+?)\/(?:blobs|manifests)\//.exec(line)?.[1] ?? ''))];
  }

  /** Of repositories: their tags, and how much refers to what they name. To put again what is there changes nothing. */
  async holds(repositories: readonly string[]): Promise<readonly string[]> {
    const client = new RegistryClient({ http: HTTP });
    const found: string[] = [];
    for (const repository of repositories) {
      const place = { registry: this.#registry.host, repository };
      const tags: string[] = [];
      try {
        for await (const tag of client.listTags(place)) {
          const { digest } = await client.resolve(new ImageReference({ ...place, tag }));
          const { descriptors } = await client.referrers(place, digest);
          tags.push(`${tag} with ${descriptors.length}`);
        }
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
      }
      found.push(neutral(`${repository.replace(/\d+/, 'N')}: ${tags.sort().join(', ')}`));
    }
    return found.sort();
  }

  async #prepare(): Promise<void> {
    const actor = this.#actor;
    const { mirror, root } = this.#stack.status.tuf;
    await actor.ok(['initialize', '--mirror', mirror, '--root', root]);
    await actor.ok(['generate-key-pair']);
    await actor.ok(['generate-key-pair', '--output-key-prefix', 'other']);
    await ownAuthority(actor, 'own');
    actor.write('chain.pem', actor.read('own-chain.pem'));
    actor.write('leaf.pem', actor.read('own-leaf.pem'));
    actor.write('plain.pem', encodePem('PRIVATE KEY', PrivateKey.generate('ecdsa-p256').toPkcs8()));
    actor.write('blob.txt', 'a blob');
    actor.write('other.txt', 'another blob');
    actor.write('empty', '');
    actor.write('junk.txt', 'this is neither JSON nor PEM');
    actor.write('predicate.json', '{"buildType":"x"}');
    actor.write('app.spdx.json', '{"spdxVersion":"SPDX-2.3"}');
    mkdirSync(join(actor.work, 'folder'));
    const { host } = this.#registry;
    const { digest } = await pushDemoImage(host, 'app', '1');
    await pushDemoImage(host, 'bare', '1', 'nothing');
    const image = `${host}/app@${digest}`;
    const [child = ''] = await actor.children(image);
    this.#child = child;
    const older = `${host}/older@${digest}`;
    const mixed = `${host}/mixed@${digest}`;
    for (const repository of ['older', 'mixed']) await pushDemoImage(host, repository, '1');
    actor.write('Dockerfile', `FROM ${host}/older:1\n`);
    actor.write('pod.yaml', `kind: Pod\nspec:\n  containers:\n  - image: ${host}/older:1\n`);
    for (const named of [image, mixed]) {
      await actor.ok(['sign', ...ALONE, named]);
      await actor.ok(['attest', ...ALONE, '--predicate', 'predicate.json', named]);
    }
    for (const named of [older, mixed]) {
      await actor.ok(['sign', ...OLDER, '-a', 'team=shop', named]);
      await actor.ok(['attest', ...OLDER, '--predicate', 'predicate.json', named]);
      await actor.ok(['attach', 'sbom', '--sbom', 'app.spdx.json', named]);
    }
    await actor.ok(['save', '--dir', 'saved', older]);
    await actor.ok(['sign-blob', ...ALONE, '--bundle', 'blob.json', 'blob.txt']);
    const parts = ['--output-signature', 'blob.sig'];
    await actor.ok(['sign-blob', ...OLDER, ...parts, 'blob.txt']);
    await actor.ok(['attest-blob', ...ALONE, '--predicate', 'predicate.json', '--bundle', 'attested.json', 'blob.txt']);
    actor.write('payload.json', (await actor.ok(['generate', image])).stdout);
    await actor.ok(['sign-blob', ...OLDER, '--output-signature', 'payload.sig', 'payload.json']);
    const [envelope = ''] = (await actor.ok(['download', 'attestation', older])).stdout.split('\n');
    assert.notEqual(envelope, '');
    actor.write('envelope.json', envelope);
    cpSync(actor.work, this.#pristine, { recursive: true, preserveTimestamps: true });
  }

  async #place(word: string): Promise<string> {
    const { host } = this.#registry;
    const { mirror, root } = this.#stack.status.tuf;
    const [scratch] = /FRESH|HOST\/scratch(-bare|-none)?/.exec(word) ?? [];
    if (scratch !== undefined) {
      this.#fresh += 1;
      const repository = `fresh-${this.#fresh}`;
      // The image that everybody's signatures are about.
      if (!scratch.endsWith('none')) await pushDemoImage(host, repository, '1');
      return word
        .replace(scratch, `${host}/${repository}${scratch === 'FRESH' ? ':1' : ''}`)
        .replace('CHILD', this.#child)
        .replace('HOST', host);
    }
    return word
      .replace('IMAGE', `${host}/app:1`)
      .replace('OLDER', `${host}/older:1`)
      .replace('MIXED', `${host}/mixed:1`)
      .replace('CHILD', this.#child)
      .replace('HOST', host)
      .replace('MIRROR', mirror)
      .replace('ROOT', root);
  }

  #files(): ReadonlyMap<string, string> {
    const { work } = this.#actor;
    const found = readdirSync(work, { recursive: true, encoding: 'utf8' });
    return new Map(
      found.map((name) => {
        const { mode, size, mtimeMs } = lstatSync(join(work, name));
        return [name, `${(mode & 0o777).toString(8)} ${size === 0 ? 'empty' : 'written'} ${mtimeMs}`];
      }),
    );
  }

  #restore(): void {
    rmSync(this.#actor.work, { recursive: true });
    cpSync(this.#pristine, this.#actor.work, { recursive: true, preserveTimestamps: true });
  }
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return (
    names
      // What a folder of an image is made of is for its readers to compare.
      .filter((name) => !name.includes('/blobs/'))
      .filter((name) => before.get(name) !== after.get(name))
      // A folder's own time changes with what is in it.
      .filter((name) => !before.has(name) || !after.has(name) || !after.get(name)?.startsWith('755'))
      .map((name) => `${name.replace(/[0-9a-f]{64}/, 'HEX')} ${after.get(name)?.replace(/ [\d.]+$/, '') ?? 'gone'}`)
  );
}

/** JSON as a program reads it, and lines in one order: cosign prints both as it happens. */
function comparable(stdout: string): string {
  const lines = stdout.split('\n').filter((line) => line !== '');
  const whole = lines.join('\n');
  const texts = isJson(whole) ? [whole] : lines;
  return texts
    .map((text) => neutral(isJson(text) ? JSON.stringify(sparse(JSON.parse(text))) : text))
    .sort()
    .join('\n');
}

function isJson(text: string): boolean {
  if (!/^[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Without what is empty: to most readers it is what is not there. */
function sparse(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept: unknown[] = value.map(sparse).filter((item) => !isEmpty(item));
    // Signatures have the order of the registry, which is nobody's.
    return kept.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, sparse(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => !isEmpty(item)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Without what is random, or of the moment. */
function neutral(text: string): string {
  return text
    .replace(/[0-9a-f]{64}/g, 'HEX')
    .replace(/Present \(7[0-2] bytes\)/g, 'Present')
    .replace(/[A-Za-z0-9+/]{32,}={0,2}/g, 'B64')
    .replace(/"MEU?[A-Za-z0-9+/=]+"/g, '"B64"')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, 'TIME');
}
