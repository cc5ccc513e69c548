import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { RunningDigest } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { Digest, type DigestAlgorithm } from '../../core/image/digest.ts';
import { LimitError, RemoteError, VerificationError } from '../../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { receiveBody, type Progress } from './body-reception.ts';
import type { ByteRange } from './byte-range.ts';
import type { FileLayer, GrowingFile } from './file-layer.ts';
import { badRequest, unknown } from './oci-error.ts';
import type { RepositoryLayout } from './repository-layout.ts';

export interface UploadStoreOptions {
  readonly layout: RepositoryLayout;
  readonly files: FileLayer;
  readonly blobs: BlobStore;
  /** Largest blob accepted. */
  readonly maxBlobBytes: number;
  readonly now: () => Date;
}

/** A body on its way into an upload. */
export interface Chunk {
  readonly body: ReadableStream<Uint8Array> | null;
  /** Where the client believes that it belongs; anywhere but at the end is out of order. */
  readonly range?: ByteRange | undefined;
  /** As the client announced it. */
  readonly lengthBytes?: number | undefined;
  /**
   * What arrives of a body that breaks off: kept, for a client that asks how far it got and goes on, or dropped, for one
   * that sends the same again.
   */
  readonly partial: 'keep' | 'drop';
}

/** What became of a chunk. `outOfOrder`: nothing was written, `sizeBytes` says where the upload stands. */
export interface AppendResult {
  readonly sizeBytes: number;
  readonly outOfOrder: boolean;
}

const ABANDONED_AFTER_MS = 24 * 3600_000;
const SWEEP_EVERY_MS = 3600_000;
const MAX_PROGRESSES = 256;

/**
 * Uploads under way: one folder each. They survive a restart, because nothing about them lives in memory alone: the size
 * of the file is the truth, and a digest that was lost is computed again from the file. Nothing is forced to the disk
 * before the end: a client told of a shorter file by 416 sends the rest again.
 */
export class UploadStore {
  readonly #options: UploadStoreOptions;
  readonly #progress = new Map<string, Progress>();
  readonly #active = new Map<string, { readonly controller: AbortController; readonly done: Promise<unknown> }>();
  #lastSweep: number;

  constructor(options: UploadStoreOptions) {
    this.#options = options;
    this.#lastSweep = Number.NEGATIVE_INFINITY;
  }

  /** Opens an upload for a repository and returns its identifier. */
  async create(repository: string): Promise<string> {
    await this.#sweep();
    const { files, layout } = this.#options;
    const id = randomUUID();
    await files.makeFolder(layout.upload(id));
    await this.#write(join(layout.upload(id), 'repository'), utf8(repository));
    await this.#write(this.#data(id), new Uint8Array(0));
    return id;
  }

  /** Bytes received so far. @throws NotFoundError (BLOB_UPLOAD_UNKNOWN), also for an upload of another repository */
  async sizeBytes(repository: string, id: string): Promise<number> {
    const { files, layout } = this.#options;
    const owner = await files.read(join(layout.upload(id), 'repository'));
    const data = await files.stat(this.#data(id));
    if (owner !== undefined && data !== undefined && Buffer.from(owner).toString() === repository) {
      return data.sizeBytes;
    }
    throw unknown('BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
  }

  /**
   * Appends a body.
   *
   * @throws FormatError (SIZE_INVALID) when the body is not as long as its range; LimitError LIMIT_SIZE; RemoteError
   *   REMOTE_BODY when the client went away. But for what is to be kept of a partial body, nothing was written then
   */
  append(repository: string, id: string, chunk: Chunk): Promise<AppendResult> {
    return this.#exclusively(id, async (signal) => {
      const sizeBytes = await this.sizeBytes(repository, id);
      const { body, range } = chunk;
      if (range !== undefined && range.start !== sizeBytes) return { sizeBytes, outOfOrder: true };
      this.#checkAnnounced(sizeBytes, chunk);
      if (body === null) return { sizeBytes, outOfOrder: false };
      const progress = this.#progress.get(id) ?? { hash: new RunningDigest('sha256'), hashedBytes: 0 };
      this.#progress.delete(id);
      const file = await this.#options.files.append(this.#data(id));
      try {
        const written = await this.#receive(file, { ...chunk, body }, { sizeBytes, progress, signal });
        this.#remember(id, progress);
        return { sizeBytes: written, outOfOrder: false };
      } finally {
        await file.close();
      }
    });
  }

