/** doctor: each thing that it looks at, well and broken for real. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, test, type TestContext } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeSigningConfig, type SigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { diagnoseTrust } from '../../src/workflows/diagnosis/diagnose-trust.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import { HostileMirror } from '../io/tuf/hostile-mirror.ts';
import { openGuardedRegistry, SERVER_NAME } from '../parity/guarded-registry.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { FakeInstance } from '../support/instance.ts';
import { publishedSchema, schemaProblems } from '../support/json-schema.ts';
import { SameProcess } from '../support/same-process.ts';
import { pushLayers, signedLayer } from '../support/signature-layers.ts';
import { KEYLESS, signingWorld, unsignedToken, type SigningWorld } from '../support/signing-world.ts';

interface CheckRecord {
  readonly area: string;
  readonly name: string;
  readonly status: string;
  readonly code?: string;
  readonly found: string;
  readonly fix?: string;
  readonly yaml?: readonly string[];
}

interface Report extends Ended {
  readonly outcome: string;
  /** By `area: name`. */
  readonly of: (name: string) => CheckRecord;
  readonly checks: readonly CheckRecord[];
}

const SCHEMA = publishedSchema('doctor-report.v1');
const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
after(() => {
  sandbox.remove();
});

const SERVICES = ['--trusted-root', 'root.json', '--signing-config', 'config.json'];

