/** Signing into cosign's older storage, on request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { LAYER_ANNOTATIONS } from '../../src/core/bundle/signature-layer.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../src/core/image/attached-tag.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest, type ImageManifest } from '../../src/core/image/manifest.ts';
import { DOCKER_MANIFEST, OCI_INDEX } from '../../src/core/image/media-types.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { withoutLogs } from '../../src/core/trust/older-services.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { pushLayers, type NewLayer } from '../../src/io/registry/layer-writer.ts';
import { signImage, signImageRecursively, type SignImageRequest } from '../../src/workflows/sign/sign-image.ts';
import type { SignedImage } from '../../src/workflows/sign/signed-image.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import { ALICE, SIGNING_TIME } from '../support/instance.ts';
import { KEYLESS, signingConfigFor, signingWorld, type SigningWorld } from '../support/signing-world.ts';

const NOW = (): Promise<void> => Promise.resolve();

/** The instance's services with its log of Rekor v1. */
function services(world: SigningWorld): ReturnType<typeof signingConfigFor> {
  const config = signingConfigFor(world.url);
  return { ...config, rekorTlogUrls: config.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 })) };
}

function sign(
  world: SigningWorld,
  reference: ImageReference,
  more: Partial<SignImageRequest> = {},
): Promise<SignedImage> {
  return signImage({
    ...world.context,
    signingConfig: services(world),
    registry: world.registry,
    reference,
    signer: KEYLESS,
    olderStorage: {},
    ...more,
  });
}

async function refused(run: Promise<unknown>, code: string): Promise<SealwrightError> {
  let caught: unknown;
  await assert.rejects(run, (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  return caught as SealwrightError;
}

async function stored(world: SigningWorld, reference: ImageReference, digest: Digest): Promise<ImageManifest> {
  const manifest = (await world.registry.getManifest(reference.atTag(legacyTag(digest, 'sig')))).parse();
  assert.ok(manifest.kind === 'image');
  return manifest;
}

test('a keyless signature has every part beside it, and verifies', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const signed = await sign(world, reference, { annotations: { build: '42' } });
  assert.equal(signed.bundleJson, undefined);
  const { layers, config } = await stored(world, reference, digest);
  assert.deepEqual(Object.keys(layers[0]?.annotations ?? {}).sort(), [
    LAYER_ANNOTATIONS.signature,
    LAYER_ANNOTATIONS.rekorBundle,
    LAYER_ANNOTATIONS.certificate,
    LAYER_ANNOTATIONS.chain,
    LAYER_ANNOTATIONS.timestamp,
  ]);
  assert.equal(
    Buffer.from(await world.registry.getBlob(reference, config.digest)).toString(),
    `{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{"created":"0001-01-01T00:00:00Z"}],"os":"",` +
      `"rootfs":{"type":"layers","diff_ids":["${layers[0]!.digest.toString()}"]},"config":{}}`,
  );
  const verified = await verifyImage({
    registry: world.registry,
    reference,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy({ kind: 'identities', identities: [ALICE] }, { useSignedTimestamps: true }),
    annotations: { build: '42' },
    now: SIGNING_TIME,
  });
  assert.equal(verified.signatures[0]?.format, 'legacy');
  assert.equal(verified.signatures[0].manifestDigest.toString(), signed.referrer?.digest.toString());
});

test('a key that logs nothing leaves its signature alone, and does not leave it twice', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const bare = { ...withoutLogs(world.context.signingConfig), tsaUrls: [] };
  const byKey = { signer: { kind: 'key', key: PrivateKey.generate('ecdsa-p256') }, signingConfig: bare } as const;
  await sign(world, reference, byKey);
  const first = await stored(world, reference, digest);
  assert.deepEqual(Object.keys(first.layers[0]?.annotations ?? {}), [LAYER_ANNOTATIONS.signature]);
  await sign(world, reference, byKey);
  assert.deepEqual(await stored(world, reference, digest), first);
  await sign(world, reference, { ...byKey, annotations: { build: '42' } });
  await sign(world, reference, { ...byKey, signer: { kind: 'key', key: PrivateKey.generate('ecdsa-p256') } });
  assert.equal((await stored(world, reference, digest)).layers.length, 3);
});

test('a log whose proof cannot be stored is refused by name, before anybody logs in', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const signer = { kind: 'keyless', identityToken: () => assert.fail('a token was asked for') } as const;
  const error = await refused(
    sign(world, reference, { signer, signingConfig: world.context.signingConfig }),
    'USAGE_BAD_CONFIG',
  );
  assert.match(error.facts.found ?? '', /version 2/);
  // Where a log of each version is listed, the one that promises is used.
  const both = [...world.context.signingConfig.rekorTlogUrls, ...services(world).rekorTlogUrls];
  const { bundle } = await sign(world, reference, { signingConfig: { ...services(world), rekorTlogUrls: both } });
  assert.equal(bundle.logEntries[0]?.kindVersion, 'hashedrekord 0.0.1');
});

