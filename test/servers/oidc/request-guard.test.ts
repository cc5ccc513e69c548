/** Who may talk to the issuer at all: programs and pages of this machine, by its loopback names. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { createDevIssuer } from '../../../src/servers/oidc/dev-issuer.ts';
import { SECRET, authorizationQuery, ownPage, proofKey, startDevIssuer } from '../../support/dev-issuer.ts';

const BEARER = { authorization: `Bearer ${SECRET}` };
const ENDPOINTS = [
  ['GET', '/.well-known/openid-configuration'],
  ['GET', '/jwks'],
  ['GET', '/auth'],
  ['POST', '/auth'],
  ['GET', '/device'],
  ['POST', '/device'],
  ['POST', '/device/code'],
  ['POST', '/token'],
  ['POST', '/test-token'],
  ['GET', '/userinfo'],
] as const;

test('a rebound name gets nothing from any endpoint, with the right secret too', async (t) => {
  const issuer = await startDevIssuer(t);
  const hosts = [
    'evil.example',
    `evil.example:${issuer.port}`,
    `127.0.0.1.evil.example:${issuer.port}`,
    `localhost.evil.example:${issuer.port}`,
    `evil.localhost:${issuer.port}`,
    `127.0.0.1:${issuer.port}@evil.example`,
    `evil.example/127.0.0.1`,
    `evil.example#127.0.0.1`,
    '192.168.1.1',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
    '[fe80::1]',
    ' ',
    'localhost.',
  ];
  for (const host of hosts) {
    for (const [method, path] of ENDPOINTS) {
      const answer = await issuer.send(path, {
        method,
        headers: { host, ...BEARER, 'content-type': 'application/x-www-form-urlencoded' },
        ...(method === 'POST' ? { body: 'email=dev@example.com' } : {}),
      });
      // Node itself refuses a Host that is no host.
      if (answer.status === 400 && answer.text === '') continue;
      assert.deepEqual([answer.status, answer.json['code']], [403, 'AUTH_FORBIDDEN'], `${host} ${path}`);
    }
  }
});

test('every loopback name is taken', async (t) => {
  const issuer = await startDevIssuer(t);
  for (const host of ['127.0.0.1', `127.0.0.1:${issuer.port}`, 'localhost', 'LOCALHOST:1', '[::1]:1', '127.1.2.3']) {
    assert.equal((await issuer.send('/jwks', { headers: { host } })).status, 200, host);
  }
});

test('a web page gets no token and no device code, whatever it knows', async (t) => {
  const issuer = await startDevIssuer(t);
  const marks: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://${issuer.host}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-origin' },
    { referer: 'https://evil.example/' },
  ];
  for (const mark of marks) {
    const headers = { ...BEARER, ...mark };
    const test = await issuer.send('/test-token', { headers, body: { email: 'dev@example.com' } });
    assert.deepEqual([test.status, test.json['code']], [403, 'AUTH_FORBIDDEN'], JSON.stringify(mark));
    const credentials = { grant_type: 'client_credentials', client_id: 'sigstore', client_secret: SECRET };
    const token = await issuer.send('/token', { headers: mark, body: credentials });
    assert.deepEqual([token.status, token.json['error']], [403, 'invalid_request'], JSON.stringify(mark));
    const device = await issuer.send('/device/code', {
      headers: mark,
      body: { client_id: 'sigstore', scope: 'openid email' },
    });
    assert.equal(device.status, 403, JSON.stringify(mark));
    const info = await issuer.send('/userinfo', { headers });
    assert.deepEqual([info.status, info.json['code']], [403, 'AUTH_FORBIDDEN'], JSON.stringify(mark));
  }
});

test('the forms take only what our own page sent', async (t) => {
  const issuer = await startDevIssuer(t);
  const query = authorizationQuery(proofKey().challenge);
  const own = ownPage(issuer);
  const rows: readonly Record<string, string>[] = [
    {},
    { ...own, origin: 'https://evil.example' },
    { ...own, origin: 'null' },
    { ...own, origin: `https://${issuer.host}` },
    { ...own, origin: `http://localhost:${issuer.port}` },
    { ...own, origin: `http://127.0.0.1:${issuer.port + 1}` },
    { ...own, 'sec-fetch-site': 'cross-site' },
    { ...own, 'sec-fetch-site': 'same-site' },
    { ...own, 'sec-fetch-site': 'none' },
  ];
  for (const headers of rows) {
    for (const path of [`/auth${query}`, '/device']) {
      const body = { email: 'dev@example.com', secret: SECRET, user_code: 'BCDF-GHJK', decision: 'approve' };
      const answer = await issuer.send(path, { headers, body });
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
      assert.equal(answer.headers.location, undefined);
    }
  }
});

test('nothing may be read across origins', async (t) => {
  const issuer = await startDevIssuer(t);
  for (const [method, path] of ENDPOINTS) {
    const answer = await issuer.send(path, { method, headers: { origin: 'https://evil.example' } });
    assert.equal(answer.headers['access-control-allow-origin'], undefined, path);
  }
  const preflight = await issuer.send('/test-token', {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.status, 404);
});

test('headers and bodies have limits', async (t) => {
  const issuer = await startDevIssuer(t);
  const large = await issuer.send('/jwks', { headers: { 'x-large': 'a'.repeat(17 << 10) } });
  assert.equal(large.status, 431);
  const body = `email=dev@example.com&x=${'y'.repeat(16 << 10)}`;
  const headers = { ...BEARER, 'content-type': 'application/x-www-form-urlencoded' };
  const test = await issuer.send('/test-token', { method: 'POST', headers, body });
  assert.deepEqual([test.status, test.json['code']], [413, 'LIMIT_SIZE']);
  const token = await issuer.send('/token', {
    method: 'POST',
    headers: { 'content-type': headers['content-type'] },
    body,
  });
  assert.deepEqual([token.status, token.json['error']], [413, 'invalid_request']);
});

test('a body that is no form, or no UTF-8, is refused', async (t) => {
  const issuer = await startDevIssuer(t);
  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', '']) {
    const answer = await issuer.send('/token', {
      method: 'POST',
      headers: type === '' ? {} : { 'content-type': type },
      body: '{"grant_type":"client_credentials"}',
    });
    assert.deepEqual([answer.status, answer.json['error']], [400, 'invalid_request'], type);
  }
  const answer = await rawPost(issuer.port, '/oidc/token', Buffer.from([0x61, 0x3d, 0xff, 0xfe]));
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.match(answer, /"error":"invalid_request"/);
});

test('it does not start where other machines could reach it', () => {
  const key = PrivateKey.generate('ecdsa-p256');
  const make = (host: string, issuerUrl: string) => () =>
    createDevIssuer({ host, issuerUrl, key, developerSecret: SECRET, now: () => new Date() });
  const good = 'http://127.0.0.1:5080/oidc';
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com', 'evil.localhost', '', '127.0.0.1.example.com']) {
    assert.throws(make(host, good), { code: 'USAGE_NOT_LOOPBACK' }, host);
  }
  for (const url of ['http://example.com/oidc', 'http://192.168.1.1:5080/oidc', 'http://x.localhost/oidc', 'none']) {
    assert.throws(make('127.0.0.1', url), { code: 'USAGE_NOT_LOOPBACK' }, url);
  }
  for (const url of [`${good}/`, 'https://127.0.0.1/oidc', `${good}?x=1`, `${good}#x`, 'http://u@127.0.0.1/oidc']) {
    assert.throws(make('127.0.0.1', url), { code: 'USAGE_BAD_CONFIG' }, url);
  }
  for (const host of ['127.0.0.1', '::1', '[::1]', 'localhost', '127.8.8.8'])
    assert.doesNotThrow(make(host, good), host);
});

test('it does not start with a secret that can be guessed, or a key that clients cannot use', () => {
  const options = { host: '127.0.0.1', issuerUrl: 'http://127.0.0.1:5080/oidc', now: () => new Date() };
  const key = PrivateKey.generate('ecdsa-p256');
  assert.throws(() => createDevIssuer({ ...options, key, developerSecret: '' }), { code: 'USAGE_BAD_CONFIG' });
  assert.throws(() => createDevIssuer({ ...options, key, developerSecret: 'fifteen-letters' }), {
    code: 'USAGE_BAD_CONFIG',
  });
  const unusable = PrivateKey.generate('ed25519');
  assert.throws(() => createDevIssuer({ ...options, key: unusable, developerSecret: SECRET }), {
    code: 'USAGE_BAD_CONFIG',
  });
});

test('it warns at every start', async (t) => {
  const { warnings } = await startDevIssuer(t);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /development/);
});

function rawPost(port: number, path: string, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n` +
          `content-type: application/x-www-form-urlencoded\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
      socket.write(body);
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => {
      resolve(text);
    });
    socket.on('error', reject);
  });
}
