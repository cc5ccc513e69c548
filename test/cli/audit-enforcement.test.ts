/** How far enforcing reaches in a real API server that was told of the webhook: by namespace, in every form; and where an account may not look. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import type { AuditReport } from '../../src/cli/report/audit-report.ts';
import { namespaceSelector } from '../../src/core/installation/installation-options.ts';
import { serviceClients, webhookConfigurations } from '../../src/core/installation/webhook-configurations.ts';
import { EXCEPTION_DEFINITIONS } from '../../src/core/policy/definitions/exception-definitions.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import type { Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';
import type { KubeCluster } from '../support/kube-cluster.ts';
import { digestName, runningCluster } from './running-cluster.ts';

const TAKE = ['audit', 'snapshot', '--system', 'shop', '--trusted-root', 'root.json', '--pull-secrets=false'];
const DEFINITIONS = [...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS];
const SYSTEM = 'cosign-system';

function policy(name: string, glob: string, mode: string): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: {
      mode,
      images: [{ glob }],
      authorities: [{ keyless: { identities: [{ issuer: ISSUER, subject: SUBJECT }] } }],
    },
  };
}

/** As `webhook install` tells the API server of it; no replica runs, and nothing is asked here. */
async function install(cluster: KubeCluster): Promise<void> {
  await cluster.must(['create', 'namespace', SYSTEM]);
  await cluster.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'sealwright-webhook', namespace: SYSTEM },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'webhook' } },
      template: {
        metadata: { labels: { app: 'webhook' } },
        spec: {
          containers: [
            { name: 'webhook', image: `registry.example/w@sha256:${'0'.repeat(64)}`, args: ['--namespaces=opt-in'] },
          ],
        },
      },
    },
  });
  for (const configuration of webhookConfigurations({
    namespaceSelector: namespaceSelector('opt-in', [SYSTEM]),
    failurePolicy: 'Fail',
    timeoutSeconds: 5,
    podTemplates: [],
    clients: serviceClients(SYSTEM),
  })) {
    await cluster.create(configuration);
  }
}

function words({ figures }: AuditReport['after']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (figures.enforcement?.namespaces ?? []).map(({ name, enforcement }) => [name, enforcement]),
  );
}

