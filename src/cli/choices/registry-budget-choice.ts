import { RequestBudget, type BudgetEvent } from '../../io/net/request-budget.ts';
import { SYSTEM_CLOCK } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';

const DEFAULT_PER_MINUTE = 1200;
const MAX_PER_MINUTE = 1_000_000;
const AT_ONCE = 32;
/** The API server's own patience, when nothing else is configured: nobody waits longer for a pod. */
const MAX_WAIT_MS = 10_000;

/**
 * What a webhook may ask registries (`--registry-budget`).
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function registryBudget({ flags }: CommandContext, observe: (event: BudgetEvent) => void): RequestBudget {
  const isUnlimited = flags.string('registry-budget') === 'unlimited';
  const perMinute = isUnlimited
    ? Number.POSITIVE_INFINITY
    : (flags.integer('registry-budget', 1, MAX_PER_MINUTE) ?? DEFAULT_PER_MINUTE);
  return new RequestBudget({ perMinute, atOnce: AT_ONCE, maxWaitMs: MAX_WAIT_MS, clock: SYSTEM_CLOCK, observe });
}
