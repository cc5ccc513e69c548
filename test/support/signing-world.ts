/**
 * Everything that signing talks to, over HTTP on loopback: a CA, a log and a TSA played by a {@link FakeInstance} at its fixed
 * time, and the embedded registry over a temporary folder. Any answer can be replaced by a wrong one.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Hono } from 'hono';
import { parseEnvelope } from '../../src/core/attestation/dsse.ts';
import { encodeHashedRekordBody, type LoggedVerifier } from '../../src/core/bundle/entry-body.ts';
import type { TransparencyLogEntry } from '../../src/core/bundle/log-entry.ts';
import { sha256, type HashAlgorithm } from '../../src/core/crypto/digest.ts';
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { encodeBase64, encodeBase64Url } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { parsePem } from '../../src/core/encoding/pem.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { parseReference, type ImageReference } from '../../src/core/image/reference.ts';
import { serialNumberFrom } from '../../src/core/pki/certificate-builder.ts';
import { CertificateRequest } from '../../src/core/pki/certificate-request.ts';
import type { Certificate } from '../../src/core/pki/certificate.ts';
import { OID } from '../../src/core/pki/oids.ts';
import { parseTimestampRequest, type TimestampRequest } from '../../src/core/pki/timestamp-request.ts';
import { signTimestamp } from '../../src/core/pki/timestamp-signer.ts';
import { leafHash } from '../../src/core/tlog/merkle.ts';
import type { Service, SigningConfig } from '../../src/core/trust/signing-config.ts';
import type { TrustedRoot } from '../../src/core/trust/trusted-root.ts';
import type { ValidityWindow } from '../../src/core/trust/validity-window.ts';
import { encodeSigningCertificate, parseSigningCertificateRequest } from '../../src/core/wire/ca.ts';
import { encodeCreateEntryResponse, parseCreateEntryRequest } from '../../src/core/wire/log.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen } from '../../src/servers/shell/listen.ts';
import type { SigningContext } from '../../src/workflows/sign/signing-services.ts';
import {
  dsseV1,
  FakeInstance,
  hashedRekordV1,
  ISSUER,
  SIGNING_TIME,
  SUBJECT,
  WINDOW,
  type LeafInput,
} from './instance.ts';

type Answer = Response | Promise<Response>;
/** `usual` answers as a good peer would. */
export type Fault = (request: Request, usual: () => Promise<Response>) => Answer;

/** What the services do instead of the right thing. */
export interface Mischief {
  leaf?: LeafInput;
  /** The certificate is for this key. */
  certifiedKey?: PublicKey;
  certificates?: (chain: readonly Certificate[]) => readonly Certificate[];
  logged?: (request: ReturnType<typeof parseCreateEntryRequest>) => ReturnType<typeof parseCreateEntryRequest>;
  entry?: (entry: TransparencyLogEntry) => TransparencyLogEntry;
  stamped?: (request: TimestampRequest) => TimestampRequest;
  stampTime?: Date;
}

export interface SigningWorld {
  readonly instance: FakeInstance;
  readonly context: SigningContext;
  readonly registry: RegistryClient;
  /** `host:port`. */
  readonly host: string;
  readonly url: string;
  /** `METHOD path` of every request so far. */
  readonly seen: string[];
  readonly mischief: Mischief;
  /** By the beginning of `METHOD path`. */
  readonly faults: Map<string, Fault>;
  /** Pushes a small image under a tag. */
  pushImage(tag?: string, content?: string): Promise<{ reference: ImageReference; digest: Digest }>;
}

/** A token whose signature nobody will look at. */
export function unsignedToken(claims: Record<string, unknown> = {}): string {
  const part = (value: object): string => encodeBase64Url(utf8(JSON.stringify(value)));
  const payload = {
    iss: ISSUER,
    aud: 'sigstore',
    sub: 'alice',
    email: SUBJECT,
    email_verified: true,
    exp: SIGNING_TIME.getTime() / 1000 + 60,
    ...claims,
  };
  return `${part({ alg: 'ES256', typ: 'JWT' })}.${part(payload)}.${encodeBase64Url(randomBytes(64))}`;
}

export const KEYLESS = { kind: 'keyless', identityToken: () => Promise.resolve(unsignedToken()) } as const;

/**
 * Listens until the test ends.
 *
 * @param options.now the time of every part, for programs that go by the real one; the instance's fixed time when absent
 */
