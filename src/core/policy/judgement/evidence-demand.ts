import type { TrustedRoot } from '../../trust/trusted-root.ts';
import type { Concessions, SignerPolicy, Thresholds } from '../../verify/verification-policy.ts';
import type { PolicyMaterial } from './policy-material.ts';
import type { SignatureSource } from '../document/signature-source.ts';

/** What a policy wants to know about an image from its registry: where to look, for what, and verified how. */
export interface EvidenceDemand {
  /** Where signatures and attestations are kept, when not beside the image. */
  readonly source?: SignatureSource;
  /** Whether attestations are wanted beside signatures. */
  readonly wantsAttestations: boolean;
  /** The webhook's own trusted root makes no difference: a key that nothing has to log or stamp, or trust that the policy names. */
  readonly standsByItself?: true;
  /** @throws SealwrightError for a key or trust that could not be had */
  verification(material: PolicyMaterial): VerificationDemand;
}

/** How signatures are to be verified. Who may have signed is compared afterwards. */
export interface VerificationDemand {
  /** Equal for demands that verify alike under one trusted root. */
  readonly name: string;
  readonly trustedRoot: TrustedRoot;
  readonly signer: SignerPolicy;
  readonly thresholds: Partial<Thresholds>;
  readonly concessions: Concessions;
}
