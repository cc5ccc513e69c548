import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { signBlob, type SignBlobRequest, type SignedBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyBlob, type VerifyBlobRequest } from '../../src/workflows/verify/verify-blob.ts';
import type { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import { ALICE, ISSUER, SIGNING_TIME, SUBJECT } from '../support/instance.ts';
import { KEYLESS, signingWorld, type SigningWorld } from '../support/signing-world.ts';

const KINDS = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const;
const CONTENT = utf8('the artifact, in several pieces');

/** A stream that can be read once, in pieces of a few bytes. */
async function* pieces(bytes: Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    await Promise.resolve();
    yield bytes.slice(start, start + size);
  }
}

async function* zeros(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(1 << 20);
  for (let sent = 0; sent < sizeBytes; sent += chunk.length) {
    await Promise.resolve();
    yield chunk;
  }
}

function sign(world: SigningWorld, more: Partial<SignBlobRequest> = {}): Promise<SignedBlob> {
  return signBlob({ ...world.context, blob: pieces(CONTENT), signer: KEYLESS, ...more });
}

function verify(world: SigningWorld, bundle: string, more: Partial<VerifyBlobRequest> = {}): Promise<VerifiedBundle> {
  return verifyBlob({
    artifact: { kind: 'blob', blob: pieces(CONTENT, 5) },
    bundle,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy({ kind: 'identities', identities: [ALICE] }),
    now: SIGNING_TIME,
    ...more,
  });
}

async function refused(run: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(run, (error: SealwrightError) => {
    assert.equal(error.code, code, renderError(error));
    return true;
  });
}

test('a blob signed keylessly verifies, by itself and by its digest', async (t) => {
  const world = await signingWorld(t);
  const signed = await sign(world);
  assert.deepEqual([signed.logIndex, signed.timestamp], [5n, SIGNING_TIME]);
  assert.equal(Buffer.from(signed.digest.digest).toString('hex'), Digest.of(CONTENT).hex);
  assert.ok(signed.signer.kind === 'certificate');
  assert.deepEqual([signed.signer.subject, signed.signer.issuer], [SUBJECT, ISSUER]);
  const bundle = JSON.parse(signed.bundleJson) as { messageSignature: { messageDigest: object } };
  assert.deepEqual(bundle.messageSignature.messageDigest, {
    algorithm: 'SHA2_256',
    digest: Buffer.from(Digest.of(CONTENT).bytes).toString('base64'),
  });
  world.seen.length = 0;
  assert.ok((await verify(world, signed.bundleJson)).signer.kind === 'certificate');
  await verify(world, signed.bundleJson, { artifact: { kind: 'digest', digest: Digest.of(CONTENT) } });
  assert.deepEqual(world.seen, []);
});

test('P-384 and P-521 with SHA-256, as older clients signed, verify', async (t) => {
  const world = await signingWorld(t);
  const signingConfig = { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] };
  for (const kind of ['ecdsa-p384', 'ecdsa-p521'] as const) {
    const key = PrivateKey.generate(kind);
    const signer = { kind: 'key', key, scheme: 'ecdsa-sha256' } as const;
    const unlogged = signaturePolicy({ kind: 'key', key: key.publicKey }, { insecureIgnoreTlog: true });
    const { bundleJson, digest } = await sign(world, { signer, signingConfig });
    assert.equal(digest.algorithm, 'sha256');
    await verify(world, bundleJson, { policy: unlogged });
    const other = signaturePolicy(
      { kind: 'key', key: PrivateKey.generate(kind).publicKey },
      { insecureIgnoreTlog: true },
    );
    await refused(verify(world, bundleJson, { policy: other }), 'KEY_MISMATCH');
  }
});

test('RSA-PSS signs what is not logged, and verifies from the blob and from its digest', async (t) => {
  const world = await signingWorld(t);
  const signingConfig = { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] };
  for (const bits of [2048, 3072, 4096]) {
    const key = PrivateKey.generate('rsa', bits);
    const signer = { kind: 'key', key, scheme: 'rsa-pss-sha256' } as const;
    const policy = signaturePolicy({ kind: 'key', key: key.publicKey }, { insecureIgnoreTlog: true });
    const { bundleJson } = await sign(world, { signer, signingConfig });
    await verify(world, bundleJson, { policy });
    await verify(world, bundleJson, { policy, artifact: { kind: 'digest', digest: Digest.of(CONTENT) } });
    const artifact = { kind: 'digest', digest: Digest.of(utf8('another')) } as const;
    await refused(verify(world, bundleJson, { policy, artifact }), 'ARTIFACT_MISMATCH');
    await refused(sign(world, { signer }), 'USAGE_BAD_CONFIG');
  }
});

test('keys of every kind sign and verify blobs, logged and not', async (t) => {
  const world = await signingWorld(t);
  const services = { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] };
  for (const kind of KINDS) {
    const key = PrivateKey.generate(kind);
    const signer = { kind: 'key', key } as const;
    const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
    await verify(world, (await sign(world, { signer })).bundleJson, { policy });
    const { bundleJson } = await sign(world, { signer, signingConfig: services });
    const unlogged = signaturePolicy({ kind: 'key', key: key.publicKey }, { insecureIgnoreTlog: true });
    await verify(world, bundleJson, { policy: unlogged });
    await refused(verify(world, bundleJson, { policy }), 'LOG_ENTRY_MISSING');
  }
});

