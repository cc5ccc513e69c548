import { utf8 } from '../../core/encoding/bytes.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { encodeManifest } from '../../core/image/manifest.ts';
import { OCI_CONFIG, OCI_MANIFEST } from '../../core/image/media-types.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';

/** Of an archive without files. */
const EMPTY_TAR_BYTES = 1024;
/** Not worth packing. */
const LAYER_TAR = 'application/vnd.oci.image.layer.v1.tar';

/**
 * Pushes an image that nobody misses: it has no files, and so runs nowhere, and a digest that no other image has.
 *
 * @param nonce never the same twice
 * @returns by digest; no tag names it
 * @throws AuthError; RemoteError; what else pushing throws
 */
export async function pushCanary(
  registry: RegistryClient,
  repository: Repository,
  nonce: string,
  now: Date,
): Promise<ImageReference> {
  const archive = new Uint8Array(EMPTY_TAR_BYTES);
  const config = JSON.stringify({
    created: now.toISOString(),
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/canary'], Labels: { 'dev.sealwright.drill': nonce } },
    rootfs: { type: 'layers', diff_ids: [Digest.of(archive).toString()] },
    history: [{ created: now.toISOString(), created_by: 'sealwright revoke drill' }],
  });
  const put = async (content: Uint8Array, mediaType: string): Promise<Descriptor> => ({
    mediaType,
    size: content.length,
    digest: await registry.putBlob(repository, content),
  });
  const manifest = encodeManifest({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: await put(utf8(config), OCI_CONFIG),
    layers: [await put(archive, LAYER_TAR)],
  });
  const { digest } = await registry.putManifest(repository, Digest.of(manifest), manifest, OCI_MANIFEST);
  return new ImageReference({ ...repository, digest });
}
