import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStatement } from '../../src/core/attestation/statement.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import type { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_INDEX } from '../../src/core/image/media-types.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { OID } from '../../src/core/pki/oids.ts';
import { createLogInstance } from '../../src/core/trust/log-instance.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { signImage, signImageRecursively, type SignImageRequest } from '../../src/workflows/sign/sign-image.ts';
import type { SignedImage } from '../../src/workflows/sign/signed-image.ts';
import {
  createTimestampAuthority,
  FakeInstance,
  FakeLog,
  ISSUER,
  SIGNING_TIME,
  SUBJECT,
  WINDOW,
} from '../support/instance.ts';
import { KEYLESS, signingWorld, unsignedToken, type Fault, type SigningWorld } from '../support/signing-world.ts';
import { issueRoot } from '../support/test-authority.ts';

function sign(
  world: SigningWorld,
  reference: SignImageRequest['reference'],
  more: Partial<SignImageRequest> = {},
): Promise<SignedImage> {
  return signImage({ ...world.context, registry: world.registry, reference, signer: KEYLESS, ...more });
}

/** Signs, expects to be refused, and holds the refusal to its code and the registry to how it was. */
async function refused(
  world: SigningWorld,
  code: string,
  more: Partial<SignImageRequest> = {},
): Promise<SealwrightError> {
  const { reference, digest } = await world.pushImage();
  let token = '';
  const signer = { kind: 'keyless' as const, identityToken: () => Promise.resolve((token = unsignedToken())) };
  let caught: unknown;
  await assert.rejects(sign(world, reference, { signer, ...more }), (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  const error = caught as SealwrightError;
  assert.notEqual(error.exitCode, 70);
  if (token !== '')
    assert.ok(!JSON.stringify([error, renderError(error)]).includes(token), 'the token is in the error');
  world.faults.clear();
  assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
  return error;
}

test('an image is signed as cosign signs it, and what was done is told', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const signed = await sign(world, reference, { annotations: { build: '42' } });
  assert.equal(signed.digest.toString(), digest.toString());
  assert.equal(signed.isTagResolved, true);
  assert.deepEqual(signed.timestamp, SIGNING_TIME);
  assert.equal(signed.logIndex, 5n);
  assert.ok(signed.signer.kind === 'certificate');
  assert.deepEqual([signed.signer.subject, signed.signer.issuer], [SUBJECT, ISSUER]);
  assert.deepEqual([signed.caUrl, signed.logUrl], [world.url, world.url]);
  const { content } = signed.bundle;
  assert.ok(content.kind === 'dsse');
  assert.equal(
    Buffer.from(content.envelope.payload).toString(),
    `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"${digest.hex}"},"annotations":{"build":"42"}}],` +
      `"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`,
  );
  const [referrer] = (await world.registry.referrers(reference, digest)).descriptors;
  assert.equal(referrer?.digest.toString(), signed.referrer?.digest.toString());
  assert.ok(referrer !== undefined);
  assert.equal(referrer.artifactType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
  assert.equal(referrer.annotations?.['dev.sigstore.bundle.predicateType'], 'https://sigstore.dev/cosign/sign/v1');
});

test('an image given by digest is signed without a tag being resolved', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  assert.equal((await sign(world, reference.atDigest(digest))).isTagResolved, false);
});

test('without upload the registry stays as it was', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const signed = await sign(world, reference, { upload: false });
  assert.equal(signed.referrer, undefined);
  assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
});

test('key pairs of every kind sign, with the hint and without a certificate', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const) {
    const key = PrivateKey.generate(kind);
    const signed = await sign(world, reference, { signer: { kind: 'key', key } });
    const { verificationMaterial } = JSON.parse(signed.bundleJson!) as {
      verificationMaterial: Record<string, unknown>;
    };
    assert.deepEqual(
      verificationMaterial['publicKey'],
      { hint: Buffer.from(key.publicKey.id).toString('base64') },
      kind,
    );
    assert.equal(signed.signer.kind, 'key');
    assert.equal(signed.caUrl, undefined);
  }
  assert.ok(!world.seen.some((line) => line.includes('signingCert')));
});

