/** Flags of the commands that start trusting, and that make trust documents and bundles: each is missed when it is ignored. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Hono } from 'hono';
import { encodeEnvelope } from '../../src/core/attestation/dsse.ts';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { parseTrustedRoot, encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { RepositoryUpkeep } from '../../src/servers/trust/repository-upkeep.ts';
import { listen, type Listening } from '../../src/servers/shell/listen.ts';
import { HostileMirror } from '../io/tuf/hostile-mirror.ts';
import { generateKeys, signingConfig, TRUSTED_ROOT } from '../servers/trust/repository.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { FakeInstance, ISSUER, statementAbout, SUBJECT, type Draft } from '../support/instance.ts';
import { SameProcess } from '../support/same-process.ts';
import { logV1Answer } from '../support/signing-world.ts';
import { signatureOf } from './verify-world.ts';

const BLOB = utf8('an artifact');
const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
const instance = new FakeInstance();
let logServer: Listening;
/** What the log has. */
let draft: Draft;

before(async () => {
  draft = instance.signMessage(BLOB, { log: instance.logV1 });
  const other = instance.signMessage(utf8('something else'), { log: instance.logV1 });
  const log = new Hono();
  const entries = (of: Draft): object => of.tlogEntries.map(logV1Answer);
  log.post('/full/api/v1/log/entries/retrieve', (context) => context.json(entries(draft)));
  log.post('/empty/api/v1/log/entries/retrieve', (context) => context.json([]));
  log.get('/full/api/v1/log/entries', (context) => context.json(draft.tlogEntries.map(logV1Answer)[0] ?? {}));
  log.get('/other/api/v1/log/entries', (context) => context.json(other.tlogEntries.map(logV1Answer)[0] ?? {}));
  logServer = await listen(log, { host: '127.0.0.1', port: 0 });
  sandbox.write('blob', BLOB);
  sandbox.write('root.json', encodeTrustedRoot(instance.trustedRoot));
});

after(async () => {
  await logServer.close(0);
  sandbox.remove();
});

const WHO = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
const verify = async (command: string, ...args: readonly string[]): Promise<string> =>
  errorCode(await line.run([command, '--trusted-root', 'root.json', ...WHO, ...args, 'blob']));

test('bundle create --certificate, --rfc3161-timestamp, --rekor-url: each part is in the bundle', async () => {
  sandbox.write('blob.sig', encodeBase64(signatureOf(draft)));
  sandbox.write('leaf.pem', draft.certificate?.toPem() ?? '');
  sandbox.write('blob.tsr', draft.timestamps[0] ?? utf8(''));
  const parts = {
    signature: 'blob.sig',
    certificate: 'leaf.pem',
    'rfc3161-timestamp': 'blob.tsr',
    'rekor-url': `${logServer.url}/full`,
  };
  const create = (with_: Readonly<Record<string, string>>, ...flags: readonly string[]): readonly string[] => [
    ...['bundle', 'create', '--artifact', 'blob', '--out', 'made.json', ...flags],
    ...Object.entries(with_).flatMap(([flag, value]) => [`--${flag}`, value]),
  ];
  await line.ok(create(parts));
  assert.equal(await verify('verify-blob', '--use-signed-timestamps', '--bundle', 'made.json'), '');

  const { 'rfc3161-timestamp': _, ...unstamped } = parts;
  await line.ok(create(unstamped));
  assert.equal(await verify('verify-blob', '--use-signed-timestamps', '--bundle', 'made.json'), 'TIMESTAMP_MISSING');

  await line.ok(create(parts, '--ignore-tlog'));
  assert.equal(await verify('verify-blob', '--offline', '--bundle', 'made.json'), 'LOG_ENTRY_MISSING');
  const refused = async (with_: Readonly<Record<string, string>>): Promise<string> =>
    errorCode(await line.run(create(with_)));
  assert.equal(await refused({ ...parts, 'rekor-url': `${logServer.url}/empty` }), 'USAGE_BAD_CONFIG');
  const { certificate, ...nobody } = parts;
  assert.equal(certificate, 'leaf.pem');
  assert.equal(await refused(nobody), 'USAGE_BAD_FLAG');
  const stranger = instance.issueLeaf(PrivateKey.generate('ecdsa-p256').publicKey);
  sandbox.write('stranger.pem', stranger.toPem());
  assert.equal(await refused({ ...parts, certificate: 'stranger.pem' }), 'SIGNATURE_INVALID');
});

/** Of {@link statementAbout}. */
const TYPE = ['--type', 'https://example.com/predicate/v1'];

function statement(about: Uint8Array): Draft {
  return instance.signStatement(about, { payload: statementAbout(about), log: instance.logV1 });
}

function envelopeFile(name: string, { content, certificate }: Draft): readonly string[] {
  assert.ok(content.kind === 'dsse');
  sandbox.write(`${name}.pem`, certificate?.toPem() ?? '');
  return [sandbox.write(`${name}.json`, encodeEnvelope(content.envelope)), `${name}.pem`];
}

