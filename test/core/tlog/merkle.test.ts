import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRoot, isConsistent, leafHash, nodeHash, rootFromInclusionProof } from '../../../src/core/tlog/merkle.ts';

/** The eight leaves and roots that RFC 6962 implementations share. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => leafHash(Buffer.from(hex, 'hex')),
);
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
].map((hex) => Buffer.from(hex, 'hex'));

/** The recursive definitions of RFC 6962 §2.1, as slow and as plain as they stand there. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0]!;
  const k = split(leaves.length);
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}
function path(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
}
function subproof(m: number, leaves: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === leaves.length) return whole ? [] : [mth(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}
function split(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}

test('the eight shared roots', () => {
  for (const [index, root] of ROOTS.entries()) assert.deepEqual(Buffer.from(mth(LEAVES.slice(0, index + 1))), root);
  assert.equal(
    Buffer.from(emptyRoot()).toString('hex'),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

test('inclusion proofs of every leaf in every tree up to 40 give the root, and no other length does', () => {
  const leaves = Array.from({ length: 40 }, (_, i) => leafHash(Buffer.of(i)));
  for (let size = 1; size <= leaves.length; size++) {
    const tree = leaves.slice(0, size);
    const root = mth(tree);
    for (let index = 0; index < size; index++) {
      const hashes = path(index, tree);
      const input = { leaf: tree[index]!, index: BigInt(index), size: BigInt(size), hashes };
      assert.deepEqual(Buffer.from(rootFromInclusionProof(input)), Buffer.from(root));
      assert.throws(() => rootFromInclusionProof({ ...input, hashes: [...hashes, leaves[0]!] }), {
        code: 'FORMAT_PROOF',
      });
      if (hashes.length > 0) {
        assert.throws(() => rootFromInclusionProof({ ...input, hashes: hashes.slice(1) }), { code: 'FORMAT_PROOF' });
        const flipped = hashes.map((hash) => Buffer.from(hash));
        flipped[0]![5]! ^= 1;
        assert.notDeepEqual(Buffer.from(rootFromInclusionProof({ ...input, hashes: flipped })), Buffer.from(root));
      }
    }
  }
});

test('an index outside the tree, an empty tree and short hashes are refused', () => {
  const leaf = LEAVES[0]!;
  const code = { code: 'FORMAT_PROOF' };
  assert.throws(() => rootFromInclusionProof({ leaf, index: 1n, size: 1n, hashes: [] }), code);
  assert.throws(() => rootFromInclusionProof({ leaf, index: -1n, size: 1n, hashes: [] }), code);
  assert.throws(() => rootFromInclusionProof({ leaf, index: 0n, size: 0n, hashes: [] }), code);
  assert.throws(() => rootFromInclusionProof({ leaf, index: 0n, size: 2n, hashes: [leaf.subarray(1)] }), code);
  assert.throws(() => rootFromInclusionProof({ leaf: leaf.subarray(1), index: 0n, size: 1n, hashes: [] }), code);
});

test('an index near 2^63 needs as many hashes as its tree is high', () => {
  const size = (1n << 62n) + 1n;
  const hashes = Array.from({ length: 62 }, () => LEAVES[1]!);
  assert.equal(
    rootFromInclusionProof({ leaf: LEAVES[0]!, index: 0n, size, hashes: [...hashes, LEAVES[2]!] }).length,
    32,
  );
  assert.throws(() => rootFromInclusionProof({ leaf: LEAVES[0]!, index: 0n, size, hashes }), { code: 'FORMAT_PROOF' });
});

test('consistency proofs of every pair up to 40 hold, and fail for another root', () => {
  const leaves = Array.from({ length: 40 }, (_, i) => leafHash(Buffer.of(i, 7)));
  for (let newSize = 1; newSize <= leaves.length; newSize++) {
    const newRoot = mth(leaves.slice(0, newSize));
    for (let oldSize = 0; oldSize <= newSize; oldSize++) {
      const oldRoot = mth(leaves.slice(0, oldSize));
      const hashes = oldSize === 0 ? [] : subproof(oldSize, leaves.slice(0, newSize), true);
      const input = { oldSize: BigInt(oldSize), newSize: BigInt(newSize), oldRoot, newRoot, hashes };
      assert.equal(isConsistent(input), true, `${oldSize} to ${newSize}`);
      assert.equal(isConsistent({ ...input, hashes: [...hashes, newRoot] }), false);
      if (oldSize > 0) assert.equal(isConsistent({ ...input, oldRoot: LEAVES[3]! }), false);
    }
  }
});
