import { FormatError, InvariantError } from '../../errors.ts';
import { HASH_LENGTH, nodeHash } from './merkle.ts';
import { TILE_HEIGHT, TILE_WIDTH } from './tile-name.ts';

/**
 * Up to 256 consecutive hashes of one level, with every complete node above them. Grows from left to right; the nodes are
 * kept, so that proofs cost look-ups instead of hashing the tile again.
 */
export class HashTile {
  #width = 0;
  /** By height inside the tile: at 0 the hashes themselves, at 8 the root of the full tile. */
  readonly #nodes: Uint8Array[][] = Array.from({ length: TILE_HEIGHT + 1 }, () => []);

  /** Hashes in the tile, 0 to 256. */
  get width(): number {
    return this.#width;
  }

  /** @throws FormatError FORMAT_TILE when there are not exactly `width` hashes */
  static parse(bytes: Uint8Array, width: number): HashTile {
    if (bytes.length !== width * HASH_LENGTH) {
      throw new FormatError('FORMAT_TILE', 'the tile has the wrong length', {
        found: `${bytes.length} bytes`,
        expected: `${width * HASH_LENGTH} bytes, for ${width} hashes`,
      });
    }
    const tile = new HashTile();
    for (let at = 0; at < bytes.length; at += HASH_LENGTH) tile.append(bytes.subarray(at, at + HASH_LENGTH));
    return tile;
  }

  /** The tile as it is stored and served. */
  encode(): Uint8Array {
    return Buffer.concat(this.#nodes[0] ?? []);
  }

  append(hash: Uint8Array): void {
    if (this.#width === TILE_WIDTH) throw new InvariantError('the tile is full');
    let node = hash;
    for (let height = 0; height <= TILE_HEIGHT; height++) {
      const row = this.#nodes[height] ?? [];
      row.push(node);
      const left = row[row.length - 2];
      if (row.length % 2 !== 0 || left === undefined) break;
      node = nodeHash(left, node);
    }
    this.#width++;
  }

  /** A complete node `height` above the tile's hashes (0: one of them), counted from the left. */
  node(height: number, index: number): Uint8Array {
    const node = this.#nodes[height]?.[index];
    if (node === undefined) throw new InvariantError('no such node in this tile');
    return node;
  }
}
