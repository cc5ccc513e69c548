import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { SecureContext } from 'node:tls';
import { RecentMap } from '../../core/encoding/recent-map.ts';
import { RemoteError, UsageError } from '../../errors.ts';
import type { HttpHeaders, HttpRequest, HttpUpload } from './http-message.ts';
import { isLoopback } from './loopback.ts';
import { networkFailure } from './network-failure.ts';
import { redactUrl } from './url-redaction.ts';

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface TransportOptions {
  /** PEM certificates of authorities trusted besides the runtime's own. */
  readonly ca?: readonly string[];
  /** What this side proves itself with, where a server asks (mutual TLS). PEM. */
  readonly clientCertificate?: ClientCertificate;
  /** What a user gives to change that, for errors: flags with their values. */
  readonly clientCertificateFlags?: string;
  /** Name expected in the server's certificate, where it is not the URL's host. */
  readonly serverName?: string;
  /** Accepts any certificate: whoever sits on the wire can read and answer. */
  readonly unsafeSkipTlsVerify?: boolean;
  /** Allows plain HTTP to any host. */
  readonly allowHttp?: boolean;
  /** The environment's HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case. Loopback is never proxied. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>;
}

/** An answer whose body is still on the wire. */
export interface Exchange {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

/** `whole`: time-out for the exchange from start to end. `silence`: time-out for each pause. */
export type TimeoutMode = 'whole' | 'silence';

type Agents = Map<string, NonNullable<RequestOptions['agent']>>;

/** One request, one answer: sockets, TLS, time-outs. No retries, no redirects. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agents: Agents = new Map();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * @throws UsageError USAGE_BAD_CONFIG for a URL that may not be asked, or a client certificate that is none; RemoteError REMOTE_UNREACHABLE, REMOTE_TIMEOUT,
   *   REMOTE_TLS, REMOTE_BODY
   */
  async send(request: HttpRequest, url: URL, timeoutMs: number, mode: TimeoutMode): Promise<Exchange> {
    this.#checkUrl(request, url);
    const peer = request.peer ?? 'the server';
    const outgoing = await this.#open(request, url);
    const deadline = new Deadline(outgoing, timeoutMs, mode, request.signal);
    const fail = (cause: unknown, during: 'request' | 'answer'): Error => {
      deadline.stop();
      outgoing.destroy();
      return deadline.failure(url, peer) ?? networkFailure(cause, url, peer, during, this.#options);
    };
    const upload = new Upload(request.body, deadline);
    let message: IncomingMessage;
    try {
      message = await answerTo(outgoing, upload);
    } catch (cause) {
      const failure = fail(cause, 'request');
      throw upload.sourceFailure ?? failure;
    }
    deadline.touch();
    return {
      status: message.statusCode ?? 0,
      headers: joined(message),
      body: readBody(message, deadline, (cause) => fail(cause, 'answer')),
      discard: () => {
        deadline.stop();
        outgoing.destroy();
      },
    };
  }

  /** Closes idle connections; running exchanges fail. */
  close(): void {
    for (const agent of this.#agents.values()) if (typeof agent === 'object') agent.destroy();
    this.#agents.clear();
  }

  #checkUrl(request: HttpRequest, url: URL): void {
    const plain = url.protocol === 'http:';
    if (!plain && url.protocol !== 'https:') {
      throw new UsageError(
        'USAGE_BAD_CONFIG',
        `${url.protocol} is not a protocol to ask ${request.peer ?? 'a server'} by`,
        {
          found: redactUrl(url),
          expected: 'an https URL',
        },
      );
    }
    if (!plain || isLoopback(url.hostname) || request.allowHttp === true || this.#options.allowHttp === true) return;
    throw new UsageError('USAGE_BAD_CONFIG', `plain HTTP to ${url.host} is not allowed`, {
      found: redactUrl(url),
      expected: 'https, or a loopback address',
    });
  }

  async #open(request: HttpRequest, url: URL): Promise<ClientRequest> {
    // Loaded here: a command that never asks anybody must not pay for the HTTP stack.
    const { request: open } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
    const headers: Record<string, string> = { 'accept-encoding': 'identity', ...request.headers };
    const { body } = request;
    if (body instanceof Uint8Array) headers['content-length'] = String(body.length);
    else if (body?.sizeBytes !== undefined) headers['content-length'] = String(body.sizeBytes);
    else if (body === undefined && /^(POST|PUT|PATCH)$/.test(request.method ?? '')) headers['content-length'] = '0';
    return open(url, { method: request.method ?? 'GET', headers, agent: await this.#agent(url) });
  }

  async #agent(url: URL): Promise<NonNullable<RequestOptions['agent']>> {
    const proxied = this.#options.proxyEnv !== undefined && !isLoopback(url.hostname);
    const name = `${url.protocol}${proxied ? 'proxy' : 'direct'}`;
    const existing = this.#agents.get(name);
    if (existing !== undefined) return existing;
    const shared = {
      keepAlive: true,
      maxFreeSockets: 16,
      ...(proxied ? { proxyEnv: { ...this.#options.proxyEnv } } : {}),
    };
    const agent =
      url.protocol === 'https:'
        ? new (await import('node:https')).Agent({ ...shared, ...(await this.#tls()) })
        : new (await import('node:http')).Agent(shared);
    this.#agents.set(name, agent);
    return agent;
  }

  async #tls(): Promise<Record<string, unknown>> {
    const { ca = [], clientCertificate, serverName, unsafeSkipTlsVerify } = this.#options;
    if (clientCertificate !== undefined) await checkClientCertificate(clientCertificate);
    const isOrdinary = ca.length === 0 && clientCertificate === undefined;
    return {
      minVersion: MIN_VERSION,
      ...(isOrdinary ? {} : { secureContext: await secureContext(ca, clientCertificate) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(unsafeSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    };
  }
}

const MIN_VERSION = 'TLSv1.2';
/** By what is in them. */
const contexts = new RecentMap<SecureContext>(4);

/**
 * Authorities besides the runtime's own take some megabytes that no garbage collector knows of, and Node would read them all for each
 * connection: a process that asks a cluster for ever would grow until it is killed.
 */
async function secureContext(ca: readonly string[], certificate?: ClientCertificate): Promise<SecureContext> {
  const name = JSON.stringify([ca, certificate?.certificate, certificate?.key]);
  const known = contexts.get(name);
  if (known !== undefined) return known;
  const { createSecureContext, getCACertificates } = await import('node:tls');
  const made = createSecureContext({
    minVersion: MIN_VERSION,
    ...(ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
  });
  contexts.set(name, made);
  return made;
}

/** Before a peer is asked: at the connection it would look like a peer that cannot be reached. */
async function checkClientCertificate({ certificate, key }: ClientCertificate): Promise<void> {
  const { createSecureContext } = await import('node:tls');
  try {
    createSecureContext({ cert: certificate, key });
  } catch {
    // The cause is dropped: OpenSSL's text may describe the key.
    throw new UsageError('USAGE_BAD_CONFIG', 'the client certificate and its key cannot be used', {
      expected: 'a PEM certificate, and the unencrypted PEM key that it is for',
    });
  }
}

/** Ends the exchange when time is up or the caller gives up, and remembers that it did. */
class Deadline {
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

/** Sends a request body, and tells a source that failed from a peer that did. */
class Upload {
  readonly #body: Uint8Array | HttpUpload | undefined;
  readonly #deadline: Deadline;
  sourceFailure: Error | undefined;

  constructor(body: Uint8Array | HttpUpload | undefined, deadline: Deadline) {
    this.#body = body;
    this.#deadline = deadline;
  }

  async into(outgoing: ClientRequest): Promise<void> {
    if (this.#body === undefined || this.#body instanceof Uint8Array) {
      outgoing.end(this.#body);
      return;
    }
    const { pipeline } = await import('node:stream/promises');
    await pipeline(this.#read(this.#body), outgoing);
  }

  async *#read(upload: HttpUpload): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of upload.open()) {
        this.#deadline.touch();
        yield chunk;
      }
    } catch (cause) {
      this.sourceFailure = cause instanceof Error ? cause : new Error('the source of the upload failed', { cause });
      throw this.sourceFailure;
    }
  }
}

/** The answer's head. A peer may answer, and close, before it has read the whole request: then the answer counts. */
async function answerTo(outgoing: ClientRequest, upload: Upload): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', (message: IncomingMessage) => {
      // What was not sent by now would only block the socket's next use.
      message.once('close', () => {
        if (!outgoing.writableFinished) outgoing.destroy();
      });
      resolve(message);
    });
    outgoing.on('error', reject);
    outgoing.once('close', () => {
      reject(new Error('closed without an answer'));
    });
    upload.into(outgoing).catch(() => {
      // Of the socket's failures 'error' tells more; and an answer may still be in flight.
      if (upload.sourceFailure !== undefined) reject(upload.sourceFailure);
    });
  });
}

async function* readBody(
  message: IncomingMessage,
  deadline: Deadline,
  fail: (cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of message) {
      deadline.touch();
      yield chunk;
    }
  } catch (cause) {
    throw fail(cause);
  } finally {
    deadline.stop();
  }
}

function joined(message: IncomingMessage): HttpHeaders {
  return Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
