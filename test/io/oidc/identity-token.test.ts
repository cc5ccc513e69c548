import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { renderError, type SealwrightError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { mountedToken } from '../../../src/io/oidc/given-token.ts';
import { obtainIdentityToken, type IdentityTokenOptions } from '../../../src/io/oidc/identity-token.ts';
import { peerServer } from '../../support/peer-server.ts';
import { unsignedToken } from '../../support/signing-world.ts';

function client(t: TestContext): HttpClient {
  const clock = { now: () => new Date(), sleep: () => Promise.resolve() };
  const http = new HttpClient({ clock, random: () => 0 });
  t.after(() => {
    http.close();
  });
  return http;
}

function options(t: TestContext, more: Partial<IdentityTokenOptions> = {}): IdentityTokenOptions {
  return { http: client(t), environment: {}, isTerminal: false, ...more };
}

async function refused(run: Promise<unknown>, code: string, secret?: string): Promise<SealwrightError> {
  let caught: unknown;
  await assert.rejects(run, (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  if (secret !== undefined)
    assert.ok(!`${renderError(caught as SealwrightError)}${JSON.stringify(caught)}`.includes(secret));
  return caught as SealwrightError;
}

test('a token given as text is taken, whatever its algorithm', async (t) => {
  const token = unsignedToken();
  const obtained = await obtainIdentityToken(
    options(t, { identityToken: ` ${token}\n`, environment: { SIGSTORE_ID_TOKEN: 'x' } }),
  );
  assert.deepEqual(obtained, { token, source: '--identity-token' });
});

test('a token given as a file is read from it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'token');
  const token = unsignedToken();
  await writeFile(path, `${token}\n`);
  assert.equal((await obtainIdentityToken(options(t, { identityToken: path }))).token, token);
  await writeFile(path, 'not a token');
  await refused(obtainIdentityToken(options(t, { identityToken: path })), 'USAGE_NO_TOKEN', 'not a token');
  await refused(obtainIdentityToken(options(t, { identityToken: folder })), 'USAGE_FILE');
});

test('what is neither a token nor a file is refused without being quoted', async (t) => {
  const damaged = `${unsignedToken()}.spare`;
  await refused(obtainIdentityToken(options(t, { identityToken: damaged })), 'USAGE_FILE', damaged);
});

test('SIGSTORE_ID_TOKEN comes before what the platform offers', async (t) => {
  const token = unsignedToken();
  const environment = { SIGSTORE_ID_TOKEN: token, GITHUB_ACTIONS: 'true' };
  assert.deepEqual(await obtainIdentityToken(options(t, { environment })), { token, source: 'SIGSTORE_ID_TOKEN' });
});

test('a SIGSTORE_ID_TOKEN that is no token ends the search', async (t) => {
  for (const value of ['', 'garbage', 'a.b']) {
    await refused(obtainIdentityToken(options(t, { environment: { SIGSTORE_ID_TOKEN: value } })), 'USAGE_NO_TOKEN');
  }
});

test('a mounted token is read, and its absence is no error', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'oidc-token');
  assert.deepEqual(await mountedToken(path), { closed: `no token is mounted at ${path}` });
  const token = unsignedToken();
  await writeFile(path, token);
  assert.deepEqual(await mountedToken(path), { token, source: path });
});

function githubEnvironment(url: string): Record<string, string> {
  return {
    GITHUB_ACTIONS: 'true',
    ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner-secret',
  };
}

test('a GitHub Actions job asks for a token of the right audience', async (t) => {
  const token = unsignedToken();
  const peer = await peerServer(t, (_, response) => response.end(JSON.stringify({ value: token, count: 1 })));
  const environment = githubEnvironment(peer.url);
  assert.deepEqual(await obtainIdentityToken(options(t, { environment })), { token, source: 'GitHub Actions' });
  assert.deepEqual(peer.seen, ['GET /token?api-version=2.0&audience=sigstore']);
  assert.equal(peer.requests[0]?.headers.authorization, 'bearer runner-secret');
});

