/**
 * What admission costs a pod's creation through a real kube-apiserver: nobody asked, ours, and policy-controller's webhook (if it is
 * installed: tools/peers install policy-controller) with the same policy and the same images in the same run; the registry on loopback
 * and 50 ms away; twenty clients at once; and thousands of pods while the registry refuses half of what it is asked.
 *
 *   sh bench/run webhook            npm run bench -- webhook
 *   sh tools/node/run bench/webhook.ts --quick     that it runs, in a minute; the figures mean nothing
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeSimpleSigning } from '../src/core/bundle/simple-signing.ts';
import { webhookConfigurations } from '../src/core/installation/webhook-configurations.ts';
import { NODE_OPTIONS } from '../src/core/installation/webhook-workload.ts';
import { POLICY_DEFINITIONS } from '../src/core/policy/definitions/policy-definitions.ts';
import { encodeTrustedRoot } from '../src/core/trust/trusted-root.ts';
import { openKubeconfigAccess } from '../src/io/kubernetes/cluster-access.ts';
import { fetchWebhookCalls } from '../src/io/kubernetes/fail-open.ts';
import { World } from '../test/servers/webhook/world.ts';
import { KubeCluster } from '../test/support/kube-cluster.ts';
import { findPeer } from '../test/support/peers.ts';
import { pushLayers } from '../test/support/signature-layers.ts';
import { benchHeader } from './machine.ts';
import { percentile } from './measured-process.ts';
import { enterOwnNetwork } from './own-network.ts';
import { atOnce, createPod, inTurns, mustAnswer, type Paced, type PodCase } from './pod-load.ts';
import { podStorm, type StormReport } from './pod-storm.ts';
import { startPolicyController } from './policy-controller.ts';
import { peakMiB, processorMs } from './running-process.ts';

const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '80' },
    rounds: { type: 'string', default: '3' },
    storm: { type: 'string', default: '10000' },
    images: { type: 'string', default: '200' },
    quick: { type: 'boolean', default: false },
  },
});
const PODS = values.quick ? 5 : Number(values.pods);
const ROUNDS = values.quick ? 1 : Number(values.rounds);
const STORM_PODS = values.quick ? 200 : Number(values.storm);
const STORM_IMAGES = values.quick ? 20 : Number(values.images);
const BURST_PODS = values.quick ? 100 : 2000;
/** At 20 a second, after a burst of 80. */
const PEER_BURST_PODS = values.quick ? 40 : 300;
const UNSIGNED_IMAGES = 5;
const CLIENTS = 20;
const DELAY_MS = 50;
/** Namespaces that ours looks at, that policy-controller looks at, and that nobody does. */
const OURS = 'ours';
const THEIRS = 'theirs';
const OPEN = 'open';

const closing: (() => unknown)[] = [];
// The parts of the tests take what a test context has of these.
const context = {
  after: (close: () => unknown) => closing.push(close),
  skip: (why: string) => {
    throw new Error(`a peer is missing: ${why}`);
  },
} as unknown as TestContext;

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What policy-controller can read: a signature by a key under the image's tag. */
async function pushSigned(world: World, name: string, privateKey: KeyObject): Promise<string> {
  const image = await world.push(name);
  const digest = image.digest!;
  const content = encodeSimpleSigning(image.context, digest);
  const signature = sign('sha256', content, privateKey).toString('base64');
  await pushLayers(world.client, image, digest, [
    { content, annotations: { 'dev.cosignproject.cosign/signature': signature } },
  ]);
  return image.toString();
}

function policy(world: World): string {
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
  return JSON.stringify({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'shop' },
    spec: { images: [{ glob: `${world.host}/shop/**` }], authorities: [{ name: 'key', key: { data: pem } }] },
  });
}

