/** The whole main job over our own servers: issuer, CA, CT log, log, timestamp authority and registry, on one port. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Hono } from 'hono';
import type { SealwrightError } from '../../src/errors.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { createLogInstance } from '../../src/core/trust/log-instance.ts';
import { TRUSTED_ROOT_V01, type TrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createCa } from '../../src/servers/ca/ca.ts';
import { createCtLog } from '../../src/servers/log/ct-log.ts';
import { createTransparencyLog } from '../../src/servers/log/transparency-log.ts';
import { createDevIssuer } from '../../src/servers/oidc/dev-issuer.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen } from '../../src/servers/shell/listen.ts';
import { createTsa } from '../../src/servers/tsa/tsa.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import { signaturePolicy, type SignaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import type { SigningContext } from '../../src/workflows/sign/signing-services.ts';
import { verifyBlob } from '../../src/workflows/verify/verify-blob.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import { SECRET } from '../support/dev-issuer.ts';
import { pushImage, signingConfigFor } from '../support/signing-world.ts';
import { issueIntermediate, issueRoot, issueTimestampLeaf } from '../support/test-authority.ts';

const EMAIL = 'dev@example.com';
const VALID_FOR = { start: new Date('2026-01-01T00:00:00Z') };

interface OwnServices {
  readonly context: SigningContext;
  readonly host: string;
  readonly issuerUrl: string;
  readonly registry: RegistryClient;
  /** For the e-mail address, from the issuer. */
  readonly token: () => Promise<string>;
  /** Loses the answer of the next request to this path after the server has done its work. */
  readonly loseAnswer: (path: string) => void;
}

