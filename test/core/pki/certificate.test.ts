import '../../support/reflect-metadata.ts';
import assert from 'node:assert/strict';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import {
  derBitString,
  derBoolean,
  derElement,
  derExplicit,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derTime,
} from '../../../src/core/encoding/der-writer.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { encodeSignatureAlgorithm } from '../../../src/core/pki/algorithm-identifier.ts';
import {
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
  subjectAltNameExtension,
  type ExtensionInput,
} from '../../../src/core/pki/certificate-builder.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import { readFulcioExtensions } from '../../../src/core/pki/fulcio-extensions.ts';
import { encodeName } from '../../../src/core/pki/name.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import { damaged } from '../../support/damage.ts';
import { issue, issueIntermediate, issueLeaf, issueRoot } from '../../support/test-authority.ts';

const VECTORS = resolve(import.meta.dirname, '../../vectors/pki');
const published = (name: string): readonly Certificate[] =>
  Certificate.allFromPem(readFileSync(resolve(VECTORS, name), 'utf8'));

const LEAF = published('public-good-leaf.pem')[0]!;
const [INTERMEDIATE, ROOT] = published('public-good-fulcio.pem') as [Certificate, Certificate];
const BAD = { code: 'FORMAT_CERTIFICATE' };

test("a leaf of Sigstore's public CA reads as published", () => {
  assert.equal(encodeHex(LEAF.serialNumber), '68bfedb264131e4db59add54ba4fb0edabc3073e');
  assert.equal(LEAF.issuer.commonName, 'sigstore-intermediate');
  assert.equal(LEAF.issuer.organization, 'sigstore.dev');
  assert.equal(LEAF.subject.commonName, undefined);
  assert.deepEqual(LEAF.notBefore, new Date('2024-03-19T17:26:26Z'));
  assert.deepEqual(LEAF.notAfter, new Date('2024-03-19T17:36:26Z'));
  assert.equal(LEAF.publicKey.kind, 'ecdsa-p256');
  assert.equal(LEAF.isCa, false);
  assert.deepEqual(LEAF.keyUsage, { digitalSignature: true, keyCertSign: false });
  assert.deepEqual(LEAF.extendedKeyUsage, [OID.codeSigning]);
  assert.equal(LEAF.subjectAltNames.length, 1);
  assert.equal(LEAF.subjectAltNames[0]?.kind, 'uri');
  assert.match(LEAF.subjectAltNames[0].value, /extremely-dangerous-oidc-beacon\.yml@refs\/heads\/main$/);
  const { issuer, sourceRepositoryRef, runnerEnvironment } = readFulcioExtensions(LEAF);
  assert.equal(issuer, 'https://token.actions.githubusercontent.com');
  assert.equal(sourceRepositoryRef, 'refs/heads/main');
  assert.equal(runnerEnvironment, 'github-hosted');
  assert.equal(INTERMEDIATE.pathLength, 0);
  assert.equal(ROOT.pathLength, undefined);
  assert.equal(ROOT.isCa, true);
});

test('signatures hold up the published chain and nothing else', () => {
  assert.equal(LEAF.isSignedBy(INTERMEDIATE), true);
  assert.equal(INTERMEDIATE.isSignedBy(ROOT), true);
  assert.equal(ROOT.isSignedBy(ROOT), true);
  assert.equal(LEAF.isSignedBy(ROOT), false);
  assert.equal(INTERMEDIATE.isSignedBy(INTERMEDIATE), false);
});

for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const) {
  test(`node:crypto and @peculiar/x509 read a ${kind} certificate of ours as we do`, async () => {
    const root = issueRoot({ kind });
    const leaf = issueLeaf(root, { kind }).certificate;
    const node = new NodeCertificate(Buffer.from(leaf.raw));
    assert.equal(node.verify(new NodeCertificate(Buffer.from(root.certificate.raw)).publicKey), true);
    assert.equal(node.serialNumber.toLowerCase(), encodeHex(leaf.serialNumber));
    assert.equal(node.fingerprint256.replaceAll(':', '').toLowerCase(), leaf.fingerprint);
    assert.equal(node.ca, false);
    assert.equal(node.subjectAltName, 'email:alice@example.com');
    assert.deepEqual(new Date(node.validTo), leaf.notAfter);
    const peculiar = new PeculiarCertificate(leaf.raw);
    assert.deepEqual(peculiar.notBefore, leaf.notBefore);
    assert.deepEqual(
      Array.from(peculiar.extensions, ({ type, critical }) => [type, critical]),
      leaf.extensions.map(({ oid, critical }) => [oid, critical]),
    );
    assert.equal(
      await peculiar.verify({ publicKey: new PeculiarCertificate(root.certificate.raw), signatureOnly: true }),
      true,
    );
    assert.equal(leaf.isSignedBy(root.certificate), true);
  });
}

