/** Rekor v2's API: what is answered, with which status and text, and that nothing else gets in. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeHashedRekordBody, type HashedRekordInput } from '../../../src/core/bundle/entry-body.ts';
import { digest } from '../../../src/core/crypto/digest.ts';
import type { KeyDetailsName } from '../../../src/core/crypto/key-details.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { hashOf, type SignatureScheme } from '../../../src/core/crypto/signature.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { leafHash } from '../../../src/core/tlog/merkle.ts';
import { encodeCreateEntryRequest, parseCreateEntryResponse } from '../../../src/core/wire/log.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { fsckLog } from '../../../src/servers/log/fsck.ts';
import { damaged } from '../../support/damage.ts';
import { interop } from '../../support/interop.ts';
import { ANY_STATUS, freePort, startPeer } from '../../support/peer-process.ts';
import { issueRoot } from '../../support/test-authority.ts';
import { append, LOG_KEY, openLog, ORIGIN, post, startLog, temporaryFolder, verifyEntry } from './lab.ts';

test('entries are answered 201 with a proof that verifies; the same one again with the entry that is there', async (t) => {
  const { log, dir } = await startLog(t);
  const first = await append(log, 'a');
  const second = await append(log, 'b');
  assert.deepEqual([first.logIndex, second.logIndex], [0n, 1n]);
  const again = await append(log, 'a');
  assert.equal(again.logIndex, 0n);
  assert.equal(again.inclusionProof?.treeSize, 2n);
  assert.deepEqual((await fsckLog({ dir, origin: ORIGIN, key: LOG_KEY.publicKey })).differences, []);
});

test('a log that was closed and opened again goes on where it was', async (t) => {
  const dir = await temporaryFolder(t);
  const before = await openLog(dir);
  for (let n = 0; n < 3; n++) await append(before, `m${n}`);
  await before.close();
  const after = await openLog(dir);
  t.after(() => after.close());
  assert.equal((await append(after, 'm1')).logIndex, 1n);
  assert.equal((await append(after, 'new')).logIndex, 3n);
});

test('many at once get different indexes, twins among them the same', async (t) => {
  const { log, dir } = await startLog(t);
  const messages = Array.from({ length: 600 }, (_, n) => `m${n % 300}`);
  const entries = await Promise.all(messages.map((message) => append(log, message)));
  const indexes = new Map(entries.map((entry, n) => [messages[n], entry.logIndex]));
  for (const [n, entry] of entries.entries()) assert.equal(entry.logIndex, indexes.get(messages[n]));
  assert.equal(new Set(indexes.values()).size, 300);
  const report = await fsckLog({ dir, origin: ORIGIN, key: LOG_KEY.publicKey });
  assert.deepEqual([report.treeSize, report.differences], [300n, []]);
});

interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

async function refusal(response: Response): Promise<Refusal> {
  const { code, message } = (await response.json()) as { code: number; message: string };
  return { status: response.status, code, message };
}

const RSA = PrivateKey.generate('rsa');
const RSA_3072 = PrivateKey.generate('rsa', 3072);
const ACCEPTED: readonly (readonly [keyDetails: KeyDetailsName, key: PrivateKey, scheme: SignatureScheme])[] = [
  ['PKIX_ECDSA_P256_SHA_256', PrivateKey.generate('ecdsa-p256'), 'ecdsa-sha256'],
  ['PKIX_ECDSA_P384_SHA_384', PrivateKey.generate('ecdsa-p384'), 'ecdsa-sha384'],
  ['PKIX_ECDSA_P521_SHA_512', PrivateKey.generate('ecdsa-p521'), 'ecdsa-sha512'],
  ['PKIX_ED25519_PH', PrivateKey.generate('ed25519'), 'ed25519ph'],
  ['PKIX_RSA_PKCS1V15_2048_SHA256', RSA, 'rsa-pkcs1-sha256'],
  ['PKIX_RSA_PKCS1V15_3072_SHA256', RSA_3072, 'rsa-pkcs1-sha256'],
];

/** A sound request by any of the accepted algorithms. */
function signedWith([keyDetails, key, scheme]: (typeof ACCEPTED)[number], message = 'artifact'): HashedRekordInput {
  const algorithm = hashOf(scheme) ?? 'sha256';
  return {
    digest: { algorithm, digest: digest(algorithm, utf8(message)) },
    signature: key.sign(utf8(message), scheme),
    verifier: { kind: 'publicKey', der: key.publicKey.spki },
    keyDetails,
  };
}

