import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../../core/image/digest.ts';
import { isAbsent, type DurableFolders } from './durable-file.ts';
import type { RepositoryLayout } from './repository-layout.ts';

/** An open blob: it can be read to its end even if it is deleted meanwhile. The holder closes it. */
export interface OpenBlob {
  readonly file: FileHandle;
  readonly sizeBytes: number;
}

/** Blobs by repository and digest. What is here has been hashed on its way in. */
export class BlobStore {
  readonly #layout: RepositoryLayout;
  readonly #folders: DurableFolders;

  constructor(layout: RepositoryLayout, folders: DurableFolders) {
    this.#layout = layout;
    this.#folders = folders;
  }

  /** Undefined when the repository does not have it. */
  async sizeBytes(repository: string, digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#layout.blob(repository, digest))).size;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async open(repository: string, digest: Digest): Promise<OpenBlob | undefined> {
    try {
      const file = await open(this.#layout.blob(repository, digest), 'r');
      return { file, sizeBytes: (await file.stat()).size };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Takes over a file whose content has this digest and is on the disk. Durable on return. */
  async adopt(repository: string, digest: Digest, path: string): Promise<void> {
    await this.#folders.move(path, this.#layout.blob(repository, digest));
  }

  /** Makes a blob of one repository one of another as well. False when the first does not have it. Durable on return. */
  async mount(from: string, to: string, digest: Digest): Promise<boolean> {
    try {
      await this.#folders.share(this.#layout.blob(from, digest), this.#layout.blob(to, digest));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  /** False when there was none. */
  delete(repository: string, digest: Digest): Promise<boolean> {
    return this.#folders.remove(this.#layout.blob(repository, digest));
  }
}
