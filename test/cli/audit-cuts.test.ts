/** Coverage by cluster and by team, of a real API server, in every form; and where an account may not look. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import type { AuditReport } from '../../src/cli/report/audit-report.ts';
import type { Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';
import { digestName, runningCluster } from './running-cluster.ts';

const TAKE = ['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', '--trusted-root', 'root.json'];

function snapshotOf(ended: Ended): AuditSnapshot {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return JSON.parse(ended.stdout) as AuditSnapshot;
}

test('a team by the pod, by what makes it, by its namespace; what says nothing is nobody\u2019s; and the cluster by its UID', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run, readerConfig } = running;
  writeFileSync(sandbox.path('policy.yaml'), keylessPolicy(ISSUER, SUBJECT));
  const image = await world.push('shop/app');
  await world.sign(image);
  const [signed, bare] = [digestName(image), digestName(await world.push('shop/bare'))];
  const spec = (of: string): object => ({ containers: [{ name: 'c', image: of }] });
  for (const name of ['own', 'lone']) await run({ name, spec: spec(signed) });
  await run({ name: 'made', owner: 'Deployment made', spec: spec(bare) });
  await run({ name: 'placed', namespace: 'bank', spec: spec(signed) });
  await cluster.must(['label', 'pod/own', '-n', 'shop', 'app.kubernetes.io/part-of=checkout']);
  await cluster.must(['annotate', 'namespace/bank', 'app.kubernetes.io/part-of=ledger']);
  // A label of this name on the pod itself is not what was asked for.
  await cluster.must(['label', 'pod/lone', '-n', 'shop', 'team=checkout']);
  await cluster.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'made', namespace: 'shop', annotations: { 'app.kubernetes.io/part-of': 'checkout' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'made' } },
      template: { metadata: { labels: { app: 'made' } }, spec: spec(bare) },
    },
  });
  const uid = await cluster.must(['get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}']);
  const take = (config: string, ...more: readonly string[]): Promise<Ended> =>
    sandbox.run([...TAKE, '--kubeconfig', config, '--pull-secrets=false', ...more]);
  const taken = snapshotOf(await take(cluster.kubeconfig, '-o', 'json', '--out', 'now.json'));
  assert.deepEqual(taken.cluster, { id: uid });
  const teams = taken.entries.map(({ owner, team = 'unknown', state }) => `${owner} ${team} ${state}`);
  assert.deepEqual(teams, [
    'Pod placed ledger verified',
    'Deployment made checkout unsigned',
    'Pod lone unknown verified',
    'Pod own checkout verified',
  ]);
  const report = JSON.parse(
    (await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'json'])).stdout,
  ) as AuditReport;
  const shares = report.after.cuts.team.map(({ name, coverage: { verified, of } }) => `${name}: ${verified}/${of}`);
  assert.deepEqual(shares, ['checkout: 1/2', ': 1/1', 'ledger: 1/1']);
  const markdown = (await sandbox.run(['audit', 'diff', 'now.json', 'now.json'])).stdout;
  assert.match(
    markdown,
    /\| team \| `checkout` \| 50.0% of 2 \| 50.0% of 2 \| 0 \|\n\| team \| unknown \| 100% of 1 \|/,
  );
  assert.ok(markdown.includes(`| cluster | \`${uid}\` | 75.0% of 4 |`), markdown);
  const html = (await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'html'])).stdout;
  assert.ok(html.includes('<li>by team: checkout 50.0% of 2; unknown 100% of 1; ledger 100% of 1</li>'), html);
  assert.match((await take(cluster.kubeconfig)).stdout, /^ {2}by team +checkout 50.0% \(1 of 2\), unknown 100%/m);
  const metrics = (await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus'])).stdout;
  for (const sample of [
    'team_states{system="shop",team="checkout",state="unsigned"} 1',
    'team_states{system="shop",team="",state="verified"} 1',
    `cluster_states{system="shop",cluster="${uid}",state="verified"} 3`,
  ]) {
    assert.ok(metrics.includes(`\nsealwright_audit_${sample}\n`), `${sample} in\n${metrics}`);
  }

  const other = snapshotOf(await take(cluster.kubeconfig, '-o', 'json', '--team-label', 'team', '--cluster', 'eu-1'));
  assert.deepEqual(other.cluster, { name: 'eu-1', id: uid });
  assert.deepEqual(other.teams, { labels: ['team'], notLookedAt: [] });
  assert.deepEqual(
    other.entries.flatMap(({ owner, team }) => (team === undefined ? [] : [`${owner} ${team}`])),
    ['Pod lone checkout'],
  );

  const blind = snapshotOf(await take(await readerConfig(), '-n', 'shop', '-o', 'json', '--out', 'blind.json'));
  assert.equal(blind.cluster, undefined, 'who may not read it does not know which cluster it is');
  assert.deepEqual(
    blind.teams?.notLookedAt.map(({ what }) => what),
    ['the namespace shop'],
  );
  const untold = (await sandbox.run(['audit', 'trend', 'blind.json', '-o', 'prometheus'])).stdout;
  assert.doesNotMatch(untold, /^sealwright_audit_cluster_states\{/m);
  const page = (await sandbox.run(['audit', 'diff', 'blind.json', 'blind.json'])).stdout;
  assert.match(page, /Not looked at, and may say whose something is: the namespace shop: REMOTE&#95;STATUS/);
});
