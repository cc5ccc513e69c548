import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { keyUsageExtension, extendedKeyUsageExtension } from '../../../src/core/pki/certificate-builder.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import { encodeTimestampRequest } from '../../../src/core/pki/timestamp-request.ts';
import { parseTimestampResponse, type UnverifiedTimestamp } from '../../../src/core/pki/timestamp-response.ts';
import { verifyTimestamp } from '../../../src/core/pki/timestamp-verification.ts';
import { createTsa, type Tsa } from '../../../src/servers/tsa/tsa.ts';
import { damaged } from '../../support/damage.ts';
import { DIGITAL_SIGNATURE, issueRoot, issueTimestampLeaf, type HolderInput } from '../../support/test-authority.ts';
import { GRANTED, IMPRINT, MESSAGE, REFUSED, type Row } from './requests.ts';

const NOW = new Date('2026-06-01T12:00:30.789Z');
const root = issueRoot();
const leaf = issueTimestampLeaf(root);
const chain = [leaf.certificate, root.certificate];
const authority = { chain, validFor: { start: new Date('2026-01-01T00:00:00Z') } };

function tsa(): Tsa {
  return createTsa({ key: leaf.key, chain, now: () => NOW });
}

async function ask(server: Tsa, row: Pick<Row, 'type' | 'body'>): Promise<Response> {
  const body = typeof row.body === 'string' ? Buffer.from(row.body) : Buffer.from(row.body);
  const headers: Record<string, string> = row.type === undefined ? {} : { 'content-type': row.type };
  return server.routes.request('/api/v1/timestamp', { method: 'POST', body, headers });
}

async function granted(server: Tsa, row: Pick<Row, 'type' | 'body'>): Promise<UnverifiedTimestamp> {
  const response = await ask(server, row);
  assert.equal(response.status, 200);
  return parseTimestampResponse(new Uint8Array(await response.arrayBuffer()));
}

for (const row of GRANTED) {
  test(`granted: ${row.name}`, async () => {
    const response = await ask(tsa(), row);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/timestamp-reply');
    assert.match(response.headers.get('cache-control') ?? '', /no-store/);
    const { info } = parseTimestampResponse(new Uint8Array(await response.arrayBuffer()));
    assert.equal(info.policy, '1.3.6.1.4.1.57264.2');
    assert.equal(info.genTime.toISOString(), '2026-06-01T12:00:30.000Z');
  });
}

for (const row of REFUSED) {
  test(`refused: ${row.name}`, async () => {
    const response = await ask(tsa(), row);
    assert.equal(response.status, row.status);
    const body = (await response.json()) as { code: number; message: string };
    assert.equal(body.message, row.message);
    assert.equal(body.code, row.status === 422 ? 602 : row.status);
  });
}

test('a timestamp verifies against the chain that is served', async () => {
  const timestamp = await granted(tsa(), {
    type: 'application/timestamp-query',
    body: encodeTimestampRequest({ messageImprint: IMPRINT, wantsCertificate: false }),
  });
  assert.deepEqual(verifyTimestamp(timestamp, MESSAGE, authority).time, timestamp.info.genTime);
  assert.equal(timestamp.embeddedCertificates.length, 0);
});

test('the signing certificate is inside when, and only when, it is asked for', async () => {
  const body = encodeTimestampRequest({ messageImprint: IMPRINT, wantsCertificate: true });
  const { embeddedCertificates } = await granted(tsa(), { type: 'application/timestamp-query', body });
  assert.deepEqual(
    embeddedCertificates.map(({ fingerprint }) => fingerprint),
    [leaf.certificate.fingerprint],
  );
});

test('nonces come back as they were asked, of any size and sign', async () => {
  const hash = Buffer.from(IMPRINT.hashedMessage).toString('base64');
  const rows: readonly (readonly [string, string])[] = [
    ['0', '00'],
    ['127', '7f'],
    ['128', '0080'],
    ['-1', 'ff'],
    ['-129', 'ff7f'],
    ['9007199254740993', '20000000000001'],
    ['340282366920938463463374607431768211455', `00${'ff'.repeat(16)}`],
  ];
  for (const [decimal, hex] of rows) {
    const body = `{"artifactHash":"${hash}","more":{"nonce":1},"nonce":${decimal},"hashAlgorithm":"sha256"}`;
    const { info } = await granted(tsa(), { type: 'application/json', body });
    assert.equal(info.nonce === undefined ? undefined : encodeHex(info.nonce), hex, decimal);
  }
});

