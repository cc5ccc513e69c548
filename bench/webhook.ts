/**
 * What admission costs a pod's creation through a real kube-apiserver: nobody asked, ours with one signed container, with five,
 * and with an unsigned one, the registry on loopback and 50 ms away; then twenty clients at once.
 *
 *   sh bench/run webhook            npm run bench -- webhook; `sh tools/node/run bench/webhook.ts --pods 20` is a smoke
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { POLICY_DEFINITIONS } from '../src/core/policy/policy-definitions.ts';
import { encodeTrustedRoot } from '../src/core/trust/trusted-root.ts';
import { openKubeconfigAccess, type ClusterAccess } from '../src/io/kubernetes/cluster-access.ts';
import { fetchWebhookCalls } from '../src/io/kubernetes/fail-open.ts';
import { policyFor } from '../test/servers/webhook/door.ts';
import { podSpec } from '../test/servers/webhook/review.ts';
import { World } from '../test/servers/webhook/world.ts';
import { KubeCluster } from '../test/support/kube-cluster.ts';
import { benchHeader } from './machine.ts';
import { percentile } from './measured-process.ts';

const { values } = parseArgs({
  options: { pods: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' } },
});
const PODS = Number(values.pods);
const ROUNDS = Number(values.rounds);
const CLIENTS = 20;
const DELAY_MS = 50;
const GUARDED = 'guarded';
const OPEN = 'open';

interface Case {
  readonly name: string;
  readonly namespace: string;
  readonly images: readonly string[];
  readonly status: 201 | 403;
}

const closing: (() => unknown)[] = [];
// The parts of the tests take what a test context has of these.
const context = {
  after: (close: () => unknown) => closing.push(close),
  skip: (why: string) => {
    throw new Error(`a peer is missing: ${why}`);
  },
} as unknown as TestContext;

let made = 0;

async function createPod(
  { http, server, authorization }: ClusterAccess,
  { namespace, images, status }: Case,
): Promise<number> {
  const bearer = await authorization();
  const body = Buffer.from(
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${made++}` }, spec: podSpec(...images) }),
  );
  const start = performance.now();
  await http.request({
    method: 'POST',
    url: `${server}/api/v1/namespaces/${namespace}/pods`,
    headers: { 'content-type': 'application/json', ...(bearer === undefined ? {} : { authorization: bearer }) },
    body,
    expect: [status],
  });
  return performance.now() - start;
}

async function startWebhook(
  folder: string,
  world: World,
  kubeconfig: string,
): Promise<{ child: ChildProcess; url: string }> {
  writeFileSync(join(folder, 'root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const args = ['--kubeconfig', kubeconfig, '--trusted-root', 'root.json', '--port', '0', '--self-signed', 'tls'];
  const kept = ['--evidence', 'evidence.db', '--ledger', 'ledger'];
  const child = spawn(resolve(import.meta.dirname, '../bin/sealwright'), ['webhook', ...args, ...kept], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  closing.push(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const [url] = /https:\/\/\S+/.exec(line) ?? [];
  if (url === undefined) throw new Error(`the webhook did not start: ${line}`);
  return { child, url };
}

function configuration(kind: 'Mutating' | 'Validating', path: string, url: string, caBundle: string): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: 'sealwright' },
    webhooks: [
      {
        name: `${kind.toLowerCase()}.sealwright.example`,
        clientConfig: { url: `${url}${path}`, caBundle },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': GUARDED } },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 10,
      },
    ],
  };
}

/** In turns, so that a noisy minute falls on all. */
async function inTurns(access: ClusterAccess, cases: readonly Case[]): Promise<readonly (readonly number[])[]> {
  const times = cases.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, one] of cases.entries()) {
      for (let count = 0; count < PODS; count++) times[index]?.push(await createPod(access, one));
    }
  }
  return times;
}

