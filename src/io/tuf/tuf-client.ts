import { digest } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { NotFoundError, PolicyError, RemoteError, SealwrightError } from '../../errors.ts';
import type { Mirror } from './mirror.ts';
import { mismatch, TrustedMetadata, type TargetName } from './trusted-metadata.ts';
import type { CacheFiles, MetadataCache } from './trust-cache.ts';

/** Bounds of go-tuf, python-tuf and tuf-js for what is not told a length by other metadata. */
const MAX_ROOT_BYTES = 512_000;
const MAX_TIMESTAMP_BYTES = 16_384;
const MAX_SNAPSHOT_BYTES = 2_000_000;
const MAX_TARGETS_BYTES = 5_000_000;
const MAX_TARGET_BYTES = 4 << 20;
const MAX_ROOT_ROTATIONS = 256;

const TARGET_HASHES = ['sha256', 'sha512'] as const;

/**
 * One run of the client workflow (TUF §5) against one mirror. Call `loadCached` or `refresh` once, then `target`.
 *
 * Throws, besides what TrustedMetadata throws: RemoteError for a mirror that cannot be asked or that lacks a file.
 */
export class TufClient {
  readonly #mirror: Pick<Mirror, 'url' | 'fetch'>;
  readonly #cache: MetadataCache | undefined;
  readonly #metadata: TrustedMetadata;
  readonly #now: Date;
  /** Verified in this run, by its name in the cache. */
  readonly #files = new Map<string, Uint8Array>();
  /** Read once, when the run begins: another process may put newer ones there while this one asks. */
  readonly #before: CachedMetadata;
  #refreshedAt: Date | undefined;

  /**
   * @param root  the first root that is trusted, of any version
   * @param cache undefined to leave no trace and to believe nothing that was stored
   */
  constructor(mirror: Pick<Mirror, 'url' | 'fetch'>, root: Uint8Array, cache: MetadataCache | undefined, now: Date) {
    this.#mirror = mirror;
    this.#cache = cache;
    this.#now = now;
    this.#metadata = new TrustedMetadata(root, now);
    this.#files.set('root.json', root);
    this.#before = readMetadata(cache);
    this.#followCachedRoots();
  }

  /** Everything that has been verified, for a cache. */
  get files(): CacheFiles {
    return this.#files;
  }

  /** When what is believed of each role ends. */
  get expirations(): ReadonlyMap<string, Date> {
    return this.#metadata.expirations;
  }

  /** Believes what is in the cache, as far as it is signed, consistent and not expired. Opens no connection. */
  loadCached(): void {
    this.#metadata.acceptTimestamp(this.#cached('timestamp'));
    this.#metadata.acceptSnapshot(this.#cached('snapshot'), true);
    this.#metadata.acceptTargets(this.#cached('targets'));
  }

  /** Asks the mirror for what is new, and stores what is verified. */
  async refresh(): Promise<void> {
    // Roots are stored at once (§5.3.8): whatever fails later, a run after this one must not go back behind them.
    if (await this.#refreshRoot()) await this.#publish();
    await this.#refreshTimestamp();
    await this.#refreshSnapshot();
    await this.#refreshTargets();
    this.#refreshedAt = this.#now;
    await this.#publish();
  }

  /** Whether the trust root has such a target. */
  has(name: string): boolean {
    return this.#metadata.target(name) !== undefined;
  }

  /**
   * A target's bytes, from the cache when they are the right ones, else from the mirror.
   *
   * @throws NotFoundError NOT_FOUND when the trust root has no such target
   */
  async target(name: string, maxBytes = MAX_TARGET_BYTES): Promise<Uint8Array> {
    const told = this.#metadata.target(name);
    if (told === undefined) {
      throw new NotFoundError('NOT_FOUND', `the trust root has no ${name}`, { found: this.#mirror.url });
    }
    const path = `targets/${encodeURIComponent(name)}`;
    const cached = this.#cache?.read(path, maxBytes);
    if (cached !== undefined && isTarget(cached, told)) {
      this.#files.set(path, cached);
      return cached;
    }
    const bytes = await this.#fetchTarget(name, told, maxBytes);
    this.#files.set(path, bytes);
    await this.#publish();
    return bytes;
  }

  /** Roots that earlier runs have followed, so that they need not be asked for again. */
  #followCachedRoots(): void {
    for (let rotations = 0; rotations < MAX_ROOT_ROTATIONS; rotations++) {
      const next = historyName(this.#metadata.rootVersion + 1);
      const known = this.#cache?.read(next) ?? this.#cache?.read('root.json');
      if (known === undefined) return;
      // One that is not the next was written by another program, or is damaged: the mirror has it.
      if (
        !tries(() => {
          this.#metadata.acceptRoot(known);
        })
      )
        return;
      this.#keepRoot(known);
    }
  }

  /** §5.3: each next root, until there is none. @returns whether there was one */
  async #refreshRoot(): Promise<boolean> {
    for (let rotations = 0; rotations < MAX_ROOT_ROTATIONS; rotations++) {
      const bytes = await this.#mirror.fetch(`${this.#metadata.rootVersion + 1}.root.json`, MAX_ROOT_BYTES);
      if (bytes === undefined) return rotations > 0;
      this.#metadata.acceptRoot(bytes);
      this.#keepRoot(bytes);
    }
    return true;
  }

  #keepRoot(bytes: Uint8Array): void {
    this.#files.set('root.json', bytes);
    this.#files.set(historyName(this.#metadata.rootVersion), bytes);
  }

  /** §5.4: the cached one first, which the new one may not be older than. */
  async #refreshTimestamp(): Promise<void> {
    const cached = this.#before.timestamp;
    const isBelieved = cached !== undefined && tries(() => this.#metadata.acceptTimestamp(cached));
    const bytes = await this.#require('timestamp.json', MAX_TIMESTAMP_BYTES);
    const isNew = this.#metadata.acceptTimestamp(bytes);
    this.#files.set('timestamp.json', isNew || !isBelieved ? bytes : cached);
  }

  /** §5.5 */
  async #refreshSnapshot(): Promise<void> {
    const cached = this.#before.snapshot;
    if (cached !== undefined && this.#acceptsSnapshot(cached)) {
      this.#files.set('snapshot.json', cached);
      return;
    }
    const told = this.#metadata.snapshotName;
    const name = this.#versioned('snapshot', told?.version);
    const bytes = await this.#require(name, told?.length ?? MAX_SNAPSHOT_BYTES);
    this.#metadata.acceptSnapshot(bytes, false);
    this.#files.set('snapshot.json', bytes);
  }

