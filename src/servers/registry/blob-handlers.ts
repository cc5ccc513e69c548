import { Digest } from '../../core/image/digest.ts';
import type { BlobStore } from './blob-store.ts';
import { parseRange } from './byte-range.ts';
import type { StoredFile } from './file-layer.ts';
import { unknown } from './oci-error.ts';

/** Blobs out, and away (distribution-spec, Pulling Blobs, Deleting Blobs). */
export class BlobHandlers {
  readonly #blobs: BlobStore;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  async get(repository: string, text: string, request: Request): Promise<Response> {
    const digest = Digest.parse(text);
    const headers = new Headers({
      'content-type': 'application/octet-stream',
      'docker-content-digest': digest.toString(),
      'accept-ranges': 'bytes',
      // Blobs are strangers' content, on the origin of the stack's own pages.
      'x-content-type-options': 'nosniff',
      etag: `"${digest.toString()}"`,
      'cache-control': 'max-age=31536000, immutable',
    });
    const blob = await this.#blobs.open(repository, digest);
    if (blob === undefined) throw unknown('BLOB_UNKNOWN', 'this repository does not have the blob');
    if (request.headers.get('if-none-match') === headers.get('etag')) {
      await blob.close();
      return new Response(null, { status: 304, headers });
    }
    return answer(blob, request, headers);
  }

  async delete(repository: string, text: string): Promise<Response> {
    if (await this.#blobs.delete(repository, Digest.parse(text))) return new Response(null, { status: 202 });
    throw unknown('BLOB_UNKNOWN', 'this repository does not have the blob');
  }
}

async function answer(blob: StoredFile, request: Request, headers: Headers): Promise<Response> {
  const { sizeBytes } = blob;
  const range = parseRange(request.headers.get('range'), sizeBytes);
  if (range === 'unsatisfiable') {
    await blob.close();
    headers.set('content-range', `bytes */${sizeBytes}`);
    headers.set('content-length', '0');
    return new Response(null, { status: 416, headers });
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  headers.set('content-length', String(end - start + 1));
  if (range !== undefined) headers.set('content-range', `bytes ${start}-${end}/${sizeBytes}`);
  const status = range === undefined ? 200 : 206;
  if (request.method === 'HEAD' || end < start) {
    await blob.close();
    return new Response(null, { status, headers });
  }
  return new Response(blob.stream(start, end), { status, headers });
}
