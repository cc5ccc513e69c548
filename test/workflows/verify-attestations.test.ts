import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preAuthEncoding } from '../../src/core/attestation/dsse.ts';
import { encodeStatement, IN_TOTO_PAYLOAD_TYPE, STATEMENT_V1 } from '../../src/core/attestation/statement.ts';
import { LAYER_ANNOTATIONS } from '../../src/core/bundle/signature-layer.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../src/core/image/attached-tag.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_CONFIG, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { renderError, type PolicyError, type SealwrightError } from '../../src/errors.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import { attestImage } from '../../src/workflows/sign/attest-image.ts';
import { AttestationPolicies, type AttestationPolicy } from '../../src/workflows/verify/attestation-policies.ts';
import { downloadAttestations } from '../../src/workflows/carry/download-attestations.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import {
  verifyAttestations,
  type VerifiedAttestations,
  type VerifyAttestationsRequest,
} from '../../src/workflows/verify/verify-attestations.ts';
import { PolicyEngines } from '../../src/io/engines/policy-engines.ts';
import { ALICE } from '../support/instance.ts';
import { policyEngines } from '../support/policy-engines.ts';
import { KEYLESS, signingWorld, type SigningWorld } from '../support/signing-world.ts';

const TYPE = 'https://example.com/review/v1';
const ALICES = signaturePolicy({ kind: 'identities', identities: [ALICE] });

async function attest(world: SigningWorld, reference: ImageReference, predicate: object, type = TYPE): Promise<void> {
  const content = { kind: 'predicate', type, content: utf8(JSON.stringify(predicate)) } as const;
  await attestImage({ ...world.context, registry: world.registry, reference, signer: KEYLESS, content });
}

function verify(
  world: SigningWorld,
  reference: ImageReference,
  more: Partial<VerifyAttestationsRequest> = {},
): Promise<VerifiedAttestations> {
  const { trustedRoot, now } = world.context;
  return verifyAttestations({
    registry: world.registry,
    reference,
    type: TYPE,
    trustedRoot,
    policy: ALICES,
    now: now(),
    ...more,
  });
}

const levels = ({ attestations }: VerifiedAttestations): unknown[] =>
  attestations.map(({ statement }) => (statement.predicate as { level: unknown }).level);

/** An `.att` tag with one envelope, signed by a key, as cosign 2 stored it. */
async function pushEnvelope(
  world: SigningWorld,
  reference: ImageReference,
  digest: Digest,
  key: PrivateKey,
): Promise<void> {
  const payload = encodeStatement({
    type: STATEMENT_V1,
    subjects: [{ digests: new Map([['sha256', digest.hex]]) }],
    predicateType: TYPE,
    predicate: { level: 9 },
  });
  const sig = Buffer.from(key.sign(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload))).toString('base64');
  const envelope = utf8(
    JSON.stringify({
      payloadType: IN_TOTO_PAYLOAD_TYPE,
      payload: Buffer.from(payload).toString('base64'),
      signatures: [{ keyid: '', sig }],
    }),
  );
  const config = utf8('{}');
  for (const blob of [config, envelope]) await world.registry.putBlob(reference, blob);
  const manifest = encodeManifest({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: Digest.of(config), size: config.length },
    layers: [
      {
        mediaType: 'application/vnd.dsse.envelope.v1+json',
        digest: Digest.of(envelope),
        size: envelope.length,
        annotations: { [LAYER_ANNOTATIONS.signature]: '', [LAYER_ANNOTATIONS.predicateType]: TYPE },
      },
    ],
  });
  await world.registry.putManifest(reference, legacyTag(digest, 'att'), manifest, OCI_MANIFEST);
}

