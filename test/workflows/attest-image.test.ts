import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeStatement, STATEMENT_V1, type Statement } from '../../src/core/attestation/statement.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import type { Digest } from '../../src/core/image/digest.ts';
import { parseRepository, type ImageReference } from '../../src/core/image/reference.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { attestImage, type AttestedImage, type AttestImageRequest } from '../../src/workflows/sign/attest-image.ts';
import type { AttestationContent } from '../../src/workflows/sign/attested-statement.ts';
import { SUBJECT } from '../support/instance.ts';
import { KEYLESS, signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

const TYPE = 'https://example.com/review/v1';
const REVIEW: AttestationContent = { kind: 'predicate', type: TYPE, content: utf8('{"level":3}') };

function attest(
  world: SigningWorld,
  reference: ImageReference,
  more: Partial<AttestImageRequest> = {},
): Promise<AttestedImage> {
  return attestImage({
    ...world.context,
    registry: world.registry,
    reference,
    signer: KEYLESS,
    content: REVIEW,
    ...more,
  });
}

function statement(digest: Digest, more: Partial<Statement> = {}): Uint8Array {
  return encodeStatement({
    type: STATEMENT_V1,
    subjects: [{ name: 'app', digests: new Map([['sha256', digest.hex]]) }],
    predicateType: TYPE,
    predicate: { level: 4 },
    ...more,
  });
}

function payloadOf({ bundle }: AttestedImage): string {
  assert.ok(bundle.content.kind === 'dsse');
  return Buffer.from(bundle.content.envelope.payload).toString();
}

test('an image is attested as cosign attests it, and what was done is told', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const attested = await attest(world, reference);
  assert.equal(
    payloadOf(attested),
    `{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":"${world.host}/demo/app","digest":{"sha256":"${digest.hex}"}}],` +
      `"predicateType":"${TYPE}","predicate":{"level":3}}`,
  );
  assert.ok(attested.bundle.signer.kind === 'certificate');
  assert.equal(attested.bundle.signer.subject, SUBJECT);
  assert.deepEqual([attested.isTagResolved, attested.dropped], [true, []]);
  const [referrer] = (await world.registry.referrers(reference, digest)).descriptors;
  assert.equal(referrer?.digest.toString(), attested.referrer?.digest.toString());
  assert.equal(referrer?.annotations?.['dev.sigstore.bundle.predicateType'], TYPE);
  assert.equal(referrer.annotations['dev.sigstore.bundle.content'], 'dsse-envelope');
});

test('a statement alone is enough, and its bytes are what is signed', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const content = utf8(`${Buffer.from(statement(digest)).toString()}\n`);
  const attested = await attest(world, reference, { content: { kind: 'statement', content } });
  assert.equal(payloadOf(attested), Buffer.from(content).toString());
  assert.equal(attested.statement.type, STATEMENT_V1);
  const [referrer] = (await world.registry.referrers(reference, digest)).descriptors;
  assert.equal(referrer?.annotations?.['dev.sigstore.bundle.predicateType'], TYPE);
});

test('attestations stand beside one another, the same ones as well', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  for (let time = 0; time < 3; time++) await attest(world, reference);
  assert.equal((await world.registry.referrers(reference, digest)).descriptors.length, 3);
});

test('without upload the registry stays as it was; another repository takes them when it is named', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  assert.equal((await attest(world, reference, { upload: false })).referrer, undefined);
  const signatureRepository = parseRepository(`${world.host}/demo/attestations`);
  await attest(world, reference, { signatureRepository });
  assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
  assert.equal((await world.registry.referrers(signatureRepository, digest)).descriptors.length, 1);
});

test('key pairs of every kind attest', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const) {
    const { bundle } = await attest(world, reference, { signer: { kind: 'key', key: PrivateKey.generate(kind) } });
    assert.equal(bundle.signer.kind, 'key', kind);
  }
});

test('as cosign, a statement may be about something else when that is asked for', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const other = await world.pushImage('other', 'another layer');
  const content = { kind: 'statement', content: statement(other.digest), allowOtherSubject: true } as const;
  assert.notEqual((await attest(world, reference, { content })).referrer, undefined);
});

/** Nobody logs in, nothing is asked of a service, and nothing is pushed for what could be refused before. */
const REFUSED_EARLY: Readonly<
  Record<string, { readonly content: (digest: Digest) => AttestationContent; readonly code: string }>
