import { InvariantError } from '../../errors.ts';
import { bitLength, nodeHash } from './merkle.ts';
import { TILE_HEIGHT } from './tile-name.ts';

/** A complete subtree: `index` from the left among those of 2^level leaves. It never changes once its leaves are there. */
export interface TreeNode {
  readonly level: number;
  readonly index: bigint;
}

/** One hash of a proof: the complete subtrees it is made of, left to right. Only the right edge needs more than one. */
export type HashPlan = readonly TreeNode[];

/** Where a node lies: in which tile, how high above the tile's own hashes, and which one from the left. */
export interface NodePlace {
  readonly tileLevel: number;
  readonly tileIndex: bigint;
  readonly height: number;
  readonly position: number;
}

export function placeOf({ level, index }: TreeNode): NodePlace {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const height = level % TILE_HEIGHT;
  const rowBits = BigInt(TILE_HEIGHT - height);
  return { tileLevel, tileIndex: index >> rowBits, height, position: Number(BigInt.asUintN(Number(rowBits), index)) };
}

/** The complete subtrees of leaves `start` to `end`, which is a subtree of RFC 6962's recursion, largest first. */
export function planSubtree(start: bigint, end: bigint): HashPlan {
  const nodes: TreeNode[] = [];
  for (let at = start; at < end;) {
    const level = bitLength(end - at) - 1;
    nodes.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return nodes;
}

/** PATH(index, D[size]) of RFC 6962 §2.1.1, lowest hash first. The caller has checked that the index is in the tree. */
export function planInclusionProof(index: bigint, size: bigint): readonly HashPlan[] {
  const plans: HashPlan[] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const middle = start + split(end - start);
    if (index < middle) {
      plans.push(planSubtree(middle, end));
      end = middle;
    } else {
      plans.push(planSubtree(start, middle));
      start = middle;
    }
  }
  return plans.reverse();
}

/** PROOF(oldSize, D[newSize]) of RFC 6962 §2.1.2; empty for an empty or an equal older tree. */
export function planConsistencyProof(oldSize: bigint, newSize: bigint): readonly HashPlan[] {
  if (oldSize === 0n || oldSize === newSize) return [];
  const plans: HashPlan[] = [];
  let [start, end] = [0n, newSize];
  // The older tree's right edge ends inside [start, end) until it ends with it.
  while (oldSize < end) {
    const middle = start + split(end - start);
    if (oldSize <= middle) {
      plans.push(planSubtree(middle, end));
      end = middle;
    } else {
      plans.push(planSubtree(start, middle));
      start = middle;
    }
  }
  // A whole older tree is known to the verifier; a part of one is not.
  if (start > 0n) plans.push(planSubtree(start, end));
  return plans.reverse();
}

/** The hash of planned subtrees: RFC 6962's tree of unequal parts leans to the left. */
export function hashPlanned(plan: HashPlan, node: (node: TreeNode) => Uint8Array): Uint8Array {
  const hashes = plan.map(node);
  const last = hashes.pop();
  if (last === undefined) throw new InvariantError('a subtree without leaves');
  return hashes.reduceRight((right, left) => nodeHash(left, right), last);
}

/** The largest power of two smaller than a size of at least 2. */
function split(size: bigint): bigint {
  return 1n << BigInt(bitLength(size - 1n) - 1);
}
