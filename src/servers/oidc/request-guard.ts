import { createHmac } from 'node:crypto';
import { constantTimeEqual } from '../../core/crypto/constant-time.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { AuthError } from '../../errors.ts';
import { isLoopback } from '../../io/net/loopback.ts';

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
  if (url !== null && url.host !== '' && !/[@/?#\\]/.test(host) && isLoopback(url.hostname)) return;
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
  throw new AuthError('AUTH_FORBIDDEN', 'web pages get no test tokens', {
    found: `a request with the header ${mark}`,
    expected: 'a program on this machine',
  });
}

/** Compares a secret without telling by time how much of it was right; digests make the lengths equal. */
export class DeveloperSecret {
  readonly #digest: Uint8Array;

  constructor(secret: string) {
    this.#digest = sha256(utf8(secret));
  }

  matches(candidate: string): boolean {
    return constantTimeEqual(sha256(utf8(candidate)), this.#digest);
  }

  /** @throws AuthError AUTH_FORBIDDEN */
  require(candidate: string | undefined): void {
    if (candidate !== undefined && this.matches(candidate)) return;
    throw new AuthError('AUTH_FORBIDDEN', 'the developer secret is missing or wrong', {
      expected: "the text of the stack's secret file, which only its owner can read",
    });
  }
}

/** Binds a form to the page it was shown on: a MAC over what the page asks to approve, and when that ends. */
export class FormSeal {
  readonly #key: Uint8Array;
  readonly #now: () => Date;
  static readonly #lifetimeMs = 15 * 60_000;

  /** @param key 32 random bytes of this process */
  constructor(key: Uint8Array, now: () => Date) {
    this.#key = key;
    this.#now = now;
  }

  seal(content: string): string {
    const ends = this.#now().getTime() + FormSeal.#lifetimeMs;
    return `${ends}.${this.#mac(ends, content)}`;
  }

  /** @throws AuthError AUTH_FORBIDDEN */
  require(seal: string, content: string): void {
    const [, ends = '0', mac = ''] = /^(\d{1,15})\.([A-Za-z0-9_-]{43})$/.exec(seal) ?? [];
    const genuine = constantTimeEqual(utf8(mac), utf8(this.#mac(Number(ends), content)));
    if (genuine && Number(ends) > this.#now().getTime()) return;
    throw new AuthError('AUTH_FORBIDDEN', 'the form is not one that this issuer has shown, or is too old', {
      expected: 'a page opened within the last 15 minutes',
    });
  }

  #mac(ends: number, content: string): string {
    return createHmac('sha256', this.#key).update(`${ends}\n${content}`).digest('base64url');
  }
}
