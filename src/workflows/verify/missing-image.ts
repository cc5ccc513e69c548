import type { Digest } from '../../core/image/digest.ts';
import { ImageReference } from '../../core/image/reference.ts';
import { NotFoundError } from '../../errors.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';

export interface ImagePresence {
  /** Where the image should be. */
  readonly registry: ImageSource;
  readonly reference: ImageReference;
  /** The image was just seen: that nothing refers to it is an answer, without asking for it again. */
  readonly isKnownToExist?: true;
  /** As cosign, which does not ask. */
  readonly passesOver?: PassOver;
}

/**
 * Nothing that refers to an image says that it is unsigned only where the image is: of one that was deleted the signatures are gone as
 * well, and one that came from a mirror has them there. What was found counts all the same: a signature outlives its image.
 *
 * One request more, and only where nothing was found. cosign does not make it, and says `no signatures found`.
 *
 * @throws NotFoundError IMAGE_NOT_FOUND; what keeps the registry from being asked, as it is
 */
export async function refuseMissingImage(
  { registry, reference, isKnownToExist, passesOver }: ImagePresence,
  digest: Digest,
  found: Readonly<Record<'signatures' | 'unusable' | 'unreadFormats', readonly unknown[]>>,
): Promise<void> {
  if (found.signatures.length + found.unusable.length + found.unreadFormats.length > 0) return;
  // A tag that was resolved a moment ago is an answer as well.
  if (isKnownToExist === true || passesOver !== undefined || reference.digest === undefined) return;
  const { registry: host, repository } = reference;
  const pinned = new ImageReference({ registry: host, repository, digest });
  try {
    await registry.resolve(pinned);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new NotFoundError('IMAGE_NOT_FOUND', `${host} does not have the image, nor a signature of it`, {
      found: `${pinned.toString()}: ${error.facts.found ?? error.message}`,
      expected: 'the image under its name: it was deleted, or was pulled from a mirror, or this login may not see it',
      fix: `push it to ${host} again, or name the registry that it was pulled from`,
      details: { image: pinned.toString() },
      cause: error,
    });
  }
}
