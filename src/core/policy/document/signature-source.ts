import type { Repository } from '../../image/reference.ts';

/** A Secret that a policy names, wherever it is. */
export interface PolicySecret {
  /** Undefined: the webhook's own. */
  readonly namespace?: string;
  readonly name: string;
}

/** Where signatures and attestations are kept, when not beside the image. */
export interface SignatureSource {
  /** Undefined: the image's own. */
  readonly repository?: Repository;
  /** Secrets in the workload's namespace, which alone open this source. */
  readonly pullSecrets: readonly string[];
  /** Secrets that the policy names itself, tried before those of the workload and the webhook's own credentials. */
  readonly policySecrets?: readonly PolicySecret[];
  /** In front of the tags `sha256-….sig` and `.att`. */
  readonly tagPrefix?: string;
}
