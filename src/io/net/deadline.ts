import type { ClientRequest } from 'node:http';
import { RemoteError } from '../../errors.ts';
import { redactUrl } from './url-redaction.ts';

/** `whole`: time-out for the exchange from start to end. `silence`: time-out for each pause. */
export type TimeoutMode = 'whole' | 'silence';

/** Ends the exchange when time is up or the caller gives up, and remembers that it did. */
export class Deadline {
  readonly #outgoing: ClientRequest;
  readonly #timeoutMs: number;
  readonly #mode: TimeoutMode;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = (): void => {
    this.#found = 'the caller gave up';
    this.#outgoing.destroy();
  };
  #found: string | undefined;

  constructor(outgoing: ClientRequest, timeoutMs: number, mode: TimeoutMode, signal: AbortSignal | undefined) {
    this.#outgoing = outgoing;
    this.#timeoutMs = timeoutMs;
    this.#mode = mode;
    this.#signal = signal;
    this.#timer = setTimeout(() => {
      this.#found = mode === 'whole' ? 'no complete answer' : 'silence';
      outgoing.destroy();
    }, timeoutMs);
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  touch(): void {
    if (this.#mode === 'silence') this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  /** The failure to report when this deadline is what ended the exchange. */
  failure(url: URL, peer: string): RemoteError | undefined {
    if (this.#found === undefined) return undefined;
    return new RemoteError('REMOTE_TIMEOUT', `${peer} at ${url.host} did not answer in time`, {
      found: this.#found,
      expected: `an answer within ${this.#timeoutMs} ms`,
      details: { url: redactUrl(url) },
      retryable: this.#signal?.aborted !== true,
    });
  }
}