test('bundle create --attestation: a statement in its envelope becomes a bundle that verifies', async () => {
  const make = async (name: string, of: Draft): Promise<void> => {
    const [envelope = '', certificate = ''] = envelopeFile(name, of);
    sandbox.write('att.tsr', of.timestamps[0] ?? utf8(''));
    await line.ok([
      ...['bundle', 'create', '--artifact', 'blob', '--ignore-tlog', '--attestation', envelope, '--out', 'att.json'],
      ...['--certificate', certificate, '--rfc3161-timestamp', 'att.tsr'],
    ]);
  };
  const args = ['--insecure-ignore-tlog', '--use-signed-timestamps', '--bundle', 'att.json'];
  await make('about', statement(BLOB));
  assert.equal(await verify('verify-blob-attestation', ...args, ...TYPE), '');
  await make('elsewhere', statement(utf8('another artifact')));
  assert.equal(await verify('verify-blob-attestation', ...args, ...TYPE), 'SUBJECT_MISMATCH');
  const both = ['bundle', 'create', '--artifact', 'blob', '--attestation', 'about.json', '--signature', 'about.json'];
  assert.equal(errorCode(await line.run(both)), 'USAGE_BAD_FLAG');
  sandbox.write('broken.json', '{}');
  const broken = ['bundle', 'create', '--artifact', 'blob', '--ignore-tlog', '--attestation', 'broken.json'];
  assert.equal(errorCode(await line.run([...broken, '--certificate', 'about.pem'])), 'FORMAT_ENVELOPE');
});

test('verify-blob-attestation --signature: an envelope in a file, in place of a bundle', async () => {
  const of = statement(BLOB);
  const [envelope = '', certificate = ''] = envelopeFile('detached', of);
  sandbox.write('detached.tsr', of.timestamps[0] ?? utf8(''));
  const parts = ['--certificate', certificate, '--rfc3161-timestamp', 'detached.tsr', '--use-signed-timestamps'];
  const how = ['--insecure-ignore-tlog', ...parts, ...TYPE];
  assert.equal(await verify('verify-blob-attestation', ...how, '--signature', envelope), '');
  assert.equal(await verify('verify-blob-attestation', ...how), 'USAGE_BAD_FLAG');
  const [other = ''] = envelopeFile('other', statement(BLOB));
  assert.equal(await verify('verify-blob-attestation', ...how, '--signature', other), 'SIGNATURE_INVALID');
});

test('bundle upgrade --out, --rekor-url: the proof comes from that log, the bundle goes to that file', async () => {
  const json = instance.json(draft) as unknown as {
    mediaType: string;
    verificationMaterial: {
      certificate?: object;
      x509CertificateChain?: object;
      tlogEntries: { inclusionProof?: object }[];
    };
  };
  const { certificate, ...material } = json.verificationMaterial;
  const tlogEntries = material.tlogEntries.map(({ inclusionProof: _, ...entry }) => entry);
  const old = {
    ...json,
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: { ...material, x509CertificateChain: { certificates: [certificate] }, tlogEntries },
  };
  sandbox.write('old.json', JSON.stringify(old));
  const upgrade = ['bundle', 'upgrade', '--out', 'new.json', '--rekor-url'];
  const ended = await line.ok([...upgrade, `${logServer.url}/full`, 'old.json']);
  assert.equal(ended.stdout, '');
  const { version, tlogEntries: upgraded } = parseBundle(readFileSync(sandbox.path('new.json')));
  assert.equal(version, '0.3');
  assert.ok(upgraded[0]?.inclusionProof !== undefined);
  assert.equal(await verify('verify-blob', '--bundle', 'new.json'), '');
  const others = ['bundle', 'upgrade', '--out', 'untouched.json', '--rekor-url'];
  const refused = await line.run([...others, `${logServer.url}/other`, 'old.json']);
  assert.equal(errorCode(refused), 'FORMAT_LOG_ENTRY', refused.stderr);
  const absent = await line.run([...others, `${logServer.url}/nowhere`, 'old.json']);
  assert.equal(errorCode(absent), 'REMOTE_STATUS', absent.stderr);
  assert.equal(existsSync(sandbox.path('untouched.json')), false);
});

