/** Signatures in cosign's older storage are found beside bundles and judged by the same rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageSignatureStatement } from '../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../src/core/attestation/statement.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { LAYER_ANNOTATIONS } from '../../src/core/bundle/signature-layer.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../src/core/image/attached-tag.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_INDEX } from '../../src/core/image/media-types.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyImage, type VerifiedImage, type VerifyImageRequest } from '../../src/workflows/verify/verify-image.ts';
import { ALICE, createTimestampAuthority, FakeLog, ISSUER, SIGNING_TIME, SUBJECT } from '../support/instance.ts';
import { signingWorld, type SigningWorld } from '../support/signing-world.ts';
import {
  pushExperiment,
  pushLayers,
  signedLayer,
  type Layer,
  type SignedLayerInput,
} from '../support/signature-layers.ts';

const SIGN = 'https://sigstore.dev/cosign/sign/v1';
const IDENTITIES = { kind: 'identities', identities: [ALICE] } as const;
const BY_BOB: SignedLayerInput = {
  leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } },
};

interface Image {
  readonly world: SigningWorld;
  readonly reference: ImageReference;
  readonly digest: Digest;
}

async function image(t: Parameters<typeof signingWorld>[0]): Promise<Image> {
  const world = await signingWorld(t);
  return { world, ...(await world.pushImage()) };
}

function verify({ world, reference }: Image, more: Partial<VerifyImageRequest> = {}): Promise<VerifiedImage> {
  return verifyImage({
    registry: world.registry,
    reference,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy(IDENTITIES),
    now: SIGNING_TIME,
    ...more,
  });
}

async function refused(at: Image, code: string, more: Partial<VerifyImageRequest> = {}): Promise<SealwrightError> {
  let caught: unknown;
  await assert.rejects(verify(at, more), (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  return caught as SealwrightError;
}

async function attach(at: Image, ...layers: readonly Layer[]): Promise<Digest> {
  return pushLayers(at.world.registry, at.reference, at.digest, layers);
}

async function attachBundle({ world, reference, digest }: Image): Promise<void> {
  const payload = encodeStatement(imageSignatureStatement(digest));
  const json = encodeBundle(world.instance.signStatement(new Uint8Array(0), { payload }));
  const subject = await world.registry.resolve(reference);
  await pushBundle(world.registry, reference, subject, json, { predicateType: SIGN, createdAt: SIGNING_TIME });
}

function seen(world: SigningWorld): readonly string[] {
  return world.seen.map((line) => line.replace(/sha256:[0-9a-f]+/, 'DIGEST').replace(/sha256-[0-9a-f]+/, 'DIGEST'));
}

test('a signature under the .sig tag passes, and says how it is stored', async (t) => {
  const at = await image(t);
  const manifest = await attach(at, signedLayer(at.world.instance, at.digest, { noted: { build: '42' } }));
  const { signatures, refused: others } = await verify(at, { annotations: { build: '42' } });
  assert.deepEqual(others, []);
  const [signature] = signatures;
  assert.equal(signature?.format, 'legacy');
  assert.equal(signature.manifestDigest.toString(), manifest.toString());
  assert.deepEqual(signature.annotations, { build: '42' });
  const { signer, content, logEntries, times } = signature.bundle;
  assert.equal(signer.kind === 'certificate' && signer.subject, SUBJECT);
  assert.equal(content.kind === 'simpleSigning' && content.payload.dockerReference, 'registry.example/demo/app');
  assert.equal(logEntries[0]?.integratedTime?.getTime(), SIGNING_TIME.getTime());
  assert.deepEqual(
    times.map(({ source }) => source),
    ['log', 'tsa'],
  );
});

test('both formats are asked for side by side, once each; the usual payload is not even fetched', async (t) => {
  const at = await image(t);
  const { world, reference, digest } = at;
  await attach(at, signedLayer(world.instance, digest, { payload: encodeSimpleSigning(reference.context, digest) }));
  world.seen.length = 0;
  assert.equal((await verify(at)).signatures[0]?.format, 'legacy');
  assert.deepEqual([...seen(world)].sort(), [
    'GET /v2/demo/app/manifests/DIGEST.sig',
    'GET /v2/demo/app/referrers/DIGEST',
    'HEAD /v2/demo/app/manifests/latest',
  ]);
});

test('a payload that several people signed is fetched once', async (t) => {
  const at = await image(t);
  const { instance } = at.world;
  await attach(at, signedLayer(instance, at.digest, BY_BOB), signedLayer(instance, at.digest));
  at.world.seen.length = 0;
  const { signatures, refused: others } = await verify(at);
  assert.equal(signatures.length, 1);
  assert.deepEqual(
    others.map(({ error }) => error.code),
    ['IDENTITY_MISMATCH'],
  );
  assert.equal(seen(at.world).filter((line) => line === 'GET /v2/demo/app/blobs/DIGEST').length, 1);
});

test('bundles and older signatures of one image are found together, each with its format', async (t) => {
  const at = await image(t);
  const { world, reference, digest } = at;
  await attachBundle(at);
  await attach(at, signedLayer(world.instance, digest));
  const subject = await world.registry.resolve(reference);
  await pushExperiment(world.registry, reference, subject, [signedLayer(world.instance, digest)]);
  const { signatures } = await verify(at);
  assert.deepEqual(
    signatures.map(({ format }) => format),
    ['bundle', 'oci-1-1-experiment', 'legacy'],
  );
});

test("an attestation in a bundle does not hide that the image's signature is in the older format", async (t) => {
  const at = await image(t);
  const { world, reference, digest } = at;
  const predicateType = 'https://spdx.dev/Document';
  const payload = encodeStatement({ ...imageSignatureStatement(digest), predicateType });
  const json = encodeBundle(world.instance.signStatement(new Uint8Array(0), { payload }));
  const subject = await world.registry.resolve(reference);
  await pushBundle(world.registry, reference, subject, json, { predicateType, createdAt: SIGNING_TIME });
  await refused(at, 'NO_SIGNATURE');
  await attach(at, signedLayer(world.instance, digest));
  assert.equal((await verify(at)).signatures.length, 1);
});

for (const [path, code] of [
  ['/manifests/sha256-', 'REMOTE_STATUS'],
  ['/referrers/', 'REMOTE_STATUS'],
  ['/blobs/', 'REMOTE_STATUS'],
] as const) {
  test(`a registry that fails at ${path} makes an error, never the answer of the other format alone`, async (t) => {
    const at = await image(t);
    await attachBundle(at);
    await attach(at, signedLayer(at.world.instance, at.digest));
    at.world.faults.set(`GET /v2/demo/app${path}`, () => new Response('no', { status: 500 }));
    assert.equal((await refused(at, code)).exitCode, 23);
  });
}

test('an image whose .sig tag is missing is unsigned; one whose tag may not be read could not be checked', async (t) => {
  const at = await image(t);
  await refused(at, 'NO_SIGNATURE');
  at.world.faults.set('GET /v2/demo/app/manifests/sha256-', () => new Response('no', { status: 403 }));
  await refused(at, 'AUTH_REGISTRY');
});

test('a key verifies its own signature, logged or, when that is said, not', async (t) => {
  const at = await image(t);
  const key = PrivateKey.generate('ecdsa-p256');
  const byKey = { kind: 'key', key: key.publicKey } as const;
  const layer = signedLayer(at.world.instance, at.digest, { managed: true, key, unstamped: true });
  await attach(at, layer);
  assert.equal((await verify(at, { policy: signaturePolicy(byKey) })).signatures.length, 1);
  const { publicKey: other } = PrivateKey.generate('ecdsa-p256');
  await refused(at, 'SIGNATURE_INVALID', { policy: signaturePolicy({ kind: 'key', key: other }) });
  await refused(at, 'KEY_MISMATCH');

  const { [LAYER_ANNOTATIONS.rekorBundle]: dropped, ...unlogged } = layer.annotations;
  assert.ok(dropped !== undefined);
  await attach(at, { ...layer, annotations: unlogged });
  await refused(at, 'LOG_ENTRY_MISSING', { policy: signaturePolicy(byKey) });
  const ignoring = signaturePolicy(byKey, { insecureIgnoreTlog: true });
  assert.equal((await verify(at, { policy: ignoring })).signatures.length, 1);
  const stamped = signaturePolicy(byKey, { insecureIgnoreTlog: true, useSignedTimestamps: true });
  await refused(at, 'TIMESTAMP_MISSING', { policy: stamped });
});

test("a key verifies a signature that has a certificate for that very key, and another key's certificate changes nothing", async (t) => {
  const at = await image(t);
  const key = PrivateKey.generate('ecdsa-p256');
  await attach(at, signedLayer(at.world.instance, at.digest, { key }));
  const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
  const { signatures } = await verify(at, { policy });
  assert.equal(signatures[0]?.bundle.signer.kind, 'key');
  const { publicKey: other } = PrivateKey.generate('ecdsa-p256');
  await refused(at, 'KEY_MISMATCH', { policy: signaturePolicy({ kind: 'key', key: other }) });
});

test("Ed25519 and the larger curves verify, P-384 with cosign's SHA-256 too", async (t) => {
  const at = await image(t);
  const schemes = [
    ['ed25519', 'ed25519'],
    ['ecdsa-p384', 'ecdsa-sha256'],
    ['ecdsa-p521', 'ecdsa-sha512'],
    ['rsa', 'rsa-pkcs1-sha256'],
  ] as const;
  for (const [kind, scheme] of schemes) {
    const key = PrivateKey.generate(kind);
    await attach(at, signedLayer(at.world.instance, at.digest, { managed: true, key, scheme }));
    const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
    assert.equal((await verify(at, { policy })).signatures.length, 1, kind);
  }
});

const OTHER_DIGEST = Digest.of(utf8('another image'));

/** What can be wrong with what was signed, and what that is called when it is the only signature. */
const WRONG: readonly (readonly [string, string, SignedLayerInput])[] = [
  ['of another image', 'SUBJECT_MISMATCH', { payload: encodeSimpleSigning('registry.example/a', OTHER_DIGEST) }],
  ['by somebody else', 'IDENTITY_MISMATCH', BY_BOB],
  ['without SCT', 'SCT_MISSING', { leaf: { scts: () => [] } }],
  ['logged too late', 'CERTIFICATE_TIME', { logTime: new Date('2026-06-01T13:00:00Z') }],
  ['timestamped too late', 'CERTIFICATE_TIME', { tsaTime: new Date('2026-06-01T13:00:00Z') }],
  ['in a log that nobody knows', 'LOG_UNTRUSTED', { log: new FakeLog('rekor-v1', 'rekor.elsewhere.example') }],
  ['logged with another signature', 'LOG_ENTRY_MISMATCH', { logged: { signature: Uint8Array.of(1) } }],
  [
    'logged with another digest',
    'LOG_ENTRY_MISMATCH',
    { logged: { digest: { algorithm: 'sha256', digest: new Uint8Array(32) } } },
  ],
  [
    'logged for another key',
    'LOG_ENTRY_MISMATCH',
    { logged: { verifier: { kind: 'publicKey', der: PrivateKey.generate('ecdsa-p256').publicKey.spki } } },
  ],
];

