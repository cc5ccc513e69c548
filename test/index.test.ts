/** The library as its users see it: everything here is imported from the package's entry alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sealwright from '../src/index.ts';
import { ISSUER, SIGNING_TIME, SUBJECT } from './support/instance.ts';
import { KEYLESS, signingWorld } from './support/signing-world.ts';

test('an image and a blob are signed and verified through the entry alone', async (t) => {
  const world = await signingWorld(t);
  const { digest } = await world.pushImage();
  const registry = new sealwright.RegistryClient({ http: world.context.http, action: 'push' });
  const reference = sealwright.parseReference(`${world.host}/demo/app:latest`);
  await sealwright.signImage({ ...world.context, registry, reference, signer: KEYLESS });
  const policy = sealwright.signaturePolicy({
    kind: 'identities',
    identities: [{ subject: { kind: 'exact', value: SUBJECT }, issuer: { kind: 'exact', value: ISSUER } }],
  });
  const { trustedRoot } = world.context;
  const image = await sealwright.verifyImage({ registry, reference, trustedRoot, policy, now: SIGNING_TIME });
  assert.equal(image.digest.toString(), digest.toString());
  assert.ok(sealwright.VerifiedBundle.isVerified(image.signatures[0]?.bundle));

  async function* blob(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('artifact'));
  }
  const signed = await sealwright.signBlob({ ...world.context, blob: blob(), signer: KEYLESS });
  const artifact = { kind: 'digest', digest: sealwright.Digest.of(Buffer.from('artifact')) } as const;
  const verified = await sealwright.verifyBlob({
    artifact,
    bundle: signed.bundleJson,
    trustedRoot,
    policy,
    now: SIGNING_TIME,
  });
  assert.equal(verified.logEntries.length, 1);
});

test('attestations of an image and of a blob are made and verified through the entry alone', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const { registry, context } = world;
  const type = 'https://example.com/review/v1';
  const content = { kind: 'predicate', type, content: Buffer.from('{"level":3}') } as const;
  const attested = await sealwright.attestImage({ ...context, registry, reference, signer: KEYLESS, content });
  assert.equal(attested.statement.predicateType, type);
  const policy = sealwright.signaturePolicy({
    kind: 'identities',
    identities: [{ subject: { kind: 'exact', value: SUBJECT }, issuer: { kind: 'exact', value: ISSUER } }],
  });
  const { trustedRoot } = context;
  const request = { registry, reference, type, trustedRoot, policy, now: SIGNING_TIME };
  const verified = await sealwright.verifyAttestations(request);
  assert.equal(verified.attestations.length, 1);
  await assert.rejects(sealwright.verifyAttestations({ ...request, type: 'https://example.com/none' }), {
    code: 'NO_ATTESTATION',
  });
  const downloaded = await sealwright.downloadAttestations({ registry, reference });
  assert.equal(downloaded.lines.length, 1);

  const artifact = { kind: 'digest', hex: '00'.repeat(32) } as const;
  const blob = await sealwright.attestBlob({ ...context, artifact, name: 'app.tgz', signer: KEYLESS, content });
  const judged = await sealwright.verifyBlobAttestation({
    artifact: { kind: 'digest', algorithm: 'sha256', digest: new Uint8Array(32) },
    bundle: sealwright.parseBundle(blob.bundleJson),
    type,
    trustedRoot,
    policy,
    now: SIGNING_TIME,
  });
  assert.equal(judged.statement?.predicateType, type);
});

test('errors are told apart by family and code', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const policy = sealwright.signaturePolicy({
    kind: 'key',
    key: sealwright.PrivateKey.generate('ecdsa-p256').publicKey,
  });
  const { trustedRoot } = world.context;
  const request = { registry: world.registry, trustedRoot, policy, now: SIGNING_TIME };
  await assert.rejects(sealwright.verifyImage({ ...request, reference }), sealwright.NotFoundError);
  world.faults.set('GET /v2/demo/app/referrers/', () => new Response(null, { status: 500 }));
  await assert.rejects(sealwright.verifyImage({ ...request, reference }), sealwright.RemoteError);
  assert.throws(() => sealwright.parseReference('UPPER'), sealwright.FormatError);
});
