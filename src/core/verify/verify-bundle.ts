import type { UnverifiedBundle } from '../bundle/bundle.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import type { TrustedRoot } from '../trust/trusted-root.ts';
import { ArtifactDigests, type Artifact } from './artifact.ts';
import { checkArtifactClaim } from './artifact-claim.ts';
import { verifyContentSignature } from './content-signature.ts';
import { signedContent } from './entry-binding.ts';
import {
  sealBundle,
  type VerificationCheck,
  type VerifiedBundle,
  type VerifiedLogEntry,
} from './internal/sealed-bundle.ts';
import { verifyLogEntries, type ProvenEntry } from './log-entries.ts';
import { explainKeyFailure, signingKey, verifySigner } from './signer.ts';
import { collectTimes } from './signing-time.ts';
import { CheckList } from './check-list.ts';
import { resolvePolicy, type Concessions, type SignerPolicy, type Thresholds } from './verification-policy.ts';

export interface VerificationRequest extends Concessions {
  readonly bundle: UnverifiedBundle;
  readonly artifact: Artifact;
  /** Keys that are believed. A caller who brings its own material builds a root of it. */
  readonly trustedRoot: TrustedRoot;
  readonly signer: SignerPolicy;
  readonly thresholds?: Partial<Thresholds>;
  /** Used by `unsafeUseCurrentTime` alone; signatures outlive their certificates. */
  readonly now?: Date;
  /** Told of every step that is passed, also when a later one is not: for reports, never for decisions. */
  readonly onCheck?: (check: () => VerificationCheck) => void;
}

/**
 * Verifies one bundle. Every step throws or hands on what it has proven to the next:
 *
 * 1. the policy demands something; 2. the bundle's key is of the kind it demands; 3. the bundle claims to be about the
 * artifact; 4. the signature holds; 5. trusted logs hold that signature, key and digest; 6. trusted times tell when it was
 * made; 7. the certificate chains to a trusted authority at every such time, was logged, and 8. names an accepted identity.
 *
 * The order is by cost and by what makes the clearest error; a bundle is verified only when all of them are passed.
 *
 * @throws UsageError for a policy that cannot be meant; FormatError for parts that do not parse; LimitError;
 *   VerificationError for everything that is not proven
 */
export function verifyBundle(request: VerificationRequest): VerifiedBundle {
  const { bundle, trustedRoot } = request;
  const policy = resolvePolicy(request.signer, request.thresholds, request);
  const checks = new CheckList(request.onCheck);

  const key: PublicKey = signingKey(bundle, policy.signer);

  const artifact = new ArtifactDigests(request.artifact);
  const statement = checkArtifactClaim(bundle.content, artifact);
  checks.artifact(artifact);

  const schemes = policy.signer.kind === 'key' ? policy.signer.schemes : undefined;
  const signature = explained(bundle, key, () => verifyContentSignature(bundle.content, artifact, key, schemes));
  checks.signature(signature, key);

  const signed = signedContent(bundle, signature, key);
  const entries = verifyLogEntries(bundle.tlogEntries, trustedRoot.tlogs, signed, policy.thresholds.logEntries);
  checks.logInclusion(entries, policy);

  const times = collectTimes({ bundle, entries, signature, trustedRoot, policy, now: request.now });
  checks.timestamps(times, entries, policy);

  const { signer, identity } = verifySigner({ bundle, key, times, entries, trustedRoot, policy }, checks);

  return sealBundle({
    signer,
    identity,
    times,
    statement,
    logEntries: entries.map(logEntryFacts),
    content: bundle.content,
    checks,
  });
}

function logEntryFacts({ entry, log, treeSize, promisedTime }: ProvenEntry): VerifiedLogEntry {
  return {
    logIndex: entry.logIndex,
    logId: log.logId,
    origin: log.origin,
    kindVersion: `${entry.kind} ${entry.version}`,
    ...(treeSize === undefined ? {} : { treeSize }),
    ...(promisedTime === undefined ? {} : { integratedTime: promisedTime }),
  };
}

function explained<Result>(bundle: UnverifiedBundle, key: PublicKey, verify: () => Result): Result {
  try {
    return verify();
  } catch (error) {
    throw explainKeyFailure(error, bundle, key);
  }
}
