import { legacyTag, type LegacyAttachment } from '../../core/image/attached-tag.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { Annotations, Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { encodeManifest, MAX_MANIFEST_BYTES, type ImageManifest } from '../../core/image/manifest.ts';
import { DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_MANIFEST } from '../../core/image/media-types.ts';
import type { Repository } from '../../core/image/reference.ts';
import { ImageReference } from '../../core/image/reference.ts';
import { FormatError, LimitError, RemoteError } from '../../errors.ts';
import { MAX_LAYERS } from './layer-store.ts';
import { realSleep } from './real-sleep.ts';
import type { RegistryClient } from './registry-client.ts';
import { MAX_WRITES, pauseAfterWrite, SETTLE_MS, settleTime } from './rival-writers.ts';

/** A layer to be stored. */
export interface NewLayer {
  readonly content: Uint8Array;
  readonly annotations: Annotations;
  readonly mediaType: string;
}

export interface PushLayersOptions {
  /** In front of the tag (`--attachment-tag-prefix`). */
  readonly tagPrefix?: string;
  /** Recorded in the image config (`--record-creation-timestamp`); the year 1 when absent, as cosign writes it. */
  readonly createdAt?: Date;
  /** Docker's media types for a manifest that is not there yet (`COSIGN_DOCKER_MEDIA_TYPES`). */
  readonly dockerMediaTypes?: boolean;
  /** Whether what is there already makes a new layer needless. It stands in for it then. */
  readonly isDuplicate?: (present: Descriptor, added: NewLayer) => boolean;
  /** Whether a layer that is there has to go (`attest --replace`). */
  readonly isReplaced?: (present: Descriptor) => boolean;
  /** Waits between a write and its reading back; real time when absent. */
  readonly sleep?: (ms: number) => Promise<void>;
}

export interface PushedLayers {
  readonly tag: ImageReference;
  /** The manifest as it was last seen, with all layers in it. */
  readonly manifest: Descriptor;
  /** How many of the layers were there already in another shape, and were not written. */
  readonly duplicates: number;
}

const NEVER = '0001-01-01T00:00:00Z';

/**
 * Adds layers to an image's `.sig` or `.att` tag. The protocol has no compare-and-swap: two writers that read the same
 * manifest lose what one of them wrote. So what was written is read back after a pause, and written again, on top of what
 * the registry holds by then, when a rival has removed it (cosign writes once and does not look).
 *
 * @param target repository to write to: the image's own, or the one that COSIGN_REPOSITORY names
 * @param digest of the signed manifest
 * @throws FormatError FORMAT_MANIFEST when something else has the tag; LimitError; RemoteError COULD_NOT_CHECK when other writers
 *   keep overwriting; all that RegistryClient throws
 */
export async function pushLayers(
  client: RegistryClient,
  target: Repository,
  digest: Digest,
  attachment: Exclude<LegacyAttachment, 'sbom'>,
  layers: readonly NewLayer[],
  options: PushLayersOptions = {},
): Promise<PushedLayers> {
  const tag = new ImageReference({
    registry: target.registry,
    repository: target.repository,
    tag: `${options.tagPrefix ?? ''}${legacyTag(digest, attachment)}`,
  });
  for (const content of new Set(layers.map((layer) => layer.content))) await client.putBlob(target, content);
  const sleep = options.sleep ?? realSleep;
  let confirmations = 0;
  let settleMs = SETTLE_MS;
  for (let attempt = 0; attempt < MAX_WRITES; attempt++) {
    const startedAt = performance.now();
    const present = await read(client, tag);
    const kept = present.manifest.layers.filter(
      (layer) => options.isReplaced?.(layer) !== true || isAmong(layer, layers),
    );
    const missing = layers.filter(
      (added) => !kept.some((layer) => isSame(layer, added) || options.isDuplicate?.(layer, added) === true),
    );
    const isDone = missing.length === 0 && kept.length === present.manifest.layers.length;
    if (isDone && present.descriptor !== undefined) {
      // Where rivals have been met, one of them may still be about to write what it read long ago.
      if (++confirmations > (attempt > 1 ? 1 : 0)) return pushed(tag, present.descriptor, layers, kept);
      await sleep(settleMs);
      continue;
    }
    confirmations = 0;
    await write(client, tag, present.manifest, [...kept, ...missing.map(descriptorOf)], options);
    settleMs = settleTime(performance.now() - startedAt);
    await sleep(pauseAfterWrite(settleMs, attempt));
  }
  throw new RemoteError('COULD_NOT_CHECK', `other writers keep overwriting ${tag.toString()}`, {
    found: `a layer was gone after each of ${MAX_WRITES} writes`,
    expected: 'one writer at a time, or signatures as bundles',
    retryable: true,
  });
}