export async function signingWorld(t: TestContext, options: { readonly now?: Date } = {}): Promise<SigningWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  const time = options.now ?? SIGNING_TIME;
  const instance = new FakeInstance();
  const now = (): Date => time;
  const registryServer = createRegistry({ dir, now });
  const seen: string[] = [];
  const faults = new Map<string, Fault>();
  const mischief: Mischief = options.now === undefined ? {} : { leaf: leafAt(instance, time), stampTime: time };
  const services = fakeServices(instance, mischief);
  services.all('/v2/*', (context) => registryServer.routes.fetch(context.req.raw));
  const front = new Hono();
  front.all('*', async (context) => {
    const request = context.req.raw;
    const line = `${request.method} ${new URL(request.url).pathname}`;
    seen.push(line);
    const fault = [...faults].find(([prefix]) => line.startsWith(prefix))?.[1];
    const usual = async (): Promise<Response> => services.fetch(request);
    return fault === undefined ? usual() : fault(request, usual);
  });
  const server = await listen(front, { host: '127.0.0.1', port: 0 });
  const http = new HttpClient({ clock: { now, sleep: () => Promise.resolve() }, random: () => 0 });
  t.after(async () => {
    http.close();
    await server.close(0);
    await registryServer.close();
    await rm(dir, { recursive: true, force: true });
  });
  const host = `127.0.0.1:${server.port}`;
  const registry = new RegistryClient({ http, action: 'push', sleep: () => Promise.resolve() });
  return {
    instance,
    context: {
      http,
      signingConfig: signingConfigFor(server.url, windowAround(time)),
      trustedRoot: believedAround(instance.trustedRoot, time),
      now,
    },
    registry,
    host,
    url: server.url,
    seen,
    mischief,
    faults,
    pushImage: (tag = 'latest', content = 'layer') => pushImage(registry, `${host}/demo/app:${tag}`, content),
  };
}

/** Ten minutes from a moment before `time`, logged then. */
function leafAt(instance: FakeInstance, time: Date): LeafInput {
  return {
    notBefore: new Date(time.getTime() - 60_000),
    notAfter: new Date(time.getTime() + 540_000),
    scts: (tbs, by) => [instance.sct(tbs, by, { time })],
  };
}

/** The usual window, unless the time lies outside of it. */
function windowAround(time: Date): ValidityWindow {
  return WINDOW.start <= time && time <= WINDOW.end ? WINDOW : { start: new Date(time.getTime() - 86_400_000) };
}

function believedAround(root: TrustedRoot, time: Date): TrustedRoot {
  const validFor = windowAround(time);
  const around = <Value extends { readonly validFor: ValidityWindow }>(values: readonly Value[]): readonly Value[] =>
    values.map((value) => ({ ...value, validFor }));
  return {
    ...root,
    tlogs: around(root.tlogs),
    ctlogs: around(root.ctlogs),
    certificateAuthorities: around(root.certificateAuthorities),
    timestampAuthorities: around(root.timestampAuthorities),
  };
}

export function signingConfigFor(url: string, validFor: ValidityWindow = WINDOW): SigningConfig {
  const service = (path: string, majorApiVersion = 1): Service => ({
    url: `${url}${path}`,
    majorApiVersion,
    validFor,
    operator: 'test',
  });
  return {
    caUrls: [service('')],
    oidcUrls: [service('/oidc')],
    rekorTlogUrls: [service('', 2)],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [service('/api/v1/timestamp')],
    tsaConfig: { selector: 'ANY' },
  };
}

function fakeServices(instance: FakeInstance, mischief: Mischief): Hono {
  const app = new Hono();
  app.post('/api/v2/signingCert', async (context) => {
    const { key: asked } = parseSigningCertificateRequest(await bodyOf(context.req.raw));
    const key =
      mischief.certifiedKey ??
      (asked.kind === 'publicKey' ? PublicKey.fromPem(asked.content) : CertificateRequest.fromPem(asked.pem).publicKey);
    const leaf = instance.issueLeaf(key, mischief.leaf);
    const chain = [leaf, instance.intermediate.certificate, instance.root.certificate];
    return context.json(encodeSigningCertificate(mischief.certificates?.(chain) ?? chain));
  });
  app.post('/api/v2/log/entries', async (context) => {
    const asked = parseCreateEntryRequest(await bodyOf(context.req.raw));
    const request = mischief.logged?.(asked) ?? asked;
    const entry = instance.logV2.append('hashedrekord', '0.0.2', encodeHashedRekordBody(request));
    const json = encodeCreateEntryResponse(mischief.entry?.(entry) ?? entry);
    return context.body(json, 201, { 'content-type': 'application/json' });
  });
  const logged: TransparencyLogEntry[] = [];
  app.post('/api/v1/log/entries/retrieve', async (context) => {
    const { entries } = JSON.parse(Buffer.from(await bodyOf(context.req.raw)).toString()) as { entries: object[] };
    const bodies = entries.map((entry) => Buffer.from(parseProposed(utf8(JSON.stringify(entry))).body).toString());
    const found = logged.filter(({ body }) => bodies.includes(Buffer.from(body).toString()));
    return context.json(found.map((entry) => logV1Answer(mischief.entry?.(entry) ?? entry)));
  });
  app.post('/api/v1/log/entries', async (context) => {
    const proposed = parseProposed(await bodyOf(context.req.raw));
    const entry = instance.logV1.append(proposed.kind, '0.0.1', proposed.body, mischief.stampTime);
    logged.push(entry);
    const answer = logV1Answer(mischief.entry?.(entry) ?? entry);
    const [id = ''] = Object.keys(answer);
    return context.json(answer, 201, { etag: id, location: `/api/v1/log/entries/${id}` });
  });
  app.post('/api/v1/timestamp', async (context) => {
    const asked = parseTimestampRequest(await bodyOf(context.req.raw));
    const response = signTimestamp(
      mischief.stamped?.(asked) ?? asked,
      {
        policy: OID.sigstoreTsaPolicy,
        serialNumber: serialNumberFrom(randomBytes(20)),
        genTime: mischief.stampTime ?? SIGNING_TIME,
      },
      instance.tsa.holder,
    );
    return new Response(Uint8Array.from(response), {
      status: 201,
      headers: { 'content-type': 'application/timestamp-reply' },
    });
  });
  return app;
}

