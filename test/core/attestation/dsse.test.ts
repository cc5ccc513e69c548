import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Envelope as ProtoEnvelope } from '@sigstore/protobuf-specs';
import { encodeEnvelope, parseEnvelope, preAuthEncoding } from '../../../src/core/attestation/dsse.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { verifySignature } from '../../../src/core/crypto/signature.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("the pre-authentication encoding is protocol.md's example", () => {
  const encoded = preAuthEncoding('http://example.com/HelloWorld', utf8('hello world'));
  assert.equal(text(encoded), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

/** Ed25519, seed of 32 bytes 0x03. */
const KEY = 'MCowBQYDK2VwAyEA7UkoxijRwsbq6QM4kFmVYSlZJzpcY/k2NsFGFKyHN9E=';
const SIGNATURE = 'hDiY4OtRTH1fLOGvPND4HaxFKwX8SofCMW3pXCs9Asc1Ch//P6P15BUnk/4tNUSBPOMKpbJkohtDqq1yWyXmDA==';
const PAYLOAD =
  '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}}],"predicateType":"https://example.org/p/v1","predicate":{}}';
const TYPE = 'application/vnd.in-toto+json';
const ENVELOPE = `{"payload":"${encodeBase64(utf8(PAYLOAD))}","payloadType":"${TYPE}","signatures":[{"sig":"${SIGNATURE}"}]}`;

test('a signed statement: encoding, digest and signature', () => {
  const envelope = parseEnvelope(ENVELOPE);
  const encoded = preAuthEncoding(envelope.payloadType, envelope.payload);
  assert.equal(encodeHex(sha256(encoded)), '4cf25d76aeec300043588a2f4074fa4ca19d19619c398c8d9b0330b741e84a9d');
  const key = PublicKey.fromSpki(Buffer.from(KEY, 'base64'));
  assert.equal(verifySignature(key, 'ed25519', encoded, envelope.signatures[0]!.signature), true);
  assert.equal(verifySignature(key, 'ed25519', envelope.payload, envelope.signatures[0]!.signature), false);
  // Rekor v1 logs the digest of the envelope as it is written here.
  assert.equal(
    encodeHex(sha256(utf8(encodeEnvelope(envelope)))),
    '1111692cecb51dc4b904b47d5c3d474f7ed61ab59dc6177425155a0bf6b7681e',
  );
});

test('lengths count bytes, not characters', () => {
  for (const [type, payload] of [
    ['', ''],
    ['tëxt/plain', 'grüße'],
    ['a 1 b', ' 1 '],
    [TYPE, PAYLOAD],
  ] as const) {
    const [typeLength, payloadLength] = [Buffer.byteLength(type), Buffer.byteLength(payload)];
    assert.equal(
      text(preAuthEncoding(type, utf8(payload))),
      `DSSEv1 ${typeLength} ${type} ${payloadLength} ${payload}`,
    );
  }
});

test('two pairs of type and payload never share an encoding', () => {
  const a = preAuthEncoding('a', utf8('b 1 c'));
  const b = preAuthEncoding('a 5 b', utf8('c'));
  assert.notEqual(text(a), text(b));
});

test('envelopes go to protobuf-specs and back', () => {
  const envelope = {
    payloadType: TYPE,
    payload: utf8(PAYLOAD),
    signatures: [
      { signature: Uint8Array.of(1, 2, 3), keyId: '' },
      { signature: Uint8Array.of(4), keyId: 'a key' },
    ],
  };
  const proto = ProtoEnvelope.fromJSON(JSON.parse(encodeEnvelope(envelope)));
  assert.equal(proto.payloadType, TYPE);
  assert.equal(text(proto.payload), PAYLOAD);
  assert.deepEqual(
    proto.signatures.map(({ keyid }) => keyid),
    ['', 'a key'],
  );
  const back = parseEnvelope(JSON.stringify(ProtoEnvelope.toJSON(proto)));
  assert.equal(encodeEnvelope(back), encodeEnvelope(envelope));
});

const REFUSED: readonly (readonly [string, string, string])[] = [
  ['not JSON', ENVELOPE.slice(0, -1), 'FORMAT_ENVELOPE'],
  ['an array', `[${ENVELOPE}]`, 'FORMAT_ENVELOPE'],
  ['no payload', '{"payloadType":"a","signatures":[]}', 'FORMAT_ENVELOPE'],
  ['no payload type', '{"payload":"","signatures":[]}', 'FORMAT_ENVELOPE'],
  ['a payload that is no base64', ENVELOPE.replace('"payload":"', '"payload":"*'), 'FORMAT_BASE64'],
  ['a URL-safe signature', ENVELOPE.replace(SIGNATURE, '-_8='), 'FORMAT_BASE64'],
  ['a signature that is a number', ENVELOPE.replace(`"${SIGNATURE}"`, '1'), 'FORMAT_ENVELOPE'],
  ['an unknown member', ENVELOPE.replace('{', '{"extra":1,'), 'FORMAT_ENVELOPE'],
  ['an unknown member of a signature', ENVELOPE.replace('{"sig"', '{"x":1,"sig"'), 'FORMAT_ENVELOPE'],
  ['a duplicate payload', ENVELOPE.replace('{', '{"payload":"",'), 'FORMAT_ENVELOPE'],
  ['17 signatures', ENVELOPE.replace(/\[.*\]/, `[${Array(17).fill('{"sig":""}').join()}]`), 'LIMIT_COUNT'],
];
for (const [what, json, code] of REFUSED) {
  test(`an envelope with ${what} is refused with ${code}`, () => {
    assert.throws(() => parseEnvelope(json), { code });
  });
}
