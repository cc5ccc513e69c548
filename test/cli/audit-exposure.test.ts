/** What an audit says of who reaches a workload: from a real API server, from manifests, and where it may not look. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditEntry } from '../../src/core/audit/audit-entry.ts';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import type { AuditReport } from '../../src/cli/report/audit-report.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import type { KubeCluster } from '../support/kube-cluster.ts';
import { digestName, runningCluster } from './running-cluster.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

const TAKE = ['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', '--trusted-root', 'root.json'];
const POLICY = keylessPolicy(ISSUER, SUBJECT);
/** The route's definition as far as this needs it: the API server keeps what it does not know. */
const ROUTES = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'httproutes.gateway.networking.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api' },
  },
  spec: {
    group: 'gateway.networking.k8s.io',
    names: { kind: 'HTTPRoute', plural: 'httproutes', singular: 'httproute', listKind: 'HTTPRouteList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

type Written = Pick<AuditSnapshot, 'reach' | 'notLookedAt'> & { readonly entries: readonly AuditEntry[] };

function written(ended: Ended): Written {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return JSON.parse(ended.stdout) as Written;
}

function exposures({ entries }: Written): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.map(({ owner, exposure = [], reachedBy = [] }) => [owner, [...exposure, ...reachedBy].join('; ')]),
  );
}

function service(name: string, type: string): object {
  const spec = { type, selector: { app: name }, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec };
}

function ingress(name: string, to: string): object {
  const backend = { service: { name: to, port: { number: 80 } } };
  const spec = { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: 'shop' }, spec };
}

async function serveRoutes(cluster: KubeCluster): Promise<void> {
  await cluster.create(ROUTES);
  await cluster.must(['wait', '--for=condition=Established', `crd/${ROUTES.metadata.name}`]);
  await cluster.create({
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'HTTPRoute',
    metadata: { name: 'out', namespace: 'bank' },
    spec: {
      parentRefs: [{ name: 'edge' }],
      rules: [{ backendRefs: [{ name: 'routed', namespace: 'shop', port: 80 }] }],
    },
  });
}

test('a cluster: Services, an Ingress and a route of the version that it serves; ranked first, and said in report and ticket', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  writeFileSync(sandbox.path('policy.yaml'), POLICY);
  const image = digestName(await world.push('shop/bare'));
  for (const name of ['balanced', 'noded', 'inner', 'fronted', 'routed', 'alone']) {
    await run({ name, spec: { containers: [{ name: 'c', image }] } });
  }
  await cluster.create(service('balanced', 'LoadBalancer'));
  await cluster.create(service('noded', 'NodePort'));
  for (const name of ['inner', 'fronted', 'routed']) await cluster.create(service(name, 'ClusterIP'));
  await cluster.create(ingress('front', 'fronted'));
  const take = (...more: readonly string[]): Promise<Ended> =>
    sandbox.run([...TAKE, '--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '-o', 'json', ...more]);
  const without = written(await take());
  assert.equal(exposures(without)['Pod routed'], '', 'without the Gateway API there are no routes');
  assert.deepEqual(without.reach?.notLookedAt, [], 'a kind that the cluster does not have leads nowhere');

  await serveRoutes(cluster);
  const all = written(await take('--out', 'now.json'));
  assert.deepEqual(exposures(all), {
    'Pod alone': '',
    'Pod balanced': 'from-outside; Service shop/balanced of type LoadBalancer',
    'Pod fronted': 'from-outside; Ingress shop/front',
    'Pod inner': '',
    'Pod noded': 'from-outside; Service shop/noded of type NodePort',
    'Pod routed': 'from-outside; HTTPRoute bank/out',
  });
  assert.deepEqual(exposures(written(await take('-n', 'shop'))), exposures(all), 'a route may stand elsewhere');

  const json = await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'json']);
  const { gaps } = JSON.parse(json.stdout) as AuditReport;
  assert.deepEqual(
    gaps.map(({ workload, reachedBy }) => `${workload}${reachedBy === undefined ? '' : ' reached'}`),
    [
      ...['balanced', 'fronted', 'noded', 'routed'].map((name) => `Pod shop/${name} reached`),
      ...['alone', 'inner'].map((name) => `Pod shop/${name}`),
    ],
  );
  const markdown = await sandbox.run(['audit', 'diff', 'now.json', 'now.json']);
  assert.match(markdown.stdout, /Pod shop\/fronted.*from-outside by Ingress shop\/front/);
  assert.doesNotMatch(markdown.stdout, /may lead here from outside/);
  const ticket = await sandbox.run(['audit', 'ticket', 'now.json', '--to', 'gap.md', '--dry-run']);
  const rows = ticket.stdout.split('\n').filter((line) => line.includes('Pod shop/'));
  assert.match(rows[0] ?? '', /Pod shop\/balanced.*from-outside by Service shop\/balanced of type LoadBalancer/);
  assert.match(rows[5] ?? '', /Pod shop\/inner/);
  const metrics = await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus']);
  assert.match(metrics.stdout, /^sealwright_audit_from_outside\{system="shop"\} 4$/m);
  assert.match(metrics.stdout, /^sealwright_audit_from_outside_not_looked_at\{system="shop"\} 0$/m);
});

