/**
 * Processor time of the webhook's process for each admitted pod: reviews as kube-apiserver 1.35 sends them, over connections that stay
 * open; to `/validate` alone, as for pods whose images have their digests, and to `/mutate` first. Without the API server, etcd and clients around it, which share the machine in
 * `webhook.ts`, a change of a tenth shows.
 *
 *   sh tools/node/run bench/reviews.ts [--pods N] [--rounds N] [--profile FOLDER]
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { parseArgs } from 'node:util';
import { encodeSimpleSigning } from '../src/core/bundle/simple-signing.ts';
import { NODE_OPTIONS } from '../src/core/installation/webhook-workload.ts';
import { encodeTrustedRoot } from '../src/core/trust/trusted-root.ts';
import { World } from '../test/servers/webhook/world.ts';
import { pushLayers } from '../test/support/signature-layers.ts';
import { benchHeader } from './machine.ts';
import { median, percentile } from './measured-process.ts';
import { peakMiB, processorMs } from './running-process.ts';

const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'string' },
  },
});
const PODS = Number(values.pods);
const ROUNDS = Number(values.rounds);
/** Compiled, remembered, and out of the young generation. */
const WARMING_PODS = Math.min(PODS, 1500);

const closing: (() => unknown)[] = [];
const context = { after: (close: () => unknown) => closing.push(close) } as unknown as TestContext;

interface Served {
  readonly child: ChildProcess;
  readonly url: URL;
  readonly ca: string;
}

