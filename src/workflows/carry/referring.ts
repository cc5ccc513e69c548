import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Repository } from '../../core/image/reference.ts';
import { RemoteError } from '../../errors.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';

/**
 * What refers to a manifest, where all of it is to be carried, shown or removed: a page in the place of the list is not an
 * empty list (docs/decisions/0089).
 *
 * @param onDoubt as cosign, which takes the page for a registry without the list: it is told, and nothing refers to the manifest
 * @throws RemoteError COULD_NOT_CHECK; whatever keeps the source from being asked
 */
export async function referringTo(
  source: Pick<ImageSource, 'referrers'>,
  repository: Repository,
  subject: Digest,
  onDoubt?: PassOver,
): Promise<readonly Descriptor[]> {
  const { descriptors, doubt } = await source.referrers(repository, subject);
  if (doubt === undefined) return descriptors;
  if (onDoubt === undefined) throw notKnown(subject, doubt);
  onDoubt(`what refers to ${subject.toString()}`, doubt);
  return descriptors;
}

function notKnown(subject: Digest, doubt: RemoteError): RemoteError {
  return new RemoteError('COULD_NOT_CHECK', `nobody can tell what refers to ${subject.toString()}`, {
    ...doubt.facts,
    details: { code: doubt.code },
    cause: doubt,
  });
}
