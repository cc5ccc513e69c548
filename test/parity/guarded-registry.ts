/** One registry behind three doors: an open one, one that wants to be convinced in every way there is, and a proxy. */
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { subjectAltNameExtension } from '../../src/core/pki/certificate-builder.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { issue, issueRoot, type Holder } from '../support/test-authority.ts';

/** The only name that the guarded door's certificate has. */
export const SERVER_NAME = 'registry.internal';
export const USERNAME = 'somebody';
export const PASSWORD = 'their password';
export const TOKEN = 'their-token';
/** Only to be had through the proxy, in plain HTTP. */
export const PLAIN_HOST = 'registry.example.test';

export interface GuardedRegistry {
  readonly openHost: string;
  readonly guardedHost: string;
  /** URL of the proxy in front of {@link PLAIN_HOST}. */
  readonly proxy: string;
  /** PEM. */
  readonly files: Readonly<Record<'ca.pem' | 'client.pem' | 'client.key' | 'other.key', string>>;
  /** `METHOD path` of every request through any door. */
  readonly seen: string[];
  readonly close: () => Promise<void>;
}

export async function openGuardedRegistry(dir: string): Promise<GuardedRegistry> {
  const registry = createRegistry({ dir, now: () => new Date() });
  const serve = getRequestListener(registry.routes.fetch, { overrideGlobalObjects: false });
  const seen: string[] = [];
  const answer: RequestListener = (request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    void serve(request, response);
  };
  const root = issueRoot();
  const server = holder(root, 'server');
  const client = holder(root, 'client');
  const ca = root.certificate.toPem();
  const open = createHttpServer(answer);
  const guarded = createTlsServer(
    // A client without a certificate is let in and sent away: a broken handshake would be tried again.
    { cert: server.certificate.toPem(), key: pem(server.key), ca, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const refusal = objection(request);
      if (refusal === undefined) answer(request, response);
      else response.writeHead(refusal, { 'www-authenticate': 'Basic realm="guarded"' }).end();
    },
  );
  const proxy = createHttpServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '', `http://${PLAIN_HOST}`);
    request.url = `${pathname}${search}`;
    answer(request, response);
  });
  proxy.on('connect', (_, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  });
  const servers = [open, guarded, proxy];
  const [openHost = '', guardedHost = '', proxyHost = ''] = await Promise.all(servers.map(listening));
  return {
    openHost,
    guardedHost,
    proxy: `http://${proxyHost}`,
    files: {
      'ca.pem': ca,
      'client.pem': client.certificate.toPem(),
      'client.key': pem(client.key),
      'other.key': pem(server.key),
    },
    seen,
    close: async () => {
      for (const one of servers) {
        one.closeAllConnections();
        one.close();
      }
      await registry.close();
    },
  };
}

/** @returns the status to refuse with */
function objection({ socket, headers }: IncomingMessage): number | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return 403;
  const basic = `Basic ${Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64')}`;
  return headers.authorization === basic || headers.authorization === `Bearer ${TOKEN}` ? undefined : 401;
}

function holder(root: Holder, name: string): Holder {
  return issue({ name, extensions: [subjectAltNameExtension(false, { kind: 'dns', value: SERVER_NAME })] }, root);
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function pem(key: PrivateKey): string {
  return encodePem('PRIVATE KEY', key.toPkcs8());
}