test('a GitHub Actions job without the permission is told the two lines that give it', async (t) => {
  const error = await refused(
    obtainIdentityToken(options(t, { environment: { GITHUB_ACTIONS: 'true' } })),
    'USAGE_NO_TOKEN',
  );
  assert.deepEqual(error.facts.details?.['yaml'], ['permissions:', '  id-token: write']);
  assert.match(renderError(error), /these two lines to the job\n {12}permissions:\n {14}id-token: write$/);
});

for (const [what, status, body, code] of [
  ['refuses', 401, 'no', 'REMOTE_STATUS'],
  ['fails', 500, 'oops', 'REMOTE_STATUS'],
  ['answers something else', 200, '<html>', 'REMOTE_BODY'],
  ['answers without a token', 200, '{}', 'REMOTE_BODY'],
  ['answers with no JWT', 200, '{"value":"hello"}', 'REMOTE_BODY'],
  ['answers with a number', 200, '{"value":1}', 'REMOTE_BODY'],
  ['answers without end', 200, ' '.repeat(200_000), 'REMOTE_BODY'],
] as const) {
  test(`a token service that ${what} is ${code}, and nobody is asked to log in instead`, async (t) => {
    const peer = await peerServer(t, (_, response) => response.writeHead(status).end(body));
    const login = { issuerUrl: 'http://127.0.0.1:1', show: () => assert.fail('a person was asked') };
    const environment = githubEnvironment(peer.url);
    await refused(obtainIdentityToken(options(t, { environment, login, isTerminal: true })), code, 'runner-secret');
  });
}

test('the runner is asked over TLS or on this machine only', async (t) => {
  const environment = githubEnvironment('http://pipelines.example.com');
  await refused(obtainIdentityToken(options(t, { environment })), 'USAGE_BAD_CONFIG', 'runner-secret');
});

test('when there is no token, every way that was tried is told', async (t) => {
  const error = await refused(obtainIdentityToken(options(t)), 'USAGE_NO_TOKEN');
  for (const way of ['--identity-token', 'SIGSTORE_ID_TOKEN', 'mounted', 'GitHub Actions', 'log in']) {
    assert.ok(error.facts.found?.includes(way), `${way} in ${error.facts.found ?? ''}`);
  }
  assert.equal(error.exitCode, 1);
});

test('without a terminal nobody is waited for, unless the flow was asked for', async (t) => {
  const login = { issuerUrl: 'http://127.0.0.1:1', show: () => undefined };
  const error = await refused(obtainIdentityToken(options(t, { login })), 'USAGE_NO_TOKEN');
  assert.match(error.facts.found ?? '', /no terminal/);
  await refused(obtainIdentityToken(options(t, { login, flow: 'device' })), 'REMOTE_UNREACHABLE');
});

test('called as cosign, without a terminal somebody on another device is waited for, and told of first', async (t) => {
  const told: string[] = [];
  const login = { issuerUrl: 'http://127.0.0.1:1', show: () => assert.fail('before the provider was asked') };
  const unattended = (): void => {
    told.push('unattended');
  };
  await refused(obtainIdentityToken(options(t, { login, unattended })), 'REMOTE_UNREACHABLE');
  assert.deepEqual(told, ['unattended']);
  // At a terminal it is the browser's turn; a token by name, a provider by name, or no issuer leave nobody to wait for.
  await refused(obtainIdentityToken(options(t, { login, unattended, isTerminal: true })), 'REMOTE_UNREACHABLE');
  await refused(obtainIdentityToken(options(t, { login, unattended, flow: 'token' })), 'USAGE_NO_TOKEN');
  await refused(obtainIdentityToken(options(t, { login, unattended, provider: 'github-actions' })), 'USAGE_NO_TOKEN');
  await refused(obtainIdentityToken(options(t, { unattended })), 'USAGE_NO_TOKEN');
  assert.deepEqual(told, ['unattended']);
});

test('one provider by name is the only one asked; ambient tokens can be turned off', async (t) => {
  const environment = { SIGSTORE_ID_TOKEN: unsignedToken() };
  await refused(obtainIdentityToken(options(t, { environment, provider: 'github-actions' })), 'USAGE_NO_TOKEN');
  await refused(obtainIdentityToken(options(t, { environment, disableAmbient: true })), 'USAGE_NO_TOKEN');
});
