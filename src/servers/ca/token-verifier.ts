import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import { parseBase64Url } from '../../core/encoding/base64.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { IssuerConfig } from '../../core/identity/issuer-config.ts';
import { principalFromClaims, type Principal } from '../../core/identity/principal.ts';
import { TOKEN_ALGORITHMS, checkTokenClaims, tokenPayload } from '../../core/identity/token-rules.ts';
import { AuthError } from '../../errors.ts';

/** An issuer the CA believes, with the way to its keys. */
export interface TrustedIssuer {
  readonly config: IssuerConfig;
  /** The issuer's JSON Web Key Set. `fresh` asks for one fetched now, after a key was not found. */
  readonly keys: (fresh: boolean) => Promise<JSONWebKeySet>;
}

const CODE = 'FORMAT_TOKEN';
const LIMITS = { maxBytes: 64 << 10, maxDepth: 16 };

/**
 * Verifies identity tokens of configured issuers. Nothing is fetched before the issuer is found in the configuration: a
 * stranger's token must not make the CA talk to a stranger's server.
 */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;

  constructor(issuers: readonly TrustedIssuer[]) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.config.issuerUrl, issuer]));
  }

  /** @throws AuthError with the reason; FormatError FORMAT_TOKEN; LimitError LIMIT_SIZE */
  async verify(token: string, now: Date): Promise<Principal> {
    const unverified = parseClaims(parseBase64Url(tokenPayload(token), 'identity token'));
    const issuerUrl = unverified.optionalString('iss') ?? '';
    const issuer = this.#issuers.get(issuerUrl);
    if (issuer === undefined) {
      throw new AuthError('AUTH_ISSUER_UNKNOWN', 'tokens of this issuer are not accepted', {
        found: issuerUrl.slice(0, 256),
        expected: [...this.#issuers.keys()].join(', '),
      });
    }
    const claims = parseClaims(await verifiedPayload(token, issuer));
    checkTokenClaims(issuer.config, claims, now);
    return principalFromClaims(issuer.config, claims);
  }
}

function parseClaims(payload: Uint8Array): JsonFields {
  return new JsonFields(parseJson(payload, 'the identity token', CODE, LIMITS), 'token', CODE);
}

async function verifiedPayload(token: string, issuer: TrustedIssuer): Promise<Uint8Array> {
  try {
    return await verifyWith(token, await issuer.keys(false));
  } catch (cause) {
    // Keys rotate: an unknown key id is worth one fresh look, a wrong signature is not.
    if (!(cause instanceof errors.JWKSNoMatchingKey)) throw refused(cause);
  }
  try {
    return await verifyWith(token, await issuer.keys(true));
  } catch (cause) {
    throw refused(cause);
  }
}

async function verifyWith(token: string, keys: JSONWebKeySet): Promise<Uint8Array> {
  const { payload } = await compactVerify(token, createLocalJWKSet(keys), { algorithms: [...TOKEN_ALGORITHMS] });
  return payload;
}

function refused(cause: unknown): unknown {
  if (!(cause instanceof errors.JOSEError)) return cause;
  return new AuthError('AUTH_TOKEN_INVALID', 'the identity token does not verify', {
    found: cause.code,
    expected: "a signature by one of the issuer's keys",
    cause,
  });
}
