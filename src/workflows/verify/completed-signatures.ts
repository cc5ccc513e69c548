import type { BundleMaterial } from '../../core/bundle/bundle.ts';
import { encodeSimpleSigning, parseSimpleSigning } from '../../core/bundle/simple-signing.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { FoundSignature, FoundSignatures, ImageSignaturesRequest } from './image-signatures.ts';
import { withFoundEntryByAny, type FindEntry } from './missing-entry.ts';
import type { SignaturePolicy } from './signature-policy.ts';

export type CertificateMaterial = Extract<BundleMaterial, { kind: 'certificate' }>;

/** What somebody hands over for what was found, as cosign's older commands had it. */
export interface SuppliedParts {
  /** In place of whatever came with the signatures. */
  readonly certificate?: CertificateMaterial;
  /** Asked for the log entry of each signature that came without one, where the policy demands one. */
  readonly findEntry?: FindEntry;
}

/** A signature that is in no registry. */
export interface DetachedImageSignature {
  readonly signature: Uint8Array;
  /** What was signed; cosign's usual payload for the image when absent. */
  readonly payload?: Uint8Array;
}

/** @throws RemoteError when a log cannot be asked: not to know is neither logged nor unlogged */
export async function completedSignatures(
  found: FoundSignatures,
  { certificate, findEntry, policy }: SuppliedParts & { readonly policy: SignaturePolicy },
): Promise<FoundSignatures> {
  if (certificate === undefined && findEntry === undefined) return found;
  const { algorithm, bytes } = found.digest;
  const artifact: Artifact = { kind: 'digest', algorithm, digest: bytes };
  const signatures: FoundSignature[] = [];
  for (const signature of found.signatures) {
    const bundle = certificate === undefined ? signature.bundle : { ...signature.bundle, material: certificate };
    signatures.push({ ...signature, bundle: await withFoundEntryByAny(bundle, artifact, policy, findEntry) });
  }
  return { ...found, signatures };
}

/**
 * A detached signature as if it had been found. Of the registry, only a tag is asked for.
 *
 * @throws NotFoundError TAG_NOT_FOUND; FormatError FORMAT_SIMPLE_SIGNING for a payload that is none; and what keeps the registry
 *   from being asked
 */
export async function detachedImageSignature(
  { registry, reference }: ImageSignaturesRequest,
  { signature, payload }: DetachedImageSignature,
): Promise<FoundSignatures> {
  const digest = reference.digest ?? (await registry.resolve(reference)).digest;
  const signed = payload ?? encodeSimpleSigning(reference.context, digest);
  return {
    reference,
    digest,
    isTagResolved: reference.digest === undefined,
    predicateTypes: [],
    signatures: [
      {
        format: 'legacy',
        manifestDigest: digest,
        bundle: {
          mediaType: '',
          version: undefined,
          material: { kind: 'publicKey', hint: '' },
          tlogEntries: [],
          timestamps: [],
          content: { kind: 'simpleSigning', payload: parseSimpleSigning(signed), signed, signature },
        },
      },
    ],
    otherPredicateTypes: [],
    unreadFormats: [],
    unusable: [],
  };
}