test('every attestation of the type is found and verified, and no other', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  await attest(world, reference, { level: 1 });
  await attest(world, reference, { level: 2 });
  await attest(world, reference, { bomFormat: 'CycloneDX' }, 'cyclonedx');
  const verified = await verify(world, reference);
  assert.deepEqual(levels(verified).toSorted(), [1, 2]);
  assert.deepEqual([verified.predicateType, verified.digest.toString()], [TYPE, digest.toString()]);
  assert.deepEqual([verified.denied, verified.refused, verified.isTagResolved], [[], [], true]);
  const [bom] = (await verify(world, reference, { type: 'cyclonedx' })).attestations;
  assert.deepEqual(bom?.statement.predicate, { bomFormat: 'CycloneDX' });
});

test('envelopes under the .att tag count beside bundles, by the same rules', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const key = PrivateKey.generate('ecdsa-p256');
  await pushEnvelope(world, reference, digest, key);
  const policy = signaturePolicy({ kind: 'key', key: key.publicKey }, { insecureIgnoreTlog: true });
  const alone = await verify(world, reference, { policy });
  assert.deepEqual([levels(alone), alone.attestations[0]?.format], [[9], 'legacy']);
  await assert.rejects(verify(world, reference, { policy: signaturePolicy({ kind: 'key', key: key.publicKey }) }), {
    code: 'LOG_ENTRY_MISSING',
  });
  await attest(world, reference, { level: 1 });
  const both = await verify(world, reference);
  assert.deepEqual([levels(both), both.refused.length], [[1], 1]);
  const other = PrivateKey.generate('ecdsa-p256').publicKey;
  const stranger = signaturePolicy({ kind: 'key', key: other }, { insecureIgnoreTlog: true });
  await assert.rejects(verify(world, reference, { policy: stranger }), { family: 'verification' });
});

test('downloading prints bundles as they are stored, then envelopes, by type when one is named', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const request = { registry: world.registry, reference };
  assert.deepEqual(await downloadAttestations(request), { lines: [], unusable: [] });
  await assert.rejects(downloadAttestations({ ...request, predicateType: TYPE }), { code: 'NO_ATTESTATION' });
  await pushEnvelope(world, reference, digest, PrivateKey.generate('ecdsa-p256'));
  await attest(world, reference, { level: 1 });
  await attest(world, reference, {}, 'cyclonedx');
  const all = (await downloadAttestations(request)).lines.map((line) => JSON.parse(line) as object);
  assert.deepEqual(
    all.map((document) => ('mediaType' in document ? 'bundle' : 'payloadType' in document ? 'envelope' : '?')),
    ['bundle', 'bundle', 'envelope'],
  );
  assert.equal((await downloadAttestations({ ...request, predicateType: 'cyclonedx' })).lines.length, 1);
  assert.equal((await downloadAttestations({ ...request, predicateType: TYPE })).lines.length, 2);
  const platform = { os: 'linux', architecture: 'amd64' };
  await assert.rejects(downloadAttestations({ ...request, platform }), { code: 'USAGE_BAD_FLAG' });
  await assert.rejects(downloadAttestations({ ...request, predicateType: 'sbom' }), { code: 'USAGE_BAD_FLAG' });
});

test('an image with other attestations is told from one with none, and the types are named', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await assert.rejects(verify(world, reference), { code: 'NO_ATTESTATION', exitCode: 10 });
  await signImage({ ...world.context, registry: world.registry, reference, signer: KEYLESS });
  await assert.rejects(verify(world, reference), (error: SealwrightError) => {
    assert.match(renderError(error), /found: +only https:\/\/sigstore\.dev\/cosign\/sign\/v1\n/);
    assert.doesNotMatch(renderError(error), /add --type/);
    return true;
  });
  await attest(world, reference, {}, 'openvex');
  await assert.rejects(verify(world, reference, { type: 'custom' }), (error: SealwrightError) => {
    assert.equal(error.code, 'NO_ATTESTATION');
    assert.match(renderError(error), /fix: +add --type https:\/\/openvex\.dev\/ns/);
    return true;
  });
  await assert.rejects(verify(world, reference.atTag('none')), { code: 'TAG_NOT_FOUND' });
  await assert.rejects(verify(world, reference, { type: 'opnvex' }), { code: 'USAGE_BAD_FLAG' });
});

