import { digest } from '../../crypto/digest.ts';
import { utf8 } from '../../encoding/bytes.ts';
import { encodeHex } from '../../encoding/hex.ts';
import type { JsonFields } from '../../encoding/json-fields.ts';
import { canonicalJson } from '../../encoding/json.ts';

/** Which state of a policy something was decided by. */
export interface PolicyRevision {
  /**
   * `sha256:` and the digest of the spec in canonical JSON (RFC 8785): the same for one policy in a file, in whatever order
   * and notation, and in a cluster.
   */
  readonly hash: string;
  /** The API server's, when the policy is from one. */
  readonly resourceVersion?: string;
  /** RFC 3339: when it was made there. */
  readonly createdAt?: string;
}

/** @param document the whole object, as it is written. @throws FormatError FORMAT_JSON for what has no canonical form */
export function policyRevision(document: JsonFields): PolicyRevision {
  const hash = `sha256:${encodeHex(digest('sha256', utf8(canonicalJson(document.value('spec') ?? {}))))}`;
  const metadata = document.optionalObject('metadata');
  const resourceVersion = metadata?.optionalString('resourceVersion');
  const createdAt = metadata?.optionalString('creationTimestamp');
  return {
    hash,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    // Files may say `null` or anything else.
    ...(createdAt === undefined || Number.isNaN(Date.parse(createdAt)) ? {} : { createdAt }),
  };
}
