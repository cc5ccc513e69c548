import type { Context, Hono } from 'hono';
import type { IssuerConfig } from '../../core/identity/issuer-config.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import {
  encodeSigningCertificate,
  encodeTrustBundle,
  parseSigningCertificateRequest,
  type CertificateRequestKey,
} from '../../core/wire/ca.ts';
import { AuthError, SealwrightError } from '../../errors.ts';
import { createApp } from '../shell/app.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';
import { errorAnswer } from './error-answer.ts';
import { provenKey } from './certificate-key.ts';
import { issueLeaf, type LeafIssuer } from './leaf-profile.ts';
import { parseLegacyRequest } from './legacy-request.ts';
import type { SuspendedIdentities } from './suspended-identities.ts';
import { TokenVerifier, type TrustedIssuer } from './token-verifier.ts';

export interface CaOptions extends LeafIssuer {
  readonly issuers: readonly TrustedIssuer[];
  /** Nobody when absent. */
  readonly suspended?: SuspendedIdentities;
  readonly now: () => Date;
  readonly logger?: Logger;
}

export interface Ca {
  readonly routes: Hono;
  readonly close: () => Promise<void>;
}

const MAX_BODY_BYTES = 256 << 10;
const PEM_CHAIN = 'application/pem-certificate-chain';

/** Fulcio's HTTP API over one issuing key. */
export function createCa(options: CaOptions): Ca {
  const verifier = new TokenVerifier(options.issuers);
  const app = createApp(options.logger);
  app.onError((error) => errorAnswer(error, options.logger));

  const issue = async (token: string | undefined, key: CertificateRequestKey): Promise<readonly Certificate[]> => {
    const now = options.now();
    const principal = await authenticate(verifier, token, now);
    options.suspended?.require(principal);
    const leaf = await issueLeaf(principal, provenKey(key, principal.name), now, options);
    // Whoever was suspended meanwhile does not get it; it is in the CT log, where everybody can see it.
    options.suspended?.require(principal);
    return [leaf, ...options.chain];
  };

  app.post('/api/v2/signingCert', async (context) => {
    const request = parseSigningCertificateRequest(await readBody(context.req.raw, MAX_BODY_BYTES));
    return context.json(encodeSigningCertificate(await issue(request.identityToken ?? bearer(context), request.key)));
  });
  app.post('/api/v1/signingCert', async (context) => {
    const key = parseLegacyRequest(await readBody(context.req.raw, MAX_BODY_BYTES));
    const chain = await issue(bearer(context), key);
    return context.body(pemChain(chain), 201, { 'content-type': PEM_CHAIN });
  });
  app.get('/api/v2/trustBundle', (context) => context.json(encodeTrustBundle([options.chain])));
  app.get('/api/v1/rootCert', (context) => context.body(pemChain(options.chain), 200, { 'content-type': PEM_CHAIN }));
  app.get('/api/v2/configuration', (context) =>
    context.json({ issuers: options.issuers.map(({ config }) => describeIssuer(config)) }),
  );
  return { routes: app, close: () => Promise.resolve() };
}

/** Every refusal has Fulcio's text, which clients and operators search for; the reason is in `details`. */
async function authenticate(
  verifier: TokenVerifier,
  token: string | undefined,
  now: Date,
): ReturnType<TokenVerifier['verify']> {
  const message = 'There was an error processing the identity token';
  if (token === undefined || token === '') {
    throw new AuthError('AUTH_TOKEN_INVALID', message, { found: 'no token in the body or the Authorization header' });
  }
  try {
    return await verifier.verify(token, now);
  } catch (cause) {
    if (!(cause instanceof SealwrightError) || cause.httpStatus >= 500) throw cause;
    const code = cause instanceof AuthError ? cause.code : 'AUTH_TOKEN_INVALID';
    throw new AuthError(code, message, { ...cause.facts, details: { reason: cause.message }, cause });
  }
}

function bearer(context: Context): string | undefined {
  return context.req.header('authorization')?.replace(/^Bearer /, '');
}

function pemChain(chain: readonly Certificate[]): string {
  return chain.map((certificate) => certificate.toPem().trim()).join('\n');
}

/** protojson emits members with default values as well. */
function describeIssuer(config: IssuerConfig): object {
  return {
    issuerUrl: config.issuerUrl,
    audience: config.clientId,
    challengeClaim: config.type === 'email' ? 'email' : 'sub',
    spiffeTrustDomain: config.spiffeTrustDomain ?? '',
    issuerType: config.type,
    subjectDomain: config.subjectDomain ?? '',
    skipEmailVerification: config.skipEmailVerification ?? false,
  };
}
