/** Blob signatures handed to sigstore-python and taken from it, with our trust configuration. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { CLIENT_TRUST_CONFIG_V01 } from '../../src/core/trust/client-trust-config.ts';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyBlob } from '../../src/workflows/verify/verify-blob.ts';
import { ALICE, ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KEYLESS, signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

const run = promisify(execFile);
const BLOB = utf8('an artifact');

async function* blobStream(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(BLOB);
}

interface Bench {
  readonly world: SigningWorld;
  readonly path: (name: string) => string;
  readonly python: (...parameters: readonly string[]) => Promise<unknown>;
}

async function bench(t: TestContext, executable: string, now?: Date): Promise<Bench> {
  const world = await signingWorld(t, now === undefined ? {} : { now });
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const { trustedRoot, signingConfig } = world.context;
  const trust = {
    mediaType: CLIENT_TRUST_CONFIG_V01,
    trustedRoot: JSON.parse(encodeTrustedRoot(trustedRoot)) as object,
    signingConfig: JSON.parse(encodeSigningConfig(signingConfig)) as object,
  };
  await writeFile(path('trust.json'), JSON.stringify(trust));
  await writeFile(path('blob'), BLOB);
  await writeFile(path('other'), 'another artifact');
  const env = { PATH: process.env['PATH'], HOME: folder };
  const python: Bench['python'] = (...parameters) =>
    run(executable, ['--trust-config', path('trust.json'), ...parameters], { env, cwd: folder, timeout: 60_000 });
  return { world, path, python };
}

interop('sigstore-python', 'sealwright → peer', 'blob, keyless: signs; the other verifies', async (t, executable) => {
  const { world, path, python } = await bench(t, executable);
  const { bundleJson } = await signBlob({ ...world.context, blob: blobStream(), signer: KEYLESS });
  await writeFile(path('bundle.json'), bundleJson);
  const parameters = ['verify', 'identity', '--bundle', path('bundle.json'), '--cert-oidc-issuer', ISSUER];
  await python(...parameters, '--cert-identity', SUBJECT, path('blob'));
  await assert.rejects(python(...parameters, '--cert-identity', SUBJECT, path('other')));
  await assert.rejects(python(...parameters, '--cert-identity', 'eve@example.com', path('blob')));
});

interop('sigstore-python', 'peer → sealwright', 'blob, keyless: signs; the other verifies', async (t, executable) => {
  const now = new Date();
  const { world, path, python } = await bench(t, executable, now);
  const seconds = Math.floor(now.getTime() / 1000);
  const token = unsignedToken({ iat: seconds, nbf: seconds - 60, exp: seconds + 600 });
  await python('sign', '--identity-token', token, '--bundle', path('bundle.json'), path('blob'));
  const { trustedRoot } = world.context;
  const verify = (policy: ReturnType<typeof signaturePolicy>, bundle: Uint8Array): Promise<unknown> =>
    verifyBlob({ artifact: { kind: 'blob', blob: blobStream() }, bundle, trustedRoot, policy, now });
  const bundle = await readFile(path('bundle.json'));
  await verify(signaturePolicy({ kind: 'identities', identities: [ALICE] }), bundle);
  const eve = { ...ALICE, subject: { kind: 'exact', value: 'eve@example.com' } } as const;
  const other = signaturePolicy({ kind: 'identities', identities: [eve] });
  await assert.rejects(verify(other, bundle), { code: 'IDENTITY_MISMATCH' });
});
