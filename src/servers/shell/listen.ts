import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { UsageError } from '../../errors.ts';

export interface ListenOptions {
  /** An IP address or a name; 127.0.0.1 unless an operator says otherwise. */
  readonly host: string;
  /** 0 lets the system pick one. */
  readonly port: number;
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, without a final slash. */
  readonly url: string;
  /** Stops accepting, lets requests under way finish for `graceMs`, then closes what is left. */
  close(graceMs?: number): Promise<void>;
}

/** A blob upload may take its time; a header may not. */
const REQUEST_TIMEOUT_MS = 30 * 60_000;
const HEADERS_TIMEOUT_MS = 20_000;
const DEFAULT_GRACE_MS = 5_000;
const IDLE_CHECK_MS = 20;

/** @throws UsageError USAGE_PORT_CONFLICT when the port is taken */
export async function listen(app: Hono, options: ListenOptions): Promise<Listening> {
  const limits = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS };
  const server = createAdaptorServer({
    fetch: app.fetch,
    // The adaptor must not replace the global Request and Response of the whole process.
    overrideGlobalObjects: false,
    ...(options.tls === undefined
      ? { createServer: createHttpServer, serverOptions: limits }
      : {
          createServer: createHttpsServer,
          serverOptions: {
            ...limits,
            cert: options.tls.certificate,
            key: options.tls.key,
            minVersion: 'TLSv1.2' as const,
          },
        }),
  }) as Server;
  await bind(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    host: options.host,
    port,
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: (graceMs = DEFAULT_GRACE_MS) => drain(server, graceMs),
  };
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
