import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TrustedRoot as ProtoRoot } from '@sigstore/protobuf-specs';
import { parseTrustedRoot, encodeTrustedRoot, TRUSTED_ROOT_V02 } from '../../../src/core/trust/trusted-root.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { FakeInstance } from '../../support/instance.ts';
import { findShared, shared } from '../../support/shared.ts';

const INSTANCE = new FakeInstance();
const ROOT = encodeTrustedRoot(INSTANCE.trustedRoot);

for (const instance of ['production', 'staging']) {
  test(`the trusted root of ${instance} reads, and protobuf-specs reads what we write of it`, (t) => {
    const path = shared(t, `trust/${instance}/trusted_root.json`);
    if (path === undefined) return;
    const text = readFileSync(path, 'utf8');
    const root = parseTrustedRoot(text);
    const published = ProtoRoot.fromJSON(JSON.parse(text));
    const written = ProtoRoot.fromJSON(JSON.parse(encodeTrustedRoot(root)));
    assert.deepEqual(parseTrustedRoot(encodeTrustedRoot(root)), root);
    assert.equal(root.tlogs.length, published.tlogs.length);
    for (const list of ['tlogs', 'ctlogs'] as const) {
      published[list].forEach((log, i) => {
        assert.deepEqual(written[list][i]?.logId, log.logId);
        assert.deepEqual(written[list][i]?.publicKey?.validFor, log.publicKey?.validFor);
        // Keys that were published as bare PKCS#1 are written as SubjectPublicKeyInfo.
        if (root[list][i]?.publicKey.kind !== 'rsa') assert.deepEqual(written[list][i]?.publicKey, log.publicKey);
      });
    }
    for (const list of ['certificateAuthorities', 'timestampAuthorities'] as const) {
      published[list].forEach((authority, i) => {
        assert.deepEqual(written[list][i]?.certChain, authority.certChain);
        assert.deepEqual(written[list][i]?.validFor, authority.validFor);
        assert.equal(written[list][i]?.uri, authority.uri);
      });
    }
  });
}

test("the public logs' identifiers are derived as published", (t) => {
  const path = shared(t, 'trust/production/trusted_root.json');
  if (path === undefined) return;
  const { tlogs, ctlogs } = parseTrustedRoot(readFileSync(path));
  const v1 = tlogs.find(({ origin }) => origin === 'rekor.sigstore.dev');
  const v2 = tlogs.find(({ origin }) => origin === 'log2025-1.rekor.sigstore.dev');
  assert.ok(v1 !== undefined && v2 !== undefined);
  assert.equal(encodeHex(v1.logId), encodeHex(v1.publicKey.id));
  assert.equal(encodeBase64(v2.logId), 'zxGZFVvd0FEmjR8WrFwMdcAJ9vtaY/QXf44Y1wUeP6A=');
  assert.equal(encodeHex(v2.checkpointKeyId), encodeHex(v2.logId.subarray(0, 4)));
  for (const log of ctlogs) assert.equal(encodeHex(log.logId), encodeHex(log.publicKey.id));
});

test('every root of the conformance suite reads, but for the one that must not', (t) => {
  const folder = shared(t, 'conformance/bundle-verify');
  if (folder === undefined) return;
  let read = 0;
  for (const name of readdirSync(folder)) {
    const path = findShared(`conformance/bundle-verify/${name}/trusted_root.json`);
    if (path === undefined) continue;
    read++;
    if (name === 'trust-root-tlog-missing-validity-start_fail') {
      assert.throws(() => parseTrustedRoot(readFileSync(path)), { code: 'FORMAT_TRUSTED_ROOT' });
    } else {
      const root = parseTrustedRoot(readFileSync(path));
      assert.deepEqual(parseTrustedRoot(encodeTrustedRoot(root)), root);
    }
  }
  assert.ok(read > 30);
});

test('three media types are read and kept', () => {
  for (const mediaType of [TRUSTED_ROOT_V02, 'application/vnd.dev.sigstore.trustedroot.v0.1+json']) {
    const json = { ...(JSON.parse(ROOT) as object), mediaType };
    assert.equal(parseTrustedRoot(JSON.stringify(json)).mediaType, mediaType);
  }
});

test('a base URL without a scheme, with a port or with a path names its log', () => {
  const read = (baseUrl: string): readonly string[] => {
    const json = rootJson();
    json.tlogs[0]!['baseUrl'] = baseUrl;
    return parseTrustedRoot(JSON.stringify(json)).tlogs[0]!.checkpointNames;
  };
  assert.deepEqual(read('log.example.org'), ['log.example.org']);
  assert.deepEqual(read('https://log.example.org'), ['log.example.org']);
  assert.deepEqual(read('http://localhost:5080'), ['localhost', 'localhost:5080']);
  assert.deepEqual(read('https://example.org/log/'), ['example.org', 'example.org/log']);
});

test('a checkpoint key id longer than four bytes is cut, an absent one comes from the log id', () => {
  const json = rootJson();
  const long = encodeBase64(Uint8Array.of(1, 2, 3, 4, 5, 6));
  json.tlogs[0]!['checkpointKeyId'] = { keyId: long };
  const [first, second] = parseTrustedRoot(JSON.stringify(json)).tlogs;
  assert.equal(encodeHex(first!.checkpointKeyId), '01020304');
  assert.equal(encodeHex(second!.checkpointKeyId), encodeHex(second!.logId.subarray(0, 4)));
  // It is written only when it says something new.
  const written = JSON.parse(encodeTrustedRoot(parseTrustedRoot(JSON.stringify(json)))) as RootJson;
  assert.deepEqual(written.tlogs[0]!['checkpointKeyId'], { keyId: 'AQIDBA==' });
  assert.equal(written.tlogs[1]!['checkpointKeyId'], undefined);
});

