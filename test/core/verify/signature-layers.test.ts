/** What cosign stored before bundles, verified by the rules that bundles are verified by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnverifiedBundle } from '../../../src/core/bundle/bundle.ts';
import {
  LAYER_ANNOTATIONS,
  readAttestationLayer,
  readSignatureLayer,
  type LayerReading,
} from '../../../src/core/bundle/signature-layer.ts';
import { parseUncheckedPromise } from '../../../src/core/bundle/rekor-bundle.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import type { TransparencyLogEntry } from '../../../src/core/bundle/log-entry.ts';
import { verifyBundle } from '../../../src/core/verify/verify-bundle.ts';
import type { VerifiedBundle } from '../../../src/core/verify/verified-bundle.ts';
import { ALICE, FakeInstance, intotoV001, intotoV1, rekordV1, stamp, statementAbout } from '../../support/instance.ts';
import { issueIntermediate, issueRoot, type Holder } from '../../support/test-authority.ts';
import { attestationLayer, signedLayer, type Layer } from '../../support/signature-layers.ts';

const INSTANCE = new FakeInstance();
const CONTENT = utf8('the manifest of an image');
const IMAGE = Digest.of(CONTENT);
const PAYLOAD = statementAbout(CONTENT);

function verify(bundle: UnverifiedBundle, more: { signedTimestamps?: number; image?: Digest } = {}): VerifiedBundle {
  const { algorithm, bytes: digest } = more.image ?? IMAGE;
  return verifyBundle({
    bundle,
    artifact: { kind: 'digest', algorithm, digest },
    trustedRoot: INSTANCE.trustedRoot,
    signer: { kind: 'identities', identities: [ALICE] },
    thresholds: { signedTimestamps: more.signedTimestamps ?? 0 },
  });
}

/** The same signature, with an entry of another kind in the log. */
function logged(bundle: UnverifiedBundle, kind: string, version: string, body: Uint8Array): UnverifiedBundle {
  const { inclusionProof, ...promised }: TransparencyLogEntry = INSTANCE.logV1.append(kind, version, body);
  assert.ok(inclusionProof !== undefined);
  return { ...bundle, tlogEntries: [promised] };
}

function loggedParts({ material, content }: UnverifiedBundle): Parameters<typeof intotoV1>[0] {
  assert.ok(material.kind === 'certificate');
  const signature = content.kind === 'dsse' ? content.envelope.signatures[0]!.signature : content.signature;
  return {
    signature,
    verifier: { kind: 'certificate', der: material.certificate.raw },
    digest: { algorithm: 'sha256', digest: sha256(content.kind === 'dsse' ? PAYLOAD : signed(content)) },
  };
}

function signed(content: UnverifiedBundle['content']): Uint8Array {
  assert.ok(content.kind === 'simpleSigning');
  return content.signed;
}

const read = ({ content, annotations }: Layer): UnverifiedBundle => readSignatureLayer(content, annotations);
const readAttestation = ({ content, annotations }: Layer): UnverifiedBundle =>
  readAttestationLayer(content, annotations);

test('a signature logged as rekord, as the first versions had it, verifies; with another digest it does not', () => {
  const bundle = read(signedLayer(INSTANCE, IMAGE));
  const parts = loggedParts(bundle);
  const verified = verify(logged(bundle, 'rekord', '0.0.1', rekordV1(parts)));
  assert.equal(verified.logEntries[0]?.kindVersion, 'rekord 0.0.1');
  const other = { algorithm: 'sha256', digest: new Uint8Array(32) } as const;
  assert.throws(() => verify(logged(bundle, 'rekord', '0.0.1', rekordV1({ ...parts, digest: other }))), {
    code: 'LOG_ENTRY_MISMATCH',
  });
});

test('an attestation logged as dsse, intoto 0.0.2 or intoto 0.0.1 verifies', () => {
  const layer = attestationLayer(INSTANCE, PAYLOAD);
  const bundle = readAttestation(layer);
  assert.equal(verify(bundle).statement?.predicateType, 'https://example.com/predicate/v1');
  const parts = loggedParts(bundle);
  verify(logged(bundle, 'intoto', '0.0.2', intotoV1(parts)));
  const envelope = { algorithm: 'sha256', digest: sha256(layer.content) } as const;
  verify(logged(bundle, 'intoto', '0.0.1', intotoV001({ ...parts, digest: envelope })));
  for (const wrong of [
    { ...parts },
    { ...parts, digest: envelope, verifier: { kind: 'certificate', der: INSTANCE.root.certificate.raw } as const },
  ]) {
    assert.throws(() => verify(logged(bundle, 'intoto', '0.0.1', intotoV001(wrong))), { code: 'LOG_ENTRY_MISMATCH' });
  }
});

test('an attestation is not logged as a signature, nor a signature as an attestation', () => {
  const attestation = readAttestation(attestationLayer(INSTANCE, PAYLOAD));
  const signature = read(signedLayer(INSTANCE, IMAGE));
  for (const [bundle, kind, version, body] of [
    [attestation, 'rekord', '0.0.1', rekordV1(loggedParts(attestation))],
    [signature, 'intoto', '0.0.2', intotoV1(loggedParts(signature))],
    [signature, 'intoto', '0.0.1', intotoV001(loggedParts(signature))],
  ] as const) {
    assert.throws(() => verify(logged(bundle, kind, version, body)), { code: 'LOG_ENTRY_MISMATCH' });
  }
});

