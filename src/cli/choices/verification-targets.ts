import type { ImageReference } from '../../core/image/reference.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import { LayoutSource } from '../../io/registry/layout-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { imageReference, registryClient, signatureRepository } from './registry-choice.ts';

export interface VerificationTarget {
  readonly registry: ImageSource;
  readonly reference: ImageReference;
  /** A folder: everything about the image is in it, and no variable names another place. */
  readonly isLocal: boolean;
}

/**
 * What there is to verify: images in registries, all by one client and one proof of who asks; or, with `--local-image`,
 * images in folders.
 *
 * @throws UsageError USAGE_BAD_REFERENCE, USAGE_FILE; FormatError, NotFoundError for a folder that holds no image
 */
export async function verificationTargets(
  context: CommandContext,
  images: readonly string[],
): Promise<readonly VerificationTarget[]> {
  const { flags } = context;
  if (flags.isDeclared('local-image') && flags.boolean('local-image')) {
    const layouts = await Promise.all(images.map((folder) => LayoutSource.open(folder)));
    return layouts.map((layout) => ({ registry: layout, reference: layout.reference, isLocal: true }));
  }
  const references = images.map(imageReference);
  const registry = registryClient(context, 'pull');
  const repository = signatureRepository(context);
  registry.announce(
    [...references, ...(repository === undefined ? [] : [repository])].map((used) => ({
      repository: used,
      action: 'pull',
    })),
  );
  return references.map((reference) => ({ registry, reference, isLocal: false }));
}
