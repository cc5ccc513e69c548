import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { UsageError } from '../../errors.ts';
import { directListener, type JsonRoute } from './json-route.ts';
import type { Logger } from './logger.ts';

export interface ListenOptions {
  /** An IP address or a name; 127.0.0.1 unless an operator says otherwise. */
  readonly host: string;
  /** 0 lets the system pick one. */
  readonly port: number;
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: ServingTls;
  /** After so many requests a connection is closed, so that clients spread anew over servers; never when absent. */
  readonly requestsPerConnection?: number;
  /**
   * How long a connection without requests is kept; five seconds when absent. To be longer than clients keep it, where they cannot
   * repeat what they sent into a connection that was just closed.
   */
  readonly idleMs?: number;
  /** Routes of the application that are answered without it. */
  readonly direct?: readonly JsonRoute[];
  /** Told of failures of those. */
  readonly logger?: Logger;
}

/** PEM texts: a certificate with its issuers, and its key. */
export interface ServingTls {
  readonly certificate: string;
  readonly key: string;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, without a final slash. */
  readonly url: string;
  /**
   * Serves with another certificate from the next connection on; those that are open stay.
   *
   * @throws UsageError USAGE_BAD_CONFIG for a certificate or key that is none, or on a server without TLS
   */
  renew(tls: ServingTls): void;
  /** Stops accepting, lets requests under way finish for `graceMs`, then closes what is left. */
  close(graceMs?: number): Promise<void>;
}

/** A blob upload may take its time; a header may not. */
const REQUEST_TIMEOUT_MS = 30 * 60_000;
const HEADERS_TIMEOUT_MS = 20_000;
const DEFAULT_GRACE_MS = 5_000;
const IDLE_CHECK_MS = 20;

/** @throws UsageError USAGE_PORT_CONFLICT when the port is taken; USAGE_BAD_CONFIG for a certificate or key that is none */
export async function listen(app: Pick<Hono, 'fetch'>, options: ListenOptions): Promise<Listening> {
  const server = createServer(app, options);
  server.maxRequestsPerSocket = options.requestsPerConnection ?? 0;
  if (options.idleMs !== undefined) server.keepAliveTimeout = options.idleMs;
  await bind(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    host: options.host,
    port,
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    renew: (tls) => {
      renewCertificate(server, tls);
    },
    close: (graceMs = DEFAULT_GRACE_MS) => drain(server, graceMs),
  };
}

function createServer(app: Pick<Hono, 'fetch'>, { tls, direct = [], logger }: ListenOptions): Server {
  const limits = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS };
  // The adaptor must not replace the global Request and Response of the whole process.
  const adaptor = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const application: RequestListener = (incoming, outgoing) => void adaptor(incoming, outgoing);
  const listener = direct.length === 0 ? application : directListener(direct, application, logger);
  if (tls === undefined) return createHttpServer(limits, listener);
  try {
    return createHttpsServer({ ...limits, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' }, listener);
  } catch {
    throw unusableCertificate();
  }
}

function renewCertificate(server: Server, { certificate, key }: ServingTls): void {
  try {
    if (!(server instanceof HttpsServer)) throw new TypeError('no TLS');
    server.setSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' });
  } catch {
    throw unusableCertificate();
  }
}

/** The cause is dropped: OpenSSL's text may describe the key. */
function unusableCertificate(): UsageError {
  return new UsageError('USAGE_BAD_CONFIG', 'the serving certificate and its key cannot be used', {
    expected: 'a PEM certificate with its issuers, and the unencrypted PEM key that it is for',
  });
}

function bind(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new UsageError('USAGE_PORT_CONFLICT', `cannot listen on ${options.host}:${options.port}`, {
          found: cause.code === 'EADDRINUSE' ? 'the port is taken by another process' : (cause.code ?? 'an error'),
          expected: 'a free port on an address of this machine',
          cause,
        }),
      );
    });
    server.listen(options.port, options.host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A kept-alive connection becomes idle only when its last answer is out, so idle ones are looked for again and again.
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, IDLE_CHECK_MS);
    const deadline = setTimeout(() => {
      server.closeAllConnections();
    }, graceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
  });
}
