import { RemoteError } from '../../errors.ts';

/** Time as the outside world has it; tests bring their own and never wait. */
export interface Clock {
  now(): Date;
  sleep(ms: number): Promise<void>;
}

export interface RetryPolicy {
  /** Attempts after the first; 0 never repeats. */
  readonly retries: number;
  /** First back-off; doubles each time. */
  readonly baseMs: number;
  /** Longest wait. A peer that asks for more is told off with REMOTE_THROTTLED at once: nobody waits minutes blindly. */
  readonly maxWaitMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { retries: 3, baseMs: 250, maxWaitMs: 20_000 };

/** The request was not processed, or the peer behind the peer was not there: safe to send again. */
const REFUSED_STATUSES: ReadonlySet<number> = new Set([429, 503]);
/** Nobody knows what happened: only repeated where repeating is harmless. */
const UNCERTAIN_STATUSES: ReadonlySet<number> = new Set([408, 502, 504]);

/**
 * Whether an attempt that failed may be followed by another.
 *
 * A 500 is repeated for reads alone: registries answer it under load, but a write that failed so is likely to fail again.
 */
export function mayRetry(error: unknown, idempotent: boolean, safe: boolean): boolean {
  if (!(error instanceof RemoteError)) return false;
  if (error.status === undefined) return error.retryable && idempotent;
  if (REFUSED_STATUSES.has(error.status)) return true;
  if (UNCERTAIN_STATUSES.has(error.status)) return idempotent;
  return error.status === 500 && safe;
}

/**
 * Milliseconds until the next attempt, or undefined when the peer asked for a longer wait than the policy grants.
 *
 * @param attempt zero for the first repetition
 * @param jitter  0 to 1: spreads clients that failed together
 */
export function waitMs(
  policy: RetryPolicy,
  attempt: number,
  retryAfterMs: number | undefined,
  jitter: number,
): number | undefined {
  const backOff = Math.min(policy.maxWaitMs, policy.baseMs * 2 ** attempt) * (0.5 + jitter / 2);
  if (retryAfterMs === undefined) return Math.round(backOff);
  return retryAfterMs > policy.maxWaitMs ? undefined : Math.max(retryAfterMs, Math.round(backOff));
}

/** RFC 9110 §10.2.3: seconds, or an HTTP date. Undefined when absent or nonsense. */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Only the fixed HTTP form: Date.parse alone would accept nearly anything.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now.getTime());
}
