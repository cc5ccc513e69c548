/** Signatures handed to cosign and taken from it, over the same registry, CA, log and timestamp authority. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { loadPublicKey, loadSigningKey } from '../../src/io/keys/key-loader.ts';
import type { PasswordSource } from '../../src/io/keys/password.ts';
import { generateKeyPair } from '../../src/workflows/sign/generate-key-pair.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyBlob } from '../../src/workflows/verify/verify-blob.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import { ALICE, ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KEYLESS, signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

const run = promisify(execFile);
const IDENTITY = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
const BLOB = utf8('an artifact');

async function* blobStream(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(BLOB);
}

const PASSWORD = 'pass';
const password: PasswordSource = () => Promise.resolve(utf8(PASSWORD));

interface Bench {
  readonly world: SigningWorld;
  readonly folder: string;
  /** Absolute path in the folder. */
  readonly path: (name: string) => string;
  readonly cosign: (...parameters: readonly string[]) => Promise<{ stdout: string; stderr: string }>;
  /** Runs cosign, which has to fail. */
  readonly refusedByCosign: (...parameters: readonly string[]) => Promise<string>;
}

async function bench(t: TestContext, executable: string, now?: Date): Promise<Bench> {
  const world = await signingWorld(t, now === undefined ? {} : { now });
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  await writeFile(path('trusted_root.json'), encodeTrustedRoot(world.context.trustedRoot));
  await writeFile(path('signing_config.json'), encodeSigningConfig(world.context.signingConfig));
  await writeFile(path('token'), unsignedToken({ exp: Math.floor((now?.getTime() ?? 0) / 1000) + 600 }));
  await writeFile(path('blob'), BLOB);
  const env = { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: PASSWORD };
  const cosign: Bench['cosign'] = (...parameters) => run(executable, parameters, { env, cwd: folder, timeout: 60_000 });
  const refusedByCosign: Bench['refusedByCosign'] = async (...parameters) => {
    const outcome = await cosign(...parameters).then(
      () => undefined,
      (error: unknown) => String((error as { stderr?: string }).stderr),
    );
    assert.ok(outcome !== undefined, 'cosign accepted it');
    return outcome;
  };
  return { world, folder, path, cosign, refusedByCosign };
}

interop('cosign', 'sealwright → peer', 'image, keyless: signs; the other verifies', async (t, executable) => {
  const { world, path, cosign, refusedByCosign } = await bench(t, executable);
  const { reference, digest } = await world.pushImage();
  await signImage({
    ...world.context,
    registry: world.registry,
    reference,
    signer: KEYLESS,
    annotations: { build: '42' },
  });
  const root = ['--trusted-root', path('trusted_root.json')];
  const { stdout } = await cosign('verify', ...root, ...IDENTITY, '-a', 'build=42', reference.toString());
  const [payload] = JSON.parse(stdout) as { critical: { image: Record<string, string>; type: string } }[];
  assert.equal(payload?.critical.image['docker-manifest-digest'], digest.toString());
  assert.equal(payload.critical.type, 'https://sigstore.dev/cosign/sign/v1');
  await refusedByCosign('verify', ...root, ...IDENTITY, '-a', 'build=43', reference.toString());
  const eve = ['--certificate-identity', 'eve@example.com', '--certificate-oidc-issuer', ISSUER];
  await refusedByCosign('verify', ...root, ...eve, reference.toString());
});

interop('cosign', 'sealwright → peer', 'image, key pair: signs; the other verifies', async (t, executable) => {
  const { world, path, cosign, refusedByCosign } = await bench(t, executable);
  const { reference } = await world.pushImage();
  const key = PrivateKey.generate('ecdsa-p256');
  await writeFile(path('key.pub'), key.publicKey.toPem());
  await writeFile(path('other.pub'), PrivateKey.generate('ecdsa-p256').publicKey.toPem());
  await signImage({ ...world.context, registry: world.registry, reference, signer: { kind: 'key', key } });
  const root = ['--trusted-root', path('trusted_root.json')];
  await cosign('verify', ...root, '--key', path('key.pub'), reference.toString());
  await refusedByCosign('verify', ...root, '--key', path('other.pub'), reference.toString());
});

interop('cosign', 'sealwright → peer', 'blob, keyless: signs; the other verifies', async (t, executable) => {
  const { world, path, cosign, refusedByCosign } = await bench(t, executable);
  const { bundleJson } = await signBlob({ ...world.context, blob: blobStream(), signer: KEYLESS });
  await writeFile(path('bundle.json'), bundleJson);
  await writeFile(path('other'), 'another artifact');
  const parameters = ['--trusted-root', path('trusted_root.json'), '--bundle', path('bundle.json'), ...IDENTITY];
  await cosign('verify-blob', ...parameters, path('blob'));
  await refusedByCosign('verify-blob', ...parameters, path('other'));
});