test('a key pair signs without any service when the config lists none', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const signingConfig = { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] };
  for (const kind of ['ecdsa-p256', 'ed25519'] as const) {
    const signed = await sign(world, reference, {
      signer: { kind: 'key', key: PrivateKey.generate(kind) },
      signingConfig,
    });
    assert.deepEqual([signed.logIndex, signed.timestamp], [undefined, undefined], kind);
  }
});

test('the statement of a workload without an e-mail address names what its claims say', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const name = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
  world.mischief.leaf = { names: [{ kind: 'uri', value: name }] };
  const claims = { email: undefined, sub: 'repo:acme/app', job_workflow_ref: name.slice('https://github.com/'.length) };
  const identityToken = (): Promise<string> => Promise.resolve(unsignedToken(claims));
  const signed = await sign(world, reference, { signer: { kind: 'keyless', identityToken } });
  assert.equal(signed.signer.kind === 'certificate' && signed.signer.subject, name);
});

test('a provider behind the issuer may be the one that the certificate names', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  world.mischief.leaf = { fulcio: { issuer: 'https://github.com/login/oauth' } };
  const claims = { federated_claims: { connector_id: 'https://github.com/login/oauth', user_id: '1' } };
  const identityToken = (): Promise<string> => Promise.resolve(unsignedToken(claims));
  const signed = await sign(world, reference, { signer: { kind: 'keyless', identityToken } });
  assert.equal(signed.signer.kind === 'certificate' && signed.signer.issuer, 'https://github.com/login/oauth');
});

test('as many timestamps are gathered as the config asks for, and one that fails fails the signing', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const { signingConfig } = world.context;
  const tsaUrls = ['one', 'another'].flatMap((operator) => signingConfig.tsaUrls.map((tsa) => ({ ...tsa, operator })));
  for (const tsaConfig of [{ selector: 'ALL' }, { selector: 'EXACT', count: 2 }] as const) {
    const signed = await sign(world, reference, { signingConfig: { ...signingConfig, tsaUrls, tsaConfig } });
    assert.equal(signed.bundle.times.length, 2);
  }
  const other = await signingWorld(t);
  let count = 0;
  other.faults.set(TSA, (_, usual) => (count++ === 0 ? usual() : new Response(null, { status: 500 })));
  const second = other.context.signingConfig.tsaUrls.map((tsa) => ({ ...tsa, operator: 'another' }));
  const both = {
    tsaUrls: [...other.context.signingConfig.tsaUrls, ...second],
    tsaConfig: { selector: 'ALL' },
  } as const;
  await refused(other, 'REMOTE_STATUS', { signingConfig: { ...other.context.signingConfig, ...both } });
});

test('an authority of which only the root is known is asked for its certificate', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const { trustedRoot } = world.context;
  const timestampAuthorities = trustedRoot.timestampAuthorities.map((tsa) => ({ ...tsa, chain: tsa.chain.slice(-1) }));
  const asked: boolean[] = [];
  world.mischief.stamped = (request) => {
    asked.push(request.wantsCertificate);
    return request;
  };
  await sign(world, reference, { trustedRoot: { ...trustedRoot, timestampAuthorities } });
  await sign(world, reference);
  assert.deepEqual(asked, [true, false]);
});

const OTHER_LOG = new FakeLog('rekor-v2', 'log2026-1.rekor.example.com');

