/** The device flow (RFC 8628), with the requests that cosign 3.1.3 sends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import {
  SECRET,
  later,
  ownPage,
  proofKey,
  startDevIssuer,
  type Answer,
  type TestIssuer,
} from '../../support/dev-issuer.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

interface Started {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verifier: string;
}

async function start(issuer: TestIssuer): Promise<Started> {
  const { verifier, challenge } = proofKey();
  const answer = await issuer.send('/device/code', {
    body: { client_id: 'sigstore', scope: 'openid email', code_challenge_method: 'S256', code_challenge: challenge },
  });
  assert.equal(answer.status, 200, answer.text);
  return { deviceCode: String(answer.json['device_code']), userCode: String(answer.json['user_code']), verifier };
}

function poll(issuer: TestIssuer, { deviceCode, verifier }: Started): Promise<Answer> {
  return issuer.send('/token', {
    body: {
      client_id: 'sigstore',
      grant_type: GRANT,
      device_code: deviceCode,
      scope: 'openid email',
      code_verifier: verifier,
    },
  });
}

function decide(issuer: TestIssuer, userCode: string, change: Record<string, string> = {}): Promise<Answer> {
  const body = { user_code: userCode, email: 'dev@example.com', secret: SECRET, decision: 'approve', ...change };
  return issuer.send('/device', { headers: ownPage(issuer), body });
}

async function error(answer: Promise<Answer>): Promise<[number, unknown]> {
  const { status, json } = await answer;
  return [status, json['error']];
}

test('a device is told where to send its person, waits, and gets the token once', async (t) => {
  const issuer = await startDevIssuer(t);
  const { challenge, verifier } = proofKey();
  const first = await issuer.send('/device/code', {
    body: { client_id: 'sigstore', scope: 'openid email', code_challenge_method: 'S256', code_challenge: challenge },
  });
  const userCode = String(first.json['user_code']);
  assert.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.deepEqual(
    { ...first.json, device_code: '' },
    {
      device_code: '',
      user_code: userCode,
      verification_uri: `${issuer.url}/device`,
      verification_uri_complete: `${issuer.url}/device?user_code=${userCode}`,
      expires_in: 600,
      interval: 5,
    },
  );
  const started = { deviceCode: String(first.json['device_code']), userCode, verifier };
  assert.deepEqual(await error(poll(issuer, started)), [400, 'authorization_pending']);
  const page = await issuer.send(`/device?user_code=${userCode}`);
  assert.match(page.text, new RegExp(`value="${userCode}"`));
  assert.equal((await decide(issuer, userCode)).status, 200);
  later(issuer.clock, 5);
  const token = await poll(issuer, started);
  assert.equal(token.status, 200, token.text);
  const claims = decodeJwt(String(token.json['id_token']));
  assert.deepEqual([claims.aud, claims['email'], claims['email_verified']], ['sigstore', 'dev@example.com', true]);
  later(issuer.clock, 5);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'invalid_grant']);
});

test('clients that leave client_id out of the poll and send scope twice are served as well', async (t) => {
  const issuer = await startDevIssuer(t);
  const { deviceCode, userCode, verifier } = await start(issuer);
  await decide(issuer, userCode);
  const token = await issuer.send('/token', {
    body: [
      ['grant_type', GRANT],
      ['device_code', deviceCode],
      ['scope', 'openid'],
      ['scope', 'email'],
      ['code_verifier', verifier],
    ],
  });
  assert.equal(token.status, 200, token.text);
});

test('who polls too soon is slowed down, each time by five seconds more', async (t) => {
  const issuer = await startDevIssuer(t);
  const started = await start(issuer);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'authorization_pending']);
  later(issuer.clock, 4);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'slow_down']);
  later(issuer.clock, 9);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'slow_down']);
  later(issuer.clock, 15);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'authorization_pending']);
});

test('an approval is not handed out to a poll that came too soon', async (t) => {
  const issuer = await startDevIssuer(t);
  const started = await start(issuer);
  await poll(issuer, started);
  await decide(issuer, started.userCode);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'slow_down']);
  later(issuer.clock, 10);
  assert.equal((await poll(issuer, started)).status, 200);
});

test('after ten minutes it has expired, for the device and for the person', async (t) => {
  const issuer = await startDevIssuer(t);
  const started = await start(issuer);
  later(issuer.clock, 599);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'authorization_pending']);
  later(issuer.clock, 1);
  assert.equal((await decide(issuer, started.userCode)).status, 404);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'expired_token']);
  // An approval that came in time does not outlive it either.
  const approved = await start(issuer);
  await decide(issuer, approved.userCode);
  later(issuer.clock, 600);
  assert.deepEqual(await error(poll(issuer, approved)), [400, 'expired_token']);
});

test('a refusal is final', async (t) => {
  const issuer = await startDevIssuer(t);
  const started = await start(issuer);
  assert.equal((await decide(issuer, started.userCode, { decision: 'deny', email: '' })).status, 200);
  assert.equal((await decide(issuer, started.userCode)).status, 404);
  assert.deepEqual(await error(poll(issuer, started)), [400, 'access_denied']);
});

test('only the program that started the flow can finish it', async (t) => {
  const issuer = await startDevIssuer(t);
  const started = await start(issuer);
  await decide(issuer, started.userCode);
  const thief = { ...started, verifier: proofKey().verifier };
  assert.deepEqual(await error(poll(issuer, thief)), [400, 'invalid_grant']);
  assert.deepEqual(await error(poll(issuer, { ...started, verifier: '' })), [400, 'invalid_grant']);
  assert.deepEqual(await error(poll(issuer, { ...started, deviceCode: started.userCode })), [400, 'invalid_grant']);
  assert.equal((await poll(issuer, started)).status, 200);
});

test('deciding needs the secret, a code that waits and an address', async (t) => {
  const issuer = await startDevIssuer(t);
  const { userCode } = await start(issuer);
  const rows: readonly (readonly [Record<string, string>, number])[] = [
    [{ secret: 'wrong' }, 403],
    [{ secret: '' }, 403],
    [{ secret: 'wrong', decision: 'deny' }, 403],
    [{ user_code: 'BBBB-BBBB' }, 404],
    [{ user_code: '' }, 404],
    [{ user_code: '"><script>' }, 404],
    [{ email: 'nobody' }, 400],
    [{ decision: '' }, 400],
  ];
  for (const [change, status] of rows) {
    const answer = await decide(issuer, userCode, change);
    assert.equal(answer.status, status, JSON.stringify(change));
    assert.doesNotMatch(answer.text, /<script/);
  }
  assert.equal((await decide(issuer, userCode.toLowerCase().replace('-', ' '))).status, 200);
});

test('a device request is for the one client, for openid, and with S256 or nothing', async (t) => {
  const issuer = await startDevIssuer(t);
  const rows: readonly (readonly [Record<string, string>, number, string])[] = [
    [{ client_id: 'other', scope: 'openid' }, 401, 'invalid_client'],
    [{ scope: 'openid' }, 401, 'invalid_client'],
    [{ client_id: 'sigstore', client_secret: 'x', scope: 'openid' }, 401, 'invalid_client'],
    [{ client_id: 'sigstore', scope: 'email' }, 400, 'invalid_scope'],
    [{ client_id: 'sigstore' }, 400, 'invalid_scope'],
    [{ client_id: 'sigstore', scope: 'openid', code_challenge: 'x' }, 400, 'invalid_request'],
    [{ client_id: 'sigstore', scope: 'openid', code_challenge_method: 'plain' }, 400, 'invalid_request'],
  ];
  for (const [body, status, code] of rows) {
    assert.deepEqual(await error(issuer.send('/device/code', { body })), [status, code], JSON.stringify(body));
  }
});

test('waiting devices are limited, and expired ones make room', async (t) => {
  const issuer = await startDevIssuer(t);
  const body = { client_id: 'sigstore', scope: 'openid' };
  const codes = new Set<unknown>();
  for (let count = 0; count < 1000; count++) codes.add((await issuer.send('/device/code', { body })).json['user_code']);
  assert.equal(codes.size, 1000);
  assert.deepEqual(await error(issuer.send('/device/code', { body })), [429, 'temporarily_unavailable']);
  later(issuer.clock, 1200);
  assert.equal((await issuer.send('/device/code', { body })).status, 200);
});
