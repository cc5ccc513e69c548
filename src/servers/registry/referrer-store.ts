import { join } from 'node:path';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import { encodeManifest, parseManifest } from '../../core/image/manifest.ts';
import { OCI_INDEX } from '../../core/image/media-types.ts';
import { IntegrityError, SealwrightError } from '../../errors.ts';
import type { DurableFolders } from './durable-folders.ts';
import type { FileLayer } from './file-layer.ts';
import type { RepositoryLayout } from './repository-layout.ts';

export interface ReferrerPage {
  readonly descriptors: readonly Descriptor[];
  /** Name to continue after, undefined on the last page. */
  readonly next: string | undefined;
}

/** One file per referrer: the descriptor that a listing shows, so that listing opens no manifests. */
export class ReferrerStore {
  readonly #layout: RepositoryLayout;
  readonly #files: FileLayer;
  readonly #folders: DurableFolders;

  constructor(layout: RepositoryLayout, files: FileLayer, folders: DurableFolders) {
    this.#layout = layout;
    this.#files = files;
    this.#folders = folders;
  }

  /** Durable on return. */
  async add(repository: string, subject: Digest, descriptor: Descriptor): Promise<void> {
    const one = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [descriptor] });
    await this.#folders.write(this.#layout.referrer(repository, subject, descriptor.digest), one);
  }

  async remove(repository: string, subject: Digest, digest: Digest): Promise<void> {
    await this.#folders.remove(this.#layout.referrer(repository, subject, digest));
  }

  /**
   * Referrers in the order of their names, as many as fit.
   *
   * @param after name that the page before ended with
   * @param maxBytes of the descriptors' JSON; a single one that is larger is listed all the same
   */
  async list(
    repository: string,
    subject: Digest,
    options: {
      readonly artifactType?: string | undefined;
      readonly after?: string | undefined;
      readonly maxBytes: number;
    },
  ): Promise<ReferrerPage> {
    const folder = this.#layout.referrers(repository, subject);
    const all = [...(await this.#files.list(folder))].sort();
    const names = all.filter((name) => options.after === undefined || name > options.after);
    const descriptors: Descriptor[] = [];
    let sizeBytes = 0;
    let last: string | undefined;
    for (const name of names) {
      const found = await this.#read(join(folder, name));
      if (found === undefined) continue;
      if (options.artifactType !== undefined && found.descriptor.artifactType !== options.artifactType) continue;
      if (last !== undefined && sizeBytes + found.sizeBytes > options.maxBytes) return { descriptors, next: last };
      descriptors.push(found.descriptor);
      sizeBytes += found.sizeBytes;
      last = name;
    }
    return { descriptors, next: undefined };
  }

  /**
   * Undefined when it was deleted meanwhile.
   *
   * @throws IntegrityError STATE_CORRUPT: a signature that is there must never be left out of a list in silence
   */
  async #read(path: string): Promise<{ descriptor: Descriptor; sizeBytes: number } | undefined> {
    const bytes = await this.#files.read(path);
    if (bytes === undefined) return undefined;
    const descriptor = storedDescriptor(bytes);
    if (descriptor === undefined) {
      throw new IntegrityError('STATE_CORRUPT', 'a stored referrer cannot be read any more', { found: path });
    }
    return { descriptor, sizeBytes: bytes.length };
  }
}

function storedDescriptor(bytes: Uint8Array): Descriptor | undefined {
  try {
    const index = parseManifest(bytes);
    return index.kind === 'index' ? index.manifests[0] : undefined;
  } catch (error) {
    if (error instanceof SealwrightError) return undefined;
    throw error;
  }
}

/** An index of these descriptors: what the referrers API answers. */
export function referrersIndex(descriptors: readonly Descriptor[]): Uint8Array {
  return encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: descriptors });
}
