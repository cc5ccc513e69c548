import type { ChangedTile, GrowingTree } from '../../core/tlog/growing-tree.ts';
import type { HashTile } from '../../core/tlog/hash-tile.ts';
import { TILE_WIDTH } from '../../core/tlog/tile-name.ts';
import { hashPlanned, placeOf, planInclusionProof, type HashPlan, type TreeNode } from '../../core/tlog/tree-node.ts';
import { InvariantError } from '../../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readTile } from './tile-reading.ts';

/** Full tiles kept in memory, some 60 KiB each. */
const MAX_TILES = 64;

/** Inclusion proofs for the tree as it stands, out of its edge, its last full tiles, and the store. */
export class ProofBuilder {
  readonly #objects: ObjectStore;
  /** Full tiles, the least recently used first. */
  readonly #tiles = new Map<string, HashTile>();

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Takes the full tiles of a batch, which are about to be needed. */
  keep(changed: readonly ChangedTile[]): void {
    for (const { name, tile } of changed)
      if (name.width === TILE_WIDTH) this.#remember(keyOf(name.level, name.index), tile);
  }

  /**
   * One proof for each index, lowest hash first. Unverified: tiles from the store are not checked one by one.
   *
   * @throws IntegrityError STATE_CORRUPT when a tile is missing or malformed
   */
  async build(tree: GrowingTree, indexes: readonly bigint[]): Promise<readonly (readonly Uint8Array[])[]> {
    const proofs: (readonly Uint8Array[])[] = [];
    for (const index of indexes) {
      const plans = planInclusionProof(index, tree.size);
      await this.#load(tree, plans);
      proofs.push(plans.map((plan) => hashPlanned(plan, (node) => this.#node(tree, node))));
    }
    return proofs;
  }

  async #load(tree: GrowingTree, plans: readonly HashPlan[]): Promise<void> {
    for (const node of plans.flat()) {
      if (tree.edgeNode(node) !== undefined) continue;
      const { tileLevel: level, tileIndex: index } = placeOf(node);
      const key = keyOf(level, index);
      if (!this.#tiles.has(key))
        this.#remember(key, await readTile(this.#objects, { level, index, width: TILE_WIDTH }));
    }
  }

  #node(tree: GrowingTree, node: TreeNode): Uint8Array {
    const known = tree.edgeNode(node);
    if (known !== undefined) return known;
    const { tileLevel, tileIndex, height, position } = placeOf(node);
    const tile = this.#tiles.get(keyOf(tileLevel, tileIndex));
    if (tile === undefined) throw new InvariantError('a tile was not loaded');
    return tile.node(height, position);
  }

  #remember(key: string, tile: HashTile): void {
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    const [oldest] = this.#tiles.keys();
    if (this.#tiles.size > MAX_TILES && oldest !== undefined) this.#tiles.delete(oldest);
  }
}

function keyOf(level: number, index: bigint): string {
  return `${level}/${index}`;
}
