/** Tokens of platforms, each played on loopback by the documented shape of its service, and by bad ones. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { decodeJwt } from 'jose';
import { renderError, type SealwrightError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { buildkiteToken } from '../../../src/io/oidc/buildkite.ts';
import { circleciToken } from '../../../src/io/oidc/circleci.ts';
import { googleImpersonationToken } from '../../../src/io/oidc/google-impersonation.ts';
import { googleWorkloadToken, isOnGoogle } from '../../../src/io/oidc/google-metadata.ts';
import { obtainIdentityToken } from '../../../src/io/oidc/identity-token.ts';
import { encodeTokenRequest, parseTokenResponse } from '../../../src/io/oidc/spiffe-message.ts';
import { spiffeToken } from '../../../src/io/oidc/spiffe.ts';
import type { TokenEnvironment } from '../../../src/io/oidc/token-source.ts';
import { peerServer } from '../../support/peer-server.ts';
import { unsignedToken } from '../../support/signing-world.ts';

const TOKEN = unsignedToken();

function using(environment: Readonly<Record<string, string>>): TokenEnvironment {
  return { http: new HttpClient({ retry: { retries: 0 } }), environment };
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sealwright-token-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function refused(run: Promise<unknown>, code: string, words = /./): Promise<void> {
  await assert.rejects(run, (error: SealwrightError) => {
    assert.equal(error.code, code, renderError(error));
    assert.match(renderError(error), words);
    return true;
  });
}

test('elsewhere, every platform says that it is another one', async (t) => {
  const nowhere = using({ SPIFFE_ENDPOINT_SOCKET: '' });
  for (const ask of [buildkiteToken, circleciToken, googleImpersonationToken]) {
    assert.ok('closed' in (await ask(nowhere)));
  }
  const names = join(await folder(t), 'product_name');
  assert.equal(await isOnGoogle({}, names), false);
  await writeFile(names, 'Google Compute Engine\n');
  assert.equal(await isOnGoogle({}, names), true);
  await refused(
    obtainIdentityToken({ ...nowhere, isTerminal: false, provider: 'buildkite-agent' }),
    'USAGE_NO_TOKEN',
    /this is not a Buildkite job/,
  );
});

test("Buildkite's agent API gives a job its token", async (t) => {
  let asked = '';
  const peer = await peerServer(t, (_, response, body) => {
    asked = body.toString();
    response.end(JSON.stringify({ token: TOKEN }));
  });
  const environment = {
    BUILDKITE_AGENT_ACCESS_TOKEN: 'agent-secret',
    BUILDKITE_AGENT_ENDPOINT: `${peer.url}/v3`,
    BUILDKITE_JOB_ID: '0184990a-477b-4fa8-9968-496074483cee',
  };
  assert.deepEqual(await buildkiteToken(using(environment)), { token: TOKEN, source: 'Buildkite' });
  assert.deepEqual(peer.seen, ['POST /v3/jobs/0184990a-477b-4fa8-9968-496074483cee/oidc/tokens']);
  assert.equal(peer.requests[0]?.headers.authorization, 'Token agent-secret');
  assert.deepEqual(JSON.parse(asked), { audience: 'sigstore' });
  await refused(buildkiteToken(using({ ...environment, BUILDKITE_JOB_ID: '' })), 'USAGE_NO_TOKEN', /BUILDKITE_JOB_ID/);
  await refused(buildkiteToken(using({ ...environment, BUILDKITE_JOB_ID: '../x' })), 'USAGE_NO_TOKEN');
});

for (const [what, status, body, code] of [
  ['refuses', 401, '{"message":"no"}', 'REMOTE_STATUS'],
  ['answers with a page', 200, '<html>', 'REMOTE_BODY'],
  ['answers with no JWT', 200, '{"token":"hello"}', 'REMOTE_BODY'],
  ['answers without end', 200, ' '.repeat(200_000), 'REMOTE_BODY'],
] as const) {
  test(`a platform's service that ${what} is ${code}`, async (t) => {
    const peer = await peerServer(t, (_, response) => response.writeHead(status).end(body));
    const buildkite = {
      BUILDKITE_AGENT_ACCESS_TOKEN: 'x',
      BUILDKITE_AGENT_ENDPOINT: peer.url,
      BUILDKITE_JOB_ID: 'j',
    };
    await refused(buildkiteToken(using(buildkite)), code);
    await refused(googleWorkloadToken(using({ GCE_METADATA_HOST: peer.host })), code);
  });
}

test("CircleCI's own program is asked for another audience", async (t) => {
  const bin = await folder(t);
  const program = join(bin, 'circleci');
  await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" >'${bin}/arguments'\necho "$ANSWER"\n`);
  await chmod(program, 0o755);
  const environment = { CIRCLECI: 'true', PATH: `${bin}:/usr/bin:/bin`, ANSWER: TOKEN };
  assert.deepEqual(await circleciToken(using(environment)), { token: TOKEN, source: 'CircleCI' });
  const { readFile } = await import('node:fs/promises');
  assert.equal(await readFile(join(bin, 'arguments'), 'utf8'), 'run\noidc\nget\n--claims\n{"aud":"sigstore"}\n');
  await refused(circleciToken(using({ ...environment, ANSWER: '' })), 'REMOTE_BODY', /context/);
  await refused(circleciToken(using({ CIRCLECI: 'true', PATH: '/nowhere' })), 'USAGE_NO_TOKEN', /ENOENT/);
});

test("Google's metadata server gives the machine's identity", async (t) => {
  const peer = await peerServer(t, ({ headers }, response) => {
    response.writeHead(headers['metadata-flavor'] === 'Google' ? 200 : 403).end(`${TOKEN}\n`);
  });
  const environment = { GCE_METADATA_HOST: peer.host };
  assert.deepEqual(await googleWorkloadToken(using(environment)), { token: TOKEN, source: "Google's metadata server" });
  const path = '/computeMetadata/v1/instance/service-accounts/default/identity?audience=sigstore&format=full';
  assert.deepEqual(peer.seen, [`GET ${path}`]);
});

interface Google {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly bodies: string[];
}

async function google(t: TestContext): Promise<Google> {
  const bodies: string[] = [];
  const peer = await peerServer(t, ({ url = '', headers }, response, body) => {
    bodies.push(body.toString());
    const isIam = url === '/v1/projects/-/serviceAccounts/robot%40p.iam.gserviceaccount.com:generateIdToken';
    if (isIam && headers.authorization === 'Bearer access') response.end(JSON.stringify({ token: TOKEN }));
    else if (url === '/token' || url.endsWith('/default/token'))
      response.end(JSON.stringify({ access_token: 'access' }));
    else response.writeHead(403).end('{}');
  });
  return {
    url: peer.url,
    environment: { GOOGLE_SERVICE_ACCOUNT_NAME: 'robot@p.iam.gserviceaccount.com', GCE_METADATA_HOST: peer.host },
    bodies,
  };
}

test('a service account is impersonated by a person, by another account, and by a machine', async (t) => {
  const { url, environment, bodies } = await google(t);
  const dir = await folder(t);
  const expected = { token: TOKEN, source: 'Google, as robot@p.iam.gserviceaccount.com' };
  assert.deepEqual(await googleImpersonationToken(using({ ...environment, HOME: dir }), url), expected);
  assert.deepEqual(JSON.parse(bodies.at(-1) ?? ''), { audience: 'sigstore', includeEmail: true });

  const person = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' };
  await mkdir(join(dir, '.config', 'gcloud'), { recursive: true });
  const usual = join(dir, '.config', 'gcloud', 'application_default_credentials.json');
  await writeFile(usual, JSON.stringify({ ...person, token_uri: `${url}/token` }));
  assert.deepEqual(await googleImpersonationToken(using({ ...environment, HOME: dir }), url), expected);
  const form = new URLSearchParams(bodies.at(-2));
  assert.equal(form.get('grant_type'), 'refresh_token');
  assert.equal(form.get('refresh_token'), 'r');

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = {
    type: 'service_account',
    client_email: 'a@p.iam.gserviceaccount.com',
    private_key_id: 'k1',
    private_key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    token_uri: `${url}/token`,
  };
  const file = join(dir, 'account.json');
  await writeFile(file, JSON.stringify(account));
  const named = { ...environment, GOOGLE_APPLICATION_CREDENTIALS: file };
  assert.deepEqual(await googleImpersonationToken(using(named), url), expected);
  const assertion = decodeJwt(new URLSearchParams(bodies.at(-2)).get('assertion') ?? '');
  assert.deepEqual([assertion.iss, assertion.aud], ['a@p.iam.gserviceaccount.com', `${url}/token`]);

  await writeFile(file, JSON.stringify({ type: 'external_account' }));
  await refused(googleImpersonationToken(using(named), url), 'USAGE_BAD_CONFIG', /external_account/);
  await writeFile(file, 'no JSON');
  await refused(googleImpersonationToken(using(named), url), 'USAGE_BAD_CONFIG');
  const absent = { ...environment, GOOGLE_APPLICATION_CREDENTIALS: join(dir, 'absent') };
  await refused(googleImpersonationToken(using(absent), url), 'USAGE_FILE');
});

/** A `JWTSVIDResponse` by protobuf's encoding: field 1 { 1: id, 2: token }. */
function svidResponse(token: string): Buffer {
  const field = (number: number, value: Buffer): Buffer => {
    const length: number[] = [];
    for (let rest = value.length; ; rest >>= 7) {
      if (rest < 128) {
        length.push(rest);
        break;
      }
      length.push((rest & 127) | 128);
    }
    return Buffer.concat([Buffer.of((number << 3) | 2, ...length), value]);
  };
  const svid = Buffer.concat([field(1, Buffer.from('spiffe://example.test/ci')), field(2, Buffer.from(token))]);
  // An unknown number and a fixed one first, which readers have to pass over.
  return Buffer.concat([Buffer.of(0x78, 0x96, 0x01, 0x7d, 1, 2, 3, 4), field(1, svid)]);
}

