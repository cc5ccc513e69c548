import '../../support/reflect-metadata.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import { verifyChain } from '../../../src/core/pki/chain.ts';
import { readFulcioExtensions } from '../../../src/core/pki/fulcio-extensions.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import { parseSigningCertificate } from '../../../src/core/wire/ca.ts';
import { EMAIL, KEY, TestIssuer, createLabCa, httpRequest, keyRequest } from './lab.ts';
import { GRANTED, REFUSED } from './requests.ts';

const ISSUER = await TestIssuer.create('https://issuer.example.org');
const CA = createLabCa(ISSUER);
const BASE = 'http://127.0.0.1';

async function ask(request: Request, ca = CA): Promise<{ status: number; type: string | null; body: Uint8Array }> {
  const response = await ca.routes.fetch(request);
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly code: string; readonly reason?: string }[];
}
const refusal = (body: Uint8Array): Refusal => JSON.parse(Buffer.from(body).toString()) as Refusal;

for (const { what, ask: make } of GRANTED) {
  test(`${what}: a certificate for the address, under our root`, async () => {
    const request = await make(ISSUER);
    const { status, type, body } = await ask(httpRequest(BASE, request));
    const isLegacy = request.path !== undefined;
    assert.equal(status, isLegacy ? 201 : 200, Buffer.from(body).toString());
    assert.equal(type, isLegacy ? 'application/pem-certificate-chain' : 'application/json');
    const chain = isLegacy ? Certificate.allFromPem(Buffer.from(body).toString()) : parseSigningCertificate(body);
    const [leaf, ...issuers] = chain;
    assert.ok(leaf !== undefined && issuers.length === 2);
    assert.deepEqual(leaf.subjectAltNames, [{ kind: 'email', value: EMAIL }]);
    verifyChain({
      leaf,
      intermediates: [CA.intermediate.certificate],
      anchors: [CA.root.certificate],
      at: new Date(),
      purpose: 'codeSigning',
    });
  });
}

for (const { what, ask: make, message, ownText } of REFUSED) {
  test(`${what}: refused with status 400`, async () => {
    const { status, body } = await ask(httpRequest(BASE, await make(ISSUER)));
    const answer = refusal(body);
    assert.equal(status, 400);
    assert.equal(answer.code, 3);
    if (ownText === undefined) assert.equal(answer.message, message);
    assert.equal(answer.details.length, 1);
    assert.match(answer.details[0]!.code, /^(?:AUTH|FORMAT|LIMIT)_/);
  });
}

const REASONS: readonly (readonly [string, string])[] = [
  ['an expired token', 'AUTH_TOKEN_EXPIRED'],
  ['another audience', 'AUTH_AUDIENCE'],
  ['an unknown issuer', 'AUTH_ISSUER_UNKNOWN'],
  ['a changed payload', 'AUTH_TOKEN_INVALID'],
  ['a token that says it needs no signature', 'AUTH_TOKEN_INVALID'],
  ["a token signed with the public key's text as a shared secret", 'AUTH_TOKEN_INVALID'],
  ['an address that nobody verified', 'AUTH_CLAIM'],
  ['a proof by another key', 'AUTH_PROOF_OF_POSSESSION'],
  ['RSA of 1024 bits', 'AUTH_KEY_REFUSED'],
  ['a body that is no JSON', 'FORMAT_REQUEST'],
];
for (const [what, code] of REASONS) {
  test(`${what}: the reason is in the details, and the token is not`, async () => {
    const row = REFUSED.find((candidate) => candidate.what === what);
    const request = await row!.ask(ISSUER);
    const { body } = await ask(httpRequest(BASE, request));
    assert.equal(refusal(body).details[0]?.code, code);
    const signature = request.token?.split('.')[2] ?? '';
    assert.ok(signature === '' || !Buffer.from(body).includes(signature));
  });
}

test("the leaf has Fulcio's profile, member by member, and @peculiar/x509 reads it", async () => {
  const before = Math.floor(Date.now() / 1000) * 1000;
  const { body } = await ask(httpRequest(BASE, { token: await ISSUER.token(), body: keyRequest(KEY) }));
  const [leaf] = parseSigningCertificate(body);
  assert.ok(leaf);
  assert.deepEqual(
    leaf.extensions.map(({ oid, critical }) => [oid, critical]),
    [
      [OID.keyUsage, true],
      [OID.extendedKeyUsage, false],
      [OID.subjectKeyIdentifier, false],
      [OID.authorityKeyIdentifier, false],
      [OID.subjectAltName, true],
      ['1.3.6.1.4.1.57264.1.1', false],
      ['1.3.6.1.4.1.57264.1.8', false],
      ['1.3.6.1.4.1.57264.1.24', false],
      [OID.sctList, false],
    ],
  );
  assert.deepEqual(leaf.subject.raw, Uint8Array.of(0x30, 0));
  assert.equal(leaf.notAfter.getTime() - leaf.notBefore.getTime(), 600_000);
  assert.ok(leaf.notBefore.getTime() >= before && leaf.notBefore.getTime() % 1000 === 0);
  assert.equal(leaf.serialNumber.length, 20);
  assert.ok((leaf.serialNumber[0] ?? 0xff) < 0x80);
  assert.ok(leaf.publicKey.equals(KEY.publicKey));
  assert.deepEqual(readFulcioExtensions(leaf), { issuer: ISSUER.url, tokenSubject: 'subject-1' });
  const peculiar = new PeculiarCertificate(leaf.raw);
  assert.equal(peculiar.subject, '');
  assert.equal(
    await peculiar.verify({ publicKey: new PeculiarCertificate(CA.intermediate.certificate.raw), signatureOnly: true }),
    true,
  );
});

