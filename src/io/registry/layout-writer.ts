import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunningDigest } from '../../core/crypto/digest.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf, parseManifest } from '../../core/image/manifest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { SealwrightError, UsageError, VerificationError } from '../../errors.ts';
import { syncFolder, writeDurableFile } from '../files/durable-file.ts';
import { systemCode } from '../files/system-code.ts';
import type { BlobSource } from './blob-transfer.ts';
import type { ImageSink } from './image-sink.ts';
import { namesIn } from './layout-file.ts';
import {
  blobPath,
  BLOBS_FOLDER,
  COSIGN_ATTACHMENTS,
  COSIGN_IMAGE,
  COSIGN_IMAGE_INDEX,
  COSIGN_KIND,
  encodeLayoutIndex,
  IMAGE_NAME,
  INDEX_FILE,
  isIndexType,
  LAYOUT_FILE,
  LAYOUT_VERSION,
  parseLayoutIndex,
  REF_NAME,
} from './layout-format.ts';
import type { PushedManifest } from './manifest-transfer.ts';

/** Readable by everybody, as images are. */
const FILE_MODE = 0o644;

/**
 * Writes one image with all that belongs to it as an OCI layout that cosign's `load` and `verify --local-image`, skopeo and
 * crane read. `index.json` comes last and in one step: a folder without it is no layout, and one that was a layout before
 * holds its old image until then.
 *
 * Two annotations on each entry of `index.json` say what it is: `org.opencontainers.image.ref.name`, its tag in the
 * registry, and cosign's `kind`.
 */
export class LayoutWriter implements ImageSink {
  readonly #folder: string;
  /** Files of this image, by path. */
  readonly #present = new Set<string>();
  /** Those of them that were not there before. */
  readonly #written: string[] = [];
  readonly #tags = new Map<string, Descriptor>();
  readonly #referrers = new Map<string, Descriptor>();
  /** Whether the folder holds an image already, which goes when this one is there. */
  readonly #replaces: boolean;
  /** Of the files that make the folder a layout. */
  readonly #indexMode: number;

  private constructor(folder: string, replaces: boolean, indexMode: number) {
    this.#folder = folder;
    this.#replaces = replaces;
    this.#indexMode = indexMode;
  }

  /**
   * @param folder made when it is missing; may hold an image that `save`, ours or cosign's, has written, which is replaced
   * @param indexMode of `index.json` and `oci-layout`, before the process' mask
   * @throws UsageError USAGE_WOULD_OVERWRITE for a folder of something else, USAGE_FILE
   */
  static async open(folder: string, indexMode = FILE_MODE): Promise<LayoutWriter> {
    return new LayoutWriter(folder, await holdsSavedImage(folder), indexMode);
  }

