import { randomBytes } from '../../core/crypto/random.ts';
import { LimitError } from '../../errors.ts';
import { requireCodeVerifier } from './code-challenge.ts';
import { refusal } from './oauth-error.ts';

/** What the program that asks is told (RFC 8628 §3.2). */
export interface DeviceAuthorization {
  readonly deviceCode: string;
  /** As shown: `BCDF-GHJK`. */
  readonly userCode: string;
}

interface Pending {
  readonly userCode: string;
  readonly codeChallenge: string | undefined;
  readonly expiresMs: number;
  intervalMs: number;
  lastPollMs: number | undefined;
  decision: 'pending' | 'denied' | { readonly email: string };
}

export const DEVICE_LIFETIME_SECONDS = 600;
export const POLL_INTERVAL_SECONDS = 5;
const SLOW_DOWN_MS = 5000;
const MAX_PENDING = 1000;
/** RFC 8628 §6.1: no vowels, so no words, and nothing that reads like a digit. 20 letters, 8 places: 34 bits. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const USER_CODE_LETTERS = 8;

/** Device authorizations under way, in memory only. */
export class DeviceAuthorizations {
  readonly #pending = new Map<string, Pending>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** @throws LimitError LIMIT_BUSY */
  start(codeChallenge: string | undefined): DeviceAuthorization {
    this.#sweep();
    if (this.#pending.size >= MAX_PENDING) {
      throw new LimitError('LIMIT_BUSY', 'too many device logins are under way', { retryAfterSeconds: 60 });
    }
    const deviceCode = Buffer.from(randomBytes(32)).toString('base64url');
    let userCode = randomUserCode();
    while (this.#find(userCode) !== undefined) userCode = randomUserCode();
    this.#pending.set(deviceCode, {
      userCode,
      codeChallenge,
      expiresMs: this.#now().getTime() + DEVICE_LIFETIME_SECONDS * 1000,
      intervalMs: POLL_INTERVAL_SECONDS * 1000,
      lastPollMs: undefined,
      decision: 'pending',
    });
    return { deviceCode, userCode };
  }

  /**
   * What the person decided who typed the code and the developer secret. A decision is final.
   *
   * @param decision the e-mail address to be, or `denied`
   * @returns false when no such code waits for a decision
   */
  decide(userCode: string, decision: 'denied' | { readonly email: string }): boolean {
    const pending = this.#find(canonicalUserCode(userCode));
    if (pending?.decision !== 'pending') return false;
    pending.decision = decision;
    return true;
  }

  /**
   * One poll of the program; its e-mail address once there is one, and then never again.
   *
   * @throws AuthError with the OAuth code authorization_pending, slow_down, access_denied, expired_token or invalid_grant
   */
  redeem(deviceCode: string, verifier: string | undefined): string {
    const pending = this.#pending.get(deviceCode);
    if (pending === undefined) throw refusal('invalid_grant', 'the device code is unknown, or has been used');
    const nowMs = this.#now().getTime();
    if (pending.expiresMs <= nowMs) throw refusal('expired_token', 'nobody approved the device in time');
    if (pending.codeChallenge !== undefined) requireCodeVerifier(verifier, pending.codeChallenge);
    requirePatience(pending, nowMs);
    const { decision } = pending;
    if (decision === 'pending') throw refusal('authorization_pending', 'nobody has decided yet');
    this.#pending.delete(deviceCode);
    if (decision === 'denied') throw refusal('access_denied', 'the device was denied');
    return decision.email;
  }

  clear(): void {
    this.#pending.clear();
  }

  #find(userCode: string): Pending | undefined {
    const nowMs = this.#now().getTime();
    for (const pending of this.#pending.values()) {
      if (pending.userCode === userCode && pending.expiresMs > nowMs) return pending;
    }
    return undefined;
  }

  /** Expired ones are kept for another lifetime, so that a late poll hears `expired_token` and not `invalid_grant`. */
  #sweep(): void {
    const longAgoMs = this.#now().getTime() - DEVICE_LIFETIME_SECONDS * 1000;
    for (const [code, { expiresMs }] of this.#pending) if (expiresMs <= longAgoMs) this.#pending.delete(code);
  }
}

/** RFC 8628 §3.5: who polls too soon waits five seconds longer, now and from now on. */
function requirePatience(pending: Pending, nowMs: number): void {
  const { lastPollMs } = pending;
  pending.lastPollMs = nowMs;
  if (lastPollMs === undefined || nowMs - lastPollMs >= pending.intervalMs || nowMs < lastPollMs) return;
  pending.intervalMs += SLOW_DOWN_MS;
  throw refusal('slow_down', 'polled sooner than the interval allows');
}

function randomUserCode(): string {
  let letters = '';
  while (letters.length < USER_CODE_LETTERS) {
    for (const byte of randomBytes(USER_CODE_LETTERS)) {
      // 240 is the largest multiple of 20 in a byte: beyond it the first letters would be likelier.
      if (byte < 240 && letters.length < USER_CODE_LETTERS) letters += LETTERS.charAt(byte % LETTERS.length);
    }
  }
  return canonicalUserCode(letters);
}

/** As people type it: any case, with or without the hyphen. */
function canonicalUserCode(text: string): string {
  const letters = text.toUpperCase().replace(/[^A-Z]/g, '');
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}
