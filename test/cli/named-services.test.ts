/** Services that flags name instead of a signing config, and a timestamp authority that asks who asks it. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { extendedKeyUsageExtension, keyUsageExtension } from '../../src/core/pki/certificate-builder.ts';
import { issueServerAuthority, issueServerCertificate } from '../../src/core/pki/server-certificate.ts';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { relay } from '../support/relay.ts';
import { pemOf, signingBench, type SigningBench } from '../support/signing-bench.ts';
import { DIGITAL_SIGNATURE, issue } from '../support/test-authority.ts';

const CA = 'POST /api/v2/signingCert';
const LOG_V1 = 'POST /api/v1/log/entries';
const LOG_V2 = 'POST /api/v2/log/entries';
const TSA = 'POST /api/v1/timestamp';
const WHO = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
const NAMED = ['--use-signing-config=false', '--trusted-root', 'trusted_root.json', '--yes'];

function succeeded(ended: Ended): Ended {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function bench(t: TestContext): Promise<SigningBench> {
  const made = await signingBench(t);
  made.write('blob', 'a blob');
  made.write('predicate.json', '{}');
  return made;
}

test('services are those that flags name, for every signing command', async (t) => {
  const { world, ours, asked } = await bench(t);
  const { reference, digest } = await world.pushImage();
  const image = `${reference.context}@${digest.toString()}`;
  const services = [
    ...NAMED,
    '--fulcio-url',
    world.url,
    '--rekor-url',
    world.url,
    '--timestamp-server-url',
    `${world.url}/api/v1/timestamp`,
    '--identity-token',
    'token',
  ];
  const trust = ['--trusted-root', 'trusted_root.json', ...WHO];
  const about = ['--predicate', 'predicate.json'];
  succeeded(await ours('sign', ...services, image));
  succeeded(await ours('attest', ...services, ...about, image));
  succeeded(await ours('sign-blob', ...services, '--bundle', 'blob.json', 'blob'));
  succeeded(await ours('attest-blob', ...services, ...about, '--bundle', 'attested.json', 'blob'));
  assert.deepEqual([asked(CA), asked(LOG_V1), asked(TSA), asked(LOG_V2)], [4, 4, 4, 0]);
  succeeded(await ours('verify', ...trust, '--use-signed-timestamps', image));
  succeeded(await ours('verify-blob', ...trust, '--bundle', 'blob.json', 'blob'));
});

test('a key is logged where --rekor-url says, and nobody else is asked', async (t) => {
  const { world, ours, asked } = await bench(t);
  const args = [...NAMED, '--rekor-url', world.url, '--key', 'cosign.key', '--bundle', 'blob.json', 'blob'];
  succeeded(await ours('sign-blob', ...args));
  assert.deepEqual([asked(CA), asked(LOG_V1), asked(TSA)], [0, 1, 0]);
  const verify = ['verify-blob', '--trusted-root', 'trusted_root.json', '--key', 'cosign.pub'];
  succeeded(await ours(...verify, '--bundle', 'blob.json', 'blob'));
});

test('a key is stamped where --timestamp-server-url says, with nothing logged', async (t) => {
  const { world, ours, asked } = await bench(t);
  const stamped = ['--tlog-upload=false', '--timestamp-server-url', `${world.url}/api/v1/timestamp`];
  succeeded(await ours('sign-blob', ...NAMED, ...stamped, '--key', 'cosign.key', '--bundle', 'blob.json', 'blob'));
  assert.deepEqual([asked(LOG_V1), asked(LOG_V2), asked(TSA)], [0, 0, 1]);
});

test('a log whose version the trusted root tells is spoken to in that version', async (t) => {
  const { world, ours, write, asked } = await bench(t);
  const { trustedRoot } = world.context;
  const { instance } = world;
  const tlogs = trustedRoot.tlogs.map((log) =>
    log.publicKey.equals(instance.logV2.key.publicKey) ? { ...log, baseUrl: world.url } : log,
  );
  write('trusted_root.json', encodeTrustedRoot({ ...trustedRoot, tlogs }));
  const args = [...NAMED, '--rekor-url', `${world.url}/`, '--key', 'cosign.key', '--bundle', 'blob.json', 'blob'];
  // The log signs its checkpoints under another name than this root's, which is found when its answer is verified.
  assert.equal(errorCode(await ours('sign-blob', ...args)), 'CHECKPOINT_INVALID');
  assert.deepEqual([asked(LOG_V1), asked(LOG_V2)], [0, 1]);
});

const REFUSED: readonly (readonly [string, string, readonly string[]])[] = [
  ['nothing to sign with', 'USAGE_BAD_FLAG', [...NAMED, '--identity-token', 'token']],
  ['a key that is to be logged nowhere', 'USAGE_BAD_FLAG', [...NAMED, '--key', 'cosign.key']],
  ['no certificate authority', 'USAGE_BAD_CONFIG', [...NAMED, '--identity-token', 'token', '--rekor-url', 'URL']],
  ['nobody to tell the time', 'USAGE_BAD_CONFIG', [...NAMED, '--identity-token', 'token', '--fulcio-url', 'URL']],
  ...['--fulcio-url', '--rekor-url', '--oidc-issuer', '--timestamp-server-url'].map(
    (flag) =>
      [
        `${flag} beside a signing config`,
        'USAGE_BAD_FLAG',
        [
          '--trusted-root',
          'trusted_root.json',
          '--signing-config',
          'signing_config.json',
          '--key',
          'cosign.key',
          flag,
          'URL',
        ],
      ] as const,
  ),
];

for (const [what, code, args] of REFUSED) {
  test(`${what} is refused with ${code} before anybody is asked`, async (t) => {
    const { world, ours } = await bench(t);
    world.seen.length = 0;
    const ended = await ours('sign-blob', ...args.map((arg) => arg.replace('URL', world.url)), 'blob');
    assert.equal(errorCode(ended), code, ended.stderr);
    assert.deepEqual(world.seen, []);
  });
}

test('--insecure-skip-verify lets no signing command take a certificate that was not logged', async (t) => {
  const { world, ours } = await bench(t);
  const { reference, digest } = await world.pushImage();
  world.mischief.leaf = { ...world.mischief.leaf, scts: () => [] };
  const config = ['--trusted-root', 'trusted_root.json', '--signing-config', 'signing_config.json', '--yes'];
  const how = [...config, '--insecure-skip-verify', '--identity-token', 'token'];
  for (const [command, about] of everyCommand(reference.toString())) {
    const ended = await ours(command, ...how, ...about);
    assert.equal(errorCode(ended), 'SCT_MISSING', ended.stderr);
    assert.match(ended.stderr, /--insecure-skip-verify is deprecated: .*always verified/);
  }
  assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
});

test('every signing command logs in where --oidc-issuer says', async (t) => {
  const { world, ours, asked } = await bench(t);
  const { reference } = await world.pushImage();
  const issuer = ['--oidc-issuer', `${world.url}/issuer`, '--fulcio-auth-flow', 'device'];
  const how = [...NAMED, '--fulcio-url', world.url, '--rekor-url', world.url, ...issuer];
  for (const [command, about] of everyCommand(reference.toString())) {
    assert.notEqual((await ours(command, ...how, ...about)).exitCode, 0);
  }
  assert.ok(asked('GET /issuer/.well-known/openid-configuration') >= 4);
  assert.equal(asked('GET /oidc'), 0);
});

/** The signing commands, with what each of them signs. */
function everyCommand(image: string): readonly (readonly [string, readonly string[]])[] {
  return [
    ['sign', [image]],
    ['attest', ['--predicate', 'predicate.json', image]],
    ['sign-blob', ['--bundle', 'blob.json', 'blob']],
    ['attest-blob', ['--predicate', 'predicate.json', '--bundle', 'attested.json', 'blob']],
  ];
}