/** What each service may get wrong, and what that is called. */
const MISCHIEF: readonly (readonly [string, string, (world: SigningWorld) => void])[] = [
  [
    'a certificate for another key',
    'KEY_MISMATCH',
    ({ mischief }) => (mischief.certifiedKey = PrivateKey.generate('ecdsa-p256').publicKey),
  ],
  [
    'a certificate for another address',
    'IDENTITY_MISMATCH',
    ({ mischief }) => (mischief.leaf = { names: [{ kind: 'email', value: 'eve@example.com' }] }),
  ],
  [
    'a certificate for two addresses',
    'IDENTITY_MISMATCH',
    ({ mischief }) =>
      (mischief.leaf = {
        names: [
          { kind: 'email', value: SUBJECT },
          { kind: 'email', value: 'eve@example.com' },
        ],
      }),
  ],
  [
    'a certificate of another issuer',
    'IDENTITY_MISMATCH',
    ({ mischief }) => (mischief.leaf = { fulcio: { issuer: 'https://evil.example' } }),
  ],
  ['a certificate without an issuer', 'IDENTITY_MISMATCH', ({ mischief }) => (mischief.leaf = { fulcio: {} })],
  [
    'a certificate by another authority',
    'CERTIFICATE_UNTRUSTED',
    ({ mischief }) => (mischief.leaf = { issuer: issueRoot({ name: 'test intermediate' }) }),
  ],
  [
    'a certificate that is no signing certificate',
    'CERTIFICATE_PROFILE',
    ({ mischief }) => (mischief.leaf = { extensions: [] }),
  ],
  [
    'an SCT by another key',
    'SCT_INVALID',
    ({ mischief, instance }) =>
      (mischief.leaf = { scts: (tbs, by) => [instance.sct(tbs, by, { key: PrivateKey.generate('ecdsa-p256') })] }),
  ],
  [
    'an SCT over another certificate',
    'SCT_INVALID',
    ({ mischief, instance }) => (mischief.leaf = { scts: (_, by) => [instance.sct(utf8('another'), by)] }),
  ],
  [
    'an SCT of an unknown log',
    'SCT_MISSING',
    ({ mischief, instance }) =>
      (mischief.leaf = { scts: (tbs, by) => [instance.sct(tbs, by, { logId: new Uint8Array(32) })] }),
  ],
  ['a certificate without SCT', 'SCT_MISSING', ({ mischief }) => (mischief.leaf = { scts: () => [] })],
  ['a malformed SCT list', 'FORMAT_SCT', ({ mischief }) => (mischief.leaf = { sctExtension: Uint8Array.of(4, 1, 0) })],
  [
    'a certificate that ended before the timestamp',
    'CERTIFICATE_TIME',
    ({ mischief }) =>
      (mischief.leaf = { notBefore: new Date('2026-06-01T11:00:00Z'), notAfter: new Date('2026-06-01T11:10:00Z') }),
  ],
  [
    'the root instead of the leaf',
    'KEY_MISMATCH',
    ({ mischief }) => (mischief.certificates = (chain) => chain.slice(-1)),
  ],
  ['an empty chain', 'REMOTE_BODY', ({ mischief }) => (mischief.certificates = () => [])],

  [
    'a log entry with another signature',
    'LOG_ENTRY_MISMATCH',
    ({ mischief }) => (mischief.logged = (asked) => ({ ...asked, signature: Uint8Array.of(1, 2, 3) })),
  ],
  [
    'a log entry with another digest',
    'LOG_ENTRY_MISMATCH',
    ({ mischief }) =>
      (mischief.logged = (asked) => ({ ...asked, digest: { algorithm: 'sha256', digest: new Uint8Array(32) } })),
  ],
  [
    'a log entry by another signer',
    'LOG_ENTRY_MISMATCH',
    ({ mischief, instance }) =>
      (mischief.logged = (asked) => ({
        ...asked,
        verifier: { kind: 'certificate', der: instance.root.certificate.raw },
      })),
  ],
  [
    'a log entry of another kind',
    'FORMAT_LOG_ENTRY',
    ({ mischief }) => (mischief.entry = (entry) => ({ ...entry, version: '0.0.9' })),
  ],
  [
    'a log entry at another index',
    'INCLUSION_PROOF_INVALID',
    ({ mischief }) =>
      (mischief.entry = (entry) => ({
        ...entry,
        logIndex: entry.logIndex - 1n,
        inclusionProof: { ...entry.inclusionProof!, logIndex: entry.logIndex - 1n },
      })),
  ],
  [
    'a proof with another hash',
    'INCLUSION_PROOF_INVALID',
    ({ mischief }) =>
      (mischief.entry = (entry) => ({
        ...entry,
        inclusionProof: {
          ...entry.inclusionProof!,
          hashes: entry.inclusionProof!.hashes.map(() => new Uint8Array(32)),
        },
      })),
  ],
  [
    'a proof that is too short',
    'FORMAT_PROOF',
    ({ mischief }) =>
      (mischief.entry = (entry) => ({
        ...entry,
        inclusionProof: { ...entry.inclusionProof!, hashes: entry.inclusionProof!.hashes.slice(1) },
      })),
  ],
  [
    'a checkpoint by another key',
    'CHECKPOINT_INVALID',
    ({ mischief, instance }) =>
      (mischief.entry = (entry) => ({
        ...entry,
        inclusionProof: { ...entry.inclusionProof!, checkpoint: instance.logV2.checkpoint({ key: OTHER_LOG.key }) },
      })),
  ],
  [
    'a checkpoint of another origin',
    'CHECKPOINT_INVALID',
    ({ mischief, instance }) =>
      (mischief.entry = (entry) => ({
        ...entry,
        inclusionProof: { ...entry.inclusionProof!, checkpoint: instance.logV2.checkpoint({ origin: 'evil.example' }) },
      })),
  ],
  [
    'an entry of an unknown log',
    'LOG_UNTRUSTED',
    ({ mischief }) => (mischief.entry = (entry) => ({ ...entry, logId: new Uint8Array(32) })),
  ],
  [
    'an entry without a proof',
    'REMOTE_BODY',
    ({ mischief }) => (mischief.entry = ({ inclusionProof: _, ...entry }) => entry),
  ],

  [
    'a timestamp over something else',
    'TIMESTAMP_INVALID',
    ({ mischief }) =>
      (mischief.stamped = (asked) => ({
        ...asked,
        messageImprint: { hashAlgorithm: 'sha256', hashedMessage: new Uint8Array(32) },
      })),
  ],
  [
    'a timestamp after the certificate ended',
    'CERTIFICATE_TIME',
    ({ mischief }) => (mischief.stampTime = new Date('2026-06-01T12:30:00Z')),
  ],
  [
    'a timestamp before the certificate began',
    'CERTIFICATE_TIME',
    ({ mischief }) => (mischief.stampTime = new Date('2026-06-01T11:59:59Z')),
  ],
  [
    "a timestamp outside the authority's window",
    'TIMESTAMP_UNTRUSTED',
    ({ mischief }) => (mischief.stampTime = new Date('2027-06-01T12:00:30Z')),
  ],
];

