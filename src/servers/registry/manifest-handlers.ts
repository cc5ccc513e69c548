import { Digest } from '../../core/image/digest.ts';
import { MAX_MANIFEST_BYTES } from '../../core/image/manifest.ts';
import { isTag } from '../../core/image/reference.ts';
import { VerificationError } from '../../errors.ts';
import { readBody } from '../shell/body.ts';
import type { ManifestStore } from './manifest-store.ts';
import { badRequest, unknown } from './oci-error.ts';

/** Manifests in, out and away (distribution-spec, Pulling and Pushing Manifests, Deleting Manifests and Tags). */
export class ManifestHandlers {
  readonly #manifests: ManifestStore;

  constructor(manifests: ManifestStore) {
    this.#manifests = manifests;
  }

  async get(repository: string, reference: string, request: Request): Promise<Response> {
    const stored = await this.#manifests.get(repository, versionOf(reference));
    if (stored === undefined) throw unknown('MANIFEST_UNKNOWN', 'this repository has no such manifest');
    const etag = `"${stored.digest.toString()}"`;
    const headers = {
      'content-type': stored.mediaType,
      'content-length': String(stored.bytes.length),
      'docker-content-digest': stored.digest.toString(),
      etag,
    };
    if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
    const body = request.method === 'HEAD' ? null : new Uint8Array(stored.bytes);
    return new Response(body, { headers });
  }

  async put(repository: string, reference: string, request: Request): Promise<Response> {
    const version = versionOf(reference);
    const bytes = await readBody(request, MAX_MANIFEST_BYTES);
    const digest = typeof version === 'string' ? Digest.of(bytes) : Digest.of(bytes, version.algorithm);
    if (typeof version !== 'string' && !version.equals(digest)) {
      throw new VerificationError('DIGEST_MISMATCH', 'the manifest does not have the digest it was sent under', {
        found: digest.toString(),
        expected: version.toString(),
      });
    }
    const tag = typeof version === 'string' ? version : undefined;
    const contentType = request.headers.get('content-type') ?? undefined;
    const manifest = await this.#manifests.put(repository, bytes, digest, tag, contentType);
    const headers = new Headers({
      location: `/v2/${repository}/manifests/${digest.toString()}`,
      'docker-content-digest': digest.toString(),
      'content-length': '0',
    });
    // Tells the client that no fallback tag is needed (distribution-spec 1.1, Pushing Manifests with Subject).
    if (manifest.subject !== undefined) headers.set('oci-subject', manifest.subject.digest.toString());
    return new Response(null, { status: 201, headers });
  }

  async delete(repository: string, reference: string): Promise<Response> {
    const version = versionOf(reference);
    const deleted =
      typeof version === 'string'
        ? await this.#manifests.deleteTag(repository, version)
        : await this.#manifests.delete(repository, version);
    if (!deleted) throw unknown('MANIFEST_UNKNOWN', 'this repository has no such manifest');
    return new Response(null, { status: 202 });
  }
}

/** A digest has a colon, a tag never. @throws FormatError FORMAT_DIGEST, or (MANIFEST_INVALID) for what is no tag */
function versionOf(reference: string): string | Digest {
  if (reference.includes(':')) return Digest.parse(reference);
  if (isTag(reference)) return reference;
  throw badRequest('MANIFEST_INVALID', 'this is neither a tag nor a digest', {
    found: reference.slice(0, 140),
    expected: 'a tag of at most 128 characters, or ALGORITHM:HEX',
  });
}
