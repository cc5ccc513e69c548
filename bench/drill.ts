/**
 * How fast a revocation is felt: `revoke drill` many times on a real kube-apiserver, by what its records say of each stage. Two stacks with a
 * webhook each: one that is told of every snapshot, and one that asks every half minute, where a `revoke watch` finds the copies as
 * well, once a minute.
 *
 *   sh bench/run drill            npm run bench -- drill          under six minutes
 *   sh tools/node/run bench/drill.ts --drills 2 --polled 1        that it runs
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { parseArgs } from 'node:util';
import { DRILL_STAGES, type DrillNews } from '../src/core/revocation/drill-record.ts';
import { defineKinds, openDrillSite, type DrillSite } from '../test/support/drill-site.ts';
import { KubeCluster } from '../test/support/kube-cluster.ts';
import { benchHeader } from './machine.ts';
import { percentile } from './measured-process.ts';

const { values } = parseArgs({
  options: { drills: { type: 'string', default: '20' }, polled: { type: 'string', default: '4' } },
});
const MEANING =
  `\`sealwright revoke drill\`, ${values.drills} times with a webhook that is told of the snapshot and ${values.polled} times, at the same time, with one that asks for it ` +
  'every half minute and a `revoke watch` that looks every minute. A new canary each time, in a real kube-apiserver; stack, registry, webhooks, ' +
  'API server and commands share one machine, and there is no kubelet. Seconds since the drill began to revoke, as the signed records have them. ' +
  'A drill that is polled begins just after the webhook has asked, so that its times are nearly the worst there are. ' +
  'It does not show networks, nor webhooks of several replicas.';
const DRILL_FAILED = 20;

interface Record {
  readonly stages: readonly {
    readonly stage: string;
    readonly outcome: string;
    readonly ms?: number;
    readonly goalMs: number;
  }[];
  readonly restored: { readonly outcome: string; readonly ms?: number };
}

/** @throws Error for a drill that was not ended as it should be: its times mean nothing then */
async function series(site: DrillSite, count: number, more: readonly string[]): Promise<readonly Record[]> {
  const records: Record[] = [];
  while (records.length < count) {
    const ended = await site.commands.run(...site.drill(...more, '--out', 'record.json'));
    if (ended.exitCode !== 0 && ended.exitCode !== DRILL_FAILED) throw new Error(ended.stderr);
    const { record } = JSON.parse(readFileSync(site.sandbox.path('record.json'), 'utf8')) as { record: Record };
    if (record.restored.outcome !== 'done') throw new Error(ended.stderr);
    records.push(record);
    process.stderr.write(
      `${site.namespace} ${records.length} of ${count}: ${ended.exitCode === 0 ? 'passed' : 'FAILED'}\n`,
    );
  }
  return records;
}

function rows(news: DrillNews, records: readonly Record[]): readonly string[] {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const row = (name: string, goalMs: number | undefined, times: readonly number[]): string => {
    const missed = records.length - times.filter((ms) => ms <= (goalMs ?? Infinity)).length;
    const figures = [percentile(times, 0.5), percentile(times, 0.95), Math.max(...times)].map(seconds).join(' | ');
    return `| ${news} | ${name} | ${records.length} | ${figures} | ${goalMs === undefined ? '–' : seconds(goalMs)} | ${missed} |`;
  };
  const stages = DRILL_STAGES.map((name) => {
    const reached = records.flatMap(({ stages: all }) => all.filter(({ stage }) => stage === name));
    const times = reached.flatMap(({ outcome, ms }) => (outcome === 'done' && ms !== undefined ? [ms] : []));
    return row(name, reached[0]?.goalMs, times);
  });
  return [
    ...stages,
    row(
      'good again',
      undefined,
      records.flatMap(({ restored }) => restored.ms ?? []),
    ),
  ];
}

async function run(t: TestContext): Promise<string> {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) throw new Error('needs tools/peers install kube-apiserver etcd kubectl');
  await defineKinds(cluster);
  const told = await openDrillSite(t, cluster, 'told');
  const asking = await openDrillSite(t, cluster, 'asking');
  const watch = ['revoke', 'watch', '--level', 'label', '--dry-run=false', '--pull-secrets=false', '-n', 'asking'];
  await asking.start([...watch, '--dir', asking.stack.dir, '--kubeconfig', 'kubeconfig'], /(nothing is revoked)/);
  const [pushed, polled] = await Promise.all([
    series(told, Number(values.drills), told.push),
    series(asking, Number(values.polled), ['--watched']),
  ]);
  return [
    '| News | Stage | Drills | p50 s | p95 s | worst s | wanted s | missed |',
    '|---|---|---|---|---|---|---|---|',
    ...rows('push', pushed),
    ...rows('poll', polled),
    '',
  ].join('\n');
}

const closing: (() => unknown)[] = [];
const t = { after: (close: () => unknown) => closing.unshift(close) } as unknown as TestContext;
try {
  const header = benchHeader('Twenty drills of revocation', MEANING);
  process.stdout.write(`${header}\n${await run(t)}`);
} finally {
  for (const close of closing) await close();
}