test('every accepted algorithm, by key and by certificate, is logged', async (t) => {
  const { log } = await startLog(t);
  for (const row of ACCEPTED) {
    const request = signedWith(row);
    const answered = await post(log, encodeCreateEntryRequest(request));
    assert.equal(answered.status, 201, row[0]);
    const entry = verifyEntry(parseCreateEntryResponse(utf8(await answered.text())));
    assert.deepEqual(Buffer.from(entry.body), Buffer.from(encodeHashedRekordBody(request)));
  }
  const holder = issueRoot();
  const byCertificate: HashedRekordInput = {
    ...signedWith(['PKIX_ECDSA_P256_SHA_256', holder.key, 'ecdsa-sha256']),
    verifier: { kind: 'certificate', der: holder.certificate.raw },
  };
  assert.equal((await post(log, encodeCreateEntryRequest(byCertificate))).status, 201);
});

const [P256 = assert.fail()] = ACCEPTED;
const SOUND = signedWith(P256);
const INVALID: Refusal = { status: 400, code: 3, message: 'invalid hashedrekord request' };
const WRONG_TYPE: Refusal = { status: 400, code: 3, message: 'invalid type, must be hashedrekord' };

function changed(change: Partial<HashedRekordInput>): string {
  return encodeCreateEntryRequest({ ...SOUND, ...change });
}

/** Requests that rekor-tiles refuses, with its status, code and text where those do not quote Go's JSON parser. */
const REFUSED: Record<string, readonly [body: string, refusal: Refusal]> = {
  'no body': ['', WRONG_TYPE],
  'an empty message': ['{}', WRONG_TYPE],
  'the older DSSE request': ['{"dsseRequestV002":{}}', WRONG_TYPE],
  'an empty request': ['{"hashedRekordRequestV002":{}}', INVALID],
  'a digest that was not signed': [
    changed({ digest: { algorithm: 'sha256', digest: digest('sha256', utf8('other')) } }),
    INVALID,
  ],
  'a digest of another length': [changed({ digest: { algorithm: 'sha256', digest: new Uint8Array(31) } }), INVALID],
  'a signature by another key': [
    changed({ verifier: { kind: 'publicKey', der: PrivateKey.generate('ecdsa-p256').publicKey.spki } }),
    INVALID,
  ],
  'a signature with a byte behind it': [
    changed({ signature: Buffer.concat([SOUND.signature, Buffer.of(0)]) }),
    INVALID,
  ],
  'no signature': [changed({ signature: new Uint8Array(0) }), INVALID],
  'a key that does not parse': [changed({ verifier: { kind: 'publicKey', der: Uint8Array.of(0x30, 0) } }), INVALID],
  'a key as a certificate': [changed({ verifier: { kind: 'certificate', der: SOUND.verifier.der } }), INVALID],
  'a key of another curve than it says': [
    encodeCreateEntryRequest({
      ...signedWith(['PKIX_ECDSA_P256_SHA_256', PrivateKey.generate('ecdsa-p384'), 'ecdsa-sha256']),
    }),
    INVALID,
  ],
  'an RSA key of another size than it says': [
    encodeCreateEntryRequest(signedWith(['PKIX_RSA_PKCS1V15_2048_SHA256', RSA_3072, 'rsa-pkcs1-sha256'])),
    INVALID,
  ],
  'RSA-PSS': [changed({ ...signedWith(P256), keyDetails: 'PKIX_RSA_PSS_2048_SHA256' }), INVALID],
  'pure Ed25519': [changed({ keyDetails: 'PKIX_ED25519' }), INVALID],
  'a body beyond 4 MiB': [' '.repeat((4 << 20) + 1), { status: 400, code: 3, message: 'http: request body too large' }],
};

test('what rekor-tiles refuses is refused in its words, and not logged', async (t) => {
  const { log, dir } = await startLog(t);
  for (const [name, [body, expected]] of Object.entries(REFUSED)) {
    assert.deepEqual(await refusal(await post(log, body)), expected, name);
  }
  assert.equal((await fsckLog({ dir, origin: ORIGIN, key: LOG_KEY.publicKey })).treeSize, 0n);
});

