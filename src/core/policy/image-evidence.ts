import type { Digest } from '../image/digest.ts';
import type { Repository } from '../image/reference.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import type { SealwrightError } from '../../errors.ts';

/** An image as it will run. */
export interface PinnedImage extends Repository {
  readonly digest: Digest;
}

/**
 * What is known about one image's signatures. Independent of any policy but for the keys that were tried, so that it can be
 * kept and judged again when policies change.
 */
export type ImageEvidence =
  | {
      readonly kind: 'checked';
      /**
       * Verified signatures of this image's digest: with certificates, whoever they name; with keys, those of the keys that
       * were tried. Attestations are not among them.
       */
      readonly signatures: readonly VerifiedBundle[];
      /** Why each of the others does not count. */
      readonly refused: readonly SealwrightError[];
      /** What claims to be a signature and cannot be read at all. */
      readonly unusable: readonly SealwrightError[];
      /** Signatures in formats that are not read, in words. */
      readonly unreadFormats: readonly string[];
    }
  /** The registry could not be asked, or not in time. */
  | { readonly kind: 'unavailable'; readonly error: SealwrightError };

/** For policies that look at no signature. */
export const NO_EVIDENCE: ImageEvidence = {
  kind: 'checked',
  signatures: [],
  refused: [],
  unusable: [],
  unreadFormats: [],
};

/** `registry/repository@sha256:…`: what globs match, and what messages show. */
export function pinnedName({ registry, repository, digest }: PinnedImage): string {
  return `${registry}/${repository}@${digest.toString()}`;
}
