import { equalBytes, utf8 } from '../../core/encoding/bytes.ts';
import type { Checkpoint } from '../../core/tlog/checkpoint.ts';
import { emptyRoot } from '../../core/tlog/merkle.ts';
import { IntegrityError, SealwrightError } from '../../errors.ts';
import type { CommitStore } from '../store/commit-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CheckpointSigner } from './checkpoint-signer.ts';
import { parseEntryBatch, type EntryBatch } from './entry-batch.ts';
import type { EntryFormat } from './entry-format.ts';
import { LogEdge } from './log-edge.ts';

export interface LogParts {
  readonly commits: CommitStore;
  readonly objects: ObjectStore;
  readonly format: EntryFormat;
  readonly signer: CheckpointSigner;
}

/** Name of the one mutable object. */
export const CHECKPOINT = 'checkpoint';

/** Where a log stands: everything committed is placed, published and durable. */
export interface RecoveredLog {
  readonly checkpoint: string;
  readonly edge: LogEdge;
}

/**
 * Brings the objects to the last commit, or refuses. The commits decide: what they hold is placed again and must come out
 * as it was signed; what is published beyond them means that they were set back, and then nothing is written.
 *
 * @throws IntegrityError STATE_CORRUPT, STATE_UNAVAILABLE, STATE_CONFLICT
 */
export async function recoverLog(parts: LogParts, now: Date): Promise<RecoveredLog> {
  const { commits, objects, format, signer } = parts;
  const head = await commits.head();
  const published = await objects.read(CHECKPOINT);
  if (head === undefined) {
    if (published !== undefined) throw corrupt('a published checkpoint without a commit', 'the commits that led to it');
    return await createLog(parts, now);
  }
  const checkpoint = own(signer, head, 'committed');
  checkPublished(signer, published, checkpoint);
  const staged = await commits.staged();
  let edge: LogEdge | undefined;
  const outdated: string[] = [];
  for (const { batch } of staged) {
    const parsed = parseEntryBatch(batch);
    edge ??= await LogEdge.load(objects, format, own(signer, parsed.previous, 'staged'));
    outdated.push(...(await replay(parts, edge, parsed)));
  }
  edge ??= await LogEdge.load(objects, format, checkpoint);
  if (edge.tree.size !== checkpoint.size || !equalBytes(edge.tree.root(), checkpoint.root)) {
    throw corrupt(
      `staged batches up to ${edge.tree.size} entries`,
      `the ${checkpoint.size} entries that were committed`,
    );
  }
  await publish(objects, head);
  await objects.flush();
  for (const folder of outdated) await objects.removeFolder(folder);
  await commits.settle(staged.map(({ sequence }) => sequence));
  return { checkpoint: head, edge };
}

/** An empty log publishes its checkpoint like any other: clients tell an empty log from no log. */
async function createLog({ commits, objects, format, signer }: LogParts, now: Date): Promise<RecoveredLog> {
  const tree = { size: 0n, root: emptyRoot() };
  const checkpoint = signer.sign(tree, undefined, now);
  await commits.commit({ previous: undefined, checkpoint, identities: [], staged: undefined, settled: [] });
  await publish(objects, checkpoint);
  await objects.flush();
  return { checkpoint, edge: await LogEdge.load(objects, format, tree) };
}

/** @returns folders that the batch has outdated */
async function replay(
  { objects, format, signer }: LogParts,
  edge: LogEdge,
  batch: EntryBatch,
): Promise<readonly string[]> {
  const before = own(signer, batch.previous, 'staged');
  const after = own(signer, batch.checkpoint, 'staged');
  if (before.size !== edge.tree.size || !equalBytes(before.root, edge.tree.root())) {
    throw corrupt(`a staged batch that follows ${before.size} entries`, `one that follows ${edge.tree.size}`);
  }
  for (const submission of batch.submissions) edge.append(format.place(submission, edge.tree.size));
  if (after.size !== edge.tree.size || !equalBytes(after.root, edge.tree.root())) {
    throw corrupt('a staged batch that does not lead to its checkpoint', `${after.size} entries`);
  }
  const changes = edge.takeChanges();
  const staged = await objects.stage({
    objects: [...batch.attachments, ...changes.objects],
    pointer: { name: CHECKPOINT, bytes: utf8(batch.checkpoint) },
  });
  await staged.place();
  return changes.outdated;
}

async function publish(objects: ObjectStore, checkpoint: string): Promise<void> {
  const staged = await objects.stage({ objects: [], pointer: { name: CHECKPOINT, bytes: utf8(checkpoint) } });
  await staged.place();
}

/** Published may lag behind, by a crash between commit and publication. It may not lead, and may not differ. */
function checkPublished(signer: CheckpointSigner, published: Uint8Array | undefined, committed: Checkpoint): void {
  if (published === undefined) return;
  const { size, root } = own(signer, Buffer.from(published).toString('utf8'), 'published');
  if (size < committed.size || (size === committed.size && equalBytes(root, committed.root))) return;
  throw corrupt(
    `a published checkpoint of ${size} entries`,
    `the last commit's, of ${committed.size}: it was set back`,
  );
}

function own(signer: CheckpointSigner, text: string, which: string): Checkpoint {
  try {
    return signer.verify(text);
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
    throw new IntegrityError('STATE_CORRUPT', `the ${which} checkpoint is not this log's`, { ...cause.facts, cause });
  }
}

function corrupt(found: string, expected: string): IntegrityError {
  return new IntegrityError('STATE_CORRUPT', "the log's state contradicts itself; nothing is written to it", {
    found,
    expected,
    fix: 'sealwright log fsck',
  });
}
