/** Several signers at once: who meets which demand, and when the signatures of few are not those of many. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { imageSignatureStatement } from '../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../src/core/attestation/statement.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { IdentityMatcher } from '../../src/core/identity/identity-pattern.ts';
import type { FulcioExtensions } from '../../src/core/pki/fulcio-extensions.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { VerificationError } from '../../src/errors.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import { examineImage } from '../../src/workflows/verify/examine-image.ts';
import { signaturePolicy, type SignaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { ISSUER, SIGNING_TIME, type DraftInput } from '../support/instance.ts';
import { signingWorld, type SigningWorld } from '../support/signing-world.ts';

const RELEASE = 'https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main';
const REVIEW = 'https://github.com/acme/shop/.github/workflows/review.yml@refs/heads/main';

const exactly = (subject: string, extensions?: IdentityMatcher['extensions']): IdentityMatcher => ({
  subject: { kind: 'exact', value: subject },
  issuer: { kind: 'exact', value: ISSUER },
  ...(extensions === undefined ? {} : { extensions }),
});
const like = (source: string): IdentityMatcher => ({
  subject: { kind: 'regexp', source, strict: true },
  issuer: { kind: 'exact', value: ISSUER },
});

const by = (subject: string, fulcio: FulcioExtensions = {}): DraftInput => ({
  leaf: { names: [{ kind: 'uri', value: subject }], fulcio: { issuer: ISSUER, ...fulcio } },
});

const byKeyPair = (key: PrivateKey): DraftInput => ({ key, managed: true, unstamped: true });

async function sign(world: SigningWorld, reference: ImageReference, input: DraftInput): Promise<void> {
  const subject = await world.registry.resolve(reference);
  const payload = encodeStatement(imageSignatureStatement(subject.digest));
  const json = encodeBundle(world.instance.signStatement(new Uint8Array(0), { ...input, payload }));
  await pushBundle(world.registry, reference, subject, json, {
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    createdAt: SIGNING_TIME,
  });
}

async function signedBy(
  t: TestContext,
  signatures: readonly DraftInput[],
): Promise<{ world: SigningWorld; reference: ImageReference }> {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage('shop', 'a');
  for (const signature of signatures) await sign(world, reference, signature);
  return { world, reference };
}

/** The error's code, or nothing; who is missing; and what each counting signature meets. */
async function judged(
  { world, reference }: { world: SigningWorld; reference: ImageReference },
  policy: SignaturePolicy,
): Promise<{ code: string | undefined; missing: readonly string[]; meets: readonly (readonly string[])[] }> {
  const { trustedRoot } = world.instance;
  const { report, verified } = await examineImage({
    registry: world.registry,
    reference,
    trustedRoot,
    policy,
    now: SIGNING_TIME,
  });
  assert.equal(verified === undefined, report.error !== undefined);
  if (report.error?.code === 'SIGNERS_MISSING') assert.ok(report.error instanceof VerificationError);
  return {
    code: report.error?.code,
    missing: report.missingSigners ?? [],
    meets: report.signatures.flatMap(({ error, meets }) => (error === undefined ? [meets ?? []] : [])),
  };
}

function demanding(require: number, ...identities: IdentityMatcher[]): SignaturePolicy {
  return { ...signaturePolicy({ kind: 'identities', identities }), require };
}

const text = (subject: string): string => `subject ${subject}, issuer ${ISSUER}`;

test('any, all and so many of several identities', async (t) => {
  const image = await signedBy(t, [by(RELEASE)]);
  const both = [exactly(RELEASE), exactly(REVIEW)];
  const one = { missing: [text(REVIEW)], meets: [[text(RELEASE)]] };
  assert.deepEqual(await judged(image, demanding(1, ...both)), { code: undefined, ...one });
  assert.deepEqual(await judged(image, demanding(2, ...both)), { code: 'SIGNERS_MISSING', ...one });
  await sign(image.world, image.reference, by(REVIEW));
  const all = await judged(image, demanding(2, ...both));
  assert.deepEqual([all.code, all.missing], [undefined, []]);
  assert.deepEqual(all.meets.flat().sort(), [text(RELEASE), text(REVIEW)].sort());
  assert.equal((await judged(image, demanding(2, ...both, exactly('nobody')))).code, undefined);
  assert.equal((await judged(image, demanding(3, ...both, exactly('nobody')))).code, 'SIGNERS_MISSING');
});

