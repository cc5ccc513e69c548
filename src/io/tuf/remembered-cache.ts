import { sha256 } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { filesToKeep, type CacheFiles, type MetadataCache, type VerifiedRun } from './trust-cache.ts';

/** As many as TrustRoots of one cluster; the one not asked for longest goes first. */
const MAX_MIRRORS = 64;

/**
 * What this process has verified of one mirror, in front of what is stored: a service that runs for weeks must not go back behind what it
 * has seen because its folder cannot be written, or was emptied or put back by somebody.
 */
export class RememberedCache {
  readonly #files = new Map<string, Uint8Array>();
  #refreshedAt: Date | undefined;

  /** The newest root that was verified: to go on from, without the one that this began with. */
  get root(): Uint8Array | undefined {
    return this.#files.get('root.json');
  }

  /** What was stored before and has been verified counts as what this process has verified by itself. */
  remember(files: CacheFiles): void {
    this.#keep({ files, cachedTimestamp: undefined, refreshedAt: undefined });
  }

  /** The same as one cache, with the stored one behind it; undefined: nothing is stored. */
  over(stored: MetadataCache | undefined): MetadataCache {
    return {
      read: (name, maxBytes) => {
        const known = this.#files.get(name);
        return known === undefined || (maxBytes !== undefined && known.length > maxBytes)
          ? stored?.read(name, maxBytes)
          : known;
      },
      lastRefresh: () => this.#refreshedAt ?? stored?.lastRefresh(),
      publish: async (run) => {
        this.#keep(run);
        return (await stored?.publish(run)) ?? true;
      },
    };
  }

  /** Of two runs at the same time the one that saw more counts, whichever ends last. */
  #keep(run: VerifiedRun): void {
    for (const [name, bytes] of filesToKeep(run, (file) => this.#files.get(file))) this.#files.set(name, bytes);
    this.#refreshedAt = run.refreshedAt ?? this.#refreshedAt;
  }
}

/** What is remembered of several mirrors, each with the root that was believed of it first: another root begins anew. */
export class RememberedMirrors {
  readonly #known = new Map<string, RememberedCache>();

  of(url: string, firstRoot: Uint8Array): RememberedCache {
    const name = `${encodeHex(sha256(firstRoot))} ${url}`;
    const known = this.#known.get(name) ?? new RememberedCache();
    this.#known.delete(name);
    this.#known.set(name, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_MIRRORS) break;
      this.#known.delete(oldest);
    }
    return known;
  }
}
