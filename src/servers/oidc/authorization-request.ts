import { parseCodeChallenge } from './code-challenge.ts';
import { refusal } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';
import { isOwnMachine } from './request-guard.ts';

/** The one client: public, with an empty secret. Every client of Sigstore calls itself so. */
export const CLIENT_ID = 'sigstore';
/** Shows the code on a page, for a browser that cannot reach the program (cosign and sigstore-python fall back to it). */
export const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';

/** Where the answer may go, known before anything else of the request is looked at. */
export interface ResponseTarget {
  /** Exactly as sent: a loopback URL or {@link OUT_OF_BAND}. */
  readonly redirectUri: string;
  readonly state: string | undefined;
}

export interface AuthorizationRequest extends ResponseTarget {
  readonly nonce: string | undefined;
  /** S256, 43 characters of base64url. */
  readonly codeChallenge: string;
}

/**
 * Client and redirect URI. Whoever gets these wrong must not be redirected to (RFC 6749 §4.1.2.1).
 *
 * @throws AuthError with the OAuth code invalid_request or invalid_client
 */
export function parseResponseTarget(parameters: Parameters): ResponseTarget {
  if (parameters.required('client_id') !== CLIENT_ID) {
    throw refusal('invalid_client', `this issuer has one client, ${CLIENT_ID}`);
  }
  const redirectUri = parameters.required('redirect_uri');
  if (redirectUri !== OUT_OF_BAND && !isLoopbackRedirect(redirectUri)) {
    throw refusal('invalid_request', 'redirect_uri must be http://, a loopback name, any port, no fragment');
  }
  return { redirectUri, state: parameters.optional('state') };
}

/**
 * The rest of the request, whose faults are reported to the target.
 *
 * @throws AuthError with the OAuth code that the target gets
 */
export function parseAuthorizationRequest(parameters: Parameters, target: ResponseTarget): AuthorizationRequest {
  if (parameters.optional('request') !== undefined) {
    throw refusal('request_not_supported', 'request objects are not read');
  }
  if (parameters.optional('request_uri') !== undefined) {
    throw refusal('request_uri_not_supported', 'request objects are not fetched');
  }
  if (parameters.required('response_type') !== 'code') {
    throw refusal('unsupported_response_type', 'response_type must be code');
  }
  if ((parameters.optional('response_mode') ?? 'query') !== 'query') {
    throw refusal('invalid_request', 'response_mode must be query');
  }
  if (!parameters.required('scope').split(' ').includes('openid')) {
    throw refusal('invalid_scope', 'scope must contain openid');
  }
  if (parameters.optional('prompt')?.split(' ').includes('none') === true) {
    // There are no sessions, so nobody is ever logged in already.
    throw refusal('login_required', 'prompt=none cannot be met');
  }
  const codeChallenge = parseCodeChallenge(parameters);
  if (codeChallenge === undefined) throw refusal('invalid_request', 'PKCE is required: code_challenge is missing');
  return { ...target, nonce: parameters.optional('nonce'), codeChallenge };
}

/** The target's URL with the answer in its query, and who gives it (RFC 9207). Not for {@link OUT_OF_BAND}. */
export function responseUrl(
  target: ResponseTarget,
  issuerUrl: string,
  answer: Readonly<Record<string, string>>,
): string {
  const url = new URL(target.redirectUri);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  if (target.state !== undefined) url.searchParams.set('state', target.state);
  url.searchParams.set('iss', issuerUrl);
  return url.href;
}

/** RFC 8252 §7.3: any port, because programs take a free one. */
function isLoopbackRedirect(text: string): boolean {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' || !isOwnMachine(url.hostname)) return false;
  // What parsing would repair or hide (spaces, slashes, user names, fragments) no program sends.
  return /^http:\/\/[^\s\\@#/][^\s\\@#]*$/.test(text) && url.username === '' && url.password === '';
}
