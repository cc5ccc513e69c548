import { RemoteError } from '../../errors.ts';
import type { HttpRequest } from './http-message.ts';
import type { Exchange } from './transport.ts';
import { redactUrl } from './url-redaction.ts';

/** How much of a refusal's text is read for the message. */
const EXCERPT_BYTES = 8 << 10;

/** The body, refused as soon as it is known to be too large: by its announcement, or by the first byte too many. */
export async function* bounded(exchange: Exchange, request: HttpRequest, url: URL): AsyncGenerator<Uint8Array> {
  const { maxBytes = Number.POSITIVE_INFINITY, peer = 'the server' } = request;
  const refuse = (found: string): RemoteError => {
    exchange.discard();
    return new RemoteError('REMOTE_BODY', `${peer} at ${url.host} sent too much`, {
      found,
      expected: `at most ${maxBytes} bytes`,
      details: { url: redactUrl(url) },
    });
  };
  const announced = Number(exchange.headers['content-length'] ?? 0);
  if (request.method !== 'HEAD' && announced > maxBytes) throw refuse(`a body of ${announced} bytes`);
  let received = 0;
  for await (const chunk of exchange.body) {
    received += chunk.length;
    if (received > maxBytes) throw refuse(`more than ${maxBytes} bytes`);
    yield chunk;
  }
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

/** Beginning of a refusal's body. That it cannot be read does not matter: the status is the message. */
export async function excerpt(exchange: Exchange): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of exchange.body) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= EXCERPT_BYTES) break;
    }
  } catch {
    return '';
  }
  if (sizeBytes >= EXCERPT_BYTES) exchange.discard();
  return Buffer.concat(chunks).toString('utf8');
}