for (const [what, code, arrange] of MISCHIEF) {
  test(`${what} is refused with ${code}, and nothing is pushed`, async (t) => {
    const world = await signingWorld(t);
    arrange(world);
    await refused(world, code);
  });
}

test('a timestamp of an authority that is not trusted is refused', async (t) => {
  const world = await signingWorld(t);
  const timestampAuthorities = [createTimestampAuthority('https://other.example.com').authority];
  await refused(world, 'TIMESTAMP_UNTRUSTED', { trustedRoot: { ...world.instance.trustedRoot, timestampAuthorities } });
});

test("a log entry outside the window of the log's key is refused", async (t) => {
  const world = await signingWorld(t);
  const { key, name } = world.instance.logV2;
  const log = createLogInstance({
    api: 'rekor-v2',
    baseUrl: `https://${name}`,
    publicKey: key.publicKey,
    validFor: { start: WINDOW.start, end: new Date('2026-02-01T00:00:00Z') },
  });
  await refused(world, 'LOG_TIME', { trustedRoot: { ...world.instance.trustedRoot, tlogs: [log] } });
});

test('an authority with another root is refused although its certificates look alike', async (t) => {
  const world = await signingWorld(t);
  await refused(world, 'CERTIFICATE_UNTRUSTED', { trustedRoot: new FakeInstance().trustedRoot });
});