function framed(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

interface Agent {
  readonly socket: string;
  readonly seen: { path?: string; mark?: string | string[]; body: Buffer };
}

/** SPIRE's agent: gRPC over HTTP/2 on a Unix socket. */
async function agent(t: TestContext, answer: { body?: Buffer; status?: string; message?: string }): Promise<Agent> {
  const socket = join(await folder(t), 'agent.sock');
  const seen: Agent['seen'] = { body: Buffer.alloc(0) };
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    seen.path = headers[':path'] ?? '';
    seen.mark = headers['workload.spiffe.io'] ?? '';
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      seen.body = Buffer.concat(chunks);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': answer.status ?? '0', 'grpc-message': answer.message ?? '' });
      });
      stream.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.close();
  });
  return { socket, seen };
}

test('the SPIFFE Workload API gives a JWT-SVID for the audience', async (t) => {
  const { socket, seen } = await agent(t, { body: framed(svidResponse(TOKEN)) });
  const environment = { SPIFFE_ENDPOINT_SOCKET: `unix://${socket}` };
  assert.deepEqual(await spiffeToken(using(environment)), { token: TOKEN, source: 'the SPIFFE Workload API' });
  assert.equal(seen.path, '/SpiffeWorkloadAPI/FetchJWTSVID');
  assert.equal(seen.mark, 'true');
  assert.deepEqual(seen.body, framed(Buffer.concat([Buffer.of(0x0a, 8), Buffer.from('sigstore')])));
});

