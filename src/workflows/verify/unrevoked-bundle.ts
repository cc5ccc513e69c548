import { revokedError, type RevocationIndex } from '../../core/revocation/revocation-index.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { verifyBundle, type VerificationRequest } from '../../core/verify/verify-bundle.ts';

export interface UnrevokedRequest extends VerificationRequest {
  /** What is revoked, as far as it is known; nothing when absent. */
  readonly revocations?: RevocationIndex;
}

/**
 * Verifies a bundle and holds it against what is revoked.
 *
 * @throws PolicyError REVOKED for an artifact or a signature that is; all that `verifyBundle` throws
 */
export function verifyUnrevoked(request: UnrevokedRequest): VerifiedBundle {
  const { revocations, artifact } = request;
  const verified = verifyBundle(request);
  if (revocations === undefined || revocations.size === 0) return verified;
  const digests = digestsOf(artifact);
  const revocation = revocations.image(digests) ?? revocations.signature(verified);
  if (revocation !== undefined) throw revokedError(digests[0] ?? 'the artifact', revocation);
  return verified;
}

/** `algorithm:hex`, as revocations name artifacts. */
function digestsOf(artifact: Artifact): readonly string[] {
  switch (artifact.kind) {
    case 'bytes':
      return [`sha256:${encodeHex(sha256(artifact.bytes))}`];
    case 'digest':
      return [`${artifact.algorithm}:${encodeHex(artifact.digest)}`];
    case 'digests':
      return [...artifact.digests].map(([algorithm, digest]) => `${algorithm}:${encodeHex(digest)}`);
    case 'unsafeSkipArtifact':
      return [];
  }
}
