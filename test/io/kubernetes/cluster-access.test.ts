import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openInClusterAccess, openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealwright-kubeconfig-'));
  t.after(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function kubeconfig(user: string, cluster = "server: 'https://127.0.0.1:6443/'"): string {
  return `apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: n}}
- {name: two, context: {cluster: d, user: u}}
clusters:
- name: c
  cluster: {${cluster}}
- {name: d, cluster: {server: 'https://other.example'}}
users:
- {name: u, user: {${user}}}
`;
}

function write(dir: string, content: string): string {
  const path = join(dir, 'kubeconfig');
  writeFileSync(path, content);
  return path;
}

test('the current context, or the one that is named, with a token', async (t) => {
  const path = write(folder(t), kubeconfig('token: abc'));
  const access = await openKubeconfigAccess(path);
  assert.equal(access.server, 'https://127.0.0.1:6443');
  assert.equal(await access.authorization(), 'Bearer abc');
  assert.equal((await openKubeconfigAccess(path, 'two')).server, 'https://other.example');
});

test('files are beside the kubeconfig, and a token file is read each time', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'ca.crt'), 'PEM');
  writeFileSync(join(dir, 'token'), 'first\n');
  const path = write(dir, kubeconfig('tokenFile: token', "server: 'https://x', certificate-authority: ca.crt"));
  const access = await openKubeconfigAccess(path);
  assert.equal(await access.authorization(), 'Bearer first');
  writeFileSync(join(dir, 'token'), 'second\n');
  assert.equal(await access.authorization(), 'Bearer second');
});

test('a client certificate needs no Authorization', async (t) => {
  const data = Buffer.from('PEM').toString('base64');
  const access = await openKubeconfigAccess(
    write(folder(t), kubeconfig(`client-certificate-data: ${data}, client-key-data: ${data}`)),
  );
  assert.equal(await access.authorization(), undefined);
});

const REFUSED: readonly (readonly [what: string, content: string, code: string])[] = [
  ['no YAML', 'a: [', 'USAGE_BAD_CONFIG'],
  ['an empty file', '', 'USAGE_BAD_CONFIG'],
  ['a list', '[1]', 'USAGE_BAD_CONFIG'],
  ['no current context', kubeconfig('token: a').replace('current-context: one', ''), 'USAGE_BAD_CONFIG'],
  [
    'a context that is not there',
    kubeconfig('token: a').replace('current-context: one', 'current-context: x'),
    'USAGE_BAD_CONFIG',
  ],
  ['a cluster that is not there', kubeconfig('token: a').replace('cluster: c,', 'cluster: x,'), 'USAGE_BAD_CONFIG'],
  ['a user that is not there', kubeconfig('token: a').replace('user: u,', 'user: x,'), 'USAGE_BAD_CONFIG'],
  ['no server', kubeconfig('token: a', 'tls-server-name: x'), 'USAGE_BAD_CONFIG'],
  ['a helper program', kubeconfig('exec: {command: aws}'), 'USAGE_BAD_CONFIG'],
  ['an auth provider', kubeconfig('auth-provider: {name: gcp}'), 'USAGE_BAD_CONFIG'],
  ['a password', kubeconfig('username: a, password: b'), 'USAGE_BAD_CONFIG'],
  ['data that is not base64', kubeconfig('client-certificate-data: "***"'), 'USAGE_BAD_CONFIG'],
  [
    'a file that is not there',
    kubeconfig('token: a', "server: 'https://x', certificate-authority: nowhere"),
    'USAGE_FILE',
  ],
];

for (const [what, content, code] of REFUSED) {
  test(`${what}: refused, without a secret in the message`, async (t) => {
    const path = write(folder(t), content);
    await assert.rejects(openKubeconfigAccess(path), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

test('no kubeconfig at all', async (t) => {
  await assert.rejects(openKubeconfigAccess(join(folder(t), 'nowhere')), { code: 'USAGE_FILE' });
});

test("in a pod: the service account's files and the environment", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'ca.crt'), 'PEM');
  writeFileSync(join(dir, 'token'), 'first');
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };
  const access = await openInClusterAccess(environment, dir);
  assert.equal(access.server, 'https://10.0.0.1:6443');
  assert.equal(await access.authorization(), 'Bearer first');
  writeFileSync(join(dir, 'token'), 'rotated');
  assert.equal(await access.authorization(), 'Bearer rotated');
  assert.equal(
    (await openInClusterAccess({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, dir)).server,
    'https://[fd00::1]:443',
  );
});

test('outside a pod, and in one without a service account', async (t) => {
  await assert.rejects(openInClusterAccess({}, folder(t)), { code: 'USAGE_BAD_CONFIG' });
  await assert.rejects(openInClusterAccess({ KUBERNETES_SERVICE_HOST: 'h' }, folder(t)), { code: 'USAGE_FILE' });
});
