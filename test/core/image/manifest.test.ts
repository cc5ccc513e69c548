import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { artifactTypeOf, encodeManifest, parseManifest } from '../../../src/core/image/manifest.ts';
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../../src/core/image/media-types.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const DIGEST = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
const CONFIG = { mediaType: 'application/vnd.oci.image.config.v1+json', size: 2, digest: DIGEST };
const IMAGE = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: CONFIG, layers: [CONFIG, CONFIG] };
const CHILD = {
  mediaType: OCI_MANIFEST,
  size: 7,
  digest: DIGEST,
  platform: { architecture: 'arm64', os: 'linux', variant: 'v8' },
};
const INDEX = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [CHILD] };

const bytes = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

test('an image manifest is read, and encodes to the same bytes', () => {
  const subject = { mediaType: OCI_MANIFEST, size: 9, digest: DIGEST };
  const value = { ...IMAGE, annotations: { a: '1', b: '2' }, subject, artifactType: 'application/x' };
  const manifest = parseManifest(bytes(value), OCI_MANIFEST);
  assert.equal(manifest.kind, 'image');
  assert.equal(manifest.layers.length, 2);
  assert.equal(manifest.config.size, 2);
  assert.deepEqual(manifest.subject?.digest, Digest.parse(DIGEST));
  assert.equal(artifactTypeOf(manifest), 'application/x');
  assert.deepEqual(encodeManifest(manifest), bytes(value));
});

test('an index is read, and encodes to the same bytes', () => {
  const index = parseManifest(bytes(INDEX));
  assert.equal(index.kind, 'index');
  assert.deepEqual(index.manifests[0]?.platform, { os: 'linux', architecture: 'arm64', variant: 'v8' });
  assert.equal(artifactTypeOf(index), undefined);
  assert.deepEqual(encodeManifest(index), bytes(INDEX));
});

test('the type comes from the manifest, else from the Content-Type, else from the members', () => {
  const image = { ...IMAGE, mediaType: undefined };
  const index = { ...INDEX, mediaType: undefined };
  assert.equal(parseManifest(bytes(image)).mediaType, OCI_MANIFEST);
  assert.equal(parseManifest(bytes(index)).mediaType, OCI_INDEX);
  assert.equal(parseManifest(bytes(image), `${DOCKER_MANIFEST}; charset=utf-8`).mediaType, DOCKER_MANIFEST);
  assert.equal(parseManifest(bytes(index), DOCKER_INDEX).mediaType, DOCKER_INDEX);
  assert.equal(parseManifest(bytes(image), 'application/json').mediaType, OCI_MANIFEST);
});

test("an artifact without a type of its own is of its config's type", () => {
  assert.equal(artifactTypeOf(parseManifest(bytes(IMAGE))), CONFIG.mediaType);
});

const REFUSED: readonly [string, unknown, string][] = [
  ['an array', [], 'FORMAT_MANIFEST'],
  ['no schema version', { ...IMAGE, schemaVersion: undefined }, 'FORMAT_MANIFEST'],
  ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'FORMAT_MANIFEST'],
  ['an image with manifests', { ...IMAGE, manifests: [] }, 'FORMAT_MANIFEST'],
  ['an index with layers', { ...INDEX, layers: [] }, 'FORMAT_MANIFEST'],
  ['an index with a config', { ...INDEX, config: CONFIG }, 'FORMAT_MANIFEST'],
  [
    'image and index without a type',
    { schemaVersion: 2, config: CONFIG, layers: [], manifests: [] },
    'FORMAT_MANIFEST',
  ],
  ['an unknown type', { ...IMAGE, mediaType: 'application/json' }, 'FORMAT_MANIFEST'],
  ['no config', { ...IMAGE, config: undefined }, 'FORMAT_MANIFEST'],
  ['a config that is a string', { ...IMAGE, config: DIGEST }, 'FORMAT_MANIFEST'],
  ['a layer without a size', { ...IMAGE, layers: [{ ...CONFIG, size: undefined }] }, 'FORMAT_MANIFEST'],
  ['a negative size', { ...IMAGE, layers: [{ ...CONFIG, size: -1 }] }, 'FORMAT_MANIFEST'],
  ['half a byte', { ...IMAGE, layers: [{ ...CONFIG, size: 1.5 }] }, 'FORMAT_MANIFEST'],
  ['a size beyond counting', { ...IMAGE, layers: [{ ...CONFIG, size: 2 ** 60 }] }, 'FORMAT_MANIFEST'],
  ['a layer without a type', { ...IMAGE, layers: [{ ...CONFIG, mediaType: '' }] }, 'FORMAT_MANIFEST'],
  ['a type that breaks lines', { ...IMAGE, layers: [{ ...CONFIG, mediaType: 'a/b\r\nX: y' }] }, 'FORMAT_MANIFEST'],
  ['a wrong digest', { ...IMAGE, layers: [{ ...CONFIG, digest: 'sha256:00' }] }, 'FORMAT_DIGEST'],
  ['annotations that are no strings', { ...IMAGE, annotations: { a: 1 } }, 'FORMAT_MANIFEST'],
  [
    'a platform without os',
    { ...INDEX, manifests: [{ ...CHILD, platform: { architecture: 'x' } }] },
    'FORMAT_MANIFEST',
  ],
  ['too many layers', { ...IMAGE, layers: Array.from({ length: 20_001 }, () => 0) }, 'LIMIT_COUNT'],
  [
    'too many annotations',
    { ...IMAGE, annotations: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, ''])) },
    'FORMAT_MANIFEST',
  ],
];
for (const [name, value, code] of REFUSED) {
  test(`a manifest with ${name} is ${code}`, () => {
    assert.throws(() => parseManifest(bytes(value)), { code });
  });
}

test('bytes that are no manifest at all', () => {
  assert.throws(() => parseManifest(utf8('')), { code: 'FORMAT_MANIFEST' });
  assert.throws(() => parseManifest(utf8('{"schemaVersion":2,"schemaVersion":2}')), { code: 'FORMAT_MANIFEST' });
  assert.throws(() => parseManifest(new Uint8Array((4 << 20) + 1)), { code: 'LIMIT_SIZE' });
  assert.throws(() => parseManifest(utf8('['.repeat(100) + ']'.repeat(100))), { code: 'LIMIT_DEPTH' });
});

test('a manifest served as another type than it says is refused', () => {
  assert.throws(() => parseManifest(bytes(IMAGE), OCI_INDEX), { code: 'FORMAT_MANIFEST' });
  assert.throws(() => parseManifest(bytes(INDEX), DOCKER_INDEX), { code: 'FORMAT_MANIFEST' });
});

test('a damaged manifest is read or refused, never anything else', () => {
  const subject = { mediaType: OCI_MANIFEST, size: 9, digest: DIGEST, annotations: { x: 'y' } };
  for (const sample of [bytes({ ...IMAGE, subject, annotations: { a: '1' } }), bytes(INDEX)]) {
    for (const copy of damaged(sample)) {
      try {
        encodeManifest(parseManifest(copy));
      } catch (error) {
        assert.ok(error instanceof SealwrightError, String(error));
      }
    }
  }
});
