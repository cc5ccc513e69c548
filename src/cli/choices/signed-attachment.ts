import { legacyTag } from '../../core/image/attached-tag.ts';
import { ImageReference } from '../../core/image/reference.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { signatureRepository } from './registry-choice.ts';

/**
 * What is to be signed: the images, or, with `--attachment sbom`, what is kept under the tag of their SBOMs.
 *
 * @throws as `resolve`, for an image that is not there
 */
export async function signedReferences(
  context: CommandContext,
  registry: RegistryClient,
  images: readonly ImageReference[],
): Promise<readonly ImageReference[]> {
  if (context.flags.string('attachment') === undefined) return images;
  const place = signatureRepository(context);
  return Promise.all(
    images.map(async (image) => {
      const digest = image.digest ?? (await registry.resolve(image)).digest;
      const tag = `${attachmentTagPrefix(context)}${legacyTag(digest, 'sbom')}`;
      const { registry: host, repository } = place ?? image;
      return new ImageReference({ registry: host, repository, tag });
    }),
  );
}
