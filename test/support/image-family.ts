/** An image index with everything that can belong to it: of its images too, and of what refers to it in turn. */
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../src/core/image/attached-tag.ts';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import type { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest, type Manifest } from '../../src/core/image/manifest.ts';
import { OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { ImageReference, type Repository } from '../../src/core/image/reference.ts';
import type { RegistryClient } from '../../src/io/registry/registry-client.ts';

const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export interface ImageFamily {
  readonly reference: ImageReference;
  readonly index: Descriptor;
  readonly children: readonly Descriptor[];
  /** Of the index, of the first child, and of the index's signature. */
  readonly referrers: readonly Descriptor[];
  /** Tags of cosign's older storage. */
  readonly tags: readonly string[];
}

/** Pushes `tag` with two platforms, a signature of the index and of a child, one of the signature, and legacy tags. */
export async function pushFamily(client: RegistryClient, repository: Repository, tag = '1'): Promise<ImageFamily> {
  const children = [
    await pushManifest(client, repository, await image(client, repository, 'amd64 content')),
    await pushManifest(client, repository, await image(client, repository, 'arm64 content')),
  ];
  const platforms = ['amd64', 'arm64'];
  const index = await pushManifest(
    client,
    repository,
    {
      kind: 'index',
      mediaType: OCI_INDEX,
      manifests: children.map((child, at) => ({
        ...child,
        platform: { os: 'linux', architecture: platforms[at] ?? '' },
      })),
    },
    tag,
  );
  const [first] = children;
  if (first === undefined) throw new Error('an index without images');
  const signature = await pushReferrer(client, repository, index, '{"of":"index"}');
  const referrers = [
    signature,
    await pushReferrer(client, repository, first, '{"of":"child"}'),
    await pushReferrer(client, repository, signature, '{"of":"signature"}', 'https://example.test/other'),
  ];
  const tags = [legacyTag(index.digest, 'sig'), legacyTag(first.digest, 'att'), legacyTag(index.digest, 'sbom')];
  for (const kept of tags) await pushManifest(client, repository, await image(client, repository, kept), kept);
  const { registry, repository: path } = repository;
  return { reference: new ImageReference({ registry, repository: path, tag }), index, children, referrers, tags };
}

export async function image(client: RegistryClient, repository: Repository, content: string): Promise<Manifest> {
  const config = utf8(JSON.stringify({ architecture: '', os: '', rootfs: { type: 'layers', diff_ids: [] } }));
  const layer = utf8(content);
  return {
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, size: config.length, digest: await client.putBlob(repository, config) },
    layers: [{ mediaType: OCI_LAYER_GZIP, size: layer.length, digest: await client.putBlob(repository, layer) }],
  };
}

export async function pushManifest(
  client: RegistryClient,
  repository: Repository,
  manifest: Manifest,
  tag?: string,
): Promise<Descriptor> {
  const bytes = encodeManifest(manifest);
  const name = tag ?? 'by-digest-too';
  const { digest } = await client.putManifest(repository, name, bytes, manifest.mediaType);
  return { mediaType: manifest.mediaType, digest, size: bytes.length };
}

export async function pushReferrer(
  client: RegistryClient,
  repository: Repository,
  subject: Descriptor,
  content: string,
  predicateType = 'https://sigstore.dev/cosign/sign/v1',
): Promise<Descriptor> {
  const config = utf8('{}');
  const layer = utf8(content);
  return client.pushReferrer(
    repository,
    encodeManifest({
      kind: 'image',
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_EMPTY, size: 2, digest: await client.putBlob(repository, config) },
      layers: [{ mediaType: BUNDLE, size: layer.length, digest: await client.putBlob(repository, layer) }],
      annotations: { 'dev.sigstore.bundle.predicateType': predicateType },
      subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
      artifactType: BUNDLE,
    }),
  );
}

/** What of the family is not in a repository. */
export async function absentFrom(
  client: RegistryClient,
  repository: Repository,
  family: ImageFamily,
): Promise<readonly string[]> {
  const at = (version: { digest: Digest } | { tag: string }): ImageReference =>
    new ImageReference({ registry: repository.registry, repository: repository.repository, ...version });
  const absent: string[] = [];
  for (const { digest } of [family.index, ...family.children, ...family.referrers]) {
    const found = await client.getManifestIfPresent(at({ digest }));
    if (found === undefined) absent.push(digest.toString());
    const parsed = found?.parse();
    for (const blob of parsed?.kind === 'image' ? [parsed.config, ...parsed.layers] : []) {
      if ((await client.headBlob(repository, blob.digest)) === undefined) absent.push(blob.digest.toString());
    }
  }
  for (const tag of family.tags) if ((await client.resolveIfPresent(at({ tag }))) === undefined) absent.push(tag);
  for (const [at_, subject] of [family.index, family.children[0], family.referrers[0]].entries()) {
    if (subject === undefined) continue;
    const { descriptors } = await client.referrers(repository, subject.digest);
    const wanted = family.referrers[at_]?.digest;
    if (!descriptors.some(({ digest }) => wanted?.equals(digest))) absent.push(`referrer ${wanted?.toString() ?? ''}`);
  }
  return absent;
}
