/** Verification under revocations: images, attestations and blobs, and the newest snapshot that is ever believed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { RevocationIndex } from '../../src/core/revocation/revocation-index.ts';
import type { VerifiedSnapshot } from '../../src/core/revocation/revocation-snapshot.ts';
import type { Revocation } from '../../src/core/revocation/revocation-statement.ts';
import { SealwrightError } from '../../src/errors.ts';
import { examineImage } from '../../src/workflows/verify/examine-image.ts';
import { publishSnapshot } from '../../src/workflows/revocation/revoke.ts';
import { RevocationState, type SnapshotKeeper } from '../../src/workflows/admission/revocation-state.ts';
import { signaturePolicy, type SignaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyAttestations } from '../../src/workflows/verify/verify-attestations.ts';
import { verifyBlobAttestation } from '../../src/workflows/verify/verify-blob-attestation.ts';
import { verifyBlob } from '../../src/workflows/verify/verify-blob.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import { ALICE, FakeInstance, ISSUER, SIGNING_TIME, statementAbout, SUBJECT } from '../support/instance.ts';
import { ARTIFACT, Authority, ISSUED, reinstatement, revocation } from '../support/revocations.ts';
import { World } from '../servers/webhook/world.ts';

const BY_ALICE = { identity: { issuer: ISSUER, subject: SUBJECT } };

function policy(...revocations: readonly Revocation[]): SignaturePolicy {
  const signer = { kind: 'identities', identities: [ALICE] } as const;
  return { ...signaturePolicy(signer), revocations: new RevocationIndex(revocations) };
}

function revoked(id: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SealwrightError, String(error));
    assert.equal(error.code, 'REVOKED', error.message);
    assert.equal(error.exitCode, 21);
    assert.match(error.facts.found ?? '', new RegExp(`statement ${id} `));
    return true;
  };
}

test('an image: its signer, its digest, and its digest without any signature', async (t) => {
  const world = await World.open(t);
  const signed = await world.pushSigned('shop/app');
  const bare = await world.push('shop/bare');
  const common = { registry: world.client, trustedRoot: world.instance.trustedRoot, now: SIGNING_TIME };
  const identity = revocation(BY_ALICE);
  const digest = revocation({ digest: [signed.digest!.toString(), bare.digest!.toString()] });
  await assert.rejects(verifyImage({ ...common, reference: signed, policy: policy(identity) }), revoked(identity.id));
  await assert.rejects(
    verifyImage({ ...common, reference: signed, policy: policy(digest, identity) }),
    revoked(digest.id),
  );
  await assert.rejects(verifyImage({ ...common, reference: bare, policy: policy(digest) }), revoked(digest.id));
  const good = await verifyImage({ ...common, reference: signed, policy: policy(revocation({ key: '0'.repeat(64) })) });
  assert.equal(good.signatures.length, 1);
  const { report } = await examineImage({ ...common, reference: signed, policy: policy(identity) });
  assert.equal(report.error?.code, 'REVOKED');
  assert.equal(report.signatures[0]?.error?.code, 'REVOKED', 'and says so of the signature');
  assert.ok(report.signatures[0].checks.length > 4, 'which is good but for that');
});

test('an attestation', async (t) => {
  const world = await World.open(t);
  const image = await world.push('shop/app');
  await world.attest(image, 'https://example.com/review/v1', { ok: true });
  const request = {
    registry: world.client,
    reference: image,
    type: 'https://example.com/review/v1',
    trustedRoot: world.instance.trustedRoot,
    now: SIGNING_TIME,
  };
  const identity = revocation(BY_ALICE);
  await assert.rejects(verifyAttestations({ ...request, policy: policy(identity) }), revoked(identity.id));
  const digest = revocation({ digest: [image.digest!.toString()] });
  await assert.rejects(verifyAttestations({ ...request, policy: policy(digest) }), revoked(digest.id));
  assert.equal((await verifyAttestations({ ...request, policy: policy() })).attestations.length, 1);
});

test('a blob, and what is attested about one', async () => {
  const instance = new FakeInstance();
  const blob = { kind: 'digest', digest: Digest.of(ARTIFACT) } as const;
  const bundle = parseBundle(encodeBundle(instance.signMessage(ARTIFACT)));
  const { trustedRoot } = instance;
  const request = { artifact: blob, bundle, trustedRoot, now: SIGNING_TIME };
  for (const made of [revocation(BY_ALICE), revocation({ digest: [Digest.of(ARTIFACT).toString()] })]) {
    await assert.rejects(verifyBlob({ ...request, policy: policy(made) }), revoked(made.id));
  }
  await verifyBlob({ ...request, policy: policy(revocation({ digest: [Digest.of(new Uint8Array(1)).toString()] })) });

  const payload = statementAbout(ARTIFACT);
  const attested = parseBundle(encodeBundle(instance.signStatement(ARTIFACT, { payload })));
  const { algorithm, bytes } = Digest.of(ARTIFACT);
  const attestation = {
    artifact: { kind: 'digest', algorithm, digest: bytes } as const,
    bundle: attested,
    type: attested.content.kind === 'dsse' ? typeOf(payload) : '',
    trustedRoot,
    now: SIGNING_TIME,
  };
  const identity = revocation(BY_ALICE);
  await assert.rejects(verifyBlobAttestation({ ...attestation, policy: policy(identity) }), revoked(identity.id));
  await verifyBlobAttestation({ ...attestation, policy: policy() });
});

function typeOf(payload: Uint8Array): string {
  return (JSON.parse(Buffer.from(payload).toString()) as { predicateType: string }).predicateType;
}

class Kept implements SnapshotKeeper {
  text: string | undefined;
  failure: Error | undefined;

  read(): Promise<string | undefined> {
    return Promise.resolve(this.text);
  }

  write(text: string): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.text = text;
    return Promise.resolve();
  }
}

const instance = new FakeInstance();
const people = new Authority(instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
const identity = revocation(BY_ALICE, { id: 'stolen' });
const stolen = people.sign(identity, ['ann']);
const back = people.sign(reinstatement('stolen'), ['ann']);

async function open(keeper: SnapshotKeeper, now = ISSUED): Promise<RevocationState> {
  return RevocationState.open({
    authority: people.authority,
    trustedRoot: instance.trustedRoot,
    keeper,
    mode: 'last-known',
    now: () => now,
  });
}

test('what was believed once is kept, also by another process and when nothing newer comes', async () => {
  const keeper = new Kept();
  const first = await open(keeper);
  assert.equal(first.view().staleness.effect, 'refuse', 'nobody has told anything yet');
  assert.equal(await first.accept(await people.snapshot({ version: 2, statements: [stolen] })), true);
  assert.equal(first.view().staleness.effect, 'none');
  const muchLater = await open(keeper, new Date(ISSUED.getTime() + 1000 * 3_600_000));
  assert.equal(muchLater.view().index.size, 1, 'a known revocation never lapses');
  assert.equal(muchLater.view().staleness.effect, 'refuse');
});

test('an older one is refused, and what is known stays', async () => {
  const keeper = new Kept();
  const state = await open(keeper);
  await state.accept(await people.snapshot({ version: 2, statements: [stolen] }));
  const kept = keeper.text;
  await assert.rejects(state.accept(await people.snapshot({ version: 1 })), { code: 'REVOCATIONS_OLDER' });
  await assert.rejects(state.accept(await people.snapshot({ version: 3 })), { code: 'REVOCATIONS_CONFLICT' });
  await assert.rejects(state.accept('{}'), { code: 'FORMAT_REVOCATION' });
  assert.equal(state.view().index.size, 1);
  assert.equal(keeper.text, kept);
  assert.equal(await state.accept(keeper.text ?? ''), false, 'the same one is no news');
  assert.equal(await state.accept(await people.snapshot({ version: 3, statements: [stolen, back] })), true);
  assert.equal(state.view().index.size, 0, 'reinstated');
});

test('what could not be kept is not believed either: the next process would not know it', async () => {
  const keeper = new Kept();
  const state = await open(keeper);
  keeper.failure = new Error('disk full');
  await assert.rejects(state.accept(await people.snapshot({ statements: [stolen] })), /disk full/);
  assert.equal(state.view().index.size, 0);
  keeper.failure = undefined;
  assert.equal(await state.accept(await people.snapshot({ statements: [stolen] })), true);
});

test('what is kept and was changed is refused at the start', async () => {
  const keeper = new Kept();
  const state = await open(keeper);
  await state.accept(await people.snapshot({ statements: [stolen] }));
  keeper.text = (keeper.text ?? '').replace('"sig":"', '"sig":"A');
  await assert.rejects(open(keeper), (error: unknown) => error instanceof SealwrightError);
});

test('two at the same time: the newer one stays', async () => {
  const keeper = new Kept();
  const state = await open(keeper);
  const [older, newer] = [
    await people.snapshot({ version: 1 }),
    await people.snapshot({ version: 2, statements: [stolen] }),
  ];
  const results = await Promise.allSettled([state.accept(older), state.accept(newer)]);
  assert.ok(results.some(({ status }) => status === 'fulfilled'));
  assert.equal(state.snapshot?.version, 2);
});

/** A publisher's clock, snapshot after snapshot, and when each says that it was issued. */
const CLOCKS: readonly (readonly [name: string, hours: readonly number[], issued: readonly number[]])[] = [
  ['that goes on', [0, 1, 2], [0, 1, 2]],
  ['that goes back a little: no snapshot is older than the one before it', [0, 1, 1 - 1 / 60], [0, 1, 1]],
  ['that was a year ahead once: the next one is of its own time again', [0, 8760, 1, 2], [0, 8760, 1, 2]],
  ['that went back by a day', [0, 24, 0], [0, 24, 0]],
];

