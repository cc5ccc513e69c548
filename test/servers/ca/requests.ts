/** Requests that our CA and fulcio must answer alike. */
import { generateKeyPairSync, createHmac } from 'node:crypto';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeBase64, encodeBase64Url } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import {
  EMAIL,
  KEY,
  NO_PROOF,
  certificateRequest,
  csrRequest,
  keyRequest,
  legacyRequest,
  type Ask,
  type TestIssuer,
} from './lab.ts';

export interface Row {
  readonly what: string;
  /** Undefined for those that get a certificate. */
  readonly message?: string;
  /** The peer has a text of its own; status and code still agree. */
  readonly ownText?: true;
  readonly ask: (issuer: TestIssuer) => Promise<Ask>;
}

const TOKEN = 'There was an error processing the identity token';
const KEY_UNREAD = 'The public key supplied in the request could not be parsed';
const CSR_UNREAD = 'The certificate signing request could not be parsed';
const INSECURE = 'The public key supplied in the request is insecure';
const PROOF = 'The signature supplied in the request could not be verified';

const withToken =
  (body: object, claims = {}) =>
  async (issuer: TestIssuer): Promise<Ask> => ({ token: await issuer.token(claims), body });
const good = keyRequest(KEY);
const rsa = (bits: number): PrivateKey =>
  PrivateKey.fromPkcs8(
    generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'der', type: 'pkcs8' }),
  );
const other = PrivateKey.generate('ecdsa-p256');
const raw = (content: string): object => ({
  publicKeyRequest: { publicKey: { content }, proofOfPossession: NO_PROOF },
});
const weakPem = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'pem', type: 'spki' });
const secpPem = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({
  format: 'pem',
  type: 'spki',
});
const jwt = (header: object, payload: object, signature = 'AAAA'): string =>
  [header, payload].map((part) => encodeBase64Url(utf8(JSON.stringify(part)))).join('.') + `.${signature}`;

export const GRANTED: readonly Row[] = [
  { what: 'a key and its proof', ask: withToken(good) },
  {
    what: 'the token in the header',
    ask: async (issuer) => ({ authorization: `Bearer ${await issuer.token()}`, body: good }),
  },
  { what: 'a certificate request', ask: withToken(csrRequest(certificateRequest(KEY))) },
  {
    what: "a certificate request with OpenSSL's older label",
    ask: withToken(csrRequest(certificateRequest(KEY, { label: 'NEW CERTIFICATE REQUEST' }))),
  },
  {
    what: 'the older API',
    ask: async (issuer) => ({
      path: '/api/v1/signingCert',
      authorization: `Bearer ${await issuer.token()}`,
      body: legacyRequest(KEY),
    }),
  },
  { what: 'a P-384 key', ask: withToken(keyRequest(PrivateKey.generate('ecdsa-p384'))) },
  { what: 'a P-521 key', ask: withToken(keyRequest(PrivateKey.generate('ecdsa-p521'))) },
  { what: 'an Ed25519 key', ask: withToken(keyRequest(PrivateKey.generate('ed25519'))) },
  { what: 'an RSA key of 3072 bits', ask: withToken(keyRequest(rsa(3072))) },
  {
    what: 'verification as text',
    ask: withToken(good, { email_verified: 'true' }),
  },
  { what: 'a list of audiences', ask: withToken(good, { aud: ['other', 'sigstore'] }) },
];

