import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { withCacheLock } from './cache-lock.ts';
import { writeDurableFile } from '../files/durable-file.ts';
import { systemCode } from '../files/system-code.ts';
import { variable, type Environment } from './environment.ts';

/** Files of a mirror's cache by name: `timestamp.json`, `root_history/16.root.json`, `targets/trusted_root.json`. */
export type CacheFiles = ReadonlyMap<string, Uint8Array>;

const MAX_BYTES = 5_000_000;
const LIMITS = { maxBytes: MAX_BYTES, maxDepth: 32 };
const REMOTE = 'remote.json';

/** cosign's folder: `TUF_ROOT`, else `~/.sigstore/root`. */
export function cacheFolder(environment: Environment): string {
  return variable(environment, 'TUF_ROOT') ?? join(variable(environment, 'HOME') ?? homedir(), '.sigstore', 'root');
}

/** The cache of all mirrors, as cosign and sigstore-go lay it out. It is shared, so nothing in it is taken on trust. */
export class TrustCache {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * The mirror of the last `initialize`.
   *
   * @throws UsageError USAGE_NO_TRUST when there is a note of it that does not parse: another source would be a surprise
   */
  initializedMirror(): string | undefined {
    const path = join(this.folder, REMOTE);
    const bytes = readIfThere(path);
    if (bytes === undefined) return undefined;
    try {
      const fields = new JsonFields(parseJson(bytes, REMOTE, 'FORMAT_JSON', LIMITS), 'remote', 'FORMAT_JSON');
      return fields.string('mirror');
    } catch (cause) {
      throw new UsageError('USAGE_NO_TRUST', 'the note of the mirror to trust does not parse', {
        found: path,
        expected: 'what initialize writes',
        fix: 'sealwright initialize',
        cause,
      });
    }
  }

  mirror(url: string): MirrorCache {
    return new MirrorCache(this.folder, cacheName(url));
  }

  /**
   * Makes one mirror the trusted one: its files first, then the note that names it, so that every other process sees the
   * old one or the new one and never half of either. The caches of other mirrors are removed, as cosign does.
   *
   * @throws UsageError USAGE_FILE when the folder cannot be written; LimitError LIMIT_BUSY
   */
  async initialize(url: string, files: CacheFiles, now: Date): Promise<void> {
    const name = cacheName(url);
    try {
      await withCacheLock(this.folder, async () => {
        // What was cached under another root must not be taken for this one's.
        rmSync(join(this.folder, name, 'root_history'), { recursive: true, force: true });
        await writeAll(join(this.folder, name), files);
        await writeDurableFile(join(this.folder, `${name}.json`), refreshNote(now));
        await writeDurableFile(join(this.folder, REMOTE), JSON.stringify({ mirror: url }));
        this.#removeOthers(name);
      });
    } catch (cause) {
      if (cause instanceof SealwrightError) throw cause;
      throw new UsageError('USAGE_FILE', "the trust root's cache cannot be written", {
        found: `${this.folder}: ${systemCode(cause)}`,
        expected: 'a folder that can be written, such as one named by TUF_ROOT',
        cause,
      });
    }
  }

  /** Only what is a mirror's cache by its content: the folder may have been named by mistake. */
  #removeOthers(kept: string): void {
    for (const name of readdirSync(this.folder)) {
      if (name === kept || !existsSync(join(this.folder, name, 'root.json'))) continue;
      rmSync(join(this.folder, name), { recursive: true, force: true });
      rmSync(join(this.folder, `${name}.json`), { force: true });
    }
  }
}