test('serial numbers never repeat', async () => {
  const serials = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const row = GRANTED[0];
    assert.ok(row !== undefined);
    serials.add(encodeHex((await granted(tsa(), row)).info.serialNumber));
  }
  assert.equal(serials.size, 50);
});

test('every damage to a DER request is refused or timestamped as what it then says', async () => {
  const server = tsa();
  const request = encodeTimestampRequest({
    messageImprint: IMPRINT,
    wantsCertificate: true,
    nonce: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    policy: '1.3.6.1.4.1.57264.2',
  });
  let refusals = 0;
  for (const body of damaged(request)) {
    const response = await ask(server, { type: 'application/timestamp-query', body });
    if (response.status === 200) {
      parseTimestampResponse(new Uint8Array(await response.arrayBuffer()));
      continue;
    }
    assert.ok(response.status === 400 || (body.length === 0 && response.status === 422), String(response.status));
    refusals++;
  }
  // Only digest, nonce and the flag may change into something else that is well formed.
  assert.ok(refusals >= 2 * request.length - 32 - 8 - 4, String(refusals));
});

test('every damage to a JSON request is an answer, never a fault', async () => {
  const server = tsa();
  const text = JSON.stringify({
    artifactHash: Buffer.from(IMPRINT.hashedMessage).toString('base64'),
    hashAlgorithm: 'sha256',
    nonce: 77,
    certificates: true,
    tsaPolicyOID: '1.3.6.1.4.1.57264.2',
  });
  for (const body of damaged(Buffer.from(text))) {
    const { status } = await ask(server, { type: 'application/json', body });
    assert.ok([200, 400, 422].includes(status), String(status));
  }
});

test('the chain is PEM, leaf first, root last, and may be kept for a day', async () => {
  const response = await tsa().routes.request('/api/v1/timestamp/certchain');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/pem-certificate-chain');
  assert.equal(response.headers.get('cache-control'), 'max-age=86400, immutable');
  assert.equal(await response.text(), chain.map((certificate) => `${certificate.toPem().trim()}\n`).join(''));
});

test('other methods are named in the refusal', async () => {
  for (const [path, method, allow] of [
    ['/api/v1/timestamp', 'GET', 'POST'],
    ['/api/v1/timestamp', 'PUT', 'POST'],
    ['/api/v1/timestamp/certchain', 'POST', 'GET'],
  ] as const) {
    const response = await tsa().routes.request(path, { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), allow);
    assert.deepEqual(await response.json(), {
      code: 405,
      message: `method ${method} is not allowed, but [${allow}] are`,
    });
  }
});

test('a key and chain that no client would believe do not start', () => {
  const other = issueRoot({ name: 'another root' });
  const bad = (input: HolderInput): readonly [PrivateKey, (typeof chain)[number][]] => {
    const holder = issueTimestampLeaf(root, input);
    return [holder.key, [holder.certificate, root.certificate]];
  };
  const rows: readonly (readonly [string, PrivateKey, (typeof chain)[number][]])[] = [
    ['no chain', leaf.key, []],
    ['the leaf alone', leaf.key, [leaf.certificate]],
    ['another key', PrivateKey.generate('ecdsa-p256'), chain],
    ['the root first', root.key, [root.certificate, leaf.certificate]],
    ['another root', leaf.key, [leaf.certificate, other.certificate]],
    ['expired', ...bad({ notAfter: '2026-05-01T00:00:00Z' })],
    [
      'purpose not critical',
      ...bad({
        extensions: [keyUsageExtension(DIGITAL_SIGNATURE), extendedKeyUsageExtension(OID.timeStamping, false)],
      }),
    ],
    ['another purpose', ...bad({ extensions: [extendedKeyUsageExtension(OID.codeSigning, true)] })],
    ['no purpose', ...bad({ extensions: [] })],
  ];
  for (const [name, key, certificates] of rows) {
    assert.throws(() => createTsa({ key, chain: certificates, now: () => NOW }), { code: 'USAGE_BAD_CONFIG' }, name);
  }
});