for (const [name, hours, issued] of CLOCKS) {
  test(`a publisher's clock ${name}`, async () => {
    let current: VerifiedSnapshot | undefined;
    const found: number[] = [];
    for (const hour of hours) {
      const now = new Date(ISSUED.getTime() + hour * 3_600_000);
      const { authority, snapshotKey: key } = people;
      const made = { authority, trustedRoot: instance.trustedRoot, current, added: [], key, validityMs: 60_000, now };
      ({ snapshot: current } = await publishSnapshot(made));
      found.push((current.issuedAt.getTime() - ISSUED.getTime()) / 3_600_000);
    }
    assert.deepEqual(found, issued);
    assert.equal(current?.version, hours.length);
  });
}

test('a statement of a time that is far ahead of the publisher is refused, and never gets in', async () => {
  const early = revocation(BY_ALICE, { issuedAt: new Date(ISSUED.getTime() + 86_400_000) });
  const { authority, snapshotKey: key } = people;
  const request = {
    authority,
    trustedRoot: instance.trustedRoot,
    current: undefined,
    key,
    validityMs: 60_000,
    now: ISSUED,
  };
  const added = [{ statement: early, bundles: people.sign(early, ['ann']) }];
  await assert.rejects(publishSnapshot({ ...request, added }), { code: 'FORMAT_REVOCATION' });
  const { snapshot } = await publishSnapshot({ ...request, added, now: early.issuedAt });
  const next = await publishSnapshot({ ...request, added: [], current: snapshot, now: ISSUED });
  assert.deepEqual(next.snapshot.issuedAt, early.issuedAt, 'no list is older than what it says');
});
