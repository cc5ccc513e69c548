import { IMAGE_SIGNATURE_PREDICATE } from '../core/attestation/image-signature.ts';
import { parseStatement, type Statement } from '../core/attestation/statement.ts';
import { parseBundle, type UnverifiedBundle } from '../core/bundle/bundle.ts';
import type { Digest } from '../core/image/digest.ts';
import type { ImageReference, Repository } from '../core/image/reference.ts';
import { FormatError, LimitError, type SealwrightError } from '../errors.ts';
import { fetchBundles } from '../io/registry/bundle-store.ts';
import type { ImageSource } from '../io/registry/image-source.ts';

export interface ImageSignaturesRequest {
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
}

/** A bundle that refers to the image and claims to be a signature of it. Nothing in it is proven. */
export interface FoundSignature {
  readonly bundle: UnverifiedBundle;
  readonly json: string;
  /** Digest of the manifest that carries it: its name in the registry. */
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
  /** What claims to be a bundle and cannot be read. */
  readonly unusable: readonly { readonly manifestDigest: Digest; readonly error: SealwrightError }[];
}

/**
 * Everything that a registry holds as a signature of an image: one request for the tag, one for the list, two for each
 * bundle.
 *
 * @throws NotFoundError TAG_NOT_FOUND; whatever keeps the registry from being asked (AuthError, RemoteError), as it is;
 *   LimitError LIMIT_COUNT
 */
export async function fetchImageSignatures(request: ImageSignaturesRequest): Promise<FoundSignatures> {
  const { registry, reference, predicateTypes = [IMAGE_SIGNATURE_PREDICATE] } = request;
  const digest = reference.digest ?? (await registry.resolve(reference)).digest;
  const fetched = await fetchBundles(
    registry,
    request.signatureRepository ?? reference,
    digest,
    predicateTypes === 'any' ? {} : { predicateTypes },
  );
  const signatures: FoundSignature[] = [];
  const otherPredicateTypes = [...fetched.skippedPredicateTypes];
  const unreadFormats = [...fetched.unreadFormats];
  const unusable = [...fetched.unusable];
  for (const { json, manifestDigest } of fetched.bundles) {
    try {
      const bundle = parseBundle(json);
      const predicateType = predicateTypeOf(bundle);
      if (predicateTypes === 'any' || predicateType === undefined || predicateTypes.includes(predicateType)) {
        signatures.push({ bundle, json, manifestDigest });
      } else otherPredicateTypes.push(predicateType);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof LimitError)) throw error;
      if (error.code === 'FORMAT_BUNDLE_VERSION') unreadFormats.push(`a bundle of type ${error.facts.found ?? ''}`);
      else unusable.push({ manifestDigest, error });
    }
  }
  return {
    reference,
    digest,
    isTagResolved: reference.digest === undefined,
    predicateTypes,
    signatures,
    otherPredicateTypes: [...new Set(otherPredicateTypes)],
    unreadFormats: [...new Set(unreadFormats)],
    unusable,
  };
}

/**
 * What the statement says it is, before anybody has verified it: only to sort with. Undefined for a message signature and
 * for an envelope of something else, which stay candidates so that their refusal has a reason.
 */
function predicateTypeOf({ content }: UnverifiedBundle): string | undefined {
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
