/** The embedded registry behind a door at which any kind of request can be answered by a lie. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import type { Lie } from './lying-registry.ts';

/** What a request is for. */
export type RequestKind = 'ping' | 'tag' | 'manifest' | 'attachment tag' | 'referrers' | 'blob' | 'tags' | 'write';

export interface Fault {
  /** Whether it answers a request; the others are answered well. */
  readonly concerns: (request: {
    readonly kind: RequestKind;
    readonly method: string;
    readonly url: string;
  }) => boolean;
  readonly lie: Lie;
}

export interface FaultyRegistry {
  readonly host: string;
  /** Every request since the last `begin`. */
  readonly seen: { readonly kind: RequestKind; readonly line: string }[];
  /** Forgets what was seen, and lies from now on; undefined for no lie. */
  readonly begin: (fault?: Fault) => void;
  readonly close: () => Promise<void>;
}

export async function faultyRegistry(dir: string): Promise<FaultyRegistry> {
  const registry = createRegistry({ dir, now: () => new Date() });
  const serve = getRequestListener(registry.routes.fetch, { overrideGlobalObjects: false });
  const seen: FaultyRegistry['seen'] = [];
  let fault: Fault | undefined;
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const kind = kindOf(method, url);
    seen.push({ kind, line: `${method} ${url}` });
    if (fault?.concerns({ kind, method, url }) !== true) {
      void serve(request, response);
      return;
    }
    const { lie } = fault;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      lie(response, request, Buffer.concat(chunks));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    begin: (next) => {
      fault = next;
      seen.splice(0);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await registry.close();
    },
  };
}

function kindOf(method: string, url: string): RequestKind {
  if (method !== 'GET' && method !== 'HEAD') return 'write';
  if (url === '/v2/') return 'ping';
  if (url.includes('/referrers/')) return 'referrers';
  if (url.includes('/blobs/')) return 'blob';
  if (url.includes('/tags/list')) return 'tags';
  if (url.includes('/manifests/sha256:')) return 'manifest';
  return url.includes('/manifests/sha256-') ? 'attachment tag' : 'tag';
}
