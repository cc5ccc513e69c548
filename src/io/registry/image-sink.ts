import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Repository } from '../../core/image/reference.ts';
import type { BlobSource, PushBlobOptions } from './blob-transfer.ts';
import type { PushedManifest } from './manifest-transfer.ts';

/** Where images are written to: a registry, or an OCI layout on disk. What a manifest names goes before the manifest. */
export interface ImageSink {
  /** Whether the manifest, and with it all that it names, is there already. */
  hasManifest(repository: Repository, digest: Digest): Promise<boolean>;
  /** Writes the blob unless it is there. */
  putBlob(repository: Repository, blob: Uint8Array | BlobSource, options?: PushBlobOptions): Promise<Digest>;
  /** Puts a manifest under a tag or under its digest. */
  putManifest(
    repository: Repository,
    name: string | Digest,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<PushedManifest>;
  /** Puts a manifest that has a subject, so that it is found from there. */
  pushReferrer(repository: Repository, bytes: Uint8Array): Promise<Descriptor>;
}
