/** Discovery, keys, test tokens, client credentials, userinfo, and a client library that knows only the standards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { TokenVerifier } from '../../../src/servers/ca/token-verifier.ts';
import {
  REDIRECT,
  SECRET,
  later,
  ownPage,
  proofKey,
  logIn,
  startDevIssuer,
  type TestIssuer,
} from '../../support/dev-issuer.ts';

const BEARER = { authorization: `Bearer ${SECRET}` };

// Marked as deprecated so that it stands out; on loopback it is what it is for.
const allowPlainHttp = Reflect.get<object, 'allowInsecureRequests'>(client, 'allowInsecureRequests') as (
  config: client.Configuration,
) => void;

async function testToken(issuer: TestIssuer, change: Record<string, string> = {}): Promise<string> {
  const answer = await issuer.send('/test-token', { headers: BEARER, body: { email: 'dev@example.com', ...change } });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.json['id_token']);
}

function verifierFor(issuer: TestIssuer): TokenVerifier {
  const config = { issuerUrl: issuer.url, clientId: 'sigstore', type: 'email' as const };
  return new TokenVerifier([{ config, keys: () => issuer.issuer.keys() }]);
}

test('discovery names what clients of Sigstore look for', async (t) => {
  const issuer = await startDevIssuer(t);
  const { status, json } = await issuer.send('/.well-known/openid-configuration');
  assert.equal(status, 200);
  assert.equal(json['issuer'], issuer.url);
  assert.deepEqual(json['code_challenge_methods_supported'], ['S256']);
  assert.deepEqual(json['id_token_signing_alg_values_supported'], ['RS256']);
  assert.deepEqual(json['response_types_supported'], ['code']);
  assert.deepEqual(json['scopes_supported'], ['openid', 'email']);
  for (const name of ['authorization', 'token', 'userinfo', 'device_authorization']) {
    assert.ok(String(json[`${name}_endpoint`]).startsWith(`${issuer.url}/`), name);
  }
});

test('the published keys have no private half, and verify the tokens', async (t) => {
  for (const [kind, algorithm] of [
    ['rsa', 'RS256'],
    ['ecdsa-p256', 'ES256'],
  ] as const) {
    const issuer = await startDevIssuer(t, { key: PrivateKey.generate(kind) });
    const { json } = await issuer.send('/jwks');
    const [jwk] = json['keys'] as Record<string, unknown>[];
    assert.ok(jwk !== undefined);
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!(name in jwk), name);
    assert.equal(jwk['alg'], algorithm);
    assert.deepEqual(json, JSON.parse(JSON.stringify(await issuer.issuer.keys())));
    const keys = createLocalJWKSet(await issuer.issuer.keys());
    const { protectedHeader } = await jwtVerify(await testToken(issuer), keys, { audience: 'sigstore' });
    assert.equal(protectedHeader.kid, jwk['kid']);
  }
});

test("the CA's verifier makes a principal of a test token, until an hour has passed", async (t) => {
  const issuer = await startDevIssuer(t);
  const token = await testToken(issuer);
  const principal = await verifierFor(issuer).verify(token, issuer.clock.now);
  assert.equal(principal.name, 'dev@example.com');
  later(issuer.clock, 3599);
  await verifierFor(issuer).verify(token, issuer.clock.now);
  later(issuer.clock, 1);
  await assert.rejects(verifierFor(issuer).verify(token, issuer.clock.now), { code: 'AUTH_TOKEN_EXPIRED' });
});

test("another issuer's token, and one for another audience, are not believed", async (t) => {
  const issuer = await startDevIssuer(t);
  const other = await startDevIssuer(t, { key: PrivateKey.generate('rsa') });
  const verifier = verifierFor(issuer);
  await assert.rejects(verifier.verify(await testToken(other), issuer.clock.now), { code: 'AUTH_ISSUER_UNKNOWN' });
  const elsewhere = await testToken(issuer, { audience: 'somebody-else' });
  await assert.rejects(verifier.verify(elsewhere, issuer.clock.now), { code: 'AUTH_AUDIENCE' });
});

test('a test token wants the secret as a bearer, and a form with an address', async (t) => {
  const issuer = await startDevIssuer(t);
  const headers: readonly (Record<string, string> | undefined)[] = [
    undefined,
    { authorization: '' },
    { authorization: SECRET },
    { authorization: `Basic ${Buffer.from(`sigstore:${SECRET}`).toString('base64')}` },
    { authorization: `Bearer ${SECRET}x` },
    { authorization: `Bearer ${SECRET} ${SECRET}` },
  ];
  for (const header of headers) {
    const answer = await issuer.send('/test-token', { headers: header ?? {}, body: { email: 'dev@example.com' } });
    assert.deepEqual([answer.status, answer.json['code']], [403, 'AUTH_FORBIDDEN'], JSON.stringify(header));
    assert.ok(!answer.text.includes(SECRET));
  }
  const body = { email: 'dev@example.com', audience: 'a'.repeat(257) };
  const long = await issuer.send('/test-token', { headers: BEARER, body });
  assert.deepEqual([long.status, long.json['code']], [400, 'USAGE_BAD_FLAG']);
  assert.equal((await issuer.send('/test-token', { headers: BEARER })).status, 404, 'GET is not served');
});

test('client credentials as cosign sends them', async (t) => {
  const issuer = await startDevIssuer(t);
  const form = {
    grant_type: 'client_credentials',
    client_id: 'sigstore',
    client_secret: SECRET,
    scope: 'openid email',
  };
  const answer = await issuer.send('/token', { body: form });
  assert.equal(answer.status, 200, answer.text);
  const claims = decodeJwt(String(answer.json['id_token']));
  assert.deepEqual([claims.aud, claims['email']], ['sigstore', 'sigstore@client.example.com']);
  const named = await issuer.send('/token', { body: { ...form, email: 'ci@example.com' } });
  assert.equal(decodeJwt(String(named.json['id_token']))['email'], 'ci@example.com');
});

test("a token request that is wrong gets OAuth's error and status", async (t) => {
  const issuer = await startDevIssuer(t);
  const credentials = { grant_type: 'client_credentials', client_id: 'sigstore', client_secret: SECRET };
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const rows: readonly (readonly [Record<string, string>, Record<string, string>, number, string])[] = [
    [{}, {}, 400, 'invalid_request'],
    [{}, { ...credentials, grant_type: 'password' }, 400, 'unsupported_grant_type'],
    [{}, { ...credentials, grant_type: 'refresh_token' }, 400, 'unsupported_grant_type'],
    [{}, { ...credentials, client_secret: 'wrong' }, 401, 'invalid_client'],
    [{}, { ...credentials, client_secret: '' }, 401, 'invalid_client'],
    [{}, { ...credentials, client_id: 'other' }, 401, 'invalid_client'],
    [{}, { ...credentials, email: 'nobody' }, 400, 'invalid_request'],
    [basic(`sigstore:${SECRET}`), credentials, 400, 'invalid_request'],
    [basic('other:'), { grant_type: 'authorization_code', code: 'x' }, 401, 'invalid_client'],
    [basic('sigstore:x'), { grant_type: 'authorization_code', code: 'x' }, 401, 'invalid_client'],
    [basic('sigstore:'), { grant_type: 'authorization_code', client_id: 'other', code: 'x' }, 400, 'invalid_request'],
    [basic('nocolon'), { grant_type: 'authorization_code', code: 'x' }, 401, 'invalid_client'],
    [basic('sigstore:%ff'), { grant_type: 'authorization_code', code: 'x' }, 401, 'invalid_client'],
    [{ authorization: 'Bearer x' }, { grant_type: 'authorization_code', code: 'x' }, 401, 'invalid_client'],
    [{}, { grant_type: 'authorization_code', code: 'x' }, 401, 'invalid_client'],
    [basic('sigstore:'), { grant_type: 'authorization_code' }, 400, 'invalid_request'],
  ];
  for (const [headers, body, status, error] of rows) {
    const answer = await issuer.send('/token', { headers, body });
    assert.deepEqual([answer.status, answer.json['error']], [status, error], JSON.stringify([headers, body]));
    assert.equal(answer.headers['cache-control'], 'no-store');
    if (status === 401) assert.ok(answer.headers['www-authenticate'] !== undefined);
    assert.ok(!answer.text.includes(SECRET));
  }
  const twice = await issuer.send('/token', {
    body: [...Object.entries(credentials), ['grant_type', 'client_credentials']],
  });
  assert.deepEqual([twice.status, twice.json['error']], [400, 'invalid_request']);
});

test('userinfo repeats what the token says, for tokens that are ours and alive', async (t) => {
  const issuer = await startDevIssuer(t);
  const token = await testToken(issuer);
  const ask = (authorization: string) => issuer.send('/userinfo', { headers: { authorization } });
  assert.deepEqual((await ask(`Bearer ${token}`)).json, {
    sub: 'dev:dev@example.com',
    email: 'dev@example.com',
    email_verified: true,
  });
  const [head = '', payload = '', signature = ''] = token.split('.');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
  const hmac = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${payload}.${signature}`;
  const other = await testToken(await startDevIssuer(t));
  const flipped = `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  for (const wrong of ['', 'Bearer', `Bearer ${flipped}`, `Bearer ${unsigned}`, `Bearer ${hmac}`, `Bearer ${other}`]) {
    const answer = await ask(wrong);
    assert.deepEqual([answer.status, answer.json['code']], [401, 'AUTH_TOKEN_INVALID'], wrong.slice(0, 20));
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer /);
  }
  later(issuer.clock, 3600);
  assert.equal((await ask(`Bearer ${token}`)).status, 401);
});

test('a client library that checks state, nonce, iss and signature accepts both flows', async (t) => {
  const issuer = await startDevIssuer(t);
  const config = await client.discovery(new URL(issuer.url), 'sigstore', undefined, client.None(), {
    execute: [allowPlainHttp],
  });
  const { verifier, challenge } = proofKey();
  const code = await logIn(issuer, challenge, { state: 'the-state', nonce: 'the-nonce' });
  const callback = new URL(REDIRECT);
  for (const [name, value] of [
    ['code', code],
    ['state', 'the-state'],
    ['iss', issuer.url],
  ] as const) {
    callback.searchParams.set(name, value);
  }
  const tokens = await client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: 'the-state',
    expectedNonce: 'the-nonce',
    idTokenExpected: true,
  });
  assert.equal(tokens.claims()?.['email'], 'dev@example.com');
  const info = await client.fetchUserInfo(config, tokens.access_token, 'dev:dev@example.com');
  assert.equal(info.email, 'dev@example.com');
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid email' });
  const decided = await issuer.send('/device', {
    headers: ownPage(issuer),
    body: { user_code: device.user_code, email: 'dev@example.com', secret: SECRET, decision: 'approve' },
  });
  assert.equal(decided.status, 200);
});

test('after closing, what was under way is gone', async (t) => {
  const issuer = await startDevIssuer(t);
  const { verifier, challenge } = proofKey();
  const code = await logIn(issuer, challenge);
  await issuer.issuer.close();
  const answer = await issuer.send('/token', {
    body: {
      grant_type: 'authorization_code',
      client_id: 'sigstore',
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT,
    },
  });
  assert.deepEqual([answer.status, answer.json['error']], [400, 'invalid_grant']);
});
