import { RemoteError } from '../../errors.ts';
import type { HttpRequest } from './http-message.ts';
import { redactUrl } from './url-redaction.ts';

export const MAX_REDIRECTS = 5;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Headers that are meant for one host alone. */
const PRIVATE_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/**
 * The request that a redirect asks for (RFC 9110 §15.4), or undefined when the status is none that we follow: a write is
 * repeated elsewhere only by 307 and 308, which say so.
 *
 * @throws RemoteError when Location is missing or no HTTP URL, or would leave TLS
 */
export function redirected(
  request: HttpRequest,
  from: URL,
  status: number,
  location: string | undefined,
): HttpRequest | undefined {
  const method = request.method ?? 'GET';
  const reads = method === 'GET' || method === 'HEAD';
  if (!REDIRECTS.has(status) || !(reads || status === 307 || status === 308)) return undefined;
  const peer = request.peer ?? 'the server';
  if (location === undefined || !URL.canParse(location, from)) {
    throw new RemoteError('REMOTE_BODY', `${peer} at ${from.host} redirects to nowhere`, {
      found: location === undefined ? `status ${status} without Location` : 'a Location that is not a URL',
      details: { url: redactUrl(from) },
    });
  }
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && (from.protocol === 'https:' || to.protocol !== 'http:')) {
    throw new RemoteError(
      'REMOTE_TLS',
      `${peer} at ${from.host} redirects from TLS to plain ${to.protocol.slice(0, -1)}`,
      {
        found: redactUrl(to),
        expected: 'an https URL',
      },
    );
  }
  const sameOrigin = to.origin === from.origin;
  const headers = Object.entries(request.headers ?? {}).filter(
    ([name]) => sameOrigin || !PRIVATE_HEADERS.has(name.toLowerCase()),
  );
  return {
    ...request,
    url: to,
    headers: Object.fromEntries(headers),
    allowHttp: sameOrigin && request.allowHttp === true,
  };
}
