import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { RemoteError, UsageError } from '../../errors.ts';

/** Where the browser comes back to (RFC 8252 §7.3). */
export interface LoopbackRedirect {
  readonly redirectUri: string;
  /**
   * The address with which the browser came back. Others on this machine can knock at the port too: what does not bear the
   * state is turned away, and the wait goes on.
   *
   * @throws RemoteError REMOTE_TIMEOUT
   */
  callback(expectedState: string, timeoutMs: number): Promise<URL>;
  close(): void;
}

/** Public Dex clients, the public instance's among them, may only redirect to `localhost`, at any port. */
const DEFAULT_REDIRECT = 'http://localhost:0/auth/callback';
const MAX_URL_LENGTH = 16_384;

/**
 * @param redirectUrl `--oidc-redirect-url`; port 0 takes a free one
 * @throws UsageError USAGE_BAD_FLAG for an address that is not this machine's, USAGE_PORT_CONFLICT
 */
export async function listenForRedirect(redirectUrl = DEFAULT_REDIRECT): Promise<LoopbackRedirect> {
  const wanted = URL.parse(redirectUrl);
  if (wanted?.protocol !== 'http:' || !/^(localhost|127\.0\.0\.1)$/.test(wanted.hostname)) {
    throw new UsageError('USAGE_BAD_FLAG', 'the browser can be sent back to this machine only', {
      found: redirectUrl.slice(0, 200),
      expected: 'http://localhost:PORT/PATH',
    });
  }
  const server = createServer({ maxHeaderSize: 2 * MAX_URL_LENGTH, requestTimeout: 10_000 });
  const port = await listen(server, Number(wanted.port));
  const redirectUri = `http://${wanted.hostname}:${port}${wanted.pathname}`;
  return {
    redirectUri,
    callback: (expectedState, timeoutMs) => waitFor(server, redirectUri, expectedState, timeoutMs),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new UsageError('USAGE_PORT_CONFLICT', 'cannot listen for the browser to come back', {
          found: `port ${port} is taken, or may not be used`,
          expected: 'a free port',
          cause,
        }),
      );
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function waitFor(server: Server, redirectUri: string, expectedState: string, timeoutMs: number): Promise<URL> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new RemoteError('REMOTE_TIMEOUT', 'nobody logged in', {
          found: `no answer from the browser within ${timeoutMs / 1000} s`,
          expected: 'a login at the address that was shown',
        }),
      );
    }, timeoutMs);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const url = URL.parse(request.url ?? '', redirectUri);
      const isOurs =
        request.method === 'GET' &&
        url !== null &&
        url.pathname === new URL(redirectUri).pathname &&
        url.searchParams.get('state') === expectedState;
      if (!isOurs) {
        answer(response, 404, 'Nothing is here.');
        return;
      }
      clearTimeout(timer);
      answer(response, 200, url.searchParams.has('code') ? 'Logged in. You can close this page.' : 'Not logged in.');
      resolve(url);
    });
  });
}

/** Constant texts only: nothing of the request is written back. */
function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(`<!doctype html><html lang="en"><title>Sealwright</title><p>${text}</p></html>\n`);
}
