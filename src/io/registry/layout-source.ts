import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunningDigest } from '../../core/crypto/digest.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { legacyTag } from '../../core/image/attached-tag.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf, MAX_MANIFEST_BYTES, parseManifest, type Manifest } from '../../core/image/manifest.ts';
import { ImageReference, parseReference, type Repository } from '../../core/image/reference.ts';
import { FormatError, LimitError, NotFoundError, UsageError } from '../../errors.ts';
import type { ImageSource } from './image-source.ts';
import { mismatch, namesIn, noBlob, readLayoutFile, sizeOf, tooLarge } from './layout-file.ts';
import {
  blobPath,
  BLOBS_FOLDER,
  COSIGN_ATTACHMENTS,
  COSIGN_IMAGE,
  COSIGN_IMAGE_INDEX,
  COSIGN_KIND,
  IMAGE_NAME,
  INDEX_FILE,
  LAYOUT_FILE,
  parseLayoutIndex,
  parseLayoutVersion,
  REF_NAME,
} from './layout-format.ts';
import type { FetchedManifest } from './manifest-transfer.ts';
import type { ReferrerList } from './referrers.ts';

const MAX_BLOB_BYTES = 128 << 20;
/** A layout holds one image and what belongs to it; beyond this somebody wants us to read for ever. */
const MAX_BLOBS = 100_000;

/**
 * One image in an OCI layout, with all that refers to it: as `save` of ours or of cosign, skopeo, crane or buildx writes it.
 * What the folder says about content is not believed: every manifest and every blob is checked against its digest.
 *
 * What refers to what is found by reading every manifest among the blobs, because cosign's `save` lists no referrers in
 * `index.json`.
 */
export class LayoutSource implements ImageSource {
  readonly #folder: string;
  readonly #listed: readonly Descriptor[];
  #referrers: Promise<ReadonlyMap<string, readonly Descriptor[]>> | undefined;
  /** The image that the layout is about. */
  readonly root: Descriptor;
  /** What the image was called where it came from, where the layout says so, at its digest. */
  readonly reference: ImageReference;

  private constructor(folder: string, listed: readonly Descriptor[], root: Descriptor) {
    this.#folder = folder;
    this.#listed = listed;
    this.root = root;
    this.reference = nameOf(root);
  }

  /**
   * @throws UsageError USAGE_FILE for what is no layout; NotFoundError NOT_FOUND for a layout without an image, UsageError
   *   USAGE_FILE for one with several; FormatError FORMAT_MANIFEST; LimitError
   */
  static async open(folder: string): Promise<LayoutSource> {
    parseLayoutVersion(await readLayoutFile(folder, LAYOUT_FILE));
    const listed = parseLayoutIndex(await readLayoutFile(folder, INDEX_FILE));
    return new LayoutSource(folder, listed, await rootOf(folder, listed));
  }

  async resolve(reference: ImageReference): Promise<Descriptor> {
    const { digest, mediaType, bytes } = await this.getManifest(reference);
    return { digest, mediaType, size: bytes.length };
  }

  async getManifest(reference: ImageReference): Promise<FetchedManifest> {
    const found = await this.getManifestIfPresent(reference);
    if (found !== undefined) return found;
    const code = reference.digest === undefined ? 'TAG_NOT_FOUND' : 'NOT_FOUND';
    throw new NotFoundError(code, `the layout has no ${reference.identifier}`, {
      found: this.#folder,
      expected: 'a whole image, as it was saved',
    });
  }

