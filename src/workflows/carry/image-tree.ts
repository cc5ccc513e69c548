import { parseBundle } from '../../core/bundle/bundle.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import type { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf } from '../../core/image/manifest.ts';
import { platformText } from '../../core/image/platform.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { verifyBundle } from '../../core/verify/verify-bundle.ts';
import { SealwrightError } from '../../errors.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import { fetchImageGraph, type AttachedNode, type AttachmentKind, type ImageNode } from './image-graph.ts';
import { fetchImageAttestations } from '../verify/image-attestations.ts';
import { fetchImageSignatures } from '../verify/image-signatures.ts';
import { judgeSignatures } from '../verify/signature-judgement.ts';
import { nearestReason, policiesOf, signaturePolicy, type SignaturePolicy } from '../verify/signature-policy.ts';

export interface ImageTreeRequest {
  readonly source: ImageSource;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  /** In front of the older storage's tags. */
  readonly tagPrefix?: string;
  /** What signatures are judged by; undefined where nothing is trusted, and nothing is judged. */
  readonly trustedRoot: TrustedRoot | undefined;
  /** Who must have signed for a signature to hold; whoever it is, when absent. */
  readonly policy?: SignaturePolicy;
  readonly now: Date;
  /** As cosign: nothing of the images that an index names. */
  readonly isShallow?: boolean;
  /** As cosign: what cannot be read is passed over. */
  readonly passesOver?: PassOver;
}

/** What a bundle proves, whoever its signer is: a tree names signers, and accepts nobody. */
export type BundleVerdict =
  | { readonly kind: 'verified'; readonly bundle: VerifiedBundle }
  | { readonly kind: 'refused'; readonly error: SealwrightError };

/** Something that belongs to an image. */
export interface TreeAttachment {
  readonly kind: AttachmentKind;
  readonly digest: Digest;
  /** Predicate type of a bundle, else the artifact type; empty when there is neither. */
  readonly type: string;
  readonly tag: string | undefined;
  readonly layers: readonly Digest[];
  /** One a signature: bundles have one, `.sig` tags as many as layers. None without a trusted root, and for anything else. */
  readonly verdicts: readonly BundleVerdict[];
  /** What belongs to it in turn. */
  readonly attached: readonly TreeAttachment[];
}

export interface TreeImage {
  readonly digest: Digest;
  readonly mediaType: string;
  /** As the index says that names it. */
  readonly platform: string | undefined;
  readonly attached: readonly TreeAttachment[];
  readonly children: readonly TreeImage[];
}

const BUNDLE_MEDIA_TYPE_PREFIX = 'application/vnd.dev.sigstore.bundle';
const PREDICATE_TYPE = 'dev.sigstore.bundle.predicateType';
const MAX_BUNDLE_BYTES = 16 << 20;

/**
 * Everything that belongs to an image, in one order: by kind, then by digest.
 *
 * @throws all that fetchImageGraph throws; a bundle that does not verify is a finding, not a failure
 */
export async function imageTree(request: ImageTreeRequest): Promise<TreeImage> {
  const { source, reference, signatureRepository, tagPrefix = '', isShallow, passesOver } = request;
  const { root } = await fetchImageGraph({
    source,
    reference,
    tagPrefix,
    ...(isShallow === undefined ? {} : { isShallow }),
    ...(passesOver === undefined ? {} : { passesOver }),
    ...(signatureRepository === undefined ? {} : { signatureRepository }),
  });
  return treeImage(request, root, undefined);
}

async function treeImage(request: ImageTreeRequest, node: ImageNode, platform: string | undefined): Promise<TreeImage> {
  const named = node.parsed.kind === 'index' ? node.parsed.manifests : [];
  const children: TreeImage[] = [];
  for (const [index, child] of node.children.entries()) {
    const offered = named[index]?.platform;
    children.push(await treeImage(request, child, offered === undefined ? undefined : platformText(offered)));
  }
  return {
    digest: node.manifest.digest,
    mediaType: node.manifest.mediaType,
    platform,
    attached: await attachments(request, node),
    children,
  };
}

const ORDER: readonly AttachmentKind[] = ['sig', 'att', 'sbom', 'other'];