/** The canonical entry that Rekor v1 makes of a proposed one. */
function parseProposed(bytes: Uint8Array): { kind: 'hashedrekord' | 'dsse'; body: Uint8Array } {
  const { kind, spec } = JSON.parse(Buffer.from(bytes).toString()) as {
    kind: string;
    spec: {
      data: { hash: { algorithm: HashAlgorithm; value: string } };
      signature: { content: string; publicKey: { content: string } };
      proposedContent: { envelope: string; verifiers: [string] };
    };
  };
  const verifier = (encoded: string): LoggedVerifier => {
    const [block] = parsePem(Buffer.from(encoded, 'base64').toString());
    return { kind: block?.label === 'CERTIFICATE' ? 'certificate' : 'publicKey', der: block?.der ?? new Uint8Array(0) };
  };
  if (kind === 'hashedrekord') {
    const { algorithm, value } = spec.data.hash;
    const { content, publicKey } = spec.signature;
    const digest = { algorithm, digest: Buffer.from(value, 'hex') };
    const signature = Buffer.from(content, 'base64');
    return { kind, body: hashedRekordV1({ digest, signature, verifier: verifier(publicKey.content) }) };
  }
  const { payload, signatures } = parseEnvelope(spec.proposedContent.envelope);
  const [verifierText] = spec.proposedContent.verifiers;
  const digest = { algorithm: 'sha256' as const, digest: sha256(payload) };
  const signature = signatures[0]?.signature ?? new Uint8Array(0);
  const { envelope } = spec.proposedContent;
  return { kind: 'dsse', body: dsseV1({ digest, signature, verifier: verifier(verifierText) }, envelope) };
}

/** Rekor v1's entry object, under its id. */
export function logV1Answer(entry: TransparencyLogEntry): Record<string, object> {
  const { inclusionProof: proof } = entry;
  return {
    [`${'0'.repeat(16)}${encodeHex(leafHash(entry.body))}`]: {
      body: encodeBase64(entry.body),
      integratedTime: Number(entry.integratedTime),
      logID: encodeHex(entry.logId),
      logIndex: Number(entry.logIndex),
      verification: {
        inclusionProof: {
          checkpoint: proof?.checkpoint,
          hashes: proof?.hashes.map(encodeHex),
          logIndex: Number(proof?.logIndex),
          rootHash: encodeHex(proof?.rootHash ?? new Uint8Array(0)),
          treeSize: Number(proof?.treeSize),
        },
        signedEntryTimestamp: encodeBase64(entry.inclusionPromise ?? new Uint8Array(0)),
      },
    },
  };
}

async function bodyOf(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

export async function pushImage(
  registry: RegistryClient,
  name: string,
  content: string,
): Promise<{ reference: ImageReference; digest: Digest }> {
  const reference = parseReference(name);
  const config = utf8(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }));
  const layer = utf8(content);
  await registry.putBlob(reference, config);
  await registry.putBlob(reference, layer);
  const manifest = encodeManifest({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: Digest.of(config), size: config.length },
    layers: [{ mediaType: OCI_LAYER_GZIP, digest: Digest.of(layer), size: layer.length }],
  });
  const { digest } = await registry.putManifest(reference, reference.tag ?? 'latest', manifest, OCI_MANIFEST);
  return { reference, digest };
}