async function serve(folder: string, world: World, policy: string): Promise<Served> {
  writeFileSync(join(folder, 'root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(join(folder, 'policy.json'), policy);
  const packed = join(folder, 'package');
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../tools/package/package.ts'), packed]);
  const from = ['--policy', 'policy.json', '--trusted-root', 'root.json', '--port', '0', '--self-signed', 'tls'];
  const kept = ['--evidence', 'evidence.db', '--ledger', 'ledger'];
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`];
  const child = spawn(process.execPath, [...profile, join(packed, 'bin/sealwright'), 'webhook', ...from, ...kept], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8', NODE_OPTIONS },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  closing.push(async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const [url] = /https:\/\/\S+/.exec(line) ?? [];
  if (url === undefined) throw new Error(`the webhook did not start: ${line}`);
  return { child, url: new URL(url), ca: readFileSync(join(folder, 'tls/ca.pem'), 'utf8') };
}

/** As kube-apiserver 1.35 writes it for a pod with `images`, defaults, tolerations and managed fields included. */
function reviewBody(images: readonly string[], name: string, stage: Stage): Buffer {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const container = (image: string, index: number): object => ({
    ...{ name: `c${index}`, image, resources: {}, terminationMessagePath: '/dev/termination-log' },
    ...{ terminationMessagePolicy: 'File', imagePullPolicy: 'IfNotPresent' },
  });
  const managed = Object.fromEntries(
    images.map((_, index) => [
      `k:{"name":"c${index}"}`,
      {
        ...{ '.': {}, 'f:image': {}, 'f:imagePullPolicy': {}, 'f:name': {}, 'f:resources': {} },
        ...{ 'f:terminationMessagePath': {}, 'f:terminationMessagePolicy': {} },
      },
    ]),
  );
  const fieldsV1 = {
    'f:spec': {
      ...{ 'f:containers': managed, 'f:dnsPolicy': {}, 'f:enableServiceLinks': {}, 'f:restartPolicy': {} },
      ...{ 'f:schedulerName': {}, 'f:securityContext': {}, 'f:terminationGracePeriodSeconds': {} },
    },
  };
  const toleration = (key: string): object => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  });
  const time = new Date().toISOString();
  const review = {
    ...{ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' },
    request: {
      ...{ uid: randomUUID(), kind, resource, requestKind: kind, requestResource: resource, name, namespace: 'ours' },
      operation: 'CREATE',
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      object: {
        ...{ kind: 'Pod', apiVersion: 'v1' },
        metadata: {
          ...{ name, namespace: 'ours' },
          ...(stage === 'mutate' ? {} : { uid: randomUUID(), generation: 1 }),
          creationTimestamp: time,
          managedFields: [
            { manager: 'kubectl', operation: 'Update', apiVersion: 'v1', time, fieldsType: 'FieldsV1', fieldsV1 },
          ],
        },
        spec: {
          containers: images.map(container),
          ...{ restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst' },
          ...{ securityContext: {}, schedulerName: 'default-scheduler' },
          tolerations: ['not-ready', 'unreachable'].map((key) => toleration(`node.kubernetes.io/${key}`)),
          ...{ priority: 0, enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority' },
        },
        status: { phase: 'Pending', qosClass: 'BestEffort' },
      },
      ...{ oldObject: null, dryRun: false, options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' } },
    },
  };
  return Buffer.from(JSON.stringify(review));
}

type Stage = 'mutate' | 'validate';

/** @throws Error unless the pod is admitted */
function ask(served: Served, agent: Agent, stage: Stage, body: Buffer): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    accept: 'application/json, */*',
    'accept-encoding': 'gzip',
    'user-agent': 'kube-apiserver-admission',
  };
  return new Promise((done, reject) => {
    const url = new URL(`/${stage}?timeout=10s`, served.url);
    const outgoing = request(url, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => {
        if (text.includes('"allowed":true')) done();
        else reject(new Error(text));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

interface Case {
  readonly what: string;
  readonly images: readonly string[];
  readonly stages: readonly Stage[];
  readonly connections: number;
}

interface Round {
  readonly cpuMs: number;
  readonly answersMs: readonly number[];
}

async function round(served: Served, { images, stages, connections }: Case, pods: number): Promise<Round> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: served.ca });
  const answersMs: number[] = [];
  let left = pods;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const name = `p${left}`;
      const bodies = stages.map((stage) => [stage, reviewBody(images, name, stage)] as const);
      const began = performance.now();
      for (const [stage, body] of bodies) await ask(served, agent, stage, body);
      answersMs.push(performance.now() - began);
    }
  };
  const before = processorMs(served.child.pid);
  await Promise.all(Array.from({ length: connections }, client));
  const cpuMs = (processorMs(served.child.pid) - before) / pods;
  agent.destroy();
  return { cpuMs, answersMs };
}

async function main(): Promise<void> {
  const header = benchHeader(
    'Reviews',
    `Processor time of our webhook’s process for each admitted pod; ${ROUNDS} rounds of ${PODS} pods, the median.`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-bench-reviews-'));
  closing.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const world = await World.open(context);
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const images: string[] = [];
  for (let index = 0; index < 5; index++) {
    const image = await world.push(`shop/app${index}`);
    const digest = image.digest!;
    const content = encodeSimpleSigning(image.context, digest);
    const signature = sign('sha256', content, key.privateKey).toString('base64');
    const annotations = { 'dev.cosignproject.cosign/signature': signature };
    await pushLayers(world.client, image, digest, [{ content, annotations }]);
    images.push(image.toString());
  }
  const policy = {
    ...{ apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy', metadata: { name: 'shop' } },
    spec: {
      images: [{ glob: `${world.host}/shop/**` }],
      authorities: [{ name: 'key', key: { data: key.publicKey.export({ type: 'spki', format: 'pem' }) } }],
    },
  };
  const served = await serve(folder, world, JSON.stringify(policy));
  const rows: string[] = [];
  const [once, twice] = [['validate'], ['mutate', 'validate']] as const;
  const cases: readonly Case[] = [
    { what: 'one container, one connection', images: images.slice(0, 1), stages: once, connections: 1 },
    { what: 'one container, twenty connections', images: images.slice(0, 1), stages: once, connections: 20 },
    { what: 'one container, asked twice, twenty', images: images.slice(0, 1), stages: twice, connections: 20 },
    { what: 'five containers, one connection', images, stages: once, connections: 1 },
  ];
  for (const one of cases) {
    await round(served, one, WARMING_PODS);
    const rounds: Round[] = [];
    for (let count = 0; count < ROUNDS; count++) rounds.push(await round(served, one, PODS));
    const cpu = rounds.map(({ cpuMs }) => cpuMs);
    const times = rounds.flatMap(({ answersMs }) => answersMs);
    const [best, p50, p99] = [Math.min(...cpu), percentile(times, 0.5), percentile(times, 0.99)];
    rows.push(
      `| ${one.what} | ${median(cpu).toFixed(3)} | ${best.toFixed(3)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} |`,
    );
  }
  const columns = '| | CPU ms a pod | best round | answered p50 ms | p99 ms |';
  const memory = `Peak memory ${peakMiB(served.child.pid).toFixed(0)} MiB.`;
  console.log([header, columns, '|---|---|---|---|---|', ...rows, '', memory, ''].join('\n'));
}

try {
  await main();
} finally {
  for (const close of closing.reverse()) await close();
}
