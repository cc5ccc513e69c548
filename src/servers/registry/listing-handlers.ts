import { Digest } from '../../core/image/digest.ts';
import { OCI_INDEX } from '../../core/image/media-types.ts';
import { compareTags, type ManifestStore } from './manifest-store.ts';
import { badRequest, unknown } from './oci-error.ts';
import { referrersIndex, type ReferrerStore } from './referrer-store.ts';

/** Some clients read the first page only, so pages are as large as a manifest may be (4 MiB), with room to spare. */
const REFERRERS_PAGE_BYTES = 3 << 20;
const MAX_TAGS_PER_PAGE = 10_000;

/** Tags and referrers (distribution-spec, Content Discovery). */
export class ListingHandlers {
  readonly #manifests: ManifestStore;
  readonly #referrers: ReferrerStore;

  constructor(manifests: ManifestStore, referrers: ReferrerStore) {
    this.#manifests = manifests;
    this.#referrers = referrers;
  }

  async tags(repository: string, request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const count = countOf(query.get('n'));
    const last = query.get('last');
    if (!(await this.#manifests.knows(repository))) throw unknown('NAME_UNKNOWN', 'there is no such repository');
    const all = await this.#manifests.tags(repository);
    const remaining = last === null ? all : all.filter((tag) => compareTags(tag, last) > 0);
    const tags = remaining.slice(0, count);
    const headers = new Headers();
    const end = tags.at(-1);
    if (end !== undefined && remaining.length > tags.length) {
      headers.set('link', `</v2/${repository}/tags/list?n=${count}&last=${encodeURIComponent(end)}>; rel="next"`);
    }
    return Response.json({ name: repository, tags }, { headers });
  }

  /** An unknown repository, too, has an empty list: 404 would say that this registry does not have the API. */
  async referrers(repository: string, text: string, request: Request): Promise<Response> {
    const subject = Digest.parse(text);
    const query = new URL(request.url).searchParams;
    const artifactType = query.get('artifactType') ?? undefined;
    const after = query.get('last') ?? undefined;
    const page = await this.#referrers.list(repository, subject, {
      artifactType,
      after,
      maxBytes: REFERRERS_PAGE_BYTES,
    });
    const headers = new Headers({ 'content-type': OCI_INDEX });
    if (artifactType !== undefined) headers.set('oci-filters-applied', 'artifactType');
    if (page.next !== undefined) {
      const next = new URLSearchParams({ ...(artifactType === undefined ? {} : { artifactType }), last: page.next });
      headers.set('link', `</v2/${repository}/referrers/${subject.toString()}?${next.toString()}>; rel="next"`);
    }
    return new Response(new Uint8Array(referrersIndex(page.descriptors)), { headers });
  }
}

/** @throws FormatError for what is not a count */
function countOf(text: string | null): number {
  if (text === null) return MAX_TAGS_PER_PAGE;
  if (/^\d{1,15}$/.test(text)) return Math.min(Number(text), MAX_TAGS_PER_PAGE);
  throw badRequest('UNSUPPORTED', 'n is not a count', { found: text.slice(0, 20), expected: 'a whole number' });
}
