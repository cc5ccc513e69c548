import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf, encodeManifest, type Manifest } from '../../core/image/manifest.ts';
import {
  COSIGN_ARTIFACT_SIGNATURE,
  OCI_EMPTY,
  OCI_MANIFEST,
  SIGSTORE_BUNDLE_V03,
} from '../../core/image/media-types.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import { FormatError, LimitError, NotFoundError, SealwrightError, VerificationError } from '../../errors.ts';
import type { ImageSource } from './image-source.ts';
import type { ReferrerList } from './referrers.ts';
import type { RegistryClient } from './registry-client.ts';

export interface PushBundleOptions {
  /** URI: what the statement in the bundle says; lets a reader choose without fetching. */
  readonly predicateType: string;
  readonly createdAt: Date;
  /** `dev.sigstore.bundle.content`; what cosign 3 writes for images when absent. */
  readonly content?: 'dsse-envelope' | 'message-signature';
}

/** A bundle as found: nobody has looked into it. */
export interface FetchedBundle {
  readonly json: string;
  /** Digest of the manifest that carries it, for messages. */
  readonly manifestDigest: Digest;
  /** The manifest's own word, undefined when it has none. */
  readonly predicateType: string | undefined;
}

export interface FetchedBundles {
  readonly bundles: readonly FetchedBundle[];
  /** Predicate types of bundles that were left where they are, as the registry's list names them. */
  readonly skippedPredicateTypes: readonly string[];
  /** Signatures that are there in formats that are not read, in words: *unread format* is not *no signature*. */
  readonly unreadFormats: readonly string[];
  /** Manifests of cosign's experimental OCI 1.1 storage, which hold signatures as the `.sig` tag does; not fetched. */
  readonly experiments: readonly Digest[];
  /** Referrers that claim to carry a bundle but cannot be read, with the reason. */
  readonly unusable: readonly { readonly manifestDigest: Digest; readonly error: SealwrightError }[];
}

const EMPTY_CONFIG = utf8('{}');
const BUNDLE_MEDIA_TYPE_PREFIX = 'application/vnd.dev.sigstore.bundle';
const PREDICATE_TYPE = 'dev.sigstore.bundle.predicateType';
const MAX_BUNDLE_BYTES = 16 << 20;
/** All bundles of an image together: they are held in memory while they are judged. */
const MAX_TOTAL_BYTES = 128 << 20;
const MAX_BUNDLES = 1000;
export const PARALLEL_FETCHES = 4;

/** What other tools' signatures are called when they refer to an image. */
const FOREIGN_SIGNATURES: Readonly<Record<string, string>> = {
  'application/vnd.cncf.notary.signature': 'Notary Project signature',
};

/**
 * Pushes one bundle as one referrer of the signed manifest, where and how cosign 3 puts it (cosign.md §3.3). The config
 * descriptor carries `artifactType` although it need not: cosign's `clean` looks for it there.
 *
 * @param target     repository to write to: the subject's own, or the one that COSIGN_REPOSITORY names
 * @param bundleJson a verified bundle; its bytes are stored as they are
 */
export async function pushBundle(
  client: RegistryClient,
  target: Repository,
  subject: Descriptor,
  bundleJson: string,
  options: PushBundleOptions,
): Promise<Descriptor> {
  const bundle = utf8(bundleJson);
  const [configDigest, bundleDigest] = [
    await client.putBlob(target, EMPTY_CONFIG),
    await client.putBlob(target, bundle),
  ];
  const manifest: Manifest = {
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: OCI_EMPTY,
      size: EMPTY_CONFIG.length,
      digest: configDigest,
      artifactType: SIGSTORE_BUNDLE_V03,
    },
    layers: [{ mediaType: SIGSTORE_BUNDLE_V03, size: bundle.length, digest: bundleDigest }],
    annotations: {
      'dev.sigstore.bundle.content': options.content ?? 'dsse-envelope',
      [PREDICATE_TYPE]: options.predicateType,
      // RFC 3339 in whole seconds, as Go writes it.
      'org.opencontainers.image.created': options.createdAt.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    },
    subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
    artifactType: SIGSTORE_BUNDLE_V03,
  };
  return client.pushReferrer(target, encodeManifest(manifest));
}

/** Told of what could not be read and is passed over: the list of what refers to an image, or one bundle by its digest. */
export type PassOver = (what: string, error: SealwrightError) => void;

export interface FetchBundlesOptions {
  /** As cosign: whatever cannot be read is passed over, though it be the registry that fails. Could-not-check then looks like unsigned. */
  readonly passesOver?: PassOver;
  /**
   * Bundles that the registry's list says are of another predicate type are not fetched: an SBOM may have megabytes. The list
   * is nobody's word; it decides about what is fetched, never about what counts.
   */
  readonly predicateTypes?: readonly string[];
  /** How many are fetched at once, at most; {@link PARALLEL_FETCHES} when absent. */
  readonly parallel?: number;
}

/**
 * Every bundle that refers to a manifest. A registry that cannot be asked is an error, never an empty answer; one broken
 * bundle does not hide the others.
 *
 * @param digest of the signed manifest
 * @throws LimitError LIMIT_COUNT beyond 1000 candidates, LIMIT_SIZE beyond 128 MiB together; and all that the source throws
 */
