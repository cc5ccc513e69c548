import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derNull } from '../../../src/core/encoding/der-writer.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import {
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
  type ExtensionInput,
} from '../../../src/core/pki/certificate-builder.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import type { CertificateAuthority, TrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { WINDOW, type LeafInput } from '../../support/instance.ts';
import {
  CRL_SIGN,
  DIGITAL_SIGNATURE,
  KEY_CERT_SIGN,
  caExtensions,
  issueIntermediate,
  issueRoot,
  type Holder,
} from '../../support/test-authority.ts';
import { ARTIFACT, INSTANCE, verify, verifyDraft } from './request.ts';

function rootOf(...authorities: readonly Partial<CertificateAuthority>[]): TrustedRoot {
  const base = { subject: {}, uri: 'https://ca.example', validFor: WINDOW, chain: [] };
  return {
    ...INSTANCE.trustedRoot,
    certificateAuthorities: authorities.map((authority) => ({ ...base, ...authority })),
  };
}

/** Signs with a leaf under `issuer` and verifies with a root that trusts `chain`. */
function verifyUnder(issuer: Holder, chain: readonly Holder[], leaf: LeafInput = {}): void {
  const draft = INSTANCE.signMessage(ARTIFACT, { leaf: { ...leaf, issuer } });
  verifyDraft(draft, { trustedRoot: rootOf({ chain: chain.map(({ certificate }) => certificate) }) });
}

function leafWith(change: (extensions: ExtensionInput[]) => ExtensionInput[]): () => void {
  return () => {
    const key = PrivateKey.generate('ecdsa-p256');
    const issuer = INSTANCE.intermediate.certificate;
    const extensions = change(INSTANCE.leafExtensions(key.publicKey, issuer));
    verifyDraft(INSTANCE.signMessage(ARTIFACT, { key, leaf: { extensions } }));
  };
}

const without = (oid: string) => (list: ExtensionInput[]) => list.filter((extension) => extension.oid !== oid);

test('a leaf under a trusted authority passes; the anchor may be an intermediate', () => {
  verifyUnder(INSTANCE.intermediate, [INSTANCE.intermediate, INSTANCE.root]);
  verifyUnder(INSTANCE.intermediate, [INSTANCE.intermediate]);
  const root = issueRoot();
  verifyUnder(root, [root]);
});

test('an unknown issuer, even one with the same name, is untrusted', () => {
  const root = issueRoot();
  const intermediate = issueIntermediate(root);
  const draft = INSTANCE.signMessage(ARTIFACT, { leaf: { issuer: intermediate } });
  assert.throws(() => verifyDraft(draft), { code: 'CERTIFICATE_UNTRUSTED' });
});

test('intermediates in a bundle may complete a path, but start none', () => {
  const root = issueRoot({ name: 'outer root' });
  const intermediate = issueIntermediate(root, { name: 'travelling intermediate' });
  const draft = INSTANCE.signMessage(ARTIFACT, { leaf: { issuer: intermediate } });
  const bundle = INSTANCE.bundle(draft);
  assert.equal(bundle.material.kind, 'certificate');
  const material = { ...bundle.material, intermediates: [intermediate.certificate] };
  const trustedRoot = rootOf({ chain: [root.certificate] });
  assert.throws(() => verify(bundle, { trustedRoot }), { code: 'CERTIFICATE_UNTRUSTED' });
  assert.ok(verify({ ...bundle, material }, { trustedRoot }));
  assert.throws(() => verify({ ...bundle, material }), { code: 'CERTIFICATE_UNTRUSTED' });
});