const status =
  (code: number, body = '', headers: Record<string, string> = {}): Fault =>
  () =>
    new Response(body, { status: code, headers });

/** Half of the right answer, then the connection breaks. */
const halfBody: Fault = async (_, usual) => {
  const answer = await usual();
  const body = new Uint8Array(await answer.arrayBuffer());
  return new Response(body.slice(0, body.length >> 1), {
    status: answer.status,
    headers: { 'content-length': String(body.length), connection: 'close' },
  });
};

const CA = 'POST /api/v2/signingCert';
const LOG = 'POST /api/v2/log/entries';
const TSA = 'POST /api/v1/timestamp';

const FAILURES: readonly (readonly [string, string, string, Fault])[] = [
  ...[CA, LOG, TSA].flatMap((peer) => [
    ['a throttled', 'REMOTE_THROTTLED', peer, status(429, 'slow down', { 'retry-after': '3600' })] as const,
    ['a failing', 'REMOTE_STATUS', peer, status(500, 'oops')] as const,
    ['an unavailable', 'REMOTE_STATUS', peer, status(503)] as const,
    ['a missing', 'REMOTE_STATUS', peer, status(404, 'not found')] as const,
    ['a half', 'REMOTE_BODY', peer, halfBody] as const,
  ]),
  [
    'a refusing',
    'AUTH_TOKEN_INVALID',
    CA,
    status(401, '{"code":16,"message":"There was an error processing the identity token"}'),
  ],
  ['a forbidding', 'AUTH_TOKEN_INVALID', CA, status(403)],
  [
    'a complaining',
    'AUTH_TOKEN_INVALID',
    CA,
    status(400, '{"code":3,"message":"The email address or subject could not be verified"}'),
  ],
  [
    'a talkative',
    'AUTH_TOKEN_INVALID',
    CA,
    async (request) => new Response(`{"message":${JSON.stringify(await request.text())}}`, { status: 400 }),
  ],
  ['a wrong', 'REMOTE_BODY', CA, status(200, '<html>')],
  ['an empty', 'REMOTE_BODY', CA, status(200, '{}')],
  ['a huge', 'REMOTE_BODY', CA, status(200, ' '.repeat((1 << 20) + 1))],
  ['a wrong', 'REMOTE_BODY', LOG, status(201, '<html>')],
  ['an empty', 'REMOTE_BODY', LOG, status(201, '{}')],
  ['a refusing', 'REMOTE_STATUS', LOG, status(400, '{"code":3,"message":"invalid signature"}')],
  ['an unauthorised', 'REMOTE_STATUS', LOG, status(401)],
  ['a wrong', 'REMOTE_BODY', TSA, status(200, '<html>')],
  ['an empty', 'REMOTE_BODY', TSA, status(200)],
  ['an unauthorised', 'REMOTE_STATUS', TSA, status(401)],
];

for (const [what, code, peer, fault] of FAILURES) {
  test(`${what} answer to ${peer} is ${code}, and nothing is pushed`, async (t) => {
    const world = await signingWorld(t);
    world.faults.set(peer, fault);
    await refused(world, code);
  });
}

test('an authority that points elsewhere gets no token sent there', async (t) => {
  const world = await signingWorld(t);
  world.faults.set(CA, status(307, '', { location: '/stolen' }));
  await refused(world, 'REMOTE_STATUS');
  assert.ok(!world.seen.includes('POST /stolen'));
});

