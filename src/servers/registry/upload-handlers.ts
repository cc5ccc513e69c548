import { Digest } from '../../core/image/digest.ts';
import { isRepository } from '../../core/image/reference.ts';
import { NotFoundError } from '../../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { parseContentRange } from './byte-range.ts';
import { badRequest } from './oci-error.ts';
import type { AppendResult, Chunk, UploadStore } from './upload-store.ts';

/** Blobs in (distribution-spec, Pushing Blobs): in one piece, in chunks, resumed, or mounted from another repository. */
export class UploadHandlers {
  readonly #blobs: BlobStore;
  readonly #uploads: UploadStore;

  constructor(blobs: BlobStore, uploads: UploadStore) {
    this.#blobs = blobs;
    this.#uploads = uploads;
  }

  /** POST: opens an upload, unless the blob can be mounted or comes with the request. */
  async open(repository: string, request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const mount = query.get('mount');
    const from = query.get('from');
    if (mount !== null) {
      const digest = Digest.parse(mount);
      if (await this.#mount(repository, digest, from)) return created(repository, digest);
    }
    const whole = query.get('digest');
    const digest = whole === null || mount !== null ? undefined : Digest.parse(whole);
    const id = await this.#uploads.create(repository);
    if (digest === undefined) return accepted(202, repository, id, 0);
    try {
      const lengthBytes = announcedLength(request);
      await this.#uploads.append(repository, id, { body: request.body, lengthBytes, partial: 'drop' });
    } catch (error) {
      // Nobody was told its name, so nobody can go on with it.
      await this.#uploads.cancel(repository, id);
      throw error;
    }
    await this.#uploads.finish(repository, id, digest);
    return created(repository, digest);
  }

  /** GET: where an upload stands. */
  async status(repository: string, id: string): Promise<Response> {
    return accepted(204, repository, id, await this.#uploads.sizeBytes(repository, id));
  }

  /** PATCH: one chunk. */
  async append(repository: string, id: string, request: Request): Promise<Response> {
    const { sizeBytes, outOfOrder } = await this.#append(repository, id, request, 'keep');
    return accepted(outOfOrder ? 416 : 202, repository, id, sizeBytes);
  }

  /** PUT: the last chunk, or nothing, and the digest that the whole must have. */
  async finish(repository: string, id: string, request: Request): Promise<Response> {
    const text = new URL(request.url).searchParams.get('digest');
    if (text === null)
      throw badRequest('DIGEST_INVALID', 'the query has no digest', { expected: '?digest=ALGORITHM:HEX' });
    const digest = Digest.parse(text);
    try {
      const { sizeBytes, outOfOrder } = await this.#append(repository, id, request, 'drop');
      if (outOfOrder) return accepted(416, repository, id, sizeBytes);
      await this.#uploads.finish(repository, id, digest);
    } catch (error) {
      // A client that has not heard the answer asks again; what it wants is here.
      const gone = error instanceof NotFoundError;
      if (!gone || (await this.#blobs.sizeBytes(repository, digest)) === undefined) throw error;
    }
    return created(repository, digest);
  }

  async cancel(repository: string, id: string): Promise<Response> {
    await this.#uploads.cancel(repository, id);
    return new Response(null, { status: 204 });
  }

  async #append(repository: string, id: string, request: Request, partial: Chunk['partial']): Promise<AppendResult> {
    const lengthBytes = announcedLength(request);
    // An empty closing request says where nothing begins in many ways; there is nothing to place.
    const range = lengthBytes === 0 ? undefined : parseContentRange(request.headers.get('content-range'));
    if (range !== undefined && lengthBytes !== undefined && lengthBytes !== range.end - range.start + 1) {
      throw badRequest('SIZE_INVALID', 'Content-Range and Content-Length contradict each other', {
        found: `${lengthBytes} bytes`,
        expected: `${range.end - range.start + 1} bytes`,
      });
    }
    return this.#uploads.append(repository, id, { body: request.body, range, lengthBytes, partial });
  }

  async #mount(repository: string, digest: Digest, from: string | null): Promise<boolean> {
    if ((await this.#blobs.sizeBytes(repository, digest)) !== undefined) return true;
    if (from === null || !isRepository(from)) return false;
    if ((await this.#blobs.sizeBytes(from, digest)) === undefined) return false;
    return this.#blobs.mount(from, repository, digest);
  }
}

function accepted(status: 202 | 204 | 416, repository: string, id: string, sizeBytes: number): Response {
  const headers = {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    // Inclusive, so that nothing has no spelling of its own; Docker's registry writes it like this.
    range: `0-${Math.max(0, sizeBytes - 1)}`,
    'docker-upload-uuid': id,
    ...(status === 204 ? {} : { 'content-length': '0' }),
  };
  return new Response(null, { status, headers });
}

function created(repository: string, digest: Digest): Response {
  const headers = {
    location: `/v2/${repository}/blobs/${digest.toString()}`,
    'docker-content-digest': digest.toString(),
    'content-length': '0',
  };
  return new Response(null, { status: 201, headers });
}

/** The HTTP parser has checked that it is a number, and holds the body to it. */
function announcedLength(request: Request): number | undefined {
  const text = request.headers.get('content-length');
  return text === null ? undefined : Number(text);
}
