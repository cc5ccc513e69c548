import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { legacyTag, type LegacyAttachment } from '../../core/image/attached-tag.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import { artifactTypeOf, type Manifest } from '../../core/image/manifest.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import { FormatError, LimitError } from '../../errors.ts';
import { isFault, type PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import type { FetchedManifest } from '../../io/registry/manifest-transfer.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import { referringTo } from './referring.ts';

/** What something that belongs to an image is to it, in cosign's words. */
export type AttachmentKind = LegacyAttachment | 'other';

/** A manifest, what it names and what belongs to it. */
export interface ImageNode {
  readonly manifest: FetchedManifest;
  readonly parsed: Manifest;
  /** What an index names, in its order. */
  readonly children: readonly ImageNode[];
  /** What refers to it, or is kept under a tag made of its digest. */
  readonly attached: readonly AttachedNode[];
}

export interface AttachedNode {
  readonly node: ImageNode;
  readonly kind: AttachmentKind;
  /** The tag that it is kept under in cosign's older storage, without a prefix; undefined for a referrer. */
  readonly tag: string | undefined;
}

export interface ImageGraphRequest {
  readonly source: ImageSource;
  readonly reference: ImageReference;
  /** Where signatures are kept, when not beside the image (`COSIGN_REPOSITORY`). */
  readonly signatureRepository?: Repository;
  /** In front of the older storage's tags (`--attachment-tag-prefix`). */
  readonly tagPrefix?: string;
  /** What of that which belongs to the image matters; everything when absent. */
  readonly only?: readonly AttachmentKind[];
  /** Nothing of what an index names. */
  readonly isShallow?: boolean;
  /** As cosign's tree: what belongs to the image and cannot be read is passed over. */
  readonly passesOver?: PassOver;
  /** As cosign: a page in the place of the list of referrers counts as none, and is told of here. */
  readonly onDoubt?: PassOver;
}

export interface ImageGraph {
  readonly root: ImageNode;
  /** Referrers that are listed, and are not there or refer to something else. */
  readonly missing: readonly Digest[];
}

const LEGACY: readonly LegacyAttachment[] = ['sig', 'att', 'sbom'];
const PREDICATE_TYPE = 'dev.sigstore.bundle.predicateType';
const MAX_DEPTH = 8;
const MAX_NODES = 10_000;
const PARALLEL_REQUESTS = 8;

/**
 * An image and everything that belongs to it: what an index names, what refers to any of it, what refers to that, and what
 * cosign's older storage keeps under tags. Nothing is written before all of it has been read.
 *
 * @throws NotFoundError TAG_NOT_FOUND, NOT_FOUND (also for an image that an index names); FormatError; LimitError LIMIT_COUNT,
 *   LIMIT_DEPTH; RemoteError COULD_NOT_CHECK; whatever keeps the source from being asked
 */
export async function fetchImageGraph(request: ImageGraphRequest): Promise<ImageGraph> {
  return new GraphReader(request).read();
}

/** Every manifest of a graph once, what is named before what names it. */
export function nodesOf(root: ImageNode): readonly ImageNode[] {
  const found = new Map<string, ImageNode>();
  const visit = (node: ImageNode): void => {
    if (found.has(node.manifest.digest.toString())) return;
    for (const child of node.children) visit(child);
    found.set(node.manifest.digest.toString(), node);
    for (const { node: attached } of node.attached) visit(attached);
  };
  visit(root);
  return [...found.values()];
}

export function descriptorOf({ manifest }: ImageNode): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
}

class GraphReader {
  readonly #request: ImageGraphRequest;
  readonly #images: Repository;
  readonly #attachments: Repository;
  readonly #turns = new ConcurrencyLimit(PARALLEL_REQUESTS);
  readonly #nodes = new Map<string, Promise<ImageNode>>();
  readonly #missing: Digest[] = [];

  constructor(request: ImageGraphRequest) {
    this.#request = request;
    this.#images = request.reference;
    this.#attachments = request.signatureRepository ?? request.reference;
  }

  async read(): Promise<ImageGraph> {
    const { source, reference } = this.#request;
    const root = await this.#node(await source.getManifest(reference), 0);
    return { root, missing: this.#missing };
  }

  #node(manifest: FetchedManifest, depth: number): Promise<ImageNode> {
    const name = manifest.digest.toString();
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    if (this.#nodes.size >= MAX_NODES) throw tooMuch('LIMIT_COUNT', `more than ${MAX_NODES} manifests`);
    if (depth > MAX_DEPTH) throw tooMuch('LIMIT_DEPTH', `more than ${MAX_DEPTH} levels`);
    const node = this.#read(manifest, depth);
    this.#nodes.set(name, node);
    return node;
  }

  async #read(manifest: FetchedManifest, depth: number): Promise<ImageNode> {
    const parsed = manifest.parse();
    const { isShallow = false } = this.#request;
    const [children, referrers, tagged] = await Promise.all([
      Promise.all(
        (parsed.kind === 'index' && !isShallow ? parsed.manifests : []).map((child) => this.#child(child, depth)),
      ),
      this.#referrers(manifest.digest, depth),
      this.#tagged(manifest.digest),
    ]);
    return { manifest, parsed, children, attached: [...tagged, ...referrers] };
  }

  /** What an index names may itself be kept where signatures are, when the index is somebody's attachment. */
  async #child({ digest }: Descriptor, depth: number): Promise<ImageNode> {
    return this.#node(await this.#ask(this.#images, (source, at) => source.getManifest(at(digest))), depth + 1);
  }

