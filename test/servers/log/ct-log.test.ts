/** The CT log: SCTs that verify and name their place, RFC 6962's submission API, tiles, and who is not let in. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeBase64, parseBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { issueCertificate, type ExtensionInput } from '../../../src/core/pki/certificate-builder.ts';
import { encodeName } from '../../../src/core/pki/name.ts';
import type { Certificate } from '../../../src/core/pki/certificate.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import { verifySct, withoutExtension, type Sct } from '../../../src/core/pki/sct.ts';
import { leafIndexExtension, parseCtDataTile } from '../../../src/core/tlog/ct-data-tile.ts';
import { verifyTreeHead } from '../../../src/core/tlog/tree-head.ts';
import { createCtLog, type CtLog } from '../../../src/servers/log/ct-log.ts';
import { fsckLog } from '../../../src/servers/log/fsck.ts';
import { issueIntermediate, issueRoot, leafExtensions, type Holder } from '../../support/test-authority.ts';
import { NOW, temporaryFolder } from './lab.ts';

const ORIGIN = 'ct.example.org';
const KEY = PrivateKey.generate('ecdsa-p256');
const ROOT = issueRoot();
const CA = issueIntermediate(ROOT);
const CHAIN = [CA.certificate, ROOT.certificate];
const POISON: ExtensionInput = { oid: OID.precertificatePoison, critical: true, value: Uint8Array.of(5, 0) };

let serial = 1;
function precertificate(issuer: Holder = CA, extensions: readonly ExtensionInput[] = [POISON]): Certificate {
  return issueCertificate(
    {
      serialNumber: Uint8Array.of(serial++),
      subject: encodeName({}),
      publicKey: PrivateKey.generate('ecdsa-p256').publicKey,
      notBefore: NOW,
      notAfter: new Date(NOW.getTime() + 600_000),
      extensions: [...leafExtensions(issuer.certificate), ...extensions],
    },
    issuer,
  );
}

async function openCt(dir: string, now = NOW): Promise<CtLog> {
  return await createCtLog({ dir, origin: ORIGIN, key: KEY, roots: [ROOT.certificate], now: () => now });
}

async function startCt(t: TestContext): Promise<{ readonly ct: CtLog; readonly dir: string }> {
  const dir = await temporaryFolder(t);
  const ct = await openCt(dir);
  t.after(() => ct.close());
  return { ct, dir };
}

function holds(sct: Sct, certificate: Certificate): boolean {
  const tbs = withoutExtension(certificate, OID.precertificatePoison);
  return verifySct(sct, { kind: 'precert', issuerKeyHash: CA.certificate.publicKey.id, tbs }, KEY.publicKey);
}

function post(ct: CtLog, chain: readonly Certificate[]): Promise<Response> {
  const body = JSON.stringify({ chain: chain.map(({ raw }) => encodeBase64(raw)) });
  return Promise.resolve(ct.routes.request('/ct/v1/add-pre-chain', { method: 'POST', body }));
}

test('an SCT verifies, names its place, and its entry is in the data tile with its issuers', async (t) => {
  const { ct, dir } = await startCt(t);
  const certificates = [precertificate(), precertificate()];
  for (const [index, certificate] of certificates.entries()) {
    const sct = await ct.requestSct({ precertificate: certificate, issuers: CHAIN });
    assert.ok(holds(sct, certificate));
    assert.deepEqual(Buffer.from(sct.extensions), Buffer.from(leafIndexExtension(BigInt(index))));
    assert.equal(sct.timestamp, BigInt(NOW.getTime()));
  }
  const tile = await ct.routes.request('/tile/data/000.p/2');
  const leaves = parseCtDataTile(new Uint8Array(await tile.arrayBuffer()));
  assert.deepEqual(
    leaves.map(({ precertificate: raw }) => Buffer.from(raw ?? [])),
    certificates.map(({ raw }) => Buffer.from(raw)),
  );
  for (const issuer of CHAIN) {
    const served = await ct.routes.request(`/issuer/${issuer.fingerprint}`);
    assert.equal(served.headers.get('content-type'), 'application/pkix-cert');
    assert.deepEqual(Buffer.from(await served.arrayBuffer()), Buffer.from(issuer.raw));
  }
  const report = await fsckLog({ dir, origin: ORIGIN, key: KEY.publicKey });
  assert.deepEqual([report.treeSize, report.differences], [2n, []]);
});

test('the same precertificate again, later and without its root, has the first time and place', async (t) => {
  const dir = await temporaryFolder(t);
  const certificate = precertificate();
  const first = await openCt(dir);
  const before = await first.requestSct({ precertificate: certificate, issuers: CHAIN });
  await first.close();
  const second = await openCt(dir, new Date(NOW.getTime() + 3_600_000));
  t.after(() => second.close());
  const after = await second.requestSct({ precertificate: certificate, issuers: [CA.certificate] });
  assert.deepEqual([after.timestamp, [...after.extensions]], [before.timestamp, [...before.extensions]]);
  assert.ok(holds(after, certificate));
});

test('add-pre-chain answers as RFC 6962 §4.1 has it', async (t) => {
  const { ct } = await startCt(t);
  const certificate = precertificate();
  const response = await post(ct, [certificate, ...CHAIN]);
  assert.equal(response.status, 200);
  const json = (await response.json()) as Record<string, string | number>;
  assert.deepEqual(Object.keys(json).sort(), ['extensions', 'id', 'sct_version', 'signature', 'timestamp']);
  const signed = parseBase64(String(json['signature']));
  assert.equal(signed.length, 4 + ((signed[2]! << 8) | signed[3]!));
  const sct: Sct = {
    logId: parseBase64(String(json['id'])),
    timestamp: BigInt(json['timestamp']!),
    extensions: parseBase64(String(json['extensions'])),
    hashAlgorithm: signed[0]!,
    signatureAlgorithm: signed[1]!,
    signature: signed.subarray(4),
  };
  assert.ok(holds(sct, certificate));
  assert.ok(!holds(sct, precertificate()));
});

test('get-sth and the checkpoint say the same; get-roots lists the roots', async (t) => {
  const { ct } = await startCt(t);
  await ct.requestSct({ precertificate: precertificate(), issuers: CHAIN });
  const note = await (await ct.routes.request('/checkpoint')).text();
  const head = verifyTreeHead(note, { name: ORIGIN, key: KEY.publicKey });
  assert.deepEqual(await (await ct.routes.request('/ct/v1/get-sth')).json(), {
    tree_size: 1,
    timestamp: NOW.getTime(),
    sha256_root_hash: encodeBase64(head.root),
    tree_head_signature: encodeBase64(head.treeHeadSignature),
  });
  assert.deepEqual(await (await ct.routes.request('/ct/v1/get-roots')).json(), {
    certificates: [encodeBase64(ROOT.certificate.raw)],
  });
});

test('a clock that was set back gives no earlier tree head', async (t) => {
  const dir = await temporaryFolder(t);
  const first = await openCt(dir, new Date(NOW.getTime() + 1000));
  await first.requestSct({ precertificate: precertificate(), issuers: CHAIN });
  await first.close();
  const second = await openCt(dir);
  t.after(() => second.close());
  await second.requestSct({ precertificate: precertificate(), issuers: CHAIN });
  const note = await (await second.routes.request('/checkpoint')).text();
  const head = verifyTreeHead(note, { name: ORIGIN, key: KEY.publicKey });
  assert.deepEqual([head.size, head.timestamp], [2n, BigInt(NOW.getTime() + 1000)]);
});

test('what is not a precertificate of an accepted root is not logged', async (t) => {
  const { ct, dir } = await startCt(t);
  const other = issueRoot();
  const notCritical = { ...POISON, critical: false };
  const notNull = { ...POISON, value: Uint8Array.of(5, 1, 0) };
  const refused: Record<string, { precertificate: Certificate; issuers: readonly Certificate[]; code: string }> = {
    'no poison': { precertificate: precertificate(CA, []), issuers: CHAIN, code: 'CERTIFICATE_PROFILE' },
    'a poison that is not critical': {
      precertificate: precertificate(CA, [notCritical]),
      issuers: CHAIN,
      code: 'CERTIFICATE_PROFILE',
    },
    'a poison with another value': {
      precertificate: precertificate(CA, [notNull]),
      issuers: CHAIN,
      code: 'CERTIFICATE_PROFILE',
    },
    'another root': {
      precertificate: precertificate(other),
      issuers: [other.certificate],
      code: 'CERTIFICATE_UNTRUSTED',
    },
    'another issuer': { precertificate: precertificate(other), issuers: CHAIN, code: 'CERTIFICATE_UNTRUSTED' },
    'no issuer': { precertificate: precertificate(), issuers: [], code: 'CERTIFICATE_UNTRUSTED' },
    'issuers in another order': {
      precertificate: precertificate(),
      issuers: [...CHAIN].reverse(),
      code: 'CERTIFICATE_UNTRUSTED',
    },
    'a leaf as issuer': {
      precertificate: precertificate(),
      issuers: [precertificate(), ...CHAIN],
      code: 'CERTIFICATE_UNTRUSTED',
    },
  };
  for (const [name, { code, ...submission }] of Object.entries(refused)) {
    await assert.rejects(ct.requestSct(submission), { code }, name);
    const response = await post(ct, [submission.precertificate, ...submission.issuers]);
    assert.equal(response.status, 400, name);
  }
  for (const body of [
    '',
    '{',
    '[]',
    '{"chain":[]}',
    '{"chain":["AAAA"]}',
    '{"chain":["!"]}',
    '{"chain":[1]}',
    '{"x":1}',
  ]) {
    const response = await ct.routes.request('/ct/v1/add-pre-chain', { method: 'POST', body });
    assert.equal(response.status, 400, body);
  }
  const large = await ct.routes.request('/ct/v1/add-pre-chain', { method: 'POST', body: utf8(' '.repeat(200 << 10)) });
  assert.equal(large.status, 400);
  const report = await fsckLog({ dir, origin: ORIGIN, key: KEY.publicKey });
  assert.deepEqual([report.treeSize, report.differences], [0n, []]);
  assert.equal((await ct.routes.request('/issuer/../log.sqlite')).status, 404);
  assert.equal((await ct.routes.request(`/issuer/${'0'.repeat(64)}`)).status, 404);
});
