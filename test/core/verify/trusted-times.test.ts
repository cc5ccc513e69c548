import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DerElement } from '../../../src/core/encoding/der-reader.ts';
import { derInteger, derOid, derSequence } from '../../../src/core/encoding/der-writer.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { extendedKeyUsageExtension, keyUsageExtension } from '../../../src/core/pki/certificate-builder.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import type { CertificateAuthority, TrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import {
  SIGNING_TIME,
  WINDOW,
  createTimestampAuthority,
  stamp,
  type Draft,
  type FakeTimestampAuthority,
} from '../../support/instance.ts';
import { DIGITAL_SIGNATURE, caExtensions, issue, issueRoot, issueTimestampLeaf } from '../../support/test-authority.ts';
import { ARTIFACT, INSTANCE, verifyDraft } from './request.ts';

const V1 = INSTANCE.signMessage(ARTIFACT, { log: INSTANCE.logV1, unstamped: true });
const V2 = INSTANCE.signMessage(ARTIFACT, { unstamped: true });

function signatureOf({ content }: Draft): Uint8Array {
  return content.kind === 'message' ? content.signature : content.envelope.signatures[0]!.signature;
}

function stamped(draft: Draft, ...timestamps: readonly Uint8Array[]): Draft {
  return { ...draft, timestamps };
}

function rootWith(...timestampAuthorities: readonly CertificateAuthority[]): TrustedRoot {
  return { ...INSTANCE.trustedRoot, timestampAuthorities };
}

/** A bundle whose only time is by this authority, verified by a root that trusts it. */
function verifyBy(tsa: FakeTimestampAuthority, authority: CertificateAuthority = tsa.authority): void {
  verifyDraft(stamped(V2, stamp(signatureOf(V2), tsa)), { trustedRoot: rootWith(authority) });
}

test('a timestamp or a promise tells the time, an unpromised time does not', () => {
  const good = stamped(V2, stamp(signatureOf(V2), INSTANCE.tsa));
  assert.deepEqual(
    verifyDraft(good).times.map(({ source, authority }) => [source, authority]),
    [['tsa', 'https://tsa.example.com/api/v1/timestamp']],
  );
  assert.equal(verifyDraft(V1).times[0]?.source, 'log');
  assert.throws(() => verifyDraft(V2), { code: 'TIMESTAMP_MISSING' });
  const [entry] = V1.tlogEntries;
  const { inclusionPromise: _, ...unpromised } = entry!;
  assert.throws(() => verifyDraft({ ...V1, tlogEntries: [unpromised] }), { code: 'TIMESTAMP_MISSING' });
});

test("Rekor v2's integrated time is ignored, Rekor v1's must fit the certificate even without a promise", () => {
  const later = BigInt(Date.parse('2026-06-02T00:00:00Z') / 1000);
  const times = [stamp(signatureOf(V2), INSTANCE.tsa)];
  const v2 = { ...V2, timestamps: times, tlogEntries: [{ ...V2.tlogEntries[0]!, integratedTime: later }] };
  assert.deepEqual(
    verifyDraft(v2).times.map(({ source }) => source),
    ['tsa'],
  );
  const { inclusionPromise: _, ...unpromised } = V1.tlogEntries[0]!;
  const v1 = stamped(V1, stamp(signatureOf(V1), INSTANCE.tsa));
  assert.ok(verifyDraft({ ...v1, tlogEntries: [unpromised] }));
  assert.throws(() => verifyDraft({ ...v1, tlogEntries: [{ ...unpromised, integratedTime: later }] }), {
    code: 'CERTIFICATE_TIME',
  });
});

test('timestamps with other digests, with and without the certificate', () => {
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    for (const embed of [true, false]) {
      assert.ok(verifyDraft(stamped(V2, stamp(signatureOf(V2), INSTANCE.tsa, { hash, embed }))), `${hash} ${embed}`);
    }
  }
});

test('timestamps that do not count', () => {
  const stranger = createTimestampAuthority('https://tsa.elsewhere.example');
  const signature = signatureOf(V2);
  const cases: readonly [string, Uint8Array, string][] = [
    ['over something else', stamp(utf8('something else'), INSTANCE.tsa), 'TIMESTAMP_INVALID'],
    ['by an unknown authority', stamp(signature, stranger), 'TIMESTAMP_UNTRUSTED'],
    ['by an unknown authority, no certificate', stamp(signature, stranger, { embed: false }), 'TIMESTAMP_UNTRUSTED'],
    [
      "after the authority's window",
      stamp(signature, INSTANCE.tsa, { time: new Date('2027-01-01T00:00:00Z') }),
      'TIMESTAMP_UNTRUSTED',
    ],
    [
      'before the window',
      stamp(signature, INSTANCE.tsa, { time: new Date('2025-12-31T23:59:59Z') }),
      'TIMESTAMP_UNTRUSTED',
    ],
    ['not a timestamp', utf8('not a timestamp'), 'FORMAT_TIMESTAMP'],
    ['not granted', derSequence(derSequence(derInteger(2))), 'FORMAT_TIMESTAMP'],
    ['SHA-1', withSha1(stamp(signature, INSTANCE.tsa)), 'FORMAT_TIMESTAMP'],
    ['a flipped bit in the signature', flipLast(stamp(signature, INSTANCE.tsa)), 'TIMESTAMP_INVALID'],
  ];
  for (const [name, timestamp, code] of cases) {
    assert.throws(() => verifyDraft(stamped(V2, timestamp)), { code }, name);
    // Beside a good one none of them matters: a bundle may bring timestamps that this verifier cannot judge.
    const both = stamped(V2, timestamp, stamp(signature, INSTANCE.tsa));
    assert.equal(verifyDraft(both).times.length, 1, name);
  }
});

