import type { PublicKey } from '../../core/crypto/public-key.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import { GrowingTree } from '../../core/tlog/growing-tree.ts';
import { HASH_LENGTH } from '../../core/tlog/merkle.ts';
import { encodeTileName, TILE_WIDTH, type TileName } from '../../core/tlog/tile-name.ts';
import { SealwrightError } from '../../errors.ts';
import { verifyLogCheckpoint, type Tree } from '../engine/checkpoint-signer.ts';
import { ENTRY_FORMATS, type EntryFormat, type LogKind } from '../engine/entry-format.ts';
import { readStoredObject } from '../store/folder-object-store.ts';

export interface FsckOptions {
  readonly dir: string;
  readonly origin: string;
  /** Ed25519 for a signature log, P-256 for a CT log. */
  readonly key: PublicKey;
}

/** One object that is not what the entries make it. */
export interface LogDifference {
  /** `checkpoint`, or the tile's or bundle's name. */
  readonly name: string;
  readonly found: string;
  readonly expected: string;
}

export interface FsckReport {
  /** Entries that the checkpoint commits to; undefined when there is no checkpoint to go by. */
  readonly treeSize: bigint | undefined;
  /** Tiles and bundles that were compared. */
  readonly objectsChecked: number;
  /** Empty for a sound log. */
  readonly differences: readonly LogDifference[];
}

/**
 * Derives every tile of a log from its entries and compares; entries against the tiles, tiles against the checkpoint, the
 * checkpoint against the key. Reads only, also beside a log that is being written to: what it checks is the tree of the
 * checkpoint it began with.
 *
 * @throws IntegrityError STATE_UNAVAILABLE when a file cannot be read
 */
export async function fsckLog({ dir, origin, key }: FsckOptions): Promise<FsckReport> {
  const kind: LogKind = key.kind === 'ed25519' ? 'tlog-tiles' : 'static-ct';
  const text = await readStoredObject(dir, 'checkpoint');
  if (text === undefined) return unreadable('nothing', `a checkpoint of ${origin}`);
  let tree: Tree;
  try {
    tree = verifyLogCheckpoint(kind, Buffer.from(text).toString('utf8'), origin, key);
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return unreadable(`${error.message}: ${error.facts.found ?? ''}`, `a checkpoint signed by the key of ${origin}`);
  }
  return await new Derivation(dir, ENTRY_FORMATS[kind], tree).run();
}

function unreadable(found: string, expected: string): FsckReport {
  return { treeSize: undefined, objectsChecked: 0, differences: [{ name: 'checkpoint', found, expected }] };
}

class Derivation {
  readonly #dir: string;
  readonly #format: EntryFormat;
  readonly #target: Tree;
  readonly #tree = new GrowingTree();
  readonly #differences: LogDifference[] = [];
  #checked = 0;

  constructor(dir: string, format: EntryFormat, target: Tree) {
    this.#dir = dir;
    this.#format = format;
    this.#target = target;
  }

  async run(): Promise<FsckReport> {
    const { size, root } = this.#target;
    while (this.#tree.size < size && (await this.#extend())) await this.#compareTiles(false);
    await this.#compareTiles(true);
    if (this.#tree.size === size && !equalBytes(this.#tree.root(), root)) {
      this.#differ(
        'checkpoint',
        `root ${encodeBase64(root)}`,
        `root ${encodeBase64(this.#tree.root())} of the entries`,
      );
    }
    return { treeSize: size, objectsChecked: this.#checked, differences: this.#differences };
  }

  /** Appends one bundle's entries; the tile's hashes where the bundle is no use. False when neither is. */
  async #extend(): Promise<boolean> {
    const start = this.#tree.size;
    const rest = this.#target.size - start;
    const width = rest < BigInt(TILE_WIDTH) ? Number(rest) : TILE_WIDTH;
    const index = start / BigInt(TILE_WIDTH);
    const leaves = (await this.#bundleLeaves(index, start, width)) ?? (await this.#tileLeaves(index, width));
    for (const leaf of leaves ?? []) this.#tree.append(leaf);
    return leaves !== undefined;
  }

  async #bundleLeaves(index: bigint, start: bigint, width: number): Promise<readonly Uint8Array[] | undefined> {
    const name: TileName = { level: this.#format.bundles, index, width };
    const bundle = await this.#read(name);
    if (bundle === undefined) return undefined;
    try {
      const held = this.#format.parseBundle(bundle.bytes, start);
      const entries = bundle.isReplaced ? held.slice(0, width) : held;
      if (entries.length === width) return entries.map(({ leaf }) => leaf);
      this.#differ(encodeTileName(name), `${entries.length} entries`, `${width} entries`);
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      this.#differ(encodeTileName(name), error.facts.found ?? error.message, `${width} entries`);
    }
    return undefined;
  }

  async #tileLeaves(index: bigint, width: number): Promise<readonly Uint8Array[] | undefined> {
    const tile = await this.#read({ level: 0, index, width }, false);
    if (tile === undefined || tile.bytes.length < width * HASH_LENGTH) return undefined;
    return Array.from({ length: width }, (_, at) => tile.bytes.subarray(at * HASH_LENGTH, (at + 1) * HASH_LENGTH));
  }

  /** Full tiles as they fill; what is partial only at the end, when the tree has its size. */
  async #compareTiles(isEnd: boolean): Promise<void> {
    for (const { name, tile } of isEnd ? this.#tree.takeChangedTiles() : this.#tree.takeFilledTiles()) {
      const expected = tile.encode();
      const stored = await this.#read(name);
      if (stored === undefined) continue;
      const found = stored.isReplaced ? stored.bytes.subarray(0, expected.length) : stored.bytes;
      if (equalBytes(found, expected)) continue;
      const at = expected.findIndex((byte, offset) => found[offset] !== byte);
      const what = at < 0 ? `${found.length} bytes` : `another hash ${Math.floor(at / HASH_LENGTH)}`;
      this.#differ(encodeTileName(name), what, `the ${expected.length} bytes that the entries make`);
    }
  }

  /** In place of a partial tile that is gone, the full one that replaced it, which counts for as far as it goes. */
  async #read(
    name: TileName,
    isCounted = true,
  ): Promise<{ readonly bytes: Uint8Array; readonly isReplaced: boolean } | undefined> {
    if (isCounted) this.#checked++;
    const exact = await readStoredObject(this.#dir, encodeTileName(name));
    if (exact !== undefined) return { bytes: exact, isReplaced: false };
    const full = await readStoredObject(this.#dir, encodeTileName({ ...name, width: TILE_WIDTH }));
    if (full !== undefined) return { bytes: full, isReplaced: true };
    if (isCounted) this.#differ(encodeTileName(name), 'nothing', `${name.width} elements`);
    return undefined;
  }

  #differ(name: string, found: string, expected: string): void {
    this.#differences.push({ name, found, expected });
  }
}
