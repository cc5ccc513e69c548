import { FormatError, InvariantError } from '../../errors.ts';

/** Hashes in a full tile, and entries in a full bundle (C2SP tlog-tiles: tiles of height 8). */
export const TILE_WIDTH = 256;
/** log2 of {@link TILE_WIDTH}. */
export const TILE_HEIGHT = 8;

/** A tile of hashes at a level, or a bundle of entries: `entries` (tlog-tiles) or `data` (static-ct-api). */
export interface TileName {
  readonly level: number | 'entries' | 'data';
  /** Zero-based, from the left. */
  readonly index: bigint;
  /** Hashes or entries in it: 1 to 256; below 256 the tile is partial. */
  readonly width: number;
}

const PATH = /^tile\/(entries|data|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,6}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
const MAX_LEVEL = 63;

/** Path below the log's prefix: `tile/0/x001/x234/067`, `tile/entries/000.p/3`. */
export function encodeTileName({ level, index, width }: TileName): string {
  if (index < 0n || width < 1 || width > TILE_WIDTH) throw new InvariantError('no such tile');
  const full = `tile/${level}/${encodeIndex(index)}`;
  return width === TILE_WIDTH ? full : `${full}.p/${width}`;
}

/** The folder that holds every partial version of a tile. */
export function partialTileFolder(level: TileName['level'], index: bigint): string {
  return `tile/${level}/${encodeIndex(index)}.p`;
}

/** @throws FormatError FORMAT_TILE for a path that names no tile, or not in the one way tlog-tiles has for it */
export function parseTileName(path: string): TileName {
  const [match, kind = '', groups = '', width] = PATH.exec(path) ?? [];
  const level = kind === 'entries' || kind === 'data' ? kind : Number(kind);
  if (match === undefined || (typeof level === 'number' && level > MAX_LEVEL)) throw unnamed(path);
  const name: TileName = {
    level,
    index: BigInt(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  // An index with leading zero groups and a width of 256 would be second names for one tile.
  if (name.width > TILE_WIDTH || encodeTileName(name) !== path) throw unnamed(path);
  return name;
}

/** Hashes in the right-most tile of a level, for a tree of that size: 0 when every tile there is full. */
export function partialWidth(size: bigint, level: number): number {
  return Number((size >> BigInt(TILE_HEIGHT * level)) % BigInt(TILE_WIDTH));
}

/** Groups of three digits, every one but the last behind an `x`. */
function encodeIndex(index: bigint): string {
  const digits = index.toString();
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/.{3}/g) ?? [];
  return groups.map((group, position) => (position === groups.length - 1 ? group : `x${group}`)).join('/');
}

function unnamed(path: string): FormatError {
  return new FormatError('FORMAT_TILE', 'the path names no tile', {
    found: path.slice(0, 128),
    expected: 'tile/LEVEL/INDEX, with .p/WIDTH behind it for a partial one (C2SP tlog-tiles)',
  });
}