async function startServices(t: TestContext): Promise<OwnServices> {
  const dir = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  const now = (): Date => new Date();
  const front = new Hono();
  const server = await listen(front, { host: '127.0.0.1', port: 0 });
  const { url } = server;
  const host = `127.0.0.1:${server.port}`;

  const root = issueRoot();
  const intermediate = issueIntermediate(root);
  const tsaRoot = issueRoot({ name: 'tsa root' });
  const stamper = issueTimestampLeaf(tsaRoot);
  const [logKey, ctKey] = [PrivateKey.generate('ed25519'), PrivateKey.generate('ecdsa-p256')];
  const issuerUrl = `${url}/oidc`;
  const issuer = createDevIssuer({
    issuerUrl,
    host: '127.0.0.1',
    key: PrivateKey.generate('ecdsa-p256'),
    developerSecret: SECRET,
    now,
  });
  const ctlog = await createCtLog({
    dir: join(dir, 'ct'),
    origin: `${host}/ct`,
    key: ctKey,
    roots: [root.certificate],
    now,
  });
  const log = await createTransparencyLog({ dir: join(dir, 'log'), origin: '127.0.0.1', key: logKey, now });
  const ca = createCa({
    key: intermediate.key,
    chain: [intermediate.certificate, root.certificate],
    requestSct: ctlog.requestSct,
    issuers: [
      {
        config: { issuerUrl, clientId: 'sigstore', type: 'email' },
        keys: async () => ({ keys: [...(await issuer.keys()).keys] }),
      },
    ],
    now,
  });
  const tsa = createTsa({ key: stamper.key, chain: [stamper.certificate, tsaRoot.certificate], now });
  const registryServer = createRegistry({ dir: join(dir, 'registry'), now });

  const lost = new Set<string>();
  const services: readonly (readonly [RegExp, { fetch: Hono['fetch'] }])[] = [
    [/^\/v2\//, registryServer.routes],
    [/^\/api\/v[12]\/signingCert/, ca.routes],
    [/^\/api\/v2\/log\//, log.routes],
    [/^\/api\/v1\/timestamp/, tsa.routes],
  ];
  front.route('/oidc', issuer.routes);
  front.all('*', async (context) => {
    const { pathname } = new URL(context.req.url);
    const service = services.find(([pattern]) => pattern.test(pathname))?.[1];
    const answer = (await service?.fetch(context.req.raw)) ?? new Response(null, { status: 404 });
    return lost.delete(pathname) ? new Response(null, { status: 503 }) : answer;
  });

  const http = new HttpClient({ retry: { baseMs: 1 } });
  t.after(async () => {
    http.close();
    await server.close(0);
    await Promise.all([log.close(), ctlog.close(), issuer.close(), registryServer.close()]);
    await rm(dir, { recursive: true, force: true });
  });
  const trustedRoot: TrustedRoot = {
    mediaType: TRUSTED_ROOT_V01,
    tlogs: [createLogInstance({ api: 'rekor-v2', baseUrl: url, publicKey: logKey.publicKey, validFor: VALID_FOR })],
    ctlogs: [createLogInstance({ api: 'ct', baseUrl: `${url}/ct`, publicKey: ctKey.publicKey, validFor: VALID_FOR })],
    certificateAuthorities: [
      { subject: {}, uri: url, chain: [intermediate.certificate, root.certificate], validFor: VALID_FOR },
    ],
    timestampAuthorities: [
      { subject: {}, uri: url, chain: [stamper.certificate, tsaRoot.certificate], validFor: VALID_FOR },
    ],
  };
  return {
    context: { http, signingConfig: signingConfigFor(url, VALID_FOR), trustedRoot, now },
    host,
    issuerUrl,
    registry: new RegistryClient({ http, action: 'push' }),
    token: () => testToken(http, issuerUrl),
    loseAnswer: (path) => lost.add(path),
  };
}

async function testToken(http: HttpClient, issuerUrl: string): Promise<string> {
  const { body } = await http.request({
    method: 'POST',
    url: `${issuerUrl}/test-token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${SECRET}` },
    body: utf8(new URLSearchParams({ email: EMAIL }).toString()),
  });
  return (JSON.parse(Buffer.from(body).toString()) as { id_token: string }).id_token;
}

function policyFor({ issuerUrl }: OwnServices): SignaturePolicy {
  const subject = { kind: 'exact', value: EMAIL } as const;
  return signaturePolicy({
    kind: 'identities',
    identities: [{ subject, issuer: { kind: 'exact', value: issuerUrl } }],
  });
}

test('an image is signed keylessly, logged, timestamped, pushed and verified by nothing but our own', async (t) => {
  const services = await startServices(t);
  const { context, registry } = services;
  const { reference, digest } = await pushImage(registry, `${services.host}/demo/app:latest`, 'a layer');
  const signed = await signImage({
    ...context,
    registry,
    reference,
    signer: { kind: 'keyless', identityToken: services.token },
  });
  assert.equal(signed.digest.toString(), digest.toString());
  const { trustedRoot, now } = context;
  const verify = { registry, reference, trustedRoot, now: now() };
  const { signatures } = await verifyImage({ ...verify, policy: policyFor(services) });
  assert.deepEqual(
    signatures[0]?.bundle.checks.filter(({ isWeakened }) => isWeakened === true),
    [],
  );
  const other = await pushImage(registry, `${services.host}/demo/other:latest`, 'another layer');
  await assert.rejects(verifyImage({ ...verify, reference: other.reference, policy: policyFor(services) }), {
    code: 'NO_SIGNATURE',
  });
});

test('answers that are lost are asked for again, and the log has one entry for one signature', async (t) => {
  const services = await startServices(t);
  const { context } = services;
  async function* blob(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(utf8('artifact'));
  }
  const signer = { kind: 'keyless', identityToken: services.token } as const;
  for (const path of ['/api/v2/signingCert', '/api/v2/log/entries', '/api/v1/timestamp']) services.loseAnswer(path);
  const first = await signBlob({ ...context, blob: blob(), signer });
  const second = await signBlob({ ...context, blob: blob(), signer });
  assert.deepEqual([first.logIndex, second.logIndex], [0n, 1n]);
  const { trustedRoot, now } = context;
  const artifact = { kind: 'blob', blob: blob() } as const;
  await verifyBlob({ artifact, bundle: second.bundleJson, trustedRoot, policy: policyFor(services), now: now() });
});

test('a token of nobody whom the CA knows gets no certificate', async (t) => {
  const services = await startServices(t);
  const { context, registry } = services;
  const { reference, digest } = await pushImage(registry, `${services.host}/demo/app:latest`, 'a layer');
  const forged = async (): Promise<string> => {
    const [header = '', payload = '', signature = ''] = (await services.token()).split('.');
    return `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  };
  const signer = { kind: 'keyless', identityToken: forged } as const;
  await assert.rejects(signImage({ ...context, registry, reference, signer }), (error: SealwrightError) => {
    assert.equal(error.code, 'AUTH_TOKEN_INVALID');
    assert.match(error.facts.found ?? '', /the identity token does not verify: ERR_JWS_SIGNATURE_VERIFICATION_FAILED/);
    return true;
  });
  assert.deepEqual((await registry.referrers(reference, digest)).descriptors, []);
});
