/** A development issuer that listens on loopback, with a clock that the test moves, and a client that can send anything. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import { Hono } from 'hono';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { createDevIssuer, type DevIssuer } from '../../src/servers/oidc/dev-issuer.ts';
import { listen } from '../../src/servers/shell/listen.ts';

export const SECRET = 'a-developer-secret-for-tests';
export const REDIRECT = 'http://localhost:4711/auth/callback';
/** 2048 bits take a while: one for all tests of a process. */
const KEY = PrivateKey.generate('rsa');

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Members of a JSON body. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Pairs are sent as a form. */
  readonly body?: string | readonly (readonly [string, string])[] | Readonly<Record<string, string>>;
}

export interface TestIssuer {
  /** The issuer's URL, `http://127.0.0.1:PORT/oidc`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly issuer: DevIssuer;
  /** Its clock, for the test to set. */
  readonly clock: { now: Date };
  /** What it warned of. */
  readonly warnings: string[];
  /** @param path below the issuer's URL */
  send(path: string, sent?: Sent): Promise<Answer>;
}

export async function startDevIssuer(
  t: TestContext,
  options: { key?: PrivateKey; start?: Date } = {},
): Promise<TestIssuer> {
  const clock = { now: options.start ?? new Date() };
  const warnings: string[] = [];
  const root = new Hono();
  const server = await listen(root, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close(0));
  const url = `${server.url}/oidc`;
  const issuer = createDevIssuer({
    issuerUrl: url,
    host: server.host,
    key: options.key ?? KEY,
    developerSecret: SECRET,
    now: () => clock.now,
    logger: {
      info: () => undefined,
      warn: (_facts, message) => warnings.push(message),
      error: (facts) => assert.fail(`unexpected: ${JSON.stringify(facts)}`),
    },
  });
  root.route('/oidc', issuer.routes);
  const send = (path: string, sent: Sent = {}): Promise<Answer> => sendTo(`${url}${path}`, sent);
  return { url, host: `127.0.0.1:${server.port}`, port: server.port, issuer, clock, warnings, send };
}

export function later(clock: { now: Date }, seconds: number): void {
  clock.now = new Date(clock.now.getTime() + seconds * 1000);
}

/** Nothing is added to what the test says, but for Host and the form's type. */
export function sendTo(url: string, sent: Sent): Promise<Answer> {
  const { body } = sent;
  const form = body === undefined || typeof body === 'string' ? body : encodeForm(body);
  const type = form === undefined || typeof body === 'string' ? {} : FORM_TYPE;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: sent.method ?? (form === undefined ? 'GET' : 'POST'), headers: { ...type, ...sent.headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(form);
  });
}

const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

function encodeForm(body: Exclude<Sent['body'], string | undefined>): string {
  const form = new URLSearchParams();
  for (const [name, value] of isPairs(body) ? body : Object.entries(body)) form.append(name, value);
  return form.toString();
}

function isPairs(body: object): body is readonly (readonly [string, string])[] {
  return Array.isArray(body);
}

/** A PKCE pair as cosign makes it: 64 characters of base64url. */
export function proofKey(): { verifier: string; challenge: string } {
  const verifier = randomBytes(48).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The authorization request that cosign 3.1.3 opens a browser with. */
export function authorizationQuery(
  challenge: string,
  change: Readonly<Record<string, string | undefined>> = {},
): string {
  const parameters: Record<string, string | undefined> = {
    access_type: 'online',
    client_id: 'sigstore',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    nonce: 'n-'.padEnd(128, '0'),
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid email',
    state: 's-'.padEnd(128, '1'),
    ...change,
  };
  const kept = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return `?${new URLSearchParams(kept).toString()}`;
}

/** What a browser adds when it sends a form of the issuer's own page. */
export function ownPage(issuer: TestIssuer): Record<string, string> {
  return { origin: `http://${issuer.host}`, 'sec-fetch-site': 'same-origin', referer: `${issuer.url}/auth` };
}

/** Logs in on the page, and gives the code that the redirect carries. */
export async function logIn(
  issuer: TestIssuer,
  challenge: string,
  change: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const answer = await issuer.send(`/auth${authorizationQuery(challenge, change)}`, {
    headers: ownPage(issuer),
    body: { email: 'dev@example.com', secret: SECRET },
  });
  assert.equal(answer.status, 303, answer.text);
  const code = new URL(answer.headers.location ?? '').searchParams.get('code');
  assert.ok(code !== null);
  return code;
}