test("another's attestation is said to be another's; beside one that counts it is passed over", async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await attest(world, reference, { level: 1 });
  const eve = { ...ALICE, subject: { kind: 'exact', value: 'eve@example.com' } } as const;
  const policy = signaturePolicy({ kind: 'identities', identities: [eve] });
  await assert.rejects(verify(world, reference, { policy }), { code: 'IDENTITY_MISMATCH', exitCode: 12 });
  const content = { kind: 'predicate', type: TYPE, content: utf8('{"level":2}') } as const;
  const signer = { kind: 'key', key: PrivateKey.generate('ecdsa-p256') } as const;
  await attestImage({ ...world.context, registry: world.registry, reference, signer, content });
  const verified = await verify(world, reference);
  assert.deepEqual([levels(verified), verified.refused.length], [[1], 1]);
});

test('an attestation of another image counts for nothing, wherever it has been pushed', async (t) => {
  const world = await signingWorld(t);
  const one = await world.pushImage('one', 'one layer');
  const other = await world.pushImage('other', 'another layer');
  await attest(world, one.reference, { level: 1 });
  const [line = ''] = (await downloadAttestations({ registry: world.registry, reference: one.reference })).lines;
  const subject = await world.registry.resolve(other.reference);
  await pushBundle(world.registry, other.reference, subject, line, { predicateType: TYPE, createdAt: new Date(0) });
  await assert.rejects(verify(world, other.reference), { code: 'SUBJECT_MISMATCH' });
});

test('a bundle that lies about its type in the list is judged by what it says', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await attest(world, reference, { level: 1 }, 'https://example.com/other/v1');
  const [line = ''] = (await downloadAttestations({ registry: world.registry, reference })).lines;
  const subject = await world.registry.resolve(reference);
  await pushBundle(world.registry, reference, subject, line, { predicateType: TYPE, createdAt: new Date(0) });
  await assert.rejects(verify(world, reference), { code: 'NO_ATTESTATION' });
});

test('a registry that cannot be asked is no image without attestations', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  await attest(world, reference, { level: 1 });
  world.faults.set(`GET /v2/demo/app/manifests/${legacyTag(digest, 'att')}`, () => new Response('', { status: 403 }));
  await assert.rejects(verify(world, reference), { family: 'auth' });
});

const REGO = 'package signature\nallow { input.predicate.level >= 2 }';

async function withPolicies(
  t: Parameters<typeof policyEngines>[0],
  ...policies: readonly (readonly [AttestationPolicy['language'], string])[]
): Promise<AttestationPolicies | undefined> {
  const engines = await policyEngines(t);
  if (engines === undefined) return undefined;
  const sources = policies.map(([language, text], index) => ({ language, text, name: `p${index}.${language}` }));
  return new AttestationPolicies(engines, sources, new Date());
}

test('every attestation is judged, and one that fails fails all; unless one is enough', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const policies = await withPolicies(t, ['rego', REGO]);
  if (policies === undefined) return;
  await attest(world, reference, { level: 2 });
  assert.deepEqual(levels(await verify(world, reference, { policies })), [2]);
  await attest(world, reference, { level: 1 });
  for (const policyMode of [undefined, 'all'] as const) {
    const more = policyMode === undefined ? { policies } : { policies, policyMode };
    await assert.rejects(verify(world, reference, more), (error: PolicyError) => {
      assert.deepEqual([error.code, error.exitCode], ['POLICY_DENIED', 20]);
      assert.match(error.message, /^1 of 2 attestations/);
      assert.match(error.facts.found ?? '', /^sha256:[0-9a-f]{64}: p0\.rego: result is undefined for query/);
      return true;
    });
  }
  const one = await verify(world, reference, { policies, policyMode: 'any' });
  assert.deepEqual([levels(one), one.denied.length, one.refused.length], [[2], 1, 0]);
  await attest(world, reference, { level: 7 }, 'https://example.com/other/v1');
  assert.equal((await verify(world, reference, { policies, policyMode: 'any' })).attestations.length, 1);
});