test('every trusted time must be inside the certificate, not one of them', () => {
  const late = stamp(signatureOf(V1), INSTANCE.tsa, { time: new Date('2026-06-01T12:12:31Z') });
  const error = { code: 'CERTIFICATE_TIME', message: /valid from .*12:00:00.* to .*12:10:00.*signed at .*12:12:31/ };
  assert.throws(() => verifyDraft(stamped(V1, late)), error);
  const second = createTimestampAuthority('https://second.example');
  const both = stamped(
    V2,
    stamp(signatureOf(V2), INSTANCE.tsa),
    stamp(signatureOf(V2), second, { time: new Date('2026-06-01T11:59:59Z') }),
  );
  assert.throws(
    () => verifyDraft(both, { trustedRoot: rootWith(INSTANCE.tsa.authority, second.authority) }),
    error.code,
  );
});

test('windows and validities are closed intervals', () => {
  const at = (time: string): Draft => stamped(V2, stamp(signatureOf(V2), INSTANCE.tsa, { time: new Date(time) }));
  assert.ok(verifyDraft(at('2026-06-01T12:00:00Z')));
  assert.ok(verifyDraft(at('2026-06-01T12:10:00Z')));
  assert.throws(() => verifyDraft(at('2026-06-01T11:59:59Z')), { code: 'CERTIFICATE_TIME' });
  assert.throws(() => verifyDraft(at('2026-06-01T12:10:01Z')), { code: 'CERTIFICATE_TIME' });
  const { authority } = INSTANCE.tsa;
  const exact = {
    ...authority,
    validFor: { start: new Date('2026-06-01T12:05:00Z'), end: new Date('2026-06-01T12:05:00Z') },
  };
  assert.ok(verifyDraft(at('2026-06-01T12:05:00Z'), { trustedRoot: rootWith(exact) }));
});

test("the authority's certificate must be for timestamps, alone and critical", () => {
  const usage = keyUsageExtension(DIGITAL_SIGNATURE);
  const two = {
    oid: OID.extendedKeyUsage,
    critical: true,
    value: derSequence(derOid(OID.timeStamping), derOid(OID.codeSigning)),
  };
  const cases = [
    ['no purpose', [usage]],
    ['another purpose', [usage, extendedKeyUsageExtension(OID.codeSigning, true)]],
    ['two purposes', [usage, two]],
    ['not critical', [usage, extendedKeyUsageExtension(OID.timeStamping, false)]],
  ] as const;
  for (const [name, extensions] of cases) {
    const tsa = createTimestampAuthority('https://odd.example', 'ecdsa-p256', extensions);
    assert.throws(
      () => {
        verifyBy(tsa);
      },
      { code: 'TIMESTAMP_UNTRUSTED' },
      name,
    );
  }
});

test('a CA cannot stamp, nor a certificate that has expired, nor one of an expired root', () => {
  const { authority } = INSTANCE.tsa;
  const root = issueRoot({ name: 'stamping root' });
  const chain = { ...authority, chain: [root.certificate] };
  assert.throws(
    () => {
      verifyBy({ holder: root, authority: chain });
    },
    { code: 'TIMESTAMP_UNTRUSTED' },
  );
  const critical = [...caExtensions(), extendedKeyUsageExtension(OID.timeStamping, true)];
  const ca = issue({ name: 'stamping CA', extensions: critical }, root);
  assert.throws(
    () => {
      verifyBy({ holder: ca, authority: { ...authority, chain: [ca.certificate, root.certificate] } });
    },
    { code: 'TIMESTAMP_UNTRUSTED' },
  );
  for (const notAfter of ['2026-05-31T00:00:00Z', '2026-06-01T12:00:30Z']) {
    const holder = issueTimestampLeaf(root, { notAfter });
    assert.throws(
      () => {
        verifyBy({ holder, authority: { ...authority, chain: [holder.certificate, root.certificate] } });
      },
      { code: 'TIMESTAMP_UNTRUSTED' },
    );
  }
  const expired = issueRoot({ notAfter: '2026-05-31T00:00:00Z' });
  const below = issueTimestampLeaf(expired);
  assert.throws(
    () => {
      verifyBy({ holder: below, authority: { ...authority, chain: [below.certificate, expired.certificate] } });
    },
    { code: 'TIMESTAMP_UNTRUSTED' },
  );
});

