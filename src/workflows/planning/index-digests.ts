import { parseManifest } from '../../core/image/manifest.ts';
import { DOCKER_INDEX, mediaTypeEssence, OCI_INDEX } from '../../core/image/media-types.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';

const INDEXES: readonly string[] = [OCI_INDEX, DOCKER_INDEX];

/**
 * Digests under which an image can be run: its own and, of an index, those of the images in it, at any depth. Images are not fetched:
 * a mirror that holds some platforms alone must not keep anybody from revoking them all.
 *
 * @returns `sha256:…`, the one that was named first
 * @throws all that fetching manifests throws, for the image and for each index in it
 */
export async function indexDigests(registry: RegistryClient, reference: ImageReference): Promise<readonly string[]> {
  const found = new Set<string>();
  const visit = async (image: ImageReference): Promise<void> => {
    const { digest, bytes } = await registry.getManifest(image);
    found.add(digest.toString());
    const parsed = parseManifest(bytes);
    if (parsed.kind !== 'index') return;
    for (const child of parsed.manifests) {
      const isKnown = found.has(child.digest.toString());
      found.add(child.digest.toString());
      if (!isKnown && INDEXES.includes(mediaTypeEssence(child.mediaType))) await visit(image.atDigest(child.digest));
    }
  };
  await visit(reference);
  return [...found];
}
