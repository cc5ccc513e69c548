/** cosign's older storage, written by one and verified by the other, over one registry and one instance. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { STATEMENT_V1, encodeStatement } from '../../src/core/attestation/statement.ts';
import { readAttestationLayer } from '../../src/core/bundle/signature-layer.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { withoutLogs } from '../../src/core/trust/older-services.ts';
import type { SigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { verifyBundle } from '../../src/core/verify/verify-bundle.ts';
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { fetchTaggedLayers } from '../../src/io/registry/layer-store.ts';
import { pushLayers } from '../../src/io/registry/layer-writer.ts';
import { assembleAttestationLayer } from '../../src/workflows/sign/layer-assembly.ts';
import { signImage, type SignImageRequest } from '../../src/workflows/sign/sign-image.ts';
import { obtainCredentials } from '../../src/workflows/sign/signing-credentials.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import { ALICE, ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KEYLESS, signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

const run = promisify(execFile);
const OLDER = '--new-bundle-format=false';
const LOCAL = [OLDER, '--use-signing-config=false', '--tlog-upload=false', '--yes'];
const IDENTITY = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];

interface Bench {
  readonly world: SigningWorld;
  readonly cosign: (...parameters: readonly string[]) => Promise<{ stdout: string; stderr: string }>;
  readonly refusedByCosign: (...parameters: readonly string[]) => Promise<string>;
  readonly path: (name: string) => string;
  readonly sign: (request: Pick<SignImageRequest, 'reference'> & Partial<SignImageRequest>) => Promise<unknown>;
}

async function bench(t: TestContext, executable: string, now?: Date): Promise<Bench> {
  const world = await signingWorld(t, now === undefined ? {} : { now });
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  await writeFile(path('trusted_root.json'), encodeTrustedRoot(world.context.trustedRoot));
  const env = { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: 'pass' };
  const cosign: Bench['cosign'] = (...parameters) => run(executable, parameters, { env, cwd: folder, timeout: 60_000 });
  return {
    world,
    path,
    cosign,
    refusedByCosign: (...parameters) =>
      cosign(...parameters).then(
        () => assert.fail('cosign accepted it'),
        (error: unknown) => String((error as { stderr?: string }).stderr),
      ),
    sign: (request) =>
      signImage({ ...world.context, registry: world.registry, signer: KEYLESS, olderStorage: {}, ...request }),
  };
}

/** With the log of Rekor v1, as its fixture plays it. */
function services(world: SigningWorld): SigningConfig {
  const { signingConfig } = world.context;
  return {
    ...signingConfig,
    rekorTlogUrls: signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 })),
  };
}

interop(
  'cosign',
  'sealwright → peer',
  'image, older storage, key pair: signs; the other verifies',
  async (t, executable) => {
    const { world, path, cosign, refusedByCosign, sign } = await bench(t, executable);
    const { reference } = await world.pushImage();
    const signingConfig = { ...withoutLogs(world.context.signingConfig), tsaUrls: [] };
    for (const kind of ['ecdsa-p256', 'rsa'] as const) {
      const key = PrivateKey.generate(kind);
      await writeFile(path('key.pub'), key.publicKey.toPem());
      await writeFile(path('other.pub'), PrivateKey.generate(kind).publicKey.toPem());
      await sign({ reference, signer: { kind: 'key', key }, signingConfig, annotations: { kind, html: '<&>' } });
      const verify = ['verify', OLDER, '--insecure-ignore-tlog', '-a', `kind=${kind}`, '-a', 'html=<&>'];
      const { stdout } = await cosign(...verify, '--key', path('key.pub'), reference.toString());
      const [payload] = JSON.parse(stdout) as { critical: { type: string; identity: object }; optional: object }[];
      assert.equal(payload?.critical.type, 'cosign container image signature');
      assert.deepEqual(payload.critical.identity, { 'docker-reference': reference.context });
      assert.deepEqual(payload.optional, { kind, html: '<&>' });
      await refusedByCosign(...verify, '--key', path('other.pub'), reference.toString());
      await refusedByCosign(...verify, '-a', 'kind=other', '--key', path('key.pub'), reference.toString());
    }
  },
);

interop(
  'cosign',
  'sealwright → peer',
  'image, older storage, keyless with a promise: signs; the other verifies',
  async (t, executable) => {
    const { world, path, cosign, refusedByCosign, sign } = await bench(t, executable);
    const { reference } = await world.pushImage();
    await sign({ reference, signingConfig: services(world) });
    const verify = ['verify', OLDER, '--trusted-root', path('trusted_root.json')];
    await cosign(...verify, ...IDENTITY, reference.toString());
    await cosign(...verify, ...IDENTITY, '--use-signed-timestamps', reference.toString());
    await refusedByCosign(
      ...verify,
      '--certificate-identity',
      'eve@example.com',
      ...IDENTITY.slice(2),
      reference.toString(),
    );
  },
);

