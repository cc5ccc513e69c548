import { referrersTag } from '../../core/image/attached-tag.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import {
  artifactTypeOf,
  encodeManifest,
  MAX_MANIFEST_BYTES,
  parseManifest,
  type Manifest,
} from '../../core/image/manifest.ts';
import { mediaTypeEssence, OCI_INDEX } from '../../core/image/media-types.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import { FormatError, InvariantError, LimitError, RemoteError } from '../../errors.ts';
import type { ManifestTransfer } from './manifest-transfer.ts';
import { nextPage } from './paging.ts';
import { realSleep } from './real-sleep.ts';
import type { RegistrySession } from './registry-session.ts';
import { MAX_WRITES, pauseAfterWrite, SETTLE_MS, settleTime } from './rival-writers.ts';

export interface ReferrerList {
  readonly descriptors: readonly Descriptor[];
  /** `tag` when the registry has no referrers API and the fallback tag was read. */
  readonly source: 'api' | 'tag';
  /**
   * Something other than a list was sent in the place of one, and under the fallback tag there is nothing: it may be that nothing
   * refers to the manifest, or that somebody on the way keeps the list to himself (docs/decisions/0089).
   */
  readonly doubt?: RemoteError;
}

const MAX_REFERRERS = 10_000;
const MAX_PAGES = 200;
/** How registries say that they do not know the API (cosign.md §3.3). */
const NO_API_STATUSES: readonly number[] = [400, 404, 405, 406];

/** Finds and announces what refers to a manifest (distribution-spec 1.1, Listing Referrers, Referrers Tag Schema). */
export class Referrers {
  readonly #session: RegistrySession;
  readonly #manifests: ManifestTransfer;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor(session: RegistrySession, manifests: ManifestTransfer, sleep = realSleep) {
    this.#session = session;
    this.#manifests = manifests;
    this.#sleep = sleep;
  }

  /** Filtered here as well: a registry may ignore the filter, and may not say that it did. */
  async list(repository: Repository, digest: Digest, artifactType?: string): Promise<ReferrerList> {
    let other: string | undefined;
    const listed = await this.#fromApi(repository, digest, artifactType, (type) => {
      other = type;
    });
    const descriptors = listed ?? (await this.#readTag(tagOf(repository, digest), digest)) ?? [];
    const wanted =
      artifactType === undefined ? descriptors : descriptors.filter((d) => d.artifactType === artifactType);
    if (listed !== undefined) return { descriptors: wanted, source: 'api' };
    const isDoubtful = other !== undefined && descriptors.length === 0;
    return { descriptors: wanted, source: 'tag', ...(isDoubtful ? { doubt: noList(repository, other) } : {}) };
  }

  async push(repository: Repository, bytes: Uint8Array): Promise<Descriptor> {
    const manifest = parseManifest(bytes);
    const { subject, annotations, mediaType } = manifest;
    if (subject === undefined) throw new InvariantError('a referrer without a subject was to be pushed');
    const { registry, repository: path } = repository;
    const reference = new ImageReference({ registry, repository: path, digest: Digest.of(bytes) });
    const pushed = await this.#manifests.push(reference, bytes, mediaType);
    const artifactType = artifactTypeOf(manifest);
    const descriptor: Descriptor = {
      mediaType,
      digest: pushed.digest,
      size: bytes.length,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    };
    // The header is the criterion of the specification; registries that list but do not say so are asked.
    if (pushed.subject === subject.digest.toString()) return descriptor;
    if ((await this.#fromApi(repository, subject.digest, undefined)) === undefined) {
      await this.#announce(tagOf(repository, subject.digest), subject.digest, descriptor);
    }
    return descriptor;
  }

  /**
   * Deletes manifests that refer to a subject. Where the registry has no API, they go from the fallback tag first, so that
   * the list never names what is not there.
   *
   * @returns how many were there
   * @throws RemoteError REMOTE_STATUS where the registry does not delete; COULD_NOT_CHECK when others keep writing the tag
   */
  async remove(repository: Repository, subject: Digest, digests: readonly Digest[]): Promise<number> {
    if (digests.length === 0) return 0;
    if ((await this.#fromApi(repository, subject, undefined)) === undefined) {
      await this.#withdraw(tagOf(repository, subject), subject, digests);
    }
    let removed = 0;
    for (const digest of digests) {
      const { registry, repository: path } = repository;
      if (await this.#manifests.delete(new ImageReference({ registry, repository: path, digest }))) removed++;
    }
    return removed;
  }

  /** Takes descriptors out of the fallback tag, with the same care as {@link #announce}. */
  async #withdraw(tag: ImageReference, subject: Digest, digests: readonly Digest[]): Promise<void> {
    const names = new Set(digests.map((digest) => digest.toString()));
    for (let attempt = 0; attempt < MAX_WRITES; attempt++) {
      const present = await this.#readTag(tag, subject);
      const kept = present?.filter(({ digest }) => !names.has(digest.toString()));
      if (kept === undefined || kept.length === present?.length) return;
      await this.#manifests.push(
        tag,
        encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: kept }),
        OCI_INDEX,
      );
      await this.#sleep(SETTLE_MS + Math.random() * SETTLE_MS * attempt);
    }
    throw overwritten(tag, 'the entries were back');
  }

  /**
   * Undefined when the registry has no such API.
   *
   * @param onOther told of the media type of what lives at that path instead
   */
  async #fromApi(
    repository: Repository,
    digest: Digest,
    artifactType: string | undefined,
    onOther?: (type: string) => void,
  ): Promise<readonly Descriptor[] | undefined> {
    const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
    let at: { path: string } | { url: URL } = { path: `referrers/${digest.toString()}${filter}` };
    const found: Descriptor[] = [];
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.#session.request({
        ...at,
        repository,
        action: 'pull',
        headers: { accept: OCI_INDEX },
        maxBytes: MAX_MANIFEST_BYTES,
        expect: [200, ...(page === 0 ? NO_API_STATUSES : [])],
      });
      const type = mediaTypeEssence(answer.headers['content-type'] ?? '');
      // Something else may live at that path: a web page is not an empty list.
      if (answer.status !== 200) return undefined;
      if (page === 0 && type !== OCI_INDEX) {
        onOther?.(type);
        return undefined;
      }
      found.push(...readIndex(answer.body));
      if (found.length > MAX_REFERRERS) throw tooMany(repository, digest);
      const next = nextPage(answer);
      if (next === undefined) return found;
      at = { url: next };
    }
    throw tooMany(repository, digest);
  }

  /**
   * Undefined when something else has the tag: `cosign copy` puts the image itself there.
   *
   * @param digest of the subject
   */
  async #readTag(tag: ImageReference, digest: Digest): Promise<readonly Descriptor[] | undefined> {
    const manifest = await this.#manifests.fetchIfPresent(tag);
    if (manifest === undefined) return [];
    return manifest.mediaType === OCI_INDEX && !manifest.digest.equals(digest) ? readIndex(manifest.bytes) : undefined;
  }

  /**
   * Adds a descriptor to the fallback tag. The protocol has no compare-and-swap: of writers that have read the same index all
   * but the last lose their entry. So each reads back what became of its own, after a pause in which a rival that had read the
   * old index has written, and writes again until it stays. Pauses are random and grow, so that rivals come apart.
   */
  async #announce(tag: ImageReference, subject: Digest, descriptor: Descriptor): Promise<void> {
    let losses = 0;
    let confirmations = 0;
    let settleMs = SETTLE_MS;
    for (let attempt = 0; attempt < MAX_WRITES; attempt++) {
      const startedAt = performance.now();
      const present = await this.#readTag(tag, subject);
      if (present === undefined) throw tagTaken(tag);
      if (present.some(({ digest }) => digest.equals(descriptor.digest))) {
        // Where rivals have been met, one of them may still be about to write what it read long ago.
        if (++confirmations > Math.min(losses, 1)) return;
        await this.#sleep(settleMs);
        continue;
      }
      if (attempt > 0) losses++;
      confirmations = 0;
      const manifests = [...present, descriptor].sort((a, b) => (a.digest.toString() < b.digest.toString() ? -1 : 1));
      const bytes = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests });
      if (bytes.length > MAX_MANIFEST_BYTES) throw tooMany(tag, descriptor.digest);
      await this.#manifests.push(tag, bytes, OCI_INDEX);
      settleMs = settleTime(performance.now() - startedAt);
      await this.#sleep(pauseAfterWrite(settleMs, losses));
    }
    throw overwritten(tag, 'the entry was gone');
  }
}

