import { parseIdentityToken, type IdentityToken } from '../../core/identity/identity-token.ts';
import { AuthError, UsageError } from '../../errors.ts';
import type { ObtainedToken } from '../../io/oidc/token-source.ts';
import { examine, notChecked, type Check, type Examined } from './diagnosis.ts';

export interface TokenDiagnosisRequest {
  readonly obtain: () => Promise<ObtainedToken>;
  /** Whom tokens have to be made for. */
  readonly audience: string;
  readonly now: Date;
}

/** Shorter than this, a token may be over before the certificate authority has looked at it. */
const SHORT_MS = 60_000;

/** Whose identity a keyless signature would have now, and whether its token would be taken. */
export async function diagnoseToken({ obtain, audience, now }: TokenDiagnosisRequest): Promise<readonly Check[]> {
  let token: IdentityToken | undefined;
  const provider = await examine('token', 'provider', async () => {
    try {
      const obtained = await obtain();
      token = parseIdentityToken(obtained.token);
      return { found: `${obtained.source}: ${token.proofSubject} at ${token.issuer}` };
    } catch (error) {
      // That nobody offers one is told with each way that was tried; anything else is a way that is broken.
      if (!(error instanceof UsageError) || error.facts.details?.['tried'] === undefined) throw error;
      return nobody(error);
    }
  });
  const found = token;
  if (found === undefined) {
    return [provider, ...['audience', 'expiry'].map((name) => notChecked('token', name, 'there is no token'))];
  }
  return [
    provider,
    await examine('token', 'audience', () => audienceOf(found, audience)),
    await examine('token', 'expiry', () => expiryOf(found, now)),
  ];
}

function nobody({ facts }: UsageError): Examined {
  return {
    status: 'warning',
    found: facts.found ?? 'none',
    expected: 'a token by the environment, or a person at a terminal who logs in',
    fix: facts.fix ?? 'add --identity-token FILE',
  };
}

function audienceOf({ audiences }: IdentityToken, audience: string): Examined {
  const found = audiences.length === 0 ? 'none' : audiences.join(', ');
  if (audiences.includes(audience)) return { found };
  throw new AuthError('AUTH_AUDIENCE', 'the token was made for somebody else', {
    found,
    expected: audience,
    fix: `ask the issuer for a token with the audience ${audience}`,
  });
}

function expiryOf({ expiresAt }: IdentityToken, now: Date): Examined {
  if (expiresAt === undefined) {
    return { status: 'warning', found: 'the token does not say when it expires', expected: 'a claim exp' };
  }
  const found = `until ${expiresAt.toISOString()}`;
  const leftMs = expiresAt.getTime() - now.getTime();
  const fix = 'get a new token just before signing';
  if (leftMs <= 0) {
    throw new AuthError('AUTH_TOKEN_EXPIRED', 'the token is over', {
      found,
      expected: `later than ${now.toISOString()}`,
      fix,
    });
  }
  return leftMs < SHORT_MS ? { status: 'warning', found, expected: 'a minute more, to be safe', fix } : { found };
}
