import { parseJson, type JsonValue } from '../../core/encoding/json.ts';
import { RemoteError, UsageError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { parseRetryAfter } from '../net/retry-policy.ts';
import { redactText } from '../net/url-redaction.ts';
import { readAnswer } from './service-answer.ts';

const MAX_ANSWER_BYTES = 16 << 20;
const REFUSALS: readonly number[] = [403, 429];
const LIMITS = { maxBytes: MAX_ANSWER_BYTES, maxDepth: 32 };

/** Where a tracker is and how it is asked; the token is in the headers and nowhere else. */
export interface TrackerAccess {
  readonly http: HttpClient;
  readonly name: string;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly now: () => Date;
}

/**
 * One request to a tracker, and its answer as JSON (undefined where it has none). Redirects are refused: they would lead the text of a
 * ticket to another place.
 *
 * @throws RemoteError REMOTE_THROTTLED also for the 403 by which GitHub says so; REMOTE_BODY for what is no JSON; what HttpClient throws
 */
export async function askTracker(
  { http, name, baseUrl, headers, now }: TrackerAccess,
  method: string,
  path: string,
  body?: JsonValue,
): Promise<JsonValue | undefined> {
  const url = `${baseUrl}${path}`;
  const answer = await http.request({
    method,
    url,
    headers: {
      accept: 'application/json',
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    expect: [200, 201, 204, ...REFUSALS],
    maxBytes: MAX_ANSWER_BYTES,
    redirects: 'refuse',
    peer: name,
  });
  if (REFUSALS.includes(answer.status)) throw refusal(name, answer, now());
  if (answer.body.length === 0) return undefined;
  return readAnswer({ name, url: baseUrl }, () =>
    parseJson(answer.body, `the answer of ${name}`, 'FORMAT_JSON', LIMITS),
  );
}

/** A page of a tracker shows what is not a link as well: only http and https are taken for one. */
export function ticketUrl(name: string, url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && (parsed.protocol === 'https:' || parsed.protocol === 'http:')) return parsed.href;
  throw new RemoteError('REMOTE_BODY', `${name} says that a ticket is where nothing can be`, {
    found: url.slice(0, 100),
    expected: 'an https URL',
  });
}

/** @throws UsageError USAGE_BAD_CONFIG without it */
export function tokenOf(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  about: string,
): string {
  const token = environment[name] ?? '';
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new UsageError('USAGE_BAD_CONFIG', `${name} holds no token`, {
    found: token === '' ? 'nothing' : 'what no header can carry',
    expected: about,
    fix: `set ${name} in the environment`,
  });
}

function refusal(
  name: string,
  {
    status,
    headers,
    body,
  }: { status: number; headers: Readonly<Record<string, string | undefined>>; body: Uint8Array },
  now: Date,
): RemoteError {
  const words = redactText(Buffer.from(body.subarray(0, 2000)).toString('utf8')).trim();
  const found = words === '' ? `status ${status}` : `status ${status}: ${words}`;
  const retryAfterMs = pauseMs(headers, now);
  if (status === 429 || retryAfterMs !== undefined) {
    return new RemoteError('REMOTE_THROTTLED', `${name} wants fewer requests`, {
      found,
      expected: retryAfterMs === undefined ? 'fewer requests' : `a pause of ${Math.ceil(retryAfterMs / 1000)} s`,
      details: retryAfterMs === undefined ? {} : { retryAfterMs },
      status,
      retryable: true,
    });
  }
  return new RemoteError('REMOTE_STATUS', `${name} does not let the token do this`, {
    found,
    expected: 'a token that may read and write tickets there',
    status,
  });
}

/** Retry-After, or GitHub's hour that has no requests left until a second of Unix time. */
function pauseMs(headers: Readonly<Record<string, string | undefined>>, now: Date): number | undefined {
  const asked = parseRetryAfter(headers['retry-after'], now);
  if (asked !== undefined) return asked;
  const reset = headers['x-ratelimit-reset'] ?? '';
  if (headers['x-ratelimit-remaining'] !== '0' || !/^\d{1,12}$/.test(reset)) return undefined;
  return Math.max(1000, Number(reset) * 1000 - now.getTime());
}
