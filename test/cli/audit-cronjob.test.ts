/** The CronJob of docs/examples: a real API server takes it, its account can do what its command does, and nothing more. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { EXCEPTION_DEFINITIONS } from '../../src/core/policy/definitions/exception-definitions.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { World } from '../servers/webhook/world.ts';
import { Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { digestName } from './running-cluster.ts';

const MANIFEST = resolve(import.meta.dirname, '../../docs/examples/audit-cronjob.yaml');
const ACCOUNT = 'system:serviceaccount:sealwright-audit:sealwright-audit';
const DEFINITIONS = [...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS];
const WHO = 'auditor@example.test';

interface CronJob {
  readonly kind: string;
  readonly spec: { jobTemplate: { spec: { template: { spec: { containers: { args: string[] }[] } } } } };
}

interface Scheduled {
  readonly cluster: KubeCluster;
  readonly sandbox: Sandbox;
  readonly stack: SandboxStack;
  /** Its command, by its account, with its folders in the sandbox. */
  readonly run: () => Promise<Ended>;
}

async function schedule(t: TestContext): Promise<Scheduled | undefined> {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return undefined;
  const sandbox = new Sandbox();
  const stack = await SandboxStack.start(sandbox);
  t.after(async () => {
    await stack.stop();
    sandbox.remove();
  });
  for (const definition of DEFINITIONS) await cluster.create(definition);
  const names = DEFINITIONS.map(({ metadata }) => `crd/${(metadata as { name: string }).name}`);
  await cluster.must(['wait', '--for=condition=Established', ...names]);
  await cluster.create({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'signed' },
    spec: {
      images: [{ glob: '**' }],
      authorities: [{ keyless: { identities: [{ issuer: stack.status.issuer, subject: WHO }] } }],
    },
  });
  // Strict: a member that the API does not have is refused and not dropped.
  await cluster.must(['apply', '--validate=strict', '-f', MANIFEST]);
  for (const folder of ['trust', 'identity', 'series']) mkdirSync(sandbox.path(folder));
  writeFileSync(sandbox.path('trust/trusted_root.json'), readFileSync(stack.status.trustedRoot));
  writeFileSync(sandbox.path('trust/signing_config.json'), readFileSync(stack.status.signingConfig));
  writeFileSync(sandbox.path('identity/token'), await stack.token(WHO));
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
  const token = await cluster.must(['create', 'token', 'sealwright-audit', '-n', 'sealwright-audit']);
  const users = [{ name: config.users[0]?.name, user: { token: token.trim() } }];
  writeFileSync(sandbox.path('kubeconfig'), stringify({ ...config, users }));
  const documents = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map((one) => one.toJS() as CronJob);
  const job = documents.find(({ kind }) => kind === 'CronJob');
  const [container] = job?.spec.jobTemplate.spec.template.spec.containers ?? [];
  const args = (container?.args ?? []).map((word) => word.replace(/=\/(trust|identity|series)\//, '=./$1/'));
  return { cluster, sandbox, stack, run: () => sandbox.run(args, { environment: { KUBECONFIG: 'kubeconfig' } }) };
}

test('taken by the API server; its account sees everything, and signs what it saw into the series', async (t) => {
  const scheduled = await schedule(t);
  if (scheduled === undefined) return;
  const { cluster, sandbox, stack, run } = scheduled;
  await cluster.must(['create', 'namespace', 'shop']);
  await cluster.must(['create', 'serviceaccount', 'default', '-n', 'shop']);
  const image = digestName(await World.over(t, stack.status.registry).push('shop/app'));
  const pod = { metadata: { name: 'web', namespace: 'shop' }, spec: { containers: [{ name: 'c', image }] } };
  await cluster.create({ apiVersion: 'v1', kind: 'Pod', ...pod });
  for (let night = 0; night < 2; night++) {
    const ended = await run();
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.doesNotMatch(ended.stderr, /not looked at/);
  }
  const trend = await sandbox.run([
    ...['audit', 'trend', 'series', '-o', 'json', '--trusted-root', stack.status.trustedRoot],
    ...['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer],
  ]);
  const { snapshots } = JSON.parse(trend.stdout) as {
    snapshots: { containers: Record<string, number>; signature: { state: string }; since?: { agrees: boolean } }[];
  };
  assert.deepEqual(
    snapshots.map(({ containers, signature, since }) => [containers['unsigned'], signature.state, since?.agrees]),
    [
      [1, 'verified', undefined],
      [1, 'verified', true],
    ],
  );
  for (const [verb, resource] of [
    ['delete', 'pods'],
    ['create', 'pods'],
    ['list', 'secrets'],
    ['update', 'secrets'],
    ['patch', 'deployments.apps'],
    ['create', 'pods', '--subresource=eviction'],
  ] as const) {
    const { stdout } = await cluster.kubectl(['auth', 'can-i', verb, resource, '-A', `--as=${ACCOUNT}`]);
    assert.equal(stdout.trim(), 'no', `${verb} ${resource}`);
  }
});

test('with a right taken away, the snapshot says what was not looked at, and is signed all the same', async (t) => {
  const scheduled = await schedule(t);
  if (scheduled === undefined) return;
  const { cluster, run } = scheduled;
  const role = JSON.parse(await cluster.must(['get', 'clusterrole', 'sealwright-audit', '-o', 'json'])) as {
    rules: { apiGroups: string[] }[];
  };
  const rules = role.rules.filter(({ apiGroups }) => !apiGroups.includes('apps'));
  await cluster.must(['replace', '-f', '-'], JSON.stringify({ ...role, rules }));
  await cluster.eventually('the right is gone', async () => {
    const words = ['auth', 'can-i', 'list', 'deployments.apps', '-A', `--as=${ACCOUNT}`];
    return (await cluster.kubectl(words)).stdout.trim() === 'no';
  });
  const ended = await run();
  assert.equal(ended.exitCode, 0, ended.stderr);
  for (const kind of ['deployments', 'statefulsets', 'daemonsets', 'replicasets'])
    assert.match(ended.stderr, new RegExp(`not looked at: ${kind} in all namespaces`));
  assert.doesNotMatch(ended.stderr, /not looked at: (pods|jobs)/);
  assert.match(ended.stderr, /logged #\d+/);
});
