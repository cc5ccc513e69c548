import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Platform } from '../../core/image/platform.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { UsageError } from '../../errors.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { destinationTag } from './destination-tag.ts';
import { descriptorOf, fetchImageGraph, nodesOf, type AttachmentKind, type ImageNode } from './image-graph.ts';
import { transferImage } from './image-transfer.ts';
import { manifestOfPlatform } from '../verify/platform-manifest.ts';

export interface CopyImageRequest {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly from: ImageReference;
  readonly to: ImageReference;
  /** Where the source's signatures are kept, when not beside it (`COSIGN_REPOSITORY`); the copy's are beside the copy. */
  readonly signatureRepository?: Repository;
  /** In front of the older storage's tags, at both ends. */
  readonly tagPrefix?: string;
  /** Only these of what belongs to the image, and the image itself without a tag. */
  readonly only?: readonly AttachmentKind[];
  readonly platform?: Platform;
  /** Replaces what has the destination's tags now. */
  readonly force?: boolean;
  readonly onManifest?: (digest: Digest, tag: string | undefined) => void;
  /** As cosign: a page in the place of the list of referrers counts as none, and is told of here. */
  readonly onDoubt?: PassOver;
}

export interface CopiedImage {
  readonly descriptor: Descriptor;
  /** How many manifests the image and what belongs to it are. */
  readonly manifestCount: number;
  /** Referrers that the source lists and does not have. */
  readonly missing: readonly Digest[];
}

/**
 * Copies an image with all that belongs to it. The destination is looked at before anything is written, and its tag is
 * written last.
 *
 * @throws UsageError USAGE_WOULD_OVERWRITE; all that fetching and pushing throw
 */
export async function copyImage(request: CopyImageRequest): Promise<CopiedImage> {
  const { registry, to, only, signatureRepository, tagPrefix = '', onManifest, onDoubt } = request;
  registry.announce([
    { repository: request.from, action: 'pull' },
    { repository: to, action: 'push' },
    ...(signatureRepository === undefined ? [] : [{ repository: signatureRepository, action: 'pull' } as const]),
  ]);
  const from = await chosen(request);
  const graph = await fetchImageGraph({
    source: registry,
    reference: from,
    tagPrefix,
    ...(signatureRepository === undefined ? {} : { signatureRepository }),
    ...(only === undefined ? {} : { only }),
    ...(onDoubt === undefined ? {} : { onDoubt }),
  });
  const descriptor = descriptorOf(graph.root);
  const named = destinationTag(to, descriptor);
  const tag = only === undefined ? named : undefined;
  if (request.force !== true) await checkDestination(registry, to, tag, tagPrefix, graph.root);
  await transferImage({
    root: graph.root,
    source: registry,
    from: { images: from, attachments: signatureRepository ?? from },
    sink: registry,
    to: { images: to, attachments: to, tagPrefix },
    ...(onManifest === undefined ? {} : { onManifest }),
  });
  if (tag !== undefined) {
    await registry.putManifest(to, tag, graph.root.manifest.bytes, descriptor.mediaType);
    onManifest?.(descriptor.digest, tag);
  }
  return { descriptor, manifestCount: nodesOf(graph.root).length, missing: graph.missing };
}

async function chosen({ registry, from, platform }: CopyImageRequest): Promise<ImageReference> {
  return platform === undefined ? from : from.atDigest((await manifestOfPlatform(registry, from, platform)).digest);
}

/** What would be lost: another image under the tag, or signatures under a tag that the source's do not contain. */
async function checkDestination(
  registry: RegistryClient,
  to: ImageReference,
  tag: string | undefined,
  tagPrefix: string,
  root: ImageNode,
): Promise<void> {
  if (tag !== undefined) {
    const present = await registry.resolveIfPresent(to.atTag(tag));
    if (present !== undefined && !present.digest.equals(root.manifest.digest)) {
      throw wouldOverwrite(to.atTag(tag), present.digest, root.manifest.digest);
    }
  }
  for (const node of nodesOf(root)) {
    for (const { node: attached, tag: kept } of node.attached) {
      if (kept === undefined) continue;
      const name = to.atTag(`${tagPrefix}${kept}`);
      const present = await registry.getManifestIfPresent(name);
      if (present === undefined || present.digest.equals(attached.manifest.digest)) continue;
      if (!contains(attached, present.parse())) {
        throw wouldOverwrite(name, present.digest, attached.manifest.digest);
      }
    }
  }
}

/** Whether every layer of what is there is among those that come, with the same annotations: then nothing is lost. */
function contains({ parsed }: ImageNode, present: ImageNode['parsed']): boolean {
  if (parsed.kind !== 'image' || present.kind !== 'image') return false;
  const nameOf = ({ digest, annotations = {} }: Descriptor): string =>
    JSON.stringify([digest.toString(), Object.entries(annotations).sort()]);
  const coming = new Set(parsed.layers.map(nameOf));
  return present.layers.every((layer) => coming.has(nameOf(layer)));
}

function wouldOverwrite(reference: ImageReference, found: Digest, wanted: Digest): UsageError {
  return new UsageError('USAGE_WOULD_OVERWRITE', `${reference.toString()} is something else already`, {
    found: found.toString(),
    expected: `no such tag, or ${wanted.toString()}; -f replaces it`,
  });
}