for (const [what, code, input] of WRONG) {
  test(`an older signature ${what} is refused with ${code}`, async (t) => {
    const at = await image(t);
    await attach(at, signedLayer(at.world.instance, at.digest, input));
    await refused(at, code);
  });
}

test('a timestamp of an authority that nobody knows does not count, and is missed when one is asked for', async (t) => {
  const at = await image(t);
  const tsa = createTimestampAuthority('https://tsa.elsewhere.example');
  await attach(at, signedLayer(at.world.instance, at.digest, { tsa }));
  assert.equal((await verify(at)).signatures.length, 1);
  const policy = signaturePolicy(IDENTITIES, { useSignedTimestamps: true });
  await refused(at, 'TIMESTAMP_UNTRUSTED', { policy });
  await attach(at, signedLayer(at.world.instance, at.digest, { unstamped: true }));
  await refused(at, 'TIMESTAMP_MISSING', { policy });
});

test('parts of two good signatures do not make one', async (t) => {
  const at = await image(t);
  const [one, two] = [signedLayer(at.world.instance, at.digest), signedLayer(at.world.instance, at.digest)];
  const swapped: readonly (readonly [keyof typeof LAYER_ANNOTATIONS, string])[] = [
    ['signature', 'SIGNATURE_INVALID'],
    ['certificate', 'SIGNATURE_INVALID'],
    ['rekorBundle', 'LOG_ENTRY_MISMATCH'],
  ];
  for (const [part, code] of swapped) {
    const name = LAYER_ANNOTATIONS[part];
    await attach(at, { ...one, annotations: { ...one.annotations, [name]: two.annotations[name]! } });
    await refused(at, code);
  }
  const name = LAYER_ANNOTATIONS.timestamp;
  await attach(at, { ...one, annotations: { ...one.annotations, [name]: two.annotations[name]! } });
  await refused(at, 'TIMESTAMP_INVALID', { policy: signaturePolicy(IDENTITIES, { useSignedTimestamps: true }) });
});