test('an entry that no bundle can hold is refused before it costs anybody else their batch', async (t) => {
  const { log } = await startLog(t);
  const holder = issueRoot({
    extensions: [{ oid: '1.2.3.4', critical: false, value: new Uint8Array(50 << 10) }],
  });
  const request: HashedRekordInput = {
    ...signedWith(['PKIX_ECDSA_P256_SHA_256', holder.key, 'ecdsa-sha256']),
    verifier: { kind: 'certificate', der: holder.certificate.raw },
  };
  const [large, small] = await Promise.all([post(log, encodeCreateEntryRequest(request)), append(log, 'small')]);
  assert.deepEqual(await refusal(large), INVALID);
  assert.equal(small.logIndex, 0n);
});

test('other methods and paths answer as the gateway does; tiles that are not there are 404', async (t) => {
  const { log } = await startLog(t);
  await append(log, 'a');
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const response = await log.routes.request('/api/v2/log/entries', { method });
    assert.deepEqual(await refusal(response), { status: 501, code: 12, message: 'Method Not Allowed' });
  }
  for (const path of [
    '/tile/0/000',
    '/tile/0/001.p/1',
    '/tile/0/000.p/2',
    '/tile/entries/000',
    '/tile/9/000',
    '/tile/x',
  ]) {
    for (const prefix of ['', '/api/v2']) {
      assert.equal((await log.routes.request(prefix + path)).status, 404, prefix + path);
    }
  }
  for (const path of ['/tile/../log.sqlite', '/tile/0/..%2f..%2f..%2flog.sqlite']) {
    assert.equal((await log.routes.request(path)).status, 404, path);
  }
});

test('checkpoint, tiles and bundles are served with and without the prefix, and not again to who has them', async (t) => {
  const { log } = await startLog(t);
  const entry = await append(log, 'a');
  for (const prefix of ['', '/api/v2']) {
    const checkpoint = await log.routes.request(`${prefix}/checkpoint`);
    assert.equal(checkpoint.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(await checkpoint.text(), entry.inclusionProof?.checkpoint);
    const tile = await log.routes.request(`${prefix}/tile/0/000.p/1`);
    assert.equal(tile.headers.get('content-type'), 'application/octet-stream');
    assert.deepEqual(Buffer.from(await tile.arrayBuffer()), Buffer.from(leafHash(entry.body)));
    const bundle = await log.routes.request(`${prefix}/tile/entries/000.p/1`);
    assert.deepEqual(Buffer.from(await bundle.arrayBuffer()).subarray(2), Buffer.from(entry.body));
    const etag = bundle.headers.get('etag') ?? '';
    const again = await log.routes.request(`${prefix}/tile/entries/000.p/1`, { headers: { 'if-none-match': etag } });
    assert.equal(again.status, 304);
    const head = await log.routes.request(`${prefix}/tile/0/000.p/1`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  }
});

test('requests with every byte damaged are refused or are other entries; none ends the log', async (t) => {
  const { log, dir } = await startLog(t);
  const sample = utf8(encodeCreateEntryRequest(SOUND));
  let logged = 0;
  for (const bytes of damaged(sample)) {
    const response = await log.routes.request('/api/v2/log/entries', { method: 'POST', body: Uint8Array.from(bytes) });
    assert.ok(response.status === 400 || response.status === 201, String(response.status));
    if (response.status === 201) logged++;
  }
  // Only what leaves the meaning alone: white space that a flipped bit makes, or a letter's case in nothing that counts.
  assert.ok(logged < 5, `${logged} damaged requests were logged`);
  assert.deepEqual((await fsckLog({ dir, origin: ORIGIN, key: LOG_KEY.publicKey })).differences, []);
});

test('a closed log refuses with 500 and does not hang; what was submitted before is answered', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(dir);
  const under = Array.from({ length: 20 }, (_, n) => append(log, `m${n}`));
  const first = await under[0];
  assert.ok(first !== undefined);
  const closing = log.close();
  await Promise.all(under);
  await closing;
  await log.close();
  assert.deepEqual(await refusal(await post(log, encodeCreateEntryRequest(SOUND))), {
    status: 500,
    code: 2,
    message: 'failed to integrate entry',
  });
});

test('a folder in use, of another log, or set back does not open', async (t) => {
  const { dir } = await startLog(t);
  await assert.rejects(openLog(dir), { code: 'STATE_CONFLICT' });
  const other = await temporaryFolder(t);
  const log = await openLog(other);
  await append(log, 'a');
  await log.close();
  await assert.rejects(openLog(other, PrivateKey.generate('ed25519')), { code: 'STATE_CORRUPT' });
  await rm(join(other, 'log.sqlite'));
  await assert.rejects(openLog(other), { code: 'STATE_CORRUPT' });
});

test('fsck names the checkpoint, the tile or the bundle that is not what the entries make it', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(dir);
  await Promise.all(Array.from({ length: 300 }, (_, n) => append(log, `m${n}`)));
  await log.close();
  const options = { dir, origin: ORIGIN, key: LOG_KEY.publicKey };
  const names = async (): Promise<readonly string[]> => (await fsckLog(options)).differences.map(({ name }) => name);
  const flip = (bytes: Buffer): Uint8Array => bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte));
  const damages: Record<string, (bytes: Buffer) => Uint8Array | undefined> = {
    flipped: flip,
    truncated: (bytes) => bytes.subarray(0, -1),
    longer: (bytes) => Buffer.concat([bytes, Buffer.of(0, 0)]),
    missing: () => undefined,
  };
  const objects = ['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/001.p/44'];
  for (const object of [...objects, 'checkpoint']) {
    const path = join(dir, 'objects', object);
    const sound = await readFile(path);
    for (const [damage, change] of Object.entries(damages)) {
      const bytes = change(sound);
      await rm(path);
      if (bytes !== undefined) await writeFile(path, bytes);
      const found = await names();
      // A changed entry shows where the tile above it says something else.
      const shown = object.startsWith('tile/entries') && damage === 'flipped' ? object.replace('entries', '0') : object;
      assert.ok(found.includes(shown), `${object} ${damage}: ${found.join(', ')}`);
      await rm(path, { force: true });
      await writeFile(path, sound);
    }
  }
  assert.deepEqual(await names(), []);
  const other = await fsckLog({ ...options, key: PrivateKey.generate('ed25519').publicKey });
  assert.deepEqual([other.treeSize, other.differences.length], [undefined, 1]);
});

