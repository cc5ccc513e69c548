import { AuthError } from '../../errors.ts';
import { isLoopback } from '../../io/net/loopback.ts';

/**
 * A name that only this machine can have. Subdomains of `localhost` are left out: a resolver that a stranger answers for
 * could rebind one of them, a number it cannot, and `localhost` itself is in every hosts file.
 *
 * @param hostname as in `URL.hostname`
 */
export function isOwnMachine(hostname: string): boolean {
  return isLoopback(hostname) && !hostname.endsWith('.localhost');
}

/**
 * A page that a browser shows us may have been rebound to 127.0.0.1 by its own DNS (then Host is its name), so every
 * request must have called this machine by a loopback name.
 *
 * @throws AuthError AUTH_FORBIDDEN
 */
export function requireLoopbackHost(request: Request): void {
  const host = request.headers.get('host') ?? '';
  const url = URL.parse(`http://${host}`);
  // Whatever URL parsing would fold away (user, path) is no Host header.
  if (url !== null && url.host !== '' && !/[@/?#\\]/.test(host) && isOwnMachine(url.hostname)) return;
  throw new AuthError('AUTH_FORBIDDEN', 'the development issuer answers to loopback names only', {
    found: `Host: ${host.slice(0, 256)}`,
    expected: '127.0.0.1, [::1] or localhost',
  });
}

/**
 * A form must come from our own page: browsers state the origin of every POST.
 *
 * @throws AuthError AUTH_FORBIDDEN
 */
export function requireOwnPage(request: Request): void {
  const origin = request.headers.get('origin') ?? 'none';
  const site = request.headers.get('sec-fetch-site') ?? 'same-origin';
  if (origin === `http://${request.headers.get('host') ?? ''}` && site === 'same-origin') return;
  throw new AuthError('AUTH_FORBIDDEN', 'this form was not sent from a page of the development issuer', {
    found: `Origin: ${origin.slice(0, 256)}`,
    expected: 'the origin of the login page itself',
  });
}

/**
 * Requests of programs carry none of what a browser adds for a page.
 *
 * @throws AuthError AUTH_FORBIDDEN
 */
export function refuseWebPages(request: Request): void {
  const mark = ['origin', 'sec-fetch-site', 'referer'].find((name) => request.headers.has(name));
  if (mark === undefined) return;
  throw new AuthError('AUTH_FORBIDDEN', 'web pages get no tokens', {
    found: `a request with the header ${mark}`,
    expected: 'a program on this machine',
  });
}
