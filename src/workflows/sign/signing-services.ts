import type { Certificate } from '../../core/pki/certificate.ts';
import { selectServices, type SelectedServices } from '../../core/trust/service-selection.ts';
import type { SigningConfig } from '../../core/trust/signing-config.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { SignatureScheme } from '../../core/crypto/signature.ts';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';

/** With what, and against what, signatures are made. */
export interface SigningContext {
  readonly http: HttpClient;
  /** Which services to use. One that the config does not list is not used; keyless signing needs an authority. */
  readonly signingConfig: SigningConfig;
  /** Everything that the services answer is checked against this before it is used. */
  readonly trustedRoot: TrustedRoot;
  readonly now: () => Date;
  /** For timestamp authorities that ask who asks them; the usual client when absent. */
  readonly timestampHttp?: HttpClient;
  /** As cosign: with a certificate of one's own, the bundle carries its intermediates, which its version does not provide for. */
  readonly chainInBundle?: boolean;
  /**
   * As cosign, with services that flags name and a key of one's own: nobody is trusted, so that their answers, and a certificate
   * of one's own, are stored as they are. Whoever verifies finds out.
   */
  readonly unverifiedServices?: boolean;
  /** As cosign: a fresh certificate is signed with although neither log nor timestamp will ever tell when that was. */
  readonly undatedCertificates?: boolean;
}

/** A certificate for the signer's own key, by whatever authority. */
export interface OwnCertificate {
  readonly certificate: Certificate;
  /** The authority that issued it first, its root last; empty when only the trusted root knows them. */
  readonly chain: readonly Certificate[];
}

/** Whose signature it is to be. */
export type SignerInput =
  | {
      readonly kind: 'keyless';
      /** Asked for late, and once: an unknown image should not cost a visit to the browser. */
      readonly identityToken: () => Promise<string>;
      /** Makes the ephemeral key, ECDSA P-256 when absent; or gives one that is to be certified (`--issue-certificate`). */
      readonly generateKey?: () => SigningKey;
    }
  | {
      readonly kind: 'key';
      readonly key: SigningKey;
      /** The key's usual one when absent; anything else no log of version 2 takes. */
      readonly scheme?: SignatureScheme;
      /** What makes it somebody's. */
      readonly certificate?: OwnCertificate;
    };

/**
 * The services to sign with now.
 *
 * @throws UsageError USAGE_BAD_CONFIG when the config cannot serve: no authority for keyless signing, or a log that tells no
 *   time without an authority that does
 */
export function selectSigningServices(context: SigningContext, signer: SignerInput): SelectedServices {
  const services = selectServices(context.signingConfig, context.now());
  if (signer.kind === 'key') return services;
  if (services.ca === undefined) {
    throw new UsageError('USAGE_BAD_CONFIG', 'the signing config lists no certificate authority', {
      found: 'no caUrls',
      expected: 'an authority for keyless signing, or a key',
      fix: 'sign with --key, or name a signing config with a certificate authority',
    });
  }
  // Rekor v2 entries bear no time, and a certificate of minutes is worth nothing without one (cosign.md §5.5).
  const isDated = services.tsas.length > 0 || services.logs.some(({ majorApiVersion }) => majorApiVersion === 1);
  if (!isDated && !(context.undatedCertificates === true && services.logs.length === 0)) {
    throw new UsageError('USAGE_BAD_CONFIG', 'nothing in the signing config would tell when the signature was made', {
      found: 'no timestamp authority, and no log of version 1',
      expected: 'a timestamp authority in tsaUrls',
      details: {
        cosign:
          'a timestamp authority must be provided to request a short-lived certificate that will be logged to Rekor',
      },
    });
  }
  return services;
}