interface TlsTsa {
  readonly url: string;
  readonly files: readonly string[];
  /** Common names of the certificates that clients came with. */
  readonly clients: string[];
}

/** The world's timestamp authority behind TLS 1.3, for whoever has a certificate of its authority, under the name `tsa.test`. */
async function startTlsTsa(t: TestContext, { world, write }: SigningBench): Promise<TlsTsa> {
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const key = PrivateKey.generate('ecdsa-p256');
  const authority = issueServerAuthority(key, { commonName: 'test tls', random: randomBytes(20), ...validity });
  const serverKey = PrivateKey.generate('ecdsa-p256');
  const serverCertificate = issueServerCertificate(
    {
      publicKey: serverKey.publicKey,
      names: [{ kind: 'dns', value: 'tsa.test' }],
      random: randomBytes(20),
      ...validity,
    },
    { key, certificate: authority },
  );
  const client = issue(
    {
      name: 'a client',
      notBefore: validity.notBefore.toISOString(),
      notAfter: validity.notAfter.toISOString(),
      extensions: [keyUsageExtension(DIGITAL_SIGNATURE), extendedKeyUsageExtension('1.3.6.1.5.5.7.3.2', false)],
    },
    { key, certificate: authority },
  );
  const pem = (secret: PrivateKey): string => encodePem('PRIVATE KEY', secret.toPkcs8());
  write('tsa-ca.pem', pemOf(authority));
  write('tsa-client.pem', pemOf(client.certificate));
  write('tsa-client.key', pem(client.key));
  const clients: string[] = [];
  const server: Server = createServer(
    {
      cert: pemOf(serverCertificate),
      key: pem(serverKey),
      ca: pemOf(authority),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    (request, response) => {
      const { socket } = request;
      assert.ok(socket instanceof TLSSocket);
      clients.push(String(socket.getPeerCertificate().subject.CN));
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void world.context.http
          .request({
            method: 'POST',
            url: `${world.url}/api/v1/timestamp`,
            headers: { 'content-type': 'application/timestamp-query' },
            body: Buffer.concat(chunks),
            expect: [201],
          })
          .then(({ status, body }) => {
            response.writeHead(status, { 'content-type': 'application/timestamp-reply' });
            response.end(body);
          });
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`;
  const { signingConfig } = world.context;
  const tsaUrls = signingConfig.tsaUrls.map((tsa) => ({ ...tsa, url }));
  write('tls_config.json', encodeSigningConfig({ ...signingConfig, tsaUrls }));
  const files = [
    '--timestamp-client-cacert',
    'tsa-ca.pem',
    '--timestamp-client-cert',
    'tsa-client.pem',
    '--timestamp-client-key',
    'tsa-client.key',
  ];
  return { url, files, clients };
}

test('one connection serves authority and timestamps where one host has them, for every signing command', async (t) => {
  const made = await bench(t);
  const { signingConfig } = made.world.context;
  const { reference } = await made.world.pushImage();
  const about = ['--predicate', 'predicate.json'];
  const commands = [
    ['sign', reference.toString()],
    ['attest', ...about, reference.toString()],
    ['sign-blob', '--bundle', 'blob.json', 'blob'],
    ['attest-blob', ...about, '--bundle', 'attested.json', 'blob'],
  ];
  for (const [name = '', ...rest] of commands) {
    const services = await relay(t, { port: Number(new URL(made.world.url).port), host: '127.0.0.1' });
    const at = (list: typeof signingConfig.caUrls): typeof signingConfig.caUrls =>
      list.map((service) => ({ ...service, url: service.url.replace(made.world.url, services.url) }));
    const caUrls = at(signingConfig.caUrls);
    const tsaUrls = at(signingConfig.tsaUrls);
    made.write('relayed.json', encodeSigningConfig({ ...signingConfig, caUrls, tsaUrls }));
    const how = [
      '--trusted-root',
      'trusted_root.json',
      '--signing-config',
      'relayed.json',
      '--identity-token',
      'token',
    ];
    succeeded(await made.ours(name, ...how, '--tlog-upload=false', '--yes', ...rest));
    assert.equal(services.connections, 1, name);
  }
  assert.deepEqual([made.asked(CA), made.asked(TSA)], [4, 4]);
});

const SERVER_NAME = ['--timestamp-server-name', 'tsa.test'];
const TLS = ['--trusted-root', 'trusted_root.json', '--signing-config', 'tls_config.json', '--yes'];

test('every signing command proves itself to a timestamp authority that asks, under the name that its server has', async (t) => {
  const made = await bench(t);
  const { files, clients } = await startTlsTsa(t, made);
  const { reference } = await made.world.pushImage();
  const how = [...TLS, ...files, ...SERVER_NAME, '--key', 'cosign.key'];
  succeeded(await made.ours('sign', ...how, reference.toString()));
  succeeded(await made.ours('attest', ...how, '--predicate', 'predicate.json', reference.toString()));
  succeeded(await made.ours('sign-blob', ...how, '--bundle', 'blob.json', 'blob'));
  succeeded(await made.ours('attest-blob', ...how, '--predicate', 'predicate.json', '--bundle', 'a.json', 'blob'));
  assert.deepEqual(
    clients,
    Array.from({ length: 4 }, () => 'a client'),
  );
});

const TLS_REFUSED: readonly (readonly [string, string, (files: readonly string[]) => readonly string[]])[] = [
  ['without the authority of its server', 'REMOTE_TLS', (files) => [...files.slice(2), ...SERVER_NAME]],
  ['without a certificate of ours', 'REMOTE_TLS|REMOTE_UNREACHABLE', (files) => [...files.slice(0, 2), ...SERVER_NAME]],
  ['under another name', 'REMOTE_TLS', (files) => [...files, '--timestamp-server-name', 'other.test']],
  ['under its address', 'REMOTE_TLS', (files) => files],
  ['a certificate without its key', 'USAGE_BAD_FLAG', (files) => [...files.slice(0, 4), ...SERVER_NAME]],
  ['a file that is not there', 'USAGE_FILE', (files) => [...files.slice(0, 5), 'missing.key', ...SERVER_NAME]],
];

for (const [what, code, change] of TLS_REFUSED) {
  test(`a timestamp authority behind TLS: ${what} is refused with ${code}`, async (t) => {
    const made = await bench(t);
    const { files, clients } = await startTlsTsa(t, made);
    const ended = await made.ours('sign-blob', ...TLS, ...change(files), '--key', 'cosign.key', 'blob');
    assert.match(errorCode(ended), new RegExp(`^(${code})$`), ended.stderr);
    assert.deepEqual(clients, []);
  });
}

interop(
  'cosign',
  'both',
  'blob, a timestamp authority that asks for a certificate: both get their timestamp',
  async (t, executable) => {
    const made = await bench(t);
    const { files, clients } = await startTlsTsa(t, made);
    const how = ['sign-blob', ...TLS, ...files, ...SERVER_NAME, '--key', 'cosign.key'];
    succeeded(await made.cosign(executable, ...how, '--bundle', 'theirs.json', 'blob'));
    succeeded(await made.ours(...how, '--bundle', 'ours.json', 'blob'));
    assert.deepEqual(clients, ['a client', 'a client']);
    const verify = [
      'verify-blob',
      '--trusted-root',
      'trusted_root.json',
      '--key',
      'cosign.pub',
      '--use-signed-timestamps',
    ];
    for (const bundle of ['ours.json', 'theirs.json']) {
      succeeded(await made.cosign(executable, ...verify, '--bundle', bundle, 'blob'));
      succeeded(await made.ours(...verify, '--bundle', bundle, 'blob'));
    }
  },
);

interop(
  'cosign',
  'both',
  'blob, services that flags name: both ask the same, and verify what the other signed',
  async (t, executable) => {
    const made = await bench(t);
    const { world, asked } = made;
    const how = [
      'sign-blob',
      ...NAMED,
      '--fulcio-url',
      world.url,
      '--rekor-url',
      world.url,
      '--timestamp-server-url',
      `${world.url}/api/v1/timestamp`,
      '--identity-token',
      'token',
    ];
    const counts = (): readonly number[] => [asked(CA), asked(LOG_V1), asked(TSA), asked(LOG_V2)];
    succeeded(await made.cosign(executable, ...how, '--bundle', 'theirs.json', 'blob'));
    const theirs = counts();
    succeeded(await made.ours('--compat', 'cosign', ...how, '--bundle', 'ours.json', 'blob'));
    assert.deepEqual(
      counts(),
      theirs.map((count) => 2 * count),
    );
    const verify = ['verify-blob', '--trusted-root', 'trusted_root.json', ...WHO];
    for (const bundle of ['ours.json', 'theirs.json']) {
      succeeded(await made.cosign(executable, ...verify, '--bundle', bundle, 'blob'));
      succeeded(await made.ours(...verify, '--bundle', bundle, 'blob'));
    }
    const doubled = [
      'sign-blob',
      '--signing-config',
      'signing_config.json',
      '--rekor-url',
      'https://rekor.example',
      '--key',
      'cosign.key',
    ];
    for (const ended of [
      await made.cosign(executable, ...doubled, '--bundle', 'b.json', 'blob'),
      await made.ours('--compat', 'cosign', ...doubled, '--bundle', 'b.json', 'blob'),
    ]) {
      assert.equal(ended.exitCode, 1);
      assert.match(ended.stderr, /cannot specify service URLs and use signing config/);
    }
  },
);
