import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { derNull, derOid, derSequence } from '../../../src/core/encoding/der-writer.ts';
import {
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
  type ExtensionInput,
} from '../../../src/core/pki/certificate-builder.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import { verifyChain, type ChainInput } from '../../../src/core/pki/chain.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import {
  CRL_SIGN,
  DIGITAL_SIGNATURE,
  KEY_CERT_SIGN,
  caExtensions,
  issue,
  issueIntermediate,
  issueLeaf,
  issueRoot,
  issueTimestampLeaf,
  leafExtensions,
  type Holder,
} from '../../support/test-authority.ts';

const VECTORS = resolve(import.meta.dirname, '../../vectors/pki');
const published = (name: string): [Certificate, Certificate] =>
  Certificate.allFromPem(readFileSync(resolve(VECTORS, name), 'utf8')) as [Certificate, Certificate];

const AT = new Date('2026-06-01T12:05:00Z');
const ROOT = issueRoot();
const INTERMEDIATE = issueIntermediate(ROOT);
const LEAF = issueLeaf(INTERMEDIATE);

const UNTRUSTED = { code: 'CERTIFICATE_UNTRUSTED' };
const TIME = { code: 'CERTIFICATE_TIME' };
const PROFILE = { code: 'CERTIFICATE_PROFILE' };

function verify(leaf: Holder, between: readonly Holder[], anchors: readonly Holder[], rest: Partial<ChainInput> = {}) {
  return verifyChain({
    leaf: leaf.certificate,
    intermediates: between.map(({ certificate }) => certificate),
    anchors: anchors.map(({ certificate }) => certificate),
    at: AT,
    purpose: 'codeSigning',
    ...rest,
  });
}

test("a leaf of Sigstore's public CA chains to its root at the time of signing only", () => {
  const [leaf] = published('public-good-leaf.pem');
  const [intermediate, root] = published('public-good-fulcio.pem');
  const input = { leaf, intermediates: [intermediate], anchors: [root], purpose: 'codeSigning' as const };
  const path = verifyChain({ ...input, at: new Date('2024-03-19T17:30:00Z') });
  assert.deepEqual(path, [leaf, intermediate, root]);
  assert.throws(() => verifyChain({ ...input, at: new Date('2024-03-19T18:00:00Z') }), TIME);
  assert.throws(() => verifyChain({ ...input, intermediates: [], at: new Date('2024-03-19T17:30:00Z') }), UNTRUSTED);
});

test("the public timestamp authority's leaf is good for time, and for nothing else", () => {
  const [leaf, root] = published('public-good-tsa.pem');
  const input = { leaf, intermediates: [], anchors: [root], at: new Date('2025-09-01T00:00:00Z') };
  assert.equal(verifyChain({ ...input, purpose: 'timeStamping' }).length, 2);
  assert.throws(() => verifyChain({ ...input, purpose: 'codeSigning' }), PROFILE);
});

test('the path is leaf, intermediates, anchor; an intermediate may be the anchor', () => {
  const path = verify(LEAF, [INTERMEDIATE, ROOT], [ROOT]);
  assert.deepEqual(path, [LEAF.certificate, INTERMEDIATE.certificate, ROOT.certificate]);
  assert.equal(verify(LEAF, [], [INTERMEDIATE]).length, 2);
  const direct = issueLeaf(ROOT);
  assert.equal(verify(direct, [], [ROOT]).length, 2);
});

test('validity includes both ends, to the second', () => {
  for (const at of ['2026-06-01T12:00:00Z', '2026-06-01T12:10:00Z']) {
    assert.equal(verify(LEAF, [INTERMEDIATE], [ROOT], { at: new Date(at) }).length, 3);
  }
  for (const at of ['2026-06-01T11:59:59.999Z', '2026-06-01T12:10:00.001Z']) {
    assert.throws(() => verify(LEAF, [INTERMEDIATE], [ROOT], { at: new Date(at) }), TIME);
  }
});

test('every certificate of the path must be valid at the time, the anchor among them', () => {
  const late = { notBefore: '2026-07-01T00:00:00Z' };
  const lateMiddle = issueIntermediate(ROOT, late);
  assert.throws(() => verify(issueLeaf(lateMiddle), [lateMiddle], [ROOT]), TIME);
  const lateRoot = issueRoot(late);
  const middle = issueIntermediate(lateRoot);
  assert.throws(() => verify(issueLeaf(middle), [middle], [lateRoot]), TIME);
});