test('enforced, warned, left out, not covered, idle: what is configured decides, and the weakest of what runs', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run, readerConfig } = running;
  for (const definition of DEFINITIONS) await cluster.create(definition);
  const names = DEFINITIONS.map(({ metadata }) => `crd/${(metadata as { name: string }).name}`);
  await cluster.must(['wait', '--for=condition=Established', ...names]);
  await cluster.create(policy('strict', `${world.host}/strict/**`, 'enforce'));
  await cluster.create(policy('soft', `${world.host}/soft/**`, 'warn'));
  await cluster.create({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'waving' },
    spec: { images: [{ glob: `${world.host}/waved/**` }], authorities: [{ static: { action: 'pass' } }] },
  });
  const images = new Map<string, string>();
  for (const name of ['strict', 'soft', 'free', 'waved']) {
    const image = await world.push(`${name}/app`);
    await world.sign(image);
    images.set(name, digestName(image));
  }
  const spec = (name: string): object => ({ containers: [{ name: 'c', image: images.get(name) ?? '' }] });
  for (const name of ['mixed', 'ruleless', 'waved', 'lab', 'empty']) {
    await cluster.must(['create', 'namespace', name]);
    await cluster.must(['create', 'serviceaccount', 'default', '-n', name]);
  }
  await run({ name: 'a', namespace: 'shop', spec: spec('strict') });
  await run({ name: 'a', namespace: 'bank', spec: spec('soft') });
  await run({ name: 'a', namespace: 'mixed', spec: spec('strict') });
  await run({ name: 'b', namespace: 'mixed', spec: spec('soft') });
  await run({ name: 'a', namespace: 'ruleless', spec: spec('free') });
  await run({ name: 'a', namespace: 'waved', spec: spec('waved') });
  await run({ name: 'a', namespace: 'lab', spec: spec('strict') });
  const take = (config: string, ...more: readonly string[]): Promise<Ended> =>
    sandbox.run([...TAKE, '--kubeconfig', config, ...more]);
  const reported = async (...more: readonly string[]): Promise<AuditReport['after']> => {
    const taken = await take(cluster.kubeconfig, '--out', 'now.json', ...more);
    assert.equal(taken.exitCode, 0, taken.stderr);
    const report = await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'json']);
    return (JSON.parse(report.stdout) as AuditReport).after;
  };
  const before = words(await reported());
  assert.deepEqual(
    [before['shop'], before['kube-system']],
    ['not-covered', 'not-covered'],
    'policies alone refuse nothing',
  );

  await install(cluster);
  for (const name of ['shop', 'bank', 'mixed', 'ruleless', 'waved', 'empty']) {
    await cluster.must(['label', `namespace/${name}`, 'policy.sigstore.dev/include=true']);
  }
  const expected = {
    shop: 'enforced',
    bank: 'warned',
    mixed: 'warned',
    ruleless: 'enforced',
    // A policy that enforces, and asks for no proof.
    waved: 'not-covered',
    lab: 'not-covered',
    empty: 'idle',
    'kube-system': 'opted-out',
    [SYSTEM]: 'opted-out',
  };
  const of = (found: Readonly<Record<string, string>>): Readonly<Record<string, string | undefined>> =>
    Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]]));
  assert.deepEqual(of(words(await reported())), expected, 'without a ConfigMap, what no policy is about is refused');

  await cluster.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'config-policy-controller', namespace: SYSTEM },
    data: { 'no-match-policy': 'allow' },
  });
  const after = await reported();
  assert.deepEqual(of(words(after)), { ...expected, ruleless: 'not-covered' });
  assert.deepEqual(after.enforcementNotLookedAt, []);
  assert.equal(after.figures.enforcement?.failOpen, 0);
  const markdown = (await sandbox.run(['audit', 'diff', 'now.json', 'now.json'])).stdout;
  assert.match(markdown, /\| namespaces \| 1 enforced, 2 warned, 3 opted-out, \d+ not-covered, 1 idle \|/);
  assert.match(markdown, /^- Namespace lab: not-covered, no label of it asks for the webhook$/m);
  assert.match(markdown, /^- Namespace ruleless: not-covered, something there is let in without a proof$/m);
  assert.doesNotMatch(markdown, /Namespace (?:shop|empty):/);
  const html = (await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'html'])).stdout;
  assert.match(html, /<li>Namespace bank: warned<\/li>/);
  const metrics = (await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus'])).stdout;
  for (const sample of [
    'namespaces{system="shop",enforcement="enforced"} 1',
    'namespaces{system="shop",enforcement="unknown"} 0',
    'namespaces_fail_open{system="shop"} 0',
    'namespace_enforcement{system="shop",namespace="mixed",enforcement="warned"} 1',
  ]) {
    assert.ok(metrics.includes(`\nsealwright_audit_${sample}\n`), `${sample} in\n${metrics}`);
  }

  writeFileSync(sandbox.path('policy.yaml'), keylessPolicy(ISSUER, SUBJECT));
  const drafts = words(await reported('--policy', 'policy.yaml'));
  assert.deepEqual([drafts['shop'], drafts['lab']], ['unknown', 'not-covered'], 'drafts refuse nothing yet');

  const config = await readerConfig();
  const blind = await take(config, '-n', 'shop', '--policy', 'policy.yaml', '-o', 'json');
  assert.equal(blind.exitCode, 0, blind.stderr);
  const { enforcement } = JSON.parse(blind.stdout) as AuditSnapshot;
  assert.deepEqual(enforcement?.namespaces, []);
  assert.deepEqual(
    enforcement.notLookedAt.map(({ what }) => what),
    ['the namespace shop', 'validatingwebhookconfigurations'],
  );
  assert.match(
    (await take(config, '-n', 'shop', '--policy', 'policy.yaml')).stdout,
    /^ {2}namespaces +0 enforced, 1 unknown$/m,
  );
});
