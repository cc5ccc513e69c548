import { MetaFile, Metadata, Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { IntegrityError } from '../../errors.ts';
import { RepositoryFolder, type VersionedRole } from './repository-folder.ts';
import { readRepository, readTargetFiles, type RepositoryState } from './repository-state.ts';
import { ROLES, signMetadata, tufKey, type Role, type RoleKeys } from './role-keys.ts';

const SPEC_VERSION = '1.0.31';
const DAY_MS = 86_400_000;

/**
 * How long each role's metadata is good for, and how much of that must be left. The timestamp bounds how long a client
 * can be kept from news, and its period is that of the public instance.
 */
export const PERIODS: Readonly<Record<Role, { readonly validDays: number; readonly renewDaysBefore: number }>> = {
  root: { validDays: 365, renewDaysBefore: 180 },
  targets: { validDays: 365, renewDaysBefore: 180 },
  snapshot: { validDays: 365, renewDaysBefore: 180 },
  timestamp: { validDays: 7, renewDaysBefore: 6 },
};

export interface UpkeepKeys extends RoleKeys {
  /** The root key before this one, where it has been replaced: a new root must be signed by both (TUF §5.3.4). */
  readonly previousRoot?: PrivateKey;
}

/** The content of the repository, by target name. */
export type TargetContents = ReadonlyMap<string, Uint8Array>;

/** Brings a repository to the wanted content, keys and freshness, and keeps it there. One at a time per folder. */
export class RepositoryUpkeep {
  readonly #folder: RepositoryFolder;
  readonly #keys: UpkeepKeys;
  readonly #kept: readonly string[];
  #contents: TargetContents;
  #state: RepositoryState | undefined;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(folder: RepositoryFolder, keys: UpkeepKeys, contents: TargetContents, kept: readonly string[]) {
    this.#folder = folder;
    this.#keys = keys;
    this.#contents = contents;
    this.#kept = kept;
  }

  /**
   * @param contents what the repository is to have
   * @param kept names of targets that stay as they were published last, if they were
   * @throws IntegrityError STATE_CORRUPT; UsageError USAGE_BAD_CONFIG for a key that TUF has no name for
   */
  static async open(
    path: string,
    keys: UpkeepKeys,
    contents: TargetContents,
    kept: readonly string[] = [],
  ): Promise<RepositoryUpkeep> {
    const upkeep = new RepositoryUpkeep(new RepositoryFolder(path), keys, contents, kept);
    await upkeep.#readBack();
    return upkeep;
  }

  /** What a target is, or becomes with the next renewal. */
  content(name: string): Uint8Array | undefined {
    return this.#contents.get(name);
  }

  /**
   * Publishes targets in place of those of the same name, all or none: clients see them when the timestamp that leads to them is
   * there. After a failure the repository is what its files say, the new targets or those before.
   *
   * @throws the error of `node:fs`
   */
  async publish(changed: TargetContents, now: Date): Promise<void> {
    const turn = this.#running.then(async () => {
      const before = this.#contents;
      this.#contents = new Map([...before, ...changed]);
      try {
        await this.#renew(now);
      } catch (error) {
        await this.#readBack();
        throw error;
      }
      // A client that is half-way through still asks for the one before.
      for (const name of changed.keys()) {
        const named = [before.get(name), this.#contents.get(name)].flatMap((bytes) => (bytes ? [hash(bytes)] : []));
        await this.#folder.removeTargets(name, named);
      }
    });
    this.#running = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Signs and publishes whatever is missing, changed or due. Calls queue up behind each other.
   *
   * @returns the roles that have a new version
   */
  async renew(now: Date): Promise<readonly Role[]> {
    const turn = this.#running.then(() => this.#renew(now));
    this.#running = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #readBack(): Promise<void> {
    this.#state = await readRepository(this.#folder);
    const own = [...this.#contents].filter(([name]) => !this.#kept.includes(name));
    this.#contents = new Map([...own, ...(await readTargetFiles(this.#folder, this.#state, this.#kept))]);
  }

  async #renew(now: Date): Promise<readonly Role[]> {
    const before = this.#state;
    const folder = before === undefined ? await this.#folder.draft() : this.#folder;
    const written: Role[] = [];
    const publish = async (role: Role, name: string, metadata: { toJSON(): object }): Promise<void> => {
      await folder.write(name, encode(metadata));
      written.push(role);
    };
    const root = this.#nextRoot(now);
    if (root !== before?.root) {
      await publish('root', `${root.signed.version}.root.json`, root);
      // Published the moment it is there: should the rest fail, the next attempt builds on it.
      if (before !== undefined) this.#state = { ...before, root };
    }
    const targets = await this.#nextTargets(root, now);
    if (targets !== before?.targets) {
      for (const [name, bytes] of this.#contents) await folder.write(`targets/${hash(bytes)}.${name}`, bytes);
      await publish('targets', `${targets.signed.version}.targets.json`, targets);
    }
    const snapshot = await this.#nextSnapshot(root, targets, now);
    if (snapshot !== before?.snapshot) await publish('snapshot', `${snapshot.signed.version}.snapshot.json`, snapshot);
    const timestamp = this.#nextTimestamp(root, snapshot, now);
    if (timestamp !== before?.timestamp) await publish('timestamp', 'timestamp.json', timestamp);
    if (before === undefined) await folder.publishAs(this.#folder.path);
    this.#state = { root, targets, snapshot, timestamp };
    return written;
  }

  #nextRoot(now: Date): Metadata<Root> {
    const current = this.#state?.root;
    const keys = Object.fromEntries(ROLES.map((role) => [role, tufKey(this.#keys[role].publicKey)]));
    const sameKeys = ROLES.every((role) => {
      const listed = current?.signed.roles[role]?.keyIDs ?? [];
      return listed.length === 1 && listed[0] === keys[role]?.keyID;
    });
    if (current !== undefined && sameKeys && !isDue('root', current.signed.expires, now)) return current;
    const signed = new Root({ ...common('root', (current?.signed.version ?? 0) + 1, now), consistentSnapshot: true });
    for (const role of ROLES) {
      const key = keys[role];
      if (key !== undefined) signed.addKey(key, role);
    }
    const root = new Metadata(signed);
    if (this.#keys.previousRoot !== undefined) signMetadata(root, this.#keys.previousRoot);
    signMetadata(root, this.#keys.root);
    this.#checkSuccession(current, root);
    return root;
  }

  /** Clients refuse a root that their own does not vouch for; it must not be published. */
  #checkSuccession(current: Metadata<Root> | undefined, next: Metadata<Root>): void {
    if (current === undefined || isSignedFor(current, 'root', next)) return;
    throw new IntegrityError('STATE_CORRUPT', 'the trust root cannot be renewed with this key', {
      found: `root version ${current.signed.version}, signed by another key`,
      expected: 'the key that signed it, or that key as the previous one',
    });
  }

  async #nextTargets(root: Metadata<Root>, now: Date): Promise<Metadata<Targets>> {
    const current = this.#state?.targets;
    const wanted = [...this.#contents].map(
      ([path, bytes]) => new TargetFile({ path, length: bytes.length, hashes: { sha256: hash(bytes) } }),
    );
    if (current !== undefined) {
      const listed = Object.values(current.signed.targets);
      const same =
        listed.length === wanted.length && wanted.every((target) => listed.some((other) => other.equals(target)));
      if (same && this.#stands('targets', root, current, now)) return current;
    }
    const signed = new Targets(common('targets', await this.#nextVersion('targets'), now));
    for (const target of wanted) signed.addTarget(target);
    return this.#sign('targets', signed);
  }

  async #nextSnapshot(root: Metadata<Root>, targets: Metadata<Targets>, now: Date): Promise<Metadata<Snapshot>> {
    const current = this.#state?.snapshot;
    const unchanged = targets === this.#state?.targets;
    if (current !== undefined && unchanged && this.#stands('snapshot', root, current, now)) return current;
    const options = common('snapshot', await this.#nextVersion('snapshot'), now);
    return this.#sign('snapshot', new Snapshot({ ...options, meta: { 'targets.json': describe(targets) } }));
  }

  #nextTimestamp(root: Metadata<Root>, snapshot: Metadata<Snapshot>, now: Date): Metadata<Timestamp> {
    const current = this.#state?.timestamp;
    const unchanged = snapshot === this.#state?.snapshot;
    if (current !== undefined && unchanged && this.#stands('timestamp', root, current, now)) return current;
    const options = common('timestamp', (current?.signed.version ?? 0) + 1, now);
    return this.#sign('timestamp', new Timestamp({ ...options, snapshotMeta: describe(snapshot) }));
  }

  /** Whether metadata can stay as it is: fresh, and signed by the key that the newest root names. */
  #stands(
    role: Role,
    root: Metadata<Root>,
    metadata: Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>,
    now: Date,
  ): boolean {
    return !isDue(role, metadata.signed.expires, now) && isSignedFor(root, role, metadata);
  }

  #sign<Signed extends Targets | Snapshot | Timestamp>(role: Role, signed: Signed): Metadata<Signed> {
    const metadata = new Metadata(signed);
    signMetadata(metadata as Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>, this.#keys[role]);
    return metadata;
  }

  /** Above every version that is there, published or left behind by a crash: a name never gets other bytes. */
  async #nextVersion(role: VersionedRole): Promise<number> {
    return ((await this.#folder.versions(role)).at(-1) ?? 0) + 1;
  }
}

function common(role: Role, version: number, now: Date): { version: number; specVersion: string; expires: string } {
  const expires = new Date(now.getTime() + PERIODS[role].validDays * DAY_MS);
  return { version, specVersion: SPEC_VERSION, expires: `${expires.toISOString().slice(0, 19)}Z` };
}

function isDue(role: Role, expires: string, now: Date): boolean {
  return new Date(expires).getTime() - now.getTime() <= PERIODS[role].renewDaysBefore * DAY_MS;
}

function isSignedFor(root: Metadata<Root>, role: Role, metadata: Parameters<typeof root.verifyDelegate>[1]): boolean {
  try {
    root.verifyDelegate(role, metadata);
    return true;
  } catch {
    return false;
  }
}

/** Version, length and digest, so that nobody can serve another snapshot or other targets of the same version. */
function describe(metadata: Metadata<Targets> | Metadata<Snapshot>): MetaFile {
  const bytes = utf8(encode(metadata));
  return new MetaFile({ version: metadata.signed.version, length: bytes.length, hashes: { sha256: hash(bytes) } });
}

function encode(metadata: { toJSON(): object }): string {
  return `${JSON.stringify(metadata.toJSON(), null, 1)}\n`;
}

function hash(bytes: Uint8Array): string {
  return encodeHex(sha256(bytes));
}
