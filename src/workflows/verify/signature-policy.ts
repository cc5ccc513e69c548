import type { RevocationIndex } from '../../core/revocation/revocation-index.ts';
import type { SealwrightError } from '../../errors.ts';
import type { Concessions, SignerPolicy, Thresholds } from '../../core/verify/verification-policy.ts';

/** What a signature has to prove to count: by whom it is, and how well that is witnessed. */
export interface SignaturePolicy extends Concessions {
  readonly signer: SignerPolicy;
  readonly thresholds: Partial<Thresholds>;
  /** What is not to be believed although it verifies; nothing when absent. */
  readonly revocations?: RevocationIndex;
  /** Signers of another kind, or other keys: a signature that passes under any of these policies counts as well. */
  readonly alternatives?: readonly Omit<SignaturePolicy, 'alternatives' | 'require'>[];
  /** How many of the demanded signers must have signed, each by a signature of its own. 1 when absent. */
  readonly require?: number;
}

/** A policy and its alternatives, each on its own. */
export function policiesOf(policy: SignaturePolicy): readonly [SignaturePolicy, ...SignaturePolicy[]] {
  const { alternatives = [], revocations } = policy;
  // What is revoked is so whoever signed it.
  return [policy, ...alternatives.map((one) => ({ ...one, ...(revocations === undefined ? {} : { revocations }) }))];
}

/** Of the reasons why a signature passes under none of a policy's alternatives, the one that says most. */
export function nearestReason<Reason extends { readonly error: SealwrightError }>(
  reasons: readonly [Reason, ...Reason[]],
): Reason {
  // That a certificate is no key, or the other way round, says nothing about the signature.
  return reasons.find(({ error }) => error.code !== 'KEY_MISMATCH') ?? reasons[0];
}

/** cosign's switches. Each of the first two weakens what is proven, and shows in the result's checks. */
export interface VerificationSwitches {
  /** `--insecure-ignore-tlog`: no log entry is demanded. */
  readonly insecureIgnoreTlog?: boolean;
  /** `--insecure-ignore-sct`: the certificate need not have been logged. */
  readonly insecureIgnoreSct?: boolean;
  /** `--use-signed-timestamps`: the time must be an authority's; a log's promise is not enough. */
  readonly useSignedTimestamps?: boolean;
}

/**
 * The policy that cosign's switches mean (cosign.md §6.5): a key needs no time at all, a certificate needs one; without
 * log and timestamps there is only the present, which short-lived certificates do not survive.
 */
export function signaturePolicy(signer: SignerPolicy, switches: VerificationSwitches = {}): SignaturePolicy {
  const { insecureIgnoreTlog = false, insecureIgnoreSct = false, useSignedTimestamps = false } = switches;
  const isKey = signer.kind === 'key';
  const isTimeless = isKey || (insecureIgnoreTlog && !useSignedTimestamps);
  return {
    signer,
    thresholds: {
      ...(insecureIgnoreTlog ? { logEntries: 0 } : {}),
      ...(insecureIgnoreSct && !isKey ? { scts: 0 } : {}),
      ...(useSignedTimestamps ? { signedTimestamps: 1 } : {}),
      ...(isTimeless && !useSignedTimestamps ? { observerTimestamps: 0 } : {}),
    },
    ...(isTimeless && !isKey ? { unsafeUseCurrentTime: true } : {}),
  };
}
