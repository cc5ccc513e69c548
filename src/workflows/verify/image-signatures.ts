import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { parseStatement, type Statement } from '../../core/attestation/statement.ts';
import { parseBundle, type BundleParserOptions, type UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { readAttestationLayer, readSignatureLayer, type LayerReading } from '../../core/bundle/signature-layer.ts';
import { encodeSimpleSigning, MAX_SIMPLE_SIGNING_BYTES } from '../../core/bundle/simple-signing.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { FormatError, LimitError, type SealwrightError } from '../../errors.ts';
import { fetchBundles, type FetchedBundles, type PassOver } from '../../io/registry/bundle-store.ts';
import {
  fetchReferringLayers,
  fetchTaggedLayers,
  type FetchedLayer,
  type FetchedLayers,
} from '../../io/registry/layer-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import { refuseMissingImage, type ImagePresence } from './missing-image.ts';

export interface ImageSignaturesRequest extends ImagePresence {
  /** Where the image and its signatures are: a registry, or an OCI layout. */
  readonly registry: ImageSource;
  readonly reference: ImageReference;
  /** Where signatures are kept, when not beside the image (`COSIGN_REPOSITORY`). */
  readonly signatureRepository?: Repository;
  /**
   * Predicate types that count as a signature of the image; cosign's own when absent. Attestations are signed too, but say
   * something else: an SBOM is not somebody's consent to run the image. `any` accepts them all, as cosign does.
   */
  readonly predicateTypes?: readonly string[] | 'any';
  /** Reads the `.att` tag as well: attestations in cosign's older storage, whatever their type. */
  readonly readsAttestationTag?: boolean;
  /** In front of the older storage's tags (policy-controller's `source[].tagPrefix`). */
  readonly tagPrefix?: string;
  /** Takes a chain in a bundle of version 0.3, as cosign writes it for certificates of people's own. */
  readonly allowCertificateChain?: boolean;
  readonly layerReading?: LayerReading;
  /** As cosign: a bundle that cannot be read is as good as none. Could-not-check then looks like unsigned. */
  readonly passesOver?: PassOver;
  /** As cosign: a signature under a tag that the registry does not hand over does not hide the others. */
  readonly keepsOthers?: boolean;
  /**
   * As cosign: signatures of one storage alone. `first-found` takes those of before bundles where there is no bundle of any kind;
   * every storage when absent.
   */
  readonly storage?: SignatureStorage;
  /** How much is fetched at once, at most. */
  readonly parallel?: number;
}

export type SignatureStorage = 'bundles' | 'older' | 'first-found';

/**
 * How a signature is stored: as a Sigstore bundle that refers to the image, under the image's `.sig` tag, or as cosign tried
 * it with referrers before there were bundles.
 */
export type SignatureFormat = 'bundle' | 'legacy' | 'oci-1-1-experiment';

/** What refers to the image and claims to be a signature of it. Nothing in it is proven. */
export interface FoundSignature {
  readonly format: SignatureFormat;
  readonly bundle: UnverifiedBundle;
  /** The bundle as stored; undefined in the other formats. */
  readonly json?: string;
  /** The layer as stored; undefined for bundles. */
  readonly layer?: FetchedLayer;
  /** Digest of the manifest that carries it: its name in the registry. With other formats than bundles, of all of them. */
  readonly manifestDigest: Digest;
}

/** What a registry holds about one image, fetched once and judged by as many policies as there are. */
export interface FoundSignatures {
  readonly reference: ImageReference;
  readonly digest: Digest;
  /** Whether the reference named a tag, which may mean another image tomorrow. */
  readonly isTagResolved: boolean;
  /** Which predicate types were taken for signatures. */
  readonly predicateTypes: readonly string[] | 'any';
  readonly signatures: readonly FoundSignature[];
  /** Predicate types of what refers to the image and is no signature. */
  readonly otherPredicateTypes: readonly string[];
  /** Signatures in formats that are not read, in words. */
  readonly unreadFormats: readonly string[];
  /** What claims to be a signature and cannot be read. */
  readonly unusable: readonly { readonly manifestDigest: Digest; readonly error: SealwrightError }[];
}

/**
 * Everything that a registry holds as a signature of an image, in every format at once: one request for the tag, then one
 * for the list of referrers and one for the `.sig` tag side by side, two for each bundle, one for each distinct payload of
 * the older formats that is not the usual one. No format stands in for another, and an error is never taken for an empty
 * answer.
 *
 * @throws NotFoundError TAG_NOT_FOUND, IMAGE_NOT_FOUND; whatever keeps the registry from being asked (AuthError, RemoteError), as it
 *   is; LimitError LIMIT_COUNT
 */
export async function fetchImageSignatures(request: ImageSignaturesRequest): Promise<FoundSignatures> {
  const { registry, reference, predicateTypes = [IMAGE_SIGNATURE_PREDICATE] } = request;
  const digest = reference.digest ?? (await registry.resolve(reference)).digest;
  const repository = request.signatureRepository ?? reference;
  const layerOptions = {
    maxBytes: MAX_SIMPLE_SIGNING_BYTES,
    guesses: [encodeSimpleSigning(reference.context, digest)],
    ...(request.tagPrefix === undefined ? {} : { tagPrefix: request.tagPrefix }),
    ...leniency(request),
  };
  const [fetched, tagged, attested] = await Promise.all([
    fetchBundles(registry, repository, digest, {
      ...(predicateTypes === 'any' ? {} : { predicateTypes }),
      ...leniency(request),
    }),
    fetchTaggedLayers(registry, repository, digest, 'sig', layerOptions),
    request.readsAttestationTag === true
      ? fetchTaggedLayers(registry, repository, digest, 'att', { ...layerOptions, maxBytes: MAX_ATTESTATION_BYTES })
      : NO_LAYERS,
  ]);
  const referring = await Promise.all(
    fetched.experiments.map((manifest) => fetchReferringLayers(registry, repository, manifest, layerOptions)),
  );
  const bundles = readBundles(fetched, predicateTypes, request);
  const { layerReading } = request;
  const { isOlder, isNewer } = storagesRead(request.storage, bundles);
  const layers = [
    ...referring.map((found) => readLayers(found, 'oci-1-1-experiment', readSignatureLayer, layerReading)),
    readLayers(tagged, 'legacy', readSignatureLayer, layerReading),
    readLayers(attested, 'legacy', readAttestationLayer, layerReading),
  ];
  const found = {
    reference,
    digest,
    isTagResolved: reference.digest === undefined,
    predicateTypes,
    ...bundles,
    signatures: [
      ...(isNewer ? bundles.signatures : []),
      ...(isOlder ? layers.flatMap(({ signatures }) => signatures) : []),
    ],
    unusable: [...(isNewer ? bundles.unusable : []), ...(isOlder ? layers.flatMap(({ unusable }) => unusable) : [])],
  };
  await refuseMissingImage(request, digest, found);
  return found;
}

/** How much is fetched at once, and what becomes of that which cannot be. */
export function leniency({
  parallel,
  passesOver,
  keepsOthers,
}: ImageSignaturesRequest): Pick<ImageSignaturesRequest, 'parallel' | 'passesOver' | 'keepsOthers'> {
  return {
    ...(parallel === undefined ? {} : { parallel }),
    ...(passesOver === undefined ? {} : { passesOver }),
    ...(keepsOthers === undefined ? {} : { keepsOthers }),
  };
}

/** A bundle of any predicate type is one: which storage is read is decided before what is in it. */
export function storagesRead(
  storage: SignatureStorage | undefined,
  { signatures, otherPredicateTypes }: ReadBundles,
): { readonly isOlder: boolean; readonly isNewer: boolean } {
  const hasBundles = signatures.length + otherPredicateTypes.length > 0;
  if (storage === 'first-found') return { isOlder: !hasBundles, isNewer: hasBundles };
  return { isOlder: storage !== 'bundles', isNewer: storage !== 'older' };
}

/** cosign's own limit for a payload. */
const MAX_ATTESTATION_BYTES = 128 << 20;
const NO_LAYERS: FetchedLayers = { layers: [], unusable: [] };

/** What bundles say, sorted by what they claim to be. */
export type ReadBundles = Pick<FoundSignatures, 'signatures' | 'otherPredicateTypes' | 'unreadFormats' | 'unusable'>;

export function readBundles(
  fetched: FetchedBundles,
  predicateTypes: readonly string[] | 'any',
  options: BundleParserOptions & Pick<ImageSignaturesRequest, 'passesOver'> = {},
): ReadBundles {
  const signatures: FoundSignature[] = [];
  const otherPredicateTypes = [...fetched.skippedPredicateTypes];
  const unreadFormats = [...fetched.unreadFormats];
  const unusable = [...fetched.unusable];
  for (const { json, manifestDigest } of fetched.bundles) {
    try {
      const bundle = parseBundle(json, options);
      const predicateType = claimedPredicateType(bundle);
      if (predicateTypes === 'any' || predicateType === undefined || predicateTypes.includes(predicateType)) {
        signatures.push({ format: 'bundle', bundle, json, manifestDigest });
      } else otherPredicateTypes.push(predicateType);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof LimitError)) throw error;
      if (options.passesOver !== undefined) options.passesOver(manifestDigest.toString(), error);
      else if (error.code === 'FORMAT_BUNDLE_VERSION')
        unreadFormats.push(`a bundle of type ${error.facts.found ?? ''}`);
      else unusable.push({ manifestDigest, error });
    }
  }
  return {
    signatures,
    otherPredicateTypes: [...new Set(otherPredicateTypes)],
    unreadFormats: [...new Set(unreadFormats)],
    unusable,
  };
}

function readLayers(
  { layers, unusable }: FetchedLayers,
  format: SignatureFormat,
  read: typeof readSignatureLayer,
  reading: LayerReading | undefined,
): Pick<FoundSignatures, 'signatures' | 'unusable'> {
  const signatures: FoundSignature[] = [];
  const broken = [...unusable];
  for (const layer of layers) {
    const { content, annotations, manifestDigest } = layer;
    try {
      signatures.push({ format, bundle: read(content, annotations, reading), layer, manifestDigest });
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof LimitError)) throw error;
      broken.push({ manifestDigest, error });
    }
  }
  return { signatures, unusable: broken };
}

/**
 * What the statement says it is, before anybody has verified it: only to sort with. Undefined for a message signature and
 * for an envelope of something else, which stay candidates so that their refusal has a reason.
 */
export function claimedPredicateType({ content }: UnverifiedBundle): string | undefined {
  if (content.kind !== 'dsse') return undefined;
  let statement: Statement;
  try {
    statement = parseStatement(content.envelope.payload);
  } catch (error) {
    if (error instanceof FormatError || error instanceof LimitError) return undefined;
    throw error;
  }
  return statement.predicateType;
}
