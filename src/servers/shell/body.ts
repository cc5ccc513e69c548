import { LimitError, RemoteError } from '../../errors.ts';

/**
 * The whole body of a small request.
 *
 * @param maxBytes refused beyond this, by the declared length before a byte is read, else while reading
 * @throws LimitError LIMIT_SIZE; RemoteError REMOTE_BODY when the client went away half-way
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get('content-length') ?? '0');
  if (declared > maxBytes) throw tooLarge(declared, maxBytes);
  if (request.body === null) return new Uint8Array(0);
  // A declared length is enforced by the HTTP parser, so the fast path needs no counting of its own.
  if (request.headers.has('content-length')) return readWhole(request);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    const bytes = chunk as Uint8Array;
    size += bytes.length;
    if (size > maxBytes) throw tooLarge(size, maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function readWhole(request: Request): Promise<Uint8Array> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch (cause) {
    throw new RemoteError('REMOTE_BODY', 'the request body ended early', { cause });
  }
}

function tooLarge(found: number, maxBytes: number): LimitError {
  return new LimitError('LIMIT_SIZE', 'the request body is too large', {
    found: `${found} bytes or more`,
    expected: `at most ${maxBytes}`,
  });
}
