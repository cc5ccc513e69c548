/** The suite once more through the workflow that users call, which never holds the whole artifact. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Digest } from '../../src/core/image/digest.ts';
import { parseTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import { SealwrightError } from '../../src/errors.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyBlob } from '../../src/workflows/verify/verify-blob.ts';
import { shared } from '../support/shared.ts';
import { CASES } from './cases.ts';
import { ConformanceCase } from './conformance-case.ts';

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (const byte of bytes) yield await Promise.resolve(Uint8Array.of(byte));
}

function outcome(found: ConformanceCase, input: 'stream' | 'digest'): Promise<VerifiedBundle> {
  const bytes = found.artifact;
  return verifyBlob({
    artifact: input === 'stream' ? { kind: 'blob', blob: pieces(bytes) } : { kind: 'digest', digest: Digest.of(bytes) },
    bundle: found.bundle,
    trustedRoot: parseTrustedRoot(found.trustedRoot),
    policy: signaturePolicy(found.signer),
    now: new Date('2026-01-01T00:00:00Z'),
  });
}

for (const [name, { code }] of Object.entries(CASES)) {
  for (const input of ['stream', 'digest'] as const) {
    test(`${name} by ${input}: ${code ?? 'verified'}`, async (t) => {
      const cases = shared(t, 'conformance/bundle-verify');
      const root = shared(t, 'trust/production/trusted_root.json');
      if (cases === undefined || root === undefined) return;
      const found = new ConformanceCase(cases, name, root);
      const run = async (): Promise<VerifiedBundle> => outcome(found, input);
      if (code === undefined) assert.ok(VerifiedBundle.isVerified(await run()));
      else await assert.rejects(run, (error) => error instanceof SealwrightError && error.code === code);
    });
  }
}
