/** Keys at a URL, in GitLab's variables and in a cluster's secrets, each played by a peer on loopback. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encryptPrivateKey } from '../../../src/core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { renderError, type SealwrightError } from '../../../src/errors.ts';
import { loadPublicKey, loadSigningKey } from '../../../src/io/keys/key-loader.ts';
import { parseKeyReference } from '../../../src/io/keys/key-reference.ts';
import type { PasswordSource } from '../../../src/io/keys/password.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { generateKeyPairAt } from '../../../src/workflows/sign/generate-key-pair.ts';
import { peerServer, type PeerServer } from '../../support/peer-server.ts';

const http = new HttpClient({ retry: { retries: 0 } });
const unasked: PasswordSource = () => assert.fail('a password was asked for');
const given: PasswordSource = () => Promise.resolve(utf8('a password'));

async function refused(run: Promise<unknown>, code: string, words = /./): Promise<void> {
  await assert.rejects(run, (error: SealwrightError) => {
    assert.equal(error.code, code, renderError(error));
    assert.match(renderError(error), words);
    return true;
  });
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealwright-keys-'));
  t.after(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

test('references are told apart, and what is none is refused', () => {
  for (const [text, expected] of [
    ['cosign.key', { kind: 'file', path: 'cosign.key' }],
    ['./odd:name', { kind: 'file', path: './odd:name' }],
    ['env://KEY', { kind: 'environment', variable: 'KEY' }],
    ['https://example.com/k.pub', { kind: 'url', url: 'https://example.com/k.pub' }],
    ['k8s://ns/name', { kind: 'kubernetes', namespace: 'ns', name: 'name' }],
    ['gitlab://group/project', { kind: 'gitlab', owner: 'group/project' }],
    ['awskms:///alias/x', { kind: 'plugin', name: 'awskms', resource: '/alias/x' }],
  ] as const) {
    assert.deepEqual(parseKeyReference(text), expected);
  }
  for (const text of [
    'env://',
    'k8s://one',
    'k8s://a/b/c',
    'k8s://A/b',
    'k8s://../x',
    'gitlab://',
    'x.y://k',
    'kms://',
  ]) {
    assert.throws(() => parseKeyReference(text), { code: 'USAGE_BAD_FLAG' }, text);
  }
  assert.throws(() => parseKeyReference('pkcs11:token=t;object=o'), { code: 'USAGE_BAD_FLAG' });
});

test('a key at a URL; what is not there, too large or no key is refused', async (t) => {
  const key = PrivateKey.generate('ecdsa-p256');
  const bodies: Readonly<Record<string, string>> = {
    '/k.pub': key.publicKey.toPem(),
    '/k.key': encryptPrivateKey(key, utf8('a password')),
    '/page': '<html>',
    '/large': 'x'.repeat(1 << 20),
  };
  const server = await peerServer(t, ({ url = '' }, response) => {
    response.writeHead(bodies[url] === undefined ? 404 : 200).end(bodies[url]);
  });
  assert.ok((await loadPublicKey(`${server.url}/k.pub`, { http, environment: {} })).equals(key.publicKey));
  const loaded = await loadSigningKey(`${server.url}/k.key`, { http, environment: {}, password: given });
  assert.ok(loaded.publicKey.equals(key.publicKey));
  await refused(loadPublicKey(`${server.url}/none`, { http, environment: {} }), 'REMOTE_STATUS');
  await refused(loadPublicKey(`${server.url}/large`, { http, environment: {} }), 'REMOTE_BODY', /sent too much/);
  await refused(loadPublicKey(`${server.url}/page`, { http, environment: {} }), 'FORMAT_PEM');
  await refused(loadPublicKey('http://192.0.2.1/k.pub', { http, environment: {} }), 'USAGE_BAD_CONFIG');
});

interface Gitlab extends PeerServer {
  readonly variables: Map<string, string>;
}

type Reply = readonly [status: number, document?: object];

function answering(reply: (request: IncomingMessage, body: Buffer) => Reply): Parameters<typeof peerServer>[1] {
  return (request, response, body) => {
    const [status, document = {}] = reply(request, body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };
}

/** GitLab's REST API v4, as far as CI variables go. */
async function gitlab(t: TestContext, kind: 'projects' | 'groups', failsAt?: string): Promise<Gitlab> {
  const variables = new Map<string, string>();
  const owner = `/api/v4/${kind}/${encodeURIComponent('group/app')}`;
  const reply = ({ url = '', method, headers }: IncomingMessage, body: Buffer): Reply => {
    if (headers['private-token'] !== 'secret') return [401];
    if (url === owner) return [200, { id: 1 }];
    if (method === 'POST' && url === `${owner}/variables`) {
      const { key, value } = JSON.parse(body.toString()) as { key: string; value: string };
      if (key === failsAt) return [500];
      if (variables.has(key)) return [400, { message: { key: ['has already been taken'] } }];
      variables.set(key, value);
      return [201];
    }
    const name = url.startsWith(`${owner}/variables/`) ? (url.split('/').at(-1) ?? '') : '';
    const value = variables.get(name);
    if (value === undefined) return [404];
    if (method === 'DELETE') variables.delete(name);
    return method === 'DELETE' ? [204] : [200, { key: name, value }];
  };
  return { ...(await peerServer(t, answering(reply))), variables };
}

