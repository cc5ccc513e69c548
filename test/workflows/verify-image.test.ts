import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageSignatureStatement } from '../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../src/core/attestation/statement.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import { signaturePolicy, type VerificationSwitches } from '../../src/workflows/verify/signature-policy.ts';
import { verifyImage, type VerifiedImage, type VerifyImageRequest } from '../../src/workflows/verify/verify-image.ts';
import {
  ALICE,
  ISSUER,
  SIGNING_TIME,
  SUBJECT,
  statementAbout,
  type Draft,
  type DraftInput,
} from '../support/instance.ts';
import { signingWorld, type Fault, type SigningWorld } from '../support/signing-world.ts';

const SIGN = 'https://sigstore.dev/cosign/sign/v1';
const IDENTITIES = { kind: 'identities', identities: [ALICE] } as const;

function verify(
  world: SigningWorld,
  reference: ImageReference,
  more: Partial<VerifyImageRequest> = {},
): Promise<VerifiedImage> {
  return verifyImage({
    registry: world.registry,
    reference,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy(IDENTITIES),
    now: SIGNING_TIME,
    ...more,
  });
}

async function refused(
  world: SigningWorld,
  reference: ImageReference,
  code: string,
  more: Partial<VerifyImageRequest> = {},
): Promise<SealwrightError> {
  let caught: unknown;
  await assert.rejects(verify(world, reference, more), (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  return caught as SealwrightError;
}

interface SignatureInput extends DraftInput {
  /** Digest in the statement, when not the image's. */
  readonly about?: Digest;
  readonly annotations?: Record<string, string>;
  readonly predicateType?: string;
  readonly payloadType?: string;
  /** What the manifest's annotation says instead of the predicate type. */
  readonly listedType?: string;
  readonly change?: (draft: Draft) => Draft;
  readonly changeJson?: (json: string) => string;
}

/** Signs and pushes without any of the signer's own checks. */
async function pushSignature(
  world: SigningWorld,
  reference: ImageReference,
  input: SignatureInput = {},
): Promise<string> {
  const subject = await world.registry.resolve(reference);
  const statement = imageSignatureStatement(input.about ?? subject.digest, input.annotations);
  const predicateType = input.predicateType ?? SIGN;
  const draft = world.instance.signStatement(new Uint8Array(0), {
    ...input,
    payload: encodeStatement({ ...statement, predicateType }),
  });
  const json = encodeBundle(input.change?.(draft) ?? draft);
  const stored = input.changeJson?.(json) ?? json;
  const listed = { predicateType: input.listedType ?? predicateType, createdAt: SIGNING_TIME };
  await pushBundle(world.registry, reference, subject, stored, listed);
  return stored;
}

const by = (email: string, issuer = ISSUER): DraftInput => ({
  leaf: { names: [{ kind: 'email', value: email }], fulcio: { issuer } },
});

test('a signature by whom it should be passes in five requests', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const json = await pushSignature(world, reference);
  world.seen.length = 0;
  const verified = await verify(world, reference);
  assert.equal(verified.digest.toString(), digest.toString());
  assert.equal(verified.isTagResolved, true);
  assert.deepEqual(verified.refused, []);
  assert.equal(verified.signatures.length, 1);
  assert.equal(verified.signatures[0]?.json, json);
  assert.deepEqual(
    world.seen.map((line) => line.replace(/sha256:.*/, 'DIGEST').replace(/sha256-.*\.sig$/, 'TAG')),
    [
      'HEAD /v2/demo/app/manifests/latest',
      'GET /v2/demo/app/referrers/DIGEST',
      'GET /v2/demo/app/manifests/TAG',
      'GET /v2/demo/app/manifests/DIGEST',
      'GET /v2/demo/app/blobs/DIGEST',
    ],
  );
});

test('an image named by digest is verified without its manifest being fetched', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  await pushSignature(world, reference);
  world.seen.length = 0;
  assert.equal((await verify(world, reference.atDigest(digest))).isTagResolved, false);
  assert.equal(world.seen.length, 4);
});

test('one signature that passes is enough, and the others are told', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference, by('bob@example.com'));
  await pushSignature(world, reference);
  await pushSignature(world, reference, { changeJson: () => '{}' });
  const { signatures, refused: others } = await verify(world, reference);
  assert.equal(signatures.length, 1);
  assert.deepEqual(
    others.map(({ error }) => error.code),
    ['IDENTITY_MISMATCH'],
  );
});

