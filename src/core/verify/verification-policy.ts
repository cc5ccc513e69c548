import type { PublicKey } from '../crypto/public-key.ts';
import type { SignatureScheme } from '../crypto/signature.ts';
import { checkMatcher, type IdentityMatcher } from '../identity/identity-pattern.ts';
import type { ValidityWindow } from '../trust/validity-window.ts';
import { UsageError } from '../../errors.ts';

/** Who must have signed. There is no default: a signature by anybody is not worth verifying. */
export type SignerPolicy =
  /** Any one of them; the certificate comes with the bundle. */
  | { readonly kind: 'identities'; readonly identities: readonly IdentityMatcher[] }
  | {
      readonly kind: 'key';
      readonly key: PublicKey;
      /** Instead of those that Sigstore uses with this kind of key. */
      readonly schemes?: readonly SignatureScheme[];
      /** When the key is believed; always, when left out. */
      readonly validFor?: ValidityWindow;
    }
  /**
   * Whoever the certificate names. For showing a bundle, and for evidence that `core/policy` compares with the identities
   * it accepts; a bundle verified so says nothing about whom to believe.
   */
  | { readonly kind: 'unsafeSkipIdentity' };

/** How many independent proofs of each kind are demanded. Several of one operator or authority count once. */
export interface Thresholds {
  /** Log entries proven to be in distinct logs. Default 1. */
  readonly logEntries: number;
  /** SCTs of distinct logs, for certificates. Default 1; 0 for keys. */
  readonly scts: number;
  /** Timestamps of distinct authorities. Default 0. */
  readonly signedTimestamps: number;
  /** Times that a log promised for (Rekor v1). Default 0. */
  readonly integratedTimestamps: number;
  /** Either kind of time. Default 1; 0 when the current time may stand in. */
  readonly observerTimestamps: number;
}

/** Weakenings, each of which leaves its mark in the result's checks. */
export interface Concessions {
  /** A certificate without any trusted time is judged by `now`. */
  readonly unsafeUseCurrentTime?: boolean;
  /** A time outside the window of a Rekor v2 log's key is noted instead of refused. */
  readonly unsafeIgnoreLogWindow?: boolean;
}

export interface VerificationPolicy {
  readonly signer: SignerPolicy;
  readonly thresholds: Thresholds;
  readonly concessions: Concessions;
}

/**
 * @throws UsageError USAGE_NO_IDENTITY when no identity is demanded, USAGE_BAD_CONFIG for patterns, thresholds and
 *   combinations that mean nothing
 */
export function resolvePolicy(
  signer: SignerPolicy,
  thresholds: Partial<Thresholds> = {},
  concessions: Concessions = {},
): VerificationPolicy {
  if (signer.kind === 'identities') checkIdentities(signer.identities);
  if (signer.kind === 'key' && (thresholds.scts ?? 0) > 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'a key has no certificate whose logging could be demanded', {
      found: `a threshold of ${thresholds.scts ?? 0} SCTs together with a key`,
    });
  }
  const resolved: Thresholds = {
    logEntries: 1,
    scts: signer.kind === 'key' ? 0 : 1,
    signedTimestamps: 0,
    integratedTimestamps: 0,
    observerTimestamps: concessions.unsafeUseCurrentTime === true ? 0 : 1,
    ...thresholds,
  };
  for (const [name, value] of Object.entries(resolved)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new UsageError('USAGE_BAD_CONFIG', `the threshold ${name} is not a number of proofs`, {
      found: String(value),
      expected: 'a whole number from 0 on',
    });
  }
  return { signer, thresholds: resolved, concessions };
}

/** Checked once for each list of identities; the values are immutable. */
const CHECKED = new WeakSet<readonly IdentityMatcher[]>();

function checkIdentities(identities: readonly IdentityMatcher[]): void {
  if (CHECKED.has(identities)) return;
  if (identities.length === 0) {
    throw new UsageError('USAGE_NO_IDENTITY', 'no identity is given that the signature should be by', {
      expected: 'at least one subject with its issuer, or a key',
      fix: '--certificate-identity NAME --certificate-oidc-issuer URL',
    });
  }
  for (const { subject, issuer, extensions } of identities) {
    checkMatcher(subject, 'subject');
    checkMatcher(issuer, 'issuer');
    for (const [name, matcher] of Object.entries(extensions ?? {})) checkMatcher(matcher, name);
  }
  CHECKED.add(identities);
}