async function atOnce(access: ClusterAccess, one: Case): Promise<number> {
  const start = performance.now();
  const client = async (): Promise<void> => {
    for (let count = 0; count < PODS / 2; count++) await createPod(access, one);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return (CLIENTS * Math.ceil(PODS / 2) * 1000) / (performance.now() - start);
}

function peakMiB({ pid }: ChildProcess): string {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8')) ?? [];
  return kib === undefined ? '–' : (Number(kib) / 1024).toFixed(0);
}

function row(name: string, times: readonly number[], base: readonly number[]): string {
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  const added = `${(p50 - percentile(base, 0.5)).toFixed(1)} | ${(p99 - percentile(base, 0.99)).toFixed(1)}`;
  return `| ${name} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${added} |`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-bench-webhook-'));
  closing.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const cluster = await KubeCluster.start(context);
  if (cluster === undefined) throw new Error('kube-apiserver, etcd and kubectl are needed: sh tools/peers install');
  const world = await World.open(context);
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  await cluster.must(['create', '-f', '-'], policyFor(world));
  for (const name of [GUARDED, OPEN]) await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const images = await Promise.all(Array.from({ length: 5 }, (_, index) => world.pushSigned(`shop/app${index}`)));
  const [signed = '', ...more] = images.map(String);
  const bare = (await world.push('shop/bare')).toString();
  const started = performance.now();
  const { child, url } = await startWebhook(folder, world, cluster.kubeconfig);
  const readyMs = performance.now() - started;
  const caBundle = readFileSync(join(folder, 'tls/ca.pem')).toString('base64');
  await cluster.create(configuration('Mutating', '/mutate', url, caBundle));
  await cluster.create(configuration('Validating', '/validate', url, caBundle));
  const unsigned: Case = { name: 'one unsigned container, refused', namespace: GUARDED, images: [bare], status: 403 };
  await cluster.eventually('the webhook is asked', () =>
    createPod(access, unsigned).then(
      () => true,
      () => false,
    ),
  );
  const cold = await createPod(access, { name: 'cold', namespace: GUARDED, images: [signed], status: 201 });
  const cases: readonly Case[] = [
    { name: 'nobody asked', namespace: OPEN, images: [signed], status: 201 },
    { name: 'one signed container', namespace: GUARDED, images: [signed], status: 201 },
    { name: 'five signed containers', namespace: GUARDED, images: [signed, ...more], status: 201 },
  ];
  await createPod(access, cases[2]!);
  world.taken();
  const near = await inTurns(access, [...cases, unsigned]);
  // The unsigned image is asked about each time: only a pass may rest on memory.
  const asked = world.taken().filter((line) => !line.includes('/shop/bare/')).length;
  world.fault.answer = async () => {
    await sleep(DELAY_MS);
    return undefined;
  };
  const far = await inTurns(access, cases);
  const rates = [await atOnce(access, cases[0]!), await atOnce(access, cases[1]!)] as const;
  const calls = (await fetchWebhookCalls(access)).map(
    ({ webhook, calls: count, failedOpen, failedClosed }) =>
      `${webhook} ${count} (${failedOpen} open, ${failedClosed} closed)`,
  );
  const table = ['| Pod | p50 ms | p99 ms | added p50 | added p99 |', '|---|---|---|---|---|'];
  const lines = [
    benchHeader(
      'Admission',
      'Time of `POST pods` through a real kube-apiserver with etcd on this machine, one client, in turns; mutating and validating.',
    ),
    `${ROUNDS} rounds of ${PODS} pods. Ready after ${readyMs.toFixed(0)} ms; first pod of an image never seen ${cold.toFixed(1)} ms; peak memory of the webhook ${peakMiB(child)} MiB.`,
    '',
    `## Registry on loopback (${asked} requests about signed images)`,
    '',
    ...table,
    ...[...cases, unsigned].map(({ name }, index) => row(name, near[index] ?? [], near[0] ?? [])),
    '',
    `## Registry ${DELAY_MS} ms away`,
    '',
    ...table,
    ...cases.map(({ name }, index) => row(name, far[index] ?? [], far[0] ?? [])),
    '',
    `## ${CLIENTS} clients at once`,
    '',
    '| | pods/s |',
    '|---|---|',
    `| nobody asked | ${rates[0].toFixed(0)} |`,
    `| one signed container | ${rates[1].toFixed(0)} |`,
    '',
    `Calls as the API server counts them: ${calls.join('; ')}.`,
    '',
    'policy-controller’s webhook is not beside it in this run: it has to be built by hand.',
    '',
  ];
  process.stdout.write(lines.join('\n'));
  access.http.close();
}

try {
  await main();
} finally {
  for (const close of closing.reverse()) await close();
}
