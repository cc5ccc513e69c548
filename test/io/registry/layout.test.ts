/** OCI layouts as somebody else may have made, or damaged, them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../../src/core/image/attached-tag.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../../src/core/image/media-types.ts';
import { LayoutSource } from '../../../src/io/registry/layout-source.ts';
import { manifestJson } from '../../support/registry-server.ts';

const REPOSITORY = { registry: 'localhost', repository: 'layout' };
const KIND = 'dev.cosignproject.cosign';

class Layout {
  readonly folder: string;
  readonly #entries: object[] = [];

  constructor(t: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'sealwright-test-'));
    t.after(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
    mkdirSync(join(this.folder, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(this.folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(content: string): Digest {
    const digest = Digest.of(utf8(content));
    writeFileSync(this.path(digest), content);
    return digest;
  }

  path(digest: Digest): string {
    return join(this.folder, 'blobs/sha256', digest.hex);
  }

  /** Lists a manifest in `index.json`. */
  list(content: string, annotations: Readonly<Record<string, string>> = {}): Digest {
    const digest = this.blob(content);
    this.#entries.push({ mediaType: OCI_MANIFEST, size: content.length, digest: digest.toString(), annotations });
    writeFileSync(
      join(this.folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: this.#entries }),
    );
    return digest;
  }
}

function subject(digest: Digest): Readonly<Record<string, unknown>> {
  return { subject: { mediaType: OCI_MANIFEST, digest: digest.toString(), size: 1 } };
}

test("cosign's layout: the image by its kind, its signatures under their tag, referrers among the blobs", async (t) => {
  const layout = new Layout(t);
  const root = layout.list(manifestJson({ annotations: { a: 'image' } }), { kind: `${KIND}/image` });
  const signatures = layout.list(manifestJson({ annotations: { a: 'sigs' } }), { kind: `${KIND}/sigs` });
  const referrer = layout.blob(manifestJson({ ...subject(root), artifactType: 'application/x.one' }));
  layout.blob(manifestJson({ ...subject(signatures) }));
  layout.blob('{"subject": not JSON');
  layout.blob('a layer with "subject" in it');
  const source = await LayoutSource.open(layout.folder);
  assert.equal(source.root.digest.toString(), root.toString());
  const tag = source.reference.atTag(legacyTag(root, 'sig'));
  assert.equal((await source.resolve(tag)).digest.toString(), signatures.toString());
  const { descriptors } = await source.referrers(REPOSITORY, root);
  assert.deepEqual(
    descriptors.map(({ digest, artifactType }) => [digest.toString(), artifactType]),
    [[referrer.toString(), 'application/x.one']],
  );
  assert.deepEqual((await source.referrers(REPOSITORY, root, { artifactType: 'application/x.two' })).descriptors, []);
});

test("another tool's layout: the one image that is no referrer and no attachment", async (t) => {
  const layout = new Layout(t);
  const root = layout.list(manifestJson());
  layout.list(manifestJson(subject(root)));
  layout.list(manifestJson({ annotations: { a: 'sigs' } }), {
    'org.opencontainers.image.ref.name': legacyTag(root, 'sig'),
  });
  assert.equal((await LayoutSource.open(layout.folder)).root.digest.toString(), root.toString());
});

