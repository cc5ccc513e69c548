/** Many images in one run: what is asked of whom, and what a failure of one does to the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import type { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_INDEX } from '../../src/core/image/media-types.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { signImages, type ImageOutcome, type SignImagesRequest } from '../../src/workflows/sign/sign-images.ts';
import type { SignedImage } from '../../src/workflows/sign/signed-image.ts';
import type { SignerInput } from '../../src/workflows/sign/signing-services.ts';
import { FakeInstance, ISSUER, SIGNING_TIME } from '../support/instance.ts';
import { KEYLESS, signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

const CA = 'POST /api/v2/signingCert';
const LOG = 'POST /api/v2/log/entries';
const TSA = 'POST /api/v1/timestamp';

/** Keyless, and how often a token was asked for. */
function countingSigner(claims: () => Record<string, unknown> = () => ({})): SignerInput & { tokens: number } {
  const signer = {
    kind: 'keyless' as const,
    tokens: 0,
    identityToken: (): Promise<string> => {
      signer.tokens++;
      return Promise.resolve(unsignedToken(claims()));
    },
  };
  return signer;
}

function batch(
  world: SigningWorld,
  references: readonly ImageReference[],
  more: Partial<SignImagesRequest> = {},
): Promise<readonly ImageOutcome[]> {
  return signImages({ ...world.context, registry: world.registry, references, signer: KEYLESS, ...more });
}

async function pushImages(
  world: SigningWorld,
  count: number,
): Promise<{ reference: ImageReference; digest: Digest }[]> {
  const images = [];
  for (let index = 0; index < count; index++) images.push(await world.pushImage(`v${index}`, `layer ${index}`));
  return images;
}

function asked(world: SigningWorld, line: string): number {
  return world.seen.filter((seen) => seen === line).length;
}

function signedOf(outcome: ImageOutcome | undefined): readonly SignedImage[] {
  assert.ok(outcome?.kind === 'signed', outcome?.kind === 'failed' ? outcome.error.code : 'nothing');
  return outcome.images;
}

function failureOf(outcome: ImageOutcome | undefined): ImageOutcome & { readonly kind: 'failed' } {
  assert.ok(outcome?.kind === 'failed');
  return outcome;
}

async function signatures(world: SigningWorld, reference: ImageReference, digest: Digest): Promise<number> {
  return (await world.registry.referrers(reference, digest)).descriptors.length;
}

async function pushIndex(world: SigningWorld): Promise<{ reference: ImageReference; digests: readonly Digest[] }> {
  const images = await pushImages(world, 3);
  const reference = images[0]!.reference.atTag('index');
  const manifests: Descriptor[] = [];
  for (const { digest } of images) manifests.push(await world.registry.resolve(reference.atDigest(digest)));
  const bytes = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests });
  const { digest } = await world.registry.putManifest(reference, 'index', bytes, OCI_INDEX);
  return { reference, digests: [digest, ...images.map((image) => image.digest)] };
}

test('a batch needs one token and one certificate, and one entry and one timestamp for each image', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 5);
  const signer = countingSigner();
  const told: string[] = [];
  const references = images.map(({ reference }) => reference);
  const outcomes = await batch(world, references, {
    signer,
    onOutcome: ({ reference }) => told.push(reference.toString()),
  });
  assert.equal(signer.tokens, 1);
  assert.deepEqual([asked(world, CA), asked(world, LOG), asked(world, TSA)], [1, 5, 5]);
  assert.deepEqual(told, references.map(String));
  const certificates = new Set<string>();
  for (const [index, { reference, digest }] of images.entries()) {
    const [signed] = signedOf(outcomes[index]);
    assert.ok(signed?.isNew);
    assert.equal(signed.digest.toString(), digest.toString());
    assert.ok(signed.signer.kind === 'certificate');
    certificates.add(signed.signer.certificate.toPem());
    assert.equal(await signatures(world, reference, digest), 1);
  }
  assert.equal(certificates.size, 1);
});

