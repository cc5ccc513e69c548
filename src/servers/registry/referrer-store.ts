import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import { encodeManifest, parseManifest } from '../../core/image/manifest.ts';
import { OCI_INDEX } from '../../core/image/media-types.ts';
import { InvariantError } from '../../errors.ts';
import { isAbsent, isTemporary, type DurableFolders } from './durable-file.ts';
import type { RepositoryLayout } from './repository-layout.ts';

export interface ReferrerPage {
  readonly descriptors: readonly Descriptor[];
  /** Name to continue after, undefined on the last page. */
  readonly next: string | undefined;
}

/** One file per referrer: the descriptor that a listing shows, so that listing opens no manifests. */
export class ReferrerStore {
  readonly #layout: RepositoryLayout;
  readonly #folders: DurableFolders;

  constructor(layout: RepositoryLayout, folders: DurableFolders) {
    this.#layout = layout;
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
    const names = (await this.#names(folder)).filter((name) => options.after === undefined || name > options.after);
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

  async #names(folder: string): Promise<string[]> {
    try {
      return (await readdir(folder)).filter((name) => !isTemporary(name)).sort();
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  /** Undefined when it was deleted meanwhile. */
  async #read(path: string): Promise<{ descriptor: Descriptor; sizeBytes: number } | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    const index = parseManifest(bytes);
    const [descriptor] = index.kind === 'index' ? index.manifests : [];
    if (descriptor === undefined) throw new InvariantError('a referrer was stored without its descriptor');
    return { descriptor, sizeBytes: bytes.length };
  }
}

/** An index of these descriptors: what the referrers API answers. */
export function referrersIndex(descriptors: readonly Descriptor[]): Uint8Array {
  return encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: descriptors });
}