/** sigstore-go's name for a mirror: no scheme, `/` and `:` as dashes, lower case. */
export function cacheName(url: string): string {
  return url
    .replace(/^https:\/\//, '')
    .replace(/^http:\/\//, '')
    .replace(/[/:]/g, '-')
    .toLowerCase();
}

/** What is known of one mirror from runs before this one. Believed with nothing that is not signed. */
export interface MetadataCache {
  /** undefined when it is not there, cannot be read, or is larger than anything TUF has */
  read(name: string, maxBytes?: number): Uint8Array | undefined;
  /** When the mirror was last asked with success; undefined when that is not known. */
  lastRefresh(): Date | undefined;
  /** @returns false when nothing was kept */
  publish(run: VerifiedRun): Promise<boolean>;
}

/** One mirror's part of the cache. */
export class MirrorCache implements MetadataCache {
  readonly #root: string;
  readonly #name: string;

  constructor(root: string, name: string) {
    this.#root = root;
    this.#name = name;
  }

  /** undefined when it is not there, cannot be read, or is larger than anything TUF has */
  read(name: string, maxBytes = MAX_BYTES): Uint8Array | undefined {
    return readIfThere(join(this.#root, this.#name, name), maxBytes);
  }

  /** When the mirror was last asked with success; undefined when that is not known. */
  lastRefresh(): Date | undefined {
    const bytes = readIfThere(join(this.#root, `${this.#name}.json`));
    if (bytes === undefined) return undefined;
    try {
      const fields = new JsonFields(parseJson(bytes, 'cache note', 'FORMAT_JSON', LIMITS), 'note', 'FORMAT_JSON');
      const time = new Date(fields.string('lastTimestamp'));
      return Number.isNaN(time.getTime()) ? undefined : time;
    } catch {
      return undefined;
    }
  }

  /**
   * Stores what has been verified. When another process has stored something newer in the meantime, that stays.
   *
   * @returns false when nothing was written: a cache is no condition for anything
   */
  async publish(run: VerifiedRun): Promise<boolean> {
    try {
      return await withCacheLock(this.#root, async () => {
        const files = filesToKeep(run, (name) => this.read(name));
        await writeAll(join(this.#root, this.#name), files);
        if (run.refreshedAt !== undefined) {
          await writeDurableFile(join(this.#root, `${this.#name}.json`), refreshNote(run.refreshedAt));
        }
        return files.has('timestamp.json');
      });
    } catch {
      return false;
    }
  }
}

/** What one run has to store. */
export interface VerifiedRun {
  readonly files: CacheFiles;
  /** What the cache had when the run began. */
  readonly cachedTimestamp: Uint8Array | undefined;
  /** When all of it was found to be the mirror's newest; undefined when that was not asked. */
  readonly refreshedAt: Date | undefined;
}

/** What of a run is to be kept where another may have kept something newer in the meantime. */
export function filesToKeep(run: VerifiedRun, read: (name: string) => Uint8Array | undefined): Map<string, Uint8Array> {
  const files = isOvertaken(run, read('timestamp.json')) ? withoutMetadata(run.files) : new Map(run.files);
  const root = files.get('root.json');
  if (root !== undefined && versionOf(read('root.json')) > versionOf(root)) files.delete('root.json');
  return files;
}

function isOvertaken({ files, cachedTimestamp }: VerifiedRun, current: Uint8Array | undefined): boolean {
  const isTouched = current !== undefined && (cachedTimestamp === undefined || !equalBytes(current, cachedTimestamp));
  return isTouched && versionOf(current) > versionOf(files.get('timestamp.json'));
}

/** Roots are a chain: they may be stored by whoever comes last. */
function withoutMetadata(files: CacheFiles): Map<string, Uint8Array> {
  const metadata = ['timestamp.json', 'snapshot.json', 'targets.json'];
  return new Map([...files].filter(([name]) => !metadata.includes(name) && !name.startsWith('targets/')));
}

function refreshNote(now: Date): string {
  return JSON.stringify({ lastTimestamp: now.toISOString() });
}

/** The timestamp last: what it leads to is there before it is. */
async function writeAll(folder: string, files: CacheFiles): Promise<void> {
  const isTimestamp = ([name]: readonly [string, Uint8Array]): number => (name === 'timestamp.json' ? 1 : 0);
  for (const [name, bytes] of [...files].sort((a, b) => isTimestamp(a) - isTimestamp(b))) {
    const path = join(folder, name);
    const there = readIfThere(path);
    if (there === undefined || !equalBytes(there, bytes)) await writeDurableFile(path, bytes);
  }
}

/** Version that cached metadata claims; 0 when it claims none. Only for comparing, nothing is believed by it. */
function versionOf(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  try {
    const fields = new JsonFields(parseJson(bytes, 'cached metadata', 'FORMAT_TUF', LIMITS), 'metadata', 'FORMAT_TUF');
    return fields.object('signed').integer('version');
  } catch {
    return 0;
  }
}

function readIfThere(path: string, maxBytes = MAX_BYTES): Uint8Array | undefined {
  try {
    return statSync(path).size > maxBytes ? undefined : readFileSync(path);
  } catch {
    return undefined;
  }
}