  /**
   * Makes an upload a blob of its repository, if it is what the digest says. Durable on return.
   *
   * @throws VerificationError DIGEST_MISMATCH. After any failure the upload is gone: nothing could be appended to mend it,
   *   and after a failed sync the system may call the same bytes clean, so that a second one would promise too much
   */
  finish(repository: string, id: string, digest: Digest): Promise<void> {
    return this.#exclusively(id, async () => {
      const sizeBytes = await this.sizeBytes(repository, id);
      try {
        const found = await this.#digest(id, digest.algorithm, sizeBytes);
        if (!found.equals(digest)) throw mismatch(found, digest);
        const file = await this.#options.files.append(this.#data(id));
        try {
          await file.sync();
        } finally {
          await file.close();
        }
        await this.#options.blobs.adopt(repository, digest, this.#data(id));
      } finally {
        await this.#remove(id);
      }
    });
  }

  /** @throws NotFoundError (BLOB_UPLOAD_UNKNOWN) */
  cancel(repository: string, id: string): Promise<void> {
    return this.#exclusively(id, async () => {
      await this.sizeBytes(repository, id);
      await this.#remove(id);
    });
  }

  async #remove(id: string): Promise<void> {
    this.#progress.delete(id);
    await this.#options.files.removeTree(this.#options.layout.upload(id));
  }

  #data(id: string): string {
    return join(this.#options.layout.upload(id), 'data');
  }

  #remember(id: string, progress: Progress): void {
    this.#progress.set(id, progress);
    const [oldest] = this.#progress.keys();
    if (this.#progress.size > MAX_PROGRESSES && oldest !== undefined) this.#progress.delete(oldest);
  }

  async #digest(id: string, algorithm: DigestAlgorithm, sizeBytes: number): Promise<Digest> {
    const progress = this.#progress.get(id);
    this.#progress.delete(id);
    if (progress !== undefined && algorithm === 'sha256' && progress.hashedBytes === sizeBytes) {
      return Digest.fromBytes(progress.hash.digest());
    }
    const hash = new RunningDigest(algorithm);
    const file = sizeBytes === 0 ? undefined : await this.#options.files.open(this.#data(id));
    if (file !== undefined) for await (const chunk of file.stream(0, sizeBytes - 1)) hash.update(chunk);
    return Digest.fromBytes(hash.digest(), algorithm);
  }

  /**
   * One request per upload at a time, and the newest wins: a client that resumes does so because its earlier request is
   * dead, even where this side has not noticed yet.
   */
  async #exclusively<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const previous = this.#active.get(id);
    previous?.controller.abort();
    const controller = new AbortController();
    const running = (previous?.done ?? Promise.resolve()).then(() => work(controller.signal));
    const entry = { controller, done: running.catch(() => undefined) };
    this.#active.set(id, entry);
    try {
      return await running;
    } finally {
      if (this.#active.get(id) === entry) this.#active.delete(id);
    }
  }

  /** Refuses what is too long before any of it is read. */
  #checkAnnounced(sizeBytes: number, { range, lengthBytes }: Chunk): void {
    const { maxBlobBytes } = this.#options;
    const end = Math.max(range === undefined ? 0 : range.end + 1, sizeBytes + (lengthBytes ?? 0));
    if (end > maxBlobBytes) throw tooLarge(maxBlobBytes);
  }

  /** @returns the size of the upload afterwards */
  async #receive(
    file: GrowingFile,
    { body, range, partial }: Chunk & { readonly body: ReadableStream<Uint8Array> },
    before: { readonly sizeBytes: number; readonly progress: Progress; readonly signal: AbortSignal },
  ): Promise<number> {
    const { sizeBytes } = before;
    const maxBytes = Math.min(this.#options.maxBlobBytes, range === undefined ? Infinity : range.end + 1);
    try {
      const written = await receiveBody(file, body, { ...before, maxBytes });
      if (range !== undefined && written !== range.end + 1) throw sizeInvalid(range, written - sizeBytes);
      if (written > maxBytes) throw tooLarge(maxBytes);
      return written;
    } catch (error) {
      if (partial === 'drop' || !(error instanceof RemoteError)) await file.truncate(sizeBytes);
      throw error;
    }
  }

  async #write(path: string, content: Uint8Array): Promise<void> {
    const file = await this.#options.files.append(path);
    try {
      await file.append(content);
    } finally {
      await file.close();
    }
  }

  /** Removes uploads that nobody has touched for a day; looks for them once an hour at most. */
  async #sweep(): Promise<void> {
    const { files, layout } = this.#options;
    const now = this.#options.now().getTime();
    if (now - this.#lastSweep < SWEEP_EVERY_MS) return;
    this.#lastSweep = now;
    for (const id of await files.list(layout.uploads)) {
      const folder = join(layout.uploads, id);
      // A crash may leave a folder from which the content has been taken already.
      const touched = (await files.stat(join(folder, 'data'))) ?? (await files.stat(folder));
      if (touched !== undefined && now - touched.modifiedMs > ABANDONED_AFTER_MS && !this.#active.has(id)) {
        await files.removeTree(folder);
      }
    }
  }
}

function mismatch(found: Digest, expected: Digest): VerificationError {
  return new VerificationError('DIGEST_MISMATCH', 'the content does not have the digest it was sent under', {
    found: found.toString(),
    expected: expected.toString(),
  });
}

function sizeInvalid(range: ByteRange, received: number): Error {
  return badRequest('SIZE_INVALID', 'the chunk is not as long as its Content-Range', {
    found: `${received} bytes or more`,
    expected: `${range.end - range.start + 1} bytes`,
  });
}

function tooLarge(maxBytes: number): LimitError {
  return new LimitError('LIMIT_SIZE', 'the blob is too large for this registry', {
    expected: `at most ${maxBytes} bytes`,
  });
}