test('nothing is pushed when what was made does not verify', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const other = Digest.of(utf8('another image'));
  const cases = [
    [{ payload: encodeSimpleSigning('a', other) }, 'SUBJECT_MISMATCH'],
    [{ payload: utf8('{"x":1}') }, 'FORMAT_SIMPLE_SIGNING'],
  ] as const;
  for (const [olderStorage, code] of cases) await refused(sign(world, reference, { olderStorage }), code);
  world.mischief.stamped = (request) => ({
    ...request,
    messageImprint: { ...request.messageImprint, hashedMessage: new Uint8Array(32) },
  });
  await refused(sign(world, reference), 'REMOTE_BODY').catch(() =>
    refused(sign(world, reference), 'TIMESTAMP_INVALID'),
  );
  assert.equal(await world.registry.getManifestIfPresent(reference.atTag(legacyTag(digest, 'sig'))), undefined);
});

test('each name that the image is given is signed, and a payload of its own is signed as it is', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const dockerReferences = ['registry.example/one', 'registry.example/two:3'];
  const { layers } = await sign(world, reference, { olderStorage: { dockerReferences, createdAt: SIGNING_TIME } });
  const names = layers.map(({ verified: { content } }) =>
    content.kind === 'simpleSigning' ? content.payload.dockerReference : '',
  );
  assert.deepEqual(names, dockerReferences);
  const { config } = await stored(world, reference, digest);
  assert.match(
    Buffer.from(await world.registry.getBlob(reference, config.digest)).toString(),
    /"created":"2026-06-01T12:00:30/,
  );
  const payload = utf8(Buffer.from(encodeSimpleSigning('a', digest)).toString().replace('null', '{"by":"hand"}'));
  const own = await sign(world, reference, { olderStorage: { payload } });
  assert.deepEqual(own.layers[0]?.content, payload);
});

test("Docker's media types are written when asked for, and kept where they are", async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  await sign(world, reference, { olderStorage: { dockerMediaTypes: true } });
  await sign(world, reference);
  const { mediaType, config, layers } = await stored(world, reference, digest);
  assert.equal(mediaType, DOCKER_MANIFEST);
  assert.equal(config.mediaType, 'application/vnd.docker.container.image.v1+json');
  assert.equal(layers.length, 2);
});

test('all that an index names is signed there too', async (t) => {
  const world = await signingWorld(t);
  const child = await world.pushImage('child');
  const { mediaType, size } = await world.registry.resolve(child.reference);
  const index = encodeManifest({
    kind: 'index',
    mediaType: OCI_INDEX,
    manifests: [{ mediaType, size, digest: child.digest }],
  });
  const { digest } = await world.registry.putManifest(child.reference, 'all', index, OCI_INDEX);
  const reference = child.reference.atTag('all');
  await signImageRecursively({
    ...world.context,
    signingConfig: services(world),
    registry: world.registry,
    reference,
    signer: KEYLESS,
    olderStorage: {},
  });
  for (const each of [digest, child.digest]) assert.equal((await stored(world, reference, each)).layers.length, 1);
});

const layer = (text: string): NewLayer => ({
  content: utf8(text),
  annotations: { [LAYER_ANNOTATIONS.signature]: 'AAAA' },
  mediaType: 'text/plain',
});

test('writers at the same time lose none of their layers', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  await Promise.all(
    Array.from({ length: 6 }, (_, n) => pushLayers(world.registry, reference, digest, 'sig', [layer(`layer ${n}`)])),
  );
  assert.equal((await stored(world, reference, digest)).layers.length, 6);
});

test("what a rival's write has removed is written again, on top of the rival's", async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const tag = legacyTag(digest, 'sig');
  await pushLayers(world.registry, reference, digest, 'sig', [layer('rival')], { sleep: NOW });
  const rival = await world.registry.getManifest(reference.atTag(tag));
  let rivals = 1;
  const sleep = async (): Promise<void> => {
    if (rivals-- > 0) await world.registry.putManifest(reference, tag, rival.bytes, rival.mediaType);
  };
  await pushLayers(world.registry, reference, digest, 'sig', [layer('ours')], { sleep });
  assert.equal((await stored(world, reference, digest)).layers.length, 2);
  rivals = Infinity;
  await refused(pushLayers(world.registry, reference, digest, 'sig', [layer('lost')], { sleep }), 'COULD_NOT_CHECK');
});

test('what is replaced goes, what replaces it stays', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  await pushLayers(world.registry, reference, digest, 'sig', [layer('old'), layer('other')], { sleep: NOW });
  const old = Digest.of(utf8('old'));
  const isReplaced = (present: { digest: Digest }): boolean => present.digest.equals(old);
  await pushLayers(world.registry, reference, digest, 'sig', [layer('new')], { sleep: NOW, isReplaced });
  const { layers } = await stored(world, reference, digest);
  assert.deepEqual(
    layers.map((each) => each.digest.toString()),
    ['other', 'new'].map((text) => Digest.of(utf8(text)).toString()),
  );
});

test('a tag that is full, or in use for something else, is left as it is', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const many = Array.from({ length: 1001 }, (_, n) => ({ ...layer('same'), annotations: { n: String(n) } }));
  await refused(pushLayers(world.registry, reference, digest, 'sig', many, { sleep: NOW }), 'LIMIT_COUNT');
  const large = [{ ...layer('same'), annotations: { x: 'x'.repeat(5 << 20) } }];
  await refused(pushLayers(world.registry, reference, digest, 'sig', large, { sleep: NOW }), 'LIMIT_SIZE');
  const index = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [] });
  await world.registry.putManifest(reference, legacyTag(digest, 'sig'), index, OCI_INDEX);
  await refused(pushLayers(world.registry, reference, digest, 'sig', [layer('x')], { sleep: NOW }), 'FORMAT_MANIFEST');
});
