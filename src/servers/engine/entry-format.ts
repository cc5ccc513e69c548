import { sha256 } from '../../core/crypto/digest.ts';
import { concatBytes } from '../../core/encoding/bytes.ts';
import { ctLeafHash, encodeCtTileLeaf, parseCtDataTile } from '../../core/tlog/ct-data-tile.ts';
import { encodeBundledEntry, parseEntryBundle } from '../../core/tlog/entry-bundle.ts';
import { leafHash } from '../../core/tlog/merkle.ts';
import { InvariantError } from '../../errors.ts';

/** An entry at its place in the tree. */
export interface PlacedEntry {
  /** What the tree hashes, 32 bytes. */
  readonly leaf: Uint8Array;
  /** The entry as it stands in its bundle; a bundle is nothing but its records. */
  readonly record: Uint8Array;
}

/** How a log writes its entries. */
export interface EntryFormat {
  /** Where bundles are: `tile/entries` or `tile/data`. */
  readonly bundles: 'entries' | 'data';
  /** 32 bytes that are the same for submissions that mean the same entry. */
  identify(submission: Uint8Array): Uint8Array;
  place(submission: Uint8Array, index: bigint): PlacedEntry;
  /** The entries of a bundle whose first has index `start`. @throws FormatError FORMAT_TILE */
  parseBundle(bundle: Uint8Array, start: bigint): readonly PlacedEntry[];
}

/** C2SP tlog-tiles: a submission is the entry itself, as Rekor v2 logs it. */
const entriesFormat: EntryFormat = {
  bundles: 'entries',
  identify: (submission) => sha256(submission),
  place: (submission) => ({ leaf: leafHash(submission), record: encodeBundledEntry(submission) }),
  parseBundle: (bundle) =>
    parseEntryBundle(bundle).map((entry) => ({ leaf: leafHash(entry), record: encodeBundledEntry(entry) })),
};

/**
 * C2SP static-ct-api: a submission is a TileLeaf that claims index 0. The same certificate is the same entry, whenever and
 * with whatever issuers it is submitted.
 */
const ctFormat: EntryFormat = {
  bundles: 'data',
  identify(submission) {
    const { entry } = onlyLeaf(submission);
    return entry.kind === 'x509'
      ? sha256(Uint8Array.of(0), entry.certificate)
      : sha256(concatBytes(Uint8Array.of(1), entry.issuerKeyHash, entry.tbs));
  },
  place(submission, leafIndex) {
    const leaf = { ...onlyLeaf(submission), leafIndex };
    return { leaf: ctLeafHash(leaf), record: encodeCtTileLeaf(leaf) };
  },
  parseBundle: (bundle) =>
    parseCtDataTile(bundle).map((leaf) => ({ leaf: ctLeafHash(leaf), record: encodeCtTileLeaf(leaf) })),
};

export type LogKind = 'tlog-tiles' | 'static-ct';

export const ENTRY_FORMATS: Readonly<Record<LogKind, EntryFormat>> = {
  'tlog-tiles': entriesFormat,
  'static-ct': ctFormat,
};

function onlyLeaf(submission: Uint8Array): ReturnType<typeof parseCtDataTile>[number] {
  const [leaf, ...others] = parseCtDataTile(submission);
  if (leaf === undefined || others.length > 0) throw new InvariantError('a submission is one TileLeaf');
  return leaf;
}
