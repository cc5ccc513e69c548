import { constantTimeEqual } from '../../core/crypto/constant-time.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { AuthError, LimitError, UsageError } from '../../errors.ts';

/** 96 bits, if somebody writes 16 characters of base64url by hand. */
const MIN_SECRET_CHARACTERS = 16;
const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;

/**
 * The text of a file of the stack's owner, by which a program shows that it may read that file. Wrong guesses are counted for all
 * callers together, because everybody comes from loopback: after ten in a minute nobody is compared until that minute is over.
 * Another user of the machine can so delay a login by a minute; what cannot be had is a second guess per millisecond.
 */
export class SharedSecret {
  readonly #name: string;
  readonly #digest: Uint8Array;
  readonly #now: () => Date;
  #failures = 0;
  #windowEndsMs = 0;

  /**
   * @param name whose it is, for messages: `developer`
   * @throws UsageError USAGE_BAD_CONFIG when the secret is short enough to be guessed
   */
  constructor(name: string, secret: string, now: () => Date) {
    if (secret.length < MIN_SECRET_CHARACTERS) {
      throw new UsageError('USAGE_BAD_CONFIG', `the ${name} secret is too short`, {
        found: `${secret.length} characters`,
        expected: `at least ${MIN_SECRET_CHARACTERS}`,
      });
    }
    this.#name = name;
    this.#digest = sha256(utf8(secret));
    this.#now = now;
  }

  /** @throws AuthError AUTH_FORBIDDEN; LimitError LIMIT_BUSY after too many wrong ones, whatever this one is */
  require(candidate: string | undefined): void {
    this.#refuseWhenExhausted();
    // Digests make the lengths equal, so the time tells nothing about how much was right.
    if (candidate !== undefined && constantTimeEqual(sha256(utf8(candidate)), this.#digest)) return;
    this.#failures += 1;
    throw new AuthError('AUTH_FORBIDDEN', `the ${this.#name} secret is missing or wrong`, {
      expected: "the text of the stack's secret file, which only its owner can read",
    });
  }

  /** The same for the credential of a request (RFC 6750 §2.1). */
  requireBearer(request: Request): void {
    this.require(/^Bearer ([\x21-\x7e]+)$/.exec(request.headers.get('authorization') ?? '')?.[1]);
  }

  #refuseWhenExhausted(): void {
    const nowMs = this.#now().getTime();
    if (nowMs >= this.#windowEndsMs || this.#windowEndsMs - nowMs > WINDOW_MS) {
      // The second case is a clock that was set back: the window must not last for as long as it was wrong.
      this.#failures = 0;
      this.#windowEndsMs = nowMs + WINDOW_MS;
    }
    if (this.#failures < MAX_FAILURES) return;
    throw new LimitError('LIMIT_BUSY', `too many wrong ${this.#name} secrets`, {
      found: `${this.#failures} within a minute`,
      expected: `at most ${MAX_FAILURES}`,
      retryAfterSeconds: Math.ceil((this.#windowEndsMs - nowMs) / 1000),
    });
  }
}
