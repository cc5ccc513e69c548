import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Entry as ProtoEntry } from '@sigstore/protobuf-specs/rekor/v2';
import { encodeHashedRekordBody, parseEntryBody } from '../../../src/core/bundle/entry-body.ts';
import { parseLogEntry } from '../../../src/core/bundle/log-entry.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { verifyDigestSignature } from '../../../src/core/crypto/signature.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { leafHash } from '../../../src/core/tlog/merkle.ts';
import { dsseV1, hashedRekordV1, intotoV001, intotoV1, rekordV1 } from '../../support/instance.ts';

/** The public sample of rekor-tiles' CLIENTS.md. */
const DIGEST = Buffer.from('dyj4ednYHjN4/zsjjBeeLahS9slp97Z67LTAVxjrjXw=', 'base64');
const SIGNATURE = Buffer.from(
  'MEQCIB+YPa9o3SN0sQ4uduGf+mZxwFfOhFZ0Cgy+p7Vt1o2SAiAPFDHqOAJLYmvtCWOsDyNY1H4V3zm4NEDYs3NyvHh1Pg==',
  'base64',
);
const KEY = Buffer.from(
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2slOf8eZcj2moW2t4UFj7vCL6QpDzkDqqSUmm4OJCVvIauKLxm0aGs3VMPPfauMPaMutn0/s3jg0rroFxoicyg==',
  'base64',
);
const SAMPLE = {
  digest: { algorithm: 'sha256', digest: DIGEST },
  signature: SIGNATURE,
  verifier: { kind: 'publicKey', der: KEY },
} as const;
const V2 = encodeHashedRekordBody({ ...SAMPLE, keyDetails: 'PKIX_ECDSA_P256_SHA_256' });
const V1 = hashedRekordV1(SAMPLE);

test('hashedrekord 0.0.2 of the published sample has the published digest and leaf hash', () => {
  assert.equal(verifyDigestSignature(PublicKey.fromSpki(KEY), 'ecdsa-sha256', DIGEST, SIGNATURE), true);
  assert.equal(V2.length, 489);
  assert.equal(encodeHex(sha256(V2)), 'a16d95bf6a15440bf4baf283711ee57d8d8f435378f12ad1bcc9aefe85109e31');
  assert.equal(encodeBase64(leafHash(V2)), 'Uym3efeSrMCTH0BDFLAnqwbi1GjOYfydlkHmJc5gw9o=');
});

test('protobuf-specs reads hashedrekord 0.0.2 as we wrote it', () => {
  const { spec } = ProtoEntry.fromJSON(JSON.parse(Buffer.from(V2).toString()));
  assert.equal(spec?.spec?.$case, 'hashedRekordV002');
  const record = spec.spec.hashedRekordV002;
  assert.deepEqual(record.data?.digest, DIGEST);
  assert.deepEqual(record.signature?.content, SIGNATURE);
});

test('the hashedrekord 0.0.1 of the same material has the recorded length and leaf hash', () => {
  assert.equal(V1.length, 557);
  assert.equal(encodeHex(leafHash(V1)), '032e911621700cc6028a02d6517465505dd3512c938c86ea95d4401b6f78c256');
});

const KINDS = [
  ['hashedrekord', '0.0.1', V1],
  ['dsse', '0.0.1', dsseV1(SAMPLE)],
  ['intoto', '0.0.2', intotoV1(SAMPLE)],
  ['hashedrekord', '0.0.2', V2],
  ['rekord', '0.0.1', rekordV1(SAMPLE)],
  ['intoto', '0.0.1', intotoV001(SAMPLE)],
] as const;

for (const [kind, version, body] of KINDS) {
  test(`${kind} ${version} gives digest, signature and key back`, () => {
    const parsed = parseEntryBody({ kind, version, body });
    assert.equal(parsed.kind, kind);
    assert.equal(parsed.api, version === '0.0.2' && kind === 'hashedrekord' ? 'rekor-v2' : 'rekor-v1');
    assert.equal(encodeHex(parsed.digest.digest), encodeHex(DIGEST));
    const isNamed = kind !== 'intoto' || version !== '0.0.1';
    assert.deepEqual(parsed.signature, isNamed ? SIGNATURE : undefined);
    assert.equal(parsed.verifier.kind, 'publicKey');
    assert.equal(encodeHex(parsed.verifier.der), encodeHex(KEY));
  });

  test(`${kind} ${version} is not read as another kind`, () => {
    const others = KINDS.filter(([otherKind, otherVersion]) => otherKind !== kind || otherVersion !== version);
    for (const [otherKind, otherVersion] of others) {
      assert.throws(() => parseEntryBody({ kind: otherKind, version: otherVersion, body }), {
        code: 'FORMAT_LOG_ENTRY',
      });
    }
  });
}