test('another valid path is taken when the first one found is not', () => {
  const expired = issueIntermediate(ROOT, { key: INTERMEDIATE.key, notAfter: '2026-02-01T00:00:00Z' });
  assert.equal(verify(LEAF, [expired, INTERMEDIATE], [ROOT]).length, 3);
  const expiredRoot = issueRoot({ key: ROOT.key, notAfter: '2026-02-01T00:00:00Z' });
  assert.equal(verify(LEAF, [INTERMEDIATE], [expiredRoot, ROOT])[2], ROOT.certificate);
});

test('names and signatures lead to an anchor, or nothing does', () => {
  const stranger = issueRoot({ name: 'stranger' });
  assert.throws(() => verify(LEAF, [INTERMEDIATE], [stranger]), UNTRUSTED);
  assert.throws(() => verify(LEAF, [INTERMEDIATE], []), UNTRUSTED);
  assert.throws(() => verify(LEAF, [], [ROOT]), UNTRUSTED);
  // Same names, another key.
  assert.throws(() => verify(LEAF, [INTERMEDIATE], [issueRoot()]), UNTRUSTED);
  assert.throws(() => verify(LEAF, [issueIntermediate(ROOT)], [ROOT]), UNTRUSTED);
  // A self-signed leaf is no anchor.
  const own = issue({ name: 'self', extensions: leafExtensions(ROOT.certificate) });
  assert.throws(() => verify(own, [own], [ROOT]), UNTRUSTED);
});

test('intermediates that sign each other end the search', () => {
  const a = issueRoot({ name: 'a' });
  const b = issueRoot({ name: 'b' });
  const ab = issue({ name: 'a', key: a.key, extensions: caExtensions() }, b);
  const ba = issue({ name: 'b', key: b.key, extensions: caExtensions() }, a);
  const leaf = issueLeaf(a);
  assert.throws(() => verify(leaf, [ab, ba, a, b], [ROOT]), UNTRUSTED);
  const crowd = Array.from({ length: 40 }, () => issueRoot({ name: 'a' }));
  assert.throws(() => verify(leaf, crowd, [ROOT]), UNTRUSTED);
});

function chainThrough(extensions: readonly ExtensionInput[]): () => unknown {
  const middle = issueIntermediate(ROOT, { extensions });
  return () => verify(issueLeaf(middle), [middle], [ROOT]);
}

const UNKNOWN: ExtensionInput = { oid: '1.2.3.4', critical: true, value: derNull() };
const SIGN = keyUsageExtension(KEY_CERT_SIGN, CRL_SIGN);

test('an intermediate with a missing purpose extension is good for every purpose, with any as well', () => {
  assert.doesNotThrow(chainThrough(caExtensions()));
  assert.doesNotThrow(chainThrough(caExtensions(OID.anyExtendedKeyUsage)));
  assert.doesNotThrow(chainThrough([basicConstraintsExtension()]));
});

const REFUSED_ISSUERS: readonly (readonly [string, readonly ExtensionInput[]])[] = [
  ['without basic constraints', [SIGN]],
  ['whose basic constraints deny a CA', [SIGN, { oid: OID.basicConstraints, critical: true, value: derSequence() }]],
  ['without keyCertSign', [keyUsageExtension(DIGITAL_SIGNATURE), basicConstraintsExtension()]],
  ['for another purpose', caExtensions(OID.serverAuth)],
  ['with an unknown critical extension', [...caExtensions(), UNKNOWN]],
  ['with critical name constraints', [...caExtensions(), { oid: '2.5.29.30', critical: true, value: derSequence() }]],
];
for (const [what, extensions] of REFUSED_ISSUERS) {
  test(`refuses an intermediate ${what}`, () => {
    assert.throws(chainThrough(extensions), PROFILE);
  });
}