test('a promise for another index or time is not that of the log', async (t) => {
  const at = await image(t);
  const layer = signedLayer(at.world.instance, at.digest);
  const name = LAYER_ANNOTATIONS.rekorBundle;
  for (const member of ['logIndex', 'integratedTime']) {
    const changed = layer.annotations[name]!.replace(new RegExp(`"${member}":(\\d+)`), (_, value: string) => {
      return `"${member}":${Number(value) + 1}`;
    });
    await attach(at, { ...layer, annotations: { ...layer.annotations, [name]: changed } });
    await refused(at, 'SET_INVALID');
  }
});

test('what is noted beside the digest must be there, and be a string', async (t) => {
  const at = await image(t);
  const payload = utf8(
    Buffer.from(encodeSimpleSigning('registry.example/a', at.digest)).toString().replace('null', '{"n":1,"s":"1"}'),
  );
  await attach(at, signedLayer(at.world.instance, at.digest, { payload }));
  assert.deepEqual((await verify(at, { annotations: { s: '1' } })).signatures[0]?.annotations, { s: '1' });
  for (const annotations of [{ n: '1' }, { s: '2' }, { x: '' }])
    await refused(at, 'ANNOTATION_MISMATCH', { annotations });
});

test('a payload of another type is no signature, unless anything counts', async (t) => {
  const at = await image(t);
  const payload = utf8(
    Buffer.from(encodeSimpleSigning('registry.example/a', at.digest))
      .toString()
      .replace('cosign container image signature', 'somebody has looked at it'),
  );
  await attach(at, signedLayer(at.world.instance, at.digest, { payload }));
  await refused(at, 'PAYLOAD_TYPE_MISMATCH');
  assert.equal((await verify(at, { predicateTypes: 'any' })).signatures.length, 1);
});

