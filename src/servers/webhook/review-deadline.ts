/** What the API server waits when nothing else is configured. */
const API_SERVER_DEFAULT_MS = 10_000;
/** Under the API server's time-out, so that the reason arrives in place of "deadline exceeded". */
const MARGIN_MS = 2000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
/** `timeoutSeconds` ends at 30. */
const MAX_MS = 30_000;

/**
 * How long a review may take: two seconds less than the API server waits, but at least half of it.
 *
 * @param timeout the query parameter that the API server adds: a Go duration such as `10s`
 */
export function ownDeadlineMs(timeout: string | undefined): number {
  const theirs = Math.min(parseDurationMs(timeout ?? '') ?? API_SERVER_DEFAULT_MS, MAX_MS);
  return Math.max(theirs - MARGIN_MS, theirs / 2);
}

/** Undefined for what is no duration, or none that one could wait for. */
function parseDurationMs(text: string): number | undefined {
  // What the API server writes of `timeoutSeconds`.
  if (/^[1-9]\d?s$/.test(text)) return Number(text.slice(0, -1)) * 1000;
  if (!/^(\d{1,6}(\.\d{1,6})?(ms|s|m)){1,3}$/.test(text)) return undefined;
  const parts = text.matchAll(/([\d.]+)(ms|s|m)/g);
  const total = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS_MS[unit] ?? 0), 0);
  return total > 0 ? total : undefined;
}
