import { RemoteError, UsageError } from '../../errors.ts';
import { bounded, collect, excerpt } from './answer-body.ts';
import type { TimeoutMode } from './deadline.ts';
import { isIdempotent, type HttpRequest, type HttpResponse, type HttpStream } from './http-message.ts';
import type { RequestBudget } from './request-budget.ts';
import { MAX_REDIRECTS, redirected } from './redirect-policy.ts';
import {
  DEFAULT_RETRY_POLICY,
  mayRetry,
  parseRetryAfter,
  waitMs,
  type Clock,
  type RetryPolicy,
} from './retry-policy.ts';
import { Transport, type Exchange, type TransportOptions } from './transport.ts';
import { redactText, redactUrl } from './url-redaction.ts';

export interface HttpClientOptions extends TransportOptions {
  /** Refuses every request before a name is looked up or a socket opened. */
  readonly offline?: boolean;
  readonly userAgent?: string;
  /** Time-out of requests that state none. */
  readonly timeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly clock?: Clock;
  /** What each host may be asked, shared with everybody who has the same; then it keeps pauses, and not each request its own. */
  readonly budget?: RequestBudget;
  /** Told of every request that was sent, repeated and redirected ones too; `status` is undefined when no answer came. */
  readonly observe?: (sent: {
    readonly host: string;
    readonly status: number | undefined;
    /** The peer's clock, as its header says. */
    readonly date?: string;
  }) => void;
  /** 0 to 1, spreads repeated requests. */
  readonly random?: () => number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 16 << 20;

export const SYSTEM_CLOCK: Clock = {
  now: () => new Date(),
  sleep: async (ms) => {
    await (await import('node:timers/promises')).setTimeout(ms);
  },
};

/**
 * Outbound HTTP with every bound that a hostile or broken peer calls for. Safe to share: connections are kept alive and
 * pooled per host.
 *
 * Throws, from `request` and `stream`: RemoteError REMOTE_OFFLINE, REMOTE_UNREACHABLE, REMOTE_TIMEOUT, REMOTE_TLS,
 * REMOTE_THROTTLED (429), REMOTE_STATUS (any other status that was not expected), REMOTE_BODY (half a body, too large a
 * body, not HTTP); UsageError USAGE_BAD_CONFIG for plain HTTP where it is not allowed.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #transport: Transport;
  readonly #policy: RetryPolicy;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor(options: HttpClientOptions = {}, transport = new Transport(options)) {
    this.#options = options;
    this.#transport = transport;
    this.#policy = { ...DEFAULT_RETRY_POLICY, ...options.retry };
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#random = options.random ?? Math.random;
  }

  get offline(): boolean {
    return this.#options.offline === true;
  }

  /** Sends, follows redirects, reads the whole body. A body cut short counts as a failed attempt and is repeated. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    const bounded = { ...request, maxBytes: request.maxBytes ?? DEFAULT_MAX_BYTES };
    // A long upload is not a late answer: its time-out watches for silence instead.
    const mode = request.body === undefined || request.body instanceof Uint8Array ? 'whole' : 'silence';
    return this.#attempts(bounded, async () => {
      const { status, headers, url, body } = await this.#follow(bounded, mode);
      return { status, headers, url, body: await collect(body) };
    });
  }

  /** Sends, follows redirects, and hands over the body as it arrives; without `maxBytes` it may be of any size. */
  async stream(request: HttpRequest): Promise<HttpStream> {
    return this.#attempts(request, () => this.#follow(request, 'silence'));
  }

  /** The same client over the same connections, for a server to which other flags prove who asks: its errors name those. */
  provedBy(clientCertificateFlags: string): HttpClient {
    return new HttpClient(this.#options, this.#transport.provedBy(clientCertificateFlags));
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  async #attempts<T>(request: HttpRequest, attempt: () => Promise<T>): Promise<T> {
    this.#checkOnline(request);
    const method = request.method ?? 'GET';
    const safe = method === 'GET' || method === 'HEAD';
    for (let repetition = 0; ; repetition++) {
      try {
        return await attempt();
      } catch (error) {
        const { budget } = this.#options;
        const waitsInBudget = budget !== undefined && error instanceof RemoteError && error.status === 429;
        const repetitions = waitsInBudget ? budget.repetitions : this.#policy.retries;
        if (repetition >= repetitions || !mayRetry(error, isIdempotent(request), safe)) throw error;
        const wait = waitsInBudget ? 0 : waitMs(this.#policy, repetition, requestedWaitMs(error), this.#random());
        if (wait === undefined || request.signal?.aborted === true) throw error;
        if (wait > 0) await this.#clock.sleep(wait);
      }
    }
  }

  #checkOnline(request: HttpRequest): void {
    if (!this.offline) return;
    throw new RemoteError(
      'REMOTE_OFFLINE',
      `${request.peer ?? 'a server'} is needed, but the network is not to be used`,
      {
        found: redactUrl(request.url),
        expected: 'nothing to ask: all material given as files',
        fix: 'run the command again without --offline',
      },
    );
  }

  async #follow(original: HttpRequest, mode: TimeoutMode): Promise<HttpStream> {
    let request = original;
    for (let redirects = 0; ; redirects++) {
      const url = parseUrl(request);
      const exchange = await this.#send(request, url, mode);
      if (isExpected(request, exchange.status)) return { ...exchange, url, body: bounded(exchange, request, url) };
      const next = request.redirects === 'refuse' ? undefined : this.#redirect(request, url, exchange);
      if (next === undefined) throw await this.#refusal(request, url, exchange);
      exchange.discard();
      if (redirects === MAX_REDIRECTS) throw redirectLoop(original);
      request = next;
    }
  }

