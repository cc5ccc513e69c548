import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { parseReference } from '../../src/core/image/reference.ts';
import type { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { cleanImage, type CleanType } from '../../src/workflows/carry/clean-image.ts';
import { image, pushFamily, pushReferrer, type ImageFamily } from '../support/image-family.ts';
import { lyingRegistry, patientClient, says } from '../support/lying-registry.ts';
import { clientOf, repositoryAt, startRegistry } from '../support/registry-server.ts';

interface World {
  readonly client: RegistryClient;
  readonly family: ImageFamily;
}

async function world(t: TestContext): Promise<World> {
  const client = clientOf(t);
  const repository = repositoryAt(await startRegistry(t), 'shop/app');
  const family = await pushFamily(client, repository);
  await pushReferrer(client, repository, family.index, '{"of":"attestation"}', 'https://slsa.dev/provenance/v1');
  // Somebody else's tool's: never ours to remove.
  const other = await image(client, repository, 'another tool');
  const { mediaType, size, digest } = family.index;
  const artifactType = 'application/vnd.cncf.notary.signature';
  await client.pushReferrer(
    repository,
    encodeManifest({ ...other, artifactType, subject: { mediaType, size, digest } }),
  );
  return { client, family };
}

/** Kinds of what is left of the index's own: tags by their suffix, referrers by their type. */
async function left({ client, family }: World): Promise<string[]> {
  const { index, reference } = family;
  const found: string[] = [];
  for (const tag of family.tags.filter((name) => name.includes(index.digest.hex))) {
    if ((await client.resolveIfPresent(reference.atTag(tag))) !== undefined) found.push(tag.slice(-4));
  }
  for (const { annotations, artifactType } of (await client.referrers(reference, index.digest)).descriptors) {
    found.push(annotations?.['dev.sigstore.bundle.predicateType'] ?? artifactType ?? '');
  }
  return found.sort();
}

const NOTARY = 'application/vnd.cncf.notary.signature';
const SIGN = 'https://sigstore.dev/cosign/sign/v1';
const PROVENANCE = 'https://slsa.dev/provenance/v1';

const CASES: readonly (readonly [type: CleanType, tagsOnly: boolean, left: readonly string[]])[] = [
  ['signature', false, [NOTARY, PROVENANCE, 'sbom']],
  ['attestation', false, ['.sig', NOTARY, SIGN, 'sbom']],
  ['sbom', false, ['.sig', NOTARY, PROVENANCE, SIGN]],
  ['referrer', false, ['.sig', NOTARY, 'sbom']],
  ['all', false, [NOTARY]],
  ['signature', true, [NOTARY, PROVENANCE, SIGN, 'sbom']],
  ['all', true, [NOTARY]],
];

for (const [type, tagsOnly, expected] of CASES) {
  test(`${type}${tagsOnly ? ", as cosign's" : ''}: ${expected.length} things are left, and the image`, async (t) => {
    const all = await world(t);
    const { client, family } = all;
    const { failed } = await cleanImage({ registry: client, reference: family.reference, type, tagsOnly });
    assert.deepEqual(failed, []);
    assert.deepEqual(await left(all), [...expected].sort());
    assert.equal((await client.resolve(family.reference)).digest.toString(), family.index.digest.toString());
  });
}

test('signatures elsewhere (COSIGN_REPOSITORY) are cleaned there, and those beside the image stay', async (t) => {
  const all = await world(t);
  const { client, family } = all;
  const before = await left(all);
  const signatureRepository = { registry: family.reference.registry, repository: 'shop/signatures' };
  await pushReferrer(client, signatureRepository, family.index, '{"of":"elsewhere"}');
  const { removed } = await cleanImage({
    registry: client,
    reference: family.reference,
    signatureRepository,
    type: 'all',
  });
  assert.equal(removed.length, 1);
  assert.deepEqual(await left(all), before);
  assert.deepEqual((await client.referrers(signatureRepository, family.index.digest)).descriptors, []);
});

test('a registry that does not delete: each refusal is returned, none hides the others', async (t) => {
  const registry = await lyingRegistry(t, {
    'HEAD /v2/shop/app/manifests/': says(200, '', {
      'docker-content-digest': `sha256:${'ab'.repeat(32)}`,
      'content-type': OCI_MANIFEST,
      'content-length': '10',
    }),
    'DELETE /v2/shop/app/manifests/': says(405, '{"errors":[{"code":"UNSUPPORTED"}]}'),
  });
  const { client } = patientClient(t);
  const reference = parseReference(`${registry.host}/shop/app:1`);
  const { failed, removed } = await cleanImage({ registry: client, reference, type: 'all' });
  assert.deepEqual(removed, []);
  assert.deepEqual(
    failed.map(({ error }) => error.code),
    ['REMOTE_STATUS', 'REMOTE_STATUS', 'REMOTE_STATUS'],
  );
});

test('a page in the place of the list of referrers: COULD_NOT_CHECK, and nothing is removed; as cosign, the tags are', async (t) => {
  const registry = await lyingRegistry(t, {
    'HEAD /v2/shop/app/manifests/': says(200, '', {
      'docker-content-digest': `sha256:${'ab'.repeat(32)}`,
      'content-type': OCI_MANIFEST,
      'content-length': '10',
    }),
    'GET /v2/shop/app/referrers/': says(200, '<html>', { 'content-type': 'text/html' }),
    'DELETE /v2/shop/app/manifests/': says(202),
  });
  const { client } = patientClient(t);
  const reference = parseReference(`${registry.host}/shop/app:1`);
  for (const type of ['all', 'signature', 'referrer'] as const) {
    await assert.rejects(cleanImage({ registry: client, reference, type }), { code: 'COULD_NOT_CHECK' });
  }
  assert.deepEqual(
    registry.asked().filter((line) => line.startsWith('DELETE')),
    [],
  );
  const told: string[] = [];
  const onDoubt = (what: string): void => {
    told.push(what);
  };
  const { removed } = await cleanImage({ registry: client, reference, type: 'all', onDoubt });
  assert.equal(removed.length, 3);
  assert.deepEqual(told, [`what refers to sha256:${'ab'.repeat(32)}`]);
});

test('a tag that does not exist: TAG_NOT_FOUND, and nothing is asked to be deleted', async (t) => {
  const { client, family } = await world(t);
  await assert.rejects(cleanImage({ registry: client, reference: family.reference.atTag('none'), type: 'all' }), {
    code: 'TAG_NOT_FOUND',
  });
});
