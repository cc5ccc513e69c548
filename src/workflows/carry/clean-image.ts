import { legacyTag, type LegacyAttachment } from '../../core/image/attached-tag.ts';
import type { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf, type Manifest } from '../../core/image/manifest.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import { SealwrightError } from '../../errors.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { attachmentKind, type AttachmentKind } from './image-graph.ts';
import { referringTo } from './referring.ts';

/** cosign's words; `referrer` is every bundle, whatever it says. */
export type CleanType = 'signature' | 'attestation' | 'sbom' | 'referrer' | 'all';

export interface CleanImageRequest {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  readonly type: CleanType;
  /** In front of the older storage's tags. */
  readonly tagPrefix?: string;
  /** As cosign has it: `signature`, `attestation` and `sbom` mean the older tags alone. */
  readonly tagsOnly?: boolean;
  /** As cosign: a page in the place of the list of referrers counts as none, and is told of here. */
  readonly onDoubt?: PassOver;
}

export interface CleanedImage {
  /** The repository that was cleaned. */
  readonly repository: Repository;
  readonly digest: Digest;
  /** Tags and digests that were there and are gone. */
  readonly removed: readonly string[];
  /** What could not be removed, and why. */
  readonly failed: readonly { readonly name: string; readonly error: SealwrightError }[];
  /** Bundles that were left because only tags were meant. */
  readonly left: number;
}

const TAGS: Readonly<Record<CleanType, readonly LegacyAttachment[]>> = {
  signature: ['sig'],
  attestation: ['att'],
  sbom: ['sbom'],
  referrer: [],
  all: ['sig', 'att', 'sbom'],
};
const KINDS: Readonly<Record<CleanType, readonly AttachmentKind[]>> = {
  ...TAGS,
  referrer: ['sig', 'att', 'sbom'],
};
/** What cosign and we have put there. Other tools' signatures refer to images as well, and are theirs to remove. */
const OURS = /^application\/vnd\.dev\.(sigstore\.bundle|cosign\.artifact\.)/;

/**
 * Removes what was attached to an image, in both of cosign's formats. Goes on when one thing cannot be removed, and returns
 * what is left.
 *
 * @throws NotFoundError TAG_NOT_FOUND; RemoteError COULD_NOT_CHECK; what keeps the registry from being asked what there is
 */
export async function cleanImage(request: CleanImageRequest): Promise<CleanedImage> {
  const { registry, reference, type } = request;
  const repository = request.signatureRepository ?? reference;
  registry.announce([
    { repository: reference, action: 'push' },
    { repository, action: 'push' },
  ]);
  const digest = reference.digest ?? (await registry.resolve(reference)).digest;
  // Asked before anything is removed: whoever learns that nobody can tell what there is still has all of it.
  const bundles = await referrersOf(request, repository, digest);
  const removed: string[] = [];
  const failed: { name: string; error: SealwrightError }[] = [];
  const attempt = async (name: string, remove: () => Promise<boolean>): Promise<void> => {
    try {
      if (await remove()) removed.push(name);
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      failed.push({ name, error });
    }
  };
  for (const kind of TAGS[type]) {
    const tag = `${request.tagPrefix ?? ''}${legacyTag(digest, kind)}`;
    await attempt(tag, () => registry.deleteManifest(at(repository, { tag })));
  }
  const meant = request.tagsOnly === true && type !== 'referrer' && type !== 'all' ? [] : bundles;
  for (const bundle of meant) {
    await attempt(bundle.toString(), async () => (await registry.deleteReferrers(repository, digest, [bundle])) > 0);
  }
  return { repository, digest, removed, failed, left: bundles.length - meant.length };
}

async function referrersOf(
  { registry, type, onDoubt }: CleanImageRequest,
  repository: Repository,
  subject: Digest,
): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for (const { digest } of await referringTo(registry, repository, subject, onDoubt)) {
    const manifest = (await registry.getManifestIfPresent(at(repository, { digest })))?.parse();
    if (manifest?.subject?.digest.equals(subject) !== true || !isOurs(manifest)) continue;
    if (KINDS[type].includes(attachmentKind(manifest))) found.push(digest);
  }
  return found;
}

function isOurs(manifest: Manifest): boolean {
  const layers = manifest.kind === 'image' ? manifest.layers.map(({ mediaType }) => mediaType) : [];
  return [artifactTypeOf(manifest) ?? '', ...layers].some((type) => OURS.test(type));
}

function at({ registry, repository }: Repository, version: { tag: string } | { digest: Digest }): ImageReference {
  return new ImageReference({ registry, repository, ...version });
}