test('sign-blob --rfc3161-timestamp: the timestamp in a file, as verifying takes it', async (t) => {
  const { signingBench } = await import('../support/signing-bench.ts');
  const { world, ours, write, read, path } = await signingBench(t);
  write('blob', 'a blob');
  const sign = [
    ...['sign-blob', '--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false', '--yes'],
    ...['--key', 'cosign.key', '--trusted-root', 'trusted_root.json', '--output-signature', 'blob.sig'],
    ...['--timestamp-server-url', `${world.url}/api/v1/timestamp`],
  ];
  assert.equal((await ours(...sign, 'blob')).exitCode, 0);
  assert.equal(existsSync(path('blob.tsr')), false);
  assert.equal((await ours(...sign, '--rfc3161-timestamp', 'blob.tsr', 'blob')).exitCode, 0);
  assert.match(read('blob.tsr'), /^\{"SignedRFC3161Timestamp":"/);
  const check = ['verify-blob', '--key', 'cosign.pub', '--insecure-ignore-tlog', '--trusted-root', 'trusted_root.json'];
  const signed = [...check, '--signature', 'blob.sig', '--use-signed-timestamps'];
  const stamped = await ours(...signed, '--rfc3161-timestamp', 'blob.tsr', 'blob');
  assert.equal(stamped.exitCode, 0, stamped.stderr);
  assert.equal((await ours(...sign, '--output-signature', 'again.sig', 'blob')).exitCode, 0);
  const another = [...check, '--signature', 'again.sig', '--use-signed-timestamps'];
  const wrong = await ours(...another, '--rfc3161-timestamp', 'blob.tsr', 'blob');
  assert.match(errorCode(wrong), /^TIMESTAMP_/, wrong.stderr);
});

test('trusted-root create --out writes a file, whole, or none', async () => {
  sandbox.write('chain.pem', instance.intermediate.certificate.toPem() + instance.root.certificate.toPem());
  const create = ['trusted-root', 'create', '--fulcio', 'url=https://ca.example,certificate-chain=chain.pem'];
  const printed = await line.ok(create);
  const written = await line.ok([...create, '--out', 'made-root.json']);
  assert.equal(written.stdout, '');
  const text = readFileSync(sandbox.path('made-root.json'), 'utf8');
  assert.deepEqual(JSON.parse(text), JSON.parse(printed.stdout));
  assert.equal(parseTrustedRoot(text).certificateAuthorities.length, 1);
  const nowhere = await line.run([...create, '--out', 'no/such/folder.json']);
  assert.deepEqual([errorCode(nowhere), nowhere.exitCode, nowhere.stdout], ['USAGE_FILE', 1, '']);
});

test("signing-config create --with-default-rekor-v2: the instance's other config", async () => {
  const dir = sandbox.path('tuf');
  const contents = new Map([
    ['trusted_root.json', utf8(TRUSTED_ROOT)],
    ['signing_config.v0.2.json', utf8(signingConfig('usual.example'))],
    ['signing_config_rekor_v2.v0.2.json', utf8(signingConfig('second.example'))],
  ]);
  await (await RepositoryUpkeep.open(dir, generateKeys('ed25519'), contents)).renew(new Date());
  const environment = { TUF_MIRROR: pathToFileURL(dir).href, TUF_ROOT_JSON: join(dir, '1.root.json') };
  const operators = async (flag: string): Promise<readonly string[]> => {
    const { stdout } = await line.ok(['signing-config', 'create', flag], { environment });
    const { caUrls } = JSON.parse(stdout) as { caUrls: readonly { operator: string }[] };
    return caUrls.map(({ operator }) => operator);
  };
  assert.deepEqual(await operators('--with-default-services'), ['usual.example']);
  assert.deepEqual(await operators('--with-default-rekor-v2'), ['second.example']);
});

test('an instance without that config: signing-config create --with-default-rekor-v2 is USAGE_NO_TRUST', async (t) => {
  const mirror = await HostileMirror.create(t);
  const environment = {
    TUF_MIRROR: pathToFileURL(mirror.dir).href,
    TUF_ROOT_JSON: join(mirror.dir, '1.root.json'),
    TUF_ROOT: sandbox.path('other-cache'),
  };
  const ended = await line.run(['signing-config', 'create', '--with-default-rekor-v2'], { environment });
  assert.equal(errorCode(ended), 'USAGE_NO_TRUST', ended.stderr);
});

test('initialize --root-checksum: another root is refused, and nothing is trusted', async (t) => {
  const mirror = await HostileMirror.create(t);
  sandbox.write('first-root.json', mirror.rootJson);
  const environment = { TUF_ROOT: sandbox.path('checked') };
  const args = [
    'initialize',
    '--mirror',
    pathToFileURL(mirror.dir).href,
    '--root',
    'first-root.json',
    '--root-checksum',
  ];
  const wrong = await line.run([...args, '0'.repeat(64)], { environment });
  assert.deepEqual([errorCode(wrong), wrong.exitCode], ['DIGEST_MISMATCH', 12], wrong.stderr);
  assert.equal(errorCode(await line.run([...args, 'x'], { environment })), 'USAGE_BAD_FLAG');
  assert.equal(existsSync(sandbox.path('checked')), false);
  await line.ok([...args, createHash('sha256').update(mirror.rootJson).digest('hex')], { environment });
  assert.equal(existsSync(sandbox.path('checked')), true);
});

test('initialize --staging asks the staging instance, and no other', async () => {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', ({ url = '' }, socket) => {
    asked.push(url);
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const hosts = async (...flags: readonly string[]): Promise<readonly string[]> => {
    asked.splice(0);
    const ended = await line.run(['initialize', ...flags], { environment });
    assert.notEqual(ended.exitCode, 0);
    return [...new Set(asked)];
  };
  try {
    assert.deepEqual(await hosts(), ['tuf-repo-cdn.sigstore.dev:443']);
    assert.deepEqual(await hosts('--staging'), ['tuf-repo-cdn.sigstage.dev:443']);
  } finally {
    proxy.close();
    proxy.closeAllConnections();
  }
});