  async getManifestIfPresent(reference: ImageReference): Promise<FetchedManifest | undefined> {
    const digest = reference.digest ?? this.#tagged(reference.identifier);
    if (digest === undefined) return undefined;
    const path = join(this.#folder, ...blobPath(digest));
    const size = await sizeOf(path);
    if (size === undefined) return undefined;
    if (size > MAX_MANIFEST_BYTES) throw tooLarge(digest, size, MAX_MANIFEST_BYTES);
    const bytes = await readFile(path);
    if (!digest.names(bytes)) throw mismatch(digest, Digest.of(bytes, digest.algorithm));
    return { digest, bytes, mediaType: parseManifest(bytes).mediaType, parse: () => parseManifest(bytes) };
  }

  async getBlob(_: Repository, digest: Digest, maxBytes = MAX_BLOB_BYTES): Promise<Uint8Array> {
    const path = join(this.#folder, ...blobPath(digest));
    const size = await sizeOf(path);
    if (size === undefined) throw noBlob(this.#folder, digest);
    if (size > maxBytes) throw tooLarge(digest, size, maxBytes);
    const bytes = await readFile(path);
    if (!digest.names(bytes)) throw mismatch(digest, Digest.of(bytes, digest.algorithm));
    return bytes;
  }

  async *streamBlob(_: Repository, digest: Digest, sizeBytes?: number): AsyncGenerator<Uint8Array> {
    const path = join(this.#folder, ...blobPath(digest));
    const size = await sizeOf(path);
    if (size === undefined) throw noBlob(this.#folder, digest);
    if (sizeBytes !== undefined && size > sizeBytes) throw tooLarge(digest, size, sizeBytes);
    const running = new RunningDigest(digest.algorithm);
    for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
      running.update(chunk);
      yield chunk;
    }
    const found = running.digest();
    if (!equalBytes(found, digest.bytes)) throw mismatch(digest, Digest.fromBytes(found, digest.algorithm));
  }

  async referrers(_: Repository, digest: Digest, filter: { artifactType?: string } = {}): Promise<ReferrerList> {
    const all = (await (this.#referrers ??= this.#scan())).get(digest.toString()) ?? [];
    const { artifactType } = filter;
    return {
      descriptors: artifactType === undefined ? all : all.filter((found) => found.artifactType === artifactType),
      source: 'api',
    };
  }

  #tagged(tag: string): Digest | undefined {
    return this.#listed.find(
      ({ annotations }) =>
        annotations?.[REF_NAME] === tag || attachmentTag(annotations?.[COSIGN_KIND], this.root) === tag,
    )?.digest;
  }

  async #scan(): Promise<ReadonlyMap<string, readonly Descriptor[]>> {
    const found = new Map<string, Descriptor[]>();
    let count = 0;
    for (const algorithm of ['sha256', 'sha512'] as const) {
      for (const name of await namesIn(join(this.#folder, BLOBS_FOLDER, algorithm))) {
        if (++count > MAX_BLOBS) {
          throw new LimitError('LIMIT_COUNT', `${this.#folder} holds too much`, {
            found: `more than ${MAX_BLOBS} blobs`,
            expected: 'one image and what belongs to it',
          });
        }
        const referrer = await this.#referrerAt(join(this.#folder, BLOBS_FOLDER, algorithm, name), algorithm);
        if (referrer === undefined) continue;
        const siblings = found.get(referrer.subject) ?? [];
        siblings.push(referrer.descriptor);
        found.set(referrer.subject, siblings);
      }
    }
    return found;
  }

  /** What a blob refers to, when it is a manifest that refers to something. */
  async #referrerAt(
    path: string,
    algorithm: 'sha256' | 'sha512',
  ): Promise<{ subject: string; descriptor: Descriptor } | undefined> {
    const size = await sizeOf(path);
    if (size === undefined || size > MAX_MANIFEST_BYTES) return undefined;
    const bytes = await readFile(path);
    if (bytes[0] !== 0x7b || !bytes.includes('"subject"')) return undefined;
    let manifest: Manifest;
    try {
      manifest = parseManifest(bytes);
    } catch (error) {
      if (error instanceof FormatError || error instanceof LimitError) return undefined;
      throw error;
    }
    if (manifest.subject === undefined) return undefined;
    const artifactType = artifactTypeOf(manifest);
    const { annotations, mediaType } = manifest;
    return {
      subject: manifest.subject.digest.toString(),
      descriptor: {
        mediaType,
        digest: Digest.of(bytes, algorithm),
        size: bytes.length,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(annotations === undefined ? {} : { annotations }),
      },
    };
  }
}

/** cosign's mark, else the only thing listed that is neither a referrer nor somebody's attachment. */
async function rootOf(folder: string, listed: readonly Descriptor[]): Promise<Descriptor> {
  const kindOf = ({ annotations }: Descriptor): string | undefined => annotations?.[COSIGN_KIND];
  const marked = listed.filter((found) => [COSIGN_IMAGE, COSIGN_IMAGE_INDEX].includes(kindOf(found) ?? ''));
  const candidates = marked.length > 0 ? marked : listed.filter((found) => kindOf(found) === undefined);
  const roots: Descriptor[] = [];
  for (const candidate of candidates) {
    if (marked.length > 0 || !(await isAttached(folder, candidate))) roots.push(candidate);
  }
  const [root] = roots;
  if (root === undefined) {
    throw new NotFoundError('NOT_FOUND', `${folder} holds no image`, { expected: 'an image in index.json' });
  }
  if (new Set(roots.map(({ digest }) => digest.toString())).size > 1) {
    throw new UsageError('USAGE_FILE', `${folder} holds several images`, {
      found: roots
        .map(({ digest }) => digest.toString())
        .join(', ')
        .slice(0, 300),
      expected: 'one image and what belongs to it',
    });
  }
  return root;
}

async function isAttached(folder: string, { annotations, digest, size }: Descriptor): Promise<boolean> {
  if (/^sha(256|512)-[0-9a-f]{64,128}(\.\w+)?$/.test(annotations?.[REF_NAME] ?? '')) return true;
  const path = join(folder, ...blobPath(digest));
  if (size > MAX_MANIFEST_BYTES || (await sizeOf(path)) !== size) return false;
  return parseManifest(await readFile(path)).subject !== undefined;
}

function attachmentTag(kind: string | undefined, root: Descriptor): string | undefined {
  const entry = Object.entries(COSIGN_ATTACHMENTS).find(([name]) => name === kind);
  return entry === undefined ? undefined : legacyTag(root.digest, entry[1]);
}

function nameOf({ annotations, digest }: Descriptor): ImageReference {
  const name = annotations?.[IMAGE_NAME];
  try {
    if (name !== undefined) return parseReference(name).atDigest(digest);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return new ImageReference({ registry: 'localhost', repository: 'layout', digest });
}