test("an attestation's timestamp may be over the envelope as stored, or over the signature in it; over nothing else", () => {
  const layer = attestationLayer(INSTANCE, PAYLOAD, { unstamped: true });
  const stamped = (message: Uint8Array): UnverifiedBundle => {
    const text = JSON.stringify({ SignedRFC3161Timestamp: encodeBase64(stamp(message, INSTANCE.tsa)) });
    return readAttestation({ ...layer, annotations: { ...layer.annotations, [LAYER_ANNOTATIONS.timestamp]: text } });
  };
  const { signature } = loggedParts(readAttestation(layer));
  for (const message of [layer.content, signature]) {
    assert.equal(verify(stamped(message), { signedTimestamps: 1 }).times.length, 2);
  }
  assert.throws(() => verify(stamped(PAYLOAD), { signedTimestamps: 1 }), { code: 'TIMESTAMP_INVALID' });
});

test('neither is verified for another image', () => {
  const image = Digest.of(utf8('another'));
  for (const bundle of [read(signedLayer(INSTANCE, IMAGE)), readAttestation(attestationLayer(INSTANCE, PAYLOAD))]) {
    assert.throws(() => verify(bundle, { image }), { code: 'SUBJECT_MISMATCH' });
  }
});

test('an envelope with two signatures, or none, is refused', () => {
  const { content, annotations } = attestationLayer(INSTANCE, PAYLOAD);
  const text = Buffer.from(content).toString();
  const twice = text.replace(/"signatures":\[(.*)\]/, '"signatures":[$1,$1]');
  const none = text.replace(/"signatures":\[.*\]/, '"signatures":[]');
  for (const changed of [twice, none]) {
    assert.throws(() => readAttestationLayer(utf8(changed), annotations), { code: 'FORMAT_SIGNATURE_LAYER' });
  }
  assert.throws(() => readAttestationLayer(content, {}), { code: 'FORMAT_SIGNATURE_LAYER' });
});

test('of the chain beside a certificate, as much may lead to a root as is asked for', () => {
  const root = issueRoot();
  const middle = issueIntermediate(root);
  const { content, annotations } = signedLayer(INSTANCE, IMAGE);
  const count = (chain: readonly Holder[], reading: LayerReading): number => {
    const pem = chain.map(({ certificate }) => certificate.toPem()).join('');
    const { material } = readSignatureLayer(content, { ...annotations, [LAYER_ANNOTATIONS.chain]: pem }, reading);
    assert.ok(material.kind === 'certificate');
    return material.intermediates.length;
  };
  const asked: readonly (readonly [LayerReading, readonly number[]])[] = [
    [{}, [1, 1, 0]],
    [{ chain: 'intermediates' }, [1, 1, 0]],
    // The last one is taken for the root whatever it is.
    [{ chain: 'all-but-last' }, [1, 0, 0]],
    [{ chain: 'none' }, [0, 0, 0]],
  ];
  for (const [reading, counts] of asked) {
    assert.deepEqual(
      [[middle, root], [middle], [root]].map((chain) => count(chain, reading)),
      counts,
    );
  }
});

test('a log entry that cannot be read refuses the layer, or is as good as none', () => {
  const { content, annotations } = signedLayer(INSTANCE, IMAGE);
  for (const text of [
    '{}',
    'nonsense',
    '{"SignedEntryTimestamp":"AAAA","Payload":{"body":"no base64!","integratedTime":1}}',
  ]) {
    const layer = { ...annotations, [LAYER_ANNOTATIONS.rekorBundle]: text };
    assert.throws(() => readSignatureLayer(content, layer), { family: 'format' }, text);
    const bundle = readSignatureLayer(content, layer, { dropsUnreadableEntry: true });
    assert.deepEqual(bundle.tlogEntries, []);
    assert.throws(() => verify(bundle), { code: 'LOG_ENTRY_MISSING' }, text);
  }
  assert.equal(readSignatureLayer(content, annotations, { dropsUnreadableEntry: true }).tlogEntries.length, 1);
});

test('what cosign stores of an answer of a log is what its members say, if they have their types', () => {
  const payload = { body: { any: ['thing'] }, integratedTime: 1, logIndex: 2, logID: 'zz', more: true };
  const answer = { base64Signature: 'x', rekorBundle: { SignedEntryTimestamp: 'AAAA', Payload: payload, other: 1 } };
  assert.equal(
    parseUncheckedPromise(JSON.stringify(answer)),
    '{"SignedEntryTimestamp":"AAAA","Payload":{"body":{"any":["thing"]},"integratedTime":1,"logIndex":2,"logID":"zz"}}',
  );
  assert.equal(
    parseUncheckedPromise('{"rekorBundle":{}}'),
    '{"SignedEntryTimestamp":null,"Payload":{"body":null,"integratedTime":0,"logIndex":0,"logID":""}}',
  );
  for (const none of ['{}', '{"rekorBundle":null}', '{"SignedEntryTimestamp":"AAAA"}']) {
    assert.equal(parseUncheckedPromise(none), undefined);
  }
  const wrong: readonly (readonly [string, string])[] = [
    ['[]', 'FORMAT_LOG_ENTRY'],
    ['{"rekorBundle":5}', 'FORMAT_LOG_ENTRY'],
    ['{"rekorBundle":{"SignedEntryTimestamp":"no base64!"}}', 'FORMAT_BASE64'],
    ['{"rekorBundle":{"Payload":{"logIndex":"2"}}}', 'FORMAT_LOG_ENTRY'],
    ['{"rekorBundle":{"Payload":{"logID":2}}}', 'FORMAT_LOG_ENTRY'],
  ];
  for (const [text, code] of wrong) assert.throws(() => parseUncheckedPromise(text), { code }, text);
});