type Json = Record<string, unknown>;
type RootJson = Record<'tlogs' | 'ctlogs' | 'certificateAuthorities' | 'timestampAuthorities', Json[]> & Json;
const rootJson = (): RootJson => JSON.parse(ROOT) as RootJson;
const log = (json: RootJson): Json => json.tlogs[0]!;
const key = (json: RootJson): Json => log(json)['publicKey'] as Json;
const authority = (json: RootJson): Json => json.certificateAuthorities[0]!;
const spki = (kind: 'rsa' | 'ed25519'): string => encodeBase64(PrivateKey.generate(kind).publicKey.spki);

const REFUSED: readonly (readonly [string, string, (json: RootJson) => unknown])[] = [
  ['another media type', 'FORMAT_TRUSTED_ROOT', (json) => (json['mediaType'] = 'application/json')],
  ['no media type', 'FORMAT_TRUSTED_ROOT', (json) => (json['mediaType'] = undefined)],
  ['an unknown member', 'FORMAT_TRUSTED_ROOT', (json) => (json['extra'] = 1)],
  ['a log with an unknown member', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['extra'] = 1)],
  ['65 logs', 'LIMIT_COUNT', (json) => (json.tlogs = Array<Json>(65).fill(log(json)))],
  ['a log without a URL', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['baseUrl'] = undefined)],
  ['a log whose URL has no host', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['baseUrl'] = 'https://')],
  ['a log with SHA-512', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['hashAlgorithm'] = 'SHA2_512')],
  ['a log without a key', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['publicKey'] = undefined)],
  ['a log without an id', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['logId'] = undefined)],
  ['a log id of three bytes', 'FORMAT_TRUSTED_ROOT', (json) => (log(json)['logId'] = { keyId: 'AAAA' })],
  ['an unknown key kind', 'FORMAT_TRUSTED_ROOT', (json) => (key(json)['keyDetails'] = 'PKIX_DSA')],
  ['a key of another kind than it says', 'FORMAT_TRUSTED_ROOT', (json) => (key(json)['rawBytes'] = spki('ed25519'))],
  [
    'an RSA key of another size than it says',
    'FORMAT_TRUSTED_ROOT',
    (json) => Object.assign(key(json), { rawBytes: spki('rsa'), keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256' }),
  ],
  ['a key that does not decode', 'FORMAT_TRUSTED_ROOT', (json) => (key(json)['rawBytes'] = 'AAAA')],
  ['a key that is no base64', 'FORMAT_TRUSTED_ROOT', (json) => (key(json)['rawBytes'] = '*')],
  ['a key without a window', 'FORMAT_TRUSTED_ROOT', (json) => (key(json)['validFor'] = undefined)],
  [
    'a window without a start',
    'FORMAT_TRUSTED_ROOT',
    (json) => (key(json)['validFor'] = { end: '2030-01-01T00:00:00Z' }),
  ],
  [
    'a window that ends before it starts',
    'FORMAT_TRUSTED_ROOT',
    (json) => (key(json)['validFor'] = { start: '2030-01-01T00:00:01Z', end: '2030-01-01T00:00:00Z' }),
  ],
  [
    'a day that does not exist',
    'FORMAT_TRUSTED_ROOT',
    (json) => (key(json)['validFor'] = { start: '2026-02-30T00:00:00Z' }),
  ],
  [
    'a time without a zone',
    'FORMAT_TRUSTED_ROOT',
    (json) => (key(json)['validFor'] = { start: '2026-02-03T00:00:00' }),
  ],
  ['a time that is a number', 'FORMAT_TRUSTED_ROOT', (json) => (key(json)['validFor'] = { start: 1 })],
  ['an authority without a chain', 'FORMAT_TRUSTED_ROOT', (json) => (authority(json)['certChain'] = undefined)],
  ['an empty chain', 'FORMAT_TRUSTED_ROOT', (json) => (authority(json)['certChain'] = { certificates: [] })],
  [
    'a chain of nine',
    'LIMIT_COUNT',
    (json) => {
      const chain = authority(json)['certChain'] as { certificates: unknown[] };
      chain.certificates = Array(9).fill(chain.certificates[0]);
    },
  ],
  [
    'a certificate that does not decode',
    'FORMAT_TRUSTED_ROOT',
    (json) => (authority(json)['certChain'] = { certificates: [{ rawBytes: 'MAA=' }] }),
  ],
  ['an authority without a window', 'FORMAT_TRUSTED_ROOT', (json) => (authority(json)['validFor'] = undefined)],
];
for (const [what, code, change] of REFUSED) {
  test(`a trusted root with ${what} is refused with ${code}`, () => {
    const json = rootJson();
    change(json);
    assert.throws(() => parseTrustedRoot(JSON.stringify(json)), { code });
  });
}

test('a refusal names the place and keeps the cause', () => {
  const json = rootJson();
  key(json)['rawBytes'] = 'AAAA';
  assert.throws(
    () => parseTrustedRoot(JSON.stringify(json)),
    (error: Error) =>
      error.message.includes('tlogs[0]') && (error.cause as { code: string }).code === 'FORMAT_PUBLIC_KEY',
  );
});
