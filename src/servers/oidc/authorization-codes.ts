import { randomBytes } from '../../core/crypto/random.ts';
import { LimitError } from '../../errors.ts';
import { requireCodeVerifier } from './code-challenge.ts';
import { refusal } from './oauth-error.ts';

/** What a code stands for: a login that has happened. */
export interface AuthorizedLogin {
  readonly email: string;
  readonly redirectUri: string;
  readonly nonce: string | undefined;
  readonly codeChallenge: string;
}

/** Long enough to copy a code by hand; RFC 6749 §4.1.2 allows ten minutes. */
const LIFETIME_MS = 5 * 60_000;
const MAX_PENDING = 1000;

/** Authorization codes, in memory only: a restart makes them invalid, which is what a code would be minutes later anyway. */
export class AuthorizationCodes {
  readonly #pending = new Map<string, AuthorizedLogin & { readonly expiresMs: number }>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** @throws LimitError LIMIT_BUSY */
  issue(login: AuthorizedLogin): string {
    const nowMs = this.#now().getTime();
    for (const [code, { expiresMs }] of this.#pending) if (expiresMs <= nowMs) this.#pending.delete(code);
    if (this.#pending.size >= MAX_PENDING) {
      throw new LimitError('LIMIT_BUSY', 'too many logins wait for their program', { retryAfterSeconds: 60 });
    }
    const code = Buffer.from(randomBytes(32)).toString('base64url');
    this.#pending.set(code, { ...login, expiresMs: nowMs + LIFETIME_MS });
    return code;
  }

  /**
   * The login behind a code. A code is spent by its first use, also by a wrong one: whoever stole it gets one try, and the
   * owner finds out.
   *
   * @throws AuthError with the OAuth code invalid_grant
   */
  redeem(code: string, redirectUri: string | undefined, verifier: string | undefined): AuthorizedLogin {
    const login = this.#pending.get(code);
    this.#pending.delete(code);
    if (login === undefined) throw refusal('invalid_grant', 'the code is unknown, or has been used');
    if (login.expiresMs <= this.#now().getTime()) throw refusal('invalid_grant', 'the code has expired');
    if (redirectUri !== login.redirectUri) {
      throw refusal('invalid_grant', 'redirect_uri is not the one that the code was sent to');
    }
    requireCodeVerifier(verifier, login.codeChallenge);
    return login;
  }

  clear(): void {
    this.#pending.clear();
  }
}
