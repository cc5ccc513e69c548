import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleFromJSON } from '@sigstore/bundle';
import { Bundle as ProtoBundle } from '@sigstore/protobuf-specs';
import { encodeBundle } from '../../../src/core/bundle/bundle-encoder.ts';
import { parseBundle } from '../../../src/core/bundle/bundle.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { FakeInstance, type BundleJson } from '../../support/instance.ts';

const INSTANCE = new FakeInstance();
const ARTIFACT = utf8('a blob\n');
const DRAFTS = {
  'a message, certificate, Rekor v2': INSTANCE.signMessage(ARTIFACT),
  'a message, certificate, Rekor v1': INSTANCE.signMessage(ARTIFACT, { log: INSTANCE.logV1 }),
  'a message, bare key': INSTANCE.signMessage(ARTIFACT, { managed: true }),
  'an attestation, certificate, Rekor v2': INSTANCE.signStatement(ARTIFACT),
  'an attestation, bare key, no timestamp': INSTANCE.signStatement(ARTIFACT, { managed: true, unstamped: true }),
};
const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): void => {
  assert.equal(encodeHex(a ?? new Uint8Array(0)), encodeHex(b ?? new Uint8Array(0)));
};

for (const [what, draft] of Object.entries(DRAFTS)) {
  test(`${what}: protobuf-specs reads every member as we wrote it, and we read what it writes`, () => {
    const proto = ProtoBundle.fromJSON(JSON.parse(encodeBundle(draft)));
    const written = parseBundle(JSON.stringify(ProtoBundle.toJSON(proto)));
    const direct = parseBundle(encodeBundle(draft));
    assert.deepEqual(written, direct);
    assert.equal(proto.mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
    const [entry] = direct.tlogEntries;
    const [theirs] = proto.verificationMaterial?.tlogEntries ?? [];
    assert.equal(theirs?.logIndex, entry?.logIndex.toString());
    assert.equal(theirs?.inclusionProof?.treeSize, entry?.inclusionProof?.treeSize.toString());
    assert.equal(theirs?.inclusionProof?.checkpoint?.envelope, entry?.inclusionProof?.checkpoint);
    same(theirs?.canonicalizedBody, entry?.body);
    same(theirs?.logId?.keyId, entry?.logId);
    same(theirs?.inclusionPromise?.signedEntryTimestamp, entry?.inclusionPromise);
    const stamps = proto.verificationMaterial?.timestampVerificationData?.rfc3161Timestamps ?? [];
    assert.equal(stamps.length, direct.timestamps.length);
    same(stamps[0]?.signedTimestamp, direct.timestamps[0]);
  });

  test(`${what}: @sigstore/bundle accepts it as v0.3`, () => {
    assert.equal(bundleFromJSON(INSTANCE.json(draft)).mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
  });
}

test('the four media types and their three versions', () => {
  const old = DRAFTS['a message, certificate, Rekor v1'];
  assert.equal(parseBundle(JSON.stringify(INSTANCE.olderJson(old, '0.1'))).version, '0.1');
  assert.equal(parseBundle(JSON.stringify(INSTANCE.olderJson(old, '0.2'))).version, '0.2');
  const spelled = { ...INSTANCE.json(old), mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.3' };
  assert.equal(parseBundle(JSON.stringify(spelled)).version, '0.3');
  assert.equal(parseBundle(encodeBundle(old)).version, '0.3');
});

test('a chain keeps its intermediates, leaf first', () => {
  const json = INSTANCE.olderJson(DRAFTS['a message, certificate, Rekor v1'], '0.2');
  const chain = json.verificationMaterial['x509CertificateChain'] as { certificates: object[] };
  chain.certificates.push({ rawBytes: encodeBase64(INSTANCE.intermediate.certificate.raw) });
  const { material } = parseBundle(JSON.stringify(json));
  assert.ok(material.kind === 'certificate' && material.intermediates.length === 1);
  assert.equal(material.certificate.isCa, false);
});

type Change = (json: BundleJson) => unknown;
const material = (json: BundleJson): Record<string, unknown> => json.verificationMaterial;
const entry = (json: BundleJson): Record<string, unknown> =>
  (material(json)['tlogEntries'] as Record<string, unknown>[])[0]!;
const proof = (json: BundleJson): Record<string, unknown> => entry(json)['inclusionProof'] as Record<string, unknown>;
const message = (json: BundleJson): Record<string, unknown> => json['messageSignature'] as Record<string, unknown>;
const leaf = encodeBase64(DRAFTS['a message, certificate, Rekor v2'].certificate?.raw ?? new Uint8Array(0));

const REFUSED: readonly (readonly [string, string, Change])[] = [
  ['v0.4', 'FORMAT_BUNDLE_VERSION', (json) => (json.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json')],
  ['v0.3.1', 'FORMAT_BUNDLE_VERSION', (json) => (json.mediaType = 'application/vnd.dev.sigstore.bundle.v0.3.1+json')],
  ['a media type in capitals', 'FORMAT_BUNDLE_VERSION', (json) => (json.mediaType = json.mediaType.toUpperCase())],
  ['the media type toString', 'FORMAT_BUNDLE_VERSION', (json) => (json.mediaType = 'toString')],
  ['no media type', 'FORMAT_BUNDLE', (json) => Reflect.deleteProperty(json, 'mediaType')],
  ['an unknown member', 'FORMAT_BUNDLE', (json) => (json['extra'] = 1)],
  ['an unknown material', 'FORMAT_BUNDLE', (json) => (material(json)['pgp'] = {})],
  ['no material', 'FORMAT_BUNDLE', (json) => Reflect.deleteProperty(material(json), 'certificate')],
  ['two materials', 'FORMAT_BUNDLE', (json) => (material(json)['publicKey'] = { hint: 'a' })],
  [
    'a chain in v0.3',
    'FORMAT_BUNDLE',
    (json): void => {
      material(json)['x509CertificateChain'] = { certificates: [material(json)['certificate']] };
      Reflect.deleteProperty(material(json), 'certificate');
    },
  ],
  [
    'a certificate that is none',
    'FORMAT_CERTIFICATE',
    (json) => (material(json)['certificate'] = { rawBytes: 'MAA=' }),
  ],
  ['an empty certificate', 'FORMAT_CERTIFICATE', (json) => (material(json)['certificate'] = { rawBytes: '' })],
  [
    'two contents',
    'FORMAT_BUNDLE',
    (json) => (json['dsseEnvelope'] = { payload: '', payloadType: '', signatures: [] }),
  ],
  ['no content', 'FORMAT_BUNDLE', (json) => Reflect.deleteProperty(json, 'messageSignature')],
  ['an empty signature', 'FORMAT_BUNDLE', (json) => (message(json)['signature'] = '')],
  ['a signature in another alphabet', 'FORMAT_BASE64', (json) => (message(json)['signature'] = '-_8=')],
  ['a signature with spare bits', 'FORMAT_BASE64', (json) => (message(json)['signature'] = 'AB==')],
  [
    'a digest of an unknown algorithm',
    'FORMAT_BUNDLE',
    (json) => (message(json)['messageDigest'] = { algorithm: 'SHA1', digest: leaf }),
  ],
  [
    'a digest of the wrong length',
    'FORMAT_BUNDLE',
    (json) => (message(json)['messageDigest'] = { algorithm: 'SHA2_256', digest: 'AAAA' }),
  ],
  ['no inclusion proof', 'FORMAT_BUNDLE', (json) => Reflect.deleteProperty(entry(json), 'inclusionProof')],
  ['a proof without a checkpoint', 'FORMAT_LOG_ENTRY', (json) => Reflect.deleteProperty(proof(json), 'checkpoint')],
  ['an empty checkpoint', 'FORMAT_LOG_ENTRY', (json) => (proof(json)['checkpoint'] = { envelope: '' })],
  ['a short root hash', 'FORMAT_LOG_ENTRY', (json) => (proof(json)['rootHash'] = 'AAAA')],
  ['a short proof hash', 'FORMAT_LOG_ENTRY', (json) => (proof(json)['hashes'] = ['AAAA'])],
  [
    '64 proof hashes',
    'LIMIT_COUNT',
    (json) => (proof(json)['hashes'] = Array<unknown>(64).fill(encodeBase64(new Uint8Array(32)))),
  ],
  ['a negative tree size', 'FORMAT_LOG_ENTRY', (json) => (proof(json)['treeSize'] = '-1')],
  ['a negative log index', 'FORMAT_LOG_ENTRY', (json) => (entry(json)['logIndex'] = '-1')],
  ['a log index beyond 64 bits', 'FORMAT_BUNDLE', (json) => (entry(json)['logIndex'] = '9223372036854775808')],
  ['a log index with a leading zero', 'FORMAT_BUNDLE', (json) => (entry(json)['logIndex'] = '07')],
  ['a log index that is no integer', 'FORMAT_BUNDLE', (json) => (entry(json)['logIndex'] = 1.5)],
  ['no log id', 'FORMAT_BUNDLE', (json) => Reflect.deleteProperty(entry(json), 'logId')],
  ['an empty log id', 'FORMAT_LOG_ENTRY', (json) => (entry(json)['logId'] = { keyId: '' })],
  ['no body', 'FORMAT_BUNDLE', (json) => Reflect.deleteProperty(entry(json), 'canonicalizedBody')],
  ['a time after the year 9999', 'FORMAT_LOG_ENTRY', (json) => (entry(json)['integratedTime'] = '253402300800')],
  ['33 log entries', 'LIMIT_COUNT', (json) => (material(json)['tlogEntries'] = Array<unknown>(33).fill(entry(json)))],
  [
    '33 timestamps',
    'LIMIT_COUNT',
    (json) =>
      (material(json)['timestampVerificationData'] = {
        rfc3161Timestamps: Array(33).fill({ signedTimestamp: 'AAAA' }),
      }),
  ],
];
for (const [what, code, change] of REFUSED) {
  test(`a bundle with ${what} is refused with ${code}`, () => {
    const json = INSTANCE.json(DRAFTS['a message, certificate, Rekor v2']);
    parseBundle(JSON.stringify(json));
    change(json);
    assert.throws(() => parseBundle(JSON.stringify(json)), { code });
  });
}

const OLDER: readonly (readonly [string, string, '0.1' | '0.2', Change])[] = [
  [
    'v0.1 without an inclusion promise',
    'FORMAT_BUNDLE',
    '0.1',
    (json) => Reflect.deleteProperty(entry(json), 'inclusionPromise'),
  ],
  [
    'v0.1 with a proof that has no checkpoint',
    'FORMAT_LOG_ENTRY',
    '0.1',
    (json) => Reflect.deleteProperty(proof(json), 'checkpoint'),
  ],
  [
    'v0.2 without an inclusion proof',
    'FORMAT_BUNDLE',
    '0.2',
    (json) => Reflect.deleteProperty(entry(json), 'inclusionProof'),
  ],
  ['an empty chain', 'FORMAT_BUNDLE', '0.2', (json) => (material(json)['x509CertificateChain'] = { certificates: [] })],
  [
    'a root in its chain',
    'FORMAT_BUNDLE',
    '0.2',
    (json) =>
      (material(json)['x509CertificateChain'] as { certificates: object[] }).certificates.push({
        rawBytes: encodeBase64(INSTANCE.root.certificate.raw),
      }),
  ],
];
for (const [what, code, version, change] of OLDER) {
  test(`a bundle of ${what} is refused with ${code}`, () => {
    const json = INSTANCE.olderJson(DRAFTS['a message, certificate, Rekor v1'], version);
    parseBundle(JSON.stringify(json));
    change(json);
    assert.throws(() => parseBundle(JSON.stringify(json)), { code });
  });
}

test('v0.1 needs no inclusion proof', () => {
  const json = INSTANCE.olderJson(DRAFTS['a message, certificate, Rekor v1'], '0.1');
  Reflect.deleteProperty(entry(json), 'inclusionProof');
  assert.equal(parseBundle(JSON.stringify(json)).tlogEntries[0]?.inclusionProof, undefined);
});

test('an envelope has exactly one signature, whose key id is the hint where it has one', () => {
  const json = INSTANCE.json(DRAFTS['an attestation, bare key, no timestamp']);
  const envelope = json['dsseEnvelope'] as { signatures: { sig: string; keyid?: string }[] };
  const [only] = envelope.signatures;
  const parse = (): unknown => parseBundle(JSON.stringify(json));
  envelope.signatures = [{ ...only!, keyid: (material(json)['publicKey'] as { hint: string }).hint }];
  parse();
  envelope.signatures = [{ ...only!, keyid: 'another key' }];
  assert.throws(parse, { code: 'FORMAT_BUNDLE' });
  envelope.signatures = [only!, only!];
  assert.throws(parse, { code: 'FORMAT_BUNDLE' });
  envelope.signatures = [];
  assert.throws(parse, { code: 'FORMAT_BUNDLE' });
});

test('text that is no JSON, duplicate members and too much of it are refused', () => {
  const json = encodeBundle(DRAFTS['a message, certificate, Rekor v2']);
  assert.throws(() => parseBundle(json.slice(0, -1)), { code: 'FORMAT_BUNDLE' });
  assert.throws(() => parseBundle(`${json}{}`), { code: 'FORMAT_BUNDLE' });
  assert.throws(() => parseBundle(`\ufeff${json}`), { code: 'FORMAT_BUNDLE' });
  assert.throws(() => parseBundle(json.replace('"certificate":', String.raw`"certificat\u0065":null,"certificate":`)), {
    code: 'FORMAT_BUNDLE',
  });
  assert.throws(() => parseBundle(json.replace('"tlogEntries":[', `"tlogEntries":${'['.repeat(20)}`)), {
    code: 'FORMAT_BUNDLE',
  });
  assert.throws(
    () => parseBundle(json.replace('"tlogEntries":[', `"x":${'['.repeat(20)}${']'.repeat(20)},"tlogEntries":[`)),
    {
      code: 'LIMIT_DEPTH',
    },
  );
  assert.throws(() => parseBundle(new Uint8Array((64 << 20) + 1)), { code: 'LIMIT_SIZE' });
});