const BAD: readonly (readonly [what: string, code: string, make: (layout: Layout) => void])[] = [
  [
    'an empty folder',
    'USAGE_FILE',
    ({ folder }) => {
      rmSync(join(folder, 'oci-layout'));
    },
  ],
  ['no index.json', 'USAGE_FILE', () => undefined],
  [
    'another version',
    'FORMAT_MANIFEST',
    ({ folder }) => {
      writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    },
  ],
  [
    'a version that is no JSON',
    'FORMAT_MANIFEST',
    ({ folder }) => {
      writeFileSync(join(folder, 'oci-layout'), 'x');
    },
  ],
  [
    'an index.json of something else',
    'FORMAT_MANIFEST',
    ({ folder }) => {
      writeFileSync(join(folder, 'index.json'), manifestJson());
    },
  ],
  [
    'an index.json cut short',
    'FORMAT_MANIFEST',
    (layout) => {
      layout.list(manifestJson());
      truncateSync(join(layout.folder, 'index.json'), 30);
    },
  ],
  [
    'an index.json that is a link',
    'USAGE_FILE',
    ({ folder }) => {
      symlinkSync('/etc/passwd', join(folder, 'index.json'));
    },
  ],
  [
    'an index.json too large',
    'LIMIT_SIZE',
    ({ folder }) => {
      writeFileSync(join(folder, 'index.json'), ' '.repeat((4 << 20) + 1));
    },
  ],
  ['no image', 'NOT_FOUND', (layout) => layout.list(manifestJson(subject(Digest.of(utf8('x')))))],
  [
    'several images',
    'USAGE_FILE',
    (layout) => {
      layout.list(manifestJson());
      layout.list(manifestJson({ annotations: { a: 'b' } }));
    },
  ],
];

for (const [what, code, make] of BAD) {
  test(`${what}: ${code}`, async (t) => {
    const layout = new Layout(t);
    make(layout);
    await assert.rejects(LayoutSource.open(layout.folder), { code });
  });
}

const DAMAGE: readonly (readonly [what: string, code: string, damage: (path: string) => void])[] = [
  [
    'gone',
    'NOT_FOUND',
    (path) => {
      rmSync(path);
    },
  ],
  [
    'other content',
    'DIGEST_MISMATCH',
    (path) => {
      writeFileSync(path, manifestJson({ annotations: { a: 'other' } }));
    },
  ],
  [
    'cut short',
    'DIGEST_MISMATCH',
    (path) => {
      truncateSync(path, 20);
    },
  ],
  [
    'a link to what it should be',
    'NOT_FOUND',
    (path) => {
      rmSync(path);
      writeFileSync(`${path}.real`, manifestJson());
      symlinkSync(`${path}.real`, path);
    },
  ],
  [
    'too large',
    'LIMIT_SIZE',
    (path) => {
      writeFileSync(path, ' '.repeat((4 << 20) + 1));
    },
  ],
];

for (const [what, code, damage] of DAMAGE) {
  test(`a manifest that is ${what}: ${code}`, async (t) => {
    const layout = new Layout(t);
    const root = layout.list(manifestJson(), { kind: `${KIND}/image` });
    const source = await LayoutSource.open(layout.folder);
    damage(layout.path(root));
    await assert.rejects(source.getManifest(source.reference), { code });
  });

  test(`a blob that is ${what}: ${code}, whole or streamed`, async (t) => {
    const layout = new Layout(t);
    layout.list(manifestJson(), { kind: `${KIND}/image` });
    const blob = layout.blob(manifestJson({ annotations: { a: 'blob' } }));
    const source = await LayoutSource.open(layout.folder);
    damage(layout.path(blob));
    const expected = what === 'a link to what it should be' ? 'NOT_FOUND' : code;
    await assert.rejects(source.getBlob(REPOSITORY, blob, 4 << 20), { code: expected });
    await assert.rejects(
      (async () => {
        for await (const chunk of source.streamBlob(REPOSITORY, blob, 4 << 20)) assert.ok(chunk.length > 0);
      })(),
      { code: expected },
    );
  });
}

test('a tag that the layout does not know is TAG_NOT_FOUND', async (t) => {
  const layout = new Layout(t);
  layout.list(manifestJson(), { kind: `${KIND}/image`, 'org.opencontainers.image.ref.name': '1' });
  const source = await LayoutSource.open(layout.folder);
  assert.equal((await source.getManifest(source.reference.atTag('1'))).mediaType, OCI_MANIFEST);
  await assert.rejects(source.getManifest(source.reference.atTag('2')), { code: 'TAG_NOT_FOUND' });
});
