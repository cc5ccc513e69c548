import { equalBytes } from '../../core/encoding/bytes.ts';
import { RunningDigest } from '../../core/crypto/digest.ts';
import { Digest } from '../../core/image/digest.ts';
import type { Repository } from '../../core/image/reference.ts';
import { AuthError, NotFoundError, RemoteError, VerificationError } from '../../errors.ts';
import type { HttpResponse, HttpUpload } from '../net/http-message.ts';
import type { RegistrySession } from './registry-session.ts';

/** A blob that is read from somewhere when it is needed. */
export interface BlobSource {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Bytes from `start` up to, not including, `end`. */
  readonly open: (start: number, end: number) => AsyncIterable<Uint8Array>;
}

export interface PushBlobOptions {
  /** A repository of the same registry that may have the blob already, so that nothing has to be sent. */
  readonly mountFrom?: string;
  /** Sends larger blobs in pieces of this size, each of which can be repeated; in one piece when absent. */
  readonly chunkBytes?: number;
}

/** How often a chunked upload that broke off is taken up again. */
const MAX_RESUMPTIONS = 5;

/** Blobs in and out of a registry (distribution-spec, Pulling and Pushing Blobs). */
export class BlobTransfer {
  readonly #session: RegistrySession;

  constructor(session: RegistrySession) {
    this.#session = session;
  }

  async head(repository: Repository, digest: Digest): Promise<number | undefined> {
    const { status, headers } = await this.#session.request({
      repository,
      action: 'pull',
      method: 'HEAD',
      path: `blobs/${digest.toString()}`,
      expect: [200, 404],
    });
    return status === 404 ? undefined : Number(headers['content-length'] ?? 0);
  }

  async fetch(repository: Repository, digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const { status, body } = await this.#session.request({
      repository,
      action: 'pull',
      path: `blobs/${digest.toString()}`,
      maxBytes,
      expect: [200, 404],
    });
    if (status === 404) throw noBlob(repository, digest);
    if (!digest.names(body)) throw mismatch(digest, Digest.of(body, digest.algorithm));
    return body;
  }

  /** @param sizeBytes as the descriptor says: a body that does not end there is refused as soon as that shows */
  async *stream(repository: Repository, digest: Digest, sizeBytes?: number): AsyncGenerator<Uint8Array> {
    const answer = await this.#session.stream({
      repository,
      action: 'pull',
      path: `blobs/${digest.toString()}`,
      ...(sizeBytes === undefined ? {} : { maxBytes: sizeBytes }),
      expect: [200, 404],
    });
    if (answer.status === 404) {
      answer.discard();
      throw noBlob(repository, digest);
    }
    const running = new RunningDigest(digest.algorithm);
    for await (const chunk of answer.body) {
      running.update(chunk);
      yield chunk;
    }
    const found = running.digest();
    if (!equalBytes(found, digest.bytes)) throw mismatch(digest, Digest.fromBytes(found, digest.algorithm));
  }

  /**
   * Begins an upload and gives it up: whoever may do that may push. Nothing is stored.
   *
   * @throws AuthError AUTH_REGISTRY; RemoteError
   */
  async tryPush(repository: Repository): Promise<void> {
    const opened = await this.#session.request({
      repository,
      action: 'push',
      method: 'POST',
      path: 'blobs/uploads/',
      idempotent: true,
      expect: [202],
    });
    try {
      const url = locationOf(opened);
      await this.#session.request({
        repository,
        action: 'push',
        method: 'DELETE',
        url,
        expect: [200, 202, 204, 404, 405],
      });
    } catch (error) {
      // Not every registry lets uploads be given up; it sweeps away what nobody continues.
      if (!(error instanceof RemoteError) && !(error instanceof AuthError)) throw error;
    }
  }

  async push(repository: Repository, blob: Uint8Array | BlobSource, options: PushBlobOptions = {}): Promise<Digest> {
    const source = blob instanceof Uint8Array ? fromBytes(blob) : blob;
    const { digest, sizeBytes } = source;
    const present = await this.head(repository, digest);
    // Of another length it is something else; not every registry says how long it is.
    if (present === sizeBytes || present === 0) return digest;
    const mount =
      options.mountFrom === undefined
        ? ''
        : `?mount=${digest.toString()}&from=${encodeURIComponent(options.mountFrom)}`;
    const opened = await this.#session.request({
      repository,
      action: 'push',
      method: 'POST',
      path: `blobs/uploads/${mount}`,
      // An upload that nobody continues is swept away by the registry, so opening twice does no harm.
      idempotent: true,
      expect: mount === '' ? [202] : [201, 202],
    });
    if (opened.status === 201) return digest;
    const chunkBytes = Math.max(options.chunkBytes ?? Infinity, Number(opened.headers['oci-chunk-min-length'] ?? 0));
    const location = locationOf(opened);
    if (sizeBytes <= chunkBytes) await this.#finish(repository, location, digest, wholeBody(blob, source));
    else await this.#finish(repository, await this.#sendChunks(repository, location, source, chunkBytes), digest);
    return digest;
  }

  /** Closes the upload, with the content when none was sent before. */
  async #finish(repository: Repository, location: URL, digest: Digest, body?: Uint8Array | HttpUpload): Promise<void> {
    const url = new URL(location);
    url.searchParams.set('digest', digest.toString());
    await this.#session.request({
      repository,
      action: 'push',
      method: 'PUT',
      url,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/octet-stream' } }),
      expect: [201, 204],
    });
  }

  async #sendChunks(repository: Repository, first: URL, source: BlobSource, chunkBytes: number): Promise<URL> {
    let location = first;
    let resumptions = 0;
    for (let start = 0; start < source.sizeBytes;) {
      const end = Math.min(start + chunkBytes, source.sizeBytes);
      try {
        location = await this.#sendChunk(repository, location, source, start, end);
        start = end;
      } catch (error) {
        // A lost answer, or 416: the registry knows how far it got.
        const lost = error instanceof RemoteError && (error.retryable || error.status === 416);
        if (!lost || ++resumptions > MAX_RESUMPTIONS) throw error;
        // `0-0` means nothing to some registries and one byte to others: whoever refuses the first byte has it.
        const hasFirst = start === 0 && error.status === 416;
        ({ location, start } = await this.#uploadStatus(repository, location, hasFirst ? 1 : 0));
      }
    }
    return location;
  }

  async #sendChunk(repository: Repository, url: URL, source: BlobSource, start: number, end: number): Promise<URL> {
    const answer = await this.#session.request({
      repository,
      action: 'push',
      method: 'PATCH',
      url,
      headers: { 'content-type': 'application/octet-stream', 'content-range': `${start}-${end - 1}` },
      body: { sizeBytes: end - start, open: () => source.open(start, end) },
      expect: [202],
    });
    return locationOf(answer);
  }

  /** @param startAtZero where to go on when the registry says `0-0` */
  async #uploadStatus(repository: Repository, url: URL, startAtZero: 0 | 1): Promise<{ location: URL; start: number }> {
    const answer = await this.#session.request({ repository, action: 'push', url, expect: [204] });
    const last = /^(?:bytes=)?0-(\d+)$/.exec(answer.headers['range'] ?? '')?.[1];
    const location = answer.headers['location'] === undefined ? url : locationOf(answer);
    if (last === undefined) return { location, start: 0 };
    return { location, start: last === '0' ? startAtZero : Number(last) + 1 };
  }
}