  /** §5.6, top level only */
  async #refreshTargets(): Promise<void> {
    const cached = this.#before.targets;
    if (cached !== undefined && this.#acceptsTargets(cached)) {
      this.#files.set('targets.json', cached);
      return;
    }
    const told = this.#metadata.targetsName;
    const name = this.#versioned('targets', told?.version);
    const bytes = await this.#require(name, told?.length ?? MAX_TARGETS_BYTES);
    this.#metadata.acceptTargets(bytes);
    this.#files.set('targets.json', bytes);
  }

  #acceptsSnapshot(cached: Uint8Array): boolean {
    return tries(() => {
      this.#metadata.acceptSnapshot(cached, true);
    });
  }

  #acceptsTargets(cached: Uint8Array): boolean {
    return tries(() => {
      this.#metadata.acceptTargets(cached);
    });
  }

  /** §5.7.3 */
  async #fetchTarget(name: string, told: TargetName, maxBytes: number): Promise<Uint8Array> {
    if (told.length > maxBytes) throw mismatch(name, `a length of ${told.length} bytes`);
    const prefix = TARGET_HASHES.map((algorithm) => told.hashes[algorithm]).find((hash) => hash !== undefined);
    const path = this.#metadata.isConsistentSnapshot ? `targets/${prefix ?? ''}.${name}` : `targets/${name}`;
    const bytes = await this.#require(path, told.length);
    if (!isTarget(bytes, told)) throw mismatch(name, `${bytes.length} bytes with another digest`);
    return bytes;
  }

  #versioned(role: string, version: number | undefined): string {
    const isVersioned = this.#metadata.isConsistentSnapshot && version !== undefined;
    return isVersioned ? `${version}.${role}.json` : `${role}.json`;
  }

  async #require(path: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#mirror.fetch(path, maxBytes);
    if (bytes !== undefined) return bytes;
    throw new RemoteError('REMOTE_STATUS', "the trust root's mirror lacks a file", {
      found: `no ${path} at ${this.#mirror.url}`,
      expected: 'a complete TUF repository',
      status: 404,
    });
  }

  #cached(role: keyof CachedMetadata): Uint8Array {
    const name = `${role}.json`;
    const bytes = this.#before[role];
    if (bytes === undefined) {
      throw new PolicyError('TRUST_STALE', 'the trust root is not in the cache', {
        found: `no ${name} for ${this.#mirror.url}`,
        expected: 'a cache that an earlier run has filled',
        fix: 'sealwright initialize',
      });
    }
    this.#files.set(name, bytes);
    return bytes;
  }

  async #publish(): Promise<void> {
    await this.#cache?.publish({
      files: this.#files,
      cachedTimestamp: this.#before.timestamp,
      refreshedAt: this.#refreshedAt,
    });
  }
}

interface CachedMetadata {
  readonly timestamp: Uint8Array | undefined;
  readonly snapshot: Uint8Array | undefined;
  readonly targets: Uint8Array | undefined;
}

/** The timestamp last, as it is written last: then nothing read is newer than what it leads to. */
function readMetadata(cache: MetadataCache | undefined): CachedMetadata {
  const targets = cache?.read('targets.json');
  const snapshot = cache?.read('snapshot.json');
  return { targets, snapshot, timestamp: cache?.read('timestamp.json') };
}

function historyName(version: number): string {
  return `root_history/${version}.root.json`;
}

function isTarget(bytes: Uint8Array, told: TargetName): boolean {
  const known = TARGET_HASHES.filter((algorithm) => told.hashes[algorithm] !== undefined);
  return (
    bytes.length === told.length &&
    known.length > 0 &&
    known.every((algorithm) => encodeHex(digest(algorithm, bytes)) === told.hashes[algorithm])
  );
}

/** Whether cached bytes are believed; why not does not matter, the mirror is asked then. */
function tries(accept: () => unknown): boolean {
  try {
    accept();
    return true;
  } catch (error) {
    if (error instanceof SealwrightError) return false;
    throw error;
  }
}
