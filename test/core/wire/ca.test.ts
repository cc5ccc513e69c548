import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeBase64, encodeBase64Url } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import {
  encodeSigningCertificate,
  encodeSigningCertificateRequest,
  encodeTrustBundle,
  parseSigningCertificate,
  parseSigningCertificateRequest,
} from '../../../src/core/wire/ca.ts';
import { issueIntermediate, issueLeaf, issueRoot } from '../../support/test-authority.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const PEM = KEY.publicKey.toPem();
const PROOF = Uint8Array.of(0xfb, 0xff, 0xfe, 1);
const ROOT = issueRoot();
const INTERMEDIATE = issueIntermediate(ROOT);
const CHAIN = [issueLeaf(INTERMEDIATE).certificate, INTERMEDIATE.certificate, ROOT.certificate];

const parse = (json: unknown): ReturnType<typeof parseSigningCertificateRequest> =>
  parseSigningCertificateRequest(utf8(typeof json === 'string' ? json : JSON.stringify(json)));
const EXPECTED = { identityToken: 'a.b.c', key: { kind: 'publicKey', content: PEM, proofOfPossession: PROOF } };
const same = (actual: ReturnType<typeof parse>): void => {
  const { key } = actual;
  assert.ok(key.kind === 'publicKey');
  assert.deepEqual({ ...actual, key: { ...key, proofOfPossession: Uint8Array.from(key.proofOfPossession) } }, EXPECTED);
};

test('a request survives its own encoding', () => {
  same(parse(encodeSigningCertificateRequest('a.b.c', PEM, PROOF)));
});

const SPELLINGS: readonly (readonly [string, unknown])[] = [
  [
    'sigstore-js and sigstore-go',
    {
      credentials: { oidcIdentityToken: 'a.b.c' },
      publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content: PEM }, proofOfPossession: encodeBase64(PROOF) },
    },
  ],
  [
    'the names of the proto file',
    {
      credentials: { oidc_identity_token: 'a.b.c' },
      public_key_request: { public_key: { algorithm: 2, content: PEM }, proof_of_possession: encodeBase64(PROOF) },
    },
  ],
  [
    'URL-safe base64 without padding, and members from the future',
    {
      future: [1],
      credentials: { oidcIdentityToken: 'a.b.c', other: null },
      publicKeyRequest: { publicKey: { content: PEM, x: {} }, proofOfPossession: encodeBase64Url(PROOF) },
    },
  ],
];
for (const [what, json] of SPELLINGS) {
  test(`${what}: the same request`, () => {
    same(parse(json));
  });
}

test('a certificate request wins over a key, and the token may be absent', () => {
  const pem = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n';
  for (const name of ['certificateSigningRequest', 'certificate_signing_request']) {
    const request = parse({ [name]: encodeBase64(utf8(pem)), publicKeyRequest: { publicKey: { content: PEM } } });
    assert.deepEqual(request, { identityToken: undefined, key: { kind: 'request', pem } });
  }
  const empty = parse({ certificateSigningRequest: '', publicKeyRequest: { publicKey: { content: PEM } } });
  assert.equal(empty.key.kind, 'publicKey');
});

test('nothing at all is a request with nothing in it: the authority answers what is missing, token first', () => {
  const { identityToken, key } = parse({});
  assert.equal(identityToken, undefined);
  assert.ok(key.kind === 'publicKey' && key.content === '' && key.proofOfPossession.length === 0);
});

const REFUSED: readonly (readonly [string, string, unknown])[] = [
  ['no JSON', 'FORMAT_REQUEST', '{'],
  ['an array', 'FORMAT_REQUEST', []],
  ['credentials that are text', 'FORMAT_REQUEST', { credentials: 'a.b.c' }],
  ['a token that is a number', 'FORMAT_REQUEST', { credentials: { oidcIdentityToken: 1 } }],
  ['a key that is text', 'FORMAT_REQUEST', { publicKeyRequest: { publicKey: PEM } }],
  ['a proof that is no base64', 'FORMAT_BASE64', { publicKeyRequest: { proofOfPossession: '*' } }],
  ['a request that is no base64', 'FORMAT_BASE64', { certificateSigningRequest: '-----BEGIN' }],
  ['a token twice', 'FORMAT_REQUEST', '{"credentials":{"oidcIdentityToken":"a","oidcIdentityToken":"b"}}'],
  ['nine levels', 'LIMIT_DEPTH', `{"x":${'['.repeat(9)}${']'.repeat(9)}}`],
  ['more than 256 KiB', 'LIMIT_SIZE', `{"x":"${'a'.repeat(256 << 10)}"}`],
];
for (const [what, code, json] of REFUSED) {
  test(`a request with ${what} is refused with ${code}`, () => {
    assert.throws(() => parse(json), { code });
  });
}

test('an answer is the chain as PEM, leaf first, no white space around', () => {
  const json = encodeSigningCertificate(CHAIN) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
  };
  const { certificates } = json.signedCertificateEmbeddedSct.chain;
  assert.equal(certificates.length, 3);
  for (const text of certificates) assert.match(text, /^-----BEGIN CERTIFICATE-----\n[^]*\n-----END CERTIFICATE-----$/);
  const parsed = parseSigningCertificate(utf8(JSON.stringify(json)));
  parsed.forEach((certificate, index) => {
    assert.ok(certificate.equals(CHAIN[index]!));
  });
  assert.deepEqual(encodeTrustBundle([CHAIN.slice(1)]), { chains: [{ certificates: certificates.slice(1) }] });
});

const answer = (value: unknown): ReturnType<typeof parseSigningCertificate> =>
  parseSigningCertificate(utf8(JSON.stringify(value)));
const chain = (...certificates: unknown[]): unknown => ({ signedCertificateEmbeddedSct: { chain: { certificates } } });
const ANSWERS: readonly (readonly [string, string, unknown])[] = [
  ['nothing', 'FORMAT_REQUEST', {}],
  [
    'a detached SCT and no chain',
    'FORMAT_REQUEST',
    { signedCertificateDetachedSct: { signedCertificateTimestamp: '' } },
  ],
  ['an empty chain', 'FORMAT_REQUEST', chain()],
  ['a certificate that is a number', 'FORMAT_REQUEST', chain(1)],
  ['a certificate that is no PEM', 'FORMAT_PEM', chain('MAA=')],
  [
    'a certificate that is none',
    'FORMAT_CERTIFICATE',
    chain('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'),
  ],
  ['seventeen certificates', 'LIMIT_COUNT', chain(...Array<string>(17).fill(CHAIN[0]!.toPem()))],
];
test("an authority without a CT log of its own answers in fulcio's other form; its SCT is dropped", () => {
  const certificates = [CHAIN[0]!.toPem()];
  const [leaf] = answer({ signedCertificateDetachedSct: { chain: { certificates }, signedCertificateTimestamp: '' } });
  assert.ok(leaf?.equals(CHAIN[0]!));
});
for (const [what, code, json] of ANSWERS) {
  test(`an answer with ${what} is refused with ${code}`, () => {
    assert.throws(() => answer(json), { code });
  });
}