export const REFUSED: readonly Row[] = [
  { what: 'no token', message: TOKEN, ask: () => Promise.resolve({ body: good }) },
  { what: 'nothing at all', message: TOKEN, ask: () => Promise.resolve({ body: {} }) },
  { what: 'a token that is no JWT', message: TOKEN, ask: () => Promise.resolve({ token: 'abc', body: good }) },
  {
    what: 'a token of four parts',
    message: TOKEN,
    ask: async (issuer) => ({ token: `${await issuer.token()}.x`, body: good }),
  },
  {
    what: 'a token of 10,000 dots',
    message: TOKEN,
    ask: () => Promise.resolve({ token: '.'.repeat(10_000), body: good }),
  },
  { what: 'an unknown issuer', message: TOKEN, ask: withToken(good, { iss: 'https://elsewhere.example.org' }) },
  {
    what: 'an issuer with a slash more',
    message: TOKEN,
    ask: async (issuer) => withToken(good, { iss: `${issuer.url}/` })(issuer),
  },
  { what: 'another audience', message: TOKEN, ask: withToken(good, { aud: 'somebody' }) },
  { what: 'an expired token', message: TOKEN, ask: withToken(good, { exp: 1_700_000_000 }) },
  {
    what: 'a token from the future',
    message: TOKEN,
    ask: withToken(good, { nbf: Math.floor(Date.now() / 1000) + 900 }),
  },
  { what: 'an address that nobody verified', message: TOKEN, ask: withToken(good, { email_verified: false }) },
  { what: 'no address', message: TOKEN, ask: withToken(good, { email: undefined }) },
  { what: 'an address that is none', message: TOKEN, ask: withToken(good, { email: 'alice' }) },
  {
    what: 'a changed payload',
    message: TOKEN,
    ask: async (issuer) => {
      const [header, payload, signature] = (await issuer.token()).split('.') as [string, string, string];
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
      const forged = encodeBase64Url(utf8(JSON.stringify({ ...claims, email: 'mallory@example.com' })));
      return { token: `${header}.${forged}.${signature}`, body: keyRequest(KEY, 'mallory@example.com') };
    },
  },
  {
    what: 'a token that says it needs no signature',
    message: TOKEN,
    ask: (issuer) =>
      Promise.resolve({
        token: jwt({ alg: 'none' }, { iss: issuer.url, aud: 'sigstore', exp: 9e9, email: EMAIL }),
        body: good,
      }),
  },
  {
    what: "a token signed with the public key's text as a shared secret",
    message: TOKEN,
    ask: (issuer) => {
      const unsigned = jwt(
        { alg: 'HS256', kid: 'one' },
        { iss: issuer.url, aud: 'sigstore', exp: 9e9, email: EMAIL },
        '',
      );
      const input = unsigned.slice(0, -1);
      const mac = createHmac('sha256', JSON.stringify(issuer.jwks.keys[0])).update(input).digest('base64url');
      return Promise.resolve({ token: `${input}.${mac}`, body: good });
    },
  },
  { what: 'no key', message: KEY_UNREAD, ask: withToken({}) },
  { what: 'an empty key', message: KEY_UNREAD, ask: withToken(raw('')) },
  {
    what: 'a key that is none',
    message: KEY_UNREAD,
    ask: withToken(raw('-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n')),
  },
  {
    what: 'a private key for a key',
    message: KEY_UNREAD,
    ask: withToken(raw('-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n')),
  },
  { what: 'RSA of 1024 bits', message: INSECURE, ask: withToken(raw(weakPem)) },
  { what: 'RSA of 2560 bits', message: INSECURE, ask: withToken(keyRequest(rsa(2560))) },
  { what: "Bitcoin's curve", message: KEY_UNREAD, ask: withToken(raw(secpPem)) },
  {
    what: 'no proof',
    message: PROOF,
    ask: withToken({ publicKeyRequest: { publicKey: { content: KEY.publicKey.toPem() } } }),
  },
  { what: 'a proof by another key', message: PROOF, ask: withToken(keyRequest(other, EMAIL, KEY.publicKey.toPem())) },
  { what: 'a proof over the subject', message: PROOF, ask: withToken(keyRequest(KEY, 'subject-1')) },
  { what: 'a request that is none', message: CSR_UNREAD, ask: withToken(csrRequest('MAA=')) },
  {
    what: 'a request with another label',
    message: CSR_UNREAD,
    ask: withToken(csrRequest(certificateRequest(KEY, { label: 'CERTIFICATE' }))),
  },
  {
    what: 'a request signed by another key',
    message: PROOF,
    ask: withToken(csrRequest(certificateRequest(KEY, { signer: other }))),
  },
  {
    what: 'a P-256 request with SHA-384',
    message: 'signing algorithm not permitted',
    ownText: true,
    ask: withToken(csrRequest(certificateRequest(KEY, { scheme: 'ecdsa-sha384' }))),
  },
  { what: 'a body that is no JSON', ownText: true, message: '', ask: () => Promise.resolve({ body: '{' }) },
  {
    what: 'a proof that is no base64',
    ownText: true,
    message: '',
    ask: withToken({ publicKeyRequest: { proofOfPossession: '*' } }),
  },
  {
    what: 'a token that is a number',
    ownText: true,
    message: '',
    ask: () => Promise.resolve({ body: '{"credentials":{"oidcIdentityToken":1}}' }),
  },
  {
    what: 'the older API without a key',
    message: KEY_UNREAD,
    ask: async (issuer) => ({ path: '/api/v1/signingCert', authorization: `Bearer ${await issuer.token()}`, body: {} }),
  },
  {
    what: 'the older API without a token',
    message: TOKEN,
    ask: () => Promise.resolve({ path: '/api/v1/signingCert', body: legacyRequest(KEY) }),
  },
  {
    what: 'the older API with a wrong proof',
    message: PROOF,
    ask: async (issuer) => ({
      path: '/api/v1/signingCert',
      authorization: `Bearer ${await issuer.token()}`,
      body: { ...legacyRequest(KEY), signedEmailAddress: encodeBase64(KEY.sign(utf8('mallory@example.com'))) },
    }),
  },
];