function fromBytes(bytes: Uint8Array): BlobSource {
  return {
    digest: Digest.of(bytes),
    sizeBytes: bytes.length,
    open: async function* (start, end) {
      yield await Promise.resolve(bytes.subarray(start, end));
    },
  };
}

function wholeBody(blob: Uint8Array | BlobSource, source: BlobSource): Uint8Array | HttpUpload {
  if (blob instanceof Uint8Array) return blob;
  return { sizeBytes: source.sizeBytes, open: () => source.open(0, source.sizeBytes) };
}

function locationOf(answer: HttpResponse): URL {
  const { location } = answer.headers;
  if (location !== undefined && URL.canParse(location, answer.url)) return new URL(location, answer.url);
  throw new RemoteError('REMOTE_BODY', `the registry at ${answer.url.host} does not say where to upload to`, {
    found: `status ${answer.status} without a usable Location`,
    expected: 'a Location header (distribution-spec, Pushing Blobs)',
  });
}

function noBlob(repository: Repository, digest: Digest): NotFoundError {
  const name = `${repository.registry}/${repository.repository}`;
  return new NotFoundError('NOT_FOUND', `${name} has no blob ${digest.toString()}`, { found: 'status 404' });
}

function mismatch(expected: Digest, found: Digest): VerificationError {
  return new VerificationError('DIGEST_MISMATCH', 'the registry sent another blob than the one asked for', {
    found: found.toString(),
    expected: expected.toString(),
  });
}
