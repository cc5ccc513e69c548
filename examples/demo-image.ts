/**
 * Images for the demo: a real image index for two platforms, built here and pushed with the project's own registry
 * client, and two forgeries of it. The bytes are the same in every run.
 */
import { gzipSync } from 'node:zlib';
import type { Descriptor } from '../src/core/image/descriptor.ts';
import { Digest } from '../src/core/image/digest.ts';
import { encodeManifest } from '../src/core/image/manifest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from '../src/core/image/media-types.ts';
import { parsePlatform } from '../src/core/image/platform.ts';
import type { Repository } from '../src/core/image/reference.ts';
import { HttpClient } from '../src/io/net/http-client.ts';
import { fetchBundles, pushBundle, type FetchedBundle } from '../src/io/registry/bundle-store.ts';
import { RegistryClient } from '../src/io/registry/registry-client.ts';
import { tarArchive, type TarEntry } from './tar-archive.ts';

export interface DemoImage {
  /** Of the index: what is signed. */
  readonly digest: string;
  readonly platforms: readonly string[];
}

const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;
const CREATED = '1970-01-01T00:00:00Z';
const RELEASE = 'NAME="Sealwright demo"\nID=sealwright-demo\n';

/**
 * Builds and pushes an image index: two platforms, two layers each, of which they share one.
 *
 * @param registry `host:port` on loopback
 * @param content  another image for each
 */
export async function pushDemoImage(
  registry: string,
  repository: string,
  tag: string,
  content = 'the application',
): Promise<DemoImage> {
  return withClient(async (client) => {
    const { digest } = await pushIndex(client, { registry, repository }, content, tag);
    return { digest: digest.toString(), platforms: PLATFORMS };
  });
}

/**
 * Pushes another image to `toRepository`, and attaches the first one's signature bundles to it, byte for byte.
 *
 * @returns the other image's digest
 */
export async function copyWithBundle(
  registry: string,
  fromRepository: string,
  digest: string,
  toRepository: string,
): Promise<string> {
  return withClient(async (client) => {
    const bundles = await bundlesOf(client, { registry, repository: fromRepository }, digest);
    const target = { registry, repository: toRepository };
    const other = await pushIndex(client, target, 'something else', 'latest');
    for (const bundle of bundles) await attach(client, target, other, bundle.json, bundle);
    return other.digest.toString();
  });
}

/**
 * Copies the image to `toRepository`, and its signature bundles with one bit of the signature changed.
 *
 * @returns the image's digest, which is the same there
 */
export async function flipSignatureByte(
  registry: string,
  repository: string,
  digest: string,
  toRepository: string,
): Promise<string> {
  return withClient(async (client) => {
    const bundles = await bundlesOf(client, { registry, repository }, digest);
    const target = { registry, repository: toRepository };
    const copy = await pushIndex(client, target, 'the application', 'latest');
    if (copy.digest.toString() !== digest) throw new Error(`${digest} is not the demo's image`);
    for (const bundle of bundles) await attach(client, target, copy, withFlippedSignature(bundle.json), bundle);
    return digest;
  });
}

async function withClient<T>(work: (client: RegistryClient) => Promise<T>): Promise<T> {
  const http = new HttpClient();
  try {
    return await work(new RegistryClient({ http, action: 'push' }));
  } finally {
    http.close();
  }
}

async function pushIndex(
  client: RegistryClient,
  target: Repository,
  greeting: string,
  tag: string,
): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const platform of PLATFORMS) manifests.push(await pushImage(client, target, greeting, platform));
  return pushManifest(
    client,
    target,
    tag,
    encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests }),
    OCI_INDEX,
  );
}

async function pushImage(
  client: RegistryClient,
  target: Repository,
  greeting: string,
  platform: (typeof PLATFORMS)[number],
): Promise<Descriptor> {
  const { os, architecture } = parsePlatform(platform);
  const archives = [
    [file('etc/os-release', 0o644, RELEASE)],
    [
      file('bin/hello', 0o755, `#!/bin/sh\necho "Hello from ${greeting}, ${platform}"\n`),
      // Some weight, so that a layer is more than one packet.
      file('usr/share/hello/table', 0o644, table(`${greeting} ${platform}`)),
    ],
  ].map(tarArchive);
  const config = JSON.stringify({
    created: CREATED,
    architecture,
    os,
    config: { Entrypoint: ['/bin/hello'] },
    rootfs: { type: 'layers', diff_ids: archives.map((archive) => Digest.of(archive).toString()) },
    history: archives.map((_, index) => ({ created: CREATED, created_by: `sealwright demo, layer ${index + 1}` })),
  });
  const layers: Descriptor[] = [];
  for (const archive of archives) layers.push(await pushBlob(client, target, gzipSync(archive), OCI_LAYER_GZIP));
  const manifest = encodeManifest({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: await pushBlob(client, target, Buffer.from(config), OCI_CONFIG),
    layers,
  });
  const pushed = await pushManifest(client, target, Digest.of(manifest), manifest, OCI_MANIFEST);
  return { ...pushed, platform: { os, architecture } };
}

async function pushBlob(
  client: RegistryClient,
  target: Repository,
  content: Uint8Array,
  mediaType: string,
): Promise<Descriptor> {
  return { mediaType, size: content.length, digest: await client.putBlob(target, content) };
}

async function pushManifest(
  client: RegistryClient,
  target: Repository,
  name: string | Digest,
  bytes: Uint8Array,
  mediaType: string,
): Promise<Descriptor> {
  const { digest } = await client.putManifest(target, name, bytes, mediaType);
  return { mediaType, size: bytes.length, digest };
}

async function bundlesOf(client: RegistryClient, from: Repository, digest: string): Promise<readonly FetchedBundle[]> {
  const { bundles } = await fetchBundles(client, from, Digest.parse(digest));
  if (bundles.length === 0) throw new Error(`${from.repository}@${digest} has no signature to copy`);
  return bundles;
}

async function attach(
  client: RegistryClient,
  target: Repository,
  subject: Descriptor,
  json: string,
  { predicateType }: FetchedBundle,
): Promise<void> {
  await pushBundle(client, target, subject, json, {
    predicateType: predicateType ?? 'https://sigstore.dev/cosign/sign/v1',
    createdAt: new Date(CREATED),
  });
}

/** Changes the last bit of the signature, so that it still has the form of one. Everything else stays as it is. */
function withFlippedSignature(json: string): string {
  const [text, signature] = /"sig(?:nature)?"\s*:\s*"([A-Za-z0-9+/]+=*)"/.exec(json) ?? [];
  if (text === undefined || signature === undefined) throw new Error('the bundle has no signature');
  const bytes = Buffer.from(signature, 'base64');
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return json.replace(text, text.replace(signature, bytes.toString('base64')));
}

function file(path: string, mode: number, text: string): TarEntry {
  return { path, mode, content: Buffer.from(text) };
}

/** 64 KiB of text that does not compress to nothing. */
function table(seed: string): string {
  let line = seed;
  return Array.from({ length: 1024 }, () => (line = Digest.of(Buffer.from(line)).hex)).join('\n');
}