test('an image without a signature is unsigned, by tag and by digest', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  for (const named of [reference, reference.atDigest(digest)]) {
    const error = await refused(world, named, 'NO_SIGNATURE');
    assert.equal(error.exitCode, 10);
    assert.match(error.facts.fix ?? '', /^sealwright sign 127\.0\.0\.1:\d+\/demo\/app@sha256:/);
  }
});

test('an image that its registry does not have is not found, which is not unsigned', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const absent = reference.atDigest(Digest.of(utf8('absent')));
  const error = await refused(world, absent, 'IMAGE_NOT_FOUND');
  assert.equal(error.exitCode, 11);
  assert.equal(error.facts.found, `${absent.toString()}: status 404`);
  // cosign asks for no image, and says so of this one.
  await refused(world, absent, 'NO_SIGNATURE', { passesOver: () => undefined });
});

test('a tag that is not there is another answer than an unsigned image', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  assert.equal((await refused(world, reference.atTag('missing'), 'TAG_NOT_FOUND')).exitCode, 11);
});

test('everybody who signed is named when nobody was asked for', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference, by('eve@example.com'));
  await pushSignature(world, reference, by('Alice@Example.com'));
  await pushSignature(world, reference, by(SUBJECT, 'https://evil.example'));
  const error = await refused(world, reference, 'IDENTITY_MISMATCH');
  assert.equal(error.exitCode, 12);
  for (const signer of ['eve@example.com', 'Alice@Example.com', 'https://evil.example']) {
    assert.ok(error.facts.found?.includes(signer), `${signer} in ${error.facts.found ?? ''}`);
  }
  assert.equal((error.facts.details?.['signers'] as string[]).length, 3);
  assert.ok(error.facts.closest !== undefined);
});

test('a pattern that would match with its ends open is corrected in the error', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference);
  const subject = { kind: 'regexp', source: 'alice', strict: true } as const;
  const policy = signaturePolicy({ kind: 'identities', identities: [{ subject, issuer: ALICE.issuer }] });
  const error = await refused(world, reference, 'IDENTITY_MISMATCH', { policy });
  assert.equal(error.facts.fix, "--certificate-identity-regexp 'alice.*'");
});

test('a signature copied from another image is refused as that', async (t) => {
  const world = await signingWorld(t);
  const { digest: other } = await world.pushImage('other', 'another layer');
  const { reference } = await world.pushImage();
  await pushSignature(world, reference, { about: other });
  const error = await refused(world, reference, 'SUBJECT_MISMATCH');
  assert.ok(error.facts.expected?.includes(other.hex));
});

test('annotations asked for must be signed, with their values', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference, { annotations: { build: '42', env: 'prod' } });
  const { signatures } = await verify(world, reference, { annotations: { build: '42' } });
  assert.deepEqual(signatures[0]?.annotations, { build: '42', env: 'prod' });
  const wrong: readonly Record<string, string>[] = [{ build: '43' }, { builder: '42' }, { build: '42', toString: 'x' }];
  for (const annotations of wrong) {
    await refused(world, reference, 'ANNOTATION_MISMATCH', { annotations });
  }
});

test('an attestation is no signature, unless its type is asked for', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const predicateType = 'https://spdx.dev/Document';
  await pushSignature(world, reference, { predicateType });
  world.seen.length = 0;
  const error = await refused(world, reference, 'NO_SIGNATURE');
  assert.ok(error.facts.found?.includes(predicateType));
  assert.ok(!world.seen.some((line) => line.includes('/blobs/')), 'an attestation was fetched only to be passed over');
  assert.equal((await verify(world, reference, { predicateTypes: [predicateType] })).signatures.length, 1);
  assert.equal((await verify(world, reference, { predicateTypes: 'any' })).signatures.length, 1);
});

test('what the list calls an attestation or a signature does not make it one', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference, { predicateType: 'https://spdx.dev/Document', listedType: SIGN });
  assert.match((await refused(world, reference, 'NO_SIGNATURE')).facts.found ?? '', /spdx/);
});

