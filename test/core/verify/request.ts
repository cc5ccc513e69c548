/** The request that every test here varies: a bundle of the fake instance, verified as Alice's. */
import type { BundleParts } from '../../../src/core/bundle/bundle-encoder.ts';
import { parseBundle, type UnverifiedBundle } from '../../../src/core/bundle/bundle.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { verifyBundle, type VerificationRequest } from '../../../src/core/verify/verify-bundle.ts';
import type { VerifiedBundle } from '../../../src/core/verify/verified-bundle.ts';
import { ALICE, FakeInstance, type BundleJson } from '../../support/instance.ts';

export const INSTANCE = new FakeInstance();
export const ARTIFACT = utf8('hello, auditors\n');
export const BY_ALICE = { kind: 'identities', identities: [ALICE] } as const;

export function verify(bundle: UnverifiedBundle, changes: Partial<VerificationRequest> = {}): VerifiedBundle {
  return verifyBundle({
    bundle,
    artifact: { kind: 'bytes', bytes: ARTIFACT },
    trustedRoot: INSTANCE.trustedRoot,
    signer: BY_ALICE,
    ...changes,
  });
}

export function verifyDraft(draft: BundleParts, changes: Partial<VerificationRequest> = {}): VerifiedBundle {
  return verify(INSTANCE.bundle(draft), changes);
}

export function verifyJson(json: BundleJson, changes: Partial<VerificationRequest> = {}): VerifiedBundle {
  return verify(parseBundle(JSON.stringify(json)), changes);
}
