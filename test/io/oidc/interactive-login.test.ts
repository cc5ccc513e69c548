import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { decodeJwt, SignJWT } from 'jose';
import { renderError, type SealwrightError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import type { HttpRequest, HttpResponse } from '../../../src/io/net/http-message.ts';
import {
  browserLogin,
  clientCredentialsLogin,
  deviceLogin,
  type DeviceLogin,
  type LoginOptions,
} from '../../../src/io/oidc/interactive-login.ts';
import { listenForRedirect } from '../../../src/io/oidc/loopback-redirect.ts';
import { later, ownPage, SECRET, sendTo, startDevIssuer, type TestIssuer } from '../../support/dev-issuer.ts';

type Change = (request: HttpRequest, answer: HttpResponse) => HttpResponse | Promise<HttpResponse>;

/** A client that may see other answers than the issuer gave. */
class ChangedAnswers extends HttpClient {
  readonly #change: Change;
  constructor(change: Change) {
    super({ retry: { retries: 0 } });
    this.#change = change;
  }
  override async request(request: HttpRequest): Promise<HttpResponse> {
    return this.#change(request, await super.request(request));
  }
}

function client(t: TestContext, change: Change = (_, answer) => answer): HttpClient {
  const http = new ChangedAnswers(change);
  t.after(() => {
    http.close();
  });
  return http;
}

/** Changes the JSON members of answers from one endpoint. */
function changed(
  path: string,
  change: (json: Record<string, unknown>) => Record<string, unknown> | Promise<Record<string, unknown>>,
): Change {
  return async (request, answer) => {
    if (!new URL(request.url).pathname.endsWith(path)) return answer;
    const json = JSON.parse(Buffer.from(answer.body).toString()) as Record<string, unknown>;
    return { ...answer, body: Buffer.from(JSON.stringify(await change(json))) };
  };
}

/** What a person does with the page: logs in, and follows the redirect. */
async function logInWith(
  issuer: TestIssuer,
  url: string,
  before?: (callback: URL) => Promise<unknown>,
): Promise<boolean> {
  const answer = await sendTo(url, { headers: ownPage(issuer), body: { email: 'dev@example.com', secret: SECRET } });
  const callback = new URL(answer.headers.location ?? '');
  callback.hostname = '127.0.0.1';
  await before?.(callback);
  await sendTo(callback.href, {});
  return true;
}

function options(issuer: TestIssuer, more: Partial<LoginOptions> = {}): LoginOptions {
  return { issuerUrl: issuer.url, show: () => undefined, openBrowser: (url) => logInWith(issuer, url), ...more };
}

async function refused(run: Promise<unknown>, code: string): Promise<SealwrightError> {
  let caught: unknown;
  await assert.rejects(run, (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  return caught as SealwrightError;
}

test('a login in the browser gives a token for the person and this client', async (t) => {
  const issuer = await startDevIssuer(t);
  const { token, source } = await browserLogin(client(t), options(issuer));
  const claims = decodeJwt(token);
  assert.deepEqual([claims.iss, claims.aud, claims['email']], [issuer.url, 'sigstore', 'dev@example.com']);
  assert.ok(source.includes(issuer.url));
});

test('without a browser the address is shown', async (t) => {
  const issuer = await startDevIssuer(t);
  const shown: string[] = [];
  const show = (line: string): void => {
    shown.push(line);
    const [url] = /http:\S+/.exec(line) ?? [];
    if (url !== undefined) void logInWith(issuer, url);
  };
  await browserLogin(client(t), options(issuer, { show, openBrowser: () => Promise.resolve(false) }));
  assert.match(shown.join('\n'), /code_challenge_method=S256/);
});

test('who knocks at the port without the state is turned away, and the login goes on', async (t) => {
  const issuer = await startDevIssuer(t);
  const knock = async (callback: URL): Promise<void> => {
    const forged = new URL(callback);
    forged.searchParams.set('state', 'guess');
    for (const [url, method] of [
      [forged.href, 'GET'],
      [`${callback.origin}/`, 'GET'],
      [`${callback.origin}${callback.pathname}?error=access_denied`, 'GET'],
      [callback.href, 'POST'],
      [`${callback.origin}/elsewhere${callback.search}`, 'GET'],
    ] as const) {
      assert.equal((await sendTo(url, { method })).status, 404, `${method} ${url}`);
    }
  };
  await browserLogin(client(t), options(issuer, { openBrowser: (url) => logInWith(issuer, url, knock) }));
});

test('a provider that says no is quoted with its reason', async (t) => {
  const issuer = await startDevIssuer(t);
  const deny = async (url: string): Promise<boolean> => {
    const parameters = new URL(url).searchParams;
    const callback = new URL(parameters.get('redirect_uri') ?? '');
    callback.hostname = '127.0.0.1';
    callback.searchParams.set('state', parameters.get('state') ?? '');
    callback.searchParams.set('iss', issuer.url);
    callback.searchParams.set('error', 'access_denied');
    callback.searchParams.set('error_description', 'not today');
    await sendTo(callback.href, {});
    return true;
  };
  const error = await refused(browserLogin(client(t), options(issuer, { openBrowser: deny })), 'AUTH_TOKEN_INVALID');
  assert.equal(error.facts.found, 'access_denied: not today');
});

test('nobody who logs in is a time-out', async (t) => {
  const issuer = await startDevIssuer(t);
  const absent = { openBrowser: () => Promise.resolve(true), timeoutMs: 5 };
  await refused(browserLogin(client(t), options(issuer, absent)), 'REMOTE_TIMEOUT');
});

test('a code of another login is refused by the provider', async (t) => {
  const issuer = await startDevIssuer(t);
  const swap = async (url: string): Promise<boolean> => {
    const other = new URL(url);
    other.searchParams.set('code_challenge', 'A'.repeat(43));
    return logInWith(issuer, other.href);
  };
  await refused(browserLogin(client(t), options(issuer, { openBrowser: swap })), 'AUTH_TOKEN_INVALID');
});

const STRANGER = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

/** The token's claims, changed, under a key that is not the issuer's. */
function forged(
  claims: Record<string, unknown>,
  key: KeyObject = STRANGER,
): (json: Record<string, unknown>) => Promise<Record<string, unknown>> {
  return async (json) => {
    const original = decodeJwt(String(json['id_token']));
    const token = new SignJWT({ ...original, ...claims }).setProtectedHeader({ alg: 'RS256' });
    return { ...json, id_token: await token.sign(key) };
  };
}

const ANSWERS: readonly (readonly [string, string, string, Parameters<typeof changed>[1]])[] = [
  ['a token by another key', 'REMOTE_BODY', '/token', forged({})],
  ['a token for another client', 'REMOTE_BODY', '/token', forged({ aud: 'other' })],
  ['a token of another issuer', 'REMOTE_BODY', '/token', forged({ iss: 'https://evil.example' })],
  ['a token of another login', 'REMOTE_BODY', '/token', forged({ nonce: 'other' })],
  ['an expired token', 'REMOTE_BODY', '/token', forged({ exp: 1 })],
  ['no identity token', 'REMOTE_BODY', '/token', ({ id_token: _, ...json }) => json],
  ['a token that is none', 'REMOTE_BODY', '/token', (json) => ({ ...json, id_token: 'hello' })],
  [
    'a provider that calls itself something else',
    'REMOTE_BODY',
    '/openid-configuration',
    (json) => ({ ...json, issuer: 'https://evil.example' }),
  ],
];

for (const [what, code, path, change] of ANSWERS) {
  test(`${what} is refused with ${code}`, async (t) => {
    const issuer = await startDevIssuer(t);
    const error = await refused(browserLogin(client(t, changed(path, change)), options(issuer)), code);
    assert.ok(!renderError(error).includes('eyJ'), 'a token is quoted');
  });
}

test('a provider that cannot be reached, or only without TLS, is not logged in at', async (t) => {
  const login = { show: () => undefined, openBrowser: () => assert.fail('a browser was opened') };
  await refused(browserLogin(client(t), { ...login, issuerUrl: 'http://127.0.0.1:1' }), 'REMOTE_UNREACHABLE');
  await refused(browserLogin(client(t), { ...login, issuerUrl: 'http://issuer.example.com' }), 'USAGE_BAD_CONFIG');
  await refused(browserLogin(client(t), { ...login, issuerUrl: 'nonsense' }), 'USAGE_BAD_CONFIG');
});

test('the browser may come back to this machine only', async () => {
  for (const url of ['https://localhost:1/x', 'http://example.com/x', 'http://localhost.example.com/', 'nonsense']) {
    await refused(listenForRedirect(url), 'USAGE_BAD_FLAG');
  }
  const first = await listenForRedirect('http://127.0.0.1:0/back');
  assert.match(first.redirectUri, /^http:\/\/127\.0\.0\.1:[1-9][0-9]*\/back$/);
  await refused(listenForRedirect(first.redirectUri), 'USAGE_PORT_CONFLICT');
  first.close();
});

/** The device flow with hardly a pause between two polls; the issuer's clock is moved instead. */
function quickly(issuer: TestIssuer): Change {
  return (request, answer) => {
    if (new URL(request.url).pathname.endsWith('/token')) later(issuer.clock, 10);
    return changed('/device/code', (json) => ({ ...json, interval: 0.001 }))(request, answer);
  };
}

/** What a person does on another device, when the code has been shown. */
function deciding(issuer: TestIssuer, decision: 'approve' | 'deny'): (line: string) => void {
  return (line) => {
    const [userCode] = /[A-Z]{4}-[A-Z]{4}/.exec(line) ?? [];
    if (userCode === undefined || line.includes('http')) return;
    const body = { user_code: userCode, email: 'dev@example.com', secret: SECRET, decision };
    void issuer.send('/device', { headers: ownPage(issuer), body });
  };
}

test('a login on another device gives a token', async (t) => {
  const issuer = await startDevIssuer(t);
  const { token } = await deviceLogin(
    client(t, quickly(issuer)),
    options(issuer, { show: deciding(issuer, 'approve') }),
  );
  assert.equal(decodeJwt(token)['email'], 'dev@example.com');
});

test('what is to be done on another device can be told in other words', async (t) => {
  const issuer = await startDevIssuer(t);
  const told: unknown[] = [];
  const approve = deciding(issuer, 'approve');
  const showDevice = ({ userCode, url, expiresInSeconds }: DeviceLogin): void => {
    told.push([url.endsWith(`user_code=${userCode}`), expiresInSeconds]);
    approve(userCode);
  };
  const show = (): void => assert.fail('in the usual words as well');
  await deviceLogin(client(t, quickly(issuer)), options(issuer, { show, showDevice }));
  assert.deepEqual(told, [[true, 600]]);
});

test('a login that is denied on the other device is refused', async (t) => {
  const issuer = await startDevIssuer(t);
  const show = deciding(issuer, 'deny');
  await refused(deviceLogin(client(t, quickly(issuer)), options(issuer, { show })), 'AUTH_TOKEN_INVALID');
});

test('a device login that nobody decides ends in time', async (t) => {
  const issuer = await startDevIssuer(t);
  await refused(deviceLogin(client(t), options(issuer, { timeoutMs: 5 })), 'REMOTE_TIMEOUT');
});

test('a program with a secret of its own gets a token, and one without is told so', async (t) => {
  const issuer = await startDevIssuer(t);
  const { token, source } = await clientCredentialsLogin(client(t), options(issuer, { clientSecret: SECRET }));
  const claims = decodeJwt(token);
  assert.deepEqual([claims.iss, claims.aud, claims['email']], [issuer.url, 'sigstore', 'sigstore@client.example.com']);
  assert.equal(source, `a login at ${issuer.url}`);
  await refused(clientCredentialsLogin(client(t), options(issuer)), 'USAGE_BAD_FLAG');
  await refused(clientCredentialsLogin(client(t), options(issuer, { clientSecret: 'wrong' })), 'AUTH_TOKEN_INVALID');
});