async function startOurs(
  folder: string,
  world: World,
  kubeconfig: string,
): Promise<{ child: ChildProcess; url: string; readyMs: number }> {
  writeFileSync(join(folder, 'root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const args = ['--kubeconfig', kubeconfig, '--trusted-root', 'root.json', '--port', '0', '--self-signed', 'tls'];
  const kept = ['--evidence', 'evidence.db', '--ledger', 'ledger'];
  // As it is published and installed.
  const packed = join(folder, 'package');
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../tools/package/package.ts'), packed]);
  const started = performance.now();
  const child = spawn(process.execPath, [join(packed, 'bin/sealwright'), 'webhook', ...args, ...kept], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8', NODE_OPTIONS },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  closing.push(() => ended(child));
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const [url] = /https:\/\/\S+/.exec(line) ?? [];
  if (url === undefined) throw new Error(`the webhook did not start: ${line}`);
  return { child, url, readyMs: performance.now() - started };
}

/** Some at a time: the registry is in this process, and everybody waits for the slowest. */
async function inGroups<Result>(count: number, make: (index: number) => Promise<Result>): Promise<readonly Result[]> {
  const made: Result[] = [];
  while (made.length < count) {
    const group = Array.from({ length: Math.min(5, count - made.length) }, (_, index) => make(made.length + index));
    made.push(...(await Promise.all(group)));
  }
  return made;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function processorShare({ pid }: ChildProcess, beforeMs: number, pods: number): string {
  return ((processorMs(pid) - beforeMs) / pods).toFixed(2);
}

function table(cases: readonly Paced[], times: readonly (readonly number[])[]): readonly string[] {
  const base = times[0] ?? [];
  const rows = cases.map(({ name }, index) => {
    const own = times[index] ?? [];
    const [p50, p99] = [percentile(own, 0.5), percentile(own, 0.99)];
    const added = `${(p50 - percentile(base, 0.5)).toFixed(1)} | ${(p99 - percentile(base, 0.99)).toFixed(1)}`;
    return `| ${name} | ${own.length} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${index === 0 ? '– | –' : added} |`;
  });
  return ['| Pod | pods | p50 ms | p99 ms | added p50 | added p99 |', '|---|---|---|---|---|---|', ...rows, ''];
}

/** The peer's webhook answers when it has made its certificate and told the API server. */
async function settled(what: string, attempt: () => Promise<boolean>): Promise<void> {
  for (let count = 0; count < 200; count++) {
    if (await attempt()) return;
    await sleep(100);
  }
  throw new Error(`never came true: ${what}`);
}

function stormLines(storm: StormReport): readonly string[] {
  const { seconds, wrong, timeouts, unchecked, admitted, refused, requests, throttled } = storm;
  return [
    `## ${STORM_PODS} pods over ${STORM_IMAGES} images never seen, ${UNSIGNED_IMAGES} of them unsigned; 429 to half of the registry's requests`,
    '',
    '| admitted | refused as unsigned | wrong decisions | time-outs | could not check, tried again | requests | of them 429 | seconds |',
    '|---|---|---|---|---|---|---|---|',
    `| ${admitted} | ${refused} | ${wrong.length} | ${timeouts} | ${unchecked} | ${requests} | ${throttled} | ${seconds.toFixed(1)} |`,
    '',
    ...wrong.slice(0, 5).map((text) => `    ${text}`),
  ];
}

async function main(hasOwnNetwork: boolean): Promise<void> {
  const header = benchHeader(
    'Admission',
    'Time of `POST pods` through a real kube-apiserver with etcd on this machine, which also runs the registry and the client; as its ' +
      'installation asks the webhook. One client, a pod every 65 ms at most, in turns: policy-controller’s client allows itself 20 pods a second.',
  );
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-bench-webhook-'));
  closing.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const cluster = await KubeCluster.start(context);
  if (cluster === undefined) throw new Error('kube-apiserver, etcd and kubectl are needed: sh tools/peers install');
  const world = await World.open(context);
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  for (const name of [OURS, OPEN]) await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const labels = { 'policy.sigstore.dev/include': 'true' };
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: THEIRS, labels } });
  await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: THEIRS } });

  const executable = hasOwnNetwork ? findPeer('policy-controller') : undefined;
  let peer: ChildProcess | undefined;
  if (executable === undefined) {
    for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  } else {
    peer = await startPolicyController(executable, cluster);
    const started = peer;
    closing.push(() => ended(started));
  }
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  await settled('the policy is accepted', async () => {
    const { exitCode } = await cluster.kubectl(['create', '-f', '-'], policy(world));
    return exitCode === 0;
  });

  const names = Array.from({ length: 5 }, (_, index) => `shop/app${index}`);
  const images = await Promise.all(names.map((name) => pushSigned(world, name, key.privateKey)));
  const [signed = ''] = images;
  const bare = (await world.push('shop/bare')).toString();
  const { child, url, readyMs } = await startOurs(folder, world, cluster.kubeconfig);
  const caBundle = readFileSync(join(folder, 'tls/ca.pem')).toString('base64');
  // As they are installed, but for where the webhook is.
  const configurations = webhookConfigurations({
    clients: (path) => ({ url: `${url}${path}`, caBundle }),
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': OURS } },
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    podTemplates: [],
  });
  for (const one of configurations) await cluster.create(one);
  const status = async (namespace: string, image: string): Promise<number> =>
    (await createPod(access, { namespace, images: [image] })).status;
  await settled('our webhook is asked', async () => (await status(OURS, bare)) === 403);
  const cold = await mustAnswer(access, { name: 'cold', namespace: OURS, images: [signed] }, 201);
  if (peer !== undefined) {
    await settled('policy-controller refuses', async () => (await status(THEIRS, bare)) === 400);
    await settled('policy-controller admits', async () => (await status(THEIRS, signed)) === 201);
  }

  const paced = (name: string, namespace: string, own: readonly string[], code = 201, pods = PODS): Paced => ({
    ...{ name, namespace, images: own, pods },
    status: code,
  });
  const theirs = (pods: number): readonly Paced[] =>
    peer === undefined
      ? []
      : [
          paced('policy-controller, one signed container', THEIRS, [signed], 201, pods),
          paced('policy-controller, five', THEIRS, images, 201, pods),
        ];
  const ours: readonly Paced[] = [
    paced('nobody asked', OPEN, [signed]),
    paced('ours, one signed container', OURS, [signed]),
    paced('ours, five', OURS, images),
  ];
  const tagged = paced('ours, one named by its tag: asked twice, and pinned', OURS, [signed.replace(/@.*/, '')]);
  for (const one of [...ours, tagged]) await mustAnswer(access, one, one.status);
  const unsigned = paced('ours, one unsigned, refused', OURS, [bare], 403);
  world.taken();
  const nearCases = [...ours, tagged, unsigned, ...theirs(PODS)];
  const near = await inTurns(access, nearCases, ROUNDS);
  world.fault.answer = async () => {
    await sleep(DELAY_MS);
    return undefined;
  };
  const farCases = [...ours, ...theirs(Math.ceil(PODS / 3))];
  const far = await inTurns(access, farCases, ROUNDS);
  world.fault.answer = undefined;

  const burst = async (
    name: string,
    namespace: string,
    pods: number,
    process?: ChildProcess,
  ): Promise<readonly [name: string, pods: number, rate: number, cpuMs: string]> => {
    const before = processorMs(process?.pid);
    const rate = await atOnce(access, { name, namespace, images: [signed] } satisfies PodCase, CLIENTS, pods);
    return [name, pods, rate, process === undefined ? '–' : processorShare(process, before, pods)];
  };
  const rates = [
    await burst('nobody asked', OPEN, BURST_PODS),
    await burst('ours', OURS, BURST_PODS, child),
    ...(peer === undefined ? [] : [await burst('policy-controller', THEIRS, PEER_BURST_PODS, peer)]),
  ];

  const storm = await podStorm({
    ...{ access, world, namespace: OURS, pods: STORM_PODS, clients: CLIENTS },
    signed: await inGroups(STORM_IMAGES - UNSIGNED_IMAGES, (index) =>
      pushSigned(world, `shop/storm${index}`, key.privateKey),
    ),
    unsigned: await inGroups(UNSIGNED_IMAGES, async (index) => (await world.push(`shop/none${index}`)).toString()),
  });

  const calls = (await fetchWebhookCalls(access)).map(
    ({ webhook, calls: count, failedOpen, failedClosed }) =>
      `${webhook} ${count} (${failedOpen} open, ${failedClosed} closed)`,
  );
  const mebibytes = (process: ChildProcess): string => peakMiB(process.pid).toFixed(0);
  const memory = `Peak memory: ours ${mebibytes(child)} MiB${peer === undefined ? '' : `, policy-controller ${mebibytes(peer)} MiB`}.`;
  const lines = [
    header,
    `${ROUNDS} rounds. Ours was ready after ${readyMs.toFixed(0)} ms; its first pod of an image never seen took ${cold.toFixed(1)} ms.`,
    '',
    '## Registry on loopback',
    '',
    ...table(nearCases, near),
    `## Registry ${DELAY_MS} ms away`,
    '',
    ...table(farCases, far),
    `## ${CLIENTS} clients at once, one signed container`,
    '',
    '| | pods | pods/s | CPU ms of the webhook a pod |',
    '|---|---|---|---|',
    ...rates.map(([name, pods, rate, cpuMs]) => `| ${name} | ${pods} | ${rate.toFixed(0)} | ${cpuMs} |`),
    '',
    ...stormLines(storm),
    memory,
    '',
    `Calls as the API server counts them: ${calls.join('; ')}.`,
    '',
    ...(peer === undefined
      ? [
          'policy-controller’s webhook is not beside it: `tools/peers install policy-controller`, on a system with network namespaces.',
          '',
        ]
      : []),
  ];
  process.stdout.write(lines.join('\n'));
  access.http.close();
}

const hasOwnNetwork = enterOwnNetwork();
try {
  await main(hasOwnNetwork);
} finally {
  for (const close of closing.reverse()) await close();
}
