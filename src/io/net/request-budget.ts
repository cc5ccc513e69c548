import { RemoteError } from '../../errors.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import type { HttpHeaders } from './http-message.ts';
import { isLoopback } from './loopback.ts';
import { parseRetryAfter, type Clock } from './retry-policy.ts';

export interface RequestBudgetOptions {
  /** Requests to one host in a minute, in the long run; a quarter of them may come at once. Infinity bounds nothing. */
  readonly perMinute: number;
  /** Requests to one host that are on their way. */
  readonly atOnce: number;
  /** What would have to wait longer for its turn is refused at once: whoever waits for it has no more time. */
  readonly maxWaitMs: number;
  /** How often a request is sent again that was told to come later; 8 times when absent. */
  readonly repetitions?: number;
  readonly clock: Clock;
  readonly observe?: (event: BudgetEvent) => void;
}

/** `paused`: the host has asked for fewer requests. */
export interface BudgetEvent {
  readonly host: string;
  readonly what: 'waited' | 'refused' | 'paused';
  /** Time spent, or the length of the pause. */
  readonly ms: number;
}

/** What a host is held to, and what it has asked for. */
interface Account {
  readonly intervalMs: number;
  /** When the account would be even, if nothing more was asked: the theoretical arrival time of GCRA (ITU-T I.371). */
  evenAt: number;
  pausedSince: number;
  /** When the pause before that began. */
  pausedBefore: number;
  pausedUntil: number;
  pauseMs: number;
  /** Of requests that entered and did not leave. */
  present: number;
}

const MINUTE_MS = 60_000;
/** A quarter of a minute's requests. */
const BURST_MS = MINUTE_MS / 4;
/** What a burst leaves to those whom somebody waits for. */
const RESERVED_MS = BURST_MS / 2;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A host that asks for more is asked again all the same: a typing error there must not last for days here. */
const LONGEST_REQUESTED_PAUSE_MS = 300_000;
const REPETITIONS = 8;
/** Host names come from outside. */
const MAX_HOSTS = 1000;

/**
 * Bounds what each host is asked, over everybody who shares this budget: requests in a minute, requests at once, and none at all
 * while it wants to be left alone (429, or 503 with Retry-After; RFC 6585 §4, RFC 9110 §10.2.3): for as long as it says, or twice as
 * long each time. Whoever comes in the meantime waits for the turn, first come first served, or is told so at once when that would
 * take too long. This machine itself is asked as often as anybody likes, unless it says otherwise.
 */
export class RequestBudget {
  readonly repetitions: number;
  readonly #options: RequestBudgetOptions;
  readonly #limit: ConcurrencyLimit;
  readonly #accounts = new Map<string, Account>();

  constructor(options: RequestBudgetOptions) {
    this.#options = options;
    this.repetitions = options.repetitions ?? REPETITIONS;
    this.#limit = new ConcurrencyLimit(options.atOnce);
  }