/** Layers that cannot be read at all: nobody knows who signed. */
const UNREADABLE: readonly (readonly [string, string, (layer: Layer) => Layer])[] = [
  ['of 10 MB', 'LIMIT_SIZE', (layer) => ({ ...layer, content: new Uint8Array(10 << 20) })],
  ['without the annotation that makes it one', 'FORMAT_SIGNATURE_LAYER', (layer) => without(layer, 'signature')],
  ['with an empty signature', 'FORMAT_SIGNATURE_LAYER', (layer) => changed(layer, 'signature', () => '')],
  ['with a cut signature', 'FORMAT_BASE64', (layer) => changed(layer, 'signature', (text) => text.slice(0, -1))],
  ['with a cut certificate', 'FORMAT_PEM', (layer) => changed(layer, 'certificate', (text) => text.slice(0, -9))],
  ['with a key for a certificate', 'FORMAT_SIGNATURE_LAYER', (layer) => changed(layer, 'certificate', asKey)],
  ['with a cut chain', 'FORMAT_PEM', (layer) => changed(layer, 'chain', (text) => text.slice(0, -9))],
  ['with a cut promise', 'FORMAT_LOG_ENTRY', (layer) => changed(layer, 'rekorBundle', (text) => text.slice(0, -1))],
  ['with a cut timestamp', 'FORMAT_SIGNATURE_LAYER', (layer) => changed(layer, 'timestamp', (text) => text.slice(1))],
  ['whose payload is not JSON', 'FORMAT_SIMPLE_SIGNING', (layer) => ({ ...layer, content: utf8('signed') })],
];

