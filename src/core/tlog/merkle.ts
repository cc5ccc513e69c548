import { sha256 } from '../crypto/digest.ts';
import { FormatError } from '../../errors.ts';

/** Length of every hash in a tree. */
export const HASH_LENGTH = 32;

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** HASH(0x00 ‖ data): RFC 6962 §2.1. The prefixes keep a leaf from being read as a node. */
export function leafHash(data: Uint8Array): Uint8Array {
  const input = Buffer.allocUnsafe(1 + data.length);
  input[0] = LEAF_PREFIX;
  input.set(data, 1);
  return sha256(input);
}

/** HASH(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = Buffer.allocUnsafe(1 + 2 * HASH_LENGTH);
  input[0] = NODE_PREFIX;
  input.set(left, 1);
  input.set(right, 1 + HASH_LENGTH);
  return sha256(input);
}

/** Root of a tree without leaves: the hash of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

export interface InclusionProofInput {
  /** 32 bytes, already a leaf hash, not the entry itself. */
  readonly leaf: Uint8Array;
  /** Zero-based; attacker-controlled until checked here. */
  readonly index: bigint;
  /** Leaves in the tree that the proof claims, at least 1. */
  readonly size: bigint;
  /** Sibling hashes of 32 bytes, lowest first. */
  readonly hashes: readonly Uint8Array[];
}

/**
 * Root of the tree that an inclusion proof implies; proves nothing until compared with a verified checkpoint's.
 *
 * The length is checked first, because spare hashes would let two proofs name one leaf (RFC 9162 §2.1.3.2).
 *
 * @throws FormatError FORMAT_PROOF when the index is outside the tree, or the number of hashes is not the one it needs
 */
export function rootFromInclusionProof({ leaf, index, size, hashes }: InclusionProofInput): Uint8Array {
  if (index < 0n || index >= size) {
    throw proofError(`index ${index} in a tree of ${size}`, 'an index below the tree size');
  }
  const inner = bitLength(index ^ (size - 1n));
  const border = popCount(index >> BigInt(inner));
  if (hashes.length !== inner + border) {
    throw proofError(`${hashes.length} hashes`, `${inner + border} hashes for leaf ${index} of ${size}`);
  }
  if (leaf.length !== HASH_LENGTH || hashes.some((hash) => hash.length !== HASH_LENGTH)) {
    throw proofError('a hash of another length', `${HASH_LENGTH} bytes each`);
  }
  return hashes.reduce(
    (root, sibling, level) =>
      level < inner && ((index >> BigInt(level)) & 1n) === 0n ? nodeHash(root, sibling) : nodeHash(sibling, root),
    leaf,
  );
}

export interface ConsistencyProofInput {
  readonly oldSize: bigint;
  readonly newSize: bigint;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly hashes: readonly Uint8Array[];
}

/**
 * Whether the older tree is a prefix of the newer one (RFC 9162 §2.1.4.2). An empty older tree is a prefix of any, with
 * an empty proof.
 */
export function isConsistent({ oldSize, newSize, oldRoot, newRoot, hashes }: ConsistencyProofInput): boolean {
  if (oldSize < 0n || oldSize > newSize || hashes.some((hash) => hash.length !== HASH_LENGTH)) return false;
  if (oldSize === newSize) return hashes.length === 0 && Buffer.compare(oldRoot, newRoot) === 0;
  if (oldSize === 0n) return hashes.length === 0;
  const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...hashes] : [...hashes];
  const first = path.shift();
  if (first === undefined) return false;
  let fn = oldSize - 1n;
  let sn = newSize - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let fromOld = first;
  let fromNew = first;
  for (const hash of path) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      fromOld = nodeHash(hash, fromOld);
      fromNew = nodeHash(hash, fromNew);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else fromNew = nodeHash(fromNew, hash);
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && Buffer.compare(fromOld, oldRoot) === 0 && Buffer.compare(fromNew, newRoot) === 0;
}

/** Number of bits needed to write a non-negative value; 0 for 0. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

function popCount(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).replaceAll('0', '').length;
}

function proofError(found: string, expected: string): FormatError {
  return new FormatError('FORMAT_PROOF', 'the inclusion proof does not fit its tree', { found, expected });
}
