import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import type { TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { ArtifactDigests, type Artifact } from '../../core/verify/artifact.ts';
import { verifyContentSignature } from '../../core/verify/content-signature.ts';
import { signingKey } from '../../core/verify/signer.ts';
import type { ProposedEntry } from '../../core/wire/log-v1.ts';
import { VerificationError } from '../../errors.ts';
import { policiesOf, type SignaturePolicy } from './signature-policy.ts';

/** Looks an entry up in a log. @throws RemoteError */
export type FindEntry = (entry: ProposedEntry) => Promise<TransparencyLogEntry | undefined>;

/**
 * A signature that came without its log entry, with what a search finds, where the policy demands one. What is found is
 * verified like an entry that came along.
 *
 * @throws VerificationError for a signature that does not hold: it is in no log, and what is searched for is nobody's business
 *   then; RemoteError
 */
export async function withFoundEntry(
  bundle: UnverifiedBundle,
  artifact: Artifact,
  policy: SignaturePolicy,
  findEntry: FindEntry | undefined,
): Promise<UnverifiedBundle> {
  const { content, material, tlogEntries } = bundle;
  if (findEntry === undefined || tlogEntries.length > 0 || policy.thresholds.logEntries === 0) return bundle;
  const key = signingKey(bundle, policy.signer);
  const { signedDigest } = verifyContentSignature(content, new ArtifactDigests(artifact), key);
  if (signedDigest === undefined) return bundle;
  const verifier =
    material.kind === 'certificate'
      ? ({ kind: 'certificate', der: material.certificate.raw } as const)
      : ({ kind: 'publicKey', der: key.spki } as const);
  const entry = await findEntry({ content, verifier, digest: signedDigest });
  return entry === undefined ? bundle : { ...bundle, tlogEntries: [entry] };
}

/** The same, by whichever of the policy's alternatives the signature holds; as it is when by none. @throws RemoteError */
export async function withFoundEntryByAny(
  bundle: UnverifiedBundle,
  artifact: Artifact,
  policy: SignaturePolicy,
  findEntry: FindEntry | undefined,
): Promise<UnverifiedBundle> {
  for (const one of policiesOf(policy)) {
    try {
      return await withFoundEntry(bundle, artifact, one, findEntry);
    } catch (error) {
      // Whoever judges the signature says why, with what else is to be said.
      if (!(error instanceof VerificationError)) throw error;
    }
  }
  return bundle;
}
