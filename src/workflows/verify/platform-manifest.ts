import type { Descriptor } from '../../core/image/descriptor.ts';
import { platformMatches, platformText, type Platform } from '../../core/image/platform.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';

/**
 * The image for a platform among those that an index names.
 *
 * @throws UsageError USAGE_BAD_FLAG for a reference to a single image, or a platform that several images answer to;
 *   NotFoundError NOT_FOUND with the platforms that there are
 */
export async function manifestOfPlatform(
  source: ImageSource,
  reference: ImageReference,
  platform: Platform,
): Promise<Descriptor> {
  const manifest = (await source.getManifest(reference)).parse();
  if (manifest.kind === 'image') {
    throw new UsageError(
      'USAGE_BAD_FLAG',
      `${reference.toString()} is one image, and has no platforms to choose from`,
      {
        found: `--platform ${platformText(platform)}`,
        expected: 'an index, or no --platform',
      },
    );
  }
  const matching = manifest.manifests.filter((found) => found.platform && platformMatches(platform, found.platform));
  const [first] = matching;
  if (first === undefined) {
    throw new NotFoundError('NOT_FOUND', `${reference.toString()} has no image for ${platformText(platform)}`, {
      found: platformsOf(manifest.manifests).join(', ') || 'no platforms at all',
      expected: platformText(platform),
    });
  }
  if (matching.length > 1) {
    throw new UsageError('USAGE_BAD_FLAG', `several images answer to ${platformText(platform)}`, {
      found: platformsOf(matching).join(', '),
      expected: 'a platform with its variant, or the digest of one image',
    });
  }
  return first;
}

export function platformsOf(manifests: readonly Descriptor[]): readonly string[] {
  return manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platformText(platform)]));
}
