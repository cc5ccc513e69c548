/** `sealwright revoke drill` on a real API server: denied at the door, found where it runs, good again, and nothing left behind. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import type { Ended } from '../support/command-line.ts';
import { defineKinds, openDrillSite, openNamespace, type DrillSite } from '../support/drill-site.ts';
import { KubeCluster } from '../support/kube-cluster.ts';

const DRILL_FAILED = 20;

interface Shown {
  readonly passed: boolean;
  readonly canary: string;
  readonly news: string;
  readonly stages: readonly { readonly stage: string; readonly outcome: string; readonly detail?: string }[];
  readonly restored: { readonly outcome: string; readonly detail?: string };
}

async function drilled(site: DrillSite, ...more: readonly string[]): Promise<Ended & { readonly record: Shown }> {
  const ended = await site.commands.run(...site.drill(...more, '--out', 'record.json'));
  const { record } = JSON.parse(readFileSync(site.sandbox.path('record.json'), 'utf8')) as { record: Shown };
  assert.equal(ended.exitCode, record.passed ? 0 : DRILL_FAILED, ended.stderr);
  return { ...ended, record };
}

/** However long it took: a busy machine may be too late for the goals. */
function outcomes({ stages, restored }: Shown): readonly string[] {
  return [...stages.map(({ stage, outcome }) => `${stage} ${outcome}`), `restored ${restored.outcome}`];
}

const ALL = ['logged done', 'published done', 'denied done', 'found done', 'refused done', 'restored done'];

test('drills on a real API server', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  await defineKinds(cluster);
  const site = await openDrillSite(t, cluster, 'drill');
  const { commands, stack, push } = site;
  const podsIn = (namespace: string): Promise<string> => cluster.must(['get', 'pods', '-n', namespace, '-o', 'name']);

  await t.test('a webhook that is told: every stage, and no pod left', async () => {
    const { record, stdout } = await drilled(site, ...push);
    assert.deepEqual(outcomes(record), ALL, stdout);
    assert.equal(record.news, 'push');
    assert.equal(await podsIn('drill'), '');
    assert.equal((await commands.done('revoke', 'status')).stdout, 'nothing is revoked\n');
  });

  await t.test('found by a revoke watch that runs', async () => {
    const watch = [
      'revoke',
      'watch',
      '--interval',
      '1s',
      '--level',
      'label',
      '--dry-run=false',
      '--pull-secrets=false',
    ];
    const looked = await site.start(
      [...watch, '--dir', stack.dir, '--kubeconfig', 'kubeconfig'],
      /(nothing is revoked)/,
    );
    assert.equal(looked, 'nothing is revoked');
    const { record, stdout } = await drilled(site, ...push, '--watched');
    assert.deepEqual(outcomes(record), ALL, stdout);
  });

  await t.test('a namespace that nobody guards: the drill finds it out, and ends as it should', async () => {
    await openNamespace(cluster, 'open');
    const { record, stderr } = await drilled(site, ...push, '-n', 'open', '--patience', '4s');
    assert.deepEqual(
      outcomes(record),
      ALL.map((text) => text.replace('denied done', 'denied failed')),
      stderr,
    );
    assert.match(stderr, /^DRILL_FAILED {2}.*\n.*denied by the API server FAILED/m);
    assert.equal(await podsIn('open'), '');
  });

  await t.test(
    'refused: an image that runs, a namespace that is not there, one whose door is shut already',
    async () => {
      const { registry } = stack.status;
      const { digest } = await pushDemoImage(registry, 'shop/app', '1');
      const image = `${registry}/shop/app@${digest}`;
      await commands.done('sign', '--key', 'ci.key', image);
      await cluster.must(['run', 'web', '-n', 'drill', `--image=${image}`]);
      const runs = await commands.refused('USAGE_BAD_FLAG', 1, ...site.drill(...push, image));
      assert.match(runs.stderr, /somebody runs this image\n +found: +drill\/Pod web/);
      await commands.refused('REMOTE_STATUS', 23, ...site.drill(...push, '-n', 'absent'));
      await commands.done('generate-key-pair', '--output-key-prefix', 'stranger');
      const shut = await commands.refused('REMOTE_STATUS', 23, ...site.drill(...push, '--canary-key', 'stranger.key'));
      assert.match(shut.stderr, /refuses the canary, and not because it is revoked/);
      assert.equal(await podsIn('drill'), 'pod/web\n');
      assert.equal((await commands.done('revoke', 'status')).stdout, 'nothing is revoked\n');
    },
  );
});
