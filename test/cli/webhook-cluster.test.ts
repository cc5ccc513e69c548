/** The program itself against a real kube-apiserver: what an operator types, from the manifests to the removal. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { Sandbox, SEALWRIGHT, errorCode } from '../support/command-line.ts';
import { FakeInstance } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';

const IMAGE = `registry.example/sealwright@sha256:${'d'.repeat(64)}`;
const sandbox = new Sandbox();
const ROOT = sandbox.path('trusted_root.json');
writeFileSync(ROOT, encodeTrustedRoot(new FakeInstance().trustedRoot));
after(() => {
  sandbox.remove();
});

/** With the rights of the webhook's own account, and no others. */
async function ownKubeconfig(cluster: KubeCluster): Promise<string> {
  const token = await cluster.must(['create', 'token', 'sealwright-webhook', '-n', 'cosign-system']);
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
  const [user] = config.users;
  const path = sandbox.path('own.kubeconfig');
  writeFileSync(path, stringify({ ...config, users: [{ name: user?.name, user: { token: token.trim() } }] }));
  return path;
}

/** A replica as its Deployment starts it, but for where it runs; resolves when it says that it is ready. */
async function startReplica(t: TestContext, kubeconfig: string): Promise<() => string> {
  const args = [
    'webhook',
    '--kubeconfig',
    kubeconfig,
    '--port',
    '0',
    '--trusted-root',
    ROOT,
    '--namespaces',
    'opt-in',
    '--certificate-secret',
    'sealwright-webhook-tls',
    '--self-signed-name',
    'sealwright-webhook.cosign-system.svc',
  ];
  const child = spawn(SEALWRIGHT, args, {
    env: { PATH: process.env['PATH'], HOME: sandbox.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(async () => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.includes('webhook ready')) resolve();
    });
    child.once('exit', () => {
      reject(new Error(output));
    });
  });
  return () => output;
}

interop('kube-apiserver', 'both', 'webhook install, status and uninstall, as typed', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const { kubeconfig } = cluster;
  const run = (...args: readonly string[]): ReturnType<Sandbox['run']> =>
    sandbox.run(['webhook', ...args, '--kubeconfig', kubeconfig]);
  const install = ['install', '--image', IMAGE, '--trusted-root', ROOT];

  assert.match((await run('status')).stdout, /^replicas in cosign-system: 0 of 0 ready\n$/);
  assert.match((await run('uninstall')).stdout, /there was nothing to remove/);
  // No node, and so no replica: it says so, and the API server was not told.
  const waited = await run(...install, '--wait', '1s');
  assert.equal(errorCode(waited), 'REMOTE_TIMEOUT');
  assert.equal((await cluster.kubectl(['get', 'mutatingwebhookconfiguration', 'sealwright'])).exitCode, 1);
  const told = await run('status');
  assert.deepEqual([told.exitCode, errorCode(told)], [1, 'USAGE_INSTALLATION']);
  assert.match(
    told.stdout,
    /problem: the webhook runs, and the API server does not ask it.*\n {2}fix: sealwright webhook install --image=registry\.example\/sealwright@sha256:d{64}\n/,
  );

  // The manifests by hand, all at once: the replicas write the authority.
  const { stdout: manifests } = await run(...install, '--dry-run');
  await cluster.must(['apply', '-f', '-'], manifests);
  const empty = await run('status');
  assert.match(empty.stdout, /problem: mutate\.images\.sealwright has no authority in its caBundle/);
  const output = await startReplica(t, await ownKubeconfig(cluster));
  const { stdout } = await run('status', '-o', 'json');
  const { webhooks, problems } = JSON.parse(stdout) as { webhooks: object[]; problems: { text: string }[] };
  assert.equal(webhooks.length, 5);
  assert.ok(problems.length > 0 && problems.every(({ text }) => !text.includes('authority')), stdout);
  assert.ok(
    problems.some(({ text }) => text.includes('cosign-system/sealwright-webhook, where no pod is ready, and refuses')),
  );
  // Its account may do no more than that.
  const asked = async (verb: string, resource: string, ...more: readonly string[]): Promise<string> => {
    const account = 'system:serviceaccount:cosign-system:sealwright-webhook';
    return (await cluster.kubectl(['auth', 'can-i', verb, resource, `--as=${account}`, ...more])).stdout.trim();
  };
  for (const [verb, resource, ...more] of [
    ['list', 'secrets', '-A'],
    ['update', 'secrets/other', '-n', 'cosign-system'],
    ['create', 'secrets', '-n', 'cosign-system'],
    ['update', 'secrets/sealwright-webhook-tls', '-n', 'shop'],
    ['delete', 'mutatingwebhookconfigurations/sealwright'],
    ['patch', 'mutatingwebhookconfigurations/other'],
    ['update', 'clusterimagepolicies'],
    ['create', 'pods', '-A'],
    ['impersonate', 'users'],
  ] as const) {
    assert.equal(await asked(verb, resource, ...more), 'no', `${verb} ${resource}`);
  }
  assert.equal(await asked('patch', 'mutatingwebhookconfigurations/sealwright'), 'yes');
  // Applied again, as after an update: the authority stays.
  await cluster.must(['apply', '-f', '-'], manifests);
  assert.ok(!(await run('status')).stdout.includes('authority'));

  // Whatever the account lacked would have been logged.
  assert.doesNotMatch(output(), /forbidden|"level":"?(error|50)/i);

  const removed = await run('uninstall');
  assert.equal(removed.exitCode, 0, removed.stderr);
  assert.match(removed.stdout, /objects removed; policies and the namespace stay/);
  const clean = await run('status');
  assert.deepEqual([clean.exitCode, clean.stdout], [0, 'replicas in cosign-system: 0 of 0 ready\n']);
  assert.match((await run('uninstall', '--purge')).stdout, /objects removed\n$/);
  // A definition goes when its objects have gone, behind the answer.
  await cluster.kubectl(['wait', '--for=delete', 'crd/clusterimagepolicies.policy.sigstore.dev', '--timeout=60s']);
  const definition = await cluster.kubectl(['get', 'crd', 'clusterimagepolicies.policy.sigstore.dev']);
  assert.match(definition.stderr, /NotFound/);
});
