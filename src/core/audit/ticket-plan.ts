import { UsageError } from '../../errors.ts';
import type { AuditGap } from './audit-gap.ts';
import { ticketFingerprint, type TicketMarker } from './ticket-marker.ts';

/** A ticket as its tracker tells it: untrusted, like everything that comes from outside. */
export interface FoundTicket {
  /** As its tracker counts: `17`, `OPS-17`. */
  readonly id: string;
  readonly url: string;
  readonly isOpen: boolean;
  readonly title: string;
  readonly body: string;
}

export interface TicketTerms {
  /** How long the rule has to hold before the ticket closes. */
  readonly holdDays: number;
  /** The day of the next review, as `YYYY-MM-DD`; the first of the next quarter where nobody says. */
  readonly review?: string;
}

/** What has to be done so that the ticket says what the snapshot says. */
export interface TicketPlan {
  readonly action: 'none' | 'create' | 'keep' | 'update' | 'close' | 'reopen';
  /** Whether watchers are told: only where the gap, or the ticket's being open, changed. */
  readonly comments: boolean;
  readonly marker: TicketMarker;
  readonly due: string;
  /** The rule's state: how many full days it has held; none where it does not. */
  readonly heldDays?: number;
}

const DAY_MS = 86_400_000;
const LEAD_DAYS = 7;

/**
 * Decides from what the ticket remembers and what the snapshot shows. Asked again with the same, after it was carried out, the answer is
 * `keep`: a run that died anywhere is finished by the next.
 *
 * @param found with what it remembers; none where there is no ticket
 *
 * @throws UsageError USAGE_BAD_FLAG for a review before the snapshot, or a snapshot older than the one that the ticket was written from
 */
export function planTicket(
  gap: AuditGap,
  found: { readonly isOpen: boolean; readonly marker: TicketMarker | undefined } | undefined,
  terms: TicketTerms,
): TicketPlan {
  const { takenAt, system } = gap.snapshot;
  const before = found?.marker;
  if (before !== undefined && before.takenAt > takenAt) {
    throw new UsageError('USAGE_BAD_FLAG', 'the ticket was written from a later snapshot', {
      found: `a snapshot of ${takenAt.toISOString()}`,
      expected: `one of ${before.takenAt.toISOString()} or later`,
      fix: `sealwright audit snapshot --system ${system} --out now.json`,
    });
  }
  // A ticket that is closed and regresses begins a new round: its old date would be overdue from the first day.
  const isNewRound = found === undefined || (!found.isOpen && !gap.isClosed);
  const due =
    terms.review === undefined && !isNewRound && before !== undefined ? before.due : dueBefore(takenAt, terms);
  const heldSince = gap.isClosed ? (before?.heldSince ?? takenAt) : undefined;
  const heldDays = heldSince === undefined ? undefined : Math.floor((takenAt.getTime() - heldSince.getTime()) / DAY_MS);
  const marker: TicketMarker = {
    fingerprint: ticketFingerprint(system),
    gap: gap.digest,
    takenAt,
    due,
    ...(heldSince === undefined ? {} : { heldSince }),
  };
  const rest = { marker, due, ...(heldDays === undefined ? {} : { heldDays }) };
  if (found === undefined) return { action: gap.isClosed ? 'none' : 'create', comments: false, ...rest };
  if (!found.isOpen) {
    if (!gap.isClosed) return { action: 'reopen', comments: true, ...rest };
    return { action: 'keep', comments: false, ...rest };
  }
  if (heldDays !== undefined && heldDays >= terms.holdDays) return { action: 'close', comments: true, ...rest };
  const isSame = before?.takenAt.getTime() === takenAt.getTime() && before.gap === gap.digest && before.due === due;
  return { action: isSame ? 'keep' : 'update', comments: before !== undefined && before.gap !== gap.digest, ...rest };
}

/** A week before the review, or the day before it where it is nearer. */
function dueBefore(takenAt: Date, { review }: TicketTerms): string {
  const at = review === undefined ? nextQuarter(takenAt) : new Date(`${review}T00:00:00Z`);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(review ?? day(at)) && !Number.isNaN(at.getTime());
  if (!isDay || day(at) <= day(takenAt)) {
    throw new UsageError('USAGE_BAD_FLAG', '--review is no day to come', {
      found: review ?? '',
      expected: `a day such as 2030-01-31, after the snapshot's (${day(takenAt)})`,
    });
  }
  const week = new Date(at.getTime() - LEAD_DAYS * DAY_MS);
  return day(week > takenAt ? week : new Date(at.getTime() - DAY_MS));
}

function nextQuarter(time: Date): Date {
  const start = (ahead: number): Date =>
    new Date(Date.UTC(time.getUTCFullYear(), (Math.floor(time.getUTCMonth() / 3) + ahead) * 3, 1));
  // Two weeks are too few to close a gap in: then the review after it.
  return start(1).getTime() - time.getTime() > 2 * LEAD_DAYS * DAY_MS ? start(1) : start(2);
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}
