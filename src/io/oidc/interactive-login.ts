import type * as OpenId from 'openid-client';
import type { Configuration, TokenEndpointResponse } from 'openid-client';
import { AuthError, RemoteError, SealwrightError, UsageError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { isLoopback } from '../net/loopback.ts';
import { listenForRedirect } from './loopback-redirect.ts';
import { openidFetch } from './openid-fetch.ts';
import { DEFAULT_AUDIENCE, type ObtainedToken } from './token-source.ts';

export interface LoginOptions {
  /** As in the signing config. */
  readonly issuerUrl: string;
  /** `sigstore` when absent. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** `--oidc-redirect-url`: where the browser comes back to. */
  readonly redirectUrl?: string;
  /** Tells a person what to do. */
  readonly show: (line: string) => void;
  /** In place of `show`, what is to be done on another device. */
  readonly showDevice?: (device: DeviceLogin) => void;
  /** Asked before a browser is opened; throws to be left alone. */
  readonly agree?: () => void;
  /** False when no browser could be started; then the address is shown. */
  readonly openBrowser?: (url: string) => Promise<boolean>;
  /** How long a person may take. */
  readonly timeoutMs?: number;
}

/** What a person needs to log in elsewhere (RFC 8628 §3.2). */
export interface DeviceLogin {
  readonly userCode: string;
  readonly url: string;
  readonly expiresInSeconds: number;
}

const SCOPE = 'openid email';
const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * A login in the browser: authorization code with PKCE, state and nonce, back to a port on this machine.
 *
 * @throws AuthError AUTH_TOKEN_INVALID when the provider or the person says no; RemoteError; UsageError
 */
export async function browserLogin(http: HttpClient, options: LoginOptions): Promise<ObtainedToken> {
  const openid = await import('openid-client');
  return translated(openid, options, async () => {
    const configuration = await discover(openid, http, options);
    const redirect = await listenForRedirect(options.redirectUrl);
    try {
      const pkceCodeVerifier = openid.randomPKCECodeVerifier();
      const expectedState = openid.randomState();
      const expectedNonce = openid.randomNonce();
      const url = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirect.redirectUri,
        scope: SCOPE,
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: expectedState,
        nonce: expectedNonce,
      });
      const answer = redirect.callback(expectedState, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      // Someone may already be waiting for it when the browser cannot be started: never unhandled.
      answer.catch(() => undefined);
      if ((await options.openBrowser?.(url.href)) === true) options.show('Your browser is open for you to log in.');
      else options.show(`Log in here: ${url.href}`);
      const tokens = await openid.authorizationCodeGrant(configuration, await answer, {
        pkceCodeVerifier,
        expectedState,
        expectedNonce,
        idTokenExpected: true,
      });
      return idToken(tokens, options);
    } finally {
      redirect.close();
    }
  });
}

/** A login on another device: a code to type in there (RFC 8628). Errors as {@link browserLogin}. */
export async function deviceLogin(http: HttpClient, options: LoginOptions): Promise<ObtainedToken> {
  const openid = await import('openid-client');
  return translated(openid, options, async () => {
    const configuration = await discover(openid, http, options);
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    // Dex demands that the device flow, too, be bound to whoever began it.
    const device = await openid.initiateDeviceAuthorization(configuration, {
      scope: SCOPE,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const url = device.verification_uri_complete ?? device.verification_uri;
    if (options.showDevice === undefined) {
      options.show(`Log in at ${url}`);
      options.show(`and compare or enter this code: ${device.user_code}`);
    } else options.showDevice({ userCode: device.user_code, url, expiresInSeconds: device.expires_in });
    const tokens = await openid.pollDeviceAuthorizationGrant(
      configuration,
      device,
      { code_verifier: pkceCodeVerifier },
      { signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS) },
    );
    return idToken(tokens, options);
  });
}

/**
 * A token for a program that has a secret of its own (RFC 6749 §4.4). Not every provider gives identity tokens this way.
 *
 * @throws UsageError USAGE_BAD_FLAG without a secret; otherwise as {@link browserLogin}
 */
export async function clientCredentialsLogin(http: HttpClient, options: LoginOptions): Promise<ObtainedToken> {
  if (options.clientSecret === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'the client credentials flow needs the secret of the client', {
      found: 'no --oidc-client-secret-file',
      expected: 'a file with the secret, and --oidc-client-id for whose it is',
    });
  }
  const openid = await import('openid-client');
  return translated(openid, options, async () => {
    const configuration = await discover(openid, http, options);
    return idToken(await openid.clientCredentialsGrant(configuration, { scope: SCOPE }), options);
  });
}