test('a Workload API that refuses, lies or is not there is told apart', async (t) => {
  const ask = async (answer: Parameters<typeof agent>[1]): Promise<unknown> => {
    const { socket } = await agent(t, answer);
    return spiffeToken(using({ SPIFFE_ENDPOINT_SOCKET: `unix:${socket}` }));
  };
  await refused(
    ask({ status: '7', message: 'no%20identity%20issued' }),
    'REMOTE_STATUS',
    /status 7: no identity issued/,
  );
  await refused(ask({ body: framed(Buffer.alloc(0)) }), 'REMOTE_BODY', /registered/);
  await refused(ask({ body: Buffer.from('hello') }), 'REMOTE_BODY', /gRPC/);
  await refused(ask({ body: framed(Buffer.of(0x0a, 200, 1, 2)) }), 'REMOTE_BODY', /beyond the end/);
  await refused(ask({ body: framed(svidResponse('no token')) }), 'REMOTE_BODY');
  await refused(ask({ body: Buffer.alloc(200_000) }), 'REMOTE_BODY', /too much/);
  const absent = join(await folder(t), 'absent.sock');
  await refused(spiffeToken(using({ SPIFFE_ENDPOINT_SOCKET: `unix://${absent}` })), 'REMOTE_UNREACHABLE', /ENOENT/);
  await refused(spiffeToken(using({ SPIFFE_ENDPOINT_SOCKET: 'tcp://127.0.0.1:1' })), 'USAGE_BAD_CONFIG');
});

test('the few messages of the Workload API, by hand', () => {
  assert.equal(parseTokenResponse(framed(svidResponse('a.b.c'))), 'a.b.c');
  assert.equal(parseTokenResponse(framed(Buffer.alloc(0))), undefined);
  assert.deepEqual(
    Buffer.from(encodeTokenRequest('x'.repeat(200))).subarray(0, 8),
    Buffer.of(0, 0, 0, 0, 203, 0x0a, 200, 1),
  );
  for (const bad of [
    Buffer.alloc(0),
    Buffer.alloc(5).fill(1),
    framed(Buffer.of(0x0b)),
    framed(Buffer.alloc(12, 0xff)),
  ]) {
    assert.throws(() => parseTokenResponse(bad), { code: 'FORMAT_TOKEN' });
  }
});