test('a certificate that is about to end is renewed, with a token of its own, and each is used within its time', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 6);
  let time = SIGNING_TIME;
  const issue = (): void => {
    const notAfter = new Date(time.getTime() + 600_000);
    const scts = world.mischief.leaf?.scts;
    world.mischief.leaf = { notBefore: time, notAfter, ...(scts === undefined ? {} : { scts }) };
  };
  world.faults.set(CA, (_, usual) => {
    issue();
    return usual();
  });
  // Four minutes for each image: two within the first nine minutes of a certificate, the third begins at the eighth.
  world.faults.set(TSA, async (_, usual) => {
    world.mischief.stampTime = time;
    const answer = await usual();
    time = new Date(time.getTime() + 240_000);
    return answer;
  });
  const signer = countingSigner(() => ({ exp: time.getTime() / 1000 + 60 }));
  const outcomes = await batch(
    world,
    images.map(({ reference }) => reference),
    { signer, maxWorkers: 1, now: () => time },
  );
  assert.deepEqual([signer.tokens, asked(world, CA), asked(world, LOG)], [2, 2, 6]);
  const certificates = outcomes.map((outcome) => {
    const [signed] = signedOf(outcome);
    assert.ok(signed?.signer.kind === 'certificate');
    return signed.signer.certificate.toPem();
  });
  assert.equal(new Set(certificates.slice(0, 3)).size, 1);
  assert.equal(new Set(certificates.slice(3)).size, 1);
  assert.notEqual(certificates[0], certificates[3]);
});

test('a token that cannot be renewed fails what is left, and says so', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 4);
  let time = SIGNING_TIME;
  world.faults.set(TSA, async (_, usual) => {
    const answer = await usual();
    time = new Date(time.getTime() + 300_000);
    return answer;
  });
  const outcomes = await batch(
    world,
    images.map(({ reference }) => reference),
    { maxWorkers: 1, now: () => time },
  );
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : outcome.kind)),
    ['signed', 'signed', 'AUTH_TOKEN_EXPIRED', 'AUTH_TOKEN_EXPIRED'],
  );
  assert.equal(asked(world, CA), 1);
});

for (const [what, hours] of [
  ['behind', -5],
  ['ahead', 5],
] as const) {
  test(`a clock that is hours ${what} does not cost a certificate for each image`, async (t) => {
    const world = await signingWorld(t);
    const images = await pushImages(world, 3);
    const now = new Date(SIGNING_TIME.getTime() + hours * 3_600_000);
    const signer = countingSigner(() => ({ exp: now.getTime() / 1000 + 60 }));
    const references = images.map(({ reference }) => reference);
    for (const outcome of await batch(world, references, { signer, now: () => now })) signedOf(outcome);
    assert.equal(asked(world, CA), 1);
  });
}

test('images are signed side by side, and never more at once than was said', async (t) => {
  for (const maxWorkers of [2, 3]) {
    const world = await signingWorld(t);
    const images = await pushImages(world, 7);
    let running = 0;
    let most = 0;
    let release: (() => void) | undefined;
    const full = new Promise<void>((resolve) => (release = resolve));
    world.faults.set(LOG, async (_, usual) => {
      most = Math.max(most, ++running);
      // Nobody is answered before as many wait as may: a run that went one by one would never end.
      if (running === maxWorkers) release?.();
      await full;
      const answer = await usual();
      running--;
      return answer;
    });
    const references = images.map(({ reference }) => reference);
    for (const outcome of await batch(world, references, { maxWorkers })) signedOf(outcome);
    assert.equal(most, maxWorkers);
  }
});

