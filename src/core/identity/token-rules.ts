import type { JsonFields } from '../encoding/json-fields.ts';
import { AuthError, LimitError } from '../../errors.ts';
import type { IssuerConfig } from './issuer-config.ts';

/** Far above any real token; a token of nothing but dots once exhausted Fulcio's memory (GHSA-f83f-xpx7-ffpw). */
const MAX_TOKEN_CHARACTERS = 64 << 10;
const NOT_BEFORE_LEEWAY_MS = 5 * 60_000;

/** Signature algorithms a token may use: never `none`, never HMAC. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
] as const;

/** The payload part of a compact JWS: exactly three parts, of which the second is looked at to find the issuer. */
export function tokenPayload(token: string): string {
  if (token.length > MAX_TOKEN_CHARACTERS) {
    throw new LimitError('LIMIT_SIZE', 'the identity token is too large', {
      found: `${token.length} characters`,
      expected: `at most ${MAX_TOKEN_CHARACTERS}`,
    });
  }
  const match = /^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/.exec(token);
  if (match?.[1] === undefined) {
    throw new AuthError('AUTH_TOKEN_INVALID', 'the identity token is not a signed JWT', {
      expected: 'three base64url parts separated by dots',
    });
  }
  return match[1];
}

/**
 * Audience and times of a token whose signature has been verified.
 *
 * @throws AuthError AUTH_AUDIENCE, AUTH_TOKEN_EXPIRED or AUTH_CLAIM
 */
export function checkTokenClaims(config: IssuerConfig, claims: JsonFields, now: Date): void {
  const audiences = audiencesOf(claims);
  if (!audiences.includes(config.clientId)) {
    throw new AuthError('AUTH_AUDIENCE', 'the identity token is meant for somebody else', {
      found: `audience ${audiences.join(', ')}`,
      expected: config.clientId,
    });
  }
  const expires = numericDate(claims, 'exp');
  if (expires === undefined) throw new AuthError('AUTH_CLAIM', 'the identity token never expires', { expected: 'exp' });
  if (expires <= now) {
    throw new AuthError('AUTH_TOKEN_EXPIRED', 'the identity token has expired', {
      found: `it expired at ${expires.toISOString()}`,
      expected: `a time after ${now.toISOString()}`,
    });
  }
  const notBefore = numericDate(claims, 'nbf');
  if (notBefore !== undefined && notBefore.getTime() >= now.getTime() + NOT_BEFORE_LEEWAY_MS) {
    throw new AuthError('AUTH_TOKEN_EXPIRED', 'the identity token is not valid yet', {
      found: `it starts at ${notBefore.toISOString()}`,
      expected: `a time before ${now.toISOString()}`,
    });
  }
}

/** Claim `aud`, one text or a list of them; empty when it is neither. */
export function audiencesOf(claims: JsonFields): readonly string[] {
  const value = claims.value('aud');
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((element) => typeof element === 'string') : [];
}

function numericDate(claims: JsonFields, name: string): Date | undefined {
  const value = claims.value(name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 0 && value < 1e12) return new Date(value * 1000);
  throw new AuthError('AUTH_CLAIM', `the claim ${name} is not a time`, { expected: 'seconds since 1970' });
}
