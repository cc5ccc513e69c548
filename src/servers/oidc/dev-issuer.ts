import type { Hono } from 'hono';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { AuthError, SealwrightError, UsageError } from '../../errors.ts';
import { createApp } from '../shell/app.ts';
import { errorResponse } from '../shell/error-response.ts';
import type { Logger } from '../shell/logger.ts';
import { AuthorizationCodes } from './authorization-codes.ts';
import { SharedSecret } from '../shell/shared-secret.ts';
import { DeviceAuthorizations } from './device-authorizations.ts';
import { describeProvider } from './discovery.ts';
import { answerAuthorization, answerDevicePage, errorPage } from './login-endpoint.ts';
import { oauthErrorResponse } from './oauth-error.ts';
import { isOwnMachine, refuseWebPages, requireLoopbackHost } from './request-guard.ts';
import { answerDeviceAuthorization, answerTestToken, answerToken, type TokenParts } from './token-endpoint.ts';
import { TokenMint, type JwkSet } from './token-mint.ts';

export interface DevIssuerOptions {
  /** `iss` of every token, without a final slash; where the routes are mounted. Its host is a loopback name. */
  readonly issuerUrl: string;
  /** The address that its server listens on. */
  readonly host: string;
  /** RSA (RS256) or P-256 (ES256). */
  readonly key: PrivateKey;
  /** At least 16 characters; whoever has it can be anyone. */
  readonly developerSecret: string;
  readonly now: () => Date;
  readonly logger?: Logger;
}

export interface DevIssuer {
  readonly routes: Hono;
  /** For a CA in the same process, which so needs no connection to itself. */
  keys(): Promise<JwkSet>;
  close(): Promise<void>;
}

const TOKEN_LIFETIME_SECONDS = 3600;

type Endpoint = (request: Request) => Promise<Response>;
type Refuse = (error: SealwrightError) => Response;

/**
 * An identity provider for development, which believes whoever holds its secret.
 *
 * @throws UsageError USAGE_NOT_LOOPBACK, USAGE_BAD_CONFIG
 */
export function createDevIssuer(options: DevIssuerOptions): DevIssuer {
  const { issuerUrl, now, logger } = options;
  requireLoopback(options);
  const mint = new TokenMint({ issuerUrl, key: options.key, lifetimeSeconds: TOKEN_LIFETIME_SECONDS, now });
  const parts: TokenParts = {
    issuerUrl,
    mint,
    secret: new SharedSecret('developer', options.developerSecret, now),
    codes: new AuthorizationCodes(now),
    devices: new DeviceAuthorizations(now),
  };
  logger?.warn(
    { issuer: issuerUrl },
    'development issuer: vouches for any address that the holder of its secret names',
  );
  return {
    routes: mountRoutes(parts, logger),
    keys: () => mint.jwks(),
    close: () => {
      parts.codes.clear();
      parts.devices.clear();
      return Promise.resolve();
    },
  };
}

function mountRoutes(parts: TokenParts, logger: Logger | undefined): Hono {
  const app = createApp(logger);
  const serve = (method: string, path: string, endpoint: Endpoint, refuse: Refuse = errorResponse): void => {
    app.on(method, path, (context) => answer(endpoint, refuse, context.req.raw));
  };
  const { issuerUrl, mint } = parts;
  serve('GET', '/.well-known/openid-configuration', () => document(describeProvider(issuerUrl, mint.algorithm)));
  serve('GET', '/jwks', async () => document(await mint.jwks()));
  for (const method of ['GET', 'POST']) {
    serve(method, '/auth', (request) => answerAuthorization(parts, request), errorPage);
    serve(method, '/device', (request) => answerDevicePage(parts, request), errorPage);
    serve(method, '/userinfo', (request) => answerUserinfo(mint, request), userinfoError);
  }
  serve('POST', '/token', (request) => answerToken(parts, request), oauthErrorResponse);
  serve('POST', '/device/code', (request) => answerDeviceAuthorization(parts, request), oauthErrorResponse);
  serve('POST', '/test-token', (request) => answerTestToken(parts, request));
  return app;
}

/** Refusals are said in the words of the endpoint's callers; our own faults go to the shell, which logs them. */
async function answer(endpoint: Endpoint, refuse: Refuse, request: Request): Promise<Response> {
  requireLoopbackHost(request);
  try {
    return await endpoint(request);
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.httpStatus >= 500) throw error;
    return refuse(error);
  }
}

function document(body: object): Promise<Response> {
  return Promise.resolve(Response.json(body));
}

/** OpenID Connect Core §5.3. */
async function answerUserinfo(mint: TokenMint, request: Request): Promise<Response> {
  refuseWebPages(request);
  const [, token] = /^Bearer ([\w.-]+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  if (token === undefined) {
    throw new AuthError('AUTH_TOKEN_INVALID', 'there is no access token', { expected: 'Authorization: Bearer TOKEN' });
  }
  const { sub, email } = await mint.claimsOf(token);
  return Response.json({ sub, email, email_verified: true }, { headers: { 'cache-control': 'no-store' } });
}

/** RFC 6750 §3. */
function userinfoError(error: SealwrightError): Response {
  const response = errorResponse(error);
  if (response.status === 401) response.headers.set('www-authenticate', 'Bearer error="invalid_token"');
  return response;
}

function requireLoopback({ host, issuerUrl }: DevIssuerOptions): void {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const url = URL.parse(issuerUrl);
  for (const hostname of [URL.parse(`http://${bracketed}`)?.hostname, url?.hostname]) {
    if (hostname !== undefined && isOwnMachine(hostname)) continue;
    throw new UsageError('USAGE_NOT_LOOPBACK', 'the development issuer would be open to other machines', {
      found: `address ${host}, issuer ${issuerUrl}`,
      expected: '127.0.0.1, ::1 or localhost in both',
    });
  }
  if (
    url?.protocol !== 'http:' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== '' ||
    issuerUrl.endsWith('/')
  ) {
    throw new UsageError('USAGE_BAD_CONFIG', 'the issuer URL cannot be one', {
      found: issuerUrl,
      expected: 'http://, a loopback name, a path without a final slash',
    });
  }
}
