import { PrivateKey } from '../../core/crypto/private-key.ts';
import { defaultScheme, type SignatureScheme } from '../../core/crypto/signature.ts';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
import { parseIdentityToken } from '../../core/identity/identity-token.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import type { SelectedServices } from '../../core/trust/service-selection.ts';
import { AuthError, InvariantError, RemoteError, UsageError } from '../../errors.ts';
import { CaClient } from '../../io/clients/ca-client.ts';
import { checkOwnCertificate } from './own-certificate.ts';
import { verifySigningCertificate, type SigningIdentity } from './signing-certificate.ts';
import {
  selectSigningServices,
  type OwnCertificate,
  type SignerInput,
  type SigningContext,
} from './signing-services.ts';

/** Whose key it is. */
export type CertificateHolder =
  /** Verified against the trusted root. */
  | { readonly kind: 'issued'; readonly certificate: Certificate; readonly identity: SigningIdentity }
  /** Brought along, and held against the trusted root when the signature is. */
  | ({ readonly kind: 'own' } & OwnCertificate);

/** A key, and what makes its signature somebody's. */
export interface SigningCredentials {
  readonly key: SigningKey;
  readonly scheme: SignatureScheme;
  /** The scheme was asked for by name, and is not to be another one. */
  readonly isSchemeChosen?: true;
  /** Undefined for key pairs. */
  readonly holder: CertificateHolder | undefined;
  readonly services: SelectedServices;
}

/**
 * A key to sign with: the caller's own, or a fresh one with a certificate for the identity of a token.
 *
 * @throws UsageError USAGE_BAD_CONFIG; AuthError; RemoteError; VerificationError when the certificate is not what it should be
 */
export async function obtainCredentials(context: SigningContext, signer: SignerInput): Promise<SigningCredentials> {
  const services = selectSigningServices(context, signer);
  if (signer.kind === 'key') {
    const scheme = signer.scheme ?? schemeFor(signer.key, services);
    checkLoggable(scheme, services);
    const own = {
      key: signer.key,
      scheme,
      services,
      ...(signer.scheme === undefined ? {} : { isSchemeChosen: true as const }),
    };
    if (signer.certificate === undefined) return { ...own, holder: undefined };
    checkOwnCertificate(signer.certificate, signer.key.publicKey, context.now());
    return { ...own, holder: { kind: 'own', ...signer.certificate } };
  }
  const token = parseIdentityToken(await signer.identityToken());
  if (token.expiresAt !== undefined && token.expiresAt <= context.now()) {
    throw new AuthError('AUTH_TOKEN_EXPIRED', 'the identity token has expired', {
      found: `it expired at ${token.expiresAt.toISOString()}`,
      expected: `a time after ${context.now().toISOString()}`,
    });
  }
  const key = signer.generateKey?.() ?? PrivateKey.generate('ecdsa-p256');
  if (services.ca === undefined) throw new InvariantError('keyless signing without a certificate authority');
  const [certificate] = await new CaClient(context.http, services.ca.url).requestCertificate(token, key);
  if (certificate === undefined) {
    throw new RemoteError('REMOTE_BODY', 'the certificate authority sent no certificate', { found: 'an empty chain' });
  }
  const identity = verifySigningCertificate(certificate, key, token, context.trustedRoot);
  return { key, scheme: schemeFor(key, services), holder: { kind: 'issued', certificate, identity }, services };
}

/** Rekor of both versions verifies RSA signatures as PKCS#1 v1.5, so none of them would take this one. */
function checkLoggable(scheme: SignatureScheme, { logs }: SelectedServices): void {
  const [log] = logs;
  if (log === undefined || !scheme.startsWith('rsa-pss')) return;
  throw new UsageError('USAGE_BAD_CONFIG', 'transparency logs do not take signatures of RSA-PSS', {
    found: `${scheme}, to be logged at ${log.url}`,
    expected: 'PKCS#1 v1.5, which is the default, or a signing config without a log',
    fix: 'sealwright signing-config create --with-default-services --no-default-rekor --out no-log.json',
  });
}

/** Logs take digests: with one, Ed25519 signs in its pre-hashed form (cosign.md §2.4). */
function schemeFor(key: SigningKey, { logs }: SelectedServices): SignatureScheme {
  if (key.kind === 'ed25519') return logs.length > 0 ? 'ed25519ph' : 'ed25519';
  return defaultScheme(key.kind);
}