interop('rekor-tiles', 'both', 'what it refuses, we refuse with its status, code and text', async (t, executable) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'log.pem'), encodePem('PRIVATE KEY', LOG_KEY.toPkcs8()));
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const flags = {
    'http-port': port,
    'grpc-port': grpc,
    'http-metrics-port': metrics,
    hostname: ORIGIN,
    'signer-filepath': join(folder, 'log.pem'),
    'storage-dir': join(folder, 'log'),
    'checkpoint-interval': '1s',
  };
  const url = `http://127.0.0.1:${port}`;
  const parameters = ['serve', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  await startPeer(t, executable, parameters, `${url}/healthz`);
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  const ask = async (body: string): Promise<{ status: number; text: string }> => {
    const answer = await http.request({
      url: `${url}/api/v2/log/entries`,
      method: 'POST',
      body: utf8(body),
      expect: ANY_STATUS,
    });
    return { status: answer.status, text: Buffer.from(answer.body).toString() };
  };
  for (const [name, [body, expected]] of Object.entries(REFUSED)) {
    // rekor-tiles asks keyDetails for the hash alone; such an entry tells its readers of another key than it holds.
    if (['an RSA key of another size than it says', 'RSA-PSS'].includes(name)) continue;
    const { status, text } = await ask(body);
    const { code, message } = JSON.parse(text) as { code: number; message: string };
    assert.deepEqual({ status, code, message }, expected, name);
  }
  // And what it accepts, byte for byte the same leaf.
  for (const row of ACCEPTED) {
    const request = signedWith(row);
    const { status, text } = await ask(encodeCreateEntryRequest(request));
    assert.equal(status, 201, `${row[0]}: ${text}`);
    const entry = verifyEntry(parseCreateEntryResponse(utf8(text)));
    assert.deepEqual(Buffer.from(entry.body), Buffer.from(encodeHashedRekordBody(request)), row[0]);
  }
});
