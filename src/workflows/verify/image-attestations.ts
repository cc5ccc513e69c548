import { readAttestationLayer } from '../../core/bundle/signature-layer.ts';
import { FormatError, LimitError } from '../../errors.ts';
import { fetchBundles } from '../../io/registry/bundle-store.ts';
import { fetchTaggedLayers, type FetchedLayers } from '../../io/registry/layer-store.ts';
import {
  claimedPredicateType,
  leniency,
  readBundles,
  storagesRead,
  type FoundSignature,
  type FoundSignatures,
  type ImageSignaturesRequest,
} from './image-signatures.ts';
import { refuseMissingImage } from './missing-image.ts';

/** An envelope with as much in it as a bundle may hold. */
const MAX_ENVELOPE_BYTES = 16 << 20;

export interface ImageAttestationsRequest extends Omit<
  ImageSignaturesRequest,
  'predicateTypes' | 'readsAttestationTag'
> {
  /** URIs; `any` for all that there is, signatures in the form of statements included. */
  readonly predicateTypes: readonly string[] | 'any';
}

/**
 * Every attestation of an image, in both formats at once: bundles that refer to it, and envelopes under its `.att` tag. What
 * the list or a statement says is of another type is left aside, which nobody has to be believed for: what is judged is
 * judged by what was signed.
 *
 * @throws NotFoundError TAG_NOT_FOUND, IMAGE_NOT_FOUND; whatever keeps the registry from being asked (AuthError, RemoteError), as it
 *   is; LimitError LIMIT_COUNT or LIMIT_SIZE
 */
export async function fetchImageAttestations(request: ImageAttestationsRequest): Promise<FoundSignatures> {
  const { registry, reference, predicateTypes } = request;
  const digest = reference.digest ?? (await registry.resolve(reference)).digest;
  const repository = request.signatureRepository ?? reference;
  const [fetched, tagged] = await Promise.all([
    fetchBundles(registry, repository, digest, {
      ...(predicateTypes === 'any' ? {} : { predicateTypes }),
      ...leniency(request),
    }),
    fetchTaggedLayers(registry, repository, digest, 'att', {
      maxBytes: MAX_ENVELOPE_BYTES,
      ...(request.tagPrefix === undefined ? {} : { tagPrefix: request.tagPrefix }),
      ...leniency(request),
    }),
  ]);
  const bundles = readBundles(fetched, predicateTypes, request);
  const layers = readAttestationLayers(tagged, request);
  const { isOlder, isNewer } = storagesRead(request.storage, bundles);
  const found = {
    reference,
    digest,
    isTagResolved: reference.digest === undefined,
    predicateTypes,
    signatures: [...(isNewer ? bundles.signatures : []), ...(isOlder ? layers.signatures : [])],
    otherPredicateTypes: [...new Set([...bundles.otherPredicateTypes, ...layers.otherPredicateTypes])],
    unreadFormats: bundles.unreadFormats,
    unusable: [...(isNewer ? bundles.unusable : []), ...(isOlder ? layers.unusable : [])],
  };
  await refuseMissingImage(request, digest, found);
  return found;
}

function readAttestationLayers(
  { layers, unusable }: FetchedLayers,
  { predicateTypes, layerReading }: ImageAttestationsRequest,
): Pick<FoundSignatures, 'signatures' | 'otherPredicateTypes' | 'unusable'> {
  const signatures: FoundSignature[] = [];
  const otherPredicateTypes: string[] = [];
  const broken = [...unusable];
  for (const layer of layers) {
    const { content, annotations, manifestDigest } = layer;
    try {
      const bundle = readAttestationLayer(content, annotations, layerReading);
      const predicateType = claimedPredicateType(bundle);
      if (predicateTypes === 'any' || predicateType === undefined || predicateTypes.includes(predicateType)) {
        signatures.push({ format: 'legacy', bundle, layer, manifestDigest });
      } else otherPredicateTypes.push(predicateType);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof LimitError)) throw error;
      broken.push({ manifestDigest, error });
    }
  }
  return { signatures, otherPredicateTypes, unusable: broken };
}
