/** cosign's older blob signatures, loose and in its JSON bundle, made by one and verified by the other. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import {
  detachedBundle,
  parseCertificateFile,
  parseDetachedSignature,
  parseTimestampFile,
} from '../../src/core/bundle/detached-signature.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { withoutLogs } from '../../src/core/trust/older-services.ts';
import type { SigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyBlob } from '../../src/workflows/verify/verify-blob.ts';
import { ALICE, ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

const run = promisify(execFile);
const BLOB = utf8('an artifact');
const OLDER = ['--new-bundle-format=false', '--use-signing-config=false', '--yes'];
const IDENTITY = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];

async function* stream(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(BLOB);
}

interface Bench {
  readonly world: SigningWorld;
  readonly services: SigningConfig;
  readonly path: (name: string) => string;
  readonly cosign: (...parameters: readonly string[]) => Promise<unknown>;
}

async function bench(t: TestContext, executable: string): Promise<Bench> {
  const world = await signingWorld(t, { now: new Date() });
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const { trustedRoot, signingConfig, now } = world.context;
  await writeFile(path('trusted_root.json'), encodeTrustedRoot(trustedRoot));
  await writeFile(path('token'), unsignedToken({ exp: Math.floor(now().getTime() / 1000) + 600 }));
  await writeFile(path('blob'), BLOB);
  await writeFile(path('other'), 'another artifact');
  const { instance } = world;
  // cosign reads a trusted root for its new format alone; for the older ones each key is a file of its own.
  await writeFile(path('root.pem'), instance.intermediate.certificate.toPem() + instance.root.certificate.toPem());
  await writeFile(path('rekor.pub'), instance.logV1.key.publicKey.toPem());
  await writeFile(path('ctfe.pub'), instance.ctKey.publicKey.toPem());
  await writeFile(path('tsa.pem'), instance.tsa.authority.chain.map((certificate) => certificate.toPem()).join(''));
  const older = {
    SIGSTORE_ROOT_FILE: path('root.pem'),
    SIGSTORE_REKOR_PUBLIC_KEY: path('rekor.pub'),
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: path('ctfe.pub'),
    SIGSTORE_TSA_CERTIFICATE_FILE: path('tsa.pem'),
  };
  const env = { ...older, PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: 'pass' };
  return {
    world,
    services: {
      ...signingConfig,
      rekorTlogUrls: signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 })),
    },
    path,
    cosign: (...parameters) => run(executable, parameters, { env, cwd: folder, timeout: 60_000 }),
  };
}

interop(
  'cosign',
  'sealwright → peer',
  'blob, older formats, keyless with a promise: signs; the other verifies',
  async (t, executable) => {
    const { world, services, path, cosign } = await bench(t, executable);
    const signed = await signBlob({
      ...world.context,
      signingConfig: services,
      blob: stream(),
      signer: { kind: 'keyless', identityToken: () => readFile(path('token'), 'utf8') },
      olderFormat: true,
    });
    assert.ok(signed.signer.kind === 'certificate');
    await writeFile(path('bundle.json'), signed.bundleJson);
    await writeFile(path('sig'), encodeBase64(signed.signature));
    await writeFile(path('pem'), signed.signer.certificate.toPem());
    const timestamp = encodeBase64(signed.timestampResponses[0]!);
    await writeFile(path('tsr'), JSON.stringify({ SignedRFC3161Timestamp: timestamp }));
    const verify = ['verify-blob', ...IDENTITY];
    await cosign(...verify, '--bundle', path('bundle.json'), path('blob'));
    const stamped = ['--use-signed-timestamps', '--rfc3161-timestamp', path('tsr'), '--insecure-ignore-tlog'];
    await cosign(...verify, '--signature', path('sig'), '--certificate', path('pem'), ...stamped, path('blob'));
    await assert.rejects(cosign(...verify, '--bundle', path('bundle.json'), path('other')));
  },
);

interop(
  'cosign',
  'peer → sealwright',
  'blob, older formats, keyless with a promise: signs; the other verifies',
  async (t, executable) => {
    const { world, path, cosign } = await bench(t, executable);
    const urls = [
      '--fulcio-url',
      world.url,
      '--rekor-url',
      world.url,
      '--timestamp-server-url',
      `${world.url}/api/v1/timestamp`,
    ];
    const files = [
      '--bundle',
      'bundle.json',
      '--output-signature',
      'sig',
      '--output-certificate',
      'pem',
      '--rfc3161-timestamp',
      'tsr',
    ];
    const trust = ['--trusted-root', path('trusted_root.json'), '--identity-token', path('token')];
    await cosign('sign-blob', ...OLDER, ...trust, ...urls, ...files, path('blob'));
    const { trustedRoot, now } = world.context;
    const identities = { kind: 'identities', identities: [ALICE] } as const;
    const common = { trustedRoot, now: now(), artifact: { kind: 'blob', blob: stream() } } as const;
    await verifyBlob({ ...common, bundle: await readFile(path('bundle.json')), policy: signaturePolicy(identities) });
    const [certificate] = parseCertificateFile(await readFile(path('pem')));
    assert.ok(certificate !== undefined);
    const bundle = detachedBundle({
      content: { kind: 'message', signature: parseDetachedSignature(await readFile(path('sig'))) },
      certificate,
      timestamp: parseTimestampFile(await readFile(path('tsr'))),
    });
    const policy = signaturePolicy(identities, { insecureIgnoreTlog: true, useSignedTimestamps: true });
    await verifyBlob({ ...common, artifact: { kind: 'blob', blob: stream() }, bundle, policy });
  },
);

interop(
  'cosign',
  'both',
  'blob, older formats, key pair: made by each, verified by the other',
  async (t, executable) => {
    const { world, path, cosign } = await bench(t, executable);
    await cosign('generate-key-pair');
    const alone = [...OLDER, '--tlog-upload=false', '--key', 'cosign.key'];
    await cosign('sign-blob', ...alone, '--bundle', 'bundle.json', '--output-signature', 'sig', path('blob'));
    await cosign('sign-blob', ...alone, '--b64=false', '--output-signature', 'raw', path('blob'));
    const { trustedRoot, now, signingConfig } = world.context;
    const theirs = PublicKey.fromPem(await readFile(path('cosign.pub'), 'utf8'));
    const policy = signaturePolicy({ kind: 'key', key: theirs }, { insecureIgnoreTlog: true });
    const bare = async (name: string): Promise<ReturnType<typeof detachedBundle>> =>
      detachedBundle({ content: { kind: 'message', signature: parseDetachedSignature(await readFile(path(name))) } });
    for (const bundle of [await readFile(path('bundle.json')), await bare('sig'), await bare('raw')]) {
      await verifyBlob({ trustedRoot, now: now(), artifact: { kind: 'blob', blob: stream() }, bundle, policy });
    }

    for (const kind of ['ecdsa-p256', 'rsa', 'ed25519'] as const) {
      const key = PrivateKey.generate(kind);
      await writeFile(path('ours.pub'), key.publicKey.toPem());
      const config = { ...withoutLogs(signingConfig), tsaUrls: [] };
      const signer = { kind: 'key', key } as const;
      const signed = await signBlob({
        ...world.context,
        signingConfig: config,
        blob: stream(),
        signer,
        olderFormat: true,
      });
      await writeFile(path('ours.sig'), encodeBase64(signed.signature));
      await writeFile(path('ours.json'), signed.bundleJson);
      const verify = ['verify-blob', '--key', path('ours.pub'), '--insecure-ignore-tlog'];
      await cosign(...verify, '--signature', path('ours.sig'), path('blob'));
      await cosign(...verify, '--bundle', path('ours.json'), path('blob'));
      await assert.rejects(cosign(...verify, '--signature', path('ours.sig'), path('other')));
    }
  },
);
