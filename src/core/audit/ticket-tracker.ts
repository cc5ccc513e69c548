import type { FoundTicket } from './ticket-plan.ts';

/** The text of a ticket in the mark-up of its tracker, with the marker hidden in it. */
export interface TicketText {
  readonly title: string;
  readonly body: string;
  /** `YYYY-MM-DD`, for trackers that have a field for it. */
  readonly due: string;
}

/**
 * Where tickets are. Each call is one request that changes at most one thing, so that whoever calls knows what may have happened when it
 * fails; none repeats a write by itself.
 */
export interface TicketTracker {
  /** In words, for messages. */
  readonly name: string;
  readonly markup: 'markdown' | 'wiki';
  /** The first ticket that has the word in its text, open or closed. */
  find(word: string): Promise<FoundTicket | undefined>;
  create(text: TicketText, word: string): Promise<FoundTicket>;
  /** Replaces title, text and date, and opens or closes where it is said. */
  update(ticket: FoundTicket, text: TicketText, isOpen: boolean): Promise<void>;
  /** Texts of the comments since a moment, or more of them. */
  comments(ticket: FoundTicket, since: Date): Promise<readonly string[]>;
  comment(ticket: FoundTicket, text: string): Promise<void>;
}
