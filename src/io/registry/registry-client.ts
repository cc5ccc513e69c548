import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import type { HttpClient } from '../net/http-client.ts';
import { BlobTransfer, type BlobSource, type PushBlobOptions } from './blob-transfer.ts';
import { ANONYMOUS, fixedCredentials, type CredentialStore } from './credentials.ts';
import type { ImageSink } from './image-sink.ts';
import type { ImageSource } from './image-source.ts';
import { ManifestTransfer, type FetchedManifest, type PushedManifest } from './manifest-transfer.ts';
import { Referrers, type ReferrerList } from './referrers.ts';
import type { AnnouncedRepository, RegistryAction } from './registry-auth.ts';
import { RegistrySession } from './registry-session.ts';
import { listTags } from './tag-list.ts';

export interface RegistryClientOptions {
  readonly http: HttpClient;
  /** Asked only when a registry wants credentials; anonymous when absent. */
  readonly credentials?: CredentialStore;
  /** Allows plain HTTP to any registry, not to loopback alone. */
  readonly allowHttp?: boolean;
  /** Largest blob that is read into memory; cosign's limit of 128 MiB when absent. */
  readonly maxBlobBytes?: number;
  /** The most that this run will do: `push` asks for both with one authentication. */
  readonly action?: RegistryAction;
  /** Waits between the attempts at writing a shared tag; real time when absent. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Blobs read into memory are bundles, payloads and configurations (cosign's own limit). */
const MAX_BLOB_BYTES = 128 << 20;

/**
 * Client of OCI registries. Throws, from every method: AuthError AUTH_REGISTRY (401, 403), RemoteError (REMOTE_THROTTLED
 * for 429, REMOTE_STATUS, REMOTE_BODY, REMOTE_UNREACHABLE, …), VerificationError DIGEST_MISMATCH when content is not what
 * its digest names.
 */
export class RegistryClient implements ImageSource, ImageSink {
  readonly #session: RegistrySession;
  readonly #manifests: ManifestTransfer;
  readonly #blobs: BlobTransfer;
  readonly #referrers: Referrers;
  readonly #maxBlobBytes: number;

  constructor(options: RegistryClientOptions) {
    this.#session = new RegistrySession({
      http: options.http,
      credentials: options.credentials ?? fixedCredentials(ANONYMOUS),
      allowHttp: options.allowHttp ?? false,
      action: options.action ?? 'pull',
    });
    this.#maxBlobBytes = options.maxBlobBytes ?? MAX_BLOB_BYTES;
    this.#manifests = new ManifestTransfer(this.#session, options.sleep);
    this.#blobs = new BlobTransfer(this.#session);
    this.#referrers = new Referrers(this.#session, this.#manifests, options.sleep);
  }

  /**
   * Says beforehand which repositories a run will use, so that one token for all of them is asked for, and not one for each.
   * Nothing happens before a registry wants to know who asks.
   */
  announce(repositories: readonly AnnouncedRepository[]): void {
    this.#session.announce(repositories);
  }

  /**
   * What a reference stands for now. Asks with HEAD, which registries that count pulls do not count.
   *
   * @throws NotFoundError TAG_NOT_FOUND, or NOT_FOUND for a digest
   */
  resolve(reference: ImageReference): Promise<Descriptor> {
    return this.#manifests.resolve(reference);
  }

  /** Undefined when the registry says that there is none. */
  resolveIfPresent(reference: ImageReference): Promise<Descriptor | undefined> {
    return this.#manifests.resolveIfPresent(reference);
  }

  /** @throws NotFoundError TAG_NOT_FOUND, or NOT_FOUND for a digest */
  getManifest(reference: ImageReference): Promise<FetchedManifest> {
    return this.#manifests.fetch(reference);
  }

  /** Undefined when the registry says that there is none. */
  getManifestIfPresent(reference: ImageReference): Promise<FetchedManifest | undefined> {
    return this.#manifests.fetchIfPresent(reference);
  }

  async hasManifest({ registry, repository }: Repository, digest: Digest): Promise<boolean> {
    return (await this.#manifests.resolveIfPresent(new ImageReference({ registry, repository, digest }))) !== undefined;
  }

  /** Puts a manifest under a tag or under its digest. */
  putManifest(
    repository: Repository,
    name: string | Digest,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<PushedManifest> {
    const { registry, repository: path } = repository;
    const version = typeof name === 'string' ? { tag: name } : { digest: name };
    return this.#manifests.push(new ImageReference({ registry, repository: path, ...version }), bytes, mediaType);
  }

  /** False when there was nothing to delete. @throws RemoteError REMOTE_STATUS where the registry does not delete */
  deleteManifest(reference: ImageReference): Promise<boolean> {
    return this.#manifests.delete(reference);
  }

  /** Deletes what refers to a manifest. @returns how many were there @throws as {@link deleteManifest}, and COULD_NOT_CHECK */
  deleteReferrers(repository: Repository, subject: Digest, digests: readonly Digest[]): Promise<number> {
    return this.#referrers.remove(repository, subject, digests);
  }

  /** Every tag of a repository, page by page. @throws NotFoundError NOT_FOUND for an unknown repository */
  listTags(repository: Repository, pageSize?: number): AsyncIterable<string> {
    return listTags(this.#session, repository, pageSize);
  }

  /** Size in bytes, undefined when the repository does not have the blob. */
  headBlob(repository: Repository, digest: Digest): Promise<number | undefined> {
    return this.#blobs.head(repository, digest);
  }

  /** @param maxBytes within the client's own limit @throws NotFoundError NOT_FOUND */
  getBlob(repository: Repository, digest: Digest, maxBytes = this.#maxBlobBytes): Promise<Uint8Array> {
    return this.#blobs.fetch(repository, digest, Math.min(maxBytes, this.#maxBlobBytes));
  }

  /**
   * The blob as it arrives, refused where it is longer than `sizeBytes`. Only when the iteration has ended without an error
   * was it what the digest names.
   */
  streamBlob(repository: Repository, digest: Digest, sizeBytes?: number): AsyncIterable<Uint8Array> {
    return this.#blobs.stream(repository, digest, sizeBytes);
  }

  /** Uploads unless it is there already. */
  putBlob(repository: Repository, blob: Uint8Array | BlobSource, options?: PushBlobOptions): Promise<Digest> {
    return this.#blobs.push(repository, blob, options);
  }

  /** Whether this may push, as far as that shows without pushing. @throws AuthError AUTH_REGISTRY; RemoteError */
  tryPush(repository: Repository): Promise<void> {
    return this.#blobs.tryPush(repository);
  }

  /** What refers to a manifest, by the API or, where the registry lacks it, by the fallback tag. */
  referrers(
    repository: Repository,
    digest: Digest,
    filter: { readonly artifactType?: string } = {},
  ): Promise<ReferrerList> {
    return this.#referrers.list(repository, digest, filter.artifactType);
  }

  /**
   * Pushes a manifest that has a subject, and makes sure that it is found from there.
   *
   * @throws RemoteError COULD_NOT_CHECK when other writers keep overwriting the fallback tag
   */
  pushReferrer(repository: Repository, bytes: Uint8Array): Promise<Descriptor> {
    return this.#referrers.push(repository, bytes);
  }
}
