import type { Digest } from '../../core/image/digest.ts';
import type { DurableFolders } from './durable-folders.ts';
import type { FileLayer, StoredFile } from './file-layer.ts';
import type { RepositoryLayout } from './repository-layout.ts';

/** Blobs by repository and digest. What is here has been hashed on its way in. */
export class BlobStore {
  readonly #layout: RepositoryLayout;
  readonly #files: FileLayer;
  readonly #folders: DurableFolders;

  constructor(layout: RepositoryLayout, files: FileLayer, folders: DurableFolders) {
    this.#layout = layout;
    this.#files = files;
    this.#folders = folders;
  }

  /** Undefined when the repository does not have it. */
  async sizeBytes(repository: string, digest: Digest): Promise<number | undefined> {
    return (await this.#files.stat(this.#layout.blob(repository, digest)))?.sizeBytes;
  }

  /** Undefined when the repository does not have it. The caller closes it, or reads it to its end. */
  open(repository: string, digest: Digest): Promise<StoredFile | undefined> {
    return this.#files.open(this.#layout.blob(repository, digest));
  }

  /** Takes over a file whose content has this digest and is on the disk. Durable on return. */
  adopt(repository: string, digest: Digest, path: string): Promise<void> {
    return this.#folders.move(path, this.#layout.blob(repository, digest));
  }

  /** Makes a blob of one repository one of another as well. False when the first does not have it. Durable on return. */
  mount(from: string, to: string, digest: Digest): Promise<boolean> {
    return this.#folders.share(this.#layout.blob(from, digest), this.#layout.blob(to, digest));
  }

  /** False when there was none. */
  delete(repository: string, digest: Digest): Promise<boolean> {
    return this.#folders.remove(this.#layout.blob(repository, digest));
  }
}