function pushed(
  tag: ImageReference,
  manifest: Descriptor,
  layers: readonly NewLayer[],
  kept: readonly Descriptor[],
): PushedLayers {
  const duplicates = layers.filter((added) => !kept.some((layer) => isSame(layer, added))).length;
  return { tag, manifest, duplicates };
}

interface Present {
  readonly manifest: ImageManifest;
  /** Undefined when there is no such tag yet. */
  readonly descriptor: Descriptor | undefined;
}

const NOTHING: ImageManifest = {
  kind: 'image',
  mediaType: '',
  config: { mediaType: '', size: 0, digest: Digest.of(new Uint8Array(0)) },
  layers: [],
};

async function read(client: RegistryClient, tag: ImageReference): Promise<Present> {
  const fetched = await client.getManifestIfPresent(tag);
  if (fetched === undefined) return { manifest: NOTHING, descriptor: undefined };
  const manifest = fetched.parse();
  const { mediaType, digest, bytes } = fetched;
  if (manifest.kind === 'image') return { manifest, descriptor: { mediaType, digest, size: bytes.length } };
  throw new FormatError('FORMAT_MANIFEST', `${tag.toString()} is in use for something else`, {
    found: manifest.mediaType,
    expected: 'no such tag, or an image manifest with a layer for each signature',
    fix: `crane delete ${tag.toString()}`,
  });
}

async function write(
  client: RegistryClient,
  tag: ImageReference,
  present: ImageManifest,
  layers: readonly Descriptor[],
  options: PushLayersOptions,
): Promise<void> {
  if (layers.length > MAX_LAYERS) {
    throw new LimitError('LIMIT_COUNT', `${tag.toString()} is full`, {
      found: `${layers.length} layers`,
      expected: `at most ${MAX_LAYERS}, which is what verifiers read`,
    });
  }
  const config = configOf(layers, options.createdAt);
  const isDocker = present.mediaType === '' ? options.dockerMediaTypes === true : present.mediaType === DOCKER_MANIFEST;
  const mediaType = isDocker ? DOCKER_MANIFEST : OCI_MANIFEST;
  const bytes = encodeManifest({
    ...present,
    mediaType,
    config: {
      mediaType: isDocker ? DOCKER_CONFIG : OCI_CONFIG,
      size: config.length,
      digest: await client.putBlob(tag, config),
    },
    layers,
  });
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new LimitError('LIMIT_SIZE', `${tag.toString()} is full`, {
      found: `a manifest of ${bytes.length} bytes`,
      expected: `at most ${MAX_MANIFEST_BYTES}`,
    });
  }
  await client.putManifest(tag, tag.tag ?? '', bytes, mediaType);
}

/** An image config as Go's registry library makes one of layers that are no file systems (cosign.md §3.2). */
function configOf(layers: readonly Descriptor[], createdAt: Date | undefined): Uint8Array {
  return utf8(
    JSON.stringify({
      architecture: '',
      created: createdAt?.toISOString() ?? NEVER,
      history: layers.map(() => ({ created: NEVER })),
      os: '',
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest.toString()) },
      config: {},
    }),
  );
}

function descriptorOf({ content, annotations, mediaType }: NewLayer): Descriptor {
  return { mediaType, size: content.length, digest: Digest.of(content), annotations };
}

function isAmong(present: Descriptor, added: readonly NewLayer[]): boolean {
  return added.some((layer) => isSame(present, layer));
}

function isSame(present: Descriptor, { content, annotations }: NewLayer): boolean {
  const { annotations: others = {} } = present;
  const names = Object.keys(annotations);
  return (
    present.digest.equals(Digest.of(content)) &&
    names.length === Object.keys(others).length &&
    names.every((name) => others[name] === annotations[name])
  );
}