  async #referrers(subject: Digest, depth: number): Promise<readonly AttachedNode[]> {
    const { passesOver, onDoubt = passesOver } = this.#request;
    const descriptors = await this.#ask(this.#attachments, (source) =>
      referringTo(source, this.#attachments, subject, onDoubt),
    );
    const found = await Promise.all(
      descriptors.map(async ({ digest }): Promise<AttachedNode | undefined> => {
        const manifest = await this.#unlessPassedOver(digest.toString(), () =>
          this.#ask(this.#attachments, (source, at) => source.getManifestIfPresent(at(digest))),
        );
        const parsed = manifest?.parse();
        // Only what says so itself: a list that is wrong could lead in circles.
        if (manifest === undefined || parsed?.subject?.digest.equals(subject) !== true) {
          this.#missing.push(digest);
          return undefined;
        }
        const kind = attachmentKind(parsed);
        return this.#isWanted(kind) ? { node: await this.#node(manifest, depth + 1), kind, tag: undefined } : undefined;
      }),
    );
    return found.filter((attached) => attached !== undefined);
  }

  async #tagged(subject: Digest): Promise<readonly AttachedNode[]> {
    const found = await Promise.all(
      LEGACY.filter((kind) => this.#isWanted(kind)).map(async (kind): Promise<AttachedNode | undefined> => {
        const tag = legacyTag(subject, kind);
        const manifest = await this.#unlessPassedOver(tag, () =>
          this.#ask(this.#attachments, (source, at) =>
            source.getManifestIfPresent(at(`${this.#request.tagPrefix ?? ''}${tag}`)),
          ),
        );
        if (manifest === undefined) return undefined;
        const parsed = manifest.parse();
        if (parsed.kind !== 'image') throw notAnAttachment(tag, parsed);
        // A tag may name anything, the image itself too: what belongs to it is not followed any further.
        return { node: { manifest, parsed, children: [], attached: [] }, kind, tag };
      }),
    );
    return found.filter((attached) => attached !== undefined);
  }

  async #unlessPassedOver<Answer>(what: string, read: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await read();
    } catch (error) {
      const { passesOver } = this.#request;
      if (passesOver === undefined || !isFault(error)) throw error;
      passesOver(what, error);
      return undefined;
    }
  }

  #isWanted(kind: AttachmentKind): boolean {
    return this.#request.only?.includes(kind) !== false;
  }

  #ask<Answer>(
    repository: Repository,
    ask: (source: ImageSource, at: (version: Digest | string) => ImageReference) => Promise<Answer>,
  ): Promise<Answer> {
    const { registry, repository: path } = repository;
    return this.#turns.run(registry, () =>
      ask(
        this.#request.source,
        (version) =>
          new ImageReference({
            registry,
            repository: path,
            ...(typeof version === 'string' ? { tag: version } : { digest: version }),
          }),
      ),
    );
  }
}

/** cosign's bundles say what they are by their predicate type; its experiments, and others, by their artifact type. */
export function attachmentKind(manifest: Manifest): AttachmentKind {
  const predicateType = manifest.annotations?.[PREDICATE_TYPE];
  const artifactType = artifactTypeOf(manifest) ?? '';
  if (predicateType === IMAGE_SIGNATURE_PREDICATE) return 'sig';
  if (predicateType !== undefined) return 'att';
  if (artifactType.startsWith('application/vnd.dev.sigstore.bundle')) return 'sig';
  if (/\.sig(nature)?[.+]|\.signature$/.test(artifactType)) return 'sig';
  if (/spdx|cyclonedx|syft|\.sbom[.+]/.test(artifactType)) return 'sbom';
  return 'other';
}

function tooMuch(code: 'LIMIT_COUNT' | 'LIMIT_DEPTH', found: string): LimitError {
  return new LimitError(code, 'too much belongs to the image', {
    found,
    expected: `at most ${MAX_NODES} manifests in ${MAX_DEPTH} levels`,
  });
}

function notAnAttachment(tag: string, { mediaType }: Manifest): FormatError {
  return new FormatError('FORMAT_MANIFEST', `what is kept under ${tag} is no attachment`, {
    found: mediaType,
    expected: 'a manifest with layers',
  });
}
