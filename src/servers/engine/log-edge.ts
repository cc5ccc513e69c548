import { concatBytes, equalBytes } from '../../core/encoding/bytes.ts';
import { GrowingTree, type ChangedTile } from '../../core/tlog/growing-tree.ts';
import { HashTile } from '../../core/tlog/hash-tile.ts';
import {
  encodeTileName,
  partialTileFolder,
  partialWidth,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TileName,
} from '../../core/tlog/tile-name.ts';
import { IntegrityError } from '../../errors.ts';
import type { ObjectStore, StoredObject } from '../store/object-store.ts';
import type { Tree } from './checkpoint-signer.ts';
import type { EntryFormat, PlacedEntry } from './entry-format.ts';
import { readTile, readTileBytes } from './tile-reading.ts';

/** What appending has changed since it was last asked. */
export interface EdgeChanges {
  readonly objects: readonly StoredObject[];
  readonly tiles: readonly ChangedTile[];
  /** Folders of partial tiles and bundles that full ones have replaced. */
  readonly outdated: readonly string[];
}

/** The right edge of a log: all that appending needs to know of what is there already. */
export class LogEdge {
  readonly tree: GrowingTree;
  readonly #format: EntryFormat;
  /** Records of the bundle that is not full. */
  #records: Uint8Array[];
  #filled: StoredObject[] = [];
  #outdated: string[] = [];

  private constructor(format: EntryFormat, tree: GrowingTree, records: Uint8Array[]) {
    this.#format = format;
    this.tree = tree;
    this.#records = records;
  }

  /**
   * Reads the edge of a tree back from its tiles.
   *
   * @throws IntegrityError STATE_CORRUPT when a tile is missing, malformed, or not of the tree with that root
   */
  static async load(objects: ObjectStore, format: EntryFormat, { size, root }: Tree): Promise<LogEdge> {
    const edge: HashTile[] = [];
    for (let level = 0; size >> BigInt(TILE_HEIGHT * level) > 0n; level++) {
      const width = partialWidth(size, level);
      const index = size >> BigInt(TILE_HEIGHT * (level + 1));
      edge.push(width === 0 ? new HashTile() : await readTile(objects, { level, index, width }));
    }
    const tree = new GrowingTree(size, edge);
    if (!equalBytes(tree.root(), root)) throw corrupt(`tiles of another tree of ${size} entries`);
    return new LogEdge(format, tree, await loadRecords(objects, format, tree, edge[0]));
  }

  append({ leaf, record }: PlacedEntry): void {
    this.tree.append(leaf);
    this.#records.push(record);
    if (this.#records.length < TILE_WIDTH) return;
    this.#filled.push(this.#bundle(this.tree.size / BigInt(TILE_WIDTH) - 1n));
    this.#records = [];
  }

  takeChanges(): EdgeChanges {
    const tiles = this.tree.takeChangedTiles();
    const objects = [
      ...this.#filled,
      ...tiles.map(({ name, tile }) => ({ name: encodeTileName(name), bytes: tile.encode() })),
    ];
    if (this.#records.length > 0) objects.push(this.#bundle(this.tree.size / BigInt(TILE_WIDTH)));
    const full = tiles.filter(({ name }) => name.width === TILE_WIDTH);
    const outdated = [...full.map(({ name }) => partialTileFolder(name.level, name.index)), ...this.#outdated];
    this.#filled = [];
    this.#outdated = [];
    return { objects, tiles, outdated };
  }

  #bundle(index: bigint): StoredObject {
    const { bundles } = this.#format;
    const name: TileName = { level: bundles, index, width: this.#records.length };
    if (name.width === TILE_WIDTH) this.#outdated.push(partialTileFolder(bundles, index));
    return { name: encodeTileName(name), bytes: concatBytes(...this.#records) };
  }
}

/** The records of the last bundle, each checked against the tree's own leaf. */
async function loadRecords(
  objects: ObjectStore,
  format: EntryFormat,
  tree: GrowingTree,
  leaves: HashTile | undefined,
): Promise<Uint8Array[]> {
  const width = partialWidth(tree.size, 0);
  if (leaves === undefined || width === 0) return [];
  const index = tree.size / BigInt(TILE_WIDTH);
  const bytes = await readTileBytes(objects, { level: format.bundles, index, width });
  const entries = parseOwn(() => format.parseBundle(bytes, index * BigInt(TILE_WIDTH))).slice(0, width);
  const same = entries.every(({ leaf }, position) => equalBytes(leaf, leaves.node(0, position)));
  if (!same || entries.length < width) throw corrupt('a bundle of entries that the tree does not hold');
  return entries.map(({ record }) => Uint8Array.from(record));
}

function parseOwn<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    throw corrupt('a bundle that does not parse', cause);
  }
}

function corrupt(found: string, cause?: unknown): IntegrityError {
  return new IntegrityError('STATE_CORRUPT', "the log's tiles are not those of its checkpoint", {
    found,
    expected: 'the tree that was committed',
    fix: 'sealwright log fsck',
    ...(cause === undefined ? {} : { cause }),
  });
}