test('an image that fails leaves the others whole, and itself as it was', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 4);
  const refusing = images[2]!;
  const missing = refusing.reference.atTag('missing');
  // The registry takes what refers to the third image for broken.
  world.faults.set('PUT /v2/demo/app/manifests/sha256', async (request, usual) => {
    const text = await request.clone().text();
    return text.includes(refusing.digest.hex) ? new Response('{"errors":[]}', { status: 500 }) : usual();
  });
  const outcomes = await batch(world, [...images.map(({ reference }) => reference), missing]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : outcome.kind)),
    ['signed', 'signed', 'REMOTE_STATUS', 'signed', 'TAG_NOT_FOUND'],
  );
  assert.equal(failureOf(outcomes[4]).reference.toString(), missing.toString());
  assert.deepEqual(failureOf(outcomes[2]).leftBehind, []);
  for (const image of images) {
    assert.equal(await signatures(world, image.reference, image.digest), image === refusing ? 0 : 1);
  }
});

test('a login that fails is asked for once, and is one failure for all', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 4);
  world.faults.set(CA, () => new Response('{"message":"no"}', { status: 401 }));
  const signer = countingSigner();
  const outcomes = await batch(
    world,
    images.map(({ reference }) => reference),
    { signer },
  );
  assert.equal(signer.tokens, 1);
  assert.equal(asked(world, CA), 1);
  assert.equal(new Set(outcomes.map((outcome) => failureOf(outcome).error)).size, 1);
  assert.equal(failureOf(outcomes[0]).error.code, 'AUTH_TOKEN_INVALID');
});

test('where no image can be signed at all, nobody is asked for a token', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const signer = countingSigner();
  const outcomes = await batch(world, [reference.atTag('one'), reference.atTag('two')], { signer });
  assert.deepEqual(
    outcomes.map((outcome) => failureOf(outcome).error.code),
    ['TAG_NOT_FOUND', 'TAG_NOT_FOUND'],
  );
  assert.equal(signer.tokens, 0);
});

test('one registry is asked for one token, however many images are signed at once', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 5);
  const scopes: string[] = [];
  world.faults.set('GET /token', (request) => {
    scopes.push(...new URL(request.url).searchParams.getAll('scope'));
    return Response.json({ token: 'letmein' });
  });
  world.faults.set('GET /v2/', challenge);
  world.faults.set('HEAD /v2/', challenge);
  world.faults.set('POST /v2/', challenge);
  world.faults.set('PUT /v2/', challenge);
  async function challenge(request: Request, usual: () => Promise<Response>): Promise<Response> {
    if (request.headers.get('authorization') === 'Bearer letmein') return usual();
    const realm = `Bearer realm="${world.url}/token",service="registry"`;
    return new Response('{"errors":[]}', { status: 401, headers: { 'www-authenticate': realm } });
  }
  const registry = new RegistryClient({ http: world.context.http, action: 'push', sleep: () => Promise.resolve() });
  const references = images.map(({ reference }) => reference);
  registry.announce(references.map((repository) => ({ repository, action: 'push' })));
  for (const outcome of await batch(world, references, { registry })) signedOf(outcome);
  assert.deepEqual(scopes, ['repository:demo/app:pull,push']);
});

test('a signature that is there already is recognised, and costs nothing', async (t) => {
  const world = await signingWorld(t);
  const images = await pushImages(world, 3);
  const references = images.map(({ reference }) => reference);
  const annotations = { build: '42' };
  const first = await batch(world, references, { annotations, skipIfSigned: true });
  world.seen.length = 0;
  const second = await batch(world, references, { annotations, skipIfSigned: true });
  for (const [index, outcome] of second.entries()) {
    const [signed] = signedOf(outcome);
    const [before] = signedOf(first[index]);
    assert.equal(signed?.isNew, false);
    assert.equal(signed.bundleJson, before?.bundleJson);
    assert.equal(signed.referrer?.digest.toString(), before?.referrer?.digest.toString());
    assert.deepEqual([signed.logIndex, signed.caUrl, signed.logUrl], [before?.logIndex, world.url, world.url]);
  }
  assert.deepEqual(
    world.seen.filter((line) => !line.startsWith('GET /v2/') && !line.startsWith('HEAD /v2/')),
    [],
  );
  await batch(world, references, { annotations });
  for (const { reference, digest } of images) assert.equal(await signatures(world, reference, digest), 2);
});

