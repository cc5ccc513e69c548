/** Registries without the referrers API: many writers of one tag, and none of them loses anything. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { referrersTag } from '../../../src/core/image/attached-tag.ts';
import { parseManifest } from '../../../src/core/image/manifest.ts';
import { OCI_INDEX } from '../../../src/core/image/media-types.ts';
import { ImageReference, type Repository } from '../../../src/core/image/reference.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { cleanImage } from '../../../src/workflows/carry/clean-image.ts';
import { dockerRegistry } from '../../support/docker-registry.ts';
import { image, pushManifest, pushReferrer } from '../../support/image-family.ts';
import { interop } from '../../support/interop.ts';
import { lyingRegistry, patientClient, says } from '../../support/lying-registry.ts';
import { freePort, startPeer } from '../../support/peer-process.ts';
import { clientOf, digestOf, manifestJson, OCI_MANIFEST } from '../../support/registry-server.ts';

const WRITERS = 20;

/** Twenty signers, each with connections and a memory of its own, of one image at once. */
async function signAtOnce(t: TestContext, repository: Repository): Promise<void> {
  const client = clientOf(t);
  const subject = await pushManifest(client, repository, await image(client, repository, 'application'), '1');
  const pushed = await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const http = new HttpClient();
      t.after(() => {
        http.close();
      });
      return pushReferrer(new RegistryClient({ http, action: 'push' }), repository, subject, `{"writer":${writer}}`);
    }),
  );
  const { descriptors, source } = await client.referrers(repository, subject.digest);
  assert.equal(source, 'tag');
  const listed = descriptors.map(({ digest }) => digest.toString()).sort();
  assert.deepEqual(listed, pushed.map(({ digest }) => digest.toString()).sort());
  for (const { artifactType, annotations } of descriptors) {
    assert.equal(artifactType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
    assert.equal(annotations?.['dev.sigstore.bundle.predicateType'], 'https://sigstore.dev/cosign/sign/v1');
  }
}

interop(
  'registry',
  'sealwright → peer',
  'fallback tag: twenty signers at once, none loses its entry',
  async (t, registry) => {
    const port = await freePort();
    await startPeer(t, registry, ['-port', String(port)], `http://127.0.0.1:${port}/v2/`);
    await signAtOnce(t, { registry: `127.0.0.1:${port}`, repository: 'shop/app' });
  },
);

// Docker's own registry, version 2: the most common one without the API.
interop(
  'docker-registry',
  'sealwright → peer',
  'fallback tag: twenty signers at once, none loses its entry',
  async (t, executable) => {
    const registry = await dockerRegistry(t, executable);
    await signAtOnce(t, { registry, repository: 'shop/app' });
  },
);

interop(
  'docker-registry',
  'sealwright → peer',
  'clean: tags are deleted by digest, and the fallback tag forgets',
  async (t, executable) => {
    const repository = { registry: await dockerRegistry(t, executable), repository: 'shop/app' };
    const client = clientOf(t);
    const subject = await pushManifest(client, repository, await image(client, repository, 'application'), '1');
    await pushReferrer(client, repository, subject, '{"of":"one"}');
    const kept = await pushReferrer(client, repository, subject, '{"of":"two"}', 'https://slsa.dev/provenance/v1');
    const tag = `${referrersTag(subject.digest)}.sig`;
    await pushManifest(client, repository, await image(client, repository, 'signatures'), tag);
    const reference = new ImageReference({ ...repository, tag: '1' });
    const { removed, failed } = await cleanImage({ registry: client, reference, type: 'signature' });
    assert.deepEqual(failed, []);
    assert.equal(removed.length, 2);
    assert.equal(await client.resolveIfPresent(reference.atTag(tag)), undefined);
    const { descriptors } = await client.referrers(repository, subject.digest);
    assert.deepEqual(descriptors.map(String), [kept].map(String));
    assert.equal(descriptors[0]?.digest.toString(), kept.digest.toString());
  },
);

test('writers whose requests arrive in any order: every entry stays', async (t) => {
  let index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  const subject = { mediaType: OCI_MANIFEST, digest: digestOf('subject'), size: 7 };
  const tag = `/v2/shop/app/manifests/${subject.digest.replace(':', '-')}`;
  const later = (answer: () => void): void => {
    setTimeout(answer, Math.random() * 10);
  };
  const registry = await lyingRegistry(t, {
    [`GET ${tag}`]: (response) => {
      const found = index;
      later(() => response.writeHead(200, { 'content-type': OCI_INDEX }).end(found));
    },
    [`PUT ${tag}`]: (response, _, body) => {
      later(() => {
        index = body.toString();
        response.writeHead(201).end();
      });
    },
    'PUT /v2/shop/app/manifests/sha256:': says(201),
  });
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const http = new HttpClient();
      t.after(() => {
        http.close();
      });
      const client = new RegistryClient({ http, action: 'push' });
      const manifest = manifestJson({ subject, annotations: { writer: String(writer) } });
      await client.pushReferrer(registry.repository, Buffer.from(manifest));
    }),
  );
  const parsed = parseManifest(Buffer.from(index));
  assert.equal(parsed.kind === 'index' ? parsed.manifests.length : 0, WRITERS);
});

test('a rival that never stops: COULD_NOT_CHECK, after many attempts, and it may be tried again', async (t) => {
  const subject = { mediaType: OCI_MANIFEST, digest: digestOf('subject'), size: 7 };
  const tag = `/v2/shop/app/manifests/${subject.digest.replace(':', '-')}`;
  const empty = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  const registry = await lyingRegistry(t, {
    [`GET ${tag}`]: says(200, empty, { 'content-type': OCI_INDEX }),
    [`PUT ${tag}`]: says(201),
    'PUT /v2/shop/app/manifests/sha256:': says(201),
  });
  const { client } = patientClient(t);
  await assert.rejects(client.pushReferrer(registry.repository, Buffer.from(manifestJson({ subject }))), {
    code: 'COULD_NOT_CHECK',
    retryable: true,
  });
  assert.equal(registry.asked().filter((line) => line.startsWith(`PUT ${tag}`)).length, 40);
});

test("an image under the fallback tag, as cosign's copy leaves it: REMOTE_STATUS with what to do, nothing overwritten", async (t) => {
  const subject = { mediaType: OCI_MANIFEST, digest: digestOf('subject'), size: 7 };
  const tag = `/v2/shop/app/manifests/${subject.digest.replace(':', '-')}`;
  const registry = await lyingRegistry(t, {
    [`GET ${tag}`]: says(200, manifestJson(), { 'content-type': OCI_MANIFEST }),
    'PUT /v2/shop/app/manifests/sha256:': says(201),
  });
  const { client } = patientClient(t);
  await assert.rejects(client.pushReferrer(registry.repository, Buffer.from(manifestJson({ subject }))), {
    code: 'REMOTE_STATUS',
  });
  assert.ok(!registry.asked().some((line) => line.startsWith(`PUT ${tag}`)));
});
