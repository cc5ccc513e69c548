import { CLIENT_ID } from './authorization-request.ts';
import { GRANT_TYPES } from './token-endpoint.ts';

/** OpenID Connect Discovery §3, RFC 8414 §2, RFC 8628 §4, RFC 9207 §3. */
export function describeProvider(issuerUrl: string, algorithm: string): object {
  return {
    issuer: issuerUrl,
    authorization_endpoint: `${issuerUrl}/auth`,
    token_endpoint: `${issuerUrl}/token`,
    jwks_uri: `${issuerUrl}/jwks`,
    userinfo_endpoint: `${issuerUrl}/userinfo`,
    device_authorization_endpoint: `${issuerUrl}/device/code`,
    grant_types_supported: GRANT_TYPES,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    scopes_supported: ['openid', 'email'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
    // cosign stops with "PKCE is not supported" without this member.
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'nonce', 'email', 'email_verified'],
    authorization_response_iss_parameter_supported: true,
    claims_parameter_supported: false,
    request_parameter_supported: false,
    // True when absent.
    request_uri_parameter_supported: false,
    // Not registered anywhere: a sign for people who come across this document.
    development_only: true,
    development_client_id: CLIENT_ID,
  };
}