test('the time must be inside the window of the authority and the validity of every certificate', () => {
  const draft = INSTANCE.signMessage(ARTIFACT);
  const chain = [INSTANCE.intermediate.certificate, INSTANCE.root.certificate];
  const ended = { start: WINDOW.start, end: new Date('2026-06-01T12:00:30Z') };
  assert.throws(() => verifyDraft(draft, { trustedRoot: rootOf({ chain, validFor: ended }) }), {
    code: 'CERTIFICATE_TIME',
    message: /authority was not trusted/,
  });
  const later = { start: new Date('2026-06-01T12:00:32Z') };
  assert.throws(() => verifyDraft(draft, { trustedRoot: rootOf({ chain, validFor: later }) }), {
    code: 'CERTIFICATE_TIME',
  });
  // The same authority under two windows: the one that fits counts.
  assert.ok(verifyDraft(draft, { trustedRoot: rootOf({ chain, validFor: ended }, { chain }) }));
  const expired = issueIntermediate(INSTANCE.root, { notAfter: '2026-05-01T00:00:00Z' });
  assert.throws(
    () => {
      verifyUnder(expired, [expired, INSTANCE.root]);
    },
    { code: 'CERTIFICATE_TIME' },
  );
  const root = issueRoot({ notAfter: '2026-05-01T00:00:00Z' });
  const below = issueIntermediate(root);
  assert.throws(
    () => {
      verifyUnder(below, [below, root]);
    },
    { code: 'CERTIFICATE_TIME' },
  );
});

test('a leaf that has expired, or is not yet valid, names both times', () => {
  const expired = { notBefore: new Date('2026-06-01T11:50:00Z'), notAfter: new Date('2026-06-01T12:00:00Z') };
  assert.throws(() => verifyDraft(INSTANCE.signMessage(ARTIFACT, { leaf: expired })), {
    code: 'CERTIFICATE_TIME',
    message: /from 2026-06-01T11:50:00.000Z to 2026-06-01T12:00:00.000Z, but .* signed at 2026-06-01T12:00:31.000Z/,
  });
  const early = { notBefore: new Date('2026-06-01T12:05:00Z') };
  assert.throws(() => verifyDraft(INSTANCE.signMessage(ARTIFACT, { leaf: early })), { code: 'CERTIFICATE_TIME' });
});

test("a leaf must be a code-signing end entity's", () => {
  const cases: readonly [string, () => void][] = [
    ['a CA', leafWith((list) => [...list, basicConstraintsExtension()])],
    ['no purpose', leafWith(without(OID.extendedKeyUsage))],
    [
      'another purpose',
      leafWith((list) => [...without(OID.extendedKeyUsage)(list), extendedKeyUsageExtension(OID.timeStamping, false)]),
    ],
    [
      'any purpose',
      leafWith((list) => [
        ...without(OID.extendedKeyUsage)(list),
        extendedKeyUsageExtension(OID.anyExtendedKeyUsage, false),
      ]),
    ],
    ['no digital signature', leafWith((list) => [...without(OID.keyUsage)(list), keyUsageExtension(CRL_SIGN)])],
    [
      'an unknown critical extension',
      leafWith((list) => [...list, { oid: '1.2.3.4.5', critical: true, value: derNull() }]),
    ],
    [
      'name constraints, which are not read',
      leafWith((list) => [...list, { oid: '2.5.29.30', critical: true, value: derNull() }]),
    ],
  ];
  for (const [name, run] of cases) assert.throws(run, { code: 'CERTIFICATE_PROFILE' }, name);
  assert.doesNotThrow(leafWith((list) => [...list, { oid: '1.2.3.4.5', critical: false, value: derNull() }]));
});

test('issuers must be allowed to issue, and to issue for signing code', () => {
  const root = issueRoot();
  const cases: readonly [string, readonly ExtensionInput[]][] = [
    ['no CA bit', [keyUsageExtension(KEY_CERT_SIGN, CRL_SIGN)]],
    ['no keyCertSign', [keyUsageExtension(CRL_SIGN), basicConstraintsExtension(0)]],
    ['another purpose', caExtensions(OID.timeStamping, 0)],
    ['an end entity', [keyUsageExtension(DIGITAL_SIGNATURE)]],
    ['an unknown critical extension', [...caExtensions(), { oid: '1.2.3.4.5', critical: true, value: derNull() }]],
  ];
  for (const [name, extensions] of cases) {
    const intermediate = issueIntermediate(root, { extensions });
    assert.throws(
      () => {
        verifyUnder(intermediate, [intermediate, root]);
      },
      { code: 'CERTIFICATE_PROFILE' },
      name,
    );
  }
  const narrow = issueRoot({ extensions: caExtensions(undefined, 0) });
  const below = issueIntermediate(narrow);
  assert.throws(
    () => {
      verifyUnder(below, [below, narrow]);
    },
    { code: 'CERTIFICATE_PROFILE' },
    'path length',
  );
});
