import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { derOctetString } from '../../../src/core/encoding/der-writer.ts';
import { encodeSctList } from '../../../src/core/pki/sct.ts';
import { createLogInstance } from '../../../src/core/trust/log-instance.ts';
import type { TrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import type { Thresholds } from '../../../src/core/verify/verification-policy.ts';
import { WINDOW, type LeafInput } from '../../support/instance.ts';
import { damaged } from '../../support/damage.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { ARTIFACT, INSTANCE, verifyDraft } from './request.ts';

const SECOND_KEY = PrivateKey.generate('ecdsa-p256');
const SECOND = createLogInstance({
  api: 'ct',
  baseUrl: 'https://ct.second.example',
  publicKey: SECOND_KEY.publicKey,
  validFor: WINDOW,
});

function verifyWith(
  leaf: LeafInput,
  thresholds: Partial<Thresholds> = {},
  trustedRoot: TrustedRoot = INSTANCE.trustedRoot,
) {
  return verifyDraft(INSTANCE.signMessage(ARTIFACT, { leaf }), { thresholds, trustedRoot });
}

const bothLogs: TrustedRoot = { ...INSTANCE.trustedRoot, ctlogs: [INSTANCE.ctlog, SECOND] };

test('SCTs that do not hold', () => {
  const other = PrivateKey.generate('ecdsa-p256');
  const elsewhere = INSTANCE.issueLeaf(other.publicKey, { scts: () => [] });
  const cases: readonly [string, LeafInput, string][] = [
    ['none', { scts: () => [] }, 'SCT_MISSING'],
    ['an empty list', { sctExtension: encodeSctList([]) }, 'SCT_MISSING'],
    ['of an unknown log', { scts: (tbs, by) => [INSTANCE.sct(tbs, by, { logId: new Uint8Array(32) })] }, 'SCT_MISSING'],
    ['by another key', { scts: (tbs, by) => [INSTANCE.sct(tbs, by, { key: other })] }, 'SCT_INVALID'],
    ['for another certificate', { scts: (_, by) => [INSTANCE.sct(elsewhere.tbs, by)] }, 'SCT_INVALID'],
    ['for another issuer', { scts: (tbs) => [INSTANCE.sct(tbs, INSTANCE.root.certificate)] }, 'SCT_INVALID'],
    [
      "after the log's window",
      { scts: (tbs, by) => [INSTANCE.sct(tbs, by, { time: new Date('2027-01-01T00:00:00Z') })] },
      'SCT_INVALID',
    ],
    ['not a list', { sctExtension: derOctetString(Uint8Array.of(0, 5, 1)) }, 'FORMAT_SCT'],
    ['not even DER', { sctExtension: Uint8Array.of(0xff) }, 'FORMAT_SCT'],
  ];
  for (const [name, leaf, code] of cases) assert.throws(() => verifyWith(leaf), { code }, name);
});

test('one good SCT is enough beside others; each log counts once', () => {
  const stranger = (tbs: Uint8Array, by: Parameters<typeof INSTANCE.sct>[1]) =>
    INSTANCE.sct(tbs, by, { logId: new Uint8Array(32) });
  assert.ok(verifyWith({ scts: (tbs, by) => [stranger(tbs, by), INSTANCE.sct(tbs, by)] }));
  const twice: LeafInput = { scts: (tbs, by) => [INSTANCE.sct(tbs, by), INSTANCE.sct(tbs, by)] };
  assert.throws(() => verifyWith(twice, { scts: 2 }), { code: 'SCT_MISSING' });
  const two: LeafInput = {
    scts: (tbs, by) => [INSTANCE.sct(tbs, by), INSTANCE.sct(tbs, by, { key: SECOND_KEY, logId: SECOND.logId })],
  };
  assert.ok(verifyWith(two, { scts: 2 }, bothLogs));
  assert.throws(() => verifyWith(two, { scts: 3 }, bothLogs), { code: 'SCT_MISSING' });
});

test('a threshold of 0 really switches the step off, and marks it', () => {
  for (const leaf of [
    { scts: () => [] },
    {
      scts: (tbs: Uint8Array, by: Parameters<typeof INSTANCE.sct>[1]) => [
        INSTANCE.sct(tbs, by, { logId: new Uint8Array(32) }),
      ],
    },
    { sctExtension: Uint8Array.of(0xff) },
  ]) {
    const passed = verifyWith(leaf, { scts: 0 });
    assert.equal(passed.checks.find(({ name }) => name === 'SCT')?.isWeakened, true);
  }
});

test('SCTs cannot be demanded of a key', () => {
  const draft = INSTANCE.signMessage(ARTIFACT, { managed: true });
  const signer = { kind: 'key', key: draft.key.publicKey } as const;
  assert.ok(verifyDraft(draft, { signer }));
  assert.throws(() => verifyDraft(draft, { signer, thresholds: { scts: 1 } }), { code: 'USAGE_BAD_CONFIG' });
});

test('no damage to the list passes, and none breaks the verifier', () => {
  const key = PrivateKey.generate('ecdsa-p256');
  const issuer = INSTANCE.intermediate.certificate;
  const bare = INSTANCE.issueLeaf(key.publicKey, { scts: () => [] });
  const list = encodeSctList([INSTANCE.sct(bare.tbs, issuer)]);
  for (const sctExtension of damaged(list)) {
    // Issued anew each time, so the SCT is also for another serial number: nothing may pass.
    assert.throws(
      () => verifyWith({ sctExtension }),
      (error) => error instanceof SealwrightError && /^(SCT_|FORMAT_SCT)/.test(error.code),
    );
  }
});
