/** Signatures of blobs whose parts lie apart, and cosign's bundle of before Sigstore bundles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  detachedBundle,
  encodeBlobBundle,
  isBlobBundle,
  parseBlobBundle,
  parseCertificateFile,
  parseDetachedSignature,
  parseTimestampFile,
  type DetachedParts,
} from '../../src/core/bundle/detached-signature.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { parseSctResponse } from '../../src/core/pki/sct-response.ts';
import { issueSct } from '../../src/core/pki/sct.ts';
import { withoutLogs } from '../../src/core/trust/older-services.ts';
import type { SigningConfig } from '../../src/core/trust/signing-config.ts';
import type { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { LogV1Client } from '../../src/io/clients/log-v1-client.ts';
import { signBlob, type SignBlobRequest, type SignedBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyBlob, type VerifyBlobRequest } from '../../src/workflows/verify/verify-blob.ts';
import { ALICE, FakeInstance, sctResponse, SIGNING_TIME } from '../support/instance.ts';
import { KEYLESS, signingWorld, type SigningWorld } from '../support/signing-world.ts';

const CONTENT = utf8('the artifact');
const IDENTITIES = { kind: 'identities', identities: [ALICE] } as const;

async function* stream(bytes = CONTENT): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function services(world: SigningWorld): SigningConfig {
  const { signingConfig } = world.context;
  return {
    ...signingConfig,
    rekorTlogUrls: signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 })),
  };
}

function sign(world: SigningWorld, more: Partial<SignBlobRequest> = {}): Promise<SignedBlob> {
  const signingConfig = services(world);
  return signBlob({ ...world.context, signingConfig, blob: stream(), signer: KEYLESS, olderFormat: true, ...more });
}

function verify(
  world: SigningWorld,
  bundle: VerifyBlobRequest['bundle'],
  more: Partial<VerifyBlobRequest> = {},
): Promise<VerifiedBundle> {
  return verifyBlob({
    artifact: { kind: 'blob', blob: stream() },
    bundle,
    trustedRoot: world.instance.trustedRoot,
    policy: signaturePolicy(IDENTITIES),
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

/** The parts of a signature, as files would bring them. */
function parts({ signature, signer, bundleJson, timestampResponses }: SignedBlob): DetachedParts {
  const { entry } = parseBlobBundle(bundleJson);
  const [timestamp] = timestampResponses;
  return {
    content: { kind: 'message', signature },
    ...(signer.kind === 'certificate' ? { certificate: signer.certificate } : {}),
    ...(entry === undefined ? {} : { entry }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

test('a keyless signature verifies by its older bundle, and by its parts with the timestamp', async (t) => {
  const world = await signingWorld(t);
  const signed = await sign(world);
  assert.deepEqual(Object.keys(JSON.parse(signed.bundleJson) as object), ['base64Signature', 'cert', 'rekorBundle']);
  const { logEntries } = await verify(world, signed.bundleJson);
  assert.equal(logEntries[0]?.kindVersion, 'hashedrekord 0.0.1');
  const stamped = signaturePolicy(IDENTITIES, { useSignedTimestamps: true });
  await refused(verify(world, signed.bundleJson, { policy: stamped }), 'TIMESTAMP_MISSING');
  await verify(world, detachedBundle(parts(signed)), { policy: stamped });
  await refused(
    verify(world, signed.bundleJson, { artifact: { kind: 'blob', blob: stream(utf8('x')) } }),
    'SIGNATURE_INVALID',
  );
});

test('a bare signature verifies with a key, and a log entry is missed unless none is demanded', async (t) => {
  const world = await signingWorld(t);
  const alone = { ...withoutLogs(world.context.signingConfig), tsaUrls: [] };
  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa'] as const) {
    const key = PrivateKey.generate(kind);
    const signed = await sign(world, { signer: { kind: 'key', key }, signingConfig: alone });
    assert.deepEqual(Object.keys(JSON.parse(signed.bundleJson) as object), ['base64Signature']);
    const bundle = detachedBundle(parts(signed));
    const byKey = { kind: 'key', key: key.publicKey } as const;
    const policy = signaturePolicy(byKey, { insecureIgnoreTlog: true });
    await verify(world, bundle, { policy });
    await verify(world, signed.bundleJson, { policy });
    await refused(verify(world, bundle, { policy: signaturePolicy(byKey) }), 'LOG_ENTRY_MISSING');
    const other = signaturePolicy(
      { kind: 'key', key: PrivateKey.generate(kind).publicKey },
      { insecureIgnoreTlog: true },
    );
    await refused(verify(world, bundle, { policy: other }), 'SIGNATURE_INVALID');
    await refused(verify(world, bundle), 'KEY_MISMATCH');
  }
});

test('an entry that did not come along is found in the log, once the signature holds', async (t) => {
  const world = await signingWorld(t);
  const key = PrivateKey.generate('ecdsa-p256');
  const signed = await sign(world, { signer: { kind: 'key', key } });
  const { entry, ...rest } = parts(signed);
  assert.ok(entry !== undefined);
  const bundle = detachedBundle(rest);
  const log = new LogV1Client(world.context.http, world.url);
  const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
  const findEntry = (...asked: Parameters<LogV1Client['find']>): ReturnType<LogV1Client['find']> => log.find(...asked);
  world.seen.length = 0;
  assert.equal((await verify(world, bundle, { policy, findEntry })).logEntries[0]?.logIndex, entry.logIndex);
  assert.deepEqual(world.seen, ['POST /api/v1/log/entries/retrieve']);

  world.seen.length = 0;
  const artifact = { kind: 'blob', blob: stream(utf8('another')) } as const;
  await refused(verify(world, bundle, { policy, findEntry, artifact }), 'SIGNATURE_INVALID');
  assert.deepEqual(world.seen, [], 'nothing was told to the log');

  world.mischief.entry = (found) => ({ ...found, integratedTime: found.integratedTime + 1n });
  await refused(verify(world, bundle, { policy, findEntry }), 'SET_INVALID');
  delete world.mischief.entry;
  world.faults.set('POST /api/v1/log/entries/retrieve', () => new Response('no', { status: 500 }));
  await refused(verify(world, bundle, { policy, findEntry }), 'REMOTE_STATUS');
  world.faults.set('POST /api/v1/log/entries/retrieve', () => new Response('{}'));
  await refused(verify(world, bundle, { policy, findEntry }), 'REMOTE_BODY');
  world.faults.set('POST /api/v1/log/entries/retrieve', () => new Response('[]'));
  await refused(verify(world, bundle, { policy, findEntry }), 'LOG_ENTRY_MISSING');
});

test("a public key in a bundle is nobody's word: without one that is given, nothing verifies", async (t) => {
  const world = await signingWorld(t);
  const key = PrivateKey.generate('ecdsa-p256');
  const { bundleJson } = await sign(world, { signer: { kind: 'key', key } });
  assert.equal(parseBlobBundle(bundleJson).verifier?.kind, 'publicKey');
  await refused(verify(world, bundleJson), 'KEY_MISMATCH');
  await verify(world, bundleJson, { policy: signaturePolicy({ kind: 'key', key: key.publicKey }) });
});

test('an SCT beside a certificate counts like one inside, when it is for that certificate', async (t) => {
  const world = await signingWorld(t);
  const { instance } = world;
  const draft = instance.signMessage(CONTENT, { log: instance.logV1, leaf: { scts: () => [] } });
  const { certificate, tlogEntries, content } = draft;
  assert.ok(certificate !== undefined && content.kind === 'message');
  const [entry] = tlogEntries;
  assert.ok(entry !== undefined);
  const sctFor = (raw: Uint8Array, key = instance.ctKey): DetachedParts['scts'] => [
    parseSctResponse(
      sctResponse(
        issueSct(
          { kind: 'x509', certificate: raw },
          { logId: instance.ctlog.logId, timestamp: BigInt(SIGNING_TIME.getTime()), extensions: new Uint8Array(0) },
          (data) => key.sign(data),
        ),
      ),
    ),
  ];
  const bundleWith = (scts: DetachedParts['scts']): VerifyBlobRequest['bundle'] =>
    detachedBundle({ content, certificate, entry, ...(scts === undefined ? {} : { scts }) });
  await verify(world, bundleWith(sctFor(certificate.raw)));
  await refused(verify(world, bundleWith(undefined)), 'SCT_MISSING');
  await refused(verify(world, bundleWith(sctFor(instance.root.certificate.raw))), 'SCT_INVALID');
  await refused(verify(world, bundleWith(sctFor(certificate.raw, PrivateKey.generate('ecdsa-p256')))), 'SCT_INVALID');
});

test('a signature file may be base64, wrapped or not, or raw; never nothing', () => {
  const signature = PrivateKey.generate('ecdsa-p256').sign(CONTENT);
  const text = encodeBase64(signature);
  for (const input of [text, `${text}\n`, `${text.slice(0, 40)}\r\n${text.slice(40)}\n`]) {
    assert.deepEqual(Buffer.from(parseDetachedSignature(utf8(input))), Buffer.from(signature));
  }
  assert.deepEqual(parseDetachedSignature(signature), signature);
  assert.throws(() => parseDetachedSignature(utf8('\n')), { code: 'FORMAT_SIGNATURE' });
  assert.throws(() => parseDetachedSignature(utf8(text.slice(0, -1))), { code: 'FORMAT_BASE64' });
  assert.throws(() => parseDetachedSignature(new Uint8Array(1 << 17)), { code: 'LIMIT_SIZE' });
});

test('a certificate file may be PEM, base64 of it, or DER', () => {
  const instance = new FakeInstance();
  const leaf = instance.issueLeaf(PrivateKey.generate('ecdsa-p256').publicKey);
  const chain = leaf.toPem() + instance.root.certificate.toPem();
  for (const input of [leaf.raw, utf8(leaf.toPem()), utf8(encodeBase64(utf8(leaf.toPem()))), utf8(chain)]) {
    assert.ok(parseCertificateFile(input)[0]?.equals(leaf));
  }
  assert.throws(() => parseCertificateFile(utf8('not a certificate')), { code: 'FORMAT_BASE64' });
  assert.throws(() => parseCertificateFile(utf8(leaf.toPem().slice(0, -20))), { code: 'FORMAT_PEM' });
  assert.throws(() => parseCertificateFile(leaf.raw.slice(0, -1)), { family: 'format' });
  assert.throws(() => parseTimestampFile(utf8('{}')), { code: 'FORMAT_SIGNATURE_LAYER' });
});

const KEY_PEM = encodeBase64(utf8(PrivateKey.generate('ecdsa-p256').publicKey.toPem()));
const BROKEN: readonly (readonly [string, string, string])[] = [
  ['without a signature', 'FORMAT_SIGNATURE_LAYER', '{"base64Signature":""}'],
  ['with another member', 'FORMAT_SIGNATURE_LAYER', '{"base64Signature":"AAAA","x":1}'],
  ['with a broken signature', 'FORMAT_BASE64', '{"base64Signature":"AAA"}'],
  ['with a certificate that is none', 'FORMAT_PEM', '{"base64Signature":"AAAA","cert":"AAAA"}'],
  [
    'with two keys',
    'FORMAT_SIGNATURE_LAYER',
    `{"base64Signature":"AAAA","cert":"${encodeBase64(Buffer.from(`${Buffer.from(KEY_PEM, 'base64').toString()}${Buffer.from(KEY_PEM, 'base64').toString()}`))}"}`,
  ],
  [
    'with half a promise',
    'FORMAT_LOG_ENTRY',
    '{"base64Signature":"AAAA","rekorBundle":{"SignedEntryTimestamp":"AAAA"}}',
  ],
];

for (const [what, code, json] of BROKEN) {
  test(`an older bundle ${what} is refused with ${code}`, async (t) => {
    const world = await signingWorld(t);
    if (code !== 'FORMAT_LOG_ENTRY') assert.throws(() => parseBlobBundle(json), { code });
    await assert.rejects(verify(world, json), { family: 'format' });
  });
}

test('which kind a bundle is, is told by its members', () => {
  assert.equal(isBlobBundle('{"base64Signature":"AAAA"}'), true);
  assert.equal(isBlobBundle('{"mediaType":"x","base64Signature":"AAAA"}'), false);
  assert.equal(isBlobBundle('{}'), false);
  assert.throws(() => isBlobBundle('x'), { code: 'FORMAT_BUNDLE' });
  assert.equal(
    encodeBlobBundle({ signature: Uint8Array.of(1), verifier: undefined, entry: undefined }),
    '{"base64Signature":"AQ=="}',
  );
});