function overwritten(tag: ImageReference, found: string): RemoteError {
  return new RemoteError('COULD_NOT_CHECK', `other writers keep overwriting ${tag.toString()}`, {
    found: `${found} after each of ${MAX_WRITES} writes`,
    expected: 'one writer at a time, or a registry with the referrers API',
    retryable: true,
  });
}

function tagOf({ registry, repository }: Repository, digest: Digest): ImageReference {
  return new ImageReference({ registry, repository, tag: referrersTag(digest) });
}

/** A list that does not parse is the registry's failure: nothing can be said about the image. */
function readIndex(bytes: Uint8Array): readonly Descriptor[] {
  let index: Manifest;
  try {
    index = parseManifest(bytes, OCI_INDEX);
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof LimitError)) throw cause;
    throw new RemoteError('REMOTE_BODY', 'the list of what refers to the image cannot be read', {
      ...cause.facts,
      details: { code: cause.code },
      cause,
    });
  }
  if (index.kind !== 'index') throw new InvariantError('an index parsed as an image');
  return index.manifests;
}

function tagTaken(tag: ImageReference): RemoteError {
  return new RemoteError('REMOTE_STATUS', `${tag.toString()} is in use for something else`, {
    found: 'an image under the tag that lists what refers to it',
    expected: 'no such tag, or an index of referrers (distribution-spec 1.1, Referrers Tag Schema)',
    fix: `crane delete ${tag.toString()}`,
  });
}

function tooMany(repository: Repository, digest: Digest): LimitError {
  return new LimitError('LIMIT_COUNT', `too much refers to ${digest.toString()}`, {
    found: `more than ${MAX_REFERRERS} manifests in ${repository.registry}/${repository.repository}`,
    expected: `at most ${MAX_REFERRERS}`,
  });
}

function noList({ registry }: Repository, type = ''): RemoteError {
  return new RemoteError('REMOTE_BODY', `what ${registry} sent in the place of a list of referrers is none`, {
    found: type === '' ? 'status 200 without a media type' : `status 200 with ${type}`,
    expected: `${OCI_INDEX}, or status 404 where there is no such list`,
    fix: 'ask past the proxy or the page that answers in the place of the registry',
  });
}