test('path length counts the intermediates below', () => {
  const second = (pathLength?: number): (() => unknown) => {
    const root = issueRoot();
    const upper = issue({ name: 'upper', extensions: caExtensions(undefined, pathLength) }, root);
    const lower = issue({ name: 'lower', extensions: caExtensions() }, upper);
    return () => verify(issueLeaf(lower), [lower, upper], [root]);
  };
  assert.doesNotThrow(second());
  assert.doesNotThrow(second(1));
  assert.throws(second(0), PROFILE);
  const strict = issueRoot({ extensions: caExtensions(undefined, 0) });
  const middle = issueIntermediate(strict);
  assert.throws(() => verify(issueLeaf(middle), [middle], [strict]), PROFILE);
  assert.doesNotThrow(() => verify(issueLeaf(strict), [], [strict]));
});

test('paths have an end', () => {
  const root = issueRoot();
  const between: Holder[] = [];
  for (let level = 0; level < 10; level++) {
    between.push(issue({ name: `level ${level}`, extensions: caExtensions() }, between.at(-1) ?? root));
  }
  assert.throws(() => verify(issueLeaf(between.at(-1)!), between, [root]), UNTRUSTED);
  assert.equal(verify(issueLeaf(between[3]!), between, [root]).length, 6);
});

const leafWith = (extensions: readonly ExtensionInput[]): (() => unknown) => {
  const leaf = issueLeaf(INTERMEDIATE, { extensions });
  return () => verify(leaf, [INTERMEDIATE], [ROOT]);
};
const CODE_SIGNING = extendedKeyUsageExtension(OID.codeSigning, false);

const REFUSED_LEAVES: readonly (readonly [string, readonly ExtensionInput[]])[] = [
  ['that is a CA', [CODE_SIGNING, basicConstraintsExtension()]],
  ['without extended key usage', [keyUsageExtension(DIGITAL_SIGNATURE)]],
  ['for another purpose', [extendedKeyUsageExtension(OID.serverAuth, false)]],
  ['for any purpose only', [extendedKeyUsageExtension(OID.anyExtendedKeyUsage, false)]],
  ['without digitalSignature', [keyUsageExtension(KEY_CERT_SIGN), CODE_SIGNING]],
  ['with an unknown critical extension', [CODE_SIGNING, UNKNOWN]],
  ['that is a pre-certificate', [CODE_SIGNING, { oid: OID.precertificatePoison, critical: true, value: derNull() }]],
];
for (const [what, extensions] of REFUSED_LEAVES) {
  test(`refuses a leaf ${what}`, () => {
    assert.throws(leafWith(extensions), PROFILE);
  });
}

const TSA_ROOT = issueRoot({ name: 'tsa root' });
const stamp = (extensions?: readonly ExtensionInput[]): (() => unknown) => {
  const leaf = issueTimestampLeaf(TSA_ROOT, extensions === undefined ? {} : { extensions });
  return () => verify(leaf, [], [TSA_ROOT], { purpose: 'timeStamping' });
};

test('a timestamping leaf has timeStamping alone, marked critical (RFC 3161 §2.3)', () => {
  assert.doesNotThrow(stamp());
  assert.throws(stamp([extendedKeyUsageExtension(OID.timeStamping, false)]), PROFILE);
  assert.throws(stamp([]), PROFILE);
  assert.throws(stamp([extendedKeyUsageExtension(OID.timeStamping, true), basicConstraintsExtension()]), PROFILE);
  const both = derSequence(derOid(OID.timeStamping), derOid(OID.codeSigning));
  assert.throws(stamp([{ oid: OID.extendedKeyUsage, critical: true, value: both }]), PROFILE);
});

test('a refusal names the certificate, what was found and what would do', () => {
  assert.throws(
    () => verify(LEAF, [INTERMEDIATE], [ROOT], { at: new Date('2026-06-01T13:00:00Z') }),
    (error: Error & { facts?: { found?: string; expected?: string } }) =>
      error.message.includes('alice@example.com') &&
      error.facts?.found === '2026-06-01T13:00:00.000Z' &&
      error.facts.expected?.includes('2026-06-01T12:10:00.000Z') === true,
  );
});

test('a result that was remembered is the result that was computed', () => {
  const forged = issueLeaf(issueIntermediate(issueRoot()));
  for (let round = 0; round < 2; round++) {
    assert.equal(verify(LEAF, [INTERMEDIATE], [ROOT]).length, 3);
    assert.throws(() => verify(forged, [INTERMEDIATE], [ROOT]), UNTRUSTED);
  }
});
