import type { Digest } from './digest.ts';

/** Suffixes of the tags under which cosign kept things before registries had referrers. */
export type LegacyAttachment = 'sig' | 'att' | 'sbom';

/**
 * Tag that stands in for the referrers API where a registry lacks it (distribution-spec 1.1, Referrers Tag Schema):
 * algorithm and hex with `-` between, cut at 32 and 64 characters.
 */
export function referrersTag(digest: Digest): string {
  return `${digest.algorithm.slice(0, 32)}-${digest.hex.slice(0, 64)}`;
}

/** Tag of cosign's older storage: `sha256-HEX.sig`. */
export function legacyTag(digest: Digest, attachment: LegacyAttachment): string {
  return `${digest.algorithm}-${digest.hex}.${attachment}`;
}
