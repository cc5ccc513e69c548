/** Our registry on loopback over a folder of the test's own, and the clients that talk to it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Digest } from '../../src/core/image/digest.ts';
import type { Repository } from '../../src/core/image/reference.ts';
import { HttpClient, type HttpClientOptions } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry, type Registry, type RegistryOptions } from '../../src/servers/registry/registry.ts';
import { listen } from '../../src/servers/shell/listen.ts';

export interface TestRegistry {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly dir: string;
  readonly registry: Registry;
  /** What it logged as its own failures. */
  readonly failures: unknown[];
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-test-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export async function startRegistry(t: TestContext, options: Partial<RegistryOptions> = {}): Promise<TestRegistry> {
  const dir = options.dir ?? temporaryFolder(t);
  const failures: unknown[] = [];
  const registry = createRegistry({
    now: () => new Date(),
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (facts) => failures.push(facts),
    },
    ...options,
    dir,
  });
  const server = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
  t.after(async () => {
    await server.close(0);
    await registry.close();
  });
  return { url: server.url, host: `127.0.0.1:${server.port}`, dir, registry, failures };
}

/** Our own client, without credentials and without repeating what failed. */
export function clientOf(t: TestContext, http: HttpClientOptions = { retry: { retries: 0 } }): RegistryClient {
  const transport = new HttpClient(http);
  t.after(() => {
    transport.close();
  });
  return new RegistryClient({ http: transport, action: 'push' });
}

export function repositoryAt({ host }: { readonly host: string }, repository: string): Repository {
  return { registry: host, repository };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Code of the first error in the body (distribution-spec, Error Codes), undefined when it is no error. */
  readonly code: string | undefined;
}

export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** One request, with nothing added and nothing repaired: the path goes out as it is. */
export function send(
  { url }: { readonly url: string },
  method: string,
  path: string,
  { headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const content = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content, code: codeIn(content) });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function codeIn(body: Buffer): string | undefined {
  try {
    const { errors } = JSON.parse(body.toString()) as { errors?: { code: string }[] };
    return errors?.[0]?.code;
  } catch {
    return undefined;
  }
}

export function digestOf(content: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return Digest.of(Buffer.from(content), algorithm).toString();
}

/** Pushes a blob in one piece; returns its digest. */
export async function pushBlob(
  registry: { readonly url: string },
  repository: string,
  content: Uint8Array | string,
): Promise<string> {
  const digest = digestOf(content);
  const answer = await send(registry, 'POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    headers: { 'content-type': 'application/octet-stream' },
    body: content,
  });
  assert.equal(answer.status, 201, answer.body.toString());
  return digest;
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const EMPTY_CONFIG = '{}';

/** A manifest with the empty configuration and no layers, as JSON. Its config is pushed by {@link pushImage}. */
export function manifestJson(change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: digestOf(EMPTY_CONFIG),
      size: EMPTY_CONFIG.length,
    },
    layers: [],
    ...change,
  });
}

/** Pushes a small manifest under a tag, or under its digest; returns its digest. */
export async function pushImage(
  registry: { readonly url: string },
  repository: string,
  tag?: string,
  change: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  await pushBlob(registry, repository, EMPTY_CONFIG);
  const body = manifestJson(change);
  const digest = digestOf(body);
  const answer = await send(registry, 'PUT', `/v2/${repository}/manifests/${tag ?? digest}`, {
    headers: { 'content-type': OCI_MANIFEST },
    body,
  });
  assert.equal(answer.status, 201, answer.body.toString());
  return digest;
}
