import { AuthError, LimitError, type SealwrightError } from '../../errors.ts';

/** Codes of RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5 and OpenID Connect Core §3.1.2.6, as far as given here. */
export type OAuthErrorCode =
  | 'access_denied'
  | 'authorization_pending'
  | 'expired_token'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'login_required'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'slow_down'
  | 'temporarily_unavailable'
  | 'unsupported_grant_type'
  | 'unsupported_response_type';

/** A refusal in the protocol's own words. The message is for developers, and never quotes what was sent. */
export function refusal(oauth: OAuthErrorCode, message: string): AuthError {
  return new AuthError('AUTH_FORBIDDEN', message, { details: { oauth } });
}

/** RFC 6749 §5.2: `{"error", "error_description"}`, never cached. */
export function oauthErrorResponse(error: SealwrightError): Response {
  const oauth = oauthCode(error);
  const headers = new Headers({ 'cache-control': 'no-store' });
  if (oauth === 'invalid_client') headers.set('www-authenticate', 'Basic realm="development issuer"');
  if (error instanceof LimitError && error.retryAfterSeconds !== undefined) {
    headers.set('retry-after', String(error.retryAfterSeconds));
  }
  return Response.json({ error: oauth, error_description: error.message }, { status: statusOf(error, oauth), headers });
}

/** The protocol's code for any refusal of ours. */
export function oauthCode(error: SealwrightError): OAuthErrorCode {
  const oauth = error.facts.details?.['oauth'];
  if (typeof oauth === 'string') return oauth as OAuthErrorCode;
  return error.code === 'LIMIT_BUSY' ? 'temporarily_unavailable' : 'invalid_request';
}

function statusOf(error: SealwrightError, oauth: OAuthErrorCode): number {
  if (oauth === 'invalid_client') return 401;
  return error.facts.details?.['oauth'] === undefined ? error.httpStatus : 400;
}
