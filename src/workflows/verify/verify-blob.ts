import { isHashAlgorithm, parseStatement } from '../../core/attestation/statement.ts';
import { parseBundle, type UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { detachedBundle, isBlobBundle, parseBlobBundle } from '../../core/bundle/detached-signature.ts';
import type { HashAlgorithm } from '../../core/crypto/digest.ts';
import { hashOf } from '../../core/crypto/signature.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import { messageSchemes } from '../../core/verify/content-signature.ts';
import { signingKey } from '../../core/verify/signer.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { FormatError, UsageError, VerificationError } from '../../errors.ts';
import { readBlob, type BlobReading, type BlobStream } from './blob-reader.ts';
import { withFoundEntry, type FindEntry } from './missing-entry.ts';
import { verifyByAny, type OnCheck } from './policy-alternatives.ts';
import { policiesOf, type SignaturePolicy } from './signature-policy.ts';
import { verifyUnrevoked } from './unrevoked-bundle.ts';

export interface VerifyBlobRequest {
  readonly artifact:
    | { readonly kind: 'blob'; readonly blob: BlobStream }
    /** `sha256:HEX` instead of the blob; enough for ECDSA and RSA signatures over that digest, and for statements. */
    | { readonly kind: 'digest'; readonly digest: Digest };
  /** The bundle's JSON, a Sigstore bundle or cosign's older one; or the loose parts of a signature. */
  readonly bundle: Uint8Array | string | UnverifiedBundle;
  /**
   * Asked for the log entry of a signature that came without one, where the policy demands one. What it finds is verified like
   * an entry that came along. Absent: nobody is asked.
   */
  readonly findEntry?: FindEntry;
  readonly trustedRoot: TrustedRoot;
  readonly policy: SignaturePolicy;
  readonly now: Date;
  readonly onCheck?: OnCheck;
}

/**
 * Verifies a blob, or its digest, with a signature. Asks nobody but `findEntry`: everything else is in the parameters.
 *
 * @throws FormatError FORMAT_BUNDLE and other formats inside; VerificationError for what is not proven; UsageError
 *   USAGE_NEEDS_ARTIFACT when the digest is not enough; LimitError; whatever the blob's stream throws
 */
export async function verifyBlob(request: VerifyBlobRequest): Promise<VerifiedBundle> {
  const given = readBlobSignature(request.bundle);
  const policies = suitablePolicies(request.policy, given);
  const artifact = await artifactOf(request, given, policies);
  const { trustedRoot, now } = request;
  return verifyByAny(policies, request.onCheck, async (policy, onCheck) => {
    const bundle = await withFoundEntry(given, artifact, policy, request.findEntry);
    return verifyUnrevoked({ ...policy, bundle, artifact, trustedRoot, now, onCheck });
  });
}

/**
 * The alternatives that a signature of this kind can meet. When there is none, the policy itself, whose refusal says why.
 */
function suitablePolicies(policy: SignaturePolicy, bundle: UnverifiedBundle): readonly SignaturePolicy[] {
  const suitable = policiesOf(policy).filter(({ signer }) => {
    try {
      signingKey(bundle, signer);
      return true;
    } catch (error) {
      if (error instanceof VerificationError && error.code === 'KEY_MISMATCH') return false;
      throw error;
    }
  });
  return suitable.length === 0 ? [policy] : suitable;
}

/**
 * The signature, however it came. Which of cosign's two kinds a file is, is told by its members: what is broken is not tried
 * as the other.
 *
 * @throws FormatError, LimitError
 */
export function readBlobSignature(bundle: VerifyBlobRequest['bundle']): UnverifiedBundle {
  if (typeof bundle !== 'string' && !(bundle instanceof Uint8Array)) return bundle;
  if (!isBlobBundle(bundle)) return parseBundle(bundle);
  const { signature, verifier, entry } = parseBlobBundle(bundle);
  return detachedBundle({
    content: { kind: 'message', signature },
    // A public key that comes with what it should prove proves nothing; the policy has its own.
    ...(verifier?.kind === 'certificate' ? { certificate: Certificate.parse(verifier.der) } : {}),
    ...(entry === undefined ? {} : { entry }),
  });
}

async function artifactOf(
  { artifact }: VerifyBlobRequest,
  bundle: UnverifiedBundle,
  policies: readonly SignaturePolicy[],
): Promise<Artifact> {
  if (artifact.kind === 'blob') return readBlob(artifact.blob, readingFor(bundle, policies));
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
function readingFor(bundle: UnverifiedBundle, policies: readonly SignaturePolicy[]): BlobReading {
  const { content } = bundle;
  if (content.kind === 'dsse') return { digests: subjectAlgorithms(content.envelope.payload), keep: 'never' };
  const keys = policies.map(({ signer }) => ({ signer, kind: signingKey(bundle, signer).kind }));
  const hint = content.kind === 'message' ? content.digest : undefined;
  const digests = new Set<HashAlgorithm>(hint === undefined ? [] : [hint.algorithm]);
  // Those that are tried and no others: on a large blob each costs more than all the rest.
  for (const { signer, kind } of keys) {
    const schemes = signer.kind === 'key' ? signer.schemes : undefined;
    for (const scheme of schemes ?? messageSchemes(kind)) {
      const hash = hashOf(scheme);
      if (hash !== undefined) digests.add(hash);
    }
  }
  return { digests, keep: keys.some(({ kind }) => kind === 'ed25519') ? 'required' : 'small' };
}

/** The blob may be larger than memory and is read once, so all that its subjects go by is computed on the way. */
export function subjectAlgorithms(payload: Uint8Array): ReadonlySet<HashAlgorithm> {
  try {
    const names = parseStatement(payload).subjects.flatMap(({ digests }) => [...digests.keys()]);
    return new Set(['sha256', ...names.filter(isHashAlgorithm)]);
  } catch (error) {
    // Verification says what is wrong with it, in its own order.
    if (error instanceof FormatError) return new Set(['sha256']);
    throw error;
  }
}