test('an embedded leaf is believed under a trusted CA, unless the root names another leaf', () => {
  const root = issueRoot({ name: 'tsa root' });
  const holder = issueTimestampLeaf(root);
  const { authority } = INSTANCE.tsa;
  verifyBy({ holder, authority: { ...authority, chain: [root.certificate] } });
  const named = issueTimestampLeaf(root, { name: 'the real one' });
  assert.throws(
    () => {
      verifyBy({ holder, authority: { ...authority, chain: [named.certificate, root.certificate] } });
    },
    { code: 'TIMESTAMP_UNTRUSTED' },
  );
});

test('one authority counts once, however often it stamps; thresholds are by kind', () => {
  const signature = signatureOf(V2);
  const twice = stamped(V2, stamp(signature, INSTANCE.tsa), stamp(signature, INSTANCE.tsa));
  assert.equal(verifyDraft(twice).times.length, 2);
  assert.throws(() => verifyDraft(twice, { thresholds: { signedTimestamps: 2 } }), { code: 'TIMESTAMP_MISSING' });
  assert.throws(() => verifyDraft(twice, { thresholds: { observerTimestamps: 2 } }), { code: 'TIMESTAMP_MISSING' });
  const second = createTimestampAuthority('https://second.example');
  const trustedRoot = rootWith(INSTANCE.tsa.authority, second.authority);
  const two = stamped(V2, stamp(signature, INSTANCE.tsa), stamp(signature, second));
  assert.equal(verifyDraft(two, { trustedRoot, thresholds: { signedTimestamps: 2 } }).times.length, 2);
  const sameOperator = rootWith(
    { ...INSTANCE.tsa.authority, operator: 'one' },
    { ...second.authority, operator: 'one' },
  );
  assert.throws(() => verifyDraft(two, { trustedRoot: sameOperator, thresholds: { signedTimestamps: 2 } }), {
    code: 'TIMESTAMP_MISSING',
  });
  assert.throws(() => verifyDraft(two, { trustedRoot, thresholds: { integratedTimestamps: 1 } }), {
    code: 'TIMESTAMP_MISSING',
  });
  assert.throws(() => verifyDraft(V1, { thresholds: { signedTimestamps: 1 } }), { code: 'TIMESTAMP_MISSING' });
  const both = stamped(V1, stamp(signatureOf(V1), INSTANCE.tsa));
  assert.equal(verifyDraft(both, { thresholds: { observerTimestamps: 2 } }).times.length, 2);
});

test('the current time stands in only where the policy says so, and leaves its mark', () => {
  const now = SIGNING_TIME;
  assert.throws(() => verifyDraft(V2, { now }), { code: 'TIMESTAMP_MISSING' });
  assert.throws(() => verifyDraft(V2, { unsafeUseCurrentTime: true }), { code: 'TIMESTAMP_MISSING' });
  const passed = verifyDraft(V2, { now, unsafeUseCurrentTime: true });
  assert.equal(passed.times[0]?.source, 'clock');
  assert.equal(passed.checks.find(({ name }) => name === 'timestamp')?.isWeakened, true);
  const later = new Date('2026-06-01T12:10:01Z');
  assert.throws(() => verifyDraft(V2, { now: later, unsafeUseCurrentTime: true }), { code: 'CERTIFICATE_TIME' });
  assert.throws(() => verifyDraft(V2, { thresholds: { observerTimestamps: 0 } }), { code: 'TIMESTAMP_MISSING' });
});

test('a key may do without a time when the policy asks for none, and has a window of its own', () => {
  const draft = INSTANCE.signMessage(ARTIFACT, { managed: true, unstamped: true });
  const signer = { kind: 'key', key: draft.key.publicKey } as const;
  assert.throws(() => verifyDraft(draft, { signer }), { code: 'TIMESTAMP_MISSING' });
  assert.deepEqual(verifyDraft(draft, { signer, thresholds: { observerTimestamps: 0 } }).times, []);
  const timed = stamped(draft, stamp(signatureOf(draft), INSTANCE.tsa));
  assert.ok(verifyDraft(timed, { signer: { ...signer, validFor: WINDOW } }));
  const validFor = { start: new Date('2026-06-02T00:00:00Z') };
  assert.throws(() => verifyDraft(timed, { signer: { ...signer, validFor } }), { code: 'KEY_TIME' });
});

/** The imprint's algorithm exchanged for SHA-1, by its DER: what follows need not be right, it must not get that far. */
function withSha1(response: Uint8Array): Uint8Array {
  const sha256 = Buffer.from(derOid(OID.sha256)).toString('hex');
  const text = Buffer.from(response).toString('hex');
  const at = text.indexOf(sha256, text.indexOf(Buffer.from(derOid(OID.tstInfo)).toString('hex')));
  // Of the same length, so that no outer length changes.
  const other = sha256.replace(/01$/, '04');
  return Buffer.from(text.slice(0, at) + other + text.slice(at + sha256.length), 'hex');
}

function flipLast(response: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(response);
  copy[copy.length - 1]! ^= 1;
  // Still a response, so that it is the signature which is refused.
  DerElement.parse(copy, 'FORMAT_TIMESTAMP');
  return copy;
}
