import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { RunningDigest } from '../../core/crypto/digest.ts';
import { Digest, type DigestAlgorithm } from '../../core/image/digest.ts';
import { LimitError, RemoteError, VerificationError } from '../../errors.ts';
import type { BlobStore } from './blob-store.ts';
import type { ByteRange } from './byte-range.ts';
import { isAbsent } from './durable-file.ts';
import { badRequest, unknown } from './oci-error.ts';
import type { RepositoryLayout } from './repository-layout.ts';

export interface UploadStoreOptions {
  readonly layout: RepositoryLayout;
  readonly blobs: BlobStore;
  /** Largest blob accepted. */
  readonly maxBlobBytes: number;
  readonly now: () => Date;
}

/** What became of a chunk. `outOfOrder`: nothing was written, `sizeBytes` says where the upload stands. */
export interface AppendResult {
  readonly sizeBytes: number;
  readonly outOfOrder: boolean;
}

/** A digest of the first `hashedBytes` of an upload: most uploads end as they began, in sha256. */
interface Progress {
  readonly hash: RunningDigest;
  hashedBytes: number;
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
    const id = randomUUID();
    const folder = this.#options.layout.upload(id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'repository'), repository, { mode: 0o600 });
    await writeFile(this.#data(id), '', { mode: 0o600 });
    return id;
  }

  /** Bytes received so far. @throws NotFoundError (BLOB_UPLOAD_UNKNOWN), also for an upload of another repository */
  async sizeBytes(repository: string, id: string): Promise<number> {
    try {
      const owner = await readFile(join(this.#options.layout.upload(id), 'repository'), 'utf8');
      if (owner === repository) return (await stat(this.#data(id))).size;
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
    throw unknown('BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
  }

  /**
   * Appends a body.
   *
   * @param range where the client believes that the body belongs; anywhere but at the end is out of order
   * @throws FormatError (SIZE_INVALID) when the body is not as long as its range; LimitError LIMIT_SIZE; RemoteError
   *   REMOTE_BODY when the client went away, with what had arrived kept
   */
  append(
    repository: string,
    id: string,
    body: ReadableStream<Uint8Array> | null,
    range?: ByteRange,
  ): Promise<AppendResult> {
    return this.#exclusively(id, async (signal) => {
      const sizeBytes = await this.sizeBytes(repository, id);
      if (range !== undefined && range.start !== sizeBytes) return { sizeBytes, outOfOrder: true };
      if (body === null) return { sizeBytes, outOfOrder: false };
      const maxBytes = range === undefined ? this.#options.maxBlobBytes : range.end + 1;
      const file = await open(this.#data(id), 'a');
      try {
        const progress = this.#progress.get(id) ?? { hash: new RunningDigest('sha256'), hashedBytes: 0 };
        this.#progress.delete(id);
        const written = await receive(file, body, signal, { sizeBytes, maxBytes, progress });
        if (range !== undefined && written !== range.end + 1) {
          await file.truncate(sizeBytes);
          throw sizeInvalid(range, written - sizeBytes);
        }
        if (written > this.#options.maxBlobBytes) {
          await file.truncate(sizeBytes);
          throw tooLarge(this.#options.maxBlobBytes);
        }
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
   * @throws VerificationError DIGEST_MISMATCH; the upload is gone then, as nothing could be appended to mend it
   */
  finish(repository: string, id: string, digest: Digest): Promise<void> {
    return this.#exclusively(id, async () => {
      const sizeBytes = await this.sizeBytes(repository, id);
      const found = await this.#digest(id, digest.algorithm, sizeBytes);
      if (!found.equals(digest)) {
        await this.#remove(id);
        throw new VerificationError('DIGEST_MISMATCH', 'the content does not have the digest it was sent under', {
          found: found.toString(),
          expected: digest.toString(),
        });
      }
      const file = await open(this.#data(id), 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#options.blobs.adopt(repository, digest, this.#data(id));
      await this.#remove(id);
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
    await rm(this.#options.layout.upload(id), { recursive: true, force: true });
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
    for await (const chunk of createReadStream(this.#data(id))) hash.update(chunk as Uint8Array);
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

  /** Removes uploads that nobody has touched for a day; looks for them once an hour at most. */
  async #sweep(): Promise<void> {
    const now = this.#options.now().getTime();
    if (now - this.#lastSweep < SWEEP_EVERY_MS) return;
    this.#lastSweep = now;
    for (const id of await readdir(this.#options.layout.uploads)) {
      const folder = join(this.#options.layout.uploads, id);
      const touched = await stat(join(folder, 'data')).catch(() => undefined);
      if (touched !== undefined && now - touched.mtimeMs > ABANDONED_AFTER_MS && !this.#active.has(id)) {
        await rm(folder, { recursive: true, force: true });
      }
    }
  }
}

interface Reception {
  /** Size of the file before. */
  readonly sizeBytes: number;
  /** Reading stops beyond this size. */
  readonly maxBytes: number;
  readonly progress: Progress;
}

/** Writes and hashes a body as it arrives; returns the size of the file afterwards, at most one chunk beyond `maxBytes`. */
async function receive(
  file: FileHandle,
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  { sizeBytes, maxBytes, progress }: Reception,
): Promise<number> {
  const reader = body.getReader();
  const give = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', give, { once: true });
  let size = sizeBytes;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) throw new RemoteError('REMOTE_BODY', 'another request has taken over this upload');
      if (done) return size;
      await file.appendFile(value);
      // Hashing is only worth it while it has seen everything from the first byte.
      if (progress.hashedBytes === size) {
        progress.hash.update(value);
        progress.hashedBytes += value.length;
      }
      size += value.length;
      if (size > maxBytes) {
        give();
        return size;
      }
    }
  } catch (cause) {
    if (cause instanceof RemoteError) throw cause;
    throw new RemoteError('REMOTE_BODY', 'the request body ended early', { cause });
  } finally {
    signal.removeEventListener('abort', give);
  }
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
