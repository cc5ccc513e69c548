import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeStatement, STATEMENT_V1, type Statement } from '../../src/core/attestation/statement.ts';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { digest, type HashAlgorithm } from '../../src/core/crypto/digest.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { attestBlob, type AttestBlobRequest, type AttestedBlob } from '../../src/workflows/sign/attest-blob.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import {
  verifyBlobAttestation,
  type VerifyBlobAttestationRequest,
} from '../../src/workflows/verify/verify-blob-attestation.ts';
import { ALICE } from '../support/instance.ts';
import { KEYLESS, signingWorld, type SigningWorld } from '../support/signing-world.ts';

const BLOB = utf8('an artifact');
const OTHER = utf8('another artifact');
const TYPE = 'https://example.com/review/v1';
const ALICES = signaturePolicy({ kind: 'identities', identities: [ALICE] });
const hexOf = (algorithm: HashAlgorithm, bytes = BLOB): string => encodeHex(digest(algorithm, bytes));

async function* streamOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function attest(world: SigningWorld, more: Partial<AttestBlobRequest> = {}): Promise<AttestedBlob> {
  return attestBlob({
    ...world.context,
    artifact: { kind: 'blob', blob: streamOf(BLOB.subarray(0, 4), BLOB.subarray(4)) },
    name: 'app.bin',
    signer: KEYLESS,
    content: { kind: 'predicate', type: TYPE, content: utf8('{"level":3}') },
    ...more,
  });
}

function statement(digests: readonly (readonly [string, string])[], more: Partial<Statement> = {}): Uint8Array {
  const subjects = [{ digests: new Map(digests) }];
  return encodeStatement({ type: STATEMENT_V1, subjects, predicateType: TYPE, predicate: {}, ...more });
}

function verify(
  world: SigningWorld,
  bundleJson: string,
  more: Partial<VerifyBlobAttestationRequest> = {},
): ReturnType<typeof verifyBlobAttestation> {
  return verifyBlobAttestation({
    artifact: { kind: 'blob', blob: streamOf(BLOB) },
    bundle: parseBundle(bundleJson),
    type: TYPE,
    trustedRoot: world.context.trustedRoot,
    policy: ALICES,
    now: world.context.now(),
    ...more,
  });
}

test('a blob is attested as cosign attests it, and verifies', async (t) => {
  const world = await signingWorld(t);
  const { bundleJson, bundle } = await attest(world);
  assert.ok(bundle.content.kind === 'dsse');
  assert.equal(
    Buffer.from(bundle.content.envelope.payload).toString(),
    `{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":"app.bin","digest":{"sha256":"${hexOf('sha256')}"}}],` +
      `"predicateType":"${TYPE}","predicate":{"level":3}}`,
  );
  const verified = await verify(world, bundleJson);
  assert.deepEqual(verified.statement?.predicate, { level: 3 });
  const artifact = { kind: 'digest', algorithm: 'sha256', digest: digest('sha256', BLOB) } as const;
  await verify(world, bundleJson, { artifact });
});

test('the digest alone attests the same', async (t) => {
  const world = await signingWorld(t);
  const { bundleJson } = await attest(world, { artifact: { kind: 'digest', hex: hexOf('sha256') } });
  await verify(world, bundleJson);
});

test('a statement may go by any of the SHA-2 family, and verifies by it', async (t) => {
  const world = await signingWorld(t);
  for (const algorithm of ['sha256', 'sha384', 'sha512'] as const) {
    const content = { kind: 'statement', content: statement([[algorithm, hexOf(algorithm)]]) } as const;
    const { bundleJson } = await attest(world, { content });
    await verify(world, bundleJson);
    await verify(world, bundleJson, { artifact: { kind: 'digest', algorithm, digest: digest(algorithm, BLOB) } });
    await assert.rejects(verify(world, bundleJson, { artifact: { kind: 'blob', blob: streamOf(OTHER) } }), {
      code: 'SUBJECT_MISMATCH',
    });
  }
});

test('as cosign, a statement may be about another file when that is asked for, and never verifies with this one', async (t) => {
  const world = await signingWorld(t);
  const content = {
    kind: 'statement',
    content: statement([['sha256', hexOf('sha256', OTHER)]]),
    allowOtherSubject: true,
  } as const;
  const { bundleJson } = await attest(world, { content });
  await assert.rejects(verify(world, bundleJson), { code: 'SUBJECT_MISMATCH' });
  await verify(world, bundleJson, { artifact: { kind: 'unsafeSkipArtifact' } });
});