test('an account that may not list Services: not looked at, never not exposed, and no hole in the audit itself', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run, readerConfig } = running;
  writeFileSync(sandbox.path('policy.yaml'), POLICY);
  const image = digestName(await world.push('shop/bare'));
  await run({ name: 'web', spec: { containers: [{ name: 'c', image }] } });
  await cluster.create(service('web', 'LoadBalancer'));
  const config = await readerConfig();
  const take = (...more: readonly string[]): Promise<Ended> =>
    sandbox.run([...TAKE, '--kubeconfig', config, '-n', 'shop', '--pull-secrets=false', ...more]);
  const blind = written(await take('-o', 'json', '--out', 'now.json'));
  assert.deepEqual(exposures(blind), { 'Pod web': '' });
  const unseen = (blind.reach?.notLookedAt ?? []).map(({ what }) => what);
  assert.deepEqual(unseen, ['grpcroutes', 'httproutes', 'ingresses', 'services']);
  assert.ok(blind.reach?.notLookedAt.every(({ reason }) => reason.startsWith('REMOTE_STATUS')));
  assert.ok(!blind.notLookedAt.some(({ what }) => what.includes('services')), 'no state depends on it');
  assert.match((await take()).stdout, /from outside +0 .*; not looked at: services, ingresses, httproutes, grpcroutes/);
  const report = await sandbox.run(['audit', 'diff', 'now.json', 'now.json']);
  assert.match(report.stdout, /not looked at, and may lead here from outside: services: REMOTE&#95;STATUS/);
  const page = await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'html']);
  assert.match(page.stdout, /may lead here from outside: services/);

  await cluster.must([
    'create',
    'role',
    'seer',
    '-n',
    'shop',
    '--verb=list',
    '--resource=services,ingresses.networking.k8s.io',
  ]);
  await cluster.must(['create', 'rolebinding', 'seer', '-n', 'shop', '--role=seer', '--serviceaccount=shop:reader']);
  await cluster.eventually('the right is there', async () => {
    const words = ['auth', 'can-i', 'list', 'services', '-n', 'shop', '--as=system:serviceaccount:shop:reader'];
    return (await cluster.kubectl(words)).stdout.trim() === 'yes';
  });
  const seeing = written(await take('-o', 'json'));
  assert.deepEqual(exposures(seeing), { 'Pod web': 'from-outside; Service shop/web of type LoadBalancer' });
  assert.deepEqual(
    seeing.reach?.notLookedAt.map(({ what }) => what),
    ['grpcroutes', 'httproutes', 'ingresses of other namespaces'],
  );
});

test('manifests: what stands in the same files leads to what they make; a list of images says nothing', async (t) => {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(sandbox.path('policy.yaml'), POLICY);
  const image = digestName(await world.push('shop/bare'));
  const deployment = (name: string): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop', labels: { app: 'other' } },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image }] } },
    },
  });
  const objects = [deployment('web'), deployment('api'), service('web', 'ClusterIP'), ingress('front', 'web')];
  writeFileSync(sandbox.path('all.yaml'), objects.map((one) => JSON.stringify(one)).join('\n---\n'));
  const files = written(await sandbox.run([...TAKE, '--resource', 'all.yaml', '-o', 'json']));
  assert.deepEqual(exposures(files), { 'Deployment api': '', 'Deployment web': 'from-outside; Ingress shop/front' });
  assert.deepEqual(files.reach?.notLookedAt, []);
  const list = written(await sandbox.run([...TAKE, '-o', 'json', image]));
  assert.deepEqual(
    list.reach?.notLookedAt.map(({ what }) => what),
    ['what leads to images that no manifest names'],
  );
});
