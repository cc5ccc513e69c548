import { isEmailAddress } from '../../core/identity/email-address.ts';
import { SealwrightError } from '../../errors.ts';
import type { AuthorizationCodes } from './authorization-codes.ts';
import {
  OUT_OF_BAND,
  parseAuthorizationRequest,
  parseResponseTarget,
  responseUrl,
  type AuthorizationRequest,
  type ResponseTarget,
} from './authorization-request.ts';
import type { SharedSecret } from '../shell/shared-secret.ts';
import type { DeviceAuthorizations } from './device-authorizations.ts';
import { oauthCode } from './oauth-error.ts';
import { codePage, devicePage, donePage, loginPage, refusedPage, type PageOptions, type Typed } from './pages.ts';
import { formParameters, queryParameters, type Parameters } from './parameters.ts';
import { requireOwnPage } from './request-guard.ts';

/** What the two endpoints that a browser shows are made of. */
export interface LoginParts {
  readonly issuerUrl: string;
  readonly secret: SharedSecret;
  readonly codes: AuthorizationCodes;
  readonly devices: DeviceAuthorizations;
}

const NOT_AN_ADDRESS =
  'This is not an address that a certificate can name: ASCII with a dotted domain, such as dev@example.com.';

/**
 * The authorization endpoint (RFC 6749 §3.1): the login page, and its form. The request stays in the query, to which the
 * form posts back, so there is nothing to keep meanwhile: no session, no cookie.
 */
export async function answerAuthorization(parts: LoginParts, request: Request): Promise<Response> {
  const query = queryParameters(request);
  const target = parseResponseTarget(query);
  let asked: AuthorizationRequest;
  try {
    asked = parseAuthorizationRequest(query, target);
  } catch (error) {
    return reportTo(target, parts.issuerUrl, error);
  }
  const options: PageOptions = { formTarget: formTargetOf(target) };
  if (request.method !== 'POST') return loginPage(hint(query), options);
  requireOwnPage(request);
  const form = await formParameters(request);
  const email = form.optional('email') ?? '';
  return withReason({ email }, loginPage, options, () => {
    parts.secret.require(form.optional('secret'));
    if (!isEmailAddress(email)) return loginPage({ email, error: NOT_AN_ADDRESS }, { ...options, status: 400 });
    const { redirectUri, nonce, codeChallenge } = asked;
    const code = parts.codes.issue({ email, redirectUri, nonce, codeChallenge });
    return redirectUri === OUT_OF_BAND ? codePage(code) : seeOther(responseUrl(target, parts.issuerUrl, { code }));
  });
}

/** The page where a device's code is approved (RFC 8628 §3.3). */
export async function answerDevicePage(parts: LoginParts, request: Request): Promise<Response> {
  if (request.method !== 'POST') {
    const userCode = queryParameters(request).optional('user_code');
    return devicePage(userCode === undefined ? {} : { userCode: userCode.slice(0, 16) });
  }
  requireOwnPage(request);
  const form = await formParameters(request);
  const typed = { email: form.optional('email') ?? '', userCode: form.optional('user_code') ?? '' };
  const deny = form.required('decision') === 'deny';
  return withReason(typed, devicePage, {}, () => {
    parts.secret.require(form.optional('secret'));
    if (!deny && !isEmailAddress(typed.email)) {
      return devicePage({ ...typed, error: NOT_AN_ADDRESS }, { status: 400 });
    }
    if (!parts.devices.decide(typed.userCode, deny ? 'denied' : { email: typed.email })) {
      return devicePage({ ...typed, error: 'No program waits with this code.' }, { status: 404 });
    }
    return donePage(deny ? 'The program was refused.' : `The program is now ${typed.email}.`);
  });
}

/** What a browser gets for an error: a page, with the reason and the status. */
export function errorPage(error: SealwrightError): Response {
  const oauth = error.facts.details?.['oauth'] !== undefined;
  return refusedPage(`${error.message}.`, { status: oauth ? 400 : error.httpStatus });
}

/** A wrong secret, or one too many, is said on the same page, so that one can try again. */
function withReason(
  typed: Typed,
  show: (typed: Typed, options: PageOptions) => Response,
  options: PageOptions,
  attempt: () => Response,
): Response {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.httpStatus >= 500) throw error;
    return show({ ...typed, error: `${error.message}.` }, { ...options, status: error.httpStatus });
  }
}

/** RFC 6749 §4.1.2.1. */
function reportTo(target: ResponseTarget, issuerUrl: string, error: unknown): Response {
  if (!(error instanceof SealwrightError) || target.redirectUri === OUT_OF_BAND) throw error;
  const answer = { error: oauthCode(error), error_description: error.message };
  return seeOther(responseUrl(target, issuerUrl, answer));
}

function hint(query: Parameters): Typed {
  const email = query.optional('login_hint');
  return email === undefined || !isEmailAddress(email) ? {} : { email };
}

/** 303, so that the browser fetches the target and does not post the secret to it. */
function seeOther(location: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  });
}

/** CSP has no spelling for IPv6 addresses, so for `[::1]` any plain HTTP target has to do. */
function formTargetOf({ redirectUri }: ResponseTarget): string {
  if (redirectUri === OUT_OF_BAND) return '';
  const url = new URL(redirectUri);
  return url.hostname.startsWith('[') ? 'http:' : url.origin;
}
