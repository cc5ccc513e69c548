import { encodeHex } from '../../encoding/hex.ts';
import type { PublicKey } from '../../crypto/public-key.ts';
import type { VerifiedTime } from '../../verify/trusted-times.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';

/** Layers under a tag, as cosign 2 left them, or bundles among the referrers. */
export type SignatureStorage = 'layers' | 'bundles';

/** Who has signed an image, as far as a policy could ask for it. Comes from verified signatures alone. */
export type ObservedSigner = (
  | {
      readonly kind: 'identity';
      readonly issuer: string;
      /** The certificate's first subject alternative name. */
      readonly subject: string;
      /** Where the code is from that was built, as a URL: in a reusable workflow another repository than the workflow's own. */
      readonly sourceRepositoryUri?: string;
      /** The same as GitHub's `owner/name`, which a policy's own program gets to see. */
      readonly githubRepository?: string;
      /** What was built: `refs/heads/main`. For a workflow of its own repository the subject says the same. */
      readonly sourceRef?: string;
    }
  | {
      readonly kind: 'key';
      readonly key: PublicKey;
      readonly isLogged: boolean;
      /** When others saw the signature; absent where nobody looked. */
      readonly times?: readonly VerifiedTime[];
    }
) & {
  /** Where this signature of it is; absent where that was not looked at. */
  readonly storage?: readonly SignatureStorage[];
};

/** @param key the one that was tried, for a signature that is by a key */
export function observedSigner(
  { signer, logEntries, content, times }: VerifiedBundle,
  key?: PublicKey,
): ObservedSigner | undefined {
  const storage: readonly SignatureStorage[] = [content.kind === 'simpleSigning' ? 'layers' : 'bundles'];
  if (signer.kind === 'key') {
    return key === undefined || signer.keyId !== encodeHex(key.id)
      ? undefined
      : { kind: 'key', key, isLogged: logEntries.length > 0, storage, times };
  }
  const { sourceRepositoryUri, githubWorkflowRepository, githubWorkflowRef, sourceRepositoryRef } = signer.extensions;
  const sourceRef = githubWorkflowRef ?? sourceRepositoryRef;
  return {
    kind: 'identity',
    issuer: signer.issuer,
    subject: signer.subject,
    storage,
    ...(sourceRepositoryUri === undefined ? {} : { sourceRepositoryUri }),
    ...(githubWorkflowRepository === undefined ? {} : { githubRepository: githubWorkflowRepository }),
    ...(sourceRef === undefined ? {} : { sourceRef }),
  };
}

/** In words, for reports. */
export function observedSignerText(signer: ObservedSigner): string {
  if (signer.kind === 'key') return `the key ${encodeHex(signer.key.id)}`;
  const { subject, issuer, sourceRepositoryUri } = signer;
  const source = isReused(signer) ? ` for ${sourceRepositoryUri ?? ''}` : '';
  return `${subject}${source}, authenticated by ${issuer}`;
}

/**
 * Whether a workflow signed for a repository that is not its own. Whoever may call it can then sign by its name, so the name alone
 * says little.
 */
export function isReused(signer: ObservedSigner): boolean {
  if (signer.kind === 'key' || signer.sourceRepositoryUri === undefined) return false;
  return !signer.subject.startsWith(`${signer.sourceRepositoryUri}/`);
}
