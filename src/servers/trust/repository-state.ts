import { Metadata, MetadataKind, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import { sha256 } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { IntegrityError } from '../../errors.ts';
import type { RepositoryFolder } from './repository-folder.ts';

/** What is published now: the metadata that a client who starts today ends up with. */
export interface RepositoryState {
  readonly root: Metadata<Root>;
  readonly targets: Metadata<Targets>;
  readonly snapshot: Metadata<Snapshot>;
  readonly timestamp: Metadata<Timestamp>;
}

const LIMITS = { maxBytes: 5_000_000, maxDepth: 16 };

/**
 * Follows timestamp and snapshot as a client does, without judging signatures or times: what is out of date or signed by
 * a former key is signed again by its caller.
 *
 * @returns undefined when no repository has been published in this folder
 * @throws IntegrityError STATE_CORRUPT when files are missing or damaged: versions may then have been lost
 */
export async function readRepository(folder: RepositoryFolder): Promise<RepositoryState | undefined> {
  const roots = await folder.versions('root');
  const timestampFile = await folder.read('timestamp.json');
  if (timestampFile === undefined && roots.length === 0) return undefined;
  // Clients walk from the root they know to the newest, one by one.
  const gap = roots.findIndex((version, index) => version !== index + 1);
  if (roots.length === 0 || gap !== -1) throw corrupt(`${gap === -1 ? 1 : gap + 1}.root.json`, 'it is missing');
  const root = await load(folder, `${roots.length}.root.json`, (json) => Metadata.fromJSON(MetadataKind.Root, json));
  const timestamp = await load(folder, 'timestamp.json', (json) => Metadata.fromJSON(MetadataKind.Timestamp, json));
  const snapshotName = `${timestamp.signed.snapshotMeta.version}.snapshot.json`;
  const snapshot = await load(folder, snapshotName, (json) => Metadata.fromJSON(MetadataKind.Snapshot, json));
  const targetsVersion = snapshot.signed.meta['targets.json']?.version;
  if (targetsVersion === undefined) throw corrupt(snapshotName, 'it does not name targets.json');
  const targets = await load(folder, `${targetsVersion}.targets.json`, (json) =>
    Metadata.fromJSON(MetadataKind.Targets, json),
  );
  return { root, targets, snapshot, timestamp };
}

/**
 * The published bytes of those of these targets that there are, as their metadata tells them.
 *
 * @throws IntegrityError STATE_CORRUPT for one that is gone, or is something else
 */
export async function readTargetFiles(
  folder: RepositoryFolder,
  state: RepositoryState | undefined,
  names: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const listed = state?.targets.signed.targets ?? {};
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const target = Object.hasOwn(listed, name) ? listed[name] : undefined;
    if (target === undefined) continue;
    const path = `targets/${target.hashes['sha256'] ?? ''}.${name}`;
    const bytes = await folder.read(path);
    if (bytes === undefined) throw corrupt(path, 'it is missing');
    if (encodeHex(sha256(bytes)) !== target.hashes['sha256']) throw corrupt(path, 'it has another digest');
    files.set(name, bytes);
  }
  return files;
}

/** JSON as @tufjs/models takes it. */
type ModelJson = Parameters<typeof Metadata.fromJSON>[1];

async function load<Kind>(folder: RepositoryFolder, name: string, parse: (json: ModelJson) => Kind): Promise<Kind> {
  const bytes = await folder.read(name);
  if (bytes === undefined) throw corrupt(name, 'it is missing');
  try {
    return parse(parseJson(bytes, name, 'FORMAT_TUF', LIMITS) as ModelJson);
  } catch (cause) {
    throw corrupt(name, cause instanceof Error ? cause.message : 'it does not parse', cause);
  }
}

function corrupt(name: string, found: string, cause?: unknown): IntegrityError {
  return new IntegrityError('STATE_CORRUPT', `the trust root's ${name} cannot be used`, {
    found,
    expected: 'every file that has been published, unchanged',
    cause,
  });
}