async function discover(openid: typeof OpenId, http: HttpClient, options: LoginOptions): Promise<Configuration> {
  const issuer = URL.parse(options.issuerUrl);
  const isPlain = issuer?.protocol === 'http:' && isLoopback(issuer.hostname);
  if (issuer === null || !(issuer.protocol === 'https:' || isPlain)) {
    throw new UsageError('USAGE_BAD_CONFIG', 'the identity provider cannot be asked', {
      found: options.issuerUrl.slice(0, 200),
      expected: 'an https URL, or a loopback address',
    });
  }
  const { clientId = DEFAULT_AUDIENCE, clientSecret } = options;
  return openid.discovery(
    issuer,
    clientId,
    clientSecret === undefined ? {} : { client_secret: clientSecret },
    clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret),
    {
      [openid.customFetch]: openidFetch(http),
      execute: [openid.enableNonRepudiationChecks, ...(isPlain ? [plainLoopback(openid)] : [])],
    },
  );
}

/**
 * Leave to speak plain HTTP, for a development issuer on this machine; the HTTP client refuses it anywhere else. The library
 * marks the function as deprecated to make it stand out, so it is asked for by name.
 */
function plainLoopback(openid: typeof OpenId): (configuration: Configuration) => void {
  return Reflect.get<typeof OpenId, 'allowInsecureRequests'>(openid, 'allowInsecureRequests');
}

function idToken(tokens: TokenEndpointResponse, { issuerUrl }: LoginOptions): ObtainedToken {
  if (tokens.id_token !== undefined) return { token: tokens.id_token, source: `a login at ${issuerUrl}` };
  throw new AuthError('AUTH_TOKEN_INVALID', 'the identity provider answered without an identity token', {
    found: 'a token response without id_token',
    expected: 'an OpenID Connect provider that knows the scope openid',
  });
}

/** The library's errors in our words. Their texts may hold what was sent, so only codes and OAuth's own fields are used. */
async function translated<Value>(
  openid: typeof OpenId,
  { issuerUrl }: LoginOptions,
  run: () => Promise<Value>,
): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    const ours = [error, error instanceof Error ? error.cause : undefined].find(
      (one) => one instanceof SealwrightError,
    );
    if (ours !== undefined) throw ours;
    if (error instanceof openid.AuthorizationResponseError || error instanceof openid.ResponseBodyError) {
      throw new AuthError('AUTH_TOKEN_INVALID', 'the identity provider did not log you in', {
        found: [error.error, error.error_description]
          .filter((part) => part !== undefined)
          .join(': ')
          .slice(0, 300),
        expected: `a completed login at ${issuerUrl}`,
      });
    }
    if (error instanceof openid.WWWAuthenticateChallengeError) {
      throw new AuthError('AUTH_TOKEN_INVALID', 'the identity provider does not know this client', {
        found: `status ${error.status} for the client`,
        expected: "the client's name and secret, as the provider has them",
        fix: 'check --oidc-client-id and --oidc-client-secret-file',
      });
    }
    if (!(error instanceof openid.ClientError)) throw error;
    if (error.code === 'OAUTH_TIMEOUT') {
      throw new RemoteError('REMOTE_TIMEOUT', 'nobody logged in', { expected: `a completed login at ${issuerUrl}` });
    }
    throw new RemoteError('REMOTE_BODY', 'the identity provider answered in a way that cannot be used', {
      found: error.code ?? 'an answer that breaks OpenID Connect',
      expected: `answers as OpenID Connect Core 1.0 has them, from ${issuerUrl}`,
    });
  }
}
