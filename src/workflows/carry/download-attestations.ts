import { encodeEnvelope } from '../../core/attestation/dsse.ts';
import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Platform } from '../../core/image/platform.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { NotFoundError, type SealwrightError } from '../../errors.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import { fetchImageAttestations } from '../verify/image-attestations.ts';
import type { FoundSignature, FoundSignatures } from '../verify/image-signatures.ts';
import { manifestOfPlatform } from '../verify/platform-manifest.ts';
import { refusalOf } from '../verify/refusal.ts';

export interface DownloadAttestationsRequest {
  /** In front of the older storage's tag. */
  readonly tagPrefix?: string;
  readonly registry: ImageSource;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  /** One of cosign's short names, or a URI; all when absent. */
  readonly predicateType?: string;
  /** Attestations of the image that the index names for it. */
  readonly platform?: Platform;
  /** As cosign: the platform says where envelopes under `.att` tags come from, and bundles are those of the index. */
  readonly bundlesOfIndex?: boolean;
  /** As cosign: bundles that cannot be read are passed over. */
  readonly passesOver?: PassOver;
}

export interface DownloadedAttestations {
  /** JSON, each on one line: bundles as they are first, then envelopes. Nothing in them is proven. */
  readonly lines: readonly string[];
  /** What is there and cannot be read. */
  readonly unusable: readonly { readonly manifestDigest: Digest; readonly error: SealwrightError }[];
}

/**
 * All that is attested about an image, as it is stored.
 *
 * @throws NotFoundError NO_ATTESTATION when a type was asked for and nothing is of it, TAG_NOT_FOUND, NOT_FOUND for a platform that the index does
 *   not have; UsageError USAGE_BAD_FLAG for a type that is none, or a platform of a single image; RemoteError COULD_NOT_CHECK when none of
 *   what is there can be read; AuthError, RemoteError, LimitError
 */
export async function downloadAttestations(request: DownloadAttestationsRequest): Promise<DownloadedAttestations> {
  const { registry, reference, platform, predicateType } = request;
  const type = predicateType === undefined ? undefined : predicateTypeOf(predicateType);
  const image =
    platform === undefined
      ? reference
      : reference.atDigest((await manifestOfPlatform(registry, reference, platform)).digest);
  const fetch = (of: ImageReference): Promise<FoundSignatures> =>
    fetchImageAttestations({ ...request, reference: of, predicateTypes: type === undefined ? 'any' : [type] });
  const found = await fetch(image);
  const bundlesFrom = request.bundlesOfIndex === true && image !== reference ? await fetch(reference) : found;
  const kept = [
    ...bundlesFrom.signatures.filter(({ format }) => format === 'bundle'),
    ...found.signatures.filter(({ format }) => format === 'legacy'),
  ];
  const lines = kept.map(oneLine);
  // Not to know what is there is neither nothing nor another type.
  if (lines.length === 0 && found.unusable.length > 0) throw refusalOf(found, []);
  if (lines.length === 0 && type !== undefined) {
    throw new NotFoundError('NO_ATTESTATION', 'the image has no attestation of this type', {
      found: found.otherPredicateTypes.slice(0, 10).join(', ') || 'no attestation at all',
      expected: type,
    });
  }
  return { lines, unusable: found.unusable };
}

/** Members stay as they are and where they are; only white space around them goes, and only where it has to. */
function oneLine({ bundle, json }: FoundSignature): string {
  if (json === undefined) return bundle.content.kind === 'dsse' ? encodeEnvelope(bundle.content.envelope) : '';
  const text = json.trim();
  return /[\r\n]/.test(text) ? JSON.stringify(parseJson(text, 'the bundle', 'FORMAT_BUNDLE')) : text;
}
