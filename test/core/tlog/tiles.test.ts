/** Tiles, bundles and proofs out of them: tlog-tiles' examples, RFC 6962's recursion, then damage. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeBundledEntry, parseEntryBundle } from '../../../src/core/tlog/entry-bundle.ts';
import { GrowingTree, type ChangedTile } from '../../../src/core/tlog/growing-tree.ts';
import { HashTile } from '../../../src/core/tlog/hash-tile.ts';
import { isConsistent, leafHash, nodeHash, rootFromInclusionProof } from '../../../src/core/tlog/merkle.ts';
import {
  encodeTileName,
  parseTileName,
  partialTileFolder,
  partialWidth,
  type TileName,
} from '../../../src/core/tlog/tile-name.ts';
import {
  hashPlanned,
  planConsistencyProof,
  planInclusionProof,
  planSubtree,
  placeOf,
  type TreeNode,
} from '../../../src/core/tlog/tree-node.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const NAMES: readonly (readonly [TileName, string])[] = [
  [{ level: 0, index: 0n, width: 256 }, 'tile/0/000'],
  [{ level: 0, index: 0n, width: 3 }, 'tile/0/000.p/3'],
  [{ level: 0, index: 999n, width: 256 }, 'tile/0/999'],
  [{ level: 0, index: 1000n, width: 255 }, 'tile/0/x001/000.p/255'],
  [{ level: 0, index: 1234067n, width: 256 }, 'tile/0/x001/x234/067'],
  [{ level: 63, index: 5n, width: 1 }, 'tile/63/005.p/1'],
  [{ level: 'entries', index: 19669n, width: 229 }, 'tile/entries/x019/669.p/229'],
  [{ level: 'data', index: 7n, width: 256 }, 'tile/data/007'],
];

test('tiles have the names of tlog-tiles, both ways', () => {
  for (const [name, path] of NAMES) {
    assert.equal(encodeTileName(name), path);
    assert.deepEqual(parseTileName(path), name);
  }
  assert.equal(partialTileFolder(0, 1234067n), 'tile/0/x001/x234/067.p');
});

test('a path that is not the one name of a tile is refused', () => {
  const paths = [
    '',
    'tile',
    'tile/0',
    'tile/0/0',
    'tile/0/1234',
    'tile/0/x000/001',
    'tile/0/x001/234x',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/000.p',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/999',
    'tile/0/000.p/1/2',
    'tile/entry/000',
    'tile/entries/../checkpoint',
    '/tile/0/000',
    'tile/0/000\n',
    `tile/0/${'x001/'.repeat(7)}001`,
  ];
  for (const path of paths) assert.throws(() => parseTileName(path), { code: 'FORMAT_TILE' }, path);
});

test("tlog-tiles' table of widths", () => {
  const rows = [
    [1n, 1, 0, 0],
    [256n, 0, 1, 0],
    [257n, 1, 1, 0],
    [65_536n, 0, 0, 1],
    [70_000n, 112, 17, 1],
  ] as const;
  for (const [size, ...widths] of rows) {
    assert.deepEqual([partialWidth(size, 0), partialWidth(size, 1), partialWidth(size, 2)], widths);
  }
});

const BUNDLE = Buffer.from('0000000161000568656c6c6f', 'hex');

test('the published bundle and tile of three entries', () => {
  const entries = ['', 'a', 'hello'].map(utf8);
  assert.deepEqual(Buffer.concat(entries.map(encodeBundledEntry)), BUNDLE);
  assert.deepEqual(
    parseEntryBundle(BUNDLE).map((entry) => Buffer.from(entry).toString()),
    ['', 'a', 'hello'],
  );
  const tile = new HashTile();
  for (const entry of entries) tile.append(leafHash(entry));
  assert.equal(
    Buffer.from(tile.encode()).toString('hex'),
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' +
      '022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c' +
      '8a2a5c9b768827de5a9552c38a044c66959c68f6d2f21b5260af54d2f87db827',
  );
});

test('bundles that are cut off or too full, entries that are too long, and tiles of another length are refused', () => {
  for (let length = 1; length < BUNDLE.length; length++) {
    if (length === 2 || length === 5) continue;
    assert.throws(() => parseEntryBundle(BUNDLE.subarray(0, length)), { code: 'FORMAT_TILE' }, String(length));
  }
  assert.throws(() => parseEntryBundle(new Uint8Array(2 * 257)), { code: 'FORMAT_TILE' });
  assert.equal(parseEntryBundle(new Uint8Array(2 * 256)).length, 256);
  assert.equal(encodeBundledEntry(new Uint8Array(0xffff)).length, 2 + 0xffff);
  assert.throws(() => encodeBundledEntry(new Uint8Array(0x10000)), { code: 'LIMIT_SIZE' });
  assert.throws(() => HashTile.parse(new Uint8Array(31), 1), { code: 'FORMAT_TILE' });
  assert.throws(() => HashTile.parse(new Uint8Array(64), 1), { code: 'FORMAT_TILE' });
  for (const bytes of damaged(BUNDLE)) {
    try {
      parseEntryBundle(bytes);
    } catch (error) {
      assert.ok(error instanceof SealwrightError && error.code === 'FORMAT_TILE');
    }
  }
});

const LEAVES = Array.from({ length: 600 }, (_, index) => leafHash(utf8(`leaf ${index}`)));

/** RFC 6962 §2.1, as slow and as plain as it stands there. */
function mth(start: number, end: number): Uint8Array {
  if (end - start === 1) return LEAVES[start]!;
  const middle = start + 2 ** (Math.ceil(Math.log2(end - start)) - 1);
  return nodeHash(mth(start, middle), mth(middle, end));
}

