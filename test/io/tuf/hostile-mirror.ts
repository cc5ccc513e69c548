/**
 * A TUF mirror in memory in which an attack is one changed file. The honest content comes from our own repository, so
 * every file in it is one that a real client accepts.
 */
import {
  Metadata,
  type MetadataKind,
  Signature,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { Mirror } from '../../../src/io/tuf/mirror.ts';
import { TrustCache, type MirrorCache } from '../../../src/io/tuf/trust-cache.ts';
import { TufClient } from '../../../src/io/tuf/tuf-client.ts';
import { tufKey } from '../../../src/servers/trust/role-keys.ts';
import type { UpkeepKeys } from '../../../src/servers/trust/repository-upkeep.ts';
import {
  generateKeys,
  openRepository,
  signingConfig,
  temporaryFolder,
  type RepositoryInput,
} from '../../servers/trust/repository.ts';
import { peerServer, type PeerServer } from '../../support/peer-server.ts';

export type Answer = Uint8Array | 'endless' | { readonly status: number };

type Signed = Root | Snapshot | Targets | Timestamp;

export class HostileMirror {
  readonly files = new Map<string, Answer>();
  readonly keys: UpkeepKeys;
  readonly rootJson: Buffer;
  readonly dir: string;
  readonly #t: TestContext;
  #peer: PeerServer | undefined;

  private constructor(t: TestContext, keys: UpkeepKeys, rootJson: string, dir: string) {
    this.#t = t;
    this.keys = keys;
    this.rootJson = Buffer.from(rootJson);
    this.dir = dir;
  }

  static async create(
    t: TestContext,
    options: { keys?: UpkeepKeys; now?: () => Date; trustedRoot?: string } = {},
  ): Promise<HostileMirror> {
    // Ed25519: its signatures all have one length, and so have the forgeries.
    const keys = options.keys ?? generateKeys('ed25519');
    const dir = join(temporaryFolder(t), 'tuf');
    const now = options.now === undefined ? {} : { now: options.now };
    const content = options.trustedRoot === undefined ? {} : { trustedRoot: options.trustedRoot };
    const { rootJson } = await openRepository(t, { dir, keys, ...now, ...content });
    const mirror = new HostileMirror(t, keys, rootJson, dir);
    mirror.copy();
    return mirror;
  }

  /** Serves what the repository has now, attacks undone. */
  copy(): void {
    this.files.clear();
    for (const name of readdirSync(this.dir)) {
      if (name.endsWith('.json')) this.files.set(name, readFileSync(join(this.dir, name)));
    }
    for (const name of readdirSync(join(this.dir, 'targets'))) {
      this.files.set(`targets/${name}`, readFileSync(join(this.dir, 'targets', name)));
    }
  }

  /** A next, honest version of everything. */
  async advance(
    operator: string,
    keys: UpkeepKeys = this.keys,
    content: Pick<RepositoryInput, 'trustedRoot' | 'now'> = {},
  ): Promise<void> {
    await openRepository(this.#t, { dir: this.dir, keys, signingConfig: signingConfig(operator), ...content });
    this.copy();
  }

  bytes(name: string): Uint8Array {
    const answer = this.files.get(name);
    if (answer instanceof Uint8Array) return answer;
    throw new Error(`no ${name} in the mirror`);
  }

  /** Name of the one file with this end. */
  named(end: string): string {
    const name = [...this.files.keys()]
      .filter((candidate) => candidate.endsWith(end))
      .sort()
      .at(-1);
    if (name === undefined) throw new Error(`no file ends in ${end}`);
    return name;
  }

  /** Changes signed content, and signs it as the keys given would. */
  forge(from: string, to: string, kind: MetadataKind, change: Partial<Signed>, ...keys: readonly PrivateKey[]): void {
    const json = JSON.parse(Buffer.from(this.bytes(from)).toString()) as Parameters<typeof Metadata.fromJSON>[1];
    const metadata = Metadata.fromJSON(kind as MetadataKind.Timestamp, json);
    Object.assign(metadata.signed, change);
    metadata.signatures = {};
    for (const key of keys) {
      metadata.sign((data) => new Signature({ keyID: tufKey(key.publicKey).keyID, sig: encodeHex(key.sign(data)) }));
    }
    this.files.set(to, Buffer.from(JSON.stringify(metadata.toJSON())));
  }

  async url(): Promise<string> {
    this.#peer ??= await peerServer(this.#t, (request, response) => {
      const answer = this.files.get(decodeURIComponent(request.url ?? '').slice(1));
      if (answer === undefined) response.writeHead(404).end();
      else if (answer === 'endless') {
        const pour = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
        };
        response.on('drain', pour).on('error', () => undefined);
        pour();
      } else if (answer instanceof Uint8Array) response.end(answer);
      else response.writeHead(answer.status).end();
    });
    return this.#peer.url;
  }

  get seen(): readonly string[] {
    return this.#peer?.seen ?? [];
  }

  /** A run of the client. @param cache folder that several runs may share */
  async client(
    cache: string | undefined,
    options: { root?: Uint8Array; now?: Date; offline?: boolean } = {},
  ): Promise<TufClient> {
    const http = new HttpClient({ retry: { retries: 0 }, offline: options.offline ?? false });
    this.#t.after(() => {
      http.close();
    });
    const url = await this.url();
    return new TufClient(
      new Mirror(url, http),
      options.root ?? this.rootJson,
      cache === undefined ? undefined : mirrorCache(cache, url),
      options.now ?? new Date(),
    );
  }

  /** Refreshes, and returns the signing config's text. */
  async fetch(cache: string | undefined, options: { root?: Uint8Array; now?: Date } = {}): Promise<string> {
    const client = await this.client(cache, options);
    await client.refresh();
    return Buffer.from(await client.target('signing_config.v0.2.json')).toString();
  }
}

export function mirrorCache(folder: string, url: string): MirrorCache {
  return new TrustCache(folder).mirror(url);
}
