import type { Descriptor } from '../../core/image/descriptor.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { UsageError } from '../../errors.ts';

/**
 * The tag that an image gets where it goes; undefined where it is called by its digest.
 *
 * @throws UsageError USAGE_BAD_REFERENCE for a digest that is not the image's
 */
export function destinationTag(to: ImageReference, { digest }: Descriptor): string | undefined {
  if (to.digest === undefined || to.digest.equals(digest)) return to.tag;
  throw new UsageError('USAGE_BAD_REFERENCE', 'the image cannot have this digest where it goes', {
    found: to.digest.toString(),
    expected: `${digest.toString()}, a tag, or neither`,
  });
}
