import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import { MAX_MANIFEST_BYTES, parseManifest, type Manifest } from '../../core/image/manifest.ts';
import { MANIFEST_MEDIA_TYPES, mediaTypeEssence } from '../../core/image/media-types.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { InvariantError, NotFoundError, RemoteError, VerificationError } from '../../errors.ts';
import { realSleep } from './real-sleep.ts';
import type { RegistryAction } from './registry-auth.ts';
import type { RegistrySession } from './registry-session.ts';

/** A manifest as the registry has it, checked against its digest. */
export interface FetchedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Exactly the bytes that the digest names. */
  readonly bytes: Uint8Array;
  /** @throws FormatError FORMAT_MANIFEST, FORMAT_DIGEST; LimitError */
  readonly parse: () => Manifest;
}

/** How registries say that a tag is not to be deleted by its name (distribution 2 answers 400 or 404, others 405). */
const BY_DIGEST_ONLY: readonly number[] = [400, 405];

const BLOB_UNKNOWN_PAUSES_MS: readonly number[] = [100, 500];

export interface PushedManifest {
  readonly digest: Digest;
  /** The registry's word that it lists this manifest among the referrers of its subject (`OCI-Subject`). */
  readonly subject: string | undefined;
}

/** Manifests in and out of a registry (distribution-spec, Pulling and Pushing Manifests). */
export class ManifestTransfer {
  readonly #session: RegistrySession;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor(session: RegistrySession, sleep = realSleep) {
    this.#session = session;
    this.#sleep = sleep;
  }

  /**
   * What a reference stands for now. Asks with HEAD, which registries that count pulls do not count.
   *
   * @throws NotFoundError TAG_NOT_FOUND, or NOT_FOUND for a digest
   */
  async resolve(reference: ImageReference): Promise<Descriptor> {
    const found = await this.resolveIfPresent(reference);
    if (found === undefined) throw noManifest(reference);
    return found;
  }

  /** Undefined when the registry says that there is none. */
  async resolveIfPresent(reference: ImageReference): Promise<Descriptor | undefined> {
    const { status, headers } = await this.#session.request({
      ...manifestRequest(reference),
      method: 'HEAD',
      expect: [200, 404],
    });
    if (status === 404) return undefined;
    const announced = headers['docker-content-digest'];
    const size = Number(headers['content-length'] ?? Number.NaN);
    const mediaType = mediaTypeEssence(headers['content-type'] ?? '');
    if (announced === undefined || !Number.isSafeInteger(size) || !MANIFEST_MEDIA_TYPES.includes(mediaType)) {
      // Not every registry says enough about what it does not send.
      const manifest = await this.fetch(reference);
      return { digest: manifest.digest, mediaType: manifest.mediaType, size: manifest.bytes.length };
    }
    const digest = Digest.parse(announced, "the registry's digest of the manifest");
    if (reference.digest !== undefined && !reference.digest.equals(digest)) throw mismatch(reference.digest, digest);
    return { digest, mediaType, size };
  }

  /** @throws NotFoundError TAG_NOT_FOUND, or NOT_FOUND for a digest */
  async fetch(reference: ImageReference): Promise<FetchedManifest> {
    const manifest = await this.fetchIfPresent(reference);
    if (manifest === undefined) throw noManifest(reference);
    return manifest;
  }

  /** Undefined when the registry says that there is none. */
  async fetchIfPresent(reference: ImageReference): Promise<FetchedManifest | undefined> {
    const { status, headers, body } = await this.#session.request({
      ...manifestRequest(reference),
      maxBytes: MAX_MANIFEST_BYTES,
      expect: [200, 404],
    });
    if (status === 404) return undefined;
    const announced = headers['docker-content-digest'];
    const expected = reference.digest ?? (announced === undefined ? undefined : Digest.parse(announced));
    const digest = Digest.of(body, expected?.algorithm);
    if (expected !== undefined && !expected.equals(digest)) throw mismatch(expected, digest);
    const served = headers['content-type'];
    const mediaType = mediaTypeEssence(served ?? '');
    return {
      digest,
      bytes: body,
      mediaType: MANIFEST_MEDIA_TYPES.includes(mediaType) ? mediaType : parseManifest(body, served).mediaType,
      parse: () => parseManifest(body, served),
    };
  }

  /** Puts a manifest under a tag or under its digest. */
  async push(reference: ImageReference, bytes: Uint8Array, mediaType: string): Promise<PushedManifest> {
    const digest = Digest.of(bytes, reference.digest?.algorithm);
    if (reference.digest !== undefined && !reference.digest.equals(digest)) {
      throw new InvariantError('a manifest was to be pushed under the digest of other bytes');
    }
    const { headers } = await this.#put({
      repository: reference,
      action: 'push',
      method: 'PUT',
      path: `manifests/${reference.identifier}`,
      headers: { 'content-type': mediaType },
      body: bytes,
      expect: [200, 201, 202],
    });
    const confirmed = headers['docker-content-digest'];
    if (confirmed !== undefined && reference.digest !== undefined && confirmed !== digest.toString()) {
      throw mismatch(digest, Digest.parse(confirmed));
    }
    return { digest, subject: headers['oci-subject'] };
  }

  /**
   * A registry that has acknowledged a blob may not see it yet when the manifest comes that names it: Docker's, of version 2, under
   * several writers. Whether the manifest names what is not there at all shows when it is still refused.
   */
  async #put(request: Parameters<RegistrySession['request']>[0]): ReturnType<RegistrySession['request']> {
    for (const pauseMs of BLOB_UNKNOWN_PAUSES_MS) {
      try {
        return await this.#session.request(request);
      } catch (error) {
        if (!isBlobUnknown(error)) throw error;
        await this.#sleep(pauseMs);
      }
    }
    return this.#session.request(request);
  }

  /** False when there was nothing to delete. @throws RemoteError REMOTE_STATUS where the registry does not delete */
  async delete(reference: ImageReference): Promise<boolean> {
    const { status } = await this.#session.request({
      repository: reference,
      action: 'push',
      method: 'DELETE',
      path: `manifests/${reference.identifier}`,
      expect: [200, 202, 404, ...(reference.digest === undefined ? BY_DIGEST_ONLY : [])],
    });
    if (!BY_DIGEST_ONLY.includes(status)) return status !== 404;
    const found = await this.resolveIfPresent(reference);
    return found !== undefined && (await this.delete(reference.atDigest(found.digest)));
  }
}

function manifestRequest(reference: ImageReference): {
  repository: Repository;
  action: RegistryAction;
  path: string;
  headers: Record<string, string>;
} {
  return {
    repository: reference,
    action: 'pull',
    path: `manifests/${reference.identifier}`,
    headers: { accept: MANIFEST_MEDIA_TYPES.join(', ') },
  };
}

function noManifest(reference: ImageReference): NotFoundError {
  const code = reference.digest === undefined ? 'TAG_NOT_FOUND' : 'NOT_FOUND';
  return new NotFoundError(code, `${reference.registry} has no ${reference.toString()}`, {
    found: 'status 404',
    expected: 'an image under this name',
  });
}

function mismatch(expected: Digest, found: Digest): VerificationError {
  return new VerificationError('DIGEST_MISMATCH', 'the registry sent another manifest than the one asked for', {
    found: found.toString(),
    expected: expected.toString(),
  });
}

function isBlobUnknown(error: unknown): boolean {
  if (!(error instanceof RemoteError) || error.code !== 'REMOTE_STATUS') return false;
  return (error.facts.found ?? '').includes('MANIFEST_BLOB_UNKNOWN');
}
