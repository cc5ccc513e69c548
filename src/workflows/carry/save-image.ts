import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import { LayoutSource } from '../../io/registry/layout-source.ts';
import { LayoutWriter } from '../../io/registry/layout-writer.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { destinationTag } from './destination-tag.ts';
import { descriptorOf, fetchImageGraph, nodesOf, type ImageNode } from './image-graph.ts';
import { transferImage } from './image-transfer.ts';

export interface SaveImageRequest {
  readonly registry: ImageSource;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  /** In front of the older storage's tags in the registry; a folder has them without. */
  readonly tagPrefix?: string;
  readonly folder: string;
  /** Of the files that make the folder a layout, before the process' mask. */
  readonly indexMode?: number;
  /** As cosign: a page in the place of the list of referrers counts as none, and is told of here. */
  readonly onDoubt?: PassOver;
}

export interface LoadImageRequest {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly folder: string;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  /** In front of the older storage's tags in the registry; a folder has them without. */
  readonly tagPrefix?: string;
  /** As cosign: SBOMs under tags stay in the folder. Told of each. */
  readonly onLeft?: (tag: string) => void;
}

export interface MovedImage {
  readonly descriptor: Descriptor;
  readonly manifestCount: number;
  readonly missing: readonly Digest[];
}

/**
 * Writes an image and all that belongs to it to a folder, as an OCI layout.
 *
 * @throws UsageError USAGE_WOULD_OVERWRITE, USAGE_DISK_FULL, USAGE_FILE; all that fetching throws. Nothing is left behind.
 */
export async function saveImage(request: SaveImageRequest): Promise<MovedImage> {
  const { registry, reference, signatureRepository, tagPrefix = '', folder, indexMode, onDoubt } = request;
  const layout = await LayoutWriter.open(folder, indexMode);
  const graph = await fetchImageGraph({
    source: registry,
    reference,
    tagPrefix,
    ...(signatureRepository === undefined ? {} : { signatureRepository }),
    ...(onDoubt === undefined ? {} : { onDoubt }),
  });
  const place = { images: reference, attachments: signatureRepository ?? reference };
  const descriptor = descriptorOf(graph.root);
  try {
    await transferImage({ root: graph.root, source: registry, from: place, sink: layout, to: place });
    await layout.finish(descriptor, reference);
  } catch (error) {
    await layout.abandon();
    throw error;
  }
  return { descriptor, manifestCount: nodesOf(graph.root).length, missing: graph.missing };
}

/**
 * Pushes the image of a layout, with all that belongs to it. Its tag is written last.
 *
 * @throws UsageError USAGE_FILE; NotFoundError NOT_FOUND and VerificationError DIGEST_MISMATCH for a layout that is not whole;
 *   FormatError; all that pushing throws
 */
export async function loadImage(request: LoadImageRequest): Promise<MovedImage> {
  const { registry, folder, reference, signatureRepository, tagPrefix = '' } = request;
  registry.announce(
    [reference, ...(signatureRepository === undefined ? [] : [signatureRepository])].map((repository) => ({
      repository,
      action: 'push',
    })),
  );
  const layout = await LayoutSource.open(folder);
  const { onLeft } = request;
  const read = await fetchImageGraph({ source: layout, reference: layout.reference });
  const graph = onLeft === undefined ? read : { ...read, root: withoutSboms(read.root, onLeft) };
  const descriptor = descriptorOf(graph.root);
  const tag = destinationTag(reference, descriptor);
  await transferImage({
    root: graph.root,
    source: layout,
    from: { images: layout.reference, attachments: layout.reference },
    sink: registry,
    to: { images: reference, attachments: signatureRepository ?? reference, tagPrefix },
  });
  if (tag !== undefined) {
    await registry.putManifest(reference, tag, graph.root.manifest.bytes, descriptor.mediaType);
  }
  return { descriptor, manifestCount: nodesOf(graph.root).length, missing: graph.missing };
}

function withoutSboms(node: ImageNode, onLeft: (tag: string) => void): ImageNode {
  const kept = node.attached.filter(({ kind, tag }) => {
    if (kind !== 'sbom' || tag === undefined) return true;
    onLeft(tag);
    return false;
  });
  return { ...node, attached: kept, children: node.children.map((child) => withoutSboms(child, onLeft)) };
}