async function doctor(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Report> {
  const ended = await line.run(['doctor', '-o', 'json', ...args], { environment });
  const document = JSON.parse(ended.stdout) as { outcome: string; checks: readonly CheckRecord[] };
  assert.deepEqual(schemaProblems(SCHEMA, document), []);
  const { outcome, checks } = document;
  // Whatever would fail says what mends it, and the end is that of the first.
  const failing = checks.filter(({ status }) => status === 'would fail');
  for (const check of failing) assert.ok((check.fix ?? '') !== '' && check.code !== undefined, JSON.stringify(check));
  assert.equal(ended.exitCode === 0, failing.length === 0, ended.stdout);
  assert.equal(errorCode(ended), failing[0]?.code ?? '');
  return {
    ...ended,
    outcome,
    checks,
    of: (name) => {
      const found = checks.find((check) => `${check.area}: ${check.name}`.startsWith(name));
      assert.ok(found !== undefined, `${name} in ${ended.stdout}`);
      return found;
    },
  };
}

async function world(t: TestContext, config: (usual: SigningConfig) => SigningConfig = (usual) => usual) {
  const made: SigningWorld = await signingWorld(t, { now: new Date() });
  sandbox.write('root.json', encodeTrustedRoot(made.context.trustedRoot));
  sandbox.write('config.json', encodeSigningConfig(config(made.context.signingConfig)));
  const { reference, digest } = await made.pushImage('1');
  return { ...made, reference, digest, image: reference.toString() };
}

function token(claims: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, string>> {
  return { SIGSTORE_ID_TOKEN: unsignedToken({ exp: Math.floor(Date.now() / 1000) + 600, ...claims }) };
}

/** Nobody listens there. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

test('everything is well: nothing is pushed, and it says what there is', async (t) => {
  const { image, context, registry, reference, seen } = await world(t);
  await signImage({
    ...context,
    registry,
    reference,
    signer: { ...KEYLESS, identityToken: () => Promise.resolve(token()['SIGSTORE_ID_TOKEN'] ?? '') },
    annotations: {},
    upload: true,
  });
  seen.splice(0);
  const report = await doctor([...SERVICES, image], token());
  assert.equal(report.outcome, 'ok', report.stdout);
  assert.match(report.of('token: provider').found, /alice@example\.com at https:\/\/accounts\.example\.com/);
  assert.match(report.of('formats: signatures').found, /1 × signature that refers to the image/);
  assert.match(report.of('registry: referrers').found, /the API is there/);
  assert.deepEqual(
    seen.filter((text) => /^(PUT|PATCH)/.test(text)),
    [],
  );
  assert.equal(report.checks.filter(({ area }) => area === 'services').length, 4);
  const text = await line.ok(['doctor', ...SERVICES, image], { environment: token() });
  assert.match(text.stdout, /^ok {10} +trust: source +/m);
  assert.match(text.stdout, /^nothing would fail: \d+ ok, 0 warning, 0 would fail/m);
});

test('a registry that is not there: REMOTE_UNREACHABLE, and the rest is looked at all the same', async (t) => {
  await world(t);
  const report = await doctor([...SERVICES, `127.0.0.1:${await closedPort()}/demo/app:1`], token());
  assert.equal(report.exitCode, 23);
  assert.equal(report.of('registry: image').code, 'REMOTE_UNREACHABLE');
  assert.equal(report.of('registry: push permission').status, 'not checked');
  assert.equal(report.of('token: audience').status, 'ok');
  assert.equal(report.of('services: certificate authority').status, 'ok');
});

test('a registry behind another authority, and one that wants a name: REMOTE_TLS, AUTH_REGISTRY', async (t) => {
  await world(t);
  const guarded = await openGuardedRegistry(sandbox.path('guarded'));
  t.after(() => guarded.close());
  for (const [name, content] of Object.entries(guarded.files)) sandbox.write(name, content);
  await pushDemoImage(guarded.openHost, 'app', '1');
  const args = [...SERVICES, `${guarded.guardedHost}/app:1`];
  const stranger = await doctor(args, token());
  assert.deepEqual([stranger.of('registry: image').code, stranger.exitCode], ['REMOTE_TLS', 23]);
  assert.match(stranger.of('registry: image').fix ?? '', /--registry-cacert/);
  const known = ['--registry-cacert=ca.pem', `--registry-server-name=${SERVER_NAME}`];
  const client = ['--registry-client-cert=client.pem', '--registry-client-key=client.key'];
  const unnamed = await doctor([...args, ...known, ...client], token());
  assert.deepEqual([unnamed.of('registry: image').code, unnamed.exitCode], ['AUTH_REGISTRY', 1]);
  assert.match(unnamed.of('registry: image').fix ?? '', /login/);
  const secret = 'not the password of anybody';
  const wrong = await doctor([...args, ...known, ...client, '--registry-username=x', `--registry-password=${secret}`]);
  assert.equal(wrong.of('registry: image').code, 'AUTH_REGISTRY');
  assert.ok(!`${wrong.stdout}${wrong.stderr}`.includes(secret));
});

test('a tag that is not there ends with 11; a word that is no image is a mistake, and no finding', async (t) => {
  const { host } = await world(t);
  const absent = await doctor([...SERVICES, `${host}/demo/app:absent`], token());
  assert.deepEqual([absent.of('registry: image').code, absent.exitCode], ['TAG_NOT_FOUND', 11]);
  const nonsense = await line.run(['doctor', ...SERVICES, 'NO IMAGE']);
  assert.deepEqual([errorCode(nonsense), nonsense.stdout], ['USAGE_BAD_REFERENCE', '']);
});

test('somebody who may read and not write: signing would fail, verifying would not', async (t) => {
  const { image, faults } = await world(t);
  faults.set('POST /v2/demo/app/blobs/uploads', () => Response.json({ errors: [{ code: 'DENIED' }] }, { status: 403 }));
  const signing = await doctor([...SERVICES, image], token());
  assert.deepEqual([signing.of('registry: push permission').code, signing.exitCode], ['AUTH_REGISTRY', 1]);
  assert.match(signing.of('registry: push permission').fix ?? '', /login/);
  assert.equal(signing.of('registry: image').status, 'ok');
  const verifying = await doctor(['--for', 'verify', '--trusted-root', 'root.json', image]);
  assert.equal(verifying.of('registry: push permission').status, 'not checked');
  assert.equal(verifying.of('token: provider').status, 'not checked');
});

test('a registry without the referrers API keeps them under a tag; formats of before bundles are named', async (t) => {
  const { image, faults, registry, reference, digest, instance } = await world(t);
  faults.set('GET /v2/demo/app/referrers/', () => new Response('{}', { status: 404 }));
  const unsigned = await doctor([...SERVICES, image], token());
  assert.match(unsigned.of('registry: referrers').found, /no API/);
  assert.equal(unsigned.of('formats: signatures').status, 'warning');
  assert.equal(unsigned.of('formats: signatures').fix, `sealwright sign ${image}`);
  await pushLayers(registry, reference, digest, [signedLayer(instance, digest)]);
  const signed = await doctor([...SERVICES, image], token());
  assert.match(signed.of('formats: signatures').found, /1 × signature under the older tag \.sig/);
  assert.ok(encodeSimpleSigning(reference.context, digest).length > 0);
});

for (const [offMs, status, code] of [
  [7_200_000, 'would fail', 'USAGE_BAD_CONFIG'],
  [-7_200_000, 'would fail', 'USAGE_BAD_CONFIG'],
  [120_000, 'warning', undefined],
  [2_000, 'ok', undefined],
] as const) {
  test(`a clock that is ${offMs / 1000} s off: ${status}`, async (t) => {
    const { image, faults, host } = await world(t);
    const date = new Date(Date.now() - offMs).toUTCString();
    faults.set('', async (_, usual) => {
      const answer = await usual();
      const headers = new Headers(answer.headers);
      headers.set('date', date);
      return new Response(answer.body, { status: answer.status, headers });
    });
    const clock = (await doctor([...SERVICES, image], token())).of(`clock: beside ${host}`);
    assert.deepEqual([clock.status, clock.code], [status, code], clock.found);
    if (status !== 'ok') assert.match(clock.fix ?? '', /set-ntp/);
  });
}

test('a job without the permission: the two lines that add it', async (t) => {
  await world(t);
  const report = await doctor(SERVICES, { GITHUB_ACTIONS: 'true' });
  const provider = report.of('token: provider');
  assert.equal(provider.code, 'USAGE_NO_TOKEN');
  assert.deepEqual(provider.yaml, ['permissions:', '  id-token: write']);
  assert.equal(report.exitCode, 1);
  const text = await line.run(['doctor', ...SERVICES], { environment: { GITHUB_ACTIONS: 'true' } });
  assert.match(text.stdout, /^ +permissions:\n +id-token: write$/m);
});

for (const [what, claims, name, code] of [
  ['for another audience', { aud: 'vault' }, 'token: audience', 'AUTH_AUDIENCE'],
  ['that is over', { exp: 1_700_000_000 }, 'token: expiry', 'AUTH_TOKEN_EXPIRED'],
  ['with an address that nobody verified', { email_verified: false }, 'token: provider', 'AUTH_CLAIM'],
] as const) {
  test(`a token ${what}: ${code}, and never the token`, async (t) => {
    await world(t);
    const environment = token(claims);
    const report = await doctor(SERVICES, environment);
    assert.equal(report.of(name).code, code, report.stdout);
    const [, payload = ''] = environment['SIGSTORE_ID_TOKEN']?.split('.') ?? [];
    assert.ok(payload.length > 20 && !`${report.stdout}${report.stderr}`.includes(payload));
  });
}

test('a token that is soon over is a warning; one that is none is an error; nobody who offers one is a warning', async (t) => {
  await world(t);
  const soon = await doctor(SERVICES, token({ exp: Math.floor(Date.now() / 1000) + 20 }));
  assert.equal(soon.of('token: expiry').status, 'warning');
  const none = await doctor(SERVICES, { SIGSTORE_ID_TOKEN: 'hunter2' });
  assert.equal(none.of('token: provider').code, 'USAGE_NO_TOKEN');
  assert.ok(!`${none.stdout}${none.stderr}`.includes('hunter2'));
  const nobody = await doctor(SERVICES);
  assert.deepEqual([nobody.of('token: provider').status, nobody.exitCode], ['warning', 0]);
});

test('services: one that is down, one that is not ready, one whose time is over, one whose time soon is, none at all', async (t) => {
  const port = await closedPort();
  const down = await world(t, (usual) => ({
    ...usual,
    tsaUrls: usual.tsaUrls.map((service) => ({ ...service, url: `http://127.0.0.1:${port}/api/v1/timestamp` })),
  }));
  const unreachable = await doctor(SERVICES, token());
  assert.deepEqual(
    [unreachable.of('services: timestamp authority').code, unreachable.exitCode],
    ['REMOTE_UNREACHABLE', 23],
  );
  down.faults.set('GET /api/v2/configuration', () => new Response('', { status: 503 }));
  const busy = await doctor(SERVICES, token());
  assert.equal(busy.of('services: certificate authority').code, 'REMOTE_STATUS');
  const window = (end: number) => ({ start: new Date(0), end: new Date(Date.now() + end) });
  const withCa = async (end: number): Promise<Report> => {
    await world(t, (usual) => ({
      ...usual,
      caUrls: usual.caUrls.map((service) => ({ ...service, validFor: window(end) })),
    }));
    return doctor(SERVICES, token());
  };
  const over = await withCa(-60_000);
  assert.deepEqual([over.of('trust: signing config').code, over.exitCode], ['USAGE_BAD_CONFIG', 1]);
  assert.equal((await withCa(3_600_000)).of('trust: signing config').status, 'warning');
  const none = await doctor(['--trusted-root', 'root.json'], token());
  assert.deepEqual([none.of('trust: signing config').status, none.exitCode], ['warning', 0]);
});

const CHECKPOINT = 'GET /api/v2/checkpoint';
const STAMP = 'POST /api/v1/timestamp';

test('--live: the authority stamps, the log shows its tree, both verified; without it nobody is asked to sign', async (t) => {
  const { faults, instance, seen, host } = await world(t);
  faults.set(CHECKPOINT, () => new Response(instance.logV2.checkpoint()));
  await doctor(SERVICES, token());
  assert.equal(seen.filter((text) => text.startsWith(STAMP) || text.startsWith(CHECKPOINT)).length, 0);
  const report = await doctor(['--live', ...SERVICES], token());
  assert.equal(report.outcome, 'ok', report.stdout);
  assert.match(report.of('services: timestamp authority').found, /stamped a random number at 2.*Z, verified$/);
  assert.match(report.of('services: transparency log').found, /shows its tree of \d+ entries, verified$/);
  assert.equal(report.of(`clock: beside ${host}, signed`).status, 'ok');
  assert.equal(seen.filter((text) => text.startsWith('POST /api/') && !text.startsWith(STAMP)).length, 0);
});

test('--live: a stranger in the place of either shows, though it answers', async (t) => {
  const { faults, instance, context, mischief } = await world(t);
  const stranger = new FakeInstance();
  faults.set(CHECKPOINT, () => new Response(stranger.logV2.checkpoint()));
  const log = await doctor(['--live', ...SERVICES], token());
  assert.match(log.of('services: transparency log').code ?? '', /^CHECKPOINT_INVALID$/);
  faults.set(CHECKPOINT, () => new Response('<!doctype html>'));
  assert.equal(
    (await doctor(['--live', ...SERVICES], token())).of('services: transparency log').code,
    'FORMAT_CHECKPOINT',
  );
  faults.set(CHECKPOINT, () => new Response(instance.logV2.checkpoint()));
  const { timestampAuthorities } = stranger.trustedRoot;
  sandbox.write('root.json', encodeTrustedRoot({ ...context.trustedRoot, timestampAuthorities }));
  const tsa = await doctor(['--live', ...SERVICES], token());
  assert.match(tsa.of('services: timestamp authority').code ?? '', /^TIMESTAMP_/);
  // Only what was verified is a clock.
  assert.ok(!tsa.checks.some(({ name }) => name.endsWith(', signed')));
  sandbox.write('root.json', encodeTrustedRoot(context.trustedRoot));
  mischief.stampTime = new Date(Date.now() - 7_200_000);
  const late = await doctor(['--live', ...SERVICES], token());
  assert.equal(late.of('services: timestamp authority').status, 'ok');
  assert.deepEqual(
    late.checks.filter(({ status }) => status === 'would fail').map(({ name }) => name.replace(/ [^ ]*,/, ' HOST,')),
    ['beside HOST, signed'],
  );
});

test('--live: a log of version 1 says when, and a tree of long ago is a warning', async (t) => {
  const { faults, instance } = await world(t, (usual) => ({
    ...usual,
    rekorTlogUrls: usual.rekorTlogUrls.map((service) => ({ ...service, majorApiVersion: 1 })),
  }));
  const answer = (signedTreeHead: string): void => {
    faults.set('GET /api/v1/log', () => Response.json({ signedTreeHead, treeSize: 1 }));
  };
  const { logV1 } = instance;
  const plain = logV1.checkpoint();
  const at = (time: number): string =>
    logV1.checkpoint({ text: `${plain.split('\n\n')[0] ?? ''}\nTimestamp: ${time}000000\n` });
  for (const [head, status] of [
    [plain, 'ok'],
    [at(Date.now()), 'ok'],
    [at(Date.now() - 3 * 86_400_000), 'warning'],
    [at(Date.now()).replace(/Timestamp: \d/, 'Timestamp: 2'), 'would fail'],
  ] as const) {
    answer(head);
    const log = (await doctor(['--live', ...SERVICES], token())).of('services: transparency log');
    assert.equal(log.status, status, log.found);
  }
});

test('--live and --offline: nobody is asked', async (t) => {
  const { seen } = await world(t);
  seen.splice(0);
  const report = await doctor(['--live', '--offline', ...SERVICES], token());
  assert.equal(report.of('services: timestamp authority').status, 'not checked');
  assert.equal(report.of('services: transparency log').status, 'not checked');
  assert.deepEqual(seen, []);
});

test('a trust root that has expired ends with 22; one that cannot be read, with 1', async (t) => {
  const mirror = await HostileMirror.create(t, { now: () => new Date('2020-01-01T00:00:00Z') });
  const environment = {
    TUF_MIRROR: pathToFileURL(mirror.dir).href,
    TUF_ROOT_JSON: join(mirror.dir, '1.root.json'),
    TUF_ROOT: sandbox.path('expired-cache'),
  };
  const stale = await doctor([], environment);
  assert.deepEqual([stale.of('trust: source').code, stale.exitCode], ['TRUST_STALE', 22]);
  assert.equal(stale.of('services: reachability').status, 'not checked');
  sandbox.write('broken.json', '{}');
  const broken = await doctor(['--trusted-root', 'broken.json']);
  assert.deepEqual([broken.of('trust: source').code, broken.exitCode], ['FORMAT_TRUSTED_ROOT', 1]);
});

test('a root that soon expires is a warning, with the times of everything that is cached', async (t) => {
  const { context } = await world(t);
  const now = new Date();
  const checks = async (rootMs: number) =>
    diagnoseTrust({
      resolve: () => Promise.resolve({ trustedRoot: context.trustedRoot, instance: 'https://x.example', source: 'x' }),
      cacheOf: () => cacheWith(new Date(now.getTime() + rootMs)) as never,
      http: new HttpClient({ offline: true }),
      now,
      isForVerifying: true,
    });
  const expiry = async (rootMs: number) => (await checks(rootMs)).find(({ name }) => name === 'expiry');
  assert.equal((await expiry(86_400_000 * 3))?.status, 'warning');
  assert.match((await expiry(86_400_000 * 3))?.found ?? '', /timestamp until 2/);
  assert.equal((await expiry(86_400_000 * 30))?.status, 'ok');
});

function cacheWith(root: Date): object {
  const metadata = (expires: Date): Uint8Array =>
    utf8(JSON.stringify({ signed: { expires: `${expires.toISOString().slice(0, 19)}Z` } }));
  return {
    lastRefresh: () => undefined,
    read: (name: string) =>
      name === 'root.json' ? metadata(root) : name === 'timestamp.json' ? metadata(new Date()) : undefined,
  };
}

test('--offline asks nobody: what takes the network is not checked', async (t) => {
  const { image, seen, host } = await world(t);
  seen.splice(0);
  const elsewhere = { ...token(), HTTPS_PROXY: `http://${host}`, HTTP_PROXY: `http://${host}` };
  const report = await doctor(['--offline', ...SERVICES, image], elsewhere);
  assert.deepEqual(seen, []);
  assert.deepEqual([report.exitCode, report.outcome], [0, 'ok'], report.stdout);
  for (const name of ['services: certificate authority', 'registry: image', 'clock: skew']) {
    assert.equal(report.of(name).status, 'not checked', name);
  }
  assert.equal(report.of('token: audience').status, 'ok');
  const url = { ACTIONS_ID_TOKEN_REQUEST_URL: `http://${host}/token`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x' };
  const asked = await doctor(['--offline', ...SERVICES], url);
  assert.match(asked.of('token: provider').found, /^github-actions is there/);
  const metadata = await doctor(['--offline', ...SERVICES], { GCE_METADATA_HOST: host });
  assert.match(metadata.of('token: provider').found, /^google-workload-identity is there/);
  assert.deepEqual(seen, []);
});

for (const args of [
  ['--for', 'nothing'],
  ['one:1', 'two:2'],
  ['--oidc-provider', 'nobody'],
  ['-o', 'yaml'],
]) {
  test(`doctor ${args.join(' ')} is refused, and nothing is looked at`, async () => {
    const ended = await line.run(['doctor', ...args]);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['USAGE_BAD_FLAG', 1, '']);
  });
}
