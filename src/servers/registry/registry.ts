import { resolve } from 'node:path';
import type { Hono } from 'hono';
import { AuthError, LimitError, RemoteError, SealwrightError } from '../../errors.ts';
import { createApp } from '../shell/app.ts';
import type { Logger } from '../shell/logger.ts';
import { BlobHandlers } from './blob-handlers.ts';
import { BlobStore } from './blob-store.ts';
import { DurableFolders } from './durable-folders.ts';
import { nodeFileLayer, type FileLayer } from './file-layer.ts';
import { ListingHandlers } from './listing-handlers.ts';
import { ManifestHandlers } from './manifest-handlers.ts';
import { ManifestStore } from './manifest-store.ts';
import { ociErrorResponse } from './oci-error.ts';
import { ReferrerStore } from './referrer-store.ts';
import { parseRegistryPath, type RegistryPath } from './registry-path.ts';
import { RepositoryLayout } from './repository-layout.ts';
import { UploadHandlers } from './upload-handlers.ts';
import { UploadStore } from './upload-store.ts';

export interface RegistryOptions {
  /** Holds everything; created if absent. One process at a time. */
  readonly dir: string;
  readonly now: () => Date;
  readonly logger?: Logger;
  /** Largest blob accepted; 16 GiB when absent. */
  readonly maxBlobBytes?: number;
  /** Node's when absent. */
  readonly files?: FileLayer;
}

export interface Registry {
  /** `/v2/` and everything below. */
  readonly routes: Hono;
  /** Rejects when the folder cannot be used. Requests wait for it. */
  readonly ready: Promise<void>;
  /** Resolves when no write is under way any more. */
  close(): Promise<void>;
}

const DEFAULT_MAX_BLOB_BYTES = 16 * 2 ** 30;

type Handler = (path: RegistryPath, request: Request) => Promise<Response> | undefined;

/** An OCI registry over a folder (distribution-spec 1.1). What it has acknowledged survives a crash and a power cut. */
export function createRegistry(options: RegistryOptions): Registry {
  const opened = handlerOf(options);
  const ready = opened.then(() => undefined);
  // Every request reports it; this keeps a rejection that nobody has awaited yet from ending the process.
  ready.catch(() => undefined);
  const running = new Set<Promise<unknown>>();
  const routes = createApp(options.logger);
  routes.all('/v2/*', async (context) => {
    const answer = respond(opened, context.req.raw);
    running.add(answer);
    try {
      return await answer;
    } catch (error) {
      logFailure(options.logger, error, context.req.raw);
      return ociErrorResponse(error);
    } finally {
      running.delete(answer);
    }
  });
  return {
    routes,
    ready,
    close: async () => {
      await Promise.allSettled([ready, ...running]);
    },
  };
}

async function respond(opened: Promise<Handler>, request: Request): Promise<Response> {
  refuseWebPages(request);
  const path = parseRegistryPath(new URL(request.url).pathname);
  const handle = await opened;
  const answer = await handle(path, request);
  if (answer !== undefined) return answer;
  const errors = [{ code: 'UNSUPPORTED', message: 'this method is not for this path' }];
  return Response.json({ errors }, { status: 405, headers: { allow: ALLOWED[path.kind] } });
}

/** RFC 9110 §15.5.6 */
const ALLOWED: Readonly<Record<RegistryPath['kind'], string>> = {
  base: 'GET, HEAD',
  blob: 'GET, HEAD, DELETE',
  manifest: 'GET, HEAD, PUT, DELETE',
  uploads: 'POST',
  upload: 'GET, HEAD, PATCH, PUT, DELETE',
  tags: 'GET, HEAD',
  referrers: 'GET, HEAD',
};

/**
 * There is no authentication, so a page in the user's browser could write as well; browsers state where a writing request
 * comes from, registry clients never do.
 *
 * @throws AuthError AUTH_FORBIDDEN (DENIED)
 */
