import { legacyTag, type LegacyAttachment } from '../../core/image/attached-tag.ts';
import type { Annotations, Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import { FormatError, LimitError, RemoteError, type SealwrightError } from '../../errors.ts';
import { isContentFault, isFault, PARALLEL_FETCHES } from './bundle-store.ts';
import type { FetchedManifest } from './manifest-transfer.ts';
import type { ImageSource } from './image-source.ts';

/** One signature or attestation of cosign's older storage, as found: nobody has looked into it. */
export interface FetchedLayer {
  readonly content: Uint8Array;
  readonly annotations: Annotations;
  readonly layerDigest: Digest;
  /** Digest of the manifest that lists it. */
  readonly manifestDigest: Digest;
}

export interface FetchedLayers {
  /** In the manifest's order. */
  readonly layers: readonly FetchedLayer[];
  readonly unusable: readonly { readonly manifestDigest: Digest; readonly error: SealwrightError }[];
}

export interface FetchLayersOptions {
  /** Layers larger than this are not fetched; they are reported. */
  readonly maxBytes: number;
  /** Contents that a layer is likely to have: one that is named by its digest needs no request. */
  readonly guesses?: readonly Uint8Array[];
  /** In front of the tag. */
  readonly tagPrefix?: string;
  /** How many are fetched at once, at most. */
  readonly parallel?: number;
  /** As cosign: a layer that the registry does not hand over does not hide the others. */
  readonly keepsOthers?: boolean;
}

/** cosign's own limit (cosign.md §3.2). */
export const MAX_LAYERS = 1000;
/** All layers of an image together: they are held in memory while they are judged. */
const MAX_TOTAL_BYTES = 128 << 20;

/**
 * What lies under an image's `.sig` or `.att` tag; nothing when the registry says that there is no such tag. One request
 * for the tag, one for each distinct content that cannot be guessed.
 *
 * @param digest of the signed manifest
 * @throws LimitError LIMIT_COUNT beyond 1000 layers, LIMIT_SIZE beyond 128 MiB together; RemoteError REMOTE_BODY for what is
 *   no manifest; all else that the source throws
 */
export async function fetchTaggedLayers(
  client: ImageSource,
  repository: Repository,
  digest: Digest,
  attachment: Exclude<LegacyAttachment, 'sbom'>,
  options: FetchLayersOptions,
): Promise<FetchedLayers> {
  const tag = `${options.tagPrefix ?? ''}${legacyTag(digest, attachment)}`;
  const { registry, repository: path } = repository;
  const manifest = await manifestAt(client, new ImageReference({ registry, repository: path, tag }));
  return manifest === undefined ? { layers: [], unusable: [] } : fetchLayers(client, repository, manifest, options);
}

/** The layers of one manifest of cosign's experiment with referrers. */
export async function fetchReferringLayers(
  client: ImageSource,
  { registry, repository }: Repository,
  digest: Digest,
  options: FetchLayersOptions,
): Promise<FetchedLayers> {
  const reference = new ImageReference({ registry, repository, digest });
  const manifest = await manifestAt(client, reference);
  // Listed a moment ago, gone now: whoever removed it meant it.
  return manifest === undefined ? { layers: [], unusable: [] } : fetchLayers(client, reference, manifest, options);
}

/** An answer that is no manifest is the registry's failure: nothing can be said about what lies there. */
async function manifestAt(client: ImageSource, reference: ImageReference): Promise<FetchedManifest | undefined> {
  try {
    return await client.getManifestIfPresent(reference);
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof LimitError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `what the registry sent for ${reference.toString()} cannot be read`, {
      ...cause.facts,
      details: { code: cause.code },
      cause,
    });
  }
}

async function fetchLayers(
  client: ImageSource,
  repository: Repository,
  manifest: FetchedManifest,
  { maxBytes, guesses = [], parallel = PARALLEL_FETCHES, keepsOthers = false }: FetchLayersOptions,
): Promise<FetchedLayers> {
  const manifestDigest = manifest.digest;
  let descriptors: readonly Descriptor[];
  try {
    descriptors = layersOf(manifest);
  } catch (error) {
    if (isContentFault(error)) return { layers: [], unusable: [{ manifestDigest, error }] };
    throw error;
  }
  checkLimits(manifestDigest, descriptors, maxBytes);
  const contents = new Map<string, Uint8Array | SealwrightError>(
    guesses.map((guess) => [Digest.of(guess).toString(), guess]),
  );
  // Several signers of one image sign the same bytes: each content is fetched once.
  const missing = descriptors.filter(
    ({ digest }, index) =>
      !contents.has(digest.toString()) && descriptors.findIndex((other) => other.digest.equals(digest)) === index,
  );
  const isUnusable = keepsOthers ? isFault : isContentFault;
  for (let start = 0; start < missing.length; start += parallel) {
    const batch = missing.slice(start, start + parallel);
    const fetched = await Promise.all(
      batch.map((found) => fetchContent(client, repository, found, { maxBytes, isUnusable })),
    );
    for (const [index, { digest }] of batch.entries())
      contents.set(digest.toString(), fetched[index] ?? new Uint8Array(0));
  }
  const layers: FetchedLayer[] = [];
  const unusable: { manifestDigest: Digest; error: SealwrightError }[] = [];
  for (const { digest, annotations = {} } of descriptors) {
    const content = contents.get(digest.toString());
    if (content instanceof Uint8Array) layers.push({ content, annotations, layerDigest: digest, manifestDigest });
    else if (content !== undefined) unusable.push({ manifestDigest, error: content });
  }
  return { layers, unusable };
}

function layersOf(manifest: FetchedManifest): readonly Descriptor[] {
  const parsed = manifest.parse();
  if (parsed.kind === 'image') return parsed.layers;
  throw new FormatError('FORMAT_MANIFEST', 'an index is where signatures should be', {
    found: parsed.mediaType,
    expected: 'an image manifest with a layer for each signature',
  });
}

function checkLimits(manifest: Digest, descriptors: readonly Descriptor[], maxBytes: number): void {
  if (descriptors.length > MAX_LAYERS) {
    throw new LimitError('LIMIT_COUNT', `too many signatures are in ${manifest.toString()}`, {
      found: `${descriptors.length} layers`,
      expected: `at most ${MAX_LAYERS}`,
    });
  }
  const sizes = new Map(descriptors.map(({ digest, size }) => [digest.toString(), size]));
  const total = [...sizes.values()].filter((size) => size <= maxBytes).reduce((sum, size) => sum + size, 0);
  if (total <= MAX_TOTAL_BYTES) return;
  throw new LimitError('LIMIT_SIZE', `the layers of ${manifest.toString()} are too large`, {
    found: `${total} bytes`,
    expected: `at most ${MAX_TOTAL_BYTES} together`,
  });
}

/** The content, or what is wrong with it: one broken layer does not hide the others. */
async function fetchContent(
  client: ImageSource,
  repository: Repository,
  { digest, size }: Descriptor,
  { maxBytes, isUnusable }: { readonly maxBytes: number; readonly isUnusable: typeof isContentFault },
): Promise<Uint8Array | SealwrightError> {
  if (size > maxBytes) {
    return new LimitError('LIMIT_SIZE', `the layer ${digest.toString()} is too large`, {
      found: `${size} bytes`,
      expected: `at most ${maxBytes}`,
    });
  }
  try {
    return await client.getBlob(repository, digest, maxBytes);
  } catch (error) {
    if (isUnusable(error)) return error;
    throw error;
  }
}
