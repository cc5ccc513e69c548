import { isEmailAddress } from '../../core/identity/email-address.ts';
import { AuthError, UsageError } from '../../errors.ts';
import type { AuthorizationCodes } from './authorization-codes.ts';
import { CLIENT_ID } from './authorization-request.ts';
import { clientCredentials, requirePublicClient, type ClientCredentials } from './client-authentication.ts';
import { parseCodeChallenge } from './code-challenge.ts';
import type { SharedSecret } from '../shell/shared-secret.ts';
import { DEVICE_LIFETIME_SECONDS, POLL_INTERVAL_SECONDS, type DeviceAuthorizations } from './device-authorizations.ts';
import { refusal } from './oauth-error.ts';
import { formParameters, type Parameters } from './parameters.ts';
import { refuseWebPages } from './request-guard.ts';
import type { Identity, TokenMint } from './token-mint.ts';

export interface TokenParts {
  readonly issuerUrl: string;
  readonly mint: TokenMint;
  readonly secret: SharedSecret;
  readonly codes: AuthorizationCodes;
  readonly devices: DeviceAuthorizations;
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const GRANT_TYPES: readonly string[] = ['authorization_code', DEVICE_GRANT, 'client_credentials'];
/** Who a program is that has the secret and names nobody; the domain is reserved (RFC 2606 §3). */
const CLIENT_EMAIL = `${CLIENT_ID}@client.example.com`;
const MAX_AUDIENCE_CHARACTERS = 256;

/** The token endpoint (RFC 6749 §3.2). */
export async function answerToken(parts: TokenParts, request: Request): Promise<Response> {
  refuseWebPages(request);
  const form = await formParameters(request);
  const client = clientCredentials(request, form);
  const identity = identityFor(parts, form, client);
  return tokenResponse(parts.mint, identity);
}

function identityFor(parts: TokenParts, form: Parameters, client: ClientCredentials): Identity {
  switch (form.required('grant_type')) {
    case 'authorization_code': {
      requirePublicClient(client);
      const code = form.required('code');
      const login = parts.codes.redeem(code, form.optional('redirect_uri'), form.optional('code_verifier'));
      const { email, nonce } = login;
      return { email, audience: CLIENT_ID, ...(nonce === undefined ? {} : { nonce }) };
    }
    case DEVICE_GRANT: {
      // Clients of sigstore before 1.10 leave client_id out here; the device code is the secret.
      if (client.id !== undefined) requirePublicClient(client);
      const email = parts.devices.redeem(form.required('device_code'), form.optional('code_verifier'));
      return { email, audience: CLIENT_ID };
    }
    case 'client_credentials':
      return clientIdentity(parts.secret, form, client);
    default:
      throw refusal('unsupported_grant_type', `grant_type must be one of ${GRANT_TYPES.join(', ')}`);
  }
}

/** RFC 6749 §4.4, with the developer secret for the client's. */
function clientIdentity(secret: SharedSecret, form: Parameters, client: ClientCredentials): Identity {
  if (client.id !== CLIENT_ID) throw refusal('invalid_client', `this issuer has one client, ${CLIENT_ID}`);
  try {
    secret.require(client.secret);
  } catch (error) {
    if (error instanceof AuthError) throw refusal('invalid_client', error.message);
    throw error;
  }
  const email = form.optional('email') ?? CLIENT_EMAIL;
  if (!isEmailAddress(email)) throw refusal('invalid_request', 'email is no address that a certificate can name');
  return { email, audience: CLIENT_ID };
}

/** The device authorization endpoint (RFC 8628 §3.1). */
export async function answerDeviceAuthorization(parts: TokenParts, request: Request): Promise<Response> {
  refuseWebPages(request);
  const form = await formParameters(request);
  requirePublicClient(clientCredentials(request, form));
  if (form.optional('scope')?.split(' ').includes('openid') !== true) {
    throw refusal('invalid_scope', 'scope must contain openid');
  }
  const { deviceCode, userCode } = parts.devices.start(parseCodeChallenge(form));
  const page = `${parts.issuerUrl}/device`;
  return uncached({
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${userCode}`,
    expires_in: DEVICE_LIFETIME_SECONDS,
    interval: POLL_INTERVAL_SECONDS,
  });
}

/**
 * A token for whoever holds the developer secret, without a person: for tests and scripts.
 * `POST /test-token`, `Authorization: Bearer SECRET`, form `email=…[&audience=…]`.
 */
export async function answerTestToken(parts: TokenParts, request: Request): Promise<Response> {
  refuseWebPages(request);
  parts.secret.requireBearer(request);
  const form = await formParameters(request);
  const audience = form.optional('audience') ?? CLIENT_ID;
  if (audience.length > MAX_AUDIENCE_CHARACTERS) {
    throw new UsageError('USAGE_BAD_FLAG', 'the audience is too long', {
      found: `${audience.length} characters`,
      expected: `at most ${MAX_AUDIENCE_CHARACTERS}`,
    });
  }
  return tokenResponse(parts.mint, { email: form.optional('email') ?? '', audience });
}

/**
 * Both tokens are the same JWT: sigstore-python takes the access token for the identity, as Dex's happens to be one.
 */
async function tokenResponse(mint: TokenMint, identity: Identity): Promise<Response> {
  const token = await mint.mint(identity);
  return uncached({
    access_token: token,
    id_token: token,
    token_type: 'Bearer',
    expires_in: mint.lifetimeSeconds,
    scope: 'openid email',
  });
}

function uncached(body: object): Response {
  return Response.json(body, { headers: { 'cache-control': 'no-store', pragma: 'no-cache' } });
}
