/** Rekor v2's request and answer: rekor-tiles' published sample (CLIENTS.md), protojson's leniency, and what must be refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHashedRekordBody } from '../../../src/core/bundle/entry-body.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import {
  encodeCreateEntryRequest,
  encodeCreateEntryResponse,
  parseCreateEntryRequest,
  parseCreateEntryResponse,
} from '../../../src/core/wire/log.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { FormatError, LimitError, SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const DIGEST = 'dyj4ednYHjN4/zsjjBeeLahS9slp97Z67LTAVxjrjXw=';
const SIGNATURE = 'MEQCIB+YPa9o3SN0sQ4uduGf+mZxwFfOhFZ0Cgy+p7Vt1o2SAiAPFDHqOAJLYmvtCWOsDyNY1H4V3zm4NEDYs3NyvHh1Pg==';
const KEY =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2slOf8eZcj2moW2t4UFj7vCL6QpDzkDqqSUmm4OJCVvIauKLxm0aGs3VMPPfauMPaMutn0/s3jg0rroFxoicyg==';
const BODY_SHA256 = 'a16d95bf6a15440bf4baf283711ee57d8d8f435378f12ad1bcc9aefe85109e31';

const VERIFIER = { publicKey: { rawBytes: KEY }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
const RECORD = { digest: DIGEST, signature: { content: SIGNATURE, verifier: VERIFIER } };
const REQUEST = { hashedRekordRequestV002: RECORD };

function parse(request: unknown): ReturnType<typeof parseCreateEntryRequest> {
  return parseCreateEntryRequest(utf8(typeof request === 'string' ? request : JSON.stringify(request)));
}

/** The sample with another verifier. */
function verifiedBy(verifier: object): object {
  return { hashedRekordRequestV002: { ...RECORD, signature: { content: SIGNATURE, verifier } } };
}

function urlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

test("rekor-tiles' sample request becomes the published body", () => {
  const body = encodeHashedRekordBody(parse(REQUEST));
  assert.equal(body.length, 489);
  assert.equal(Buffer.from(sha256(body)).toString('hex'), BODY_SHA256);
});

const SAME: Record<string, unknown> = {
  'snake_case names': {
    hashed_rekord_request_v002: {
      digest: DIGEST,
      signature: {
        content: SIGNATURE,
        verifier: { public_key: { raw_bytes: KEY }, key_details: 'PKIX_ECDSA_P256_SHA_256' },
      },
    },
  },
  'the enum as a number': verifiedBy({ publicKey: { rawBytes: KEY }, keyDetails: 5 }),
  'null for unset': { ...verifiedBy({ ...VERIFIER, x509Certificate: null }), dsseRequestV002: null },
  'URL-safe base64 without padding': {
    hashedRekordRequestV002: {
      digest: urlSafe(DIGEST),
      signature: { content: urlSafe(SIGNATURE), verifier: { ...VERIFIER, publicKey: { rawBytes: urlSafe(KEY) } } },
    },
  },
};

for (const [name, request] of Object.entries(SAME)) {
  test(`protojson's leniency: ${name}`, () => {
    assert.deepEqual(parse(request), parse(REQUEST));
  });
}

test('what the client writes, the server reads back', () => {
  const request = parse(REQUEST);
  assert.deepEqual(parse(encodeCreateEntryRequest(request)), request);
  const certificate = { ...request, verifier: { kind: 'certificate' as const, der: Uint8Array.of(0x30, 0) } };
  assert.deepEqual(parse(encodeCreateEntryRequest(certificate)).verifier.kind, 'certificate');
});

