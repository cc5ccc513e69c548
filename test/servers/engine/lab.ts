/** A sequencer over stores that fail when and how a test wants it, and what must be true of it whatever fails. */
import assert from 'node:assert/strict';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { GrowingTree } from '../../../src/core/tlog/growing-tree.ts';
import { parseEntryBundle } from '../../../src/core/tlog/entry-bundle.ts';
import { leafHash, rootFromInclusionProof } from '../../../src/core/tlog/merkle.ts';
import { encodeTileName, TILE_WIDTH } from '../../../src/core/tlog/tile-name.ts';
import { createCheckpointSigner } from '../../../src/servers/engine/checkpoint-signer.ts';
import { ENTRY_FORMATS } from '../../../src/servers/engine/entry-format.ts';
import type { LogParts } from '../../../src/servers/engine/recovery.ts';
import { Sequencer, type SequencedBatch } from '../../../src/servers/engine/sequencer.ts';
import type { CommitStore } from '../../../src/servers/store/commit-store.ts';
import { FolderObjectStore } from '../../../src/servers/store/folder-object-store.ts';
import type { ObjectStore, StagedObjects } from '../../../src/servers/store/object-store.ts';
import { IntegrityError } from '../../../src/errors.ts';
import { MemoryCommitStore } from '../../support/memory-commit-store.ts';
import { PowerCutFileSystem } from '../../support/power-cut.ts';

export const ORIGIN = 'log.example.org';
export const KEY = PrivateKey.generate('ed25519');
export const SIGNER = createCheckpointSigner('tlog-tiles', ORIGIN, KEY);
export const NOW = new Date('2026-06-01T12:00:00Z');

/** What a log is made of, apart from the process that runs it. */
export class Disk {
  readonly commits = new MemoryCommitStore();
  readonly files = new PowerCutFileSystem();

  static async create(): Promise<Disk> {
    const disk = new Disk();
    disk.files.makeFolder('/log');
    await disk.files.syncFolder('/');
    return disk;
  }

  async parts(wrap: Faults = new Faults()): Promise<LogParts> {
    const objects = await FolderObjectStore.open('/log', this.files);
    return {
      commits: wrap.commits(this.commits),
      objects: wrap.objects(objects),
      format: ENTRY_FORMATS['tlog-tiles'],
      signer: SIGNER,
    };
  }

  async open(wrap?: Faults): Promise<Sequencer> {
    return await Sequencer.open(await this.parts(wrap), NOW);
  }

  read(name: string): Uint8Array | undefined {
    return this.files.read(`/log/objects/${name}`);
  }
}

export type Step = 'stage' | 'commit' | 'place' | 'flush' | 'read' | 'find' | 'removeFolder' | 'settle';
export type Fault = 'lost' | 'kept';

/** Breaks a step once: `lost` before it does anything, `kept` after it has done everything. */
export class Faults {
  #armed: { readonly step: Step; readonly fault: Fault } | undefined;
  hits = 0;

  arm(step: Step, fault: Fault): void {
    this.#armed = { step, fault };
  }

  disarm(): void {
    this.#armed = undefined;
  }

  commits(store: CommitStore): CommitStore {
    return {
      head: () => store.head(),
      commit: (commit) => this.#run('commit', () => store.commit(commit)),
      find: (identities) => this.#run('find', () => store.find(identities)),
      staged: () => store.staged(),
      settle: (sequences) => this.#run('settle', () => store.settle(sequences)),
      close: () => store.close(),
    };
  }

  objects(store: ObjectStore): ObjectStore {
    return {
      read: (name) => this.#run('read', () => store.read(name)),
      stage: (batch) =>
        this.#run('stage', async (): Promise<StagedObjects> => {
          const staged = await store.stage(batch);
          return { place: () => this.#run('place', () => staged.place()), discard: () => staged.discard() };
        }),
      flush: () => this.#run('flush', () => store.flush()),
      removeFolder: (name) => this.#run('removeFolder', () => store.removeFolder(name)),
      close: () => store.close(),
    };
  }

  async #run<Value>(step: Step, action: () => Promise<Value>): Promise<Value> {
    const fault = this.#armed?.step === step ? this.#armed.fault : undefined;
    if (fault === undefined) return await action();
    this.#armed = undefined;
    this.hits++;
    if (fault === 'kept') await action();
    throw new IntegrityError('STATE_UNAVAILABLE', `${step} failed on purpose`);
  }
}

export async function append(sequencer: Sequencer, ...names: readonly string[]): Promise<SequencedBatch> {
  return await sequencer.append({ entries: names.map(utf8), attachments: [] }, NOW);
}

/** Entry names a log has acknowledged, with the index and the checkpoint it named. */
export class Acknowledged {
  readonly #entries = new Map<string, bigint>();
  readonly #roots = new Map<bigint, string>();

  get size(): number {
    return this.#entries.size;
  }

  /** An answer is one promise, and must not contradict an earlier one. */
  add(names: readonly string[], batch: SequencedBatch): void {
    const checkpoint = SIGNER.verify(batch.checkpoint);
    assert.equal(checkpoint.size, batch.size);
    for (const [position, name] of names.entries()) {
      const entry = batch.entries[position];
      assert.ok(entry !== undefined);
      assert.equal(this.#entries.get(name) ?? entry.index, entry.index, `${name} has two indexes`);
      this.#entries.set(name, entry.index);
      const input = { leaf: leafHash(utf8(name)), index: entry.index, size: checkpoint.size, hashes: entry.proof };
      assert.deepEqual(Buffer.from(rootFromInclusionProof(input)), Buffer.from(checkpoint.root), name);
    }
    const root = Buffer.from(checkpoint.root).toString('hex');
    assert.equal(this.#roots.get(checkpoint.size) ?? root, root, `two trees of ${checkpoint.size} entries`);
    this.#roots.set(checkpoint.size, root);
  }

  /** Everything acknowledged is in the published log, where it was said to be, and every published tile is right. */
  check(read: (name: string) => Uint8Array | undefined): void {
    const checkpoint = SIGNER.verify(Buffer.from(read('checkpoint') ?? []).toString());
    const tree = new GrowingTree();
    const entries: string[] = [];
    while (tree.size < checkpoint.size) {
      const rest = checkpoint.size - tree.size;
      const width = rest < BigInt(TILE_WIDTH) ? Number(rest) : TILE_WIDTH;
      const name = encodeTileName({ level: 'entries', index: tree.size / BigInt(TILE_WIDTH), width });
      const bundle = parseEntryBundle(read(name) ?? assert.fail(`no ${name}`));
      assert.equal(bundle.length, width);
      for (const entry of bundle) {
        tree.append(leafHash(entry));
        entries.push(Buffer.from(entry).toString());
      }
    }
    assert.deepEqual(Buffer.from(tree.root()), Buffer.from(checkpoint.root));
    for (const { name, tile } of tree.takeChangedTiles()) {
      const stored = read(encodeTileName(name)) ?? assert.fail(`no ${encodeTileName(name)}`);
      assert.deepEqual(Buffer.from(stored), Buffer.from(tile.encode()), encodeTileName(name));
    }
    for (const [name, index] of this.#entries) assert.equal(entries[Number(index)], name, `${name} at ${index}`);
    assert.equal(new Set(entries).size, entries.length, 'an entry twice');
    for (const size of this.#roots.keys()) assert.ok(size <= checkpoint.size, 'the log was set back');
  }
}