test('an answer lost once is asked for again, by every service', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  for (const peer of [CA, LOG, TSA]) {
    let isFirst = true;
    world.faults.set(peer, async (request, usual) => {
      if (!isFirst) return usual();
      isFirst = false;
      return halfBody(request, usual);
    });
  }
  await sign(world, reference);
  for (const peer of [CA, LOG, TSA]) assert.equal(world.seen.filter((line) => line === peer).length, 2, peer);
});

test('a failure of the registry at any request of the push leaves no signature behind', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const push = (): Promise<SignedImage> =>
    sign(world, reference, { signer: { kind: 'key', key: PrivateKey.generate('ecdsa-p256') } });
  // Once before, so that the empty configuration is there every time.
  await push();
  world.seen.length = 0;
  await push();
  const total = world.seen.filter((line) => line.includes('/v2/demo/')).length;
  assert.ok(total >= 5);
  const before = (await world.registry.referrers(reference, digest)).descriptors.length;
  for (let failing = 0; failing < total; failing++) {
    let count = 0;
    world.faults.set('', (request, usual) => {
      if (!new URL(request.url).pathname.startsWith('/v2/demo/')) return usual();
      return count++ < failing
        ? usual()
        : new Response('{"errors":[{"code":"DENIED","message":"broken"}]}', { status: 500 });
    });
    await assert.rejects(push, { code: 'REMOTE_STATUS' }, `request ${failing}`);
    world.faults.clear();
    assert.equal((await world.registry.referrers(reference, digest)).descriptors.length, before, `request ${failing}`);
  }
});

test('a registry that wants other credentials says so with its own code', async (t) => {
  const world = await signingWorld(t);
  for (const code of [401, 403]) {
    world.faults.set('PUT /v2/demo/app/manifests/sha256', status(code, '{"errors":[{"code":"UNAUTHORIZED"}]}'));
    await refused(world, 'AUTH_REGISTRY');
  }
});

test('an image that is not there costs no visit to the identity provider', async (t) => {
  const world = await signingWorld(t);
  const { reference } = await world.pushImage();
  const identityToken = (): Promise<string> => Promise.reject(new Error('asked for a token'));
  const signer = { kind: 'keyless', identityToken } as const;
  await assert.rejects(sign(world, reference.atTag('missing'), { signer }), { code: 'TAG_NOT_FOUND', exitCode: 11 });
});

const TOKENS: readonly (readonly [string, string, string])[] = [
  ['no JWT', 'AUTH_TOKEN_INVALID', 'hello'],
  ['a JWT without JSON', 'FORMAT_TOKEN', `${Buffer.from('{').toString('base64url')}.bm9wZQ.AAAA`],
  ['a JWT with spare bits', 'FORMAT_BASE64', 'AA.AB.AA'],
  ['a token without a subject', 'AUTH_CLAIM', unsignedToken({ sub: undefined })],
  ['a token without an issuer', 'AUTH_CLAIM', unsignedToken({ iss: undefined })],
  ['a token whose address is not verified', 'AUTH_CLAIM', unsignedToken({ email_verified: false })],
  ['an expired token', 'AUTH_TOKEN_EXPIRED', unsignedToken({ exp: SIGNING_TIME.getTime() / 1000 })],
  ['a token of megabytes', 'LIMIT_SIZE', `AA.${'A'.repeat(1 << 20)}.AA`],
];

for (const [what, code, token] of TOKENS) {
  test(`${what} is refused with ${code} before anybody is asked`, async (t) => {
    const world = await signingWorld(t);
    await refused(world, code, { signer: { kind: 'keyless', identityToken: () => Promise.resolve(token) } });
    assert.ok(!world.seen.includes(CA));
  });
}

