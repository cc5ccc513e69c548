import { concatBytes } from '../encoding/bytes.ts';
import { TlsReader, tlsUint64, tlsVector } from '../encoding/tls.ts';
import { merkleTreeLeaf, type SctEntry } from '../pki/sct.ts';
import { FormatError } from '../../errors.ts';
import { leafHash } from './merkle.ts';
import { TILE_WIDTH } from './tile-name.ts';

/** One entry of a CT log's data tile (C2SP static-ct-api, TileLeaf). */
export interface CtTileLeaf {
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  readonly entry: SctEntry;
  /** Position in the log, below 2^40; the SCT carries it. */
  readonly leafIndex: bigint;
  /** The certificate as submitted, poison and all; only beside an entry of kind `precert`. */
  readonly precertificate?: Uint8Array;
  /** SHA-256 of each issuer as submitted, 32 bytes each, the root among them. */
  readonly chain: readonly Uint8Array[];
}

const X509_ENTRY = 0;
const PRECERT_ENTRY = 1;
const LEAF_INDEX_EXTENSION = 0;
const FINGERPRINT_LENGTH = 32;

/** CtExtensions with the leaf index alone: type 0, two bytes of length, five of index. */
export function leafIndexExtension(leafIndex: bigint): Uint8Array {
  return concatBytes(Uint8Array.of(LEAF_INDEX_EXTENSION, 0, 5), tlsUint64(leafIndex).subarray(3));
}

/** What the tree hashes: RFC 6962's MerkleTreeLeaf with the leaf index among its extensions. */
export function ctLeafHash({ entry, timestamp, leafIndex }: CtTileLeaf): Uint8Array {
  return leafHash(merkleTreeLeaf(entry, timestamp, leafIndexExtension(leafIndex)));
}

export function encodeCtTileLeaf(leaf: CtTileLeaf): Uint8Array {
  const { entry } = leaf;
  const body =
    entry.kind === 'x509'
      ? [Uint8Array.of(0, X509_ENTRY), tlsVector(3, entry.certificate)]
      : [Uint8Array.of(0, PRECERT_ENTRY), entry.issuerKeyHash, tlsVector(3, entry.tbs)];
  return concatBytes(
    tlsUint64(leaf.timestamp),
    ...body,
    tlsVector(2, leafIndexExtension(leaf.leafIndex)),
    ...(leaf.precertificate === undefined ? [] : [tlsVector(3, leaf.precertificate)]),
    tlsVector(2, concatBytes(...leaf.chain)),
  );
}

/** @throws FormatError FORMAT_TILE */
export function parseCtDataTile(bytes: Uint8Array): readonly CtTileLeaf[] {
  const reader = new TlsReader(bytes, 'the data tile', 'FORMAT_TILE');
  const leaves: CtTileLeaf[] = [];
  while (!reader.isAtEnd) {
    if (leaves.length === TILE_WIDTH) throw malformed(`more than ${TILE_WIDTH} entries`);
    leaves.push(parseLeaf(reader));
  }
  return leaves;
}

function parseLeaf(reader: TlsReader): CtTileLeaf {
  const timestamp = reader.uint64();
  const entry = parseEntry(reader, reader.uint(2));
  const leafIndex = parseExtensions(reader.vector(2));
  const precertificate = entry.kind === 'precert' ? { precertificate: reader.vector(3) } : {};
  const fingerprints = reader.vector(2);
  if (fingerprints.length % FINGERPRINT_LENGTH !== 0) throw malformed('a chain that is no list of fingerprints');
  const chain = Array.from({ length: fingerprints.length / FINGERPRINT_LENGTH }, (_, index) =>
    fingerprints.subarray(index * FINGERPRINT_LENGTH, (index + 1) * FINGERPRINT_LENGTH),
  );
  return { timestamp, entry, leafIndex, ...precertificate, chain };
}

function parseEntry(reader: TlsReader, type: number): SctEntry {
  if (type === X509_ENTRY) return { kind: 'x509', certificate: reader.vector(3) };
  if (type === PRECERT_ENTRY) return { kind: 'precert', issuerKeyHash: reader.take(32), tbs: reader.vector(3) };
  throw malformed(`an entry of type ${type}`);
}

function parseExtensions(extensions: Uint8Array): bigint {
  const reader = new TlsReader(extensions, 'the data tile', 'FORMAT_TILE');
  if (reader.uint(1) !== LEAF_INDEX_EXTENSION) throw malformed('another extension than the leaf index');
  const index = reader.vector(2);
  reader.end();
  if (index.length !== 5) throw malformed('a leaf index of another length than five bytes');
  return BigInt(`0x${Buffer.from(index).toString('hex')}`);
}

function malformed(found: string): FormatError {
  return new FormatError('FORMAT_TILE', 'the data tile is malformed', {
    found,
    expected: 'entries of C2SP static-ct-api, each with its leaf index',
  });
}
