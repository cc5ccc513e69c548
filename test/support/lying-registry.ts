/** A registry that answers whatever a test tells it to, and a client whose pauses take no time and are written down. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { Repository } from '../../src/core/image/reference.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { fixedCredentials, type Credentials } from '../../src/io/registry/credentials.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { peerServer, type PeerServer } from './peer-server.ts';

export type Lie = (response: ServerResponse, request: IncomingMessage, body: Buffer) => void;

export interface LyingRegistry extends PeerServer {
  readonly repository: Repository;
  /** Requests so far, without the one that finds out whether it is there. */
  asked(): string[];
}

/**
 * @param lies by the beginning of `METHOD path`, the longest first; a list is told one after the other, the last for ever.
 *   What no lie is about is 404, and `GET /v2/` is 200
 */
export async function lyingRegistry(
  t: TestContext,
  lies: Readonly<Record<string, Lie | readonly Lie[]>>,
): Promise<LyingRegistry> {
  const told = new Map<string, number>();
  const table = Object.entries(lies).sort(([a], [b]) => b.length - a.length);
  const peer = await peerServer(t, (request, response, body) => {
    const line = `${request.method ?? ''} ${request.url ?? ''}`;
    const [prefix, lie] = table.find(([beginning]) => line.startsWith(beginning)) ?? [line, undefined];
    if (lie === undefined) {
      response.writeHead(line === 'GET /v2/' ? 200 : 404).end();
      return;
    }
    const list = typeof lie === 'function' ? [lie] : lie;
    const count = told.get(prefix) ?? 0;
    told.set(prefix, count + 1);
    list[Math.min(count, list.length - 1)]?.(response, request, body);
  });
  return {
    ...peer,
    repository: { registry: peer.host, repository: 'shop/app' },
    asked: () => peer.seen.filter((line) => line !== 'GET /v2/'),
  };
}

export interface PatientClient {
  readonly client: RegistryClient;
  /** Pauses before repetitions, in milliseconds. */
  readonly waits: number[];
}

export function patientClient(t: TestContext, credentials?: Credentials): PatientClient {
  const waits: number[] = [];
  const http = new HttpClient({
    clock: {
      now: () => new Date('2026-01-01T00:00:00Z'),
      sleep: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    },
    random: () => 1,
  });
  t.after(() => {
    http.close();
  });
  const client = new RegistryClient({
    http,
    action: 'push',
    sleep: () => Promise.resolve(),
    ...(credentials === undefined ? {} : { credentials: fixedCredentials(credentials) }),
  });
  return { client, waits };
}

/** An answer with status, headers and body. */
export function says(
  status: number,
  body: string | Uint8Array = '',
  headers: Readonly<Record<string, string>> = {},
): Lie {
  return (response) => {
    response.writeHead(status, headers).end(body);
  };
}

/** Announces all of a body and sends half of it. */
export function sendsHalf(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Lie {
  const bytes = Buffer.from(body);
  return (response) => {
    response.writeHead(200, { ...headers, 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  };
}

export const hangsUp: Lie = (response) => {
  response.destroy();
};