test('with every attestation denied, one being enough does not help', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const policies = await withPolicies(t, ['rego', REGO]);
  if (policies === undefined) return;
  await attest(world, reference, { level: 1 });
  await assert.rejects(verify(world, reference, { policies, policyMode: 'any' }), { code: 'POLICY_DENIED' });
});

test('policies in three languages together: each has to be satisfied', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await attest(world, reference, { level: 3, team: 'shop' });
  const cases: readonly (readonly [AttestationPolicy['language'], string, RegExp | undefined])[] = [
    ['cue', 'predicate: level: >=3', undefined],
    ['cue', 'predicate: level: >3', /p1\.cue: /],
    ['rego', 'package signature\nallow { input.predicate.team == "shop" }', undefined],
    ['rego', 'package signature\nallow = "true"', /p1\.rego: expression value, "true", is not true/],
    ['rego', 'package signature\nallow = 1 { true }\nallow = 2 { true }', /the policy failed on this input/],
    ['cel', 'predicate.level == 3 && subject.size() == 1 && predicateType.endsWith("/review/v1")', undefined],
    ['cel', 'input.predicate.team == "door"', /p1\.cel: false/],
    ['cel', 'predicate.team', /p1\.cel: a value of type string, not true/],
    ['cel', 'predicate.owner == "me"', /the policy failed on this input/],
  ];
  for (const [language, text, objection] of cases) {
    const policies = await withPolicies(t, ['cue', 'predicateType: string'], [language, text]);
    if (policies === undefined) return;
    if (objection === undefined) await verify(world, reference, { policies });
    else {
      await assert.rejects(verify(world, reference, { policies }), (error: PolicyError) => {
        assert.equal(error.code, 'POLICY_DENIED', text);
        assert.match(error.facts.found ?? '', objection);
        return true;
      });
    }
  }
});

test('a policy that is none is its author\u2019s mistake, not the attestation\u2019s', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await attest(world, reference, { level: 3 });
  for (const [language, text] of [
    ['rego', 'package signature\nallow {'],
    ['rego', 'package signature\nallow { http.send({"method": "get", "url": "http://localhost"}) }'],
    ['cue', 'predicate: {'],
    ['cel', 'predicate.level =='],
    ['cel', ''],
  ] as const) {
    const policies = await withPolicies(t, [language, text]);
    if (policies === undefined) return;
    await assert.rejects(verify(world, reference, { policies, policyMode: 'any' }), { code: 'FORMAT_POLICY' }, text);
  }
});

test('without the engines nothing is admitted', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await attest(world, reference, { level: 3 });
  const engines = new PolicyEngines({ executable: '/nonexistent/policy-engines' });
  t.after(() => engines.close());
  const policies = new AttestationPolicies(engines, [{ language: 'rego', name: 'p.rego', text: REGO }], new Date());
  for (const policyMode of ['all', 'any'] as const) {
    await assert.rejects(verify(world, reference, { policies, policyMode }), {
      code: 'POLICY_ENGINE_MISSING',
      exitCode: 23,
    });
  }
});

test('a policy that never ends is stopped, and admits nothing', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await attest(world, reference, { level: 3 });
  const engines = await policyEngines(t, { timeoutMs: 300 });
  if (engines === undefined) return;
  const text =
    'package signature\nallow { a := numbers.range(1, 30000)[_]; b := numbers.range(1, 30000)[_]; a * b == 900000001 }';
  const policies = new AttestationPolicies(engines, [{ language: 'rego', name: 'p.rego', text }], new Date());
  await assert.rejects(verify(world, reference, { policies, policyMode: 'any' }), {
    code: /^POLICY_ENGINE_(TIMEOUT|FAILED)$/,
  });
});
