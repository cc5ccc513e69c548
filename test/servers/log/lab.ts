/** A signature log in a folder of its own, requests that it accepts, and its answers verified as a client verifies them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TransparencyLogEntry } from '../../../src/core/bundle/log-entry.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { verifyCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { leafHash, rootFromInclusionProof } from '../../../src/core/tlog/merkle.ts';
import { noteKeyHash } from '../../../src/core/tlog/signed-note.ts';
import { encodeCreateEntryRequest, parseCreateEntryResponse } from '../../../src/core/wire/log.ts';
import type { HashedRekordInput } from '../../../src/core/bundle/entry-body.ts';
import { createTransparencyLog, type TransparencyLog } from '../../../src/servers/log/transparency-log.ts';

export const ORIGIN = 'log.example.org';
export const LOG_KEY = PrivateKey.generate('ed25519');
export const NOW = new Date('2026-06-01T12:00:00Z');
const SIGNER = PrivateKey.generate('ecdsa-p256');

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function openLog(dir: string, key = LOG_KEY): Promise<TransparencyLog> {
  return createTransparencyLog({ dir, origin: ORIGIN, key, now: () => NOW });
}

/** A log that is closed when the test ends. */
export async function startLog(t: TestContext): Promise<{ readonly log: TransparencyLog; readonly dir: string }> {
  const dir = await temporaryFolder(t);
  const log = await openLog(dir);
  t.after(() => log.close());
  return { log, dir };
}

/** A request that the log accepts; the same message gives the same one. */
export function requestFor(message: string, signer = SIGNER): HashedRekordInput {
  const known = SIGNED.get(message);
  if (known !== undefined && signer === SIGNER) return known;
  const request: HashedRekordInput = {
    digest: { algorithm: 'sha256', digest: sha256(utf8(message)) },
    signature: signer.sign(utf8(message)),
    verifier: { kind: 'publicKey', der: signer.publicKey.spki },
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
  };
  if (signer === SIGNER) SIGNED.set(message, request);
  return request;
}
/** ECDSA signs differently every time, and another signature is another entry. */
const SIGNED = new Map<string, HashedRekordInput>();

export async function post(log: TransparencyLog, body: string): Promise<Response> {
  return await log.routes.request('/api/v2/log/entries', { method: 'POST', body });
}

/** Submits, expects 201, and verifies the answer. */
export async function append(log: TransparencyLog, message: string): Promise<TransparencyLogEntry> {
  const response = await post(log, encodeCreateEntryRequest(requestFor(message)));
  const text = await response.text();
  assert.equal(response.status, 201, text);
  return verifyEntry(parseCreateEntryResponse(utf8(text)));
}

/** The entry is in the tree of the checkpoint beside it, and the log has signed that. */
export function verifyEntry(entry: TransparencyLogEntry, key: PublicKey = LOG_KEY.publicKey): TransparencyLogEntry {
  const proof = entry.inclusionProof;
  assert.ok(proof !== undefined);
  const checkpoint = verifyCheckpoint(proof.checkpoint, { name: ORIGIN, key });
  assert.equal(checkpoint.size, proof.treeSize);
  const root = rootFromInclusionProof({
    leaf: leafHash(entry.body),
    index: entry.logIndex,
    size: checkpoint.size,
    hashes: proof.hashes,
  });
  assert.deepEqual(Buffer.from(root), Buffer.from(checkpoint.root));
  assert.deepEqual(Buffer.from(entry.logId), Buffer.from(noteKeyHash(ORIGIN, key)));
  assert.equal(entry.logIndex, proof.logIndex);
  return entry;
}