  async #send(request: HttpRequest, url: URL, mode: TimeoutMode): Promise<Exchange> {
    const { observe, budget } = this.#options;
    const send = async (): Promise<Exchange> => {
      try {
        const exchange = await this.#transport.send(this.#withUserAgent(request), url, this.#timeoutMs(request), mode);
        const { date } = exchange.headers;
        observe?.({ host: url.host, status: exchange.status, ...(date === undefined ? {} : { date }) });
        return exchange;
      } catch (error) {
        observe?.({ host: url.host, status: undefined });
        throw error;
      }
    };
    return budget === undefined ? send() : budget.run(url, send);
  }

  #redirect(request: HttpRequest, url: URL, exchange: Exchange): HttpRequest | undefined {
    try {
      return redirected(request, url, exchange.status, exchange.headers['location']);
    } catch (error) {
      exchange.discard();
      throw error;
    }
  }

  #timeoutMs(request: HttpRequest): number {
    return request.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  #withUserAgent(request: HttpRequest): HttpRequest {
    return { ...request, headers: { 'user-agent': this.#options.userAgent ?? 'sealwright', ...request.headers } };
  }

  /** The error for a status that was not expected, with the beginning of what the peer says about it. */
  async #refusal(request: HttpRequest, url: URL, exchange: Exchange): Promise<RemoteError> {
    const { status } = exchange;
    const peer = request.peer ?? 'the server';
    const retryAfterMs = parseRetryAfter(exchange.headers['retry-after'], this.#clock.now());
    const words = redactText(await excerpt(exchange)).trim();
    const details = {
      url: redactUrl(url),
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
    const facts = { found: words === '' ? `status ${status}` : `status ${status}: ${words}`, details, status };
    if (status === 429) {
      return new RemoteError('REMOTE_THROTTLED', `${peer} at ${url.host} wants fewer requests`, {
        ...facts,
        expected: retryAfterMs === undefined ? 'fewer requests' : `a pause of ${Math.ceil(retryAfterMs / 1000)} s`,
        retryable: true,
      });
    }
    return new RemoteError(
      'REMOTE_STATUS',
      `${peer} at ${url.host} refused ${request.method ?? 'GET'} ${url.pathname}`,
      {
        ...facts,
        expected: request.expect === undefined ? 'a status of success' : `status ${request.expect.join(' or ')}`,
        retryable: status >= 500 || status === 408,
      },
    );
  }
}

function parseUrl(request: HttpRequest): URL {
  if (request.url instanceof URL) return request.url;
  if (URL.canParse(request.url)) return new URL(request.url);
  throw new UsageError('USAGE_BAD_CONFIG', `the address of ${request.peer ?? 'the server'} is not a URL`, {
    found: redactUrl(request.url),
    expected: 'an https URL',
  });
}

function isExpected(request: HttpRequest, status: number): boolean {
  return request.expect?.includes(status) ?? (status >= 200 && status < 300);
}

function requestedWaitMs(error: unknown): number | undefined {
  const wait = error instanceof RemoteError ? error.facts.details?.['retryAfterMs'] : undefined;
  return typeof wait === 'number' ? wait : undefined;
}

function redirectLoop(request: HttpRequest): RemoteError {
  const peer = request.peer ?? 'the server';
  return new RemoteError('REMOTE_STATUS', `${peer} redirects without end`, {
    found: `more than ${MAX_REDIRECTS} redirects from ${redactUrl(request.url)}`,
    expected: `at most ${MAX_REDIRECTS}`,
  });
}