const REFUSED: Record<string, [request: unknown, message: RegExp]> = {
  'not JSON': ['{', /not valid JSON/],
  'an array': [[REQUEST], /not an object/],
  'nothing set': [{}, /^invalid type, must be hashedrekord$/],
  'the older DSSE request': [{ dsseRequestV002: { envelope: {} } }, /^invalid type, must be hashedrekord$/],
  'two request types': [{ ...REQUEST, dsseRequestV002: {} }, /^invalid type, must be hashedrekord$/],
  'an unknown member': [{ ...REQUEST, extra: 1 }, /unknown member/],
  'an unknown member deep down': [verifiedBy({ ...VERIFIER, extra: 1 }), /unknown member/],
  'one member under two names': [{ ...REQUEST, hashed_rekord_request_v002: RECORD }, /one member under two names/],
  'a duplicate member': [
    JSON.stringify(REQUEST).replace('"digest":', `"digest":"${DIGEST}","digest":`),
    /duplicate member/,
  ],
  'no signature': [{ hashedRekordRequestV002: { digest: DIGEST } }, /no verifier/],
  'no verifier': [{ hashedRekordRequestV002: { digest: DIGEST, signature: { content: SIGNATURE } } }, /no verifier/],
  'an empty signature': [
    { hashedRekordRequestV002: { digest: DIGEST, signature: { content: '', verifier: VERIFIER } } },
    /signature is empty/,
  ],
  'both key and certificate': [
    verifiedBy({ ...VERIFIER, x509Certificate: { rawBytes: KEY } }),
    /not one key or one certificate/,
  ],
  'neither key nor certificate': [
    verifiedBy({ keyDetails: 'PKIX_ECDSA_P256_SHA_256' }),
    /not one key or one certificate/,
  ],
  'an empty key': [verifiedBy({ ...VERIFIER, publicKey: { rawBytes: '' } }), /not one key or one certificate/],
  'a digest of another length': [
    { hashedRekordRequestV002: { ...RECORD, digest: 'AAAA' } },
    /digest has the wrong length/,
  ],
  'a SHA-256 digest for a P-384 key': [
    verifiedBy({ ...VERIFIER, keyDetails: 'PKIX_ECDSA_P384_SHA_384' }),
    /digest has the wrong length/,
  ],
  'no algorithm': [verifiedBy({ publicKey: { rawBytes: KEY } }), /no accepted algorithm/],
  'an unspecified algorithm': [verifiedBy({ ...VERIFIER, keyDetails: 0 }), /no accepted algorithm/],
  'pure Ed25519': [verifiedBy({ ...VERIFIER, keyDetails: 'PKIX_ED25519' }), /no accepted algorithm/],
  'RSA-PSS': [verifiedBy({ ...VERIFIER, keyDetails: 'PKIX_RSA_PSS_2048_SHA256' }), /no accepted algorithm/],
  'an algorithm of the wrong type': [verifiedBy({ ...VERIFIER, keyDetails: true }), /no accepted algorithm/],
};

for (const [name, [request, message]] of Object.entries(REFUSED)) {
  test(`a request with ${name} is refused`, () => {
    assert.throws(
      () => parse(request),
      (error) => error instanceof FormatError && error.code === 'FORMAT_REQUEST' && message.test(error.message),
    );
  });
}

test('junk in base64 is refused', () => {
  assert.throws(
    () => parse({ hashedRekordRequestV002: { ...RECORD, digest: '!!' } }),
    (error) => error instanceof FormatError && error.code === 'FORMAT_BASE64',
  );
});

test('a request that is too large or too deep is refused', () => {
  assert.throws(
    () => parse(`{"x":"${'a'.repeat(5 << 20)}"}`),
    (error) => error instanceof LimitError && error.code === 'LIMIT_SIZE',
  );
  assert.throws(
    () => parse('['.repeat(100) + ']'.repeat(100)),
    (error) => error instanceof LimitError && error.code === 'LIMIT_DEPTH',
  );
});

const ENTRY = {
  logIndex: 735n,
  logId: new Uint8Array(32).fill(7),
  kind: 'hashedrekord',
  version: '0.0.2',
  integratedTime: 0n,
  inclusionProof: {
    logIndex: 735n,
    rootHash: new Uint8Array(32).fill(1),
    treeSize: 736n,
    hashes: [new Uint8Array(32).fill(2)],
    checkpoint: 'note',
  },
  body: utf8('{}'),
};

test('the answer writes unpopulated members, as rekor-tiles does, and 64-bit integers as strings', () => {
  const json = JSON.parse(encodeCreateEntryResponse(ENTRY)) as Record<string, unknown>;
  assert.deepEqual(Object.keys(json).sort(), [
    'canonicalizedBody',
    'inclusionPromise',
    'inclusionProof',
    'integratedTime',
    'kindVersion',
    'logId',
    'logIndex',
  ]);
  assert.equal(json['integratedTime'], '0');
  assert.equal(json['inclusionPromise'], null);
  assert.equal(json['logIndex'], '735');
  const parsed = parseCreateEntryResponse(utf8(JSON.stringify(json)));
  assert.equal(encodeCreateEntryResponse(parsed), encodeCreateEntryResponse(ENTRY));
  assert.equal(parsed.inclusionProof?.treeSize, 736n);
});

test('an answer without an inclusion proof is refused', () => {
  const { inclusionProof: _, ...bare } = ENTRY;
  assert.throws(
    () => parseCreateEntryResponse(utf8(encodeCreateEntryResponse(bare))),
    (error) => error instanceof FormatError && error.code === 'FORMAT_LOG_ENTRY',
  );
});

test('damaged requests and answers are refused with an error of ours, or still parse', () => {
  for (const [sample, parser] of [
    [utf8(JSON.stringify(REQUEST)), parseCreateEntryRequest],
    [utf8(encodeCreateEntryResponse(ENTRY)), parseCreateEntryResponse],
  ] as const) {
    for (const bytes of damaged(sample)) {
      try {
        parser(bytes);
      } catch (error) {
        assert.ok(error instanceof SealwrightError && error.family !== 'invariant', String(error));
      }
    }
  }
});
