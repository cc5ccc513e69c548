import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Repository } from '../../core/image/reference.ts';
import { VerificationError } from '../../errors.ts';
import type { ImageSink } from '../../io/registry/image-sink.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import type { AttachedNode, ImageNode } from './image-graph.ts';

/** Where an image is, and where what belongs to it is. */
export interface ImagePlace {
  readonly images: Repository;
  readonly attachments: Repository;
  /** In front of the older storage's tags there. */
  readonly tagPrefix?: string;
}

export interface ImageTransferRequest {
  readonly root: ImageNode;
  readonly source: ImageSource;
  readonly from: ImagePlace;
  readonly sink: ImageSink;
  readonly to: ImagePlace;
  /** Called after a manifest is there, with its tag if it has one. */
  readonly onManifest?: (digest: Digest, tag: string | undefined) => void;
}

type Place = 'images' | 'attachments';

const PARALLEL_BLOBS = 4;
/** How many manifests are on their way at once; each sends its blobs first. */
const PARALLEL_MANIFESTS = 4;

/**
 * Carries an image and what belongs to it from one place to another: blobs before the manifest that names them, what an
 * index names before the index, an image before what refers to it. The image itself is put by its digest alone; giving it a
 * name is left to the caller, as the last step, so that no name ever leads to half an image.
 *
 * @throws whatever source and sink throw; VerificationError DIGEST_MISMATCH for content of another length than was said
 */
export async function transferImage(request: ImageTransferRequest): Promise<void> {
  await new Transfer(request).image(request.root, 'images');
}

class Transfer {
  readonly #request: ImageTransferRequest;
  readonly #blobTurns = new ConcurrencyLimit(PARALLEL_BLOBS);
  readonly #manifestTurns = new ConcurrencyLimit(PARALLEL_MANIFESTS);
  readonly #blobs = new Map<string, Promise<void>>();
  readonly #manifests = new Map<string, Promise<void>>();

  constructor(request: ImageTransferRequest) {
    this.#request = request;
  }

  async image(node: ImageNode, place: Place): Promise<void> {
    await this.#once(node, () => this.#image(node, place));
    await all(node.attached.map((attached) => this.#attached(attached)));
  }

  async #image(node: ImageNode, place: Place): Promise<void> {
    await all(node.children.map((child) => this.image(child, place)));
    const { sink, to, onManifest } = this.#request;
    const { digest, bytes, mediaType } = node.manifest;
    await this.#manifestTurns.run('', async () => {
      if (await sink.hasManifest(to[place], digest)) return;
      await this.#blobsOf(node, place);
      await sink.putManifest(to[place], digest, bytes, mediaType);
      onManifest?.(digest, undefined);
    });
  }

  async #attached({ node, tag }: AttachedNode): Promise<void> {
    await this.#once(
      node,
      async () => {
        await all(node.children.map((child) => this.image(child, 'attachments')));
        const { sink, to, onManifest } = this.#request;
        const { digest, bytes, mediaType } = node.manifest;
        await this.#manifestTurns.run('', async () => {
          await this.#blobsOf(node, 'attachments');
          if (tag === undefined) await sink.pushReferrer(to.attachments, bytes);
          else await sink.putManifest(to.attachments, `${to.tagPrefix ?? ''}${tag}`, bytes, mediaType);
          onManifest?.(digest, tag);
        });
      },
      tag,
    );
    await all(node.attached.map((attached) => this.#attached(attached)));
  }

  #once({ manifest }: ImageNode, put: () => Promise<void>, tag = ''): Promise<void> {
    const name = `${manifest.digest.toString()} ${tag}`;
    const running = this.#manifests.get(name) ?? put();
    this.#manifests.set(name, running);
    return running;
  }

  async #blobsOf({ parsed }: ImageNode, place: Place): Promise<void> {
    if (parsed.kind !== 'image') return;
    const blobs = [parsed.config, ...parsed.layers].filter(({ mediaType }) => !isElsewhere(mediaType));
    await all(blobs.map((blob) => this.#blob(blob, place)));
  }

  #blob(blob: Descriptor, place: Place): Promise<void> {
    const name = `${place} ${blob.digest.toString()}`;
    const running = this.#blobs.get(name) ?? this.#blobTurns.run('', () => this.#put(blob, place));
    this.#blobs.set(name, running);
    return running;
  }

  async #put({ digest, size }: Descriptor, place: Place): Promise<void> {
    const { source, from, sink, to } = this.#request;
    const isNear = from[place].registry === to[place].registry && from[place].repository !== to[place].repository;
    await sink.putBlob(
      to[place],
      { digest, sizeBytes: size, open: () => exactly(source.streamBlob(from[place], digest, size), digest, size) },
      isNear ? { mountFrom: from[place].repository } : {},
    );
  }
}

/** Layers that their makers serve themselves (image-spec, non-distributable layers): registries do not have them. */
function isElsewhere(mediaType: string): boolean {
  return /\.nondistributable\.|\.foreign\./.test(mediaType);
}

/** Both ends count on the length that the descriptor says. */
async function* exactly(
  content: AsyncIterable<Uint8Array>,
  digest: Digest,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of content) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent === sizeBytes) return;
  throw new VerificationError('DIGEST_MISMATCH', `${digest.toString()} is of another length than its descriptor says`, {
    found: `${sent} bytes`,
    expected: `${sizeBytes} bytes`,
  });
}

/** Waits for all, also when one fails: what still runs must not go on behind the caller's back. */
async function all(tasks: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
