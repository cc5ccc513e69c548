import { UsageError } from '../../errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What a timer can wait: 24.8 days (setTimeout takes a signed number of 32 bits). */
const LONGEST_TIMER_MS = 0x7fff_ffff;
/** A hundred years: beyond it nobody means what is written, and dates end. */
const LONGEST_AGE_MS = 100 * 365 * 24 * 3_600_000;

/** Go's notation, such as `3m0s`, in milliseconds that a timer can wait. */
export function parseDuration(text: string, flag: string): number {
  return parseMs(text, flag, LONGEST_TIMER_MS);
}

/** The same for how old something may be, which nobody waits for. */
export function parseAge(text: string, flag: string): number {
  return parseMs(text, flag, LONGEST_AGE_MS);
}

function parseMs(text: string, flag: string, longestMs: number): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gy)];
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
  if (parts.map(([whole]) => whole).join('') !== text || total <= 0 || total > longestMs) {
    throw new UsageError('USAGE_BAD_FLAG', `--${flag} is not a duration`, {
      found: text,
      expected: `such as 30s or 3m0s, at most ${Math.floor(longestMs / 3_600_000)}h`,
    });
  }
  return total;
}
