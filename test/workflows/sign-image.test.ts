import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signImage } from '../../src/workflows/sign-image.ts';
import { signaturePolicy } from '../../src/workflows/signature-policy.ts';
import { verifyImage } from '../../src/workflows/verify-image.ts';
import { ALICE, ISSUER, SIGNING_TIME, SUBJECT } from '../support/instance.ts';
import { KEYLESS, signingWorld } from '../support/signing-world.ts';

test('an image signed keylessly verifies', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const signed = await signImage({ ...world.context, registry: world.registry, reference, signer: KEYLESS });
  assert.equal(signed.digest.toString(), digest.toString());
  assert.ok(signed.isTagResolved);
  assert.deepEqual(signed.timestamp, SIGNING_TIME);
  assert.equal(signed.signer.kind === 'certificate' && signed.signer.subject, SUBJECT);
  assert.equal(signed.signer.kind === 'certificate' && signed.signer.issuer, ISSUER);
  world.seen.length = 0;
  const verified = await verifyImage({
    registry: world.registry,
    reference,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy({ kind: 'identities', identities: [ALICE] }),
    now: SIGNING_TIME,
  });
  assert.equal(verified.signatures.length, 1);
  assert.equal(verified.signatures[0]?.json, signed.bundleJson);
  assert.deepEqual(
    world.seen.map((line) => line.replace(/sha256:.*/, 'DIGEST')),
    [
      'HEAD /v2/demo/app/manifests/latest',
      'GET /v2/demo/app/referrers/DIGEST',
      'GET /v2/demo/app/manifests/DIGEST',
      'GET /v2/demo/app/blobs/DIGEST',
    ],
  );
});