test('a key recognises its own signatures, without any service at all', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  for (const kind of ['ecdsa-p256', 'ed25519', 'rsa'] as const) {
    const signer = { kind: 'key', key: PrivateKey.generate(kind) } as const;
    for (const isNew of [true, false]) {
      const [outcome] = await batch(world, [reference], { signer, skipIfSigned: true });
      assert.equal(signedOf(outcome)[0]?.isNew, isNew, kind);
    }
  }
  assert.equal(await signatures(world, reference, digest), 3);
  assert.equal(asked(world, LOG), 3);
});

/** What keeps a signature that is there from being the one that is wanted. */
const OTHERS: readonly (readonly [string, (world: SigningWorld) => Partial<SignImagesRequest>])[] = [
  ['another annotation', () => ({ annotations: { build: '43' } })],
  ['one annotation more', () => ({ annotations: { build: '42', by: 'me' } })],
  ['no annotation', () => ({ annotations: {} })],
  ['a key instead of an identity', () => ({ signer: { kind: 'key', key: PrivateKey.generate('ecdsa-p256') } })],
  [
    'another address',
    ({ mischief }) => {
      mischief.leaf = { names: [{ kind: 'email', value: 'bob@example.com' }] };
      return { signer: countingSigner(() => ({ email: 'bob@example.com' })) };
    },
  ],
  [
    'another issuer',
    ({ mischief }) => {
      mischief.leaf = { fulcio: { issuer: 'https://other.example' } };
      return { signer: countingSigner(() => ({ iss: 'https://other.example' })) };
    },
  ],
  [
    'another trusted root',
    (world) => {
      const { trustedRoot } = world.context;
      const { timestampAuthorities } = new FakeInstance().trustedRoot;
      const known = { ...trustedRoot, timestampAuthorities };
      // Its own new signature is not believed either, so that only the log tells the time.
      const { signingConfig } = world.context;
      const rekorTlogUrls = signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 }));
      return { trustedRoot: known, signingConfig: { ...signingConfig, rekorTlogUrls, tsaUrls: [] } };
    },
  ],
];

for (const [what, change] of OTHERS) {
  test(`${what} makes it another signature`, async (t) => {
    const world = await signingWorld(t);
    const { reference, digest } = await world.pushImage();
    await batch(world, [reference], { annotations: { build: '42' } });
    const request = { annotations: { build: '42' }, skipIfSigned: true, ...change(world) };
    const [outcome] = await batch(world, [reference], request);
    assert.equal(signedOf(outcome)[0]?.isNew, true);
    assert.equal(await signatures(world, reference, digest), 2);
    const [again] = await batch(world, [reference], request);
    assert.equal(signedOf(again)[0]?.isNew, false);
  });
}

test('the same image built from another commit is signed again', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const name = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
  const signerOf = (sha: string): SignerInput => {
    const fulcio = { issuer: ISSUER, sourceRepositoryDigest: sha };
    world.mischief.leaf = { names: [{ kind: 'uri', value: name }], fulcio };
    return countingSigner(() => ({
      email: undefined,
      sha,
      job_workflow_ref: name.slice('https://github.com/'.length),
    }));
  };
  const isNew: (boolean | undefined)[] = [];
  for (const sha of ['aaaa', 'aaaa', 'bbbb', 'aaaa']) {
    const [outcome] = await batch(world, [reference], { signer: signerOf(sha), skipIfSigned: true });
    isNew.push(signedOf(outcome)[0]?.isNew);
  }
  assert.deepEqual(isNew, [true, false, true, false]);
  assert.equal(await signatures(world, reference, digest), 2);
});

test("another image's signature is nobody's reason not to sign", async (t) => {
  const world = await signingWorld(t);
  const [one, other] = await pushImages(world, 2);
  const [signed] = signedOf((await batch(world, [one!.reference]))[0]);
  const manifest = await world.registry.getManifest(one!.reference.atDigest(signed!.referrer!.digest));
  const moved = Buffer.from(manifest.bytes).toString().replaceAll(one!.digest.hex, other!.digest.hex);
  await world.registry.pushReferrer(other!.reference, Buffer.from(moved));
  const [outcome] = await batch(world, [other!.reference], { skipIfSigned: true });
  assert.equal(signedOf(outcome)[0]?.isNew, true);
});

