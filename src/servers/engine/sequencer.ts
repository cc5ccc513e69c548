import { equalBytes, utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { rootFromInclusionProof } from '../../core/tlog/merkle.ts';
import { TILE_WIDTH } from '../../core/tlog/tile-name.ts';
import { IntegrityError } from '../../errors.ts';
import type { ObjectBatch, StoredObject } from '../store/object-store.ts';
import { encodeEntryBatch } from './entry-batch.ts';
import type { PlacedEntry } from './entry-format.ts';
import type { LogEdge } from './log-edge.ts';
import { ProofBuilder } from './proof-builder.ts';
import { CHECKPOINT, recoverLog, type LogParts } from './recovery.ts';
import { readTileBytes } from './tile-reading.ts';

/** What is asked to be logged together: checked by whoever asks, opaque here. */
export interface Submissions {
  readonly entries: readonly Uint8Array[];
  /** Objects that must be there before a checkpoint covers the entries. */
  readonly attachments: readonly StoredObject[];
}

/** A submission's place in the log, with the proof of it. */
export interface SequencedEntry {
  readonly index: bigint;
  /** The entry as it stands in its bundle: the first one of those that mean the same. */
  readonly record: Uint8Array;
  /** Lowest first; verified against the root of the checkpoint that comes with it. */
  readonly proof: readonly Uint8Array[];
}

/** The answer to a batch: durable, published, provable. Submissions that were there before have their old index. */
export interface SequencedBatch {
  readonly checkpoint: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** In the order of the submissions. */
  readonly entries: readonly SequencedEntry[];
}

interface IndexedEntry extends PlacedEntry {
  readonly index: bigint;
}

interface NewEntry extends IndexedEntry {
  readonly submission: Uint8Array;
  readonly identity: Uint8Array;
}

/** A batch whose submissions have their indexes; nothing of it is written yet. */
interface Draft {
  readonly fresh: readonly NewEntry[];
  readonly entries: readonly IndexedEntry[];
}

/**
 * Gives submissions their order. One batch at a time; a batch that fails on the way leaves the sequencer without a state,
 * and the next one starts from the store again, exactly as a new process would. Where the store contradicts itself there
 * is no next one.
 */
export class Sequencer {
  readonly #parts: LogParts;
  readonly #proofs: ProofBuilder;
  #checkpoint = '';
  #edge: LogEdge | undefined;
  #stopped: IntegrityError | undefined;
  /** Placed, and not known to be durable. */
  #placed: { sequences: number[]; outdated: string[] } = { sequences: [], outdated: [] };
  /** Durable in place, and still staged. */
  #settled: number[] = [];
  #settling: Promise<void> | undefined;
  #settlingFailed = false;
  /** Names of attachments that are durable or staged since the last recovery. */
  readonly #attached = new Set<string>();

  private constructor(parts: LogParts) {
    this.#parts = parts;
    this.#proofs = new ProofBuilder(parts.objects);
  }

  /** @throws IntegrityError when the stores do not hold a log that can be continued */
  static async open(parts: LogParts, now: Date): Promise<Sequencer> {
    const sequencer = new Sequencer(parts);
    await sequencer.#recover(now);
    return sequencer;
  }

  /**
   * Logs a batch; on return every entry of it survives a power cut and is covered by the published checkpoint. The caller
   * waits for one batch before it brings the next.
   *
   * @throws IntegrityError; nobody may then be told that the batch was logged, though it may have been
   */
  async append(submissions: Submissions, now: Date): Promise<SequencedBatch> {
    if (this.#stopped !== undefined) throw this.#stopped;
    try {
      const edge = this.#settlingFailed ? undefined : this.#edge;
      // Until the batch is through, what is in memory is ahead of what is stored.
      this.#edge = undefined;
      const current = edge ?? (await this.#recover(now));
      const draft = await this.#draft(current, submissions.entries);
      const isWritten = draft.fresh.length > 0;
      if (isWritten) await this.#write(current, draft.fresh, submissions.attachments, now);
      const answer = await this.#prove(current, draft.entries);
      this.#edge = current;
      if (isWritten) this.#afterwards();
      return answer;
    } catch (error) {
      this.#edge = undefined;
      if (error instanceof IntegrityError && error.code === 'STATE_CORRUPT') this.#stopped = error;
      throw error;
    }
  }

  /** Leaves everything durable in its final place, as far as the stores let it. */
  async close(): Promise<void> {
    const { commits, objects } = this.#parts;
    try {
      await this.#settling;
      if (this.#edge !== undefined && !this.#settlingFailed) {
        await this.#settle();
        await commits.settle(this.#settled);
      }
    } finally {
      await objects.close();
      await commits.close();
    }
  }

  async #recover(now: Date): Promise<LogEdge> {
    await this.#settling;
    this.#placed = { sequences: [], outdated: [] };
    this.#settled = [];
    this.#attached.clear();
    const { checkpoint, edge } = await recoverLog(this.#parts, now);
    this.#settlingFailed = false;
    this.#checkpoint = checkpoint;
    this.#edge = edge;
    return edge;
  }

  /** Finds each submission's index: the one it has, the one its twin in the batch gets, or the next. */
  async #draft(edge: LogEdge, submissions: readonly Uint8Array[]): Promise<Draft> {
    const { commits, format } = this.#parts;
    const identities = submissions.map((submission) => format.identify(submission));
    const known = await commits.find(identities);
    const drafted = new Map<string, IndexedEntry>();
    const fresh: NewEntry[] = [];
    const entries: IndexedEntry[] = [];
    for (const [position, submission] of submissions.entries()) {
      const identity = identities[position] ?? new Uint8Array(0);
      const key = encodeHex(identity);
      let entry = drafted.get(key);
      if (entry === undefined) {
        const index = known[position];
        if (index === undefined) {
          const next = edge.tree.size + BigInt(fresh.length);
          const added = { ...format.place(submission, next), index: next, submission, identity };
          fresh.push(added);
          entry = added;
        } else entry = await this.#logged(edge, index);
        drafted.set(key, entry);
      }
      entries.push(entry);
    }
    return { fresh, entries };
  }

  /** An entry that is in the log already, as it was logged then. */
  async #logged(edge: LogEdge, index: bigint): Promise<IndexedEntry> {
    const { objects, format } = this.#parts;
    const width = BigInt(TILE_WIDTH);
    const start = index - (index % width);
    const held = edge.tree.size - start;
    const name = { level: format.bundles, index: start / width, width: Number(held < width ? held : width) };
    const entry =
      index < edge.tree.size
        ? format.parseBundle(await readTileBytes(objects, name), start)[Number(index - start)]
        : undefined;
    if (entry !== undefined) return { ...entry, index };
    throw new IntegrityError('STATE_CORRUPT', 'an entry that was committed is not in the log', {
      found: `index ${index} in a log of ${edge.tree.size} entries`,
      fix: 'sealwright log fsck',
    });
  }

  async #write(
    edge: LogEdge,
    fresh: readonly NewEntry[],
    attachments: readonly StoredObject[],
    now: Date,
  ): Promise<void> {
    const { commits, objects, signer } = this.#parts;
    const previous = this.#checkpoint;
    for (const entry of fresh) edge.append(entry);
    const changes = edge.takeChanges();
    const checkpoint = signer.sign({ size: edge.tree.size, root: edge.tree.root() }, previous, now);
    const added = attachments.filter(({ name }) => !this.#attached.has(name));
    const batch: ObjectBatch = {
      objects: [...added, ...changes.objects],
      pointer: { name: CHECKPOINT, bytes: utf8(checkpoint) },
    };
    // Staging begins before the commit, so that the two wait for the disk together.
    const staging = objects.stage(batch);
    const settled = this.#settled;
    const submissions = fresh.map(({ submission }) => submission);
    const staged = encodeEntryBatch({ previous, checkpoint, submissions, attachments: added });
    let sequence: number | undefined;
    try {
      sequence = await commits.commit({ previous, checkpoint, identities: fresh, staged, settled });
    } catch (error) {
      await staging.then((each) => each.discard()).catch(() => undefined);
      throw error;
    }
    this.#settled = this.#settled.filter((each) => !settled.includes(each));
    await (await staging).place();
    for (const { name } of added) this.#attached.add(name);
    this.#checkpoint = checkpoint;
    this.#proofs.keep(changes.tiles);
    if (sequence !== undefined) this.#placed.sequences.push(sequence);
    this.#placed.outdated.push(...changes.outdated);
  }

  /** Makes what was placed durable, in the background: until then it is in the commit, and a start-up would place it. */
  #afterwards(): void {
    this.#settling ??= this.#settle()
      .catch(() => {
        // The batch stays staged; the next one begins with a recovery, which hears from the store what is wrong.
        this.#settlingFailed = true;
      })
      .finally(() => {
        this.#settling = undefined;
      });
  }

  async #settle(): Promise<void> {
    while (this.#placed.sequences.length > 0) {
      const { sequences, outdated } = this.#placed;
      this.#placed = { sequences: [], outdated: [] };
      await this.#parts.objects.flush();
      this.#settled = [...this.#settled, ...sequences];
      for (const folder of outdated) await this.#parts.objects.removeFolder(folder);
    }
  }

  /** Each proof is checked before it is given out: a wrong one would be signed for by the checkpoint beside it. */
  async #prove(edge: LogEdge, drafted: readonly IndexedEntry[]): Promise<SequencedBatch> {
    const { size } = edge.tree;
    const root = edge.tree.root();
    const proofs = await this.#proofs.build(
      edge.tree,
      drafted.map(({ index }) => index),
    );
    const entries = drafted.map(({ index, leaf, record }, position) => {
      const proof = proofs[position] ?? [];
      if (equalBytes(rootFromInclusionProof({ leaf, index, size, hashes: proof }), root)) {
        return { index, record, proof };
      }
      throw new IntegrityError('STATE_CORRUPT', 'an entry cannot be proved to be in the log', {
        found: `a proof for index ${index} that leads to another root`,
        expected: `the root of the ${size} entries that were committed`,
        fix: 'sealwright log fsck',
      });
    });
    return { checkpoint: this.#checkpoint, size, root, entries };
  }
}
