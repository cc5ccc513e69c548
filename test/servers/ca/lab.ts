/** A CA with its issuer, and the requests that both it and fulcio are asked. */
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JSONWebKeySet, type JWTPayload } from 'jose';
import { digest } from '../../../src/core/crypto/digest.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { SignatureScheme } from '../../../src/core/crypto/signature.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { derBitString, derElement, derInteger, derSequence } from '../../../src/core/encoding/der-writer.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import type { IssuerConfig } from '../../../src/core/identity/issuer-config.ts';
import { encodeSignatureAlgorithm } from '../../../src/core/pki/algorithm-identifier.ts';
import { encodeName } from '../../../src/core/pki/name.ts';
import { issueSct } from '../../../src/core/pki/sct.ts';
import { createCa, type CaOptions } from '../../../src/servers/ca/ca.ts';
import type { Hono } from 'hono';
import { issueIntermediate, issueRoot, type Holder } from '../../support/test-authority.ts';

export const EMAIL = 'alice@example.com';
export const KEY = PrivateKey.generate('ecdsa-p256');

/** Signs tokens with one key, and can be made to sign wrong ones. */
export class TestIssuer {
  readonly url: string;
  readonly jwks: JSONWebKeySet;
  readonly #key: CryptoKey;

  private constructor(url: string, key: CryptoKey, jwks: JSONWebKeySet) {
    this.url = url;
    this.#key = key;
    this.jwks = jwks;
  }

  static async create(url: string): Promise<TestIssuer> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    return new TestIssuer(url, privateKey, { keys: [jwk] });
  }

  /** Valid for five minutes around `now`, unless a claim says otherwise; undefined leaves a claim out. */
  token(claims: JWTPayload = {}, now = Date.now(), kid = 'one'): Promise<string> {
    const seconds = Math.floor(now / 1000);
    const all = {
      iss: this.url,
      aud: 'sigstore',
      sub: 'subject-1',
      email: EMAIL,
      email_verified: true,
      iat: seconds,
      exp: seconds + 300,
      ...claims,
    };
    return new SignJWT(all).setProtectedHeader({ alg: 'ES256', kid }).sign(this.#key);
  }
}

export interface LabCa {
  readonly routes: Hono;
  readonly root: Holder;
  readonly intermediate: Holder;
  readonly ctKey: PrivateKey;
}

export function createLabCa(
  issuer: TestIssuer,
  config: Partial<IssuerConfig> = {},
  options: Partial<CaOptions> = {},
): LabCa {
  const root = issueRoot();
  const intermediate = issueIntermediate(root);
  const ctKey = PrivateKey.generate('ecdsa-p256');
  const ca = createCa({
    key: intermediate.key,
    chain: [intermediate.certificate, root.certificate],
    issuers: [
      {
        config: { issuerUrl: issuer.url, clientId: 'sigstore', type: 'email', ...config },
        keys: () => Promise.resolve(issuer.jwks),
      },
    ],
    requestSct: ({ issuerKeyHash, tbs }) =>
      Promise.resolve(
        issueSct(
          { kind: 'precert', issuerKeyHash, tbs },
          { logId: ctKey.publicKey.id, timestamp: BigInt(Date.now()), extensions: new Uint8Array(0) },
          (data) => ctKey.sign(data),
        ),
      ),
    now: () => new Date(),
    ...options,
  });
  return { routes: ca.routes, root, intermediate, ctKey };
}

export function certificateRequest(
  key: PrivateKey,
  options: { scheme?: SignatureScheme; signer?: PrivateKey; label?: string } = {},
): string {
  const scheme = options.scheme ?? 'ecdsa-sha256';
  const info = derSequence(derInteger(0), encodeName({ commonName: 'ignored' }), key.publicKey.spki, derElement(0xa0));
  const signature = (options.signer ?? key).sign(info, scheme);
  const der = derSequence(info, encodeSignatureAlgorithm(scheme), derBitString(signature));
  return encodePem(options.label ?? 'CERTIFICATE REQUEST', der);
}

/** What a client sends, before it is JSON. */
export interface Ask {
  readonly path?: string;
  readonly token?: string;
  /** Token in the Authorization header, as it stands there. */
  readonly authorization?: string;
  readonly body?: string | object;
}

export function keyRequest(key: PrivateKey, signed = EMAIL, content = key.publicKey.toPem()): object {
  return {
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content },
      proofOfPossession: encodeBase64(key.sign(utf8(signed))),
    },
  };
}

export function csrRequest(pem: string): object {
  return { certificateSigningRequest: encodeBase64(utf8(pem)) };
}

export function legacyRequest(key: PrivateKey, signed = EMAIL): object {
  return {
    publicKey: { algorithm: 'ecdsa', content: encodeBase64(utf8(key.publicKey.toPem())) },
    signedEmailAddress: encodeBase64(key.sign(utf8(signed))),
  };
}

/** Spaces instead of a proof: never a signature. */
export const NO_PROOF = encodeBase64(digest('sha256', randomBytes(32)));

export function httpRequest(base: string, ask: Ask): Request {
  const headers = new Headers({ 'content-type': 'application/json' });
  if (ask.authorization !== undefined) headers.set('authorization', ask.authorization);
  const credentials = ask.token === undefined ? {} : { credentials: { oidcIdentityToken: ask.token } };
  const body = typeof ask.body === 'string' ? ask.body : JSON.stringify({ ...credentials, ...ask.body });
  return new Request(`${base}${ask.path ?? '/api/v2/signingCert'}`, { method: 'POST', headers, body });
}
