import type { Repository } from '../image/reference.ts';

/** Where signatures and attestations are kept, when not beside the image. */
export interface SignatureSource {
  /** Undefined: the image's own. */
  readonly repository?: Repository;
  /** Secrets in the workload's namespace, which alone open this source. */
  readonly pullSecrets: readonly string[];
  /** In front of the tags `sha256-….sig` and `.att`. */
  readonly tagPrefix?: string;
}
