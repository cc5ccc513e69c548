import {
  SignJWT,
  calculateJwkThumbprint,
  exportJWK,
  importPKCS8,
  importSPKI,
  jwtVerify,
  type CryptoKey,
  type JWK,
} from 'jose';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import type { KeyKind } from '../../core/crypto/public-key.ts';
import { encodePem } from '../../core/encoding/pem.ts';
import { isEmailAddress } from '../../core/identity/email-address.ts';
import { AuthError, UsageError } from '../../errors.ts';

/** JSON Web Key Set (RFC 7517 §5) of public keys. */
export interface JwkSet {
  readonly keys: JWK[];
}

/** What a token says besides issuer and times. */
export interface Identity {
  readonly email: string;
  /** Client that asked; the token is for nobody else. */
  readonly audience: string;
  /** Echoed from an authorization request. */
  readonly nonce?: string;
}

const ALGORITHMS: Readonly<Partial<Record<KeyKind, string>>> = { rsa: 'RS256', 'ecdsa-p256': 'ES256' };

interface Material {
  readonly signing: CryptoKey;
  readonly verifying: CryptoKey;
  readonly jwk: JWK;
}

/** Signs identity tokens. Whoever reaches it can be anyone, so its callers have checked the developer secret. */
export class TokenMint {
  /** The `alg` of every token. */
  readonly algorithm: string;
  readonly #issuerUrl: string;
  readonly #lifetimeSeconds: number;
  readonly #now: () => Date;
  readonly #material: Promise<Material>;

  /**
   * @param key RSA gives RS256, the one algorithm that every client takes (cosign reads a token given by flag only if it
   *   is RS256); P-256 gives ES256
   */
  constructor(options: {
    readonly issuerUrl: string;
    readonly key: PrivateKey;
    readonly lifetimeSeconds: number;
    readonly now: () => Date;
  }) {
    const algorithm = ALGORITHMS[options.key.kind];
    if (algorithm === undefined) {
      throw new UsageError('USAGE_BAD_CONFIG', 'the development issuer cannot sign with this key', {
        found: options.key.kind,
        expected: 'rsa or ecdsa-p256',
      });
    }
    this.algorithm = algorithm;
    this.#issuerUrl = options.issuerUrl;
    this.#lifetimeSeconds = options.lifetimeSeconds;
    this.#now = options.now;
    this.#material = load(options.key, algorithm);
    // Observed by whoever mints or publishes; this keeps a rejection that nobody has awaited yet from ending the process.
    this.#material.catch(() => undefined);
  }

  get lifetimeSeconds(): number {
    return this.#lifetimeSeconds;
  }

  /** @throws UsageError USAGE_BAD_FLAG when the address is none that a certificate can name */
  async mint(identity: Identity): Promise<string> {
    if (!isEmailAddress(identity.email)) {
      throw new UsageError('USAGE_BAD_FLAG', 'this is not an e-mail address that a certificate can name', {
        found: identity.email.slice(0, 256),
        expected: 'an address in ASCII with a dotted domain, such as dev@example.com',
      });
    }
    const { signing, jwk } = await this.#material;
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    const claims = { email: identity.email, email_verified: true };
    return new SignJWT(identity.nonce === undefined ? claims : { ...claims, nonce: identity.nonce })
      .setProtectedHeader({ alg: this.algorithm, typ: 'JWT', ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) })
      .setIssuer(this.#issuerUrl)
      .setSubject(`dev:${identity.email}`)
      .setAudience(identity.audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + this.#lifetimeSeconds)
      .sign(signing);
  }

  /** The public half, with `kid`, `alg` and `use`. */
  async jwks(): Promise<JwkSet> {
    return { keys: [(await this.#material).jwk] };
  }

  /**
   * The claims of a token of ours that has not expired.
   *
   * @throws AuthError AUTH_TOKEN_INVALID
   */
  async claimsOf(token: string): Promise<{ readonly sub: string; readonly email: unknown }> {
    const { verifying } = await this.#material;
    try {
      const { payload } = await jwtVerify(token, verifying, {
        issuer: this.#issuerUrl,
        algorithms: [this.algorithm],
        currentDate: this.#now(),
      });
      return { sub: payload.sub ?? '', email: payload['email'] };
    } catch (cause) {
      throw new AuthError('AUTH_TOKEN_INVALID', 'the access token is not one of this issuer, or has expired', {
        cause,
      });
    }
  }
}

async function load(key: PrivateKey, algorithm: string): Promise<Material> {
  const verifying = await importSPKI(key.publicKey.toPem(), algorithm, { extractable: true });
  const bare = await exportJWK(verifying);
  return {
    signing: await importPKCS8(encodePem('PRIVATE KEY', key.toPkcs8()), algorithm),
    verifying,
    jwk: { ...bare, kid: await calculateJwkThumbprint(bare), alg: algorithm, use: 'sig' },
  };
}
