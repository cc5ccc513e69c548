import { utf8 } from '../../core/encoding/bytes.ts';
import type { Annotations, Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { encodeManifest, type ImageManifest } from '../../core/image/manifest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../core/image/media-types.ts';
import type { Platform } from '../../core/image/platform.ts';
import type { Repository } from '../../core/image/reference.ts';
import type { BlobSource } from '../../io/registry/blob-transfer.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';

export interface FileArtifact {
  readonly content: Uint8Array | BlobSource;
  /** Of the one layer. */
  readonly mediaType: string;
  /** Of the configuration; an image's when absent. */
  readonly configMediaType?: string;
  readonly annotations?: Annotations;
  readonly platform?: Platform;
  /** What the file is about; then the artifact refers to it. */
  readonly subject?: Descriptor;
  readonly artifactType?: string;
}

/**
 * Pushes the blobs of a file as cosign keeps files: the one layer of an image with an empty configuration.
 *
 * @returns the manifest, which is not pushed
 */
export async function pushFileBlobs(
  registry: RegistryClient,
  repository: Repository,
  file: FileArtifact,
): Promise<ImageManifest> {
  const { content } = file;
  const [layer, size] =
    content instanceof Uint8Array ? [Digest.of(content), content.length] : [content.digest, content.sizeBytes];
  const config = imageConfig(layer);
  const { annotations, subject, artifactType } = file;
  return {
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: file.configMediaType ?? OCI_CONFIG,
      size: config.length,
      digest: await registry.putBlob(repository, config),
    },
    layers: [
      {
        mediaType: file.mediaType,
        size,
        digest: await registry.putBlob(repository, content),
      },
    ],
    ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(subject === undefined ? {} : { subject }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

/**
 * Puts files under a tag: one as it is, several as an index with their platforms. The tag is written when all is there.
 *
 * @returns digest of what the tag names
 */
export async function pushFiles(
  registry: RegistryClient,
  repository: Repository,
  name: string | Digest,
  files: readonly FileArtifact[],
): Promise<Digest> {
  const manifests: ImageManifest[] = [];
  for (const file of files) manifests.push(await pushFileBlobs(registry, repository, file));
  const [first] = manifests;
  if (first !== undefined && manifests.length === 1) {
    return (await registry.putManifest(repository, name, encodeManifest(first), OCI_MANIFEST)).digest;
  }
  const entries: Descriptor[] = [];
  for (const [index, manifest] of manifests.entries()) {
    const bytes = encodeManifest(manifest);
    const digest = Digest.of(bytes);
    await registry.putManifest(repository, digest, bytes, OCI_MANIFEST);
    const platform = files[index]?.platform;
    entries.push({
      mediaType: OCI_MANIFEST,
      size: bytes.length,
      digest,
      ...(platform === undefined ? {} : { platform }),
    });
  }
  const annotations = files[0]?.annotations;
  const bytes = encodeManifest({
    kind: 'index',
    mediaType: OCI_INDEX,
    manifests: entries,
    ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
  return (await registry.putManifest(repository, name, bytes, OCI_INDEX)).digest;
}

/** A real image configuration, as cosign writes one: without it, clients that read images refuse the manifest. */
function imageConfig(layer: Digest): Uint8Array {
  const never = '0001-01-01T00:00:00Z';
  return utf8(
    JSON.stringify({
      architecture: '',
      created: never,
      history: [{ created: never }],
      os: '',
      rootfs: { type: 'layers', diff_ids: [layer.toString()] },
      config: {},
    }),
  );
}