/** Refused before anybody is asked for a token. */
const REFUSED: Readonly<Record<string, { readonly more: Partial<AttestBlobRequest>; readonly code: string }>> = {
  'a statement about another file': {
    more: { content: { kind: 'statement', content: statement([['sha256', hexOf('sha256', OTHER)]]) } },
    code: 'SUBJECT_MISMATCH',
  },
  'a statement with the digest under another algorithm': {
    more: { content: { kind: 'statement', content: statement([['gitBlob', hexOf('sha256')]]) } },
    code: 'SUBJECT_MISMATCH',
  },
  'a statement about 1,025 files': {
    more: {
      content: {
        kind: 'statement',
        content: statement([], { subjects: Array(1025).fill({ digests: new Map([['sha256', hexOf('sha256')]]) }) }),
      },
    },
    code: 'LIMIT_COUNT',
  },
  'a statement of another type': {
    more: { content: { kind: 'statement', type: 'vuln', content: statement([['sha256', hexOf('sha256')]]) } },
    code: 'PREDICATE_TYPE_MISMATCH',
  },
  'a predicate that is none': {
    more: { content: { kind: 'predicate', type: 'link', content: utf8('{}') } },
    code: 'FORMAT_PREDICATE',
  },
};
for (const [what, { more, code }] of Object.entries(REFUSED)) {
  test(`${what} is refused with ${code}, and nobody logs in`, async (t) => {
    const world = await signingWorld(t);
    const signer = { kind: 'keyless', identityToken: () => assert.fail('somebody was asked to log in') } as const;
    await assert.rejects(attest(world, { signer, ...more }), { code });
    assert.deepEqual(world.seen, []);
  });
}

async function attested(t: TestContext): Promise<{ world: SigningWorld; bundleJson: string }> {
  const world = await signingWorld(t);
  return { world, bundleJson: (await attest(world)).bundleJson };
}

test('the wrong file, type, signer and kind of bundle: each its own answer', async (t) => {
  const { world, bundleJson } = await attested(t);
  const blob = { kind: 'blob', blob: streamOf(OTHER) } as const;
  await assert.rejects(verify(world, bundleJson, { artifact: blob }), { code: 'SUBJECT_MISMATCH' });
  await assert.rejects(
    verify(world, bundleJson, { type: 'custom' }),
    (error: { code: string; facts: { fix?: string } }) => {
      assert.deepEqual([error.code, error.facts.fix], ['PREDICATE_TYPE_MISMATCH', `add --type ${TYPE}`]);
      return true;
    },
  );
  await assert.rejects(verify(world, bundleJson, { type: 'costum' }), { code: 'USAGE_BAD_FLAG' });
  const stranger = { kind: 'key', key: PrivateKey.generate('ecdsa-p256').publicKey } as const;
  await assert.rejects(verify(world, bundleJson, { policy: signaturePolicy(stranger) }), { code: 'KEY_MISMATCH' });
  const signed = await signBlob({ ...world.context, blob: streamOf(BLOB), signer: KEYLESS });
  await assert.rejects(verify(world, signed.bundleJson), { code: 'PAYLOAD_TYPE_MISMATCH' });
});

test('another payload under the same signature, a second signature, another payload type: refused', async (t) => {
  const { world, bundleJson } = await attested(t);
  const damaged = (change: (envelope: Record<string, unknown>) => void): string => {
    const bundle = JSON.parse(bundleJson) as { dsseEnvelope: Record<string, unknown> };
    change(bundle.dsseEnvelope);
    return JSON.stringify(bundle);
  };
  const raised = damaged((envelope) => {
    const payload = Buffer.from(String(envelope['payload']), 'base64').toString().replace('3}', '4}');
    envelope['payload'] = Buffer.from(payload).toString('base64');
  });
  await assert.rejects(verify(world, raised), { code: 'SIGNATURE_INVALID' });
  const doubled = damaged((envelope) => {
    const signatures = envelope['signatures'] as object[];
    envelope['signatures'] = [...signatures, ...signatures];
  });
  await assert.rejects(async () => verify(world, doubled), { code: 'FORMAT_BUNDLE' });
  const retyped = damaged((envelope) => {
    envelope['payloadType'] = 'text/plain';
  });
  await assert.rejects(verify(world, retyped), { code: 'PAYLOAD_TYPE_MISMATCH' });
});

test('a statement that policies could not be shown is refused, as by cosign', async (t) => {
  const world = await signingWorld(t);
  const text = Buffer.from(statement([['sha256', hexOf('sha256')]])).toString();
  const content = { kind: 'statement', content: utf8(text.replace('{', '{"more":1,')) } as const;
  const { bundleJson } = await attest(world, { content });
  await assert.rejects(verify(world, bundleJson), { code: 'FORMAT_STATEMENT' });
});
