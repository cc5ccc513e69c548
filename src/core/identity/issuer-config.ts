import { UsageError } from '../../errors.ts';

/** How an issuer's claims become an identity; names as in Fulcio's configuration. */
export const ISSUER_TYPES = [
  'email',
  'uri',
  'spiffe',
  'kubernetes',
  'github-workflow',
  'gitlab-pipeline',
  'buildkite-job',
  'circleci-job',
] as const;

export type IssuerType = (typeof ISSUER_TYPES)[number];

/** One entry of Fulcio's `oidc-issuers`. */
export interface IssuerConfig {
  /** Equal to the token's `iss`, byte for byte. */
  readonly issuerUrl: string;
  /** The audience that tokens must have. */
  readonly clientId: string;
  readonly type: IssuerType;
  /** For `uri`: scheme and host that every subject must have. */
  readonly subjectDomain?: string;
  readonly spiffeTrustDomain?: string;
  /** For issuers that never send `email_verified`. */
  readonly skipEmailVerification?: boolean;
}

/** Refuses a configuration that could let one issuer speak for another. */
export function checkIssuerConfig(config: IssuerConfig): IssuerConfig {
  const issuer = URL.parse(config.issuerUrl);
  if (issuer === null || config.clientId === '') {
    throw bad(config, 'an issuer without a URL or an audience', 'issuer-url and client-id');
  }
  if (config.type === 'spiffe' && !TRUST_DOMAIN.test(config.spiffeTrustDomain ?? '')) {
    throw bad(config, `trust domain ${config.spiffeTrustDomain ?? 'absent'}`, 'a lower-case SPIFFE trust domain');
  }
  if (config.type === 'uri') {
    const domain = URL.parse(config.subjectDomain ?? '');
    // Stricter than the original, which accepts any two hosts that share their last two labels.
    if (domain?.protocol !== issuer.protocol || domain.hostname !== issuer.hostname) {
      throw bad(
        config,
        `subject-domain ${config.subjectDomain ?? 'absent'}`,
        "scheme and host of the issuer's own URL",
      );
    }
  }
  return config;
}

/** SPIFFE-ID §2.1. */
export const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;

function bad(config: IssuerConfig, found: string, expected: string): UsageError {
  return new UsageError('USAGE_BAD_CONFIG', `the issuer ${config.issuerUrl} cannot be used`, { found, expected });
}
