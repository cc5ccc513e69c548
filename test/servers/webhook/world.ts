/**
 * What a webhook meets, on loopback: the embedded registry, images in it, signatures of a fake instance, and every request
 * that the registry got.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { imageSignatureStatement, IMAGE_SIGNATURE_PREDICATE } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import { encodeBundle } from '../../../src/core/bundle/bundle-encoder.ts';
import type { JsonObject, JsonValue } from '../../../src/core/encoding/json.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeManifest } from '../../../src/core/image/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../../../src/core/image/media-types.ts';
import { ImageReference, parseReference } from '../../../src/core/image/reference.ts';
import type { Digest } from '../../../src/core/image/digest.ts';
import { HttpClient, type HttpClientOptions } from '../../../src/io/net/http-client.ts';
import { pushBundle } from '../../../src/io/registry/bundle-store.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { createRegistry } from '../../../src/servers/registry/registry.ts';
import { createApp } from '../../../src/servers/shell/app.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { FakeInstance, SIGNING_TIME, type Draft, type DraftInput } from '../../support/instance.ts';

export class World {
  readonly instance = new FakeInstance();
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly client: RegistryClient;
  /** `METHOD path` of every request so far. */
  readonly seen: string[];
  /** Answers in the registry's place while it is set and returns something. */
  readonly fault: { answer: ((request: Request) => Response | undefined | Promise<Response | undefined>) | undefined };

  private constructor(host: string, client: RegistryClient, seen: string[], fault: World['fault']) {
    this.host = host;
    this.client = client;
    this.seen = seen;
    this.fault = fault;
  }

  /** @param transport of the client, where a test has something to say about it */
  static async open(t: TestContext, transport: HttpClientOptions = {}): Promise<World> {
    const dir = mkdtempSync(join(tmpdir(), 'sealwright-webhook-'));
    const registry = createRegistry({ dir, now: () => new Date() });
    const app = createApp();
    const seen: string[] = [];
    const fault: World['fault'] = { answer: undefined };
    app.use('*', async (context, next) => {
      seen.push(`${context.req.method} ${context.req.path}`);
      const answer = await fault.answer?.(context.req.raw);
      if (answer !== undefined) return answer;
      await next();
      return undefined;
    });
    app.route('/', registry.routes);
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    const http = new HttpClient({ timeoutMs: 5000, retry: { retries: 0 }, ...transport });
    t.after(async () => {
      http.close();
      await server.close(0);
      await registry.close();
      rmSync(dir, { recursive: true, force: true });
    });
    return new World(`127.0.0.1:${server.port}`, new RegistryClient({ http, action: 'push' }), seen, fault);
  }

  /** The same images and signatures in a registry that somebody else runs: nothing that it gets is seen, and it has no faults. */
  static over(t: Pick<TestContext, 'after'>, host: string): World {
    const http = new HttpClient({ timeoutMs: 5000, retry: { retries: 0 } });
    t.after(() => {
      http.close();
    });
    return new World(host, new RegistryClient({ http, action: 'push' }), [], { answer: undefined });
  }

  /** An image of its own for each name, without layers. */
  async push(name: string, tag = '1', extra: JsonObject = {}): Promise<ImageReference> {
    const reference = parseReference(`${this.host}/${name}:${tag}`);
    const config = utf8(JSON.stringify({ name, tag, ...extra }));
    const digest = await this.client.putBlob(reference, config);
    const bytes = encodeManifest({
      kind: 'image',
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_EMPTY, size: config.length, digest },
      layers: [],
    });
    const pushed = await this.client.putManifest(reference, tag, bytes, OCI_MANIFEST);
    const { registry, repository } = reference;
    return new ImageReference({ registry, repository, tag, digest: pushed.digest });
  }

  /** Signs as cosign does; `input` changes by whom and how. */
  async sign(image: ImageReference, input: DraftInput = {}): Promise<Draft> {
    const draft = this.draft(image.digest!, input);
    await this.attach(image, draft);
    return draft;
  }

  draft(digest: Digest, input: DraftInput = {}, predicateType = IMAGE_SIGNATURE_PREDICATE): Draft {
    const statement = { ...imageSignatureStatement(digest), predicateType };
    return this.instance.signStatement(new Uint8Array(0), { ...input, payload: encodeStatement(statement) });
  }

  /** Attests: a statement of a type with a predicate, signed and attached. */
  async attest(
    image: ImageReference,
    predicateType: string,
    predicate: JsonValue,
    input: DraftInput = {},
  ): Promise<Draft> {
    const statement = { ...imageSignatureStatement(image.digest!), predicateType, predicate };
    const draft = this.instance.signStatement(new Uint8Array(0), { ...input, payload: encodeStatement(statement) });
    await this.attach(image, draft, predicateType);
    return draft;
  }

  async attach(image: ImageReference, draft: Draft, predicateType = IMAGE_SIGNATURE_PREDICATE): Promise<void> {
    const { digest, size, mediaType } = await this.client.resolve(image);
    await pushBundle(this.client, image, { digest, size, mediaType }, encodeBundle(draft), {
      predicateType,
      createdAt: SIGNING_TIME,
    });
  }

  async pushSigned(name: string, tag = '1'): Promise<ImageReference> {
    const image = await this.push(name, tag);
    await this.sign(image);
    return image;
  }

  /** Requests since the last call. */
  taken(): readonly string[] {
    return this.seen.splice(0);
  }
}
