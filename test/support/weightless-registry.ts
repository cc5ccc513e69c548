/**
 * A registry that holds no layer: it makes what is asked for and hashes what it is sent, so that layers of any size cost neither
 * disk nor memory here, and what a client needs shows in the client alone.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PIECE = Buffer.alloc(256 << 10);

export interface WeightlessRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Layers that were sent and had the digest that they should have, with their sizes. */
  readonly received: ReadonlyMap<string, number>;
  /** Offers an image with one layer of zeros. @returns the layer's digest */
  offer(repository: string, tag: string, sizeBytes: number): string;
  close(): Promise<void>;
}

export async function startWeightlessRegistry(): Promise<WeightlessRegistry> {
  const received = new Map<string, number>();
  const small = new Map<string, Buffer>();
  const zeros = new Map<string, number>();
  const manifests = new Map<string, { readonly bytes: Buffer; readonly type: string }>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const [, kind = '', name = ''] = /\/(blobs|manifests|referrers)\/([^/]+\/?.*)$/.exec(pathname) ?? [];
    const at = `${pathname.slice(0, pathname.indexOf(`/${kind}/`))} ${name}`;
    if (kind === 'referrers') {
      response.setHeader('content-type', 'application/vnd.oci.image.index.v1+json');
      response.end(JSON.stringify({ schemaVersion: 2, mediaType: response.getHeader('content-type'), manifests: [] }));
    } else if (kind === 'manifests' && method === 'PUT') {
      const bytes = await whole(request);
      const digest = digestOf(bytes);
      const type = request.headers['content-type'] ?? '';
      for (const known of [name, digest]) manifests.set(`${at.slice(0, -name.length)}${known}`, { bytes, type });
      response.writeHead(201, { 'docker-content-digest': digest }).end();
    } else if (kind === 'manifests') {
      const found = manifests.get(at);
      if (found === undefined) response.writeHead(404).end();
      else sendBytes(response, method, found.bytes, { 'content-type': found.type });
    } else if (method === 'POST') {
      response.writeHead(202, { location: `${pathname}upload` }).end();
    } else if (method === 'PUT') {
      const hash = createHash('sha256');
      let size = 0;
      let first: Buffer | undefined;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        hash.update(chunk);
        size += chunk.length;
        first ??= chunk;
      }
      const digest = `sha256:${hash.digest('hex')}`;
      const isRight = digest === searchParams.get('digest');
      if (isRight) received.set(digest, size);
      if (isRight && first?.length === size) small.set(digest, first);
      response.writeHead(isRight ? 201 : 400).end();
    } else if (kind === 'blobs') {
      const size = zeros.get(at);
      const bytes = small.get(name);
      if (bytes !== undefined) sendBytes(response, method, bytes);
      else if (size === undefined) response.writeHead(404).end();
      else await sendZeros(response, method, size);
    } else {
      response.end('{}');
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.requestTimeout = 0;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    offer(repository, tag, sizeBytes) {
      const layer = zeroDigest(sizeBytes);
      zeros.set(`/v2/${repository} ${layer}`, sizeBytes);
      const config = Buffer.from(JSON.stringify({ rootfs: { type: 'layers', diff_ids: [layer] } }));
      small.set(digestOf(config), config);
      const type = 'application/vnd.oci.image.manifest.v1+json';
      const described = (mediaType: string, digest: string, size: number): object => ({ mediaType, digest, size });
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: type,
          config: described('application/vnd.oci.image.config.v1+json', digestOf(config), config.length),
          layers: [described('application/vnd.oci.image.layer.v1.tar', layer, sizeBytes)],
        }),
      );
      for (const name of [tag, digestOf(bytes)]) manifests.set(`/v2/${repository} ${name}`, { bytes, type });
      return layer;
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => {
          closed();
        });
      }),
  };
}

/** Of so many zeros: of a sparse file of that size. */
export function zeroDigest(sizeBytes: number): string {
  const hash = createHash('sha256');
  for (let left = sizeBytes; left > 0; left -= PIECE.length)
    hash.update(PIECE.subarray(0, Math.min(left, PIECE.length)));
  return `sha256:${hash.digest('hex')}`;
}

function sendBytes(
  response: ServerResponse,
  method: string,
  bytes: Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-length': bytes.length, 'docker-content-digest': digestOf(bytes), ...headers });
  response.end(method === 'HEAD' ? undefined : bytes);
}

async function sendZeros(response: ServerResponse, method: string, sizeBytes: number): Promise<void> {
  response.writeHead(200, { 'content-length': sizeBytes });
  for (let left = method === 'HEAD' ? 0 : sizeBytes; left > 0; left -= PIECE.length) {
    if (response.write(PIECE.subarray(0, Math.min(left, PIECE.length)))) continue;
    await new Promise<void>((drained, gone) => {
      response.once('drain', drained).once('close', gone);
    });
    response.removeAllListeners('close');
  }
  response.end();
}

async function whole(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
