import { parseManifest } from '../core/image/manifest.ts';
import type { ImageReference } from '../core/image/reference.ts';
import type { RegistryClient } from '../io/registry/registry-client.ts';

/**
 * Digests under which an image can be run: its own and, of an index, those of the images in it, at any depth.
 *
 * @returns `sha256:…`, the one that was named first
 * @throws all that fetching manifests throws
 */
export async function indexDigests(registry: RegistryClient, reference: ImageReference): Promise<readonly string[]> {
  const found = new Set<string>();
  const visit = async (image: ImageReference): Promise<void> => {
    const { digest, bytes } = await registry.getManifest(image);
    if (found.has(digest.toString())) return;
    found.add(digest.toString());
    const parsed = parseManifest(bytes);
    if (parsed.kind !== 'index') return;
    for (const child of parsed.manifests) await visit(image.atDigest(child.digest));
  };
  await visit(reference);
  return [...found];
}