test('certificates of another issuer, or whose key only looks right, are not signed by it', () => {
  const root = issueRoot();
  const twin = issueRoot();
  const leaf = issueLeaf(root).certificate;
  assert.equal(leaf.isSignedBy(twin.certificate), false);
  assert.equal(leaf.isSignedBy(issueRoot({ name: 'another name', key: root.key }).certificate), false);
});

test('PEM: one, several, none, and what is not a certificate', () => {
  const pem = LEAF.toPem() + INTERMEDIATE.toPem();
  assert.ok(Certificate.fromPem(pem).equals(LEAF));
  assert.equal(Certificate.allFromPem(pem).length, 2);
  assert.throws(() => Certificate.fromPem('text'), { code: 'FORMAT_PEM' });
  assert.throws(() => Certificate.fromPem(encodePem('PUBLIC KEY', LEAF.publicKey.spki)), BAD);
});

test('the certificate keeps its own copy of the bytes', () => {
  const bytes = Uint8Array.from(LEAF.raw);
  const certificate = Certificate.parse(bytes);
  bytes.fill(0);
  assert.ok(certificate.equals(LEAF));
});

test('subject alternative names of every kind, both ways', () => {
  const names = [
    { kind: 'email', value: 'alice@example.com' },
    { kind: 'dns', value: 'example.com' },
    { kind: 'uri', value: 'https://example.com/a//b' },
    { kind: 'ip', value: '192.0.2.7' },
    { kind: 'other', value: 'alice!example.com' },
  ] as const;
  const { certificate } = issue({ extensions: [subjectAltNameExtension(true, ...names)] });
  assert.deepEqual(certificate.subjectAltNames, names);
});

/** The parts of a small v3 certificate, each replaceable by what it should not be. */
function assemble(change: {
  version?: Uint8Array;
  serial?: Uint8Array;
  inner?: Uint8Array;
  outer?: Uint8Array;
  validity?: Uint8Array;
  spki?: Uint8Array;
  tail?: readonly Uint8Array[];
  signature?: Uint8Array;
}): () => Certificate {
  const key = PrivateKey.generate('ecdsa-p256');
  const algorithm = encodeSignatureAlgorithm('ecdsa-sha256');
  const now = derTime(new Date('2026-01-01T00:00:00Z'));
  const tbs = derSequence(
    change.version ?? derExplicit(0, derInteger(2)),
    change.serial ?? derInteger(7),
    change.inner ?? algorithm,
    encodeName({ commonName: 'a' }),
    change.validity ?? derSequence(now, now),
    encodeName({ commonName: 'a' }),
    change.spki ?? key.publicKey.spki,
    ...(change.tail ?? []),
  );
  const whole = derSequence(tbs, change.outer ?? algorithm, change.signature ?? derBitString(key.sign(tbs)));
  return () => Certificate.parse(whole);
}

const extensions = (...raw: readonly Uint8Array[]): readonly Uint8Array[] => [derExplicit(3, derSequence(...raw))];
const extension = ({ oid, critical, value }: ExtensionInput): Uint8Array =>
  derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value));
const usage = extension(keyUsageExtension(0));
const withValue = (oid: string, value: Uint8Array): readonly Uint8Array[] =>
  extensions(extension({ oid, critical: true, value }));

test('the assembled certificate without a change is read', () => {
  assert.doesNotThrow(assemble({ tail: extensions(usage) }));
});

