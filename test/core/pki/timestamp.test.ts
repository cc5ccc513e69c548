import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseBundle, type UnverifiedBundle } from '../../../src/core/bundle/bundle.ts';
import { digest } from '../../../src/core/crypto/digest.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import {
  derBoolean,
  derElement,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
} from '../../../src/core/encoding/der-writer.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import {
  encodeMessageImprint,
  encodeTimestampRequest,
  parseTimestampRequest,
} from '../../../src/core/pki/timestamp-request.ts';
import { parseTimestampResponse } from '../../../src/core/pki/timestamp-response.ts';
import { signTimestamp } from '../../../src/core/pki/timestamp-signer.ts';
import { findSigner, verifyTimestamp } from '../../../src/core/pki/timestamp-verification.ts';
import { parseTrustedRoot, type CertificateAuthority } from '../../../src/core/trust/trusted-root.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { createTimestampAuthority, SIGNING_TIME, stamp } from '../../support/instance.ts';
import { peer } from '../../support/peers.ts';
import { findShared, shared } from '../../support/shared.ts';

const MESSAGE = utf8('what is timestamped');
const TSA = createTimestampAuthority('https://tsa.example.com/api/v1/timestamp');
const IMPRINT = { hashAlgorithm: 'sha256', hashedMessage: digest('sha256', MESSAGE) } as const;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealwright-timestamp-'));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

function signed({ content }: UnverifiedBundle): Uint8Array {
  return content.kind === 'dsse' ? content.envelope.signatures[0]!.signature : content.signature;
}

/** Bundles of the suite that carry timestamps, with the authorities of their root. */
function* recorded(cases: string): Iterable<readonly [string, UnverifiedBundle, readonly CertificateAuthority[]]> {
  for (const name of readdirSync(cases)) {
    if (!name.startsWith('rekor2-') || name.endsWith('_fail')) continue;
    const root = findShared(`conformance/bundle-verify/${name}/trusted_root.json`);
    const bundle = parseBundle(readFileSync(join(cases, name, 'bundle.sigstore.json')));
    if (root !== undefined) yield [name, bundle, parseTrustedRoot(readFileSync(root)).timestampAuthorities];
  }
}

test('timestamps that real authorities made verify over the signature of their bundle and nothing else', (t) => {
  const cases = shared(t, 'conformance/bundle-verify');
  if (cases === undefined) return;
  let verified = 0;
  for (const [name, bundle, authorities] of recorded(cases)) {
    for (const timestamp of bundle.timestamps.map(parseTimestampResponse)) {
      const authority = authorities.find((candidate) => findSigner(timestamp, candidate) !== undefined);
      assert.ok(authority, name);
      assert.equal(verifyTimestamp(timestamp, signed(bundle), authority).time, timestamp.info.genTime);
      assert.throws(() => verifyTimestamp(timestamp, MESSAGE, authority), { code: 'TIMESTAMP_INVALID' });
      verified++;
    }
  }
  assert.ok(verified >= 10, `${verified} timestamps`);
});

for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa', 'ed25519'] as const) {
  for (const embed of [true, false]) {
    test(`openssl ts verifies ours: ${kind}, ${embed ? 'with' : 'without'} the certificate`, (t) => {
      const openssl = peer(t, 'openssl');
      if (openssl === undefined) return;
      const tsa = createTimestampAuthority('https://tsa.example.com', kind);
      const response = stamp(MESSAGE, tsa, { embed });
      const timestamp = parseTimestampResponse(response);
      assert.deepEqual(
        verifyTimestamp(timestamp, MESSAGE, tsa.authority).time,
        new Date(SIGNING_TIME.getTime() + 1000),
      );
      // OpenSSL 3.0 knows no CMS with Ed25519 (RFC 8419).
      if (kind === 'ed25519') return;
      const path = folder(t);
      const file = (name: string, content: Uint8Array | string): string => {
        writeFileSync(join(path, name), content);
        return join(path, name);
      };
      const [leaf, root] = tsa.authority.chain;
      const answer = execFileSync(
        openssl,
        [
          ...['ts', '-verify', '-in', file('answer.tsr', response), '-data', file('message', MESSAGE)],
          ...['-CAfile', file('root.pem', root!.toPem()), '-untrusted', file('leaf.pem', leaf!.toPem())],
          ...['-attime', String(SIGNING_TIME.getTime() / 1000)],
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
      );
      assert.match(answer, /Verification: OK/);
    });
  }
}

const CONFIG = `
[tsa]
default_tsa = t
[t]
serial = serial
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
signer_digest = sha256
ess_cert_id_alg = sha256
`;

