import { redactUrl } from '../../io/net/url-redaction.ts';

/** Headers whose values are credentials: named, never shown. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-registry-auth']);

/** The part of Node's request that is told of; this room has no business with `node:http` itself. */
interface TracedRequest {
  readonly method: string;
  readonly protocol: string;
  readonly host: string;
  readonly path: string;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
}

interface TracedResponse {
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

interface RequestEvent {
  readonly request: TracedRequest;
}

/**
 * Tells of every HTTP request and answer of this process, whichever part of it asks: `-d`, as cosign has it. Node announces
 * them on channels of its own, so no client needs to know that somebody listens. Credentials and the queries of addresses
 * are left out, and so are bodies, which may hold tokens.
 */
export function traceHttp(write: (line: string) => void): void {
  const channels = process.getBuiltinModule('node:diagnostics_channel');
  channels.subscribe('http.client.request.start', (event) => {
    const { request } = event as RequestEvent;
    write(`--> ${request.method} ${addressOf(request)}`);
    for (const line of headerLines(request.getHeaders())) write(line);
  });
  channels.subscribe('http.client.response.finish', (event) => {
    const { request, response } = event as RequestEvent & { readonly response: TracedResponse };
    write(`<-- ${response.statusCode ?? 0} ${addressOf(request)}`);
    for (const line of headerLines(response.headers)) write(line);
  });
  channels.subscribe('http.client.request.error', (event) => {
    const { request, error } = event as RequestEvent & { readonly error: Error };
    write(`<-- ${error.message} ${addressOf(request)}`);
  });
}

function addressOf(request: TracedRequest): string {
  const { protocol, host, path } = request;
  // Through a proxy the path is the whole address.
  const text = /^https?:/.test(path) ? path : `${protocol}//${String(request.getHeaders()['host'] ?? host)}${path}`;
  return redactUrl(text);
}

function headerLines(headers: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(headers).map(([name, value]) => {
    if (SECRET_HEADERS.has(name.toLowerCase())) return `    ${name}: (not shown)`;
    return `    ${name}: ${name.toLowerCase() === 'location' ? redactUrl(String(value)) : String(value)}`;
  });
}
