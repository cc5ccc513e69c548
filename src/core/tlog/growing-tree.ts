import { InvariantError } from '../../errors.ts';
import { HashTile } from './hash-tile.ts';
import { emptyRoot } from './merkle.ts';
import { TILE_HEIGHT, TILE_WIDTH, type TileName } from './tile-name.ts';
import { hashPlanned, placeOf, planSubtree, type TreeNode } from './tree-node.ts';

/** A tile that appending has filled or widened. */
export interface ChangedTile {
  readonly name: TileName & { readonly level: number };
  readonly tile: HashTile;
}

/**
 * A tree that grows by leaves, known by the right-most tile of each level alone. Appending names the tiles it changes, in
 * the order from which they can be checked: the full ones as they fill, then the partial ones from the bottom up.
 */
export class GrowingTree {
  #size: bigint;
  readonly #edge: HashTile[];
  #filled: ChangedTile[] = [];
  #grown = new Set<number>();

  /** @param edge the right-most tile of each level, bottom first, as wide as `size` makes it; missing ones are empty */
  constructor(size = 0n, edge: readonly HashTile[] = []) {
    this.#size = size;
    this.#edge = [...edge];
  }

  get size(): bigint {
    return this.#size;
  }

  /** The right-most tile of each level, bottom first: what the tree can be continued from. */
  get edge(): readonly HashTile[] {
    return this.#edge;
  }

  /** @param leaf 32 bytes, a leaf hash */
  append(leaf: Uint8Array): void {
    this.#size++;
    let hash = leaf;
    for (let level = 0; ; level++) {
      const tile = (this.#edge[level] ??= new HashTile());
      tile.append(hash);
      this.#grown.add(level);
      if (tile.width < TILE_WIDTH) return;
      const index = (this.#size >> BigInt(TILE_HEIGHT * (level + 1))) - 1n;
      this.#filled.push({ name: { level, index, width: TILE_WIDTH }, tile });
      this.#edge[level] = new HashTile();
      hash = tile.node(TILE_HEIGHT, 0);
    }
  }

  /** The tiles changed since this was last asked. */
  takeChangedTiles(): readonly ChangedTile[] {
    const partial = [...this.#grown]
      .sort((a, b) => a - b)
      .map((level) => ({ level, tile: this.#edgeAt(level) }))
      .filter(({ tile }) => tile.width > 0)
      .map(({ level, tile }) => ({
        name: { level, index: this.#size >> BigInt(TILE_HEIGHT * (level + 1)), width: tile.width },
        tile,
      }));
    this.#grown = new Set();
    return [...this.takeFilledTiles(), ...partial];
  }

  /** The tiles that have filled since this was last asked; those that are not full stay to be taken. */
  takeFilledTiles(): readonly ChangedTile[] {
    const filled = this.#filled;
    this.#filled = [];
    return filled;
  }

  root(): Uint8Array {
    if (this.#size === 0n) return emptyRoot();
    return hashPlanned(planSubtree(0n, this.#size), (node) => {
      const hash = this.edgeNode(node);
      if (hash === undefined) throw new InvariantError('a node of the root is outside the edge');
      return hash;
    });
  }

  /** A complete node's hash when it lies in the right-most tile of its level. */
  edgeNode(node: TreeNode): Uint8Array | undefined {
    const { tileLevel, tileIndex, height, position } = placeOf(node);
    if (tileIndex !== this.#size >> BigInt(TILE_HEIGHT * (tileLevel + 1))) return undefined;
    return this.#edgeAt(tileLevel).node(height, position);
  }

  #edgeAt(level: number): HashTile {
    return this.#edge[level] ?? new HashTile();
  }
}
