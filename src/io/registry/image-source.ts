import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { FetchedManifest } from './manifest-transfer.ts';
import type { ReferrerList } from './referrers.ts';

/**
 * Where images and what belongs to them are read from: a registry, or an OCI layout on disk. Everything that comes back is
 * what its digest names; whether it is to be trusted is for others to find out.
 */
export interface ImageSource {
  /** @throws NotFoundError TAG_NOT_FOUND, or NOT_FOUND for a digest */
  resolve(reference: ImageReference): Promise<Descriptor>;
  /** @throws NotFoundError TAG_NOT_FOUND, or NOT_FOUND for a digest */
  getManifest(reference: ImageReference): Promise<FetchedManifest>;
  /** Undefined when the source says that there is none. */
  getManifestIfPresent(reference: ImageReference): Promise<FetchedManifest | undefined>;
  /** @throws NotFoundError NOT_FOUND; VerificationError DIGEST_MISMATCH; a limit's error beyond `maxBytes` */
  getBlob(repository: Repository, digest: Digest, maxBytes?: number): Promise<Uint8Array>;
  /**
   * The blob as it arrives, refused where it is longer than `sizeBytes`. Only when the iteration has ended without an error was it what the digest
   * names.
   */
  streamBlob(repository: Repository, digest: Digest, sizeBytes?: number): AsyncIterable<Uint8Array>;
  /** What refers to a manifest. */
  referrers(repository: Repository, digest: Digest, filter?: { readonly artifactType?: string }): Promise<ReferrerList>;
}