test('a config that cannot serve is refused before anybody is asked', async (t) => {
  const world = await signingWorld(t);
  const { signingConfig } = world.context;
  await refused(world, 'USAGE_BAD_CONFIG', { signingConfig: { ...signingConfig, caUrls: [] } });
  await refused(world, 'USAGE_BAD_CONFIG', { signingConfig: { ...signingConfig, tsaUrls: [] } });
  await refused(world, 'USAGE_BAD_CONFIG', { now: () => new Date('2030-01-01T00:00:00Z') });
  assert.ok(!world.seen.includes(CA));
});

test('the payload of the signature parses as the statement that verifiers read', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const { bundle } = await sign(world, reference);
  assert.ok(bundle.content.kind === 'dsse');
  const { subjects } = parseStatement(bundle.content.envelope.payload);
  assert.deepEqual([...(subjects[0]?.digests ?? [])], [['sha256', digest.hex]]);
  assert.ok(bundle.signer.kind === 'certificate');
  assert.deepEqual(bundle.signer.certificate.extendedKeyUsage, [OID.codeSigning]);
});

test('an index is signed with all that it names, by one certificate, the index first', async (t) => {
  const world = await signingWorld(t);
  const { reference, children } = await pushIndex(world);
  let asked = 0;
  const identityToken = (): Promise<string> => {
    asked++;
    return Promise.resolve(unsignedToken());
  };
  const signer = { kind: 'keyless', identityToken } as const;
  const signed = await signImageRecursively({ ...world.context, registry: world.registry, reference, signer });
  assert.equal(asked, 1);
  assert.equal(world.seen.filter((line) => line === CA).length, 1);
  assert.deepEqual(
    signed.map(({ digest }) => digest.toString()),
    [signed[0]?.digest.toString(), ...children.map(String)],
  );
  assert.deepEqual(
    signed.map(({ isTagResolved }) => isTagResolved),
    [true, false, false],
  );
  for (const { digest } of signed) {
    assert.equal((await world.registry.referrers(reference, digest)).descriptors.length, 1);
  }
});

test('an index of which one image cannot be signed is not signed at all', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest, children } = await pushIndex(world);
  let count = 0;
  world.faults.set(LOG, (_, usual) => (++count < 3 ? usual() : new Response(null, { status: 500 })));
  const request = { ...world.context, registry: world.registry, reference, signer: KEYLESS };
  await assert.rejects(signImageRecursively(request), { code: 'REMOTE_STATUS' });
  for (const each of [digest, ...children]) {
    assert.deepEqual((await world.registry.referrers(reference, each)).descriptors, []);
  }
});

test('an index that names an image that is gone is not signed', async (t) => {
  const world = await signingWorld(t);
  const { reference, children } = await pushIndex(world, true);
  world.faults.set(`GET /v2/demo/app/manifests/${children[2]?.toString() ?? ''}`, status(404));
  const request = { ...world.context, registry: world.registry, reference, signer: KEYLESS };
  await assert.rejects(signImageRecursively(request), { code: 'NOT_FOUND' });
  assert.ok(!world.seen.includes(CA));
  world.faults.clear();
  assert.equal((await signImageRecursively(request)).length, 4);
});

/** An index of two images; with `nested`, of an index of nothing as well. */
async function pushIndex(
  world: SigningWorld,
  nested = false,
): Promise<{ reference: ImageReference; digest: Digest; children: readonly Digest[] }> {
  const amd64 = await world.pushImage('amd64', 'one layer');
  const arm64 = await world.pushImage('arm64', 'another layer');
  const children = [amd64.digest, arm64.digest];
  const reference = amd64.reference.atTag('index');
  if (nested) {
    const inner = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [] });
    children.push((await world.registry.putManifest(reference, 'inner', inner, OCI_INDEX)).digest);
  }
  const manifests: Descriptor[] = [];
  for (const child of children) manifests.push(await world.registry.resolve(reference.atDigest(child)));
  const bytes = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests });
  const { digest } = await world.registry.putManifest(reference, 'index', bytes, OCI_INDEX);
  return { reference, digest, children };
}
