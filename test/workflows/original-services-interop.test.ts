/** Our client against the services that Sigstore itself runs: fulcio, rekor-tiles and timestamp-authority as programs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { JsonFields } from '../../src/core/encoding/json-fields.ts';
import { parseJson } from '../../src/core/encoding/json.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { Certificate } from '../../src/core/pki/certificate.ts';
import { createLogInstance, type LogInstance } from '../../src/core/trust/log-instance.ts';
import { encodeTrustedRoot, TRUSTED_ROOT_V01, type CertificateAuthority } from '../../src/core/trust/trusted-root.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import type { SigningContext } from '../../src/workflows/sign/signing-services.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import { EMAIL, type TestIssuer } from '../servers/ca/lab.ts';
import { startFulcio } from '../support/fulcio.ts';
import { interop } from '../support/interop.ts';
import { freePort, startPeer } from '../support/peer-process.ts';
import { peer } from '../support/peers.ts';
import { signingConfigFor, signingWorld, type SigningWorld } from '../support/signing-world.ts';
import { startTimestampServer } from '../support/timestamp-server.ts';

const run = promisify(execFile);
const VALID_FOR = { start: new Date('2026-01-01T00:00:00Z') };

async function startLog(t: TestContext, executable: string, folder: string): Promise<LogInstance> {
  const key = PrivateKey.generate('ed25519');
  const signer = join(folder, 'log.pem');
  await writeFile(signer, encodePem('PRIVATE KEY', key.toPkcs8()));
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const flags = {
    'http-port': port,
    'grpc-port': grpc,
    'http-metrics-port': metrics,
    hostname: '127.0.0.1',
    'signer-filepath': signer,
    'storage-dir': join(folder, 'log'),
    'checkpoint-interval': '1s',
  };
  const parameters = ['serve', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  await startPeer(t, executable, parameters, `${url}/healthz`);
  return createLogInstance({ api: 'rekor-v2', baseUrl: url, publicKey: key.publicKey, validFor: VALID_FOR });
}

interface Lab {
  readonly world: SigningWorld;
  readonly context: SigningContext;
  readonly issuer: TestIssuer;
  /** Of the trusted root. */
  readonly path: string;
}

/** Undefined when a peer is missing, which has been said. */
async function startLab(t: TestContext, fulcioExecutable: string): Promise<Lab | undefined> {
  const [logExecutable, tsaExecutable] = [peer(t, 'rekor-tiles'), peer(t, 'timestamp-server')];
  if (logExecutable === undefined || tsaExecutable === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const world = await signingWorld(t, { now: new Date() });
  const { url, issuer } = await startFulcio(t, fulcioExecutable);
  const log = await startLog(t, logExecutable, folder);
  const tsaUrl = `${await startTimestampServer(t, tsaExecutable)}/api/v1/timestamp`;
  const { http } = world.context;
  const fetch = async (address: string): Promise<string> =>
    Buffer.from((await http.request({ url: address })).body).toString();
  const authority = (uri: string, pems: string): CertificateAuthority => ({
    subject: {},
    uri,
    chain: Certificate.allFromPem(pems),
    validFor: VALID_FOR,
  });
  const bundle = new JsonFields(
    parseJson(await fetch(`${url}/api/v2/trustBundle`), 'trust bundle'),
    'bundle',
    'FORMAT_JSON',
  );
  const [chain] = bundle.objects('chains', 1);
  const trustedRoot = {
    mediaType: TRUSTED_ROOT_V01,
    tlogs: [log],
    ctlogs: [],
    certificateAuthorities: [authority(url, chain?.strings('certificates', 8).join('\n') ?? '')],
    timestampAuthorities: [authority(tsaUrl, await fetch(`${tsaUrl}/certchain`))],
  } as const;
  const config = signingConfigFor('', VALID_FOR);
  const at = (services: typeof config.caUrls, address: string): typeof config.caUrls =>
    services.map((service) => ({ ...service, url: address }));
  const signingConfig = {
    ...config,
    caUrls: at(config.caUrls, url),
    rekorTlogUrls: at(config.rekorTlogUrls, log.baseUrl),
    tsaUrls: at(config.tsaUrls, tsaUrl),
  };
  const path = join(folder, 'trusted_root.json');
  await writeFile(path, encodeTrustedRoot(trustedRoot));
  return { world, context: { http, signingConfig, trustedRoot, now: () => new Date() }, issuer, path };
}

interop(
  'fulcio',
  'peer → sealwright',
  'with rekor-tiles and timestamp-server: an image is signed keylessly by their services; both clients verify it',
  async (t, executable) => {
    const lab = await startLab(t, executable);
    const cosign = peer(t, 'cosign');
    if (lab === undefined || cosign === undefined) return;
    const { world, context, issuer } = lab;
    const { reference } = await world.pushImage();
    const signer = { kind: 'keyless', identityToken: () => issuer.token() } as const;
    const signed = await signImage({ ...context, registry: world.registry, reference, signer });
    assert.equal(signed.logIndex, 0n);
    assert.ok(signed.signer.kind === 'certificate');
    assert.deepEqual([signed.signer.subject, signed.signer.issuer], [EMAIL, issuer.url]);

    const identity = {
      subject: { kind: 'exact', value: EMAIL },
      issuer: { kind: 'exact', value: issuer.url },
    } as const;
    // fulcio ran without a CT log.
    const policy = signaturePolicy({ kind: 'identities', identities: [identity] }, { insecureIgnoreSct: true });
    const { trustedRoot, now } = context;
    const verify = { registry: world.registry, reference, trustedRoot, now: now() };
    assert.equal((await verifyImage({ ...verify, policy })).signatures.length, 1);
    const strict = signaturePolicy({ kind: 'identities', identities: [identity] });
    await assert.rejects(verifyImage({ ...verify, policy: strict }), { code: 'SCT_MISSING' });
    const flags = ['--certificate-identity', EMAIL, '--certificate-oidc-issuer', issuer.url, '--insecure-ignore-sct'];
    await run(cosign, ['verify', '--trusted-root', lab.path, ...flags, reference.toString()], { timeout: 60_000 });
  },
);

interop(
  'rekor-tiles',
  'peer → sealwright',
  'key pairs of every kind are logged, and what they signed verifies',
  async (t) => {
    const fulcio = peer(t, 'fulcio');
    const lab = fulcio === undefined ? undefined : await startLab(t, fulcio);
    if (lab === undefined) return;
    const { world, context } = lab;
    const { reference } = await world.pushImage();
    const kinds = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const;
    const indices = await Promise.all(
      kinds.map(async (kind) => {
        const signer = { kind: 'key', key: PrivateKey.generate(kind) } as const;
        return (await signImage({ ...context, registry: world.registry, reference, signer })).logIndex;
      }),
    );
    assert.deepEqual([...indices].sort(), [0n, 1n, 2n, 3n, 4n]);
  },
);
