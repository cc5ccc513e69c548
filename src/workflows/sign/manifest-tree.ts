import type { Descriptor } from '../../core/image/descriptor.ts';
import { DOCKER_INDEX, OCI_INDEX } from '../../core/image/media-types.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { LimitError } from '../../errors.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';

const MAX_DEPTH = 8;
const MAX_MANIFESTS = 1000;

/**
 * A manifest and, when it is an index, all that it names, depth first, each once. What an index names is taken at its word:
 * the digests are part of what its own digest names.
 *
 * @throws NotFoundError NOT_FOUND; LimitError LIMIT_DEPTH or LIMIT_COUNT; FormatError FORMAT_MANIFEST; RemoteError
 */
export async function manifestTree(
  registry: ImageSource,
  reference: ImageReference,
  root: Descriptor,
): Promise<readonly Descriptor[]> {
  const found = new Map<string, Descriptor>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (found.has(descriptor.digest.toString())) return;
    found.set(descriptor.digest.toString(), descriptor);
    if (found.size > MAX_MANIFESTS) throw tooLarge('LIMIT_COUNT', `more than ${MAX_MANIFESTS} images`);
    if (descriptor.mediaType !== OCI_INDEX && descriptor.mediaType !== DOCKER_INDEX) return;
    if (depth === MAX_DEPTH) throw tooLarge('LIMIT_DEPTH', `indexes in more than ${MAX_DEPTH} levels`);
    const manifest = (await registry.getManifest(reference.atDigest(descriptor.digest))).parse();
    for (const child of manifest.kind === 'index' ? manifest.manifests : []) await visit(child, depth + 1);
  };
  await visit(root, 0);
  return [...found.values()];
}

function tooLarge(code: 'LIMIT_COUNT' | 'LIMIT_DEPTH', found: string): LimitError {
  return new LimitError(code, 'the index names too much to be signed at once', {
    found,
    expected: `at most ${MAX_MANIFESTS} images in ${MAX_DEPTH} levels`,
    fix: 'sign the images that matter by their digests',
  });
}