function changed(layer: Layer, part: keyof typeof LAYER_ANNOTATIONS, change: (text: string) => string): Layer {
  const name = LAYER_ANNOTATIONS[part];
  return { ...layer, annotations: { ...layer.annotations, [name]: change(layer.annotations[name]!) } };
}

function without(layer: Layer, part: keyof typeof LAYER_ANNOTATIONS): Layer {
  const rest = Object.entries(layer.annotations).filter(([name]) => name !== LAYER_ANNOTATIONS[part]);
  return { ...layer, annotations: Object.fromEntries(rest) };
}

function asKey(): string {
  return PrivateKey.generate('ecdsa-p256').publicKey.toPem();
}

for (const [what, code, change] of UNREADABLE) {
  test(`a layer ${what} could not be checked, for ${code}, and hides no good one`, async (t) => {
    const at = await image(t);
    const good = signedLayer(at.world.instance, at.digest);
    await attach(at, change(good));
    const error = await refused(at, 'COULD_NOT_CHECK');
    assert.equal((error.cause as SealwrightError).code, code);
    await attach(at, change(good), good);
    assert.equal((await verify(at)).signatures.length, 1);
  });
}

test('more layers than cosign reads are refused as a whole', async (t) => {
  const at = await image(t);
  const layer = signedLayer(at.world.instance, at.digest, { managed: true, unstamped: true });
  const small = without(layer, 'rekorBundle');
  await attach(at, ...Array.from({ length: 1001 }, () => small));
  assert.equal((await refused(at, 'LIMIT_COUNT')).facts.found, '1001 layers');
});

test('an index under the .sig tag, or nothing that is a manifest, could not be checked', async (t) => {
  const at = await image(t);
  const { registry } = at.world;
  const index = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [] });
  await registry.putManifest(at.reference, legacyTag(at.digest, 'sig'), index, OCI_INDEX);
  const error = await refused(at, 'COULD_NOT_CHECK');
  assert.equal((error.cause as SealwrightError).code, 'FORMAT_MANIFEST');
  at.world.faults.set('GET /v2/demo/app/manifests/sha256-', () => new Response('<html>'));
  assert.equal((await refused(at, 'REMOTE_BODY')).exitCode, 23);
});

test('a byte changed anywhere in an annotation never verifies as something else', async (t) => {
  const at = await image(t);
  const good = signedLayer(at.world.instance, at.digest);
  const policy = signaturePolicy(IDENTITIES, { useSignedTimestamps: true });
  for (const part of ['signature', 'certificate', 'rekorBundle', 'timestamp'] as const) {
    const text = good.annotations[LAYER_ANNOTATIONS[part]]!;
    const layers = Array.from({ length: 40 }, (_, step) => {
      const offset = Math.floor(((step + 0.5) * text.length) / 40);
      const other = text[offset] === 'A' ? 'B' : 'A';
      return changed(good, part, () => text.slice(0, offset) + other + text.slice(offset + 1));
    });
    await attach(at, ...layers, good);
    const { signatures } = await verify(at, { policy });
    // A timestamp carries its authority's certificate, which the trusted root has as well and which is not under its signature.
    if (part !== 'timestamp') assert.equal(signatures.length, 1, part);
    const times = new Set(signatures.map(({ bundle }) => bundle.times.map(({ time }) => time.getTime()).join()));
    assert.equal(times.size, 1, part);
  }
});
