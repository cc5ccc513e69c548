import { HashTile } from '../../core/tlog/hash-tile.ts';
import { HASH_LENGTH } from '../../core/tlog/merkle.ts';
import { encodeTileName, TILE_WIDTH, type TileName } from '../../core/tlog/tile-name.ts';
import { IntegrityError } from '../../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * A tile or bundle that the tree says is there. Full ones replace their partial versions, so those are read where the
 * partial one is gone; whoever asked takes the first `width` of what comes.
 *
 * @throws IntegrityError STATE_CORRUPT when it is missing
 */
export async function readTileBytes(objects: ObjectStore, name: TileName): Promise<Uint8Array> {
  const exact = await objects.read(encodeTileName(name));
  if (exact !== undefined) return exact;
  const full =
    name.width === TILE_WIDTH ? undefined : await objects.read(encodeTileName({ ...name, width: TILE_WIDTH }));
  if (full !== undefined) return full;
  throw new IntegrityError('STATE_CORRUPT', 'the log lacks a tile', {
    found: `no ${encodeTileName(name)}`,
    expected: 'every tile of the tree that was committed',
    fix: 'sealwright log fsck',
  });
}

/** @throws IntegrityError STATE_CORRUPT when it is missing or has the wrong length; its hashes are not checked */
export async function readTile(objects: ObjectStore, name: TileName & { readonly level: number }): Promise<HashTile> {
  const bytes = await readTileBytes(objects, name);
  const isFull = bytes.length === TILE_WIDTH * HASH_LENGTH;
  try {
    return HashTile.parse(isFull ? bytes.subarray(0, name.width * HASH_LENGTH) : bytes, name.width);
  } catch (cause) {
    throw new IntegrityError('STATE_CORRUPT', 'a tile of the log is damaged', {
      found: `${bytes.length} bytes in ${encodeTileName(name)}`,
      fix: 'sealwright log fsck',
      cause,
    });
  }
}