  /** @throws RemoteError REMOTE_THROTTLED without sending, when the turn would come too late; what `send` throws */
  async run<Answer extends { readonly status: number; readonly headers: HttpHeaders }>(
    url: URL,
    send: () => Promise<Answer>,
  ): Promise<Answer> {
    const askedAt = this.#nowMs();
    const account = this.#account(url.host, url.hostname);
    account.present++;
    try {
      this.#checkPause(url.host, account, askedAt);
      const turnAt = this.#reserve(url.host, account, askedAt);
      return await this.#limit.run(url.host, async () => {
        await this.#sleep(turnAt - this.#nowMs());
        await this.#waitOutPause(url.host, account, askedAt);
        const sentAt = this.#nowMs();
        if (sentAt > askedAt) this.#tell(url.host, 'waited', sentAt - askedAt);
        const answer = await send();
        this.#learn(url.host, account, sentAt, answer);
        return answer;
      });
    } finally {
      account.present--;
    }
  }

  /**
   * For requests that nobody waits for: comes back when half of a burst would be left to others.
   *
   * @param host with its port, if it has one
   * @returns false, at once, when that would take too long, or the host wants to be left alone for too long
   */
  async hasRoom(host: string): Promise<boolean> {
    // What is no address will not be asked either.
    if (!URL.canParse(`https://${host}`)) return true;
    const account = this.#account(host, new URL(`https://${host}`).hostname);
    const startedAt = this.#nowMs();
    for (;;) {
      const now = this.#nowMs();
      const busyMs = account.intervalMs === 0 ? 0 : account.evenAt - now - RESERVED_MS;
      const waitMs = Math.max(busyMs, pauseLeft(account, now));
      if (waitMs <= 0) return true;
      if (now + waitMs - startedAt > this.#options.maxWaitMs) return false;
      await this.#sleep(waitMs);
    }
  }

  #nowMs(): number {
    return this.#options.clock.now().getTime();
  }

  async #sleep(ms: number): Promise<void> {
    if (ms > 0) await this.#options.clock.sleep(Math.ceil(ms));
  }

  #tell(host: string, what: BudgetEvent['what'], ms: number): void {
    this.#options.observe?.({ host, what, ms });
  }

  /** @returns when the turn is. A refusal costs nothing. */
  #reserve(host: string, account: Account, now: number): number {
    const { perMinute, maxWaitMs } = this.#options;
    const toleranceMs = Math.max(0, BURST_MS - account.intervalMs);
    // A clock that was put back must not make a wait of days.
    if (account.evenAt - now > toleranceMs + maxWaitMs + account.intervalMs) account.evenAt = now;
    const turnAt = Math.max(now, account.evenAt - toleranceMs);
    if (turnAt - now > maxWaitMs) {
      this.#tell(host, 'refused', 0);
      throw refused(host, `no turn for ${seconds(turnAt - now)}`, `at most ${perMinute} requests a minute to ${host}`);
    }
    account.evenAt = Math.max(account.evenAt, turnAt) + account.intervalMs;
    return turnAt;
  }

  /** A pause may begin, or begin again, while a request waits. */
  async #waitOutPause(host: string, account: Account, askedAt: number): Promise<void> {
    for (;;) {
      this.#checkPause(host, account, askedAt);
      const waitMs = pauseLeft(account, this.#nowMs());
      if (waitMs <= 0) return;
      await this.#sleep(waitMs);
    }
  }

  #checkPause(host: string, account: Account, askedAt: number): void {
    const now = this.#nowMs();
    const leftMs = pauseLeft(account, now);
    if (now + leftMs - askedAt <= this.#options.maxWaitMs) return;
    this.#tell(host, 'refused', now - askedAt);
    throw leftMs > 0
      ? refused(host, `a pause of ${seconds(leftMs)} more, which it has asked for`, 'a registry that answers')
      : refused(host, `no turn within ${seconds(now - askedAt)}`, 'a registry that answers faster');
  }

  #learn(host: string, account: Account, sentAt: number, { status, headers }: Readonly<BudgetedAnswer>): void {
    const now = this.#options.clock.now();
    const asked = parseRetryAfter(headers['retry-after'], now);
    const isThrottled = status === 429 || (status === 503 && asked !== undefined);
    if (!isThrottled) {
      // Where others of the same time were answered, the pause was long enough.
      if (sentAt >= account.pausedBefore && status < 500) account.pauseMs = 0;
      return;
    }
    // What was sent before the pause says nothing about what came of it.
    const isNews = sentAt >= account.pausedSince;
    const doubled = isNews ? Math.min(LONGEST_PAUSE_MS, account.pauseMs * 2) : account.pauseMs;
    const wanted = Math.min(LONGEST_REQUESTED_PAUSE_MS, asked ?? 0);
    account.pauseMs = Math.max(FIRST_PAUSE_MS, doubled, wanted);
    account.pausedUntil = Math.max(account.pausedUntil, now.getTime() + account.pauseMs);
    if (!isNews) return;
    account.pausedBefore = account.pausedSince;
    account.pausedSince = now.getTime() + 1;
    this.#tell(host, 'paused', account.pauseMs);
  }

  #account(host: string, hostname: string): Account {
    const known = this.#accounts.get(host);
    if (known !== undefined) return known;
    if (this.#accounts.size >= MAX_HOSTS) this.#forgetEven();
    const intervalMs = isLoopback(hostname) ? 0 : MINUTE_MS / this.#options.perMinute;
    const account = { intervalMs, evenAt: 0, pausedSince: 0, pausedBefore: 0, pausedUntil: 0, pauseMs: 0, present: 0 };
    this.#accounts.set(host, account);
    return account;
  }

  /** An account that is even, with nobody in it, is like a new one. */
  #forgetEven(): void {
    const now = this.#nowMs();
    for (const [host, { present, evenAt, pausedUntil }] of this.#accounts) {
      if (present === 0 && evenAt <= now && pausedUntil <= now) this.#accounts.delete(host);
    }
  }
}

interface BudgetedAnswer {
  status: number;
  headers: HttpHeaders;
}

/** Milliseconds; a clock that was put back must not make a pause of days. */
function pauseLeft({ pausedUntil }: Account, now: number): number {
  const leftMs = pausedUntil - now;
  return leftMs > LONGEST_REQUESTED_PAUSE_MS ? 0 : Math.max(0, leftMs);
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** Not retryable here: the wait that was possible is over. */
function refused(host: string, found: string, expected: string): RemoteError {
  return new RemoteError('REMOTE_THROTTLED', `${host} is left alone for a while`, { found, expected });
}
