import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Hono } from 'hono';
import { RemoteError } from '../../errors.ts';
import { readBody } from './body.ts';
import { errorResponse } from './error-response.ts';
import type { Logger } from './logger.ts';

/**
 * A question and its answer, both JSON and both small enough to be held. Of what is asked hundreds of times a second, Request,
 * Response and their streams cost more than the answer; so a server can also be given such routes themselves (`listen`).
 */
export interface JsonRoute {
  /** Exact: `/validate`. */
  readonly path: string;
  readonly maxBytes: number;
  /** @param query what stands behind the `?`, undecoded. What it throws is answered in the error contract */
  readonly answer: (body: Uint8Array, query: string) => Promise<string>;
}

const JSON_TYPE = 'application/json';

/** For requests that come as such, and for those that {@link directListener} leaves to the application. */
export function mountJsonRoute(routes: Hono, { path, maxBytes, answer }: JsonRoute): void {
  routes.post(path, async (context) => {
    const text = await answer(await readBody(context.req.raw, maxBytes), queryOf(context.req.url));
    return context.body(text, 200, { 'content-type': JSON_TYPE });
  });
}

/**
 * Answers these routes from the socket, and leaves everything else to `others`: other methods and paths, bodies that are too
 * large and those whose length nobody has declared.
 */
export function directListener(
  routes: readonly JsonRoute[],
  others: RequestListener,
  logger: Logger | undefined,
): RequestListener {
  const known = new Map(routes.map((route) => [route.path, route]));
  return (incoming, outgoing) => {
    const { url = '', method } = incoming;
    const end = url.indexOf('?');
    const path = end === -1 ? url : url.slice(0, end);
    const route = method === 'POST' ? known.get(path) : undefined;
    const declared = Number(incoming.headers['content-length'] ?? NaN);
    if (route === undefined || !(declared <= route.maxBytes)) {
      others(incoming, outgoing);
      return;
    }
    answerDirectly(route, incoming, outgoing).catch((error: unknown) => {
      void refuse(error, path, outgoing, logger);
    });
  };
}

async function answerDirectly(route: JsonRoute, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const text = await route.answer(await wholeBody(incoming), queryOf(incoming.url ?? ''));
  outgoing.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}

/** The HTTP parser holds the body to its declared length. */
function wholeBody(incoming: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const [first] = chunks;
      resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
    const cutShort = (cause?: Error): void => {
      if (!incoming.complete) reject(new RemoteError('REMOTE_BODY', 'the request body ended early', { cause }));
    };
    incoming.on('error', cutShort);
    incoming.on('close', cutShort);
  });
}

async function refuse(
  error: unknown,
  path: string,
  outgoing: ServerResponse,
  logger: Logger | undefined,
): Promise<void> {
  const response = errorResponse(error);
  if (response.status >= 500) logger?.error({ error, method: 'POST', path }, 'request failed');
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}
