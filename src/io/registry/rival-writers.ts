/**
 * How writers of one tag come apart. The protocol has no compare-and-swap: of writers that have read the same manifest all
 * but the last lose what they wrote. So each reads back after a pause, and writes again until its part stays.
 */

/** Twenty writers at once need about ten each. */
export const MAX_WRITES = 40;
/** Long enough for a rival that has read the old manifest to have written its own. */
export const SETTLE_MS = 150;
const MAX_SETTLE_MS = 3000;

/** A rival is about as far away as we are, or as busy: so long until it must have written what it read before we wrote. */
export function settleTime(elapsedMs: number): number {
  return Math.min(MAX_SETTLE_MS, Math.max(SETTLE_MS, 3 * elapsedMs));
}

/** @param losses how often a rival has removed what was written: pauses are random and grow with it, so that rivals come apart */
export function pauseAfterWrite(settleMs: number, losses: number): number {
  return settleMs + Math.random() * Math.min(MAX_SETTLE_MS, SETTLE_MS * losses * losses);
}