test("a signature over the manifest's bytes is no statement about the image", async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const subject = await world.registry.resolve(reference);
  const { bytes } = await world.registry.getManifest(reference);
  const json = encodeBundle(world.instance.signMessage(bytes));
  await pushBundle(world.registry, reference, subject, json, { predicateType: SIGN, createdAt: SIGNING_TIME });
  for (const predicateTypes of [[SIGN], 'any'] as const) {
    await refused(world, reference, 'PAYLOAD_TYPE_MISMATCH', { predicateTypes });
  }
});

test('a signature in a format that is not read is not called unsigned', async (t) => {
  const world = await signingWorld(t);
  const image = async (tag: string): Promise<ImageReference> => (await world.pushImage(tag, tag)).reference;

  const notary = await image('notary');
  const config = utf8('{}');
  await world.registry.putBlob(notary, config);
  const { mediaType, size, digest: subject } = await world.registry.resolve(notary);
  const descriptor = { mediaType: OCI_EMPTY, size: config.length, digest: Digest.of(config) };
  await world.registry.pushReferrer(
    notary,
    encodeManifest({
      kind: 'image',
      mediaType: OCI_MANIFEST,
      artifactType: 'application/vnd.cncf.notary.signature',
      config: descriptor,
      layers: [descriptor],
      subject: { mediaType, size, digest: subject },
    }),
  );
  const error = await refused(world, notary, 'UNREAD_FORMAT');
  assert.equal(error.exitCode, 12);
  assert.match(error.facts.found ?? '', /Notary Project/);

  const later = await image('later');
  await pushSignature(world, later, { changeJson: (json) => json.replace('bundle.v0.3+json', 'bundle.v0.9+json') });
  assert.match((await refused(world, later, 'UNREAD_FORMAT')).facts.found ?? '', /v0\.9/);
});

/** What can be wrong with a signature, and what that is called when it is the only one. */
const DAMAGE: readonly (readonly [string, string, SignatureInput])[] = [
  ['not JSON', 'COULD_NOT_CHECK', { changeJson: () => 'hello' }],
  ['truncated', 'COULD_NOT_CHECK', { changeJson: (json) => json.slice(0, -1) }],
  ['without its signature', 'SIGNATURE_INVALID', { changeJson: (json) => json.replace(/"sig":"[^"]*"/, '"sig":""') }],
  [
    'with another payload',
    'SUBJECT_MISMATCH',
    {
      changeJson: (json) =>
        json.replace(
          /"payload":"[^"]*"/,
          `"payload":"${Buffer.from(statementAbout(utf8('x'), SIGN)).toString('base64')}"`,
        ),
    },
  ],
  ['with a payload of another type', 'PAYLOAD_TYPE_MISMATCH', { payloadType: 'text/plain' }],
  ['without a log entry', 'LOG_ENTRY_MISSING', { change: (draft) => ({ ...draft, tlogEntries: [] }) }],
  ['without a timestamp', 'TIMESTAMP_MISSING', { unstamped: true }],
  ['timestamped too late', 'CERTIFICATE_TIME', { tsaTime: new Date('2026-06-01T13:00:00Z') }],
  ['without SCT', 'SCT_MISSING', { leaf: { scts: () => [] } }],
  [
    'logged with another digest',
    'LOG_ENTRY_MISMATCH',
    { logged: { digest: { algorithm: 'sha256', digest: new Uint8Array(32) } } },
  ],
  ['made with a key pair', 'KEY_MISMATCH', { managed: true }],
];

for (const [what, code, input] of DAMAGE) {
  test(`a signature ${what} is refused with ${code}`, async (t) => {
    const world = await signingWorld(t);
    const { reference } = await world.pushImage();
    await pushSignature(world, reference, input);
    await refused(world, reference, code);
  });
}

test('a signature under a changed byte of the envelope does not verify', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const flip = (json: string): string => {
    const bundle = JSON.parse(json) as { dsseEnvelope: { payload: string } };
    const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64')
      .toString()
      .replace('"predicate":{}', '"predicate":{"a":1}');
    bundle.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
    return JSON.stringify(bundle);
  };
  await pushSignature(world, reference, { changeJson: flip });
  await refused(world, reference, 'SIGNATURE_INVALID');
});

test('keys verify what they signed and nothing else', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const key = PrivateKey.generate('ecdsa-p256');
  const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
  await pushSignature(world, reference);
  await refused(world, reference, 'KEY_MISMATCH', { policy });
  await pushSignature(world, reference, { key, managed: true, unstamped: true });
  const { signatures } = await verify(world, reference, { policy });
  assert.deepEqual(
    signatures.map(({ bundle }) => bundle.signer.kind),
    ['key'],
  );
  const stranger = signaturePolicy({ kind: 'key', key: PrivateKey.generate('ecdsa-p256').publicKey });
  await refused(world, reference, 'KEY_MISMATCH', { policy: stranger });
});