test('a registry that does not say what is there is no reason not to sign', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  world.faults.set('GET /v2/demo/app/referrers', () => new Response('oops', { status: 500 }));
  const [outcome] = await batch(world, [reference], { skipIfSigned: true });
  assert.equal(signedOf(outcome)[0]?.isNew, true);
  world.faults.clear();
  assert.equal(await signatures(world, reference, digest), 1);
});

test('an image that is named twice is signed once', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage('one');
  await world.pushImage('two');
  const references = [reference, reference.atTag('two'), reference.atDigest(digest)];
  const outcomes = await batch(world, references, { skipIfSigned: true });
  assert.deepEqual(outcomes.map((outcome) => signedOf(outcome)[0]?.isNew).toSorted(), [false, false, true]);
  assert.equal(await signatures(world, reference, digest), 1);
  assert.equal(asked(world, LOG), 1);
});

test('of an index only what is not signed yet is signed', async (t) => {
  const world = await signingWorld(t);
  const { reference, digests } = await pushIndex(world);
  await batch(world, [reference.atDigest(digests[2]!)]);
  const request = { recursive: true, skipIfSigned: true };
  const [outcome] = await batch(world, [reference], request);
  assert.deepEqual(
    signedOf(outcome).map(({ digest, isNew }) => [digest.toString(), isNew]),
    digests.map((digest, index) => [digest.toString(), index !== 2]),
  );
  for (const digest of digests) assert.equal(await signatures(world, reference, digest), 1);
});

test('what was pushed of an index is taken back when the rest cannot be', async (t) => {
  for (const deletes of [true, false]) {
    const world = await signingWorld(t);
    const { reference, digests } = await pushIndex(world);
    const last = digests[3]!;
    world.faults.set('PUT /v2/demo/app/manifests/sha256', async (request, usual) => {
      const text = await request.clone().text();
      return text.includes(`"digest":"${last.toString()}"`) ? new Response('{"errors":[]}', { status: 500 }) : usual();
    });
    if (!deletes) world.faults.set('DELETE /v2/', () => new Response('{"errors":[]}', { status: 405 }));
    const [outcome] = await batch(world, [reference], { recursive: true, maxWorkers: 1 });
    const { error, leftBehind } = failureOf(outcome);
    assert.equal(error.code, 'REMOTE_STATUS');
    assert.deepEqual(
      leftBehind.map(({ subject }) => subject.toString()),
      deletes ? [] : digests.slice(0, 3).map(String),
    );
    for (const digest of digests.slice(0, 3)) {
      assert.equal(await signatures(world, reference, digest), deletes ? 0 : 1);
    }
  }
});

test("cosign's older storage is recognised as well, under the image's own name", async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const signer = { kind: 'key', key: PrivateKey.generate('ecdsa-p256') } as const;
  const { signingConfig } = world.context;
  const rekorTlogUrls = signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 }));
  const request = {
    signer,
    olderStorage: {},
    skipIfSigned: true,
    signingConfig: { ...signingConfig, rekorTlogUrls },
  };
  const isNew: (boolean | undefined)[] = [];
  for (const olderStorage of [{}, {}, { dockerReferences: ['registry.example/app'] }, {}]) {
    const [outcome] = await batch(world, [reference], { ...request, olderStorage });
    isNew.push(signedOf(outcome)[0]?.isNew);
  }
  assert.deepEqual(isNew, [true, false, true, false]);
  assert.equal(asked(world, 'POST /api/v1/log/entries'), 2);
  // A bundle is another thing to have.
  const [bundle] = await batch(world, [reference], { signer, skipIfSigned: true });
  assert.equal(signedOf(bundle)[0]?.isNew, true);
});
