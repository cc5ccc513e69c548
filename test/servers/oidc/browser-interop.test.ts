/** The pages in a real browser, under its own rules about forms, origins, policies and loopback. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startBrowser, type BrowserPage } from '../../support/browser.ts';
import { SECRET, authorizationQuery, proofKey, startDevIssuer, type TestIssuer } from '../../support/dev-issuer.ts';
import { interop } from '../../support/interop.ts';
import { peerServer, type PeerServer } from '../../support/peer-server.ts';

/** The program that waits for the code. */
function program(t: TestContext): Promise<PeerServer> {
  return peerServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Program</title>Thank you');
  });
}

function fill(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([id, value]) => `document.getElementById(${JSON.stringify(id)}).value = ${JSON.stringify(value)};`)
    .join('');
}

const PRESS = "document.querySelector('button').click()";

/** Everything a screen reader needs, and nothing that the policy would have stopped. */
async function checkPage(page: BrowserPage): Promise<void> {
  const unnamed = await page.evaluate(
    "[...document.querySelectorAll('input')].filter((field) => field.labels.length !== 1).map((field) => field.id)",
  );
  assert.deepEqual(unnamed, []);
  assert.equal(await page.evaluate("document.querySelectorAll('h1').length"), 1);
  assert.equal(await page.evaluate('document.documentElement.lang'), 'en');
  assert.notEqual(await page.evaluate("getComputedStyle(document.querySelector('.warning')).borderStyle"), 'none');
}

function authorizationUrl(issuer: TestIssuer, redirectUri: string, challenge: string): string {
  return `${issuer.url}/auth${authorizationQuery(challenge, { redirect_uri: redirectUri })}`;
}

interop('chromium', 'peer → sealwright', 'login: page, form, redirect to the program', async (t, executable) => {
  const issuer = await startDevIssuer(t);
  const page = await startBrowser(t, executable);
  const waiting = await program(t);
  for (const host of ['localhost', '127.0.0.1']) {
    const { verifier, challenge } = proofKey();
    const redirectUri = `http://${host}:${new URL(waiting.url).port}/auth/callback`;
    await page.open(authorizationUrl(issuer, redirectUri, challenge));
    await checkPage(page);
    await page.follow(fill({ email: 'dev@example.com', secret: 'a wrong secret' }) + PRESS);
    assert.match(String(await page.evaluate("document.querySelector('[role=alert]').textContent")), /missing or wrong/);
    assert.equal(await page.evaluate("document.getElementById('email').value"), 'dev@example.com');
    await page.follow(fill({ secret: SECRET }) + PRESS);
    assert.equal(await page.evaluate('document.title'), 'Program');
    const code = new URL(String(await page.evaluate('location.href'))).searchParams.get('code') ?? '';
    assert.equal(await page.evaluate('document.referrer'), '');
    const body = { grant_type: 'authorization_code', client_id: 'sigstore', code, code_verifier: verifier };
    assert.equal((await issuer.send('/token', { body: { ...body, redirect_uri: redirectUri } })).status, 200);
  }
  // The one complaint of a good page is the status of the answer to a wrong secret.
  assert.deepEqual(
    page.complaints.filter((text) => !/403|favicon/.test(text)),
    [],
  );
});

interop('chromium', 'peer → sealwright', 'login: a device approved, and one refused', async (t, executable) => {
  const issuer = await startDevIssuer(t);
  const page = await startBrowser(t, executable);
  for (const [button, title, error] of [
    ['approve', 'Done', undefined],
    ['deny', 'Done', 'access_denied'],
  ] as const) {
    const { json } = await issuer.send('/device/code', { body: { client_id: 'sigstore', scope: 'openid email' } });
    await page.open(String(json['verification_uri_complete']));
    await checkPage(page);
    const email = button === 'approve' ? 'device@example.com' : '';
    const press = `document.querySelector('button[value=${button}]').click()`;
    await page.follow(fill({ email, secret: SECRET }) + press);
    assert.equal(await page.evaluate('document.title'), title);
    const poll = await issuer.send('/token', {
      body: {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        client_id: 'sigstore',
        device_code: String(json['device_code']),
      },
    });
    assert.equal(poll.json['error'], error);
  }
});

interop(
  'chromium',
  'peer → sealwright',
  'login: other pages get nothing, not even by a rebound name',
  async (t, executable) => {
    const issuer = await startDevIssuer(t);
    const stranger = await program(t);
    const page = await startBrowser(t, executable);
    const { challenge } = proofKey();
    const auth = authorizationUrl(issuer, `${stranger.url}/auth/callback`, challenge);
    const attempt = (url: string, init: string): Promise<unknown> =>
      page.evaluate(`fetch(${JSON.stringify(url)}, ${init}).then((answer) => answer.status, () => 'refused')`);
    const form = `new URLSearchParams(${JSON.stringify({ email: 'dev@example.com', secret: SECRET })})`;
    await page.open(`${stranger.url}/evil`);
    assert.equal(await attempt(`${issuer.url}/test-token`, `{ method: 'POST', body: ${form} }`), 'refused');
    const headers = JSON.stringify({ authorization: `Bearer ${SECRET}` });
    const withSecret = `{ method: 'POST', headers: ${headers}, body: ${form} }`;
    assert.equal(await attempt(`${issuer.url}/test-token`, withSecret), 'refused');
    assert.equal(await attempt(auth, "{ mode: 'cors' }"), 'refused', 'the page cannot be read');
    // A form that another page sends, with everything right in it.
    await page.follow(
      `document.body.innerHTML = '<form method=post></form>'; const form = document.querySelector('form');` +
        `form.action = ${JSON.stringify(auth)};` +
        `for (const [name, value] of ${form}) { const field = document.createElement('input'); field.name = name; field.value = value; form.append(field); }` +
        'form.submit()',
    );
    assert.match(
      String(await page.evaluate('document.body.textContent')),
      /not sent from a page of the development issuer/,
    );
    assert.ok(!stranger.seen.some((line) => line.includes('code=')));
    // Names below localhost lead to loopback without asking anybody: what a rebound name looks like from here.
    await page.open(auth.replace('127.0.0.1', 'evil.localhost'));
    assert.match(String(await page.evaluate('document.body.textContent')), /AUTH_FORBIDDEN/);
  },
);