/** A tree of the first leaves, with every tile it ever filled or still has. */
function grow(size: number): { tree: GrowingTree; node: (node: TreeNode) => Uint8Array } {
  const tree = new GrowingTree();
  const tiles = new Map<string, ChangedTile>();
  for (const leaf of LEAVES.slice(0, size)) tree.append(leaf);
  for (const changed of tree.takeChangedTiles()) tiles.set(`${changed.name.level}/${changed.name.index}`, changed);
  const node = (wanted: TreeNode): Uint8Array => {
    const { tileLevel, tileIndex, height, position } = placeOf(wanted);
    return tiles.get(`${tileLevel}/${tileIndex}`)!.tile.node(height, position);
  };
  return { tree, node };
}

test('a tree that grows has the root of the recursion at every size, and names its tiles', () => {
  const tree = new GrowingTree();
  for (let size = 1; size <= LEAVES.length; size++) {
    tree.append(LEAVES[size - 1]!);
    if (size % 37 === 0 || size < 20 || (size > 250 && size < 260)) {
      assert.deepEqual(Buffer.from(tree.root()), Buffer.from(mth(0, size)));
    }
  }
  const names = tree.takeChangedTiles().map(({ name }) => encodeTileName(name));
  assert.deepEqual(names, ['tile/0/000', 'tile/0/001', 'tile/0/002.p/88', 'tile/1/000.p/2']);
  assert.deepEqual(tree.takeChangedTiles(), []);
});

test('a tree goes on from its edge alone', () => {
  const whole = grow(600).tree;
  const { tree: half } = grow(300);
  const edge = [0, 1].map((level) => {
    const tile = new HashTile();
    for (let position = 0; position < partialWidth(300n, level); position++) {
      const index = BigInt(level === 0 ? 256 + position : position);
      tile.append(half.edgeNode({ level: 8 * level, index })!);
    }
    return tile;
  });
  const continued = new GrowingTree(300n, edge);
  for (const leaf of LEAVES.slice(300)) continued.append(leaf);
  assert.deepEqual(Buffer.from(continued.root()), Buffer.from(whole.root()));
});

test('inclusion proofs out of tiles lead to the root, for every leaf of many sizes', () => {
  for (const size of [1, 2, 3, 7, 8, 100, 255, 256, 257, 300, 511, 512, 513, 600]) {
    const { tree, node } = grow(size);
    for (let index = 0; index < size; index += size > 60 ? 13 : 1) {
      const plans = planInclusionProof(BigInt(index), BigInt(size));
      const hashes = plans.map((plan) => hashPlanned(plan, node));
      const input = { leaf: LEAVES[index]!, index: BigInt(index), size: BigInt(size), hashes };
      assert.deepEqual(Buffer.from(rootFromInclusionProof(input)), Buffer.from(tree.root()), `${index} of ${size}`);
    }
  }
});

test('consistency proofs out of tiles hold, and none holds for another older root', () => {
  for (let newSize = 1; newSize <= 300; newSize += newSize < 20 ? 1 : 31) {
    const { tree, node } = grow(newSize);
    for (let oldSize = 1; oldSize <= newSize; oldSize += newSize < 20 ? 1 : 7) {
      const plans = planConsistencyProof(BigInt(oldSize), BigInt(newSize));
      const input = {
        oldSize: BigInt(oldSize),
        newSize: BigInt(newSize),
        oldRoot: mth(0, oldSize),
        newRoot: tree.root(),
        hashes: plans.map((plan) => hashPlanned(plan, node)),
      };
      assert.ok(isConsistent(input), `${oldSize} to ${newSize}`);
      assert.ok(!isConsistent({ ...input, oldRoot: LEAVES[599]! }), `${oldSize} to ${newSize}, another root`);
    }
  }
  assert.deepEqual(planConsistencyProof(0n, 5n), []);
});

test('a subtree is planned by complete nodes, largest first, and far beyond what a double counts', () => {
  assert.deepEqual(planSubtree(0n, 7n), [
    { level: 2, index: 0n },
    { level: 1, index: 2n },
    { level: 0, index: 6n },
  ]);
  const far = 1n << 60n;
  assert.deepEqual(planSubtree(far, far + 3n), [
    { level: 1, index: far >> 1n },
    { level: 0, index: far + 2n },
  ]);
  assert.equal(planInclusionProof(far - 1n, far).length, 60);
  assert.deepEqual(placeOf({ level: 9, index: 300n }), { tileLevel: 1, tileIndex: 2n, height: 1, position: 44 });
});
