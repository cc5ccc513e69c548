import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { UsageError } from '../../errors.ts';
import { Deadline, type TimeoutMode } from './deadline.ts';
import type { HttpHeaders, HttpRequest } from './http-message.ts';
import { isLoopback } from './loopback.ts';
import { networkFailure } from './network-failure.ts';
import { checkClientCertificate, MIN_VERSION, secureContext, type ClientCertificate } from './secure-context.ts';
import { Upload } from './upload.ts';
import { redactUrl } from './url-redaction.ts';

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

type Agent = Exclude<RequestOptions['agent'], boolean | undefined>;
/** Promises, so that requests which begin together share one: of two, the first would be forgotten with its connections open. */
type Agents = Map<string, Promise<Agent>>;

/** One request, one answer: sockets, TLS, time-outs. No retries, no redirects. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agents: Agents;

  constructor(options: TransportOptions, agents: Agents = new Map()) {
    this.#options = options;
    this.#agents = agents;
  }

  /** The same connections, for errors that name other flags. */
  provedBy(clientCertificateFlags: string): Transport {
    return new Transport({ ...this.#options, clientCertificateFlags }, this.#agents);
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
    for (const making of this.#agents.values()) {
      making.then(
        (agent) => {
          agent.destroy();
        },
        // Whoever asked by it was told.
        () => undefined,
      );
    }
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

  #agent(url: URL): Promise<Agent> {
    const proxied = this.#options.proxyEnv !== undefined && !isLoopback(url.hostname);
    const name = `${url.protocol}${proxied ? 'proxy' : 'direct'}`;
    const existing = this.#agents.get(name);
    if (existing !== undefined) return existing;
    const making = this.#makeAgent(url.protocol, proxied);
    this.#agents.set(name, making);
    return making;
  }

  async #makeAgent(protocol: string, proxied: boolean): Promise<Agent> {
    const shared = {
      keepAlive: true,
      maxFreeSockets: 16,
      ...(proxied ? { proxyEnv: { ...this.#options.proxyEnv } } : {}),
    };
    return protocol === 'https:'
      ? new (await import('node:https')).Agent({ ...shared, ...(await this.#tls()) })
      : new (await import('node:http')).Agent(shared);
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