export async function fetchBundles(
  client: ImageSource,
  repository: Repository,
  digest: Digest,
  { predicateTypes, parallel = PARALLEL_FETCHES, passesOver }: FetchBundlesOptions = {},
): Promise<FetchedBundles> {
  const { descriptors, doubt } = await referringTo(client, repository, digest, passesOver);
  const carriers = descriptors.filter(mayCarryBundle);
  const isOther = (type: string | undefined): type is string =>
    type !== undefined && predicateTypes?.includes(type) === false;
  const skippedPredicateTypes = carriers.map(listedPredicateType).filter(isOther);
  const candidates = carriers.filter((descriptor) => !isOther(listedPredicateType(descriptor)));
  if (candidates.length > MAX_BUNDLES) {
    throw new LimitError('LIMIT_COUNT', `too many bundles refer to ${digest.toString()}`, {
      found: String(candidates.length),
      expected: `at most ${MAX_BUNDLES}`,
    });
  }
  const bundles: FetchedBundle[] = [];
  const unusable: { manifestDigest: Digest; error: SealwrightError }[] = [];
  if (doubt !== undefined) {
    if (passesOver === undefined) unusable.push({ manifestDigest: digest, error: doubt });
    else passesOver(`what refers to ${digest.toString()}`, doubt);
  }
  const experiments = descriptors.filter(isExperiment).map((descriptor) => descriptor.digest);
  const isPassedOver = passesOver === undefined ? isContentFault : isFault;
  let totalBytes = 0;
  for (let start = 0; start < candidates.length; start += parallel) {
    const batch = candidates.slice(start, start + parallel);
    for (const result of await Promise.all(
      batch.map((found) => fetchBundle(client, repository, found, isPassedOver)),
    )) {
      if (result instanceof Unusable) {
        if (passesOver === undefined) unusable.push(result);
        else passesOver(result.manifestDigest.toString(), result.error);
      } else if (result instanceof Digest) experiments.push(result);
      else if (result !== undefined) {
        bundles.push(result);
        totalBytes += result.json.length;
      }
    }
    if (totalBytes > MAX_TOTAL_BYTES) {
      throw new LimitError('LIMIT_SIZE', `the bundles that refer to ${digest.toString()} are too large`, {
        found: `more than ${MAX_TOTAL_BYTES} bytes in the first ${bundles.length}`,
        expected: `at most ${MAX_TOTAL_BYTES} bytes together`,
      });
    }
  }
  const unreadFormats = descriptors.flatMap(({ artifactType = '' }) => FOREIGN_SIGNATURES[artifactType] ?? []);
  return {
    bundles,
    unusable,
    skippedPredicateTypes: [...new Set(skippedPredicateTypes)],
    unreadFormats: [...new Set(unreadFormats)],
    experiments,
  };
}

/** A registry without artifactType in its list shows the config's type, or nothing: then only the manifest tells. */
function mayCarryBundle({ artifactType }: Descriptor): boolean {
  return artifactType === undefined || artifactType === OCI_EMPTY || artifactType.startsWith(BUNDLE_MEDIA_TYPE_PREFIX);
}

function isExperiment({ artifactType }: Descriptor): boolean {
  return artifactType === COSIGN_ARTIFACT_SIGNATURE;
}

/** Undefined where the list says nothing: fallback tags written by cosign have no annotations. */
function listedPredicateType({ annotations }: Descriptor): string | undefined {
  return annotations?.[PREDICATE_TYPE];
}

class Unusable {
  readonly manifestDigest: Digest;
  readonly error: SealwrightError;
  constructor(manifestDigest: Digest, error: SealwrightError) {
    this.manifestDigest = manifestDigest;
    this.error = error;
  }
}

/** Undefined when the referrer turns out to be no bundle at all; its own digest when it is of cosign's experiment. */
async function fetchBundle(
  client: ImageSource,
  repository: Repository,
  found: Descriptor,
  isUnusable: typeof isContentFault,
): Promise<FetchedBundle | Unusable | Digest | undefined> {
  const { registry, repository: path } = repository;
  try {
    const fetched = await client.getManifest(new ImageReference({ registry, repository: path, digest: found.digest }));
    const manifest = fetched.parse();
    if (artifactTypeOf(manifest) === COSIGN_ARTIFACT_SIGNATURE) return found.digest;
    const layers = manifest.kind === 'image' ? manifest.layers : [];
    const [layer] = layers.filter(({ mediaType }) => mediaType.startsWith(BUNDLE_MEDIA_TYPE_PREFIX));
    if (layer === undefined) return undefined;
    if (layers.length !== 1) {
      throw new FormatError('FORMAT_MANIFEST', 'the manifest carries more than its bundle', {
        found: `${layers.length} layers`,
        expected: 'one layer',
      });
    }
    const bytes = await client.getBlob(repository, layer.digest, MAX_BUNDLE_BYTES);
    const json = parseUtf8(bytes, 'FORMAT_BUNDLE', 'the bundle');
    return { json, manifestDigest: found.digest, predicateType: manifest.annotations?.[PREDICATE_TYPE] };
  } catch (error) {
    // Broken content is one bundle's fault; a registry that fails is a reason not to answer at all.
    if (isUnusable(error)) return new Unusable(found.digest, error);
    throw error;
  }
}

async function referringTo(
  client: ImageSource,
  repository: Repository,
  digest: Digest,
  passesOver: PassOver | undefined,
): Promise<Pick<ReferrerList, 'descriptors' | 'doubt'>> {
  try {
    return await client.referrers(repository, digest);
  } catch (error) {
    if (passesOver === undefined || !isFault(error)) throw error;
    passesOver(`what refers to ${digest.toString()}`, error);
    return { descriptors: [] };
  }
}

/** Whoever's it is. */
export function isFault(error: unknown): error is SealwrightError {
  return error instanceof SealwrightError;
}

/** Whether the fault is of what is stored; everything else is the registry's. */
export function isContentFault(error: unknown): error is SealwrightError {
  return (
    error instanceof FormatError ||
    error instanceof VerificationError ||
    error instanceof NotFoundError ||
    error instanceof LimitError
  );
}
