/** What services acknowledged, remembered outside of them, and whether it is all there. */
import assert from 'node:assert/strict';
import type { TransparencyLogEntry } from '../../src/core/bundle/log-entry.ts';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import type { Certificate } from '../../src/core/pki/certificate.ts';
import { OID } from '../../src/core/pki/oids.ts';
import { parseSctList, precertEntryOf, sctSignedData } from '../../src/core/pki/sct.ts';
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts';
import { leafIndexExtension, parseCtDataTile, type CtTileLeaf } from '../../src/core/tlog/ct-data-tile.ts';
import { parseEntryBundle } from '../../src/core/tlog/entry-bundle.ts';
import { GrowingTree } from '../../src/core/tlog/growing-tree.ts';
import { leafHash, rootFromInclusionProof } from '../../src/core/tlog/merkle.ts';
import { encodeTileName, TILE_WIDTH } from '../../src/core/tlog/tile-name.ts';
import { readStoredObject } from '../../src/servers/store/folder-object-store.ts';

export class Acknowledgements {
  /** SHA-256 of the body, by index. */
  readonly #entries = new Map<number, string>();
  /** Roots that answers named, by tree size. */
  readonly #roots = new Map<number, string>();
  readonly #certificates: (readonly [leaf: Certificate, issuer: Certificate])[] = [];

  get entries(): number {
    return this.#entries.size;
  }

  get certificates(): number {
    return this.#certificates.length;
  }

  /** An answer of the log; its proof must lead to its own checkpoint's root. */
  addEntry({ logIndex: index, body, inclusionProof: proof }: TransparencyLogEntry): void {
    assert.ok(proof !== undefined);
    const { size, root } = parseCheckpoint(proof.checkpoint);
    const implied = rootFromInclusionProof({ leaf: leafHash(body), index, size, hashes: proof.hashes });
    assert.equal(encodeHex(implied), encodeHex(root), 'the proof leads to another root');
    remember(this.#entries, Number(index), encodeHex(sha256(body)), 'index');
    remember(this.#roots, Number(size), encodeHex(root), 'tree size');
  }

  addCertificate([leaf, issuer]: readonly Certificate[]): void {
    assert.ok(leaf !== undefined && issuer !== undefined);
    this.#certificates.push([leaf, issuer]);
  }

  /** @param dir of the signature log */
  async checkLog(dir: string): Promise<void> {
    const tree = new GrowingTree();
    const found = new Map<number, string>();
    const bodies = new Set<string>();
    await forEachBundle(dir, 'entries', (bundle) => {
      for (const body of parseEntryBundle(bundle)) {
        const digest = encodeHex(sha256(body));
        assert.ok(!bodies.has(digest), 'an entry is in the log twice');
        bodies.add(digest);
        found.set(Number(tree.size), digest);
        tree.append(leafHash(body));
        const said = this.#roots.get(Number(tree.size));
        if (said !== undefined) assert.equal(encodeHex(tree.root()), said, `the tree of ${tree.size} is another now`);
      }
    });
    for (const [index, digest] of this.#entries) assert.equal(found.get(index), digest, `entry ${index} is lost`);
    for (const size of this.#roots.keys()) assert.ok(BigInt(size) <= tree.size, `a checkpoint of ${size} is lost`);
  }

  /** @param dir of the CT log */
  async checkCt(dir: string): Promise<void> {
    const leaves: CtTileLeaf[] = [];
    await forEachBundle(dir, 'data', (bundle) => leaves.push(...parseCtDataTile(bundle)));
    const places = new Map(leaves.map((leaf) => [encodeHex(leafIndexExtension(leaf.leafIndex)), leaf]));
    for (const [certificate, issuer] of this.#certificates) {
      const [sct] = parseSctList(certificate.extension(OID.sctList)?.value ?? new Uint8Array(0));
      assert.ok(sct !== undefined);
      const leaf = places.get(encodeHex(sct.extensions));
      assert.ok(leaf !== undefined, 'a certificate is not logged');
      const [logged, issued] = [leaf.entry, precertEntryOf(certificate, issuer)].map((entry) =>
        encodeHex(sctSignedData(entry, sct.timestamp, sct.extensions)),
      );
      assert.equal(logged, issued, 'another certificate is logged in its place');
    }
  }
}

function remember(map: Map<number, string>, key: number, value: string, what: string): void {
  assert.equal(map.get(key) ?? value, value, `two answers for one ${what}`);
  map.set(key, value);
}

async function forEachBundle(
  dir: string,
  level: 'entries' | 'data',
  read: (bundle: Uint8Array) => void,
): Promise<void> {
  const { size } = parseCheckpoint(Buffer.from((await readStoredObject(dir, 'checkpoint')) ?? []).toString());
  for (let index = 0n; index * BigInt(TILE_WIDTH) < size; index++) {
    const rest = size - index * BigInt(TILE_WIDTH);
    const width = rest < BigInt(TILE_WIDTH) ? Number(rest) : TILE_WIDTH;
    const name = encodeTileName({ level, index, width });
    read((await readStoredObject(dir, name)) ?? assert.fail(`no ${name}`));
  }
}
