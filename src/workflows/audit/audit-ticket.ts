import type { AuditGap } from '../../core/audit/audit-gap.ts';
import { fingerprintWord, parseTicketMarker, ticketFingerprint } from '../../core/audit/ticket-marker.ts';
import { planTicket, type FoundTicket, type TicketPlan, type TicketTerms } from '../../core/audit/ticket-plan.ts';
import type { TicketText, TicketTracker } from '../../core/audit/ticket-tracker.ts';
import { RemoteError } from '../../errors.ts';
import type { Clock } from '../../io/net/retry-policy.ts';

export interface TicketParts {
  readonly tracker: TicketTracker;
  readonly terms: TicketTerms;
  /** The ticket's text and the comment's, in the tracker's mark-up. */
  readonly write: (plan: TicketPlan) => { readonly text: TicketText; readonly comment: string };
  readonly clock: Clock;
  /** Only says what would be done: nothing but reading is asked of the tracker. */
  readonly isRehearsal: boolean;
  readonly onPause?: (waitMs: number) => void;
}

export interface TicketOutcome {
  readonly plan: TicketPlan;
  /** None where there is none, or would first have to be one. */
  readonly ticket?: FoundTicket;
}

const ATTEMPTS = 4;
const PAUSE_MS = 1000;
/** A tracker that wants more is told of, not waited for. */
const LONGEST_PAUSE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Makes the system's one ticket say what the snapshot says. Every attempt begins with looking for the ticket, also after a request of
 * which nobody knows what became of it: a write that was carried out and not answered is found, and not done twice.
 *
 * @throws RemoteError when the tracker fails, or wants longer pauses than a minute; UsageError for terms that cannot be
 */
export async function rollTicket(gap: AuditGap, parts: TicketParts): Promise<TicketOutcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptTicket(gap, parts);
    } catch (error) {
      if (!(error instanceof RemoteError) || !isWorthAnother(error) || attempt === ATTEMPTS) throw error;
      const asked = error.facts.details?.['retryAfterMs'];
      const waitMs = typeof asked === 'number' ? asked : PAUSE_MS * 2 ** (attempt - 1);
      if (waitMs > LONGEST_PAUSE_MS) throw error;
      parts.onPause?.(waitMs);
      await parts.clock.sleep(waitMs);
    }
  }
}

function isWorthAnother(error: RemoteError): boolean {
  return error.retryable || error.code === 'REMOTE_THROTTLED';
}

async function attemptTicket(gap: AuditGap, parts: TicketParts): Promise<TicketOutcome> {
  const { tracker, terms, write, isRehearsal } = parts;
  const fingerprint = ticketFingerprint(gap.snapshot.system);
  const word = fingerprintWord(fingerprint);
  const found = await tracker.find(word);
  const marker = found === undefined ? undefined : parseTicketMarker(found.body, fingerprint);
  const plan = planTicket(gap, found === undefined ? undefined : { isOpen: found.isOpen, marker }, terms);
  const outcome = { plan, ...(found === undefined ? {} : { ticket: found }) };
  if (isRehearsal || plan.action === 'none' || plan.action === 'keep') return outcome;
  const { text, comment } = write(plan);
  if (found === undefined) return { plan, ticket: await tracker.create(text, word) };
  // First the comment, then the text: until the text says so, the next run knows that something is left to do, and finds the comment.
  if (plan.comments && !(await isCommented(tracker, found, plan, marker?.takenAt))) {
    await tracker.comment(found, comment);
  }
  await tracker.update(found, text, plan.action !== 'close');
  return outcome;
}

/** Whether a run that died after the comment, of this snapshot or of one in between, has said it already. */
async function isCommented(
  tracker: TicketTracker,
  found: FoundTicket,
  { action, marker }: TicketPlan,
  last: Date | undefined,
): Promise<boolean> {
  // A day for clocks that differ.
  const since = new Date((last ?? marker.takenAt).getTime() - DAY_MS);
  return (await tracker.comments(found, since)).some((text) => {
    const other = parseTicketMarker(text, marker.fingerprint);
    if (other?.event !== action || other.gap !== marker.gap) return false;
    // Equal to it where only the status was still to be changed.
    return last === undefined || other.takenAt >= last;
  });
}
