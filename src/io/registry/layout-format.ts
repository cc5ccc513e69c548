import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import { encodeManifest, parseManifest } from '../../core/image/manifest.ts';
import { DOCKER_INDEX, OCI_INDEX } from '../../core/image/media-types.ts';
import { FormatError } from '../../errors.ts';

/** Names within an OCI layout (image-spec, Image Layout Specification). */
export const LAYOUT_FILE = 'oci-layout';
export const INDEX_FILE = 'index.json';
export const BLOBS_FOLDER = 'blobs';
export const LAYOUT_VERSION = '1.0.0';

/** Tag of what a descriptor in `index.json` names (image-spec, annotations). */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** The whole reference, under the name by which containerd keeps it: `ref.name` has the tag alone. */
export const IMAGE_NAME = 'io.containerd.image.name';
/** cosign's word for what a descriptor in `index.json` is; its `load` and `verify --local-image` look for it. */
export const COSIGN_KIND = 'kind';
export const COSIGN_IMAGE = 'dev.cosignproject.cosign/image';
export const COSIGN_IMAGE_INDEX = 'dev.cosignproject.cosign/imageIndex';
/** Suffix of the tag under which a registry keeps the thing, by cosign's word for it. */
export const COSIGN_ATTACHMENTS = {
  'dev.cosignproject.cosign/sigs': 'sig',
  'dev.cosignproject.cosign/atts': 'att',
} as const;

/** Where a layout keeps the content of a digest, below its folder. */
export function blobPath(digest: Digest): readonly string[] {
  return [BLOBS_FOLDER, digest.algorithm, digest.hex];
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
}

/** @throws FormatError FORMAT_MANIFEST for a version that is not read */
export function parseLayoutVersion(bytes: Uint8Array): string {
  const json = parseJson(bytes, LAYOUT_FILE, 'FORMAT_MANIFEST', { maxBytes: 1 << 16, maxDepth: 8 });
  const version = new JsonFields(json, LAYOUT_FILE, 'FORMAT_MANIFEST').string('imageLayoutVersion');
  if (version === LAYOUT_VERSION) return version;
  throw new FormatError('FORMAT_MANIFEST', 'this version of OCI layouts is not read', {
    found: version.slice(0, 100),
    expected: LAYOUT_VERSION,
  });
}

/** What a layout holds by name. @throws FormatError FORMAT_MANIFEST, FORMAT_DIGEST; LimitError */
export function parseLayoutIndex(bytes: Uint8Array): readonly Descriptor[] {
  const index = parseManifest(bytes, OCI_INDEX);
  if (index.kind === 'index') return index.manifests;
  throw new FormatError('FORMAT_MANIFEST', `${INDEX_FILE} is no index`, {
    found: index.mediaType,
    expected: 'manifests',
  });
}

export function encodeLayoutIndex(manifests: readonly Descriptor[]): Uint8Array {
  return encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests });
}
