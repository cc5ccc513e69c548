import { utf8 } from '../../core/encoding/bytes.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf, parseManifest, type Manifest } from '../../core/image/manifest.ts';
import { IntegrityError } from '../../errors.ts';
import type { BlobStore } from './blob-store.ts';
import type { DurableFolders } from './durable-folders.ts';
import type { FileLayer } from './file-layer.ts';
import { KeyedLock } from './keyed-lock.ts';
import { badRequest } from './oci-error.ts';
import type { ReferrerStore } from './referrer-store.ts';
import { tagOfFileName, type RepositoryLayout } from './repository-layout.ts';

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface ManifestStoreOptions {
  readonly layout: RepositoryLayout;
  readonly files: FileLayer;
  readonly folders: DurableFolders;
  readonly blobs: BlobStore;
  readonly referrers: ReferrerStore;
}

/** Layers that licences keep out of registries are named but never there (image-spec, non-distributable layers). */
const ABSENT_LAYERS = /nondistributable|\.foreign\./;

/** Manifests and tags. Writers of one repository take turns, so that a tag never comes to name what is being deleted. */
export class ManifestStore {
  readonly #options: ManifestStoreOptions;
  readonly #turns = new KeyedLock();

  constructor(options: ManifestStoreOptions) {
    this.#options = options;
  }

  /**
   * Stores exactly these bytes, under a tag as well if one is given. Durable on return: the manifest first, then what
   * makes it found.
   *
   * @throws FormatError FORMAT_MANIFEST; FormatError (MANIFEST_BLOB_UNKNOWN, SIZE_INVALID) when something it names is not
   *   here; VerificationError DIGEST_MISMATCH
   */
  async put(
    repository: string,
    bytes: Uint8Array,
    digest: Digest,
    tag?: string,
    contentType?: string,
  ): Promise<Manifest> {
    const manifest = parseManifest(bytes, contentType);
    if (manifest.mediaType !== parseManifest(bytes).mediaType) {
      // Only the bytes are kept, so they alone must say what they are. Docker's types always do.
      throw badRequest('MANIFEST_INVALID', 'the manifest does not say what it is', {
        found: `no mediaType, sent as ${manifest.mediaType}`,
        expected: 'a member mediaType',
      });
    }
    const { layout, folders, referrers } = this.#options;
    await this.#turns.run(repository, async () => {
      await this.#checkReferences(repository, manifest);
      await folders.write(layout.manifest(repository, digest), bytes);
      if (manifest.subject !== undefined) {
        await referrers.add(repository, manifest.subject.digest, describe(manifest, digest, bytes.length));
      }
      if (tag !== undefined) await folders.write(layout.tag(repository, tag), utf8(digest.toString()));
    });
    return manifest;
  }

  /** Undefined when there is none. @throws IntegrityError STATE_CORRUPT when the file is not what its name says */
  async get(repository: string, version: string | Digest): Promise<StoredManifest | undefined> {
    const digest = typeof version === 'string' ? await this.#tagged(repository, version) : version;
    if (digest === undefined) return undefined;
    const bytes = await this.#options.files.read(this.#options.layout.manifest(repository, digest));
    if (bytes === undefined) return undefined;
    if (!digest.names(bytes)) {
      throw new IntegrityError('STATE_CORRUPT', 'a stored manifest does not have its digest any more', {
        found: Digest.of(bytes, digest.algorithm).toString(),
        expected: digest.toString(),
      });
    }
    return { digest, bytes, mediaType: parseManifest(bytes).mediaType };
  }

  /** Forgets a tag. False when there is none. */
  deleteTag(repository: string, tag: string): Promise<boolean> {
    const { layout, folders } = this.#options;
    return this.#turns.run(repository, () => folders.remove(layout.tag(repository, tag)));
  }

  /** Deletes a manifest, and with it whatever leads to it. False when there is none. */
  delete(repository: string, digest: Digest): Promise<boolean> {
    const { layout, folders, referrers } = this.#options;
    return this.#turns.run(repository, async () => {
      const stored = await this.get(repository, digest);
      if (stored === undefined) return false;
      const { subject } = parseManifest(stored.bytes);
      if (subject !== undefined) await referrers.remove(repository, subject.digest, digest);
      for (const tag of await this.tags(repository)) {
        if ((await this.#tagged(repository, tag))?.equals(digest) === true) {
          await folders.remove(layout.tag(repository, tag));
        }
      }
      return folders.remove(layout.manifest(repository, digest));
    });
  }

  /** All tags, ordered without regard to case (distribution-spec, Listing Tags). */
  async tags(repository: string): Promise<readonly string[]> {
    const names = await this.#options.files.list(this.#options.layout.tags(repository));
    return names.map(tagOfFileName).sort(compareTags);
  }

  /** Whether anything was ever put here. */
  async knows(repository: string): Promise<boolean> {
    return (await this.#options.files.list(this.#options.layout.manifests(repository))).length > 0;
  }

  async #tagged(repository: string, tag: string): Promise<Digest | undefined> {
    const bytes = await this.#options.files.read(this.#options.layout.tag(repository, tag));
    if (bytes === undefined) return undefined;
    try {
      return Digest.parse(Buffer.from(bytes).toString('latin1'));
    } catch (cause) {
      throw new IntegrityError('STATE_CORRUPT', `the stored tag ${tag} does not hold a digest any more`, { cause });
    }
  }

  async #checkReferences(repository: string, manifest: Manifest): Promise<void> {
    if (manifest.kind === 'image') {
      for (const descriptor of [manifest.config, ...manifest.layers]) {
        if (ABSENT_LAYERS.test(descriptor.mediaType)) continue;
        checkReference(descriptor, await this.#options.blobs.sizeBytes(repository, descriptor.digest));
      }
      return;
    }
    for (const descriptor of manifest.manifests) {
      // Most are manifests; an index may as well list content of any other kind (image-spec, image index).
      const child = await this.#options.files.stat(this.#options.layout.manifest(repository, descriptor.digest));
      const sizeBytes = child?.sizeBytes ?? (await this.#options.blobs.sizeBytes(repository, descriptor.digest));
      checkReference(descriptor, sizeBytes);
    }
  }
}

/** Ties are broken by the code units, so that two tags never compare equal. */
export function compareTags(a: string, b: string): number {
  const [lowerA, lowerB] = [a.toLowerCase(), b.toLowerCase()];
  if (lowerA !== lowerB) return lowerA < lowerB ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}

function checkReference(descriptor: Descriptor, sizeBytes: number | undefined): void {
  if (sizeBytes === undefined) {
    throw badRequest('MANIFEST_BLOB_UNKNOWN', 'the manifest names something that this repository does not have', {
      found: descriptor.digest.toString(),
      expected: 'everything pushed or mounted before the manifest',
    });
  }
  if (sizeBytes === descriptor.size) return;
  throw badRequest('SIZE_INVALID', `the manifest is wrong about the size of ${descriptor.digest.toString()}`, {
    found: String(descriptor.size),
    expected: String(sizeBytes),
  });
}

function describe(manifest: Manifest, digest: Digest, size: number): Descriptor {
  const artifactType = artifactTypeOf(manifest);
  return {
    mediaType: manifest.mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
}