test('kinds that are not read are refused, names of Object.prototype among them', () => {
  for (const [kind, version] of [
    ['dsse', '0.0.2'],
    ['intoto', '0.0.1'],
    ['rekord', '0.0.1'],
    ['toString', ''],
    ['hashedrekord', ''],
    ['', ''],
  ] as const) {
    assert.throws(() => parseEntryBody({ kind, version, body: V1 }), { code: 'FORMAT_LOG_ENTRY' });
  }
});

const change = (body: Uint8Array, from: string | RegExp, to: string): Uint8Array =>
  utf8(Buffer.from(body).toString().replace(from, to));
const REFUSED: readonly (readonly [string, string, number, string | RegExp, string])[] = [
  ['a digest in base64', 'FORMAT_LOG_ENTRY', 0, /"value":"[^"]+"/, `"value":"${encodeBase64(DIGEST)}"`],
  ['another digest algorithm', 'FORMAT_LOG_ENTRY', 0, '"sha256"', '"md5"'],
  ['an algorithm that does not fit the digest', 'FORMAT_LOG_ENTRY', 0, '"sha256"', '"sha512"'],
  ['no signature', 'FORMAT_LOG_ENTRY', 0, /"signature":\{.*?\}\}/, '"other":{}'],
  ['a key that is no PEM', 'FORMAT_PEM', 0, /"publicKey":\{"content":"[^"]+"/, '"publicKey":{"content":"AAAA"'],
  [
    'a key with another label',
    'FORMAT_LOG_ENTRY',
    0,
    /"publicKey":\{"content":"[^"]+"/,
    `"publicKey":{"content":"${encodeBase64(utf8('-----BEGIN PGP KEY-----\nAAAA\n-----END PGP KEY-----\n'))}"`,
  ],
  ['no signatures', 'FORMAT_LOG_ENTRY', 1, /"signatures":\[.*\]/, '"signatures":[]'],
  ['two signatures', 'FORMAT_LOG_ENTRY', 1, /"signatures":\[(.*)\]/, '"signatures":[$1,$1]'],
  ['a signature encoded once', 'FORMAT_LOG_ENTRY', 2, /"sig":"[^"]+"/, `"sig":"${encodeBase64(SIGNATURE)}"`],
  ['no verifier', 'FORMAT_LOG_ENTRY', 3, /"publicKey":\{[^}]*\}/, '"x":1'],
  ['the older member name', 'FORMAT_LOG_ENTRY', 3, 'hashedRekordV002', 'hashedRekordV0_0_2'],
  ['a hash by number', 'FORMAT_LOG_ENTRY', 3, '"SHA2_256"', '1'],
  ['no spec', 'FORMAT_LOG_ENTRY', 3, '"spec"', '"spek"'],
  ['a spec twice', 'FORMAT_LOG_ENTRY', 3, '"spec"', '"spec":{},"spec"'],
];
for (const [what, code, index, from, to] of REFUSED) {
  const [kind, version, body] = KINDS[index]!;
  test(`${kind} ${version} with ${what} is refused with ${code}`, () => {
    const changed = change(body, from, to);
    assert.notDeepEqual(changed, body);
    assert.throws(() => parseEntryBody({ kind, version, body: changed }), { code });
  });
}

test('an entry as a log returns it: numbers as text or as numbers, zeros left out', () => {
  const json = {
    logId: { keyId: encodeBase64(sha256(KEY)) },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    canonicalizedBody: encodeBase64(V2),
  };
  const parse = (more: object): ReturnType<typeof parseLogEntry> => parseLogEntry(JSON.stringify({ ...json, ...more }));
  assert.equal(parse({}).logIndex, 0n);
  assert.equal(parse({}).integratedTime, 0n);
  assert.equal(parse({ logIndex: '9007199254740993' }).logIndex, 9007199254740993n);
  assert.equal(parse({ logIndex: 7 }).logIndex, 7n);
  assert.throws(() => parse({ logIndex: 9007199254740992 }), { code: 'FORMAT_LOG_ENTRY' });
  assert.throws(() => parse({ logIndex: '1e3' }), { code: 'FORMAT_LOG_ENTRY' });
  assert.throws(() => parse({ canonicalizedBody: '' }), { code: 'FORMAT_LOG_ENTRY' });
  assert.throws(() => parse({ extra: 1 }), { code: 'FORMAT_LOG_ENTRY' });
});
