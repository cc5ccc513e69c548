/** The authorization code flow, as cosign and sigstore-python use it, and as attackers would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  REDIRECT,
  SECRET,
  authorizationQuery,
  later,
  logIn,
  ownPage,
  proofKey,
  startDevIssuer,
} from '../../support/dev-issuer.ts';

const BASIC = { authorization: `Basic ${Buffer.from('sigstore:').toString('base64')}` };

function exchange(code: string, verifier: string): Record<string, string> {
  return { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT };
}

test('the code flow as cosign 3.1.3 does it: nonce echoed, state returned, one JWT as both tokens', async (t) => {
  const issuer = await startDevIssuer(t);
  const { verifier, challenge } = proofKey();
  const query = authorizationQuery(challenge);
  const page = await issuer.send(`/auth${query}`);
  assert.equal(page.status, 200);
  const answer = await issuer.send(`/auth${query}`, {
    headers: ownPage(issuer),
    body: { email: 'dev@example.com', secret: SECRET },
  });
  assert.equal(answer.status, 303);
  const location = new URL(answer.headers.location ?? '');
  assert.equal(`${location.origin}${location.pathname}`, REDIRECT);
  assert.equal(location.searchParams.get('state'), 's-'.padEnd(128, '1'));
  assert.equal(location.searchParams.get('iss'), issuer.url);
  // oauth2 tries Basic first, with the id and an empty secret, and sends the nonce once more.
  const form = { ...exchange(location.searchParams.get('code') ?? '', verifier), nonce: 'n-'.padEnd(128, '0') };
  const token = await issuer.send('/token', { headers: BASIC, body: form });
  assert.equal(token.status, 200, token.text);
  assert.equal(token.headers['cache-control'], 'no-store');
  assert.equal(token.json['token_type'], 'Bearer');
  assert.equal(token.json['expires_in'], 3600);
  assert.equal(token.json['id_token'], token.json['access_token']);
  const jwt = String(token.json['id_token']);
  assert.equal(decodeProtectedHeader(jwt).alg, 'RS256');
  const issuedAt = Math.floor(issuer.clock.now.getTime() / 1000);
  assert.deepEqual(decodeJwt(jwt), {
    iss: issuer.url,
    sub: 'dev:dev@example.com',
    aud: 'sigstore',
    iat: issuedAt,
    exp: issuedAt + 3600,
    email: 'dev@example.com',
    email_verified: true,
    nonce: 'n-'.padEnd(128, '0'),
  });
});

test('the login page can be read by everybody, runs nothing, and says what it is for', async (t) => {
  const issuer = await startDevIssuer(t);
  const { status, headers, text } = await issuer.send(`/auth${authorizationQuery(proofKey().challenge)}`);
  assert.equal(status, 200);
  assert.match(text, /<html lang="en">/);
  assert.match(text, /<title>[^<]+<\/title>/);
  assert.match(text, /For development only/);
  for (const field of ['email', 'secret']) {
    assert.match(text, new RegExp(`<label for="${field}">`));
    assert.match(text, new RegExp(`id="${field}"`));
  }
  assert.doesNotMatch(text, /<script|\son\w+=|javascript:|style="/i);
  const csp = String(headers['content-security-policy']);
  assert.match(csp, /default-src 'none'/);
  assert.match(csp, /frame-ancestors 'none'/);
  assert.match(csp, /base-uri 'none'/);
  assert.match(csp, /form-action 'self' http:\/\/localhost:4711;/, 'browsers hold redirects after a form to it');
  assert.doesNotMatch(csp, /unsafe/);
  assert.equal(headers['referrer-policy'], 'same-origin');
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['set-cookie'], undefined);
  assert.equal(headers['access-control-allow-origin'], undefined);
});

test('the style in the page is the one whose hash the policy allows', async (t) => {
  const issuer = await startDevIssuer(t);
  const { headers, text } = await issuer.send(`/auth${authorizationQuery(proofKey().challenge)}`);
  const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? '';
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
  const hash = Buffer.from(digest).toString('base64');
  assert.ok(headers['content-security-policy']?.includes(`'sha256-${hash}'`));
});

test('out of band: the code is on a page, and works with that redirect URI', async (t) => {
  const issuer = await startDevIssuer(t);
  const { verifier, challenge } = proofKey();
  const oob = 'urn:ietf:wg:oauth:2.0:oob';
  const page = await issuer.send(`/auth${authorizationQuery(challenge, { redirect_uri: oob })}`, {
    headers: ownPage(issuer),
    body: { email: 'dev@example.com', secret: SECRET },
  });
  assert.equal(page.status, 200);
  const code = /<code>([A-Za-z0-9_-]{43})<\/code>/.exec(page.text)?.[1] ?? '';
  const form = { ...exchange(code, verifier), redirect_uri: oob, client_id: 'sigstore' };
  assert.equal((await issuer.send('/token', { body: form })).status, 200);
});

test('a code works once, for who made the challenge, at its redirect URI, for five minutes', async (t) => {
  const issuer = await startDevIssuer(t);
  const rows: readonly (readonly [string, (code: string, verifier: string) => Record<string, string>])[] = [
    ['another verifier', (code) => exchange(code, proofKey().verifier)],
    ['a short verifier', (code, verifier) => exchange(code, verifier.slice(0, 42))],
    ['no verifier', (code, verifier) => ({ ...exchange(code, verifier), code_verifier: '' })],
    ['the challenge as verifier', (code, verifier) => ({ ...exchange(code, verifier), code_verifier: 'challenge' })],
    ['another port', (code, verifier) => ({ ...exchange(code, verifier), redirect_uri: REDIRECT.replace('1/', '2/') })],
    [
      'another name',
      (code, verifier) => ({
        ...exchange(code, verifier),
        redirect_uri: REDIRECT.replace('localhost', '127.0.0.1'),
      }),
    ],
    ['no redirect URI', (code, verifier) => ({ ...exchange(code, verifier), redirect_uri: '' })],
    ['another code', (_code, verifier) => exchange('A'.repeat(43), verifier)],
  ];
  for (const [what, form] of rows) {
    const { verifier, challenge } = proofKey();
    const code = await logIn(issuer, challenge);
    const body = form(code, verifier);
    if (body['code_verifier'] === 'challenge') body['code_verifier'] = challenge;
    const wrong = await issuer.send('/token', { headers: BASIC, body });
    assert.deepEqual([wrong.status, wrong.json['error']], [400, 'invalid_grant'], what);
    if (body['code'] !== code) continue;
    // One wrong use spends the code: it may have been stolen.
    const right = await issuer.send('/token', { headers: BASIC, body: exchange(code, verifier) });
    assert.deepEqual([right.status, right.json['error']], [400, 'invalid_grant'], `${what}, then the right one`);
  }
});

test('a code that was redeemed is not redeemed again', async (t) => {
  const issuer = await startDevIssuer(t);
  const { verifier, challenge } = proofKey();
  const body = exchange(await logIn(issuer, challenge), verifier);
  assert.equal((await issuer.send('/token', { headers: BASIC, body })).status, 200);
  const replay = await issuer.send('/token', { headers: BASIC, body });
  assert.deepEqual([replay.status, replay.json['error']], [400, 'invalid_grant']);
});

test('of two programs that redeem one code at once, one gets a token', async (t) => {
  const issuer = await startDevIssuer(t);
  const { verifier, challenge } = proofKey();
  const body = exchange(await logIn(issuer, challenge), verifier);
  const answers = await Promise.all(Array.from({ length: 8 }, () => issuer.send('/token', { headers: BASIC, body })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
});

test('a code lives five minutes, to the second', async (t) => {
  const issuer = await startDevIssuer(t);
  for (const [seconds, status] of [
    [299, 200],
    [300, 400],
  ] as const) {
    const { verifier, challenge } = proofKey();
    const code = await logIn(issuer, challenge);
    later(issuer.clock, seconds);
    const answer = await issuer.send('/token', { headers: BASIC, body: exchange(code, verifier) });
    assert.equal(answer.status, status);
  }
});

test('nobody is sent on to a redirect URI that is not loopback', async (t) => {
  const issuer = await startDevIssuer(t);
  const rows = [
    'https://localhost:1/auth/callback',
    'http://example.com/auth/callback',
    'http://localhost.example.com/auth/callback',
    'http://evil.localhost:1/auth/callback',
    'http://localhost@example.com/auth/callback',
    'http://user@localhost:1/auth/callback',
    'http://example.com#@localhost:1/',
    'http://localhost:1/auth/callback#fragment',
    'http://localhost\\@example.com/',
    'http://127.0.0.1.example.com/',
    'http://169.254.169.254/',
    'http://0.0.0.0:1/',
    'http://[::ffff:127.0.0.1]:1/',
    ' http://localhost:1/',
    'http:localhost:1/',
    'http:///localhost:1/',
    '//localhost:1/',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'urn:ietf:wg:oauth:2.0:oob:auto',
    'http://localhost:1/\r\nset-cookie: a=b',
    `http://localhost:1/${'a'.repeat(5000)}`,
  ];
  for (const redirect of rows) {
    const query = authorizationQuery(proofKey().challenge, { redirect_uri: redirect });
    for (const sent of [{}, { headers: ownPage(issuer), body: { email: 'dev@example.com', secret: SECRET } }]) {
      const answer = await issuer.send(`/auth${query}`, sent);
      assert.equal(answer.status, 400, redirect);
      assert.equal(answer.headers.location, undefined, redirect);
      assert.match(answer.text, /role="alert"/);
    }
  }
});

test('loopback redirect URIs of every spelling that programs use are taken', async (t) => {
  const issuer = await startDevIssuer(t);
  for (const redirect of ['http://127.0.0.1:1/cb', 'http://[::1]:65535/cb?x=1', 'http://localhost/']) {
    const query = authorizationQuery(proofKey().challenge, { redirect_uri: redirect });
    const page = await issuer.send(`/auth${query}`);
    assert.equal(page.status, 200, redirect);
    const answer = await issuer.send(`/auth${query}`, {
      headers: ownPage(issuer),
      body: { email: 'dev@example.com', secret: SECRET },
    });
    assert.equal(answer.status, 303);
    assert.ok(answer.headers.location?.startsWith(redirect), redirect);
  }
});

test("what is wrong with a request goes to its redirect URI in OAuth's words, with the state", async (t) => {
  const issuer = await startDevIssuer(t);
  const rows: readonly (readonly [Record<string, string | undefined>, string])[] = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'code id_token' }, 'unsupported_response_type'],
    [{ response_type: undefined }, 'invalid_request'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ response_mode: 'form_post' }, 'invalid_request'],
    [{ scope: 'email' }, 'invalid_scope'],
    [{ scope: undefined }, 'invalid_request'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ code_challenge: '='.repeat(43) }, 'invalid_request'],
    [{ prompt: 'none' }, 'login_required'],
    [{ request: 'e30.e30.' }, 'request_not_supported'],
    [{ request_uri: 'http://169.254.169.254/' }, 'request_uri_not_supported'],
    [{ nonce: 'n'.repeat(4097) }, 'invalid_request'],
  ];
  for (const [change, error] of rows) {
    const answer = await issuer.send(`/auth${authorizationQuery(proofKey().challenge, change)}`);
    assert.equal(answer.status, 303, JSON.stringify(change));
    const location = new URL(answer.headers.location ?? '');
    assert.equal(location.searchParams.get('error'), error, JSON.stringify(change));
    assert.equal(location.searchParams.get('state'), 's-'.padEnd(128, '1'));
    assert.equal(location.searchParams.get('code'), null);
  }
});

test('client, duplicates and lengths are looked at before anybody is redirected', async (t) => {
  const issuer = await startDevIssuer(t);
  const { challenge } = proofKey();
  const rows = [
    authorizationQuery(challenge, { client_id: 'other' }),
    authorizationQuery(challenge, { client_id: undefined }),
    authorizationQuery(challenge, { redirect_uri: undefined }),
    `${authorizationQuery(challenge)}&redirect_uri=${encodeURIComponent(REDIRECT)}`,
    `${authorizationQuery(challenge)}&client_id=sigstore`,
    `${authorizationQuery(challenge)}&state=other`,
    `${authorizationQuery(challenge)}&x=${'y'.repeat(8192)}`,
  ];
  for (const query of rows) {
    const answer = await issuer.send(`/auth${query}`);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.location, undefined);
  }
});

test('a login needs the secret, and a page that shows again never repeats it', async (t) => {
  const issuer = await startDevIssuer(t);
  const path = `/auth${authorizationQuery(proofKey().challenge)}`;
  for (const secret of ['wrong-developer-secret', '', `${SECRET} `, SECRET.toUpperCase(), SECRET.slice(0, -1)]) {
    const answer = await issuer.send(path, { headers: ownPage(issuer), body: { email: 'dev@example.com', secret } });
    assert.equal(answer.status, 403, secret);
    assert.equal(answer.headers.location, undefined);
    assert.match(answer.text, /value="dev@example.com"/);
    if (secret !== '') assert.ok(!answer.text.includes(`"${secret}"`));
  }
});

test('after ten wrong secrets nobody is compared for a minute, wherever they were tried', async (t) => {
  const issuer = await startDevIssuer(t);
  const path = `/auth${authorizationQuery(proofKey().challenge)}`;
  const onPage = (secret: string) =>
    issuer.send(path, { headers: ownPage(issuer), body: { email: 'dev@example.com', secret } });
  const byProgram = (secret: string) =>
    issuer.send('/test-token', { headers: { authorization: `Bearer ${secret}` }, body: { email: 'dev@example.com' } });
  for (let count = 0; count < 10; count++) {
    assert.equal((await (count % 2 === 0 ? onPage : byProgram)(`guess-${count}`)).status, 403);
  }
  const refused = await byProgram(SECRET);
  assert.deepEqual([refused.status, refused.json['code']], [429, 'LIMIT_BUSY']);
  assert.equal(refused.headers['retry-after'], '60');
  assert.equal((await onPage(SECRET)).status, 429);
  const credentials = { grant_type: 'client_credentials', client_id: 'sigstore', client_secret: SECRET };
  const busy = await issuer.send('/token', { body: credentials });
  assert.deepEqual([busy.status, busy.json['error']], [429, 'temporarily_unavailable']);
  later(issuer.clock, 60);
  assert.equal((await onPage(SECRET)).status, 303);
});

test('a clock that is set back does not lock the issuer for longer than a minute', async (t) => {
  const issuer = await startDevIssuer(t);
  const guess = (secret: string) =>
    issuer.send('/test-token', { headers: { authorization: `Bearer ${secret}` }, body: { email: 'dev@example.com' } });
  for (let count = 0; count < 10; count++) await guess('wrong');
  later(issuer.clock, -86_400);
  assert.equal((await guess(SECRET)).status, 200);
});

test('addresses that no certificate can name are refused, and never become markup', async (t) => {
  const issuer = await startDevIssuer(t);
  const path = `/auth${authorizationQuery(proofKey().challenge)}`;
  const rows = [
    '',
    'dev',
    'dev@localhost',
    '@example.com',
    'dev@',
    'dev@@example.com',
    'dev@example..com',
    '.dev@example.com',
    'dev@example.com ',
    'dev@example.com\r\nX: y',
    'dev@example.com\0',
    '"<script>alert(1)</script>"@example.com',
    '<img src=x onerror=alert(1)>@example.com',
    '"><script>alert(1)</script>',
    'dëv@example.com',
    'dev@exämple.com',
    'dev@example.com,root@example.com',
    'dev@[127.0.0.1]',
    'dev\u202e@example.com',
    `${'a'.repeat(250)}@example.com`,
    `dev@${'a.'.repeat(20_000)}com`.slice(0, 4000),
  ];
  for (const email of rows) {
    const answer = await issuer.send(path, { headers: ownPage(issuer), body: { email, secret: SECRET } });
    assert.equal(answer.status, 400, email);
    assert.doesNotMatch(answer.text, /<script|<img/);
    const direct = await issuer.send('/test-token', {
      headers: { authorization: `Bearer ${SECRET}` },
      body: { email },
    });
    assert.deepEqual([direct.status, direct.json['code']], [400, 'USAGE_BAD_FLAG'], email);
  }
  const odd = "o'neil&co+`x`@example.com";
  const shown = await issuer.send(path, { headers: ownPage(issuer), body: { email: odd, secret: 'wrong' } });
  assert.ok(shown.text.includes('value="o&#39;neil&amp;co+`x`@example.com"'));
});