interop(
  'cosign',
  'peer → sealwright',
  'image, older storage, key pair: signs; the other verifies',
  async (t, executable) => {
    const { world, path, cosign } = await bench(t, executable, new Date());
    const { reference, digest } = await world.pushImage();
    await cosign('generate-key-pair');
    const names = [
      '--sign-container-identity',
      'registry.example/a',
      '--sign-container-identity',
      'registry.example/b:1',
    ];
    await cosign('sign', ...LOCAL, '--key', 'cosign.key', '-a', 'build=42', reference.toString());
    await cosign('sign', ...LOCAL, '--key', 'cosign.key', ...names, reference.toString());
    const key = PublicKey.fromPem(await readFile(path('cosign.pub'), 'utf8'));
    const policy = signaturePolicy({ kind: 'key', key }, { insecureIgnoreTlog: true });
    const { trustedRoot, now } = world.context;
    const verify = { registry: world.registry, reference, trustedRoot, policy, now: now() };
    const { signatures } = await verifyImage(verify);
    assert.deepEqual(
      signatures.map(({ bundle: { content } }) => content.kind === 'simpleSigning' && content.payload.dockerReference),
      [reference.context, 'registry.example/a', 'registry.example/b:1'],
    );
    assert.equal((await verifyImage({ ...verify, annotations: { build: '42' } })).signatures.length, 1);
    await assert.rejects(verifyImage({ ...verify, annotations: { build: '43' } }), { code: 'ANNOTATION_MISMATCH' });
    const other = signaturePolicy(
      { kind: 'key', key: PrivateKey.generate('ecdsa-p256').publicKey },
      { insecureIgnoreTlog: true },
    );
    await assert.rejects(verifyImage({ ...verify, policy: other }), { code: 'SIGNATURE_INVALID' });

    const { stdout } = await cosign('generate', '-a', 'x=<&>', '-a', 'b=2', reference.toString());
    assert.equal(stdout, Buffer.from(encodeSimpleSigning(reference.context, digest, { x: '<&>', b: '2' })).toString());
  },
);

interop(
  'cosign',
  'peer → sealwright',
  'image, older storage, keyless with a promise: signs; the other verifies',
  async (t, executable) => {
    const { world, path, cosign } = await bench(t, executable, new Date());
    const { reference } = await world.pushImage();
    const { trustedRoot, now } = world.context;
    await writeFile(path('token'), unsignedToken({ exp: Math.floor(now().getTime() / 1000) + 600 }));
    const urls = [
      '--fulcio-url',
      world.url,
      '--rekor-url',
      world.url,
      '--timestamp-server-url',
      `${world.url}/api/v1/timestamp`,
    ];
    const how = [OLDER, '--use-signing-config=false', '--yes', '--identity-token', path('token')];
    await cosign('sign', ...how, ...urls, '--trusted-root', path('trusted_root.json'), reference.toString());
    const identities = { kind: 'identities', identities: [ALICE] } as const;
    const verify = { registry: world.registry, reference, trustedRoot, now: now() };
    const policy = signaturePolicy(identities, { useSignedTimestamps: true });
    const { signatures } = await verifyImage({ ...verify, policy });
    assert.equal(signatures[0]?.format, 'legacy');
    assert.deepEqual(
      signatures[0].bundle.logEntries.map(({ kindVersion }) => kindVersion),
      ['hashedrekord 0.0.1'],
    );
    const eve = { ...ALICE, subject: { kind: 'exact', value: 'eve@example.com' } } as const;
    const other = signaturePolicy({ kind: 'identities', identities: [eve] });
    await assert.rejects(verifyImage({ ...verify, policy: other }), { code: 'IDENTITY_MISMATCH' });
  },
);

interop('cosign', 'both', 'attestation, older storage: made by each, verified by the other', async (t, executable) => {
  const { world, path, cosign, refusedByCosign } = await bench(t, executable, new Date());
  const { reference, digest } = await world.pushImage();
  await cosign('generate-key-pair');
  await writeFile(path('predicate.json'), '{"reviewed":true}');
  const type = 'https://example.com/review/v1';
  const attest = ['attest', ...LOCAL, '--key', 'cosign.key', '--type', type, '--predicate', path('predicate.json')];
  await cosign(...attest, reference.toString());
  const { trustedRoot } = world.context;
  const key = PublicKey.fromPem(await readFile(path('cosign.pub'), 'utf8'));
  const artifact = { kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes } as const;
  const { layers } = await fetchTaggedLayers(world.registry, reference, digest, 'att', { maxBytes: 1 << 20 });
  const [layer] = layers;
  assert.ok(layer !== undefined && layers.length === 1);
  const bundle = readAttestationLayer(layer.content, layer.annotations);
  const thresholds = { logEntries: 0, observerTimestamps: 0 };
  const verified = verifyBundle({ bundle, artifact, trustedRoot, thresholds, signer: { kind: 'key', key } });
  assert.equal(verified.statement?.predicateType, type);

  const ours = PrivateKey.generate('ecdsa-p256');
  await writeFile(path('ours.pub'), ours.publicKey.toPem());
  const context = { ...world.context, signingConfig: { ...services(world) } };
  const credentials = await obtainCredentials(context, { kind: 'key', key: ours });
  const statement = encodeStatement({
    type: STATEMENT_V1,
    subjects: [{ name: reference.context, digests: new Map([['sha256', digest.hex]]) }],
    predicateType: type,
    predicate: { reviewed: true },
  });
  const own = await assembleAttestationLayer(context, credentials, statement, type, artifact);
  await pushLayers(world.registry, reference, digest, 'att', [own]);
  const verify = ['verify-attestation', OLDER, '--type', type, '--trusted-root', path('trusted_root.json')];
  await cosign(
    ...verify,
    '--key',
    path('ours.pub'),
    '--use-signed-timestamps',
    '--insecure-ignore-tlog',
    reference.toString(),
  );
  await cosign(...verify, '--key', 'cosign.pub', '--insecure-ignore-tlog', reference.toString());
  await writeFile(path('other.pub'), PrivateKey.generate('ecdsa-p256').publicKey.toPem());
  await refusedByCosign(...verify, '--key', path('other.pub'), '--insecure-ignore-tlog', reference.toString());
});
