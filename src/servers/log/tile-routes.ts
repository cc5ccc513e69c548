import type { Context, Hono } from 'hono';
import { sha256 } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseTileName } from '../../core/tlog/tile-name.ts';
import { FormatError } from '../../errors.ts';
import { readStoredObject } from '../store/folder-object-store.ts';
import { gatewayAnswer } from './gateway-answer.ts';

const TILE_HEADERS = { 'content-type': 'application/octet-stream', 'cache-control': 'max-age=604800, immutable' };
const CHECKPOINT_HEADERS = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' };

/** A log's public files, read only: checkpoint, tiles, bundles. What is not there is 404, which followers rely on. */
export function mountTiles(app: Hono, prefix: string, dir: string): void {
  app.get(`${prefix}/checkpoint`, (context) => serveObject(context, dir, 'checkpoint', CHECKPOINT_HEADERS));
  app.get(`${prefix}/tile/*`, (context) => {
    const name = context.req.path.slice(context.req.path.lastIndexOf('/tile/') + 1);
    return isTile(name) ? serveObject(context, dir, name, TILE_HEADERS) : gatewayAnswer(404, 'Not Found');
  });
}

export async function serveObject(
  context: Context,
  dir: string,
  name: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const bytes = await readStoredObject(dir, name);
  if (bytes === undefined) return gatewayAnswer(404, 'Not Found');
  const etag = `"${encodeHex(sha256(bytes)).slice(0, 32)}"`;
  if (context.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
  return context.body(Uint8Array.from(bytes), 200, { ...headers, etag });
}

function isTile(name: string): boolean {
  try {
    parseTileName(name);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