async function attachments(request: ImageTreeRequest, subject: ImageNode): Promise<readonly TreeAttachment[]> {
  const rank = ({ kind, node }: AttachedNode): string => `${ORDER.indexOf(kind)} ${node.manifest.digest.toString()}`;
  const sorted = [...subject.attached].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const found: TreeAttachment[] = [];
  for (const { node, kind, tag } of sorted) {
    const { parsed, manifest } = node;
    found.push({
      kind,
      tag,
      digest: manifest.digest,
      type: parsed.annotations?.[PREDICATE_TYPE] ?? artifactTypeOf(parsed) ?? '',
      layers: parsed.kind === 'image' ? parsed.layers.map(({ digest }) => digest) : [],
      verdicts:
        tag === undefined
          ? await judgedBundle(request, subject.manifest.digest, node)
          : await judgedTag(request, { kind, subject: subject.manifest.digest, manifest: manifest.digest }),
      attached: await attachments(request, node),
    });
  }
  return found;
}

/** Whoever signed: a tree names signers, and accepts nobody. */
const ANYBODY = signaturePolicy({ kind: 'unsafeSkipIdentity' });

async function judgedBundle(
  { source, reference, signatureRepository, trustedRoot, policy = ANYBODY, now }: ImageTreeRequest,
  subject: Digest,
  { parsed }: ImageNode,
): Promise<readonly BundleVerdict[]> {
  const [layer] = parsed.kind === 'image' ? parsed.layers : [];
  if (trustedRoot === undefined || layer?.mediaType.startsWith(BUNDLE_MEDIA_TYPE_PREFIX) !== true) return [];
  try {
    const bytes = await source.getBlob(signatureRepository ?? reference, layer.digest, MAX_BUNDLE_BYTES);
    const bundle = parseBundle(parseUtf8(bytes, 'FORMAT_BUNDLE', 'the bundle'));
    const artifact = { kind: 'digest', algorithm: subject.algorithm, digest: subject.bytes } as const;
    const [first, ...others] = policiesOf(policy);
    const by = (one: Omit<SignaturePolicy, 'alternatives'>): BundleVerdict =>
      finding(() => verifyBundle({ ...one, bundle, artifact, trustedRoot, now }));
    return [anyOf([by(first), ...others.map(by)])];
  } catch (error) {
    return [
      finding(() => {
        throw error;
      }),
    ];
  }
}

/** Whatever keeps the registry from being asked is a failure of the tree; the rest is about this bundle. */
function finding(verify: () => VerifiedBundle): BundleVerdict {
  try {
    return { kind: 'verified', bundle: verify() };
  } catch (error) {
    if (!(error instanceof SealwrightError) || ['remote', 'auth', 'invariant'].includes(error.family)) throw error;
    return { kind: 'refused', error };
  }
}

/** Of what the demanded signers come to, one by one: that it is by one of them, or why it is by none. */
function anyOf(verdicts: readonly [BundleVerdict, ...BundleVerdict[]]): BundleVerdict {
  const [first, ...others] = verdicts;
  const verified = verdicts.find(({ kind }) => kind === 'verified');
  if (verified !== undefined || first.kind === 'verified') return verified ?? first;
  return nearestReason([first, ...others.filter((verdict) => verdict.kind === 'refused')]);
}

interface TaggedManifest {
  readonly kind: AttachmentKind;
  readonly subject: Digest;
  readonly manifest: Digest;
}

/** The signatures under a `.sig` tag, and the attestations under an `.att` tag. */
async function judgedTag(
  { source, reference, signatureRepository, tagPrefix = '', trustedRoot, policy = ANYBODY, now }: ImageTreeRequest,
  { kind, subject, manifest }: TaggedManifest,
): Promise<readonly BundleVerdict[]> {
  if (trustedRoot === undefined || (kind !== 'sig' && kind !== 'att')) return [];
  const request = {
    registry: source,
    reference: reference.atDigest(subject),
    isKnownToExist: true as const,
    tagPrefix,
    ...(signatureRepository === undefined ? {} : { signatureRepository }),
  };
  const found = await (kind === 'sig'
    ? fetchImageSignatures(request)
    : fetchImageAttestations({ ...request, predicateTypes: 'any' }));
  const signatures = found.signatures.filter(({ manifestDigest }) => manifestDigest.equals(manifest));
  const { verified, refused } = judgeSignatures({ ...found, signatures }, { trustedRoot, policy, now });
  const unusable = found.unusable.filter(({ manifestDigest }) => manifestDigest.equals(manifest));
  return [
    ...verified.map(({ bundle }): BundleVerdict => ({ kind: 'verified', bundle })),
    ...[...refused, ...unusable].map(({ error }): BundleVerdict => ({ kind: 'refused', error })),
  ];
}
