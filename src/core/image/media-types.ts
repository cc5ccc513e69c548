/** Names of formats as registries and their clients spell them. */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Docker's first schema: recognised only to be refused by name. */
export const DOCKER_SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const DOCKER_SCHEMA_1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** Content `{}`: the configuration of an artifact that has none (image-spec, guidance for an empty descriptor). */
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

export const SIGSTORE_BUNDLE_V03 = 'application/vnd.dev.sigstore.bundle.v0.3+json';
/** Config and artifact type of cosign's experiment with referrers, before bundles. */
export const COSIGN_ARTIFACT_SIGNATURE = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const DSSE_ENVELOPE = 'application/vnd.dsse.envelope.v1+json';
export const COSIGN_SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** Everything a manifest may be, most wanted first: the Accept header of every manifest request. */
export const MANIFEST_MEDIA_TYPES: readonly string[] = [OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST];

/** Essence of a Content-Type: lower case, without parameters (RFC 9110 §8.3.1). Some registries append a charset. */
export function mediaTypeEssence(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