  hasManifest(_: Repository, digest: Digest): Promise<boolean> {
    return Promise.resolve(this.#present.has(join(this.#folder, ...blobPath(digest))));
  }

  async putBlob(_: Repository, blob: Uint8Array | BlobSource): Promise<Digest> {
    if (blob instanceof Uint8Array) return this.#putBytes(blob, Digest.of(blob));
    const { digest, sizeBytes } = blob;
    await this.#put(digest, blob.open(0, sizeBytes));
    return digest;
  }

  async putManifest(
    _: Repository,
    name: string | Digest,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<PushedManifest> {
    const digest = await this.#putBytes(bytes, typeof name === 'string' ? Digest.of(bytes) : name);
    if (typeof name === 'string') this.#tags.set(name, { mediaType, digest, size: bytes.length });
    return { digest, subject: undefined };
  }

  async pushReferrer(_: Repository, bytes: Uint8Array): Promise<Descriptor> {
    const manifest = parseManifest(bytes);
    const digest = await this.#putBytes(bytes, Digest.of(bytes));
    const artifactType = artifactTypeOf(manifest);
    const descriptor: Descriptor = {
      mediaType: manifest.mediaType,
      digest,
      size: bytes.length,
      ...(artifactType === undefined ? {} : { artifactType }),
    };
    this.#referrers.set(digest.toString(), descriptor);
    return descriptor;
  }

  /**
   * Makes it a layout of this image.
   *
   * @throws UsageError USAGE_DISK_FULL, USAGE_FILE
   */
  async finish(root: Descriptor, reference: ImageReference): Promise<void> {
    const entries = [rootEntry(root, reference), ...this.#attachments(root), ...this.#referrers.values()];
    await onDisk(this.#folder, async () => {
      for (const folder of new Set([...this.#present].map(dirname))) await syncFolder(folder);
      const layout = JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION });
      await writeDurableFile(join(this.#folder, LAYOUT_FILE), layout, this.#indexMode);
      await writeDurableFile(join(this.#folder, INDEX_FILE), encodeLayoutIndex(entries), this.#indexMode);
      if (this.#replaces) await this.#removeReplaced();
    });
  }

  /** Takes back what was written. The folder is as it was before, but for folders in it. */
  async abandon(): Promise<void> {
    for (const path of this.#written) await rm(path, { force: true });
  }

  #attachments(root: Descriptor): Descriptor[] {
    const prefix = `${root.digest.algorithm}-${root.digest.hex}.`;
    return [...this.#tags].map(([tag, descriptor]) => {
      const kind = Object.entries(COSIGN_ATTACHMENTS).find(([, suffix]) => tag === prefix + suffix)?.[0];
      return {
        ...descriptor,
        annotations: { [REF_NAME]: tag, ...(kind === undefined ? {} : { [COSIGN_KIND]: kind }) },
      };
    });
  }

  /** A signature that was cleaned away since must not be found among the blobs again. */
  async #removeReplaced(): Promise<void> {
    for (const algorithm of ['sha256', 'sha512']) {
      const folder = join(this.#folder, BLOBS_FOLDER, algorithm);
      for (const name of await namesIn(folder)) {
        const path = join(folder, name);
        if (!this.#present.has(path)) await rm(path, { force: true });
      }
    }
  }

  async #putBytes(bytes: Uint8Array, digest: Digest): Promise<Digest> {
    await this.#put(digest, once(bytes));
    return digest;
  }

  async #put(digest: Digest, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = join(this.#folder, ...blobPath(digest));
    if (this.#present.has(path)) return;
    await onDisk(this.#folder, async () => {
      await mkdir(dirname(path), { recursive: true });
      const isNew = !(await exists(path));
      const temporary = join(dirname(path), `.${randomUUID()}`);
      try {
        await writeChecked(temporary, content, digest);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      this.#present.add(path);
      if (isNew) this.#written.push(path);
    });
  }
}

function rootEntry({ mediaType, digest, size }: Descriptor, reference: ImageReference): Descriptor {
  return {
    mediaType,
    digest,
    size,
    annotations: {
      [COSIGN_KIND]: isIndexType(mediaType) ? COSIGN_IMAGE_INDEX : COSIGN_IMAGE,
      [IMAGE_NAME]: reference.toString(),
      ...(reference.tag === undefined ? {} : { [REF_NAME]: reference.tag }),
    },
  };
}

/** @throws VerificationError DIGEST_MISMATCH; whatever the content throws; the error of `node:fs` */
async function writeChecked(path: string, content: AsyncIterable<Uint8Array>, digest: Digest): Promise<void> {
  const running = new RunningDigest(digest.algorithm);
  const file = await open(path, 'wx', FILE_MODE);
  try {
    for await (const chunk of content) {
      running.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const found = running.digest();
  if (equalBytes(found, digest.bytes)) return;
  throw new VerificationError('DIGEST_MISMATCH', 'the content to be saved is not what its digest names', {
    found: Digest.fromBytes(found, digest.algorithm).toString(),
    expected: digest.toString(),
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** Whether the folder holds what `save` may replace. */
async function holdsSavedImage(folder: string): Promise<boolean> {
  const names = await namesIn(folder);
  if (names.length === 0) return false;
  const strangers = names.filter((name) => ![LAYOUT_FILE, INDEX_FILE, BLOBS_FOLDER].includes(name));
  if (strangers.length === 0 && !names.includes(INDEX_FILE)) return false; // what an interrupted save has left
  if (strangers.length === 0) {
    try {
      const entries = parseLayoutIndex(await readFile(join(folder, INDEX_FILE)));
      if (entries.some(({ annotations }) => annotations?.[COSIGN_KIND] !== undefined)) return true;
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw cannotWrite(folder, error);
    }
  }
  throw new UsageError('USAGE_WOULD_OVERWRITE', `${folder} holds something else`, {
    found: strangers.slice(0, 5).join(', ') || 'a layout that save has not written',
    expected: 'a new or empty folder, or an image saved before',
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** Failures of the disk become errors of ours; those of the source pass as they are. */
async function onDisk(folder: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    if (cause instanceof SealwrightError || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw cannotWrite(folder, cause);
  }
}

function cannotWrite(folder: string, cause: unknown): UsageError {
  const found = systemCode(cause);
  if (found === 'ENOSPC' || found === 'EDQUOT') {
    return new UsageError('USAGE_DISK_FULL', `there is no room for the image in ${folder}`, {
      found,
      expected: 'room for all of it; nothing of it was left behind',
      cause,
    });
  }
  return new UsageError('USAGE_FILE', `${folder} cannot be written`, { found, cause });
}