function refuseWebPages({ method, headers }: Request): void {
  const origin = headers.get('origin');
  if (origin === null || method === 'GET' || method === 'HEAD') return;
  throw new AuthError('AUTH_FORBIDDEN', 'web pages may not write to this registry', {
    found: `Origin: ${origin.slice(0, 256)}`,
    expected: 'a registry client',
    details: { oci: 'DENIED' },
  });
}

async function handlerOf(options: RegistryOptions): Promise<Handler> {
  const files = options.files ?? nodeFileLayer;
  // Relative names would move with the working directory.
  const layout = new RepositoryLayout(resolve(options.dir));
  const folders = await DurableFolders.open(layout.root, files);
  await files.makeFolder(layout.uploads);
  const blobs = new BlobStore(layout, files, folders);
  const maxBlobBytes = options.maxBlobBytes ?? DEFAULT_MAX_BLOB_BYTES;
  const uploads = new UploadStore({ layout, files, blobs, maxBlobBytes, now: options.now });
  const referrers = new ReferrerStore(layout, files, folders);
  const manifests = new ManifestStore({ layout, files, folders, blobs, referrers });
  const handlers: Handlers = {
    blob: new BlobHandlers(blobs),
    upload: new UploadHandlers(blobs, uploads),
    manifest: new ManifestHandlers(manifests),
    listing: new ListingHandlers(manifests, referrers),
  };
  return (path, request) => dispatch(handlers, path, request);
}

interface Handlers {
  readonly blob: BlobHandlers;
  readonly upload: UploadHandlers;
  readonly manifest: ManifestHandlers;
  readonly listing: ListingHandlers;
}

/** The table of endpoints. Undefined: the path exists, the method does not. */
function dispatch(handlers: Handlers, path: RegistryPath, request: Request): Promise<Response> | undefined {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  switch (path.kind) {
    case 'base':
      return method === 'GET' ? Promise.resolve(presence()) : undefined;
    case 'blob':
      if (method === 'GET') return handlers.blob.get(path.repository, path.digest, request);
      return method === 'DELETE' ? handlers.blob.delete(path.repository, path.digest) : undefined;
    case 'manifest':
      if (method === 'GET') return handlers.manifest.get(path.repository, path.reference, request);
      if (method === 'PUT') return handlers.manifest.put(path.repository, path.reference, request);
      return method === 'DELETE' ? handlers.manifest.delete(path.repository, path.reference) : undefined;
    case 'uploads':
      return method === 'POST' ? handlers.upload.open(path.repository, request) : undefined;
    case 'upload':
      return dispatchUpload(handlers.upload, path.repository, path.id, request);
    case 'tags':
      return method === 'GET' ? handlers.listing.tags(path.repository, request) : undefined;
    case 'referrers':
      return method === 'GET' ? handlers.listing.referrers(path.repository, path.digest, request) : undefined;
  }
}

/** Says that this is a registry, and that nobody has to say who they are. */
function presence(): Response {
  return Response.json({}, { headers: { 'docker-distribution-api-version': 'registry/2.0' } });
}

function dispatchUpload(
  upload: UploadHandlers,
  repository: string,
  id: string,
  request: Request,
): Promise<Response> | undefined {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return upload.status(repository, id);
    case 'PATCH':
      return upload.append(repository, id, request);
    case 'PUT':
      return upload.finish(repository, id, request);
    case 'DELETE':
      return upload.cancel(repository, id);
    default:
      return undefined;
  }
}

/** A caller's mistake is answered, not logged; a client that went away is neither. */
function logFailure(logger: Logger | undefined, error: unknown, request: Request): void {
  if (error instanceof RemoteError || error instanceof LimitError) return;
  if (error instanceof SealwrightError && error.httpStatus < 500) return;
  logger?.error({ error, method: request.method, path: new URL(request.url).pathname }, 'registry request failed');
}