const REFUSED: readonly (readonly [string, Parameters<typeof assemble>[0]])[] = [
  ['version 1', { version: derExplicit(0, derInteger(0)) }],
  ['no version', { version: derNull() }],
  ['a negative serial number', { serial: derInteger(-1n) }],
  ['a padded serial number', { serial: derElement(2, Uint8Array.of(0, 1)) }],
  ['another algorithm inside than outside', { outer: encodeSignatureAlgorithm('ecdsa-sha384') }],
  ['algorithm parameters', { inner: derSequence(derOid(OID.ecdsaWithSha256), derInteger(1)) }],
  ['one time in Validity', { validity: derSequence(derTime(new Date(0))) }],
  ['a time without seconds', { validity: derSequence(derElement(0x17, utf8('2601010000Z')), derTime(new Date(0))) }],
  ['unique identifiers', { tail: [derElement(0x81, Uint8Array.of(0, 1)), ...extensions(usage)] }],
  ['an element behind the extensions', { tail: [...extensions(usage), derNull()] }],
  ['one extension twice', { tail: extensions(usage, usage) }],
  [
    'an encoded default',
    { tail: extensions(derSequence(derOid(OID.keyUsage), derBoolean(false), derOctetString(derNull()))) },
  ],
  ['an extension without a value', { tail: extensions(derSequence(derOid(OID.keyUsage))) }],
  [
    'too many extensions',
    {
      tail: extensions(
        ...Array.from({ length: 65 }, (_, i) => extension({ oid: `1.2.3.${i}`, critical: false, value: derNull() })),
      ),
    },
  ],
  ['a key usage with trailing zero bits', { tail: withValue(OID.keyUsage, derBitString(Uint8Array.of(0x80), 0)) }],
  ['a key usage that is no bit string', { tail: withValue(OID.keyUsage, derNull()) }],
  [
    'basic constraints of another shape',
    { tail: withValue(OID.basicConstraints, derSequence(derBoolean(true), derInteger(0), derNull())) },
  ],
  ['a negative path length', { tail: withValue(OID.basicConstraints, derSequence(derBoolean(true), derInteger(-1n))) }],
  ['a purpose that is no object identifier', { tail: withValue(OID.extendedKeyUsage, derSequence(derNull())) }],
  [
    'a NUL in a name',
    { tail: withValue(OID.subjectAltName, derSequence(derElement(0x81, utf8('alice@example.com\0.evil')))) },
  ],
  [
    'a line feed in a name',
    { tail: withValue(OID.subjectAltName, derSequence(derElement(0x86, utf8('https://a\nhttps://b')))) },
  ],
  [
    'a name outside ASCII',
    { tail: withValue(OID.subjectAltName, derSequence(derElement(0x81, utf8('älice@example.com')))) },
  ],
  [
    'an IP address of five bytes',
    { tail: withValue(OID.subjectAltName, derSequence(derElement(0x87, new Uint8Array(5)))) },
  ],
  [
    'a user name of another shape',
    { tail: withValue(OID.subjectAltName, derSequence(derElement(0xa0, derOid(OID.fulcioOtherName)))) },
  ],
  [
    'bytes behind an extension value',
    { tail: withValue(OID.extendedKeyUsage, Buffer.concat([derSequence(derOid(OID.codeSigning)), derNull()])) },
  ],
  ['a signature with unused bits', { signature: derBitString(Uint8Array.of(0x80), 1) }],
];
for (const [what, change] of REFUSED) {
  test(`refuses ${what}`, () => {
    assert.throws(assemble(change), BAD);
  });
}

test('refuses a key it cannot use, and a certificate beyond the size limit', () => {
  const dsa = derSequence(derSequence(derOid('1.2.840.10040.4.1')), derBitString(derInteger(1)));
  assert.throws(assemble({ spki: dsa }), { code: 'FORMAT_PUBLIC_KEY' });
  assert.throws(() => Certificate.parse(new Uint8Array(1 << 17)), { code: 'LIMIT_SIZE' });
});

test('names that are not read match nothing: directory names and foreign other names', () => {
  const foreign = derElement(0xa0, derOid('1.3.6.1.4.1.311.20.2.3'), derExplicit(0, derElement(0x0c, utf8('alice'))));
  const directory = derExplicit(4, encodeName({ commonName: 'alice' }));
  const certificate = assemble({ tail: withValue(OID.subjectAltName, derSequence(foreign, directory)) })();
  assert.deepEqual(certificate.subjectAltNames, []);
});

test('extended key usage with several purposes keeps them all', () => {
  const value = derSequence(derOid(OID.codeSigning), derOid(OID.serverAuth));
  const certificate = assemble({ tail: withValue(OID.extendedKeyUsage, value) })();
  assert.deepEqual(certificate.extendedKeyUsage, [OID.codeSigning, OID.serverAuth]);
  const one = issue({ extensions: [extendedKeyUsageExtension(OID.codeSigning, true), basicConstraintsExtension(3)] });
  assert.equal(one.certificate.isCa, true);
  assert.equal(one.certificate.pathLength, 3);
});

test('any damage to a published or own certificate is refused by name, or no longer signed', () => {
  const root = issueRoot();
  const own = issueLeaf(issueIntermediate(root)).certificate;
  for (const [sample, issuer] of [
    [LEAF, INTERMEDIATE],
    [own, root.certificate],
  ] as const) {
    for (const bad of damaged(sample.raw)) {
      try {
        assert.equal(Certificate.parse(bad).isSignedBy(issuer), false);
      } catch (error) {
        assert.ok(error instanceof SealwrightError, String(error));
      }
    }
  }
});
