import { RemoteError } from '../../errors.ts';
import type { HttpResponse } from '../net/http-message.ts';
import { redactUrl } from '../net/url-redaction.ts';

/**
 * The page after this one, from `Link: <…>; rel="next"` (RFC 8288), undefined on the last.
 *
 * @throws RemoteError REMOTE_BODY when it leads to another server: a list is one registry's word
 */
export function nextPage(answer: HttpResponse): URL | undefined {
  const target = /<([^<>]*)>\s*;[^,]*\brel\s*=\s*"?next"?(?=[\s;,]|$)/i.exec(answer.headers['link'] ?? '')?.[1];
  if (target === undefined) return undefined;
  const next = URL.canParse(target, answer.url) ? new URL(target, answer.url) : undefined;
  if (next?.origin === answer.url.origin) return next;
  throw new RemoteError('REMOTE_BODY', `the registry at ${answer.url.host} continues its list somewhere else`, {
    found: next === undefined ? 'a Link that is no URL' : redactUrl(next),
    expected: `a page at ${answer.url.origin}`,
  });
}