const SWITCHES: readonly (readonly [string, SignatureInput, VerificationSwitches, string | undefined])[] = [
  ['no log entry', { change: (draft) => ({ ...draft, tlogEntries: [] }) }, { insecureIgnoreTlog: true }, undefined],
  ['no SCT', { leaf: { scts: () => [] } }, { insecureIgnoreSct: true }, undefined],
  [
    'nothing but a certificate that is valid now',
    { change: (draft) => ({ ...draft, tlogEntries: [], timestamps: [] }) },
    { insecureIgnoreTlog: true },
    undefined,
  ],
  [
    'a timestamp and no log entry',
    { change: (draft) => ({ ...draft, tlogEntries: [] }) },
    { insecureIgnoreTlog: true, useSignedTimestamps: true },
    undefined,
  ],
  [
    'neither timestamp nor log entry, but signed timestamps asked for',
    { change: (draft) => ({ ...draft, tlogEntries: [], timestamps: [] }) },
    { insecureIgnoreTlog: true, useSignedTimestamps: true },
    'TIMESTAMP_MISSING',
  ],
  ['no SCT, with the log ignored', { leaf: { scts: () => [] } }, { insecureIgnoreTlog: true }, 'SCT_MISSING'],
  [
    'no log entry, with the SCT ignored',
    { change: (draft) => ({ ...draft, tlogEntries: [] }) },
    { insecureIgnoreSct: true },
    'LOG_ENTRY_MISSING',
  ],
];

for (const [what, input, switches, code] of SWITCHES) {
  test(`${what}: ${JSON.stringify(switches)} ${code === undefined ? 'lets it pass and says so' : `is refused with ${code}`}`, async (t) => {
    const world = await signingWorld(t);
    const { reference } = await world.pushImage();
    await pushSignature(world, reference, input);
    const policy = signaturePolicy(IDENTITIES, switches);
    if (code !== undefined) await refused(world, reference, code, { policy });
    else {
      const { signatures } = await verify(world, reference, { policy });
      assert.ok(signatures[0]?.bundle.checks.some(({ isWeakened }) => isWeakened === true));
    }
  });
}

test('the present time lets no expired certificate pass', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference, { change: (draft) => ({ ...draft, tlogEntries: [], timestamps: [] }) });
  const policy = signaturePolicy(IDENTITIES, { insecureIgnoreTlog: true });
  await refused(world, reference, 'CERTIFICATE_TIME', { policy, now: new Date('2026-06-01T12:30:00Z') });
});

test('a policy that demands nobody is refused before a signature is looked at', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference);
  await refused(world, reference, 'USAGE_NO_IDENTITY', {
    policy: signaturePolicy({ kind: 'identities', identities: [] }),
  });
});

test('signatures in another repository are found there, and only there', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const subject = await world.registry.resolve(reference);
  const payload = encodeStatement(imageSignatureStatement(subject.digest));
  const json = encodeBundle(world.instance.signStatement(new Uint8Array(0), { payload }));
  const signatureRepository = { registry: reference.registry, repository: 'demo/signatures' };
  await pushBundle(world.registry, signatureRepository, subject, json, {
    predicateType: SIGN,
    createdAt: SIGNING_TIME,
  });
  await refused(world, reference, 'NO_SIGNATURE');
  assert.equal((await verify(world, reference, { signatureRepository })).signatures.length, 1);
});

const answer =
  (status: number, headers: Record<string, string> = {}): Fault =>
  () =>
    new Response('{"errors":[{"code":"X","message":"broken"}]}', { status, headers });

const half: Fault = async (_, usual) => {
  const whole = await usual();
  const body = new Uint8Array(await whole.arrayBuffer());
  const headers = new Headers(whole.headers);
  headers.set('content-length', String(body.length));
  headers.set('connection', 'close');
  return new Response(body.slice(0, body.length >> 1), { status: whole.status, headers });
};