test('one signer who fits two demands fills one place, however often they signed', async (t) => {
  const image = await signedBy(t, [by(RELEASE), by(RELEASE)]);
  const overlapping = demanding(2, exactly(RELEASE), like('https://github\\.com/acme/.*'));
  const { code, missing, meets } = await judged(image, overlapping);
  assert.equal(code, 'SIGNERS_MISSING');
  assert.deepEqual(missing, []);
  assert.ok(meets.every((met) => met.length === 2));
});

test('overlapping demands are given to whoever leaves room for the others', async (t) => {
  const image = await signedBy(t, [by(RELEASE), by(REVIEW)]);
  // The pattern fits both; only the other way round are both places filled.
  for (const identities of [
    [like('https://github\\.com/acme/.*'), exactly(RELEASE)],
    [exactly(REVIEW), like('https://github\\.com/acme/.*')],
  ]) {
    assert.equal((await judged(image, demanding(2, ...identities))).code, undefined);
  }
});

test('a shared workflow called from two repositories is two signers, called twice from one it is one', async (t) => {
  const from = (id: string): DraftInput => by(RELEASE, { sourceRepositoryIdentifier: id });
  const called = (id: string): IdentityMatcher =>
    exactly(RELEASE, { sourceRepositoryIdentifier: { kind: 'exact', value: id } });
  const two = await signedBy(t, [from('1'), from('2')]);
  assert.equal((await judged(two, demanding(2, called('1'), called('2')))).code, undefined);
  const one = await signedBy(t, [from('1'), from('1')]);
  assert.equal((await judged(one, demanding(2, called('1'), exactly(RELEASE)))).code, 'SIGNERS_MISSING');
});

test('keys and identities together, and several keys', async (t) => {
  const [ours, theirs, other] = [
    PrivateKey.generate('ecdsa-p256'),
    PrivateKey.generate('ecdsa-p384'),
    PrivateKey.generate('ecdsa-p256'),
  ];
  const image = await signedBy(t, [by(RELEASE), byKeyPair(ours), byKeyPair(theirs)]);
  const byKey = (key: PrivateKey): SignaturePolicy => signaturePolicy({ kind: 'key', key: key.publicKey });
  const identity = signaturePolicy({ kind: 'identities', identities: [exactly(RELEASE)] });
  const mixed = (require: number, ...keys: PrivateKey[]): SignaturePolicy => ({
    ...identity,
    alternatives: keys.map(byKey),
    require,
  });
  assert.equal((await judged(image, mixed(3, ours, theirs))).code, undefined);
  const short = await judged(image, mixed(3, ours, other));
  assert.equal(short.code, 'SIGNERS_MISSING');
  assert.equal(short.missing.length, 1);
  assert.match(short.missing[0] ?? '', /^key [0-9a-f]{64}$/);
  const keysOnly: SignaturePolicy = { ...byKey(other), alternatives: [byKey(ours)] };
  assert.equal((await judged(image, keysOnly)).code, undefined);
});

test('nobody of several is told as for one', async (t) => {
  const image = await signedBy(t, [by(REVIEW)]);
  assert.equal((await judged(image, demanding(2, exactly(RELEASE), exactly('else')))).code, 'IDENTITY_MISMATCH');
  const unsigned = await signedBy(t, []);
  assert.equal((await judged(unsigned, demanding(2, exactly(RELEASE), exactly('else')))).code, 'NO_SIGNATURE');
});