interop('cosign', 'sealwright → peer', 'blob, key pair: signs; the other verifies', async (t, executable) => {
  const { world, path, cosign, refusedByCosign } = await bench(t, executable);
  const key = PrivateKey.generate('ecdsa-p256');
  await writeFile(path('key.pub'), key.publicKey.toPem());
  const { bundleJson } = await signBlob({ ...world.context, blob: blobStream(), signer: { kind: 'key', key } });
  await writeFile(path('bundle.json'), bundleJson);
  await writeFile(path('other'), 'another artifact');
  const parameters = ['--trusted-root', path('trusted_root.json'), '--bundle', path('bundle.json')];
  await cosign('verify-blob', ...parameters, '--key', path('key.pub'), path('blob'));
  await refusedByCosign('verify-blob', ...parameters, '--key', path('key.pub'), path('other'));
});

interop('cosign', 'both', 'key pair: made here, signed with there, and the reverse', async (t, executable) => {
  const { world, path, cosign } = await bench(t, executable, new Date());
  const { reference } = await world.pushImage();
  await generateKeyPair({ prefix: path('ours'), password });
  const config = ['--signing-config', path('signing_config.json'), '--trusted-root', path('trusted_root.json')];
  await cosign('sign', ...config, '--yes', '--key', path('ours.key'), reference.toString());
  const ours = await loadPublicKey(path('ours.pub'), { http: new HttpClient(), environment: {} });
  const { trustedRoot, now } = world.context;
  const verify = { registry: world.registry, reference, trustedRoot, now: now() };
  await verifyImage({ ...verify, policy: signaturePolicy({ kind: 'key', key: ours }) });

  await cosign('generate-key-pair', '--output-key-prefix', 'theirs');
  const key = await loadSigningKey(path('theirs.key'), { http: new HttpClient(), environment: {}, password });
  await signImage({ ...world.context, registry: world.registry, reference, signer: { kind: 'key', key } });
  await cosign(
    'verify',
    '--trusted-root',
    path('trusted_root.json'),
    '--key',
    path('theirs.pub'),
    reference.toString(),
  );
});

interop('cosign', 'peer → sealwright', 'image, keyless: signs; the other verifies', async (t, executable) => {
  const { world, path, cosign } = await bench(t, executable, new Date());
  const { reference, digest } = await world.pushImage();
  const config = ['--signing-config', path('signing_config.json'), '--trusted-root', path('trusted_root.json')];
  await cosign('sign', ...config, '--yes', '--identity-token', path('token'), '-a', 'build=42', reference.toString());
  const { trustedRoot, now } = world.context;
  const policy = signaturePolicy({ kind: 'identities', identities: [ALICE] });
  const verify = { registry: world.registry, reference, trustedRoot, policy, now: now() };
  const { signatures } = await verifyImage({ ...verify, annotations: { build: '42' } });
  assert.equal(signatures[0]?.bundle.statement?.subjects[0]?.digests.get('sha256'), digest.hex);
  await assert.rejects(verifyImage({ ...verify, annotations: { build: '43' } }), { code: 'ANNOTATION_MISMATCH' });
  const eve = { ...ALICE, subject: { kind: 'exact', value: 'eve@example.com' } } as const;
  const other = signaturePolicy({ kind: 'identities', identities: [eve] });
  await assert.rejects(verifyImage({ ...verify, policy: other }), { code: 'IDENTITY_MISMATCH' });
});

interop(
  'cosign',
  'peer → sealwright',
  'blob, keyless and key pair: signs; the other verifies',
  async (t, executable) => {
    const { world, path, cosign } = await bench(t, executable, new Date());
    const config = ['--signing-config', path('signing_config.json'), '--trusted-root', path('trusted_root.json')];
    const bundle = path('bundle.json');
    await cosign('sign-blob', ...config, '--yes', '--identity-token', path('token'), '--bundle', bundle, path('blob'));
    const { trustedRoot, now } = world.context;
    const artifact = () => ({ kind: 'blob' as const, blob: blobStream() });
    const policy = signaturePolicy({ kind: 'identities', identities: [ALICE] });
    await verifyBlob({ artifact: artifact(), bundle: await readFile(bundle), trustedRoot, policy, now: now() });

    await cosign('generate-key-pair');
    await cosign('sign-blob', ...config, '--yes', '--key', path('cosign.key'), '--bundle', bundle, path('blob'));
    const key = await loadPublicKey(path('cosign.pub'), { http: new HttpClient(), environment: {} });
    const keyed = signaturePolicy({ kind: 'key', key });
    await verifyBlob({ artifact: artifact(), bundle: await readFile(bundle), trustedRoot, policy: keyed, now: now() });
  },
);
