import { isHashAlgorithm, parseStatement } from '../core/attestation/statement.ts';
import { parseBundle, type UnverifiedBundle } from '../core/bundle/bundle.ts';
import type { HashAlgorithm } from '../core/crypto/digest.ts';
import { hashOf, schemesFor } from '../core/crypto/signature.ts';
import type { Digest } from '../core/image/digest.ts';
import type { TrustedRoot } from '../core/trust/trusted-root.ts';
import type { Artifact } from '../core/verify/artifact.ts';
import { signingKey } from '../core/verify/signer.ts';
import type { VerificationCheck, VerifiedBundle } from '../core/verify/verified-bundle.ts';
import { verifyBundle } from '../core/verify/verify-bundle.ts';
import { FormatError, UsageError } from '../errors.ts';
import { readBlob, type BlobReading, type BlobStream } from './blob-reader.ts';
import type { SignaturePolicy } from './signature-policy.ts';

export interface VerifyBlobRequest {
  readonly artifact:
    | { readonly kind: 'blob'; readonly blob: BlobStream }
    /** `sha256:HEX` instead of the blob; enough for ECDSA and RSA signatures over that digest, and for statements. */
    | { readonly kind: 'digest'; readonly digest: Digest };
  /** The bundle's JSON. */
  readonly bundle: Uint8Array | string;
  readonly trustedRoot: TrustedRoot;
  readonly policy: SignaturePolicy;
  readonly now: Date;
  /** Told of every step that is passed, for reports. */
  readonly onCheck?: (check: () => VerificationCheck) => void;
}

/**
 * Verifies a blob, or its digest, with a bundle. Asks nobody: everything that is needed is in the parameters.
 *
 * @throws FormatError FORMAT_BUNDLE and other formats inside; VerificationError for what is not proven; UsageError
 *   USAGE_NEEDS_ARTIFACT when the digest is not enough; LimitError; whatever the blob's stream throws
 */
export async function verifyBlob(request: VerifyBlobRequest): Promise<VerifiedBundle> {
  const { trustedRoot, policy, now, onCheck } = request;
  const bundle = parseBundle(request.bundle);
  const artifact = await artifactOf(request, bundle);
  return verifyBundle({ ...policy, bundle, artifact, trustedRoot, now, ...(onCheck === undefined ? {} : { onCheck }) });
}

async function artifactOf({ artifact, policy }: VerifyBlobRequest, bundle: UnverifiedBundle): Promise<Artifact> {
  if (artifact.kind === 'blob') return readBlob(artifact.blob, readingFor(bundle, policy));
  const { algorithm, bytes } = artifact.digest;
  const { content } = bundle;
  if (content.kind === 'message' && content.digest !== undefined && content.digest.algorithm !== algorithm) {
    // Verifying it all the same would call a good signature wrong.
    throw new UsageError('USAGE_NEEDS_ARTIFACT', 'the blob was signed by another digest than the one given', {
      found: `a digest of ${algorithm}`,
      expected: `the blob itself; its signature is over ${content.digest.algorithm}`,
    });
  }
  return { kind: 'digest', algorithm, digest: bytes };
}

/** What the bundle will be compared with; the blob may be larger than memory and is read only once. */
function readingFor(bundle: UnverifiedBundle, { signer }: SignaturePolicy): BlobReading {
  const { content } = bundle;
  if (content.kind === 'dsse') return { digests: subjectAlgorithms(content.envelope.payload), keep: 'never' };
  const { kind } = signingKey(bundle, signer);
  const hint = content.kind === 'message' ? content.digest : undefined;
  const digests = new Set<HashAlgorithm>(hint === undefined ? [] : [hint.algorithm]);
  for (const scheme of schemesFor(kind)) {
    const hash = hashOf(scheme);
    if (hash !== undefined) digests.add(hash);
  }
  return { digests, keep: kind === 'ed25519' ? 'required' : 'never' };
}

function subjectAlgorithms(payload: Uint8Array): ReadonlySet<HashAlgorithm> {
  try {
    const names = parseStatement(payload).subjects.flatMap(({ digests }) => [...digests.keys()]);
    return new Set(['sha256', ...names.filter(isHashAlgorithm)]);
  } catch (error) {
    // Verification says what is wrong with it, in its own order.
    if (error instanceof FormatError) return new Set(['sha256']);
    throw error;
  }
}