const otherBytes: Fault = async (_, usual) => {
  const whole = await usual();
  const body = new Uint8Array(await whole.arrayBuffer());
  body[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1;
  return new Response(body, { status: whole.status, headers: whole.headers });
};

/** What a registry may do at each of the four requests, and what may be said of it: never that the image is unsigned. */
const FAULTS: readonly (readonly [string, Fault, readonly string[]])[] = [
  ['401', answer(401), ['AUTH_REGISTRY']],
  ['403', answer(403), ['AUTH_REGISTRY']],
  ['429', answer(429, { 'retry-after': '3600' }), ['REMOTE_THROTTLED']],
  ['500', answer(500), ['REMOTE_STATUS']],
  ['503', answer(503), ['REMOTE_STATUS']],
  ['half a body', half, ['REMOTE_BODY', 'PASSED']],
  ['other bytes', otherBytes, ['REMOTE_BODY', 'COULD_NOT_CHECK', 'PASSED']],
];

for (const [what, fault, codes] of FAULTS) {
  test(`a registry that answers ${what} at any request is never taken for an unsigned image`, async (t) => {
    const world = await signingWorld(t);
    const { reference } = await world.pushImage();
    await pushSignature(world, reference);
    for (const prefix of [
      'HEAD /v2/demo/app/manifests/latest',
      'GET /v2/demo/app/referrers/',
      'GET /v2/demo/app/manifests/',
      'GET /v2/demo/app/blobs/',
    ]) {
      world.faults.clear();
      world.faults.set(prefix, fault);
      const code = await verify(world, reference).then(
        () => 'PASSED',
        (error: unknown) => (error as SealwrightError).code,
      );
      assert.ok(codes.includes(code), `${code} at ${prefix}`);
      // A HEAD has no body that could be cut or changed; everything else must have been noticed.
      if (code === 'PASSED') assert.ok(prefix.startsWith('HEAD'), prefix);
    }
  });
}

test('a bundle that the registry has lost could not be checked', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await pushSignature(world, reference);
  world.faults.set('GET /v2/demo/app/blobs/', answer(404));
  assert.equal((await refused(world, reference, 'COULD_NOT_CHECK')).exitCode, 23);
});

test('an unreachable registry is not an unsigned image', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  world.faults.set('', () => new Response(null, { status: 502 }));
  await refused(world, reference, 'REMOTE_STATUS');
});

test('a page in the place of the list of referrers is not an unsigned image, unless the fallback tag has a list', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const page = (): Response => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
  world.faults.set('GET /v2/demo/app/referrers/', page);
  const error = await refused(world, reference, 'COULD_NOT_CHECK');
  assert.equal(error.exitCode, 23);
  assert.match(error.facts.found ?? '', /REMOTE_BODY/);
  // cosign takes it for a registry without the list.
  const told: string[] = [];
  await refused(world, reference, 'NO_SIGNATURE', { passesOver: (what) => told.push(what) });
  assert.deepEqual(told, [`what refers to ${digest.toString()}`]);
  // Whoever signs there writes the tag, and then nothing is in doubt.
  world.faults.clear();
  await pushSignature(world, reference);
  const { descriptors } = await world.registry.referrers(reference, digest);
  world.faults.set('GET /v2/demo/app/referrers/', page);
  await refused(world, reference, 'COULD_NOT_CHECK');
  const list = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: descriptors });
  await world.registry.putManifest(reference, `sha256-${digest.hex}`, list, OCI_INDEX);
  assert.equal((await verify(world, reference)).signatures.length, 1);
});

test('configurations of images are no bundles', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const { mediaType, size, digest } = await world.registry.resolve(reference);
  const config = utf8('{}');
  await world.registry.putBlob(reference, config);
  const descriptor = { mediaType: OCI_CONFIG, size: config.length, digest: Digest.of(config) };
  const subject = { mediaType, size, digest };
  await world.registry.pushReferrer(
    reference,
    encodeManifest({ kind: 'image', mediaType: OCI_MANIFEST, config: descriptor, layers: [descriptor], subject }),
  );
  await refused(world, reference, 'NO_SIGNATURE');
});

test('bundles that together would fill the memory are refused, and not called unsigned', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const subject = await world.registry.resolve(reference);
  const large = ' '.repeat(15 << 20);
  for (let second = 0; second < 9; second++) {
    const createdAt = new Date(SIGNING_TIME.getTime() + second * 1000);
    await pushBundle(world.registry, reference, subject, large, { predicateType: SIGN, createdAt });
  }
  await refused(world, reference, 'LIMIT_SIZE');
});
