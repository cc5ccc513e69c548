import type { Digest } from '../../image/digest.ts';
import { parseReference, type Repository } from '../../image/reference.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { FormatError, type SealwrightError } from '../../../errors.ts';
import type { EvidenceDemand } from './evidence-demand.ts';

/** An image as it will run. */
export interface PinnedImage extends Repository {
  readonly digest: Digest;
}

/** An in-toto statement about the image, proven, with its place. */
export interface VerifiedAttestation {
  readonly bundle: VerifiedBundle;
  /** Digest of the blob that holds the envelope. */
  readonly layerDigest: string;
}

/** What is known about one image, verified as one demand wants it. */
export type ImageEvidence =
  | {
      readonly kind: 'checked';
      /**
       * Verified signatures of this image's digest: with certificates, whoever they name; with keys, those of the key that
       * was tried. Attestations are not among them.
       */
      readonly signatures: readonly VerifiedBundle[];
      readonly attestations: readonly VerifiedAttestation[];
      /** Why each of the others does not count. */
      readonly refused: readonly SealwrightError[];
      /** What claims to be a signature and cannot be read at all. */
      readonly unusable: readonly SealwrightError[];
      /** Signatures in formats that are not read, in words. */
      readonly unreadFormats: readonly string[];
    }
  /** The registry could not be asked, or not in time. */
  | { readonly kind: 'unavailable'; readonly error: SealwrightError };

export type CheckedEvidence = ImageEvidence & { readonly kind: 'checked' };

/** What is known as a policy demands it: the trusted root, the log, the place of the signatures are the demand's. */
export type EvidenceFor = (demand: EvidenceDemand) => ImageEvidence;

/** For policies that look at no signature. */
export const NO_EVIDENCE: CheckedEvidence = {
  kind: 'checked',
  signatures: [],
  attestations: [],
  refused: [],
  unusable: [],
  unreadFormats: [],
};

/** The image that a text names by digest; undefined for what names none, or is no name. */
export function pinnedImageOf(text: string): PinnedImage | undefined {
  if (!text.includes('@')) return undefined;
  try {
    const { registry, repository, digest } = parseReference(text);
    return digest === undefined ? undefined : { registry, repository, digest };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** `registry/repository@sha256:…`: what globs match, and what messages show. */
export function pinnedName({ registry, repository, digest }: PinnedImage): string {
  return `${registry}/${repository}@${digest.toString()}`;
}