for (const kind of ['projects', 'groups'] as const) {
  test(`a key pair among the CI variables of GitLab's ${kind}`, async (t) => {
    const server = await gitlab(t, kind);
    const environment = { GITLAB_HOST: server.url, GITLAB_TOKEN: 'secret' };
    const sources = { http, environment };
    const prefix = join(folder(t), 'pair');
    const reference = 'gitlab://group/app';
    await refused(loadSigningKey(reference, { ...sources, password: unasked }), 'NOT_FOUND');
    const made = await generateKeyPairAt({ reference, prefix, password: given, sources });
    assert.deepEqual([...server.variables.keys()].sort(), [
      'COSIGN_PASSWORD',
      'COSIGN_PRIVATE_KEY',
      'COSIGN_PUBLIC_KEY',
    ]);
    assert.equal(readFileSync(`${prefix}.pub`, 'utf8'), made.publicKey.toPem());
    assert.ok((await loadPublicKey(reference, sources)).equals(made.publicKey));
    const key = await loadSigningKey(reference, { ...sources, password: unasked });
    assert.ok(key.publicKey.equals(made.publicKey));

    await refused(generateKeyPairAt({ reference, prefix, password: given, sources }), 'USAGE_FILE', /\.pub/);
    const again = { reference, prefix: `${prefix}-2`, password: given, sources };
    await refused(generateKeyPairAt(again), 'USAGE_FILE', /COSIGN_PASSWORD/);
    assert.equal(server.variables.get('COSIGN_PUBLIC_KEY'), made.publicKey.toPem());
    await refused(
      loadPublicKey(reference, { http, environment: { ...environment, GITLAB_TOKEN: 'x' } }),
      'REMOTE_STATUS',
    );
  });
}

test('of variables that cannot all be made in GitLab, none stays', async (t) => {
  const server = await gitlab(t, 'projects', 'COSIGN_PUBLIC_KEY');
  const sources = { http, environment: { GITLAB_HOST: server.url, GITLAB_TOKEN: 'secret' } };
  const prefix = join(folder(t), 'pair');
  await refused(
    generateKeyPairAt({ reference: 'gitlab://group/app', prefix, password: given, sources }),
    'REMOTE_STATUS',
  );
  assert.deepEqual([...server.variables.keys()], []);
});

/** The API server's secrets, and a kubeconfig that leads there. */
async function cluster(t: TestContext): Promise<{ environment: Record<string, string>; secrets: Map<string, object> }> {
  const secrets = new Map<string, object>();
  const reply = ({ url = '', method, headers }: IncomingMessage, body: Buffer): Reply => {
    if (headers.authorization !== 'Bearer abc') return [403, { message: 'secrets is forbidden' }];
    const stored = secrets.get(url);
    if (method !== 'POST') return stored === undefined ? [404, { message: 'not found' }] : [200, stored];
    const secret = JSON.parse(body.toString()) as { metadata: { name: string } };
    const path = `${url}/${secret.metadata.name}`;
    if (secrets.has(path)) return [409, { message: 'already exists' }];
    secrets.set(path, secret);
    return [201, secret];
  };
  const server = await peerServer(t, answering(reply));
  return { environment: { KUBECONFIG: kubeconfig(t, server.url, 'abc') }, secrets };
}

function kubeconfig(t: TestContext, server: string, token: string): string {
  const path = join(folder(t), 'kubeconfig');
  writeFileSync(
    path,
    `current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: '${server}'}}]
users: [{name: u, user: {token: ${token}}}]
`,
  );
  return path;
}

test('a key pair in an immutable secret, with its password beside it', async (t) => {
  const { environment, secrets } = await cluster(t);
  const sources = { http, environment };
  const prefix = join(folder(t), 'pair');
  const reference = 'k8s://ci/signing';
  await refused(loadSigningKey(reference, { ...sources, password: unasked }), 'NOT_FOUND');
  const { publicKey } = await generateKeyPairAt({ reference, prefix, password: given, sources });
  const [secret] = [...secrets.values()] as [{ immutable: boolean; data: Record<string, string> }];
  assert.equal(secret.immutable, true);
  assert.deepEqual(Object.keys(secret.data).sort(), ['cosign.key', 'cosign.password', 'cosign.pub']);
  assert.ok((await loadSigningKey(reference, { ...sources, password: unasked })).publicKey.equals(publicKey));
  assert.ok((await loadPublicKey(reference, sources)).equals(publicKey));

  const again = { reference, prefix: `${prefix}-2`, password: given, sources };
  await refused(generateKeyPairAt(again), 'USAGE_FILE', /stays as it is/);
});

test('a secret that may not be read, or holds no key, is refused', async (t) => {
  const { environment, secrets } = await cluster(t);
  secrets.set('/api/v1/namespaces/ci/secrets/empty', { data: { other: '' } });
  secrets.set('/api/v1/namespaces/ci/secrets/bad', { data: { 'cosign.key': '%%' } });
  const load = (name: string, variables: Record<string, string> = environment): Promise<unknown> =>
    loadSigningKey(`k8s://ci/${name}`, { http, environment: variables, password: unasked });
  await refused(load('empty'), 'USAGE_FILE', /holds no private key/);
  await refused(load('bad'), 'REMOTE_BODY');
  const config = readFileSync(environment['KUBECONFIG'] ?? '', 'utf8');
  const other = join(folder(t), 'kubeconfig');
  writeFileSync(other, config.replace('token: abc', 'token: other'));
  await refused(load('empty', { KUBECONFIG: other }), 'USAGE_FILE', /status 403: secrets is forbidden/);
  await refused(load('empty', { KUBECONFIG: `${other}:${other}` }), 'USAGE_BAD_CONFIG', /several files/);
  await refused(load('empty', {}), 'USAGE_BAD_CONFIG', /pod/);
});
