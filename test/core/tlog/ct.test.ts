/** The CT log's own encodings (C2SP static-ct-api, RFC 6962 §3): data tiles, leaf index, checkpoints that are tree heads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { verifySignature } from '../../../src/core/crypto/signature.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { merkleTreeLeaf } from '../../../src/core/pki/sct.ts';
import {
  ctLeafHash,
  encodeCtTileLeaf,
  leafIndexExtension,
  parseCtDataTile,
  type CtTileLeaf,
} from '../../../src/core/tlog/ct-data-tile.ts';
import { signTreeHead, verifyTreeHead } from '../../../src/core/tlog/tree-head.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const PRECERT: CtTileLeaf = {
  timestamp: 1_780_000_000_123n,
  entry: { kind: 'precert', issuerKeyHash: new Uint8Array(32).fill(1), tbs: Uint8Array.of(0x30, 0) },
  leafIndex: 112n,
  precertificate: Uint8Array.of(0x30, 1, 5),
  chain: [new Uint8Array(32).fill(2), new Uint8Array(32).fill(3)],
};
const X509: CtTileLeaf = {
  timestamp: 5n,
  entry: { kind: 'x509', certificate: Uint8Array.of(0x30, 0) },
  leafIndex: (1n << 40n) - 1n,
  chain: [],
};

test('the leaf index extension is the one that a published SCT carries', () => {
  assert.equal(Buffer.from(leafIndexExtension(112n)).toString('hex'), '0000050000000070');
});

test('a TileLeaf has the bytes of static-ct-api', () => {
  const expected = [
    '0000019e7044887b', // timestamp
    '0001', // precert_entry
    '01'.repeat(32),
    '0000023000', // TBSCertificate
    '00080000050000000070', // extensions
    '000003300105', // precertificate
    `0040${'02'.repeat(32)}${'03'.repeat(32)}`,
  ].join('');
  assert.equal(Buffer.from(encodeCtTileLeaf(PRECERT)).toString('hex'), expected);
});

test('data tiles are read back as they were written', () => {
  const tile = Buffer.concat([PRECERT, X509].map(encodeCtTileLeaf));
  const leaves = parseCtDataTile(tile);
  assert.deepEqual(Buffer.concat(leaves.map(encodeCtTileLeaf)), tile);
  assert.deepEqual(
    leaves.map(({ leafIndex }) => leafIndex),
    [112n, X509.leafIndex],
  );
  const merkle = merkleTreeLeaf(PRECERT.entry, PRECERT.timestamp, leafIndexExtension(112n));
  assert.deepEqual(Buffer.from(ctLeafHash(PRECERT)), Buffer.from(sha256(Uint8Array.of(0), merkle)));
});

test('damaged data tiles are refused as such, or are other entries', () => {
  const tile = encodeCtTileLeaf(PRECERT);
  let refused = 0;
  for (const bytes of damaged(tile)) {
    try {
      const leaves = parseCtDataTile(bytes);
      assert.notDeepEqual(Buffer.concat(leaves.map(encodeCtTileLeaf)), Buffer.from(tile));
    } catch (error) {
      assert.ok(error instanceof SealwrightError && error.code === 'FORMAT_TILE', String(error));
      refused++;
    }
  }
  assert.ok(refused >= tile.length - 1, 'every truncation is refused');
  assert.throws(() => parseCtDataTile(Buffer.concat(Array<Uint8Array>(257).fill(encodeCtTileLeaf(X509)))), {
    code: 'FORMAT_TILE',
  });
});

const KEY = PrivateKey.generate('ecdsa-p256');
const ORIGIN = 'ct.example.org/2026';
const TREE = { origin: ORIGIN, size: 9n, root: sha256(utf8('root')), timestamp: 1_780_000_000_123n };

test('a CT checkpoint is a note around an RFC 6962 tree head', () => {
  const note = signTreeHead(TREE, KEY);
  const head = verifyTreeHead(note, { name: ORIGIN, key: KEY.publicKey });
  assert.deepEqual([head.size, head.timestamp], [TREE.size, TREE.timestamp]);
  // What get-sth hands out verifies over version, type, time, size and root (RFC 6962 §3.5).
  const data = Buffer.alloc(18);
  data[1] = 1;
  data.writeBigUInt64BE(TREE.timestamp, 2);
  data.writeBigUInt64BE(TREE.size, 10);
  const signed = Buffer.concat([data, TREE.root]);
  assert.deepEqual(Buffer.from(head.treeHeadSignature.subarray(0, 2)).toString('hex'), '0403');
  assert.ok(verifySignature(KEY.publicKey, 'ecdsa-sha256', signed, head.treeHeadSignature.subarray(4)));
});

test('a CT checkpoint by another key, of another name, or changed anywhere is refused', () => {
  const note = signTreeHead(TREE, KEY);
  const code = { code: 'CHECKPOINT_INVALID' };
  const other = PrivateKey.generate('ecdsa-p256').publicKey;
  assert.throws(() => verifyTreeHead(note, { name: ORIGIN, key: other }), code);
  assert.throws(() => verifyTreeHead(note, { name: 'ct.example.org', key: KEY.publicKey }), code);
  for (const bytes of damaged(utf8(note))) {
    assert.throws(
      () => verifyTreeHead(Buffer.from(bytes).toString('utf8'), { name: ORIGIN, key: KEY.publicKey }),
      (error) =>
        error instanceof SealwrightError &&
        ['CHECKPOINT_INVALID', 'FORMAT_CHECKPOINT', 'FORMAT_BASE64'].includes(error.code),
    );
  }
});