test('a digest does for ECDSA and RSA over SHA-256; other signatures ask for the blob', async (t) => {
  const world = await signingWorld(t);
  const artifact = { kind: 'digest', digest: Digest.of(CONTENT) } as const;
  for (const kind of KINDS) {
    const key = PrivateKey.generate(kind);
    const { bundleJson } = await sign(world, { signer: { kind: 'key', key } });
    const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
    const outcome = verify(world, bundleJson, { policy, artifact });
    if (kind === 'ecdsa-p256' || kind === 'rsa') await outcome;
    else await refused(outcome, 'USAGE_NEEDS_ARTIFACT');
  }
});

test('another ephemeral key can be asked for', async (t) => {
  const world = await signingWorld(t);
  const { bundleJson } = await sign(world, {
    signer: { ...KEYLESS, generateKey: () => PrivateKey.generate('ecdsa-p384') },
  });
  await verify(world, bundleJson);
  assert.match(bundleJson, /SHA2_384/);
});

test('a statement about a blob verifies with the blob and with its digest', async (t) => {
  const world = await signingWorld(t);
  const json = JSON.stringify(world.instance.json(world.instance.signStatement(CONTENT)));
  assert.ok((await verify(world, json)).statement !== undefined);
  await verify(world, json, { artifact: { kind: 'digest', digest: Digest.of(CONTENT) } });
  await refused(verify(world, json, { artifact: { kind: 'blob', blob: pieces(utf8('another')) } }), 'SUBJECT_MISMATCH');
});

test('another blob, another digest, another signer, another key: each is its own refusal', async (t) => {
  const world = await signingWorld(t);
  const { bundleJson } = await sign(world);
  const other = utf8('another artifact');
  await refused(verify(world, bundleJson, { artifact: { kind: 'blob', blob: pieces(other) } }), 'ARTIFACT_MISMATCH');
  await refused(
    verify(world, bundleJson, { artifact: { kind: 'blob', blob: pieces(new Uint8Array(0)) } }),
    'ARTIFACT_MISMATCH',
  );
  await refused(
    verify(world, bundleJson, { artifact: { kind: 'digest', digest: Digest.of(other) } }),
    'ARTIFACT_MISMATCH',
  );
  const eve = { ...ALICE, subject: { kind: 'exact', value: 'eve@example.com' } } as const;
  await refused(
    verify(world, bundleJson, { policy: signaturePolicy({ kind: 'identities', identities: [eve] }) }),
    'IDENTITY_MISMATCH',
  );
  const { publicKey } = PrivateKey.generate('ecdsa-p256');
  await refused(
    verify(world, bundleJson, { policy: signaturePolicy({ kind: 'key', key: publicKey }) }),
    'KEY_MISMATCH',
  );
});

test("a bundle whose signer's own digest is left out is still held to the blob", async (t) => {
  const world = await signingWorld(t);
  const { bundleJson } = await sign(world);
  const bare = bundleJson.replace(/"messageDigest":\{[^}]*\},/, '');
  assert.notEqual(bare, bundleJson);
  await verify(world, bare);
  await refused(
    verify(world, bare, { artifact: { kind: 'blob', blob: pieces(utf8('another')) } }),
    'SIGNATURE_INVALID',
  );
});

test('bundles that are none are refused before the blob is read', async (t) => {
  const world = await signingWorld(t);
  const untouched = {
    [Symbol.asyncIterator]: (): never => {
      throw new Error('the blob was read');
    },
  };
  const artifact = { kind: 'blob', blob: untouched } as const;
  for (const [json, code] of [
    ['', 'FORMAT_BUNDLE'],
    ['{}', 'FORMAT_BUNDLE'],
    ['{"mediaType":"application/json"}', 'FORMAT_BUNDLE_VERSION'],
    ['['.repeat(100_000), 'FORMAT_BUNDLE'],
    [`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`, 'LIMIT_DEPTH'],
  ] as const) {
    await refused(verify(world, json, { artifact }), code);
  }
});

test('a blob that cannot be read to its end is neither signed nor verified', async (t) => {
  const world = await signingWorld(t);
  const { bundleJson } = await sign(world);
  world.seen.length = 0;
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield CONTENT.slice(0, 4);
    await Promise.resolve();
    throw new Error('the disk is gone');
  }
  await assert.rejects(
    sign(world, { blob: broken(), signer: { kind: 'key', key: PrivateKey.generate('ecdsa-p256') } }),
    /disk is gone/,
  );
  await assert.rejects(verify(world, bundleJson, { artifact: { kind: 'blob', blob: broken() } }), /disk is gone/);
  assert.deepEqual(world.seen, []);
});

test('blobs larger than what is kept in memory do for every key that signs digests', async (t) => {
  const world = await signingWorld(t);
  const large = (128 << 20) + (1 << 20);
  const rsa = PrivateKey.generate('rsa');
  const { bundleJson } = await sign(world, { blob: zeros(large), signer: { kind: 'key', key: rsa } });
  const policy = signaturePolicy({ kind: 'key', key: rsa.publicKey });
  await verify(world, bundleJson, { policy, artifact: { kind: 'blob', blob: zeros(large) } });
  const ed25519 = { kind: 'key', key: PrivateKey.generate('ed25519') } as const;
  await refused(sign(world, { blob: zeros(large), signer: ed25519 }), 'LIMIT_SIZE');
});

test('what services get wrong is refused for blobs as for images', async (t) => {
  const world = await signingWorld(t);
  world.mischief.logged = (asked) => ({ ...asked, digest: { algorithm: 'sha256', digest: new Uint8Array(32) } });
  await refused(sign(world), 'LOG_ENTRY_MISMATCH');
  delete world.mischief.logged;
  world.mischief.leaf = { names: [{ kind: 'email', value: 'eve@example.com' }] };
  await refused(sign(world), 'IDENTITY_MISMATCH');
});
