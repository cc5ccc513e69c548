import { constantTimeEqual } from '../../core/crypto/constant-time.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { refusal } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';

/** RFC 7636 §4.1 and §4.2: unreserved characters for the verifier, base64url of a SHA-256 for the challenge. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/**
 * The challenge of a request that has one.
 *
 * @throws AuthError with the OAuth code invalid_request for `plain`, which protects nothing, and for anything malformed
 */
export function parseCodeChallenge(parameters: Parameters): string | undefined {
  const challenge = parameters.optional('code_challenge');
  const method = parameters.optional('code_challenge_method');
  if (challenge === undefined && method === undefined) return undefined;
  if (method !== 'S256') throw refusal('invalid_request', 'code_challenge_method must be S256');
  if (challenge === undefined || !CHALLENGE.test(challenge)) {
    throw refusal('invalid_request', 'code_challenge is not a SHA-256 in base64url');
  }
  return challenge;
}

/** @throws AuthError with the OAuth code invalid_grant (RFC 7636 §4.6) */
export function requireCodeVerifier(verifier: string | undefined, challenge: string): void {
  if (verifier !== undefined && VERIFIER.test(verifier)) {
    const computed = Buffer.from(sha256(utf8(verifier))).toString('base64url');
    if (constantTimeEqual(utf8(computed), utf8(challenge))) return;
  }
  throw refusal('invalid_grant', 'code_verifier is not what the code_challenge was made of');
}
