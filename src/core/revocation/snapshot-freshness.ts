import { PolicyError } from '../../errors.ts';
import { timeText } from './revocation-time.ts';

/** What becomes of verification when nobody knows whether anything has been revoked lately. */
export type StalenessMode = 'last-known' | 'enforce' | 'warn';

/** How long what is known stays good enough after its end, by default: a service that is down must not stop every cluster. */
export const LAST_KNOWN_MS = 24 * 3_600_000;
/** Clocks differ a little. */
export const MAX_SKEW_MS = 5 * 60_000;

export type Freshness =
  | { readonly state: 'fresh'; readonly ageMs: number }
  /** Ended, and not long ago. */
  | { readonly state: 'last-known'; readonly ageMs: number; readonly endedMs: number }
  /** Ended too long ago, or from a time that has not come yet by this machine's clock. */
  | { readonly state: 'stale'; readonly ageMs: number; readonly cause: 'age' | 'clock' };

/** @param lastKnownMs how long after its end a snapshot still does */
export function freshnessOf(
  { issuedAt, expires }: { readonly issuedAt: Date; readonly expires: Date },
  now: Date,
  lastKnownMs = LAST_KNOWN_MS,
): Freshness {
  const ageMs = now.getTime() - issuedAt.getTime();
  if (ageMs < -MAX_SKEW_MS) return { state: 'stale', ageMs, cause: 'clock' };
  const endedMs = now.getTime() - expires.getTime();
  if (endedMs < 0) return { state: 'fresh', ageMs };
  return endedMs < lastKnownMs ? { state: 'last-known', ageMs, endedMs } : { state: 'stale', ageMs, cause: 'age' };
}

/** What freshness means for a decision: nothing, a warning, or a refusal. What is known to be revoked is so in any case. */
export function judgeFreshness(
  freshness: Freshness,
  { issuedAt, version }: { readonly issuedAt: Date; readonly version: number },
  mode: StalenessMode,
): { readonly effect: 'none' } | { readonly effect: 'warn' | 'refuse'; readonly error: PolicyError } {
  if (freshness.state === 'fresh') return { effect: 'none' };
  const error = new PolicyError('TRUST_STALE', 'nobody knows whether anything has been revoked lately', {
    found:
      freshness.state === 'stale' && freshness.cause === 'clock'
        ? `revocations of ${timeText(issuedAt)}, which is ${minutes(-freshness.ageMs)} ahead of this machine's clock`
        : `revocations, version ${version}, of ${minutes(freshness.ageMs)} ago`,
    expected: 'a newer snapshot of the revocation service',
    fix: 'sealwright revoke status',
  });
  if (mode === 'warn') return { effect: 'warn', error };
  if (mode === 'enforce') return { effect: 'refuse', error };
  // A clock that is behind says nothing about the snapshot's age, and may be behind on every node at once.
  const isOld = freshness.state === 'stale' && freshness.cause === 'age';
  return { effect: isOld ? 'refuse' : 'warn', error };
}

function minutes(milliseconds: number): string {
  const total = Math.round(milliseconds / 60_000);
  return total < 120 ? `${total} minutes` : `${Math.round(total / 60)} hours`;
}
