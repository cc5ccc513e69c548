/** What earlier versions signed verifies for ever, and nothing else in its place. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseBundle } from '../../../src/core/bundle/bundle.ts';
import { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { parseTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import type { Artifact } from '../../../src/core/verify/artifact.ts';
import type { SignerPolicy } from '../../../src/core/verify/verification-policy.ts';
import { verifyBundle } from '../../../src/core/verify/verify-bundle.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';

const RELEASED = resolve(import.meta.dirname, '../../vectors/released');
const VERSIONS = readdirSync(RELEASED, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

test('every released version is there', () => {
  assert.ok(VERSIONS.includes('0.1.0'));
});

for (const version of VERSIONS) {
  const read = (name: string): Buffer => readFileSync(join(RELEASED, version, name));
  const trustedRoot = parseTrustedRoot(read('trusted_root.json'));
  const identity = (subject: string): SignerPolicy => ({
    kind: 'identities',
    identities: [
      {
        subject: { kind: 'exact', value: subject },
        issuer: { kind: 'exact', value: read('issuer.txt').toString().trim() },
      },
    ],
  });
  const key = (publicKey: PublicKey): SignerPolicy => ({ kind: 'key', key: publicKey });
  const digests = (bytes: Uint8Array): Artifact => ({ kind: 'digests', digests: new Map([['sha256', sha256(bytes)]]) });
  const good = identity('released@example.com');
  const own = key(PublicKey.fromPem(read('cosign.pub').toString()));
  const verify = (name: string, signer: SignerPolicy, artifact: Artifact = digests(read('artifact'))): unknown =>
    verifyBundle({ bundle: parseBundle(read(name)), artifact, trustedRoot, signer });

  test(`bundles of version ${version} verify`, () => {
    verify('blob-keyless.json', good);
    verify('attestation-keyless.json', good);
    verify('blob-key.json', own);
  });

  test(`bundles of version ${version} are refused for another artifact, another signer and another root`, () => {
    const other = digests(Buffer.from('another artifact'));
    assert.throws(() => verify('blob-keyless.json', good, other), { code: /^(ARTIFACT_MISMATCH|SIGNATURE_INVALID)$/ });
    assert.throws(() => verify('blob-key.json', own, other), { code: /^(ARTIFACT_MISMATCH|SIGNATURE_INVALID)$/ });
    assert.throws(() => verify('attestation-keyless.json', good, other), { code: 'SUBJECT_MISMATCH' });
    for (const name of ['blob-keyless.json', 'attestation-keyless.json']) {
      assert.throws(() => verify(name, identity('mallory@example.com')), { code: 'IDENTITY_MISMATCH' });
    }
    const stranger = key(PrivateKey.generate('ecdsa-p256').publicKey);
    assert.throws(() => verify('blob-key.json', stranger), { code: 'KEY_MISMATCH' });
    const nobody = { ...trustedRoot, tlogs: [] };
    const bundle = parseBundle(read('blob-keyless.json'));
    assert.throws(
      () => verifyBundle({ bundle, artifact: digests(read('artifact')), trustedRoot: nobody, signer: good }),
      { code: 'LOG_UNTRUSTED' },
    );
  });
}