test('we read the requests of openssl ts and verify its answers, fractions of a second included', (t) => {
  const openssl = peer(t, 'openssl');
  if (openssl === undefined) return;
  const path = folder(t);
  const run = (...args: string[]): void => {
    execFileSync(openssl, ['ts', ...args], { cwd: path, stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const [leaf] = TSA.authority.chain;
  for (const [name, content] of Object.entries({
    message: MESSAGE,
    config: CONFIG,
    serial: '00',
    'leaf.pem': leaf!.toPem(),
    'key.pem': encodePem('PRIVATE KEY', TSA.holder.key.toPkcs8()),
  })) {
    writeFileSync(join(path, name), content);
  }
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    run('-query', '-data', 'message', `-${hash}`, '-cert', '-tspolicy', '1.2.3.4.5', '-out', 'query.tsq');
    const request = parseTimestampRequest(readFileSync(join(path, 'query.tsq')));
    assert.equal(request.messageImprint.hashAlgorithm, hash);
    assert.equal(encodeHex(request.messageImprint.hashedMessage), encodeHex(digest(hash, MESSAGE)));
    assert.equal(request.policy, '1.2.3.4.5');
    assert.equal(request.wantsCertificate, true);
    assert.equal(request.hasExtensions, false);
    assert.equal(encodeHex(encodeTimestampRequest(request)), encodeHex(readFileSync(join(path, 'query.tsq'))));
    run(
      '-reply',
      '-config',
      'config',
      '-queryfile',
      'query.tsq',
      '-signer',
      'leaf.pem',
      '-inkey',
      'key.pem',
      '-out',
      'answer',
    );
    const timestamp = parseTimestampResponse(readFileSync(join(path, 'answer')));
    assert.equal(timestamp.info.policy, '1.2.3.4.5');
    assert.deepEqual(timestamp.info.nonce, request.nonce);
    assert.equal(timestamp.embeddedCertificates.length, 1);
    assert.deepEqual(verifyTimestamp(timestamp, MESSAGE, TSA.authority).time, timestamp.info.genTime);
  }
  run('-query', '-data', 'message', '-sha1', '-out', 'weak.tsq');
  assert.throws(() => parseTimestampRequest(readFileSync(join(path, 'weak.tsq'))), {
    code: 'FORMAT_TIMESTAMP',
    facts: { found: 'SHA-1', expected: 'SHA-256, SHA-384 or SHA-512', details: { weakHash: true } },
  });
});

test('a request is echoed: nonce byte for byte, policy from the facts', () => {
  for (const nonce of [Uint8Array.of(0), Uint8Array.of(0, 0x80), Uint8Array.of(0x80), new Uint8Array(32).fill(0x7f)]) {
    const request = parseTimestampRequest(
      encodeTimestampRequest({ messageImprint: IMPRINT, nonce, wantsCertificate: false }),
    );
    const facts = { policy: OID.sigstoreTsaPolicy, serialNumber: Uint8Array.of(1), genTime: SIGNING_TIME };
    const { info } = parseTimestampResponse(signTimestamp(request, facts, TSA.holder));
    assert.equal(encodeHex(info.nonce ?? new Uint8Array(0)), encodeHex(nonce));
    assert.equal(info.policy, OID.sigstoreTsaPolicy);
  }
});

const imprint = encodeMessageImprint(IMPRINT);
const REQUESTS: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['an empty sequence', derSequence()],
  ['version 2', derSequence(derInteger(2), imprint)],
  ['no imprint', derSequence(derInteger(1))],
  ['an imprint of the wrong length', derSequence(derInteger(1), imprintOf(OID.sha256, 20))],
  ['an imprint of MD5', derSequence(derInteger(1), imprintOf('1.2.840.113549.2.5', 16))],
  ['a member after the extensions', derSequence(derInteger(1), imprint, derElement(0xa0), derInteger(1))],
  ['members in another order', derSequence(derInteger(1), imprint, derBoolean(true), derInteger(7))],
  ['two nonces', derSequence(derInteger(1), imprint, derInteger(7), derInteger(8))],
  ['a byte behind it', Buffer.concat([derSequence(derInteger(1), imprint), Buffer.of(0)])],
  ['FALSE written out', derSequence(derInteger(1), imprint, derBoolean(false))],
];
function imprintOf(oid: string, length: number): Uint8Array {
  return derSequence(derSequence(derOid(oid), derNull()), derOctetString(new Uint8Array(length)));
}
for (const [what, der] of REQUESTS) {
  const tolerated = what === 'FALSE written out';
  test(`a request with ${what} is ${tolerated ? 'read: BER writers send it' : 'refused'}`, () => {
    if (tolerated) assert.equal(parseTimestampRequest(der).wantsCertificate, false);
    else assert.throws(() => parseTimestampRequest(der), { code: 'FORMAT_TIMESTAMP' });
  });
}

test('no damage to an answer verifies as another time', () => {
  const response = stamp(MESSAGE, TSA, { embed: false });
  const { genTime } = parseTimestampResponse(response).info;
  const content = Buffer.from(response).indexOf(derOid(OID.tstInfo));
  const harmless: number[] = [];
  let index = -response.length;
  for (const bytes of damaged(response)) {
    try {
      assert.deepEqual(verifyTimestamp(parseTimestampResponse(bytes), MESSAGE, TSA.authority).time, genTime);
      harmless.push(index);
    } catch (error) {
      assert.ok(error instanceof SealwrightError, String(error));
      assert.match(error.code, /^(?:TIMESTAMP|FORMAT|CERTIFICATE|LIMIT)_/);
    }
    index++;
  }
  // What nobody signs lies in front of the content: the status (1 is granted with modifications) and the list of digest
  // algorithms, which the signer's own one makes superfluous.
  assert.deepEqual(
    harmless.filter((position) => position < 0 || position >= content),
    [],
  );
});

test('too large an answer is refused before it is parsed', () => {
  assert.throws(() => parseTimestampResponse(new Uint8Array((128 << 10) + 1)), { code: 'LIMIT_SIZE' });
});