> = {
  'a predicate that is no JSON': {
    content: () => ({ kind: 'predicate', type: 'cyclonedx', content: utf8('<bom/>') }),
    code: 'FORMAT_PREDICATE',
  },
  'a provenance without a builder': {
    content: () => ({ kind: 'predicate', type: 'slsaprovenance', content: utf8('{}') }),
    code: 'FORMAT_PREDICATE',
  },
  'a type that is none': {
    content: () => ({ kind: 'predicate', type: 'sbom', content: utf8('{}') }),
    code: 'USAGE_BAD_FLAG',
  },
  'a predicate of 12 MiB': {
    content: () => ({ kind: 'predicate', type: 'spdx', content: new Uint8Array(12 << 20).fill(0x61) }),
    code: 'LIMIT_SIZE',
  },
  'a predicate of 64 levels': {
    content: () => ({ kind: 'predicate', type: TYPE, content: utf8(`${'{"a":'.repeat(64)}1${'}'.repeat(64)}`) }),
    code: 'LIMIT_DEPTH',
  },
  'a statement that is no JSON': {
    content: () => ({ kind: 'statement', content: utf8('{') }),
    code: 'FORMAT_STATEMENT',
  },
  'a statement about another image': {
    content: (digest) => ({
      kind: 'statement',
      content: statement(digest, { subjects: [{ digests: new Map([['sha256', '0'.repeat(64)]]) }] }),
    }),
    code: 'SUBJECT_MISMATCH',
  },
  'a statement about 1,025 subjects': {
    content: (digest) => ({
      kind: 'statement',
      content: statement(digest, { subjects: Array(1025).fill({ digests: new Map([['sha256', digest.hex]]) }) }),
    }),
    code: 'LIMIT_COUNT',
  },
  'a statement about nothing': {
    content: (digest) => ({ kind: 'statement', content: statement(digest, { subjects: [] }) }),
    code: 'FORMAT_STATEMENT',
  },
  'a statement of another type': {
    content: (digest) => ({ kind: 'statement', content: statement(digest), type: 'spdxjson' }),
    code: 'PREDICATE_TYPE_MISMATCH',
  },
  'a signed envelope in place of a statement': {
    content: () => ({ kind: 'statement', content: utf8('{"payload":"","payloadType":"","signatures":[{},{}]}') }),
    code: 'FORMAT_STATEMENT',
  },
};
for (const [what, { content, code }] of Object.entries(REFUSED_EARLY)) {
  test(`${what} is refused with ${code} before anybody logs in`, async (t) => {
    const world = await signingWorld(t);
    const { reference, digest } = await world.pushImage();
    const before = world.seen.length;
    const signer = { kind: 'keyless', identityToken: () => assert.fail('somebody was asked to log in') } as const;
    await assert.rejects(attest(world, reference, { signer, content: content(digest) }), { code });
    assert.deepEqual(
      world.seen.slice(before).filter((line) => !line.startsWith('HEAD /v2/') && !line.startsWith('GET /v2/')),
      [],
    );
    assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
  });
}

/** What services and registries do wrong: each its code, and the image stays as it was. */
const REFUSED_LATE: Readonly<Record<string, { readonly spoil: (world: SigningWorld) => void; readonly code: string }>> =
  {
    'a log that logs another digest': {
      spoil: (world) => {
        world.mischief.logged = (request) => ({
          ...request,
          digest: { algorithm: 'sha256', digest: new Uint8Array(32) },
        });
      },
      code: 'LOG_ENTRY_MISMATCH',
    },
    'a timestamp of something else': {
      spoil: (world) => {
        world.mischief.stamped = (request) => ({
          ...request,
          messageImprint: { ...request.messageImprint, hashedMessage: new Uint8Array(32) },
        });
      },
      code: 'TIMESTAMP_INVALID',
    },
    'a certificate for another key': {
      spoil: (world) => {
        world.mischief.certifiedKey = PrivateKey.generate('ecdsa-p256').publicKey;
      },
      code: 'KEY_MISMATCH',
    },
    'a registry that takes no manifest': {
      spoil: (world) => {
        world.faults.set('PUT /v2/demo/app/manifests/', () => new Response('no', { status: 400 }));
      },
      code: 'REMOTE_STATUS',
    },
  };
for (const [what, { spoil, code }] of Object.entries(REFUSED_LATE)) {
  test(`${what}: ${code}, and nothing refers to the image`, async (t) => {
    const world = await signingWorld(t);
    const { reference, digest } = await world.pushImage();
    spoil(world);
    const token = unsignedToken();
    const signer = { kind: 'keyless', identityToken: () => Promise.resolve(token) } as const;
    await assert.rejects(attest(world, reference, { signer }), (error: SealwrightError) => {
      assert.equal(error.code, code, renderError(error));
      assert.ok(!renderError(error).includes(token));
      return true;
    });
    world.faults.clear();
    assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
  });
}

test('an image that is not there is said to be missing before the predicate is looked at', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  await assert.rejects(attest(world, reference.atTag('none')), { code: 'TAG_NOT_FOUND' });
});