test('two certificates never share a serial number', async () => {
  const serials = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const { body } = await ask(httpRequest(BASE, { token: await ISSUER.token(), body: keyRequest(KEY) }));
    serials.add(Buffer.from(parseSigningCertificate(body)[0]!.serialNumber).toString('hex'));
  }
  assert.equal(serials.size, 20);
});

test('no certificate without its SCT, and nothing of the cause reaches the caller', async () => {
  const requestSct = (): Promise<never> => Promise.reject(new Error('secret of the CT log'));
  const ca = createLabCa(ISSUER, {}, { requestSct });
  const { status, body } = await ask(httpRequest(BASE, { token: await ISSUER.token(), body: keyRequest(KEY) }), ca);
  assert.equal(status, 500);
  assert.deepEqual(refusal(body), { code: 13, message: 'error communicating with CA backend', details: [] });
});

test('outside its own validity the CA issues nothing', async () => {
  for (const time of ['2025-12-31T23:59:59Z', '2035-12-31T23:55:00Z']) {
    const ca = createLabCa(ISSUER, {}, { now: () => new Date(time) });
    const token = await ISSUER.token({ exp: Date.parse(time) / 1000 + 60 });
    assert.equal((await ask(httpRequest(BASE, { token, body: keyRequest(KEY) }), ca)).status, 500, time);
  }
});

test('a key id that is new is worth one fresh look at the keys, an unknown issuer none', async () => {
  const looks: boolean[] = [];
  const rotated = await TestIssuer.create(ISSUER.url);
  const keys = (fresh: boolean): Promise<typeof ISSUER.jwks> => {
    looks.push(fresh);
    return Promise.resolve(fresh ? { keys: [{ ...rotated.jwks.keys[0], kid: 'two' }] } : ISSUER.jwks);
  };
  const config = { issuerUrl: ISSUER.url, clientId: 'sigstore', type: 'email' } as const;
  const ca = createLabCa(ISSUER, {}, { issuers: [{ config, keys }] });
  const token = await rotated.token({}, Date.now(), 'two');
  assert.equal((await ask(httpRequest(BASE, { token, body: keyRequest(KEY) }), ca)).status, 200);
  assert.deepEqual(looks, [false, true]);
  // A wrong signature under a known key id makes nobody fetch anything.
  const forged = await rotated.token();
  assert.equal((await ask(httpRequest(BASE, { token: forged, body: keyRequest(KEY) }), ca)).status, 400);
  assert.deepEqual(looks, [false, true, false]);
  const stranger = await rotated.token({ iss: 'https://elsewhere.example.org' });
  assert.equal((await ask(httpRequest(BASE, { token: stranger, body: keyRequest(KEY) }), ca)).status, 400);
  assert.equal(looks.length, 3);
});

test('a body of more than 256 KiB is refused', async () => {
  const { status } = await ask(httpRequest(BASE, { body: `{"x":"${'a'.repeat(256 << 10)}"}` }));
  assert.equal(status, 400);
});

test('trust bundle, root and configuration', async () => {
  const get = (path: string): Promise<{ status: number; type: string | null; body: Uint8Array }> =>
    ask(new Request(`${BASE}${path}`));
  const bundle = await get('/api/v2/trustBundle');
  const [intermediate, root] = [CA.intermediate, CA.root].map(({ certificate }) => certificate.toPem().trim());
  assert.deepEqual(JSON.parse(Buffer.from(bundle.body).toString()), {
    chains: [{ certificates: [intermediate, root] }],
  });
  const roots = await get('/api/v1/rootCert');
  assert.equal(roots.type, 'application/pem-certificate-chain');
  assert.deepEqual(roots.body, utf8(`${intermediate ?? ''}\n${root ?? ''}`));
  const configuration = await get('/api/v2/configuration');
  assert.deepEqual(JSON.parse(Buffer.from(configuration.body).toString()), {
    issuers: [
      {
        issuerUrl: ISSUER.url,
        audience: 'sigstore',
        challengeClaim: 'email',
        spiffeTrustDomain: '',
        issuerType: 'email',
        subjectDomain: '',
        skipEmailVerification: false,
      },
    ],
  });
});
