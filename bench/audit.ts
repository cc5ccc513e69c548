/**
 * An audit of many containers: `audit snapshot` as a whole process against a real kube-apiserver and a local registry, with time, peak
 * memory, and every request that the registry got. Pods are created in the API server, and their statuses written as a kubelet would.
 *
 *   sh bench/run audit            npm run bench -- audit
 *   sh tools/node/run bench/audit.ts --containers 200 --images 20     that it runs, in seconds; the figures mean nothing
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { parseArgs } from 'node:util';
import { parseAuditSnapshot } from '../src/core/audit/audit-snapshot.ts';
import { encodeTrustedRoot } from '../src/core/trust/trusted-root.ts';
import { openKubeconfigAccess, type ClusterAccess } from '../src/io/kubernetes/cluster-access.ts';
import { askCluster } from '../src/io/kubernetes/cluster-request.ts';
import { World } from '../test/servers/webhook/world.ts';
import { ISSUER, SUBJECT } from '../test/support/instance.ts';
import { KubeCluster } from '../test/support/kube-cluster.ts';
import { benchHeader } from './machine.ts';
import { measureOnce, median } from './measured-process.ts';

const { values } = parseArgs({
  options: {
    containers: { type: 'string', default: '10000' },
    images: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
  },
});
const CONTAINERS = Number(values.containers);
const IMAGES = Number(values.images);
const ROUNDS = Number(values.rounds);
const PER_POD = 5;
const CLIENTS = 16;
/** One image in so many is signed by nobody. */
const UNSIGNED_EACH = 5;
const MEANING =
  `\`audit snapshot\` of ${CONTAINERS} containers in ${CONTAINERS / PER_POD} pods over ${IMAGES} images, four of five signed, under one policy; ` +
  'pods in a real kube-apiserver with statuses written as a kubelet writes them, the registry on loopback in the process that ' +
  'measures. It does not show networks, nor registries that throttle.';

/** Names by digest, as runtimes report them. */
async function pushImages(world: World): Promise<readonly string[]> {
  const images: string[] = [];
  for (let index = 0; index < IMAGES; index++) {
    const name = `shop/app-${index}`;
    const image = index % UNSIGNED_EACH === 0 ? await world.push(name) : await world.pushSigned(name);
    images.push(`${world.host}/${name}@${image.digest!.toString()}`);
  }
  return images;
}

async function runPod(access: ClusterAccess, index: number, images: readonly string[]): Promise<void> {
  const own = Array.from({ length: PER_POD }, (_, place) => images[(index * PER_POD + place) % images.length] ?? '');
  const path = '/api/v1/namespaces/shop/pods';
  const name = `pod-${index}`;
  const document = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: own.map((image, place) => ({ name: `c${place}`, image })) },
  };
  await askCluster(access, { method: 'POST', path, document });
  const containerStatuses = own.map((image, place) => ({
    ...{ name: `c${place}`, image, imageID: image, ready: true, restartCount: 0 },
    state: { running: {} },
  }));
  await askCluster(access, {
    method: 'PATCH',
    path: `${path}/${name}/status`,
    contentType: 'application/merge-patch+json',
    document: { status: { phase: 'Running', containerStatuses } },
  });
}

async function fillCluster(cluster: KubeCluster, images: readonly string[]): Promise<void> {
  for (const command of [
    ['create', 'namespace', 'shop'],
    ['create', 'serviceaccount', 'default', '-n', 'shop'],
  ]) {
    await cluster.must(command);
  }
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  let next = 0;
  const client = async (): Promise<void> => {
    for (let pod = next++; pod < CONTAINERS / PER_POD; pod = next++) await runPod(access, pod, images);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  access.http.close();
}

/** How often each image was asked for, by what: its manifest, its referrers, the tag of older signatures, signatures themselves. */
function mostAsked(seen: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const request of seen) {
    // `/v2/` only says that there is a registry.
    if (!request.endsWith('/v2/')) counts.set(request, (counts.get(request) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

/** The package as it is published: in a checkout types are stripped from every source at each start. @returns its command */
function packInto(folder: string): string {
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../tools/package/package.ts'), folder]);
  return join(folder, 'bin/sealwright');
}

async function run(t: TestContext, folder: string): Promise<string> {
  const program = packInto(join(folder, 'package'));
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) throw new Error('needs tools/peers install kube-apiserver etcd kubectl');
  const world = await World.open(t);
  const images = await pushImages(world);
  await fillCluster(cluster, images);
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(
    path('policy.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec: {images: [{glob: "**"}], authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: "${SUBJECT}"}]}}]}
`,
  );
  const flags = ['--system', 'bench', '--kubeconfig', cluster.kubeconfig, '--policy', path('policy.yaml')];
  const command = ['audit', 'snapshot', ...flags, '--trusted-root', path('root.json'), '--out', path('snapshot.json')];
  const samples: { readonly seconds: number; readonly mebibytes: number }[] = [];
  let requests = 0;
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) {
    world.taken();
    rmSync(path('snapshot.json'), { force: true });
    const { wallMs, rssMiB } = await measureOnce({
      name: 'audit snapshot',
      command: [process.execPath, program, ...command, '--quiet'],
      env: { HOME: folder, XDG_CONFIG_HOME: folder },
    });
    const seen = world.taken();
    samples.push({ seconds: wallMs / 1000, mebibytes: rssMiB });
    requests = seen.length;
    most = Math.max(most, mostAsked(seen));
  }
  const { entries } = parseAuditSnapshot(readFileSync(path('snapshot.json'), 'utf8'));
  const found = (state: string): number => entries.filter((one) => one.state === state).length;
  const seconds = samples.map((one) => one.seconds);
  const memory = samples.map((one) => one.mebibytes);
  return `| containers | images | s, median | s, worst | peak MiB, worst | requests | most of one kind about one image | verified | unsigned | other |
|---|---|---|---|---|---|---|---|---|---|
| ${CONTAINERS} | ${IMAGES} | ${median(seconds).toFixed(1)} | ${Math.max(...seconds).toFixed(1)} | ${Math.max(...memory).toFixed(0)} | ${requests} | ${most} | ${found('verified')} | ${found('unsigned')} | ${entries.length - found('verified') - found('unsigned')} |
`;
}

const closing: (() => unknown)[] = [];
const t = { after: (close: () => unknown) => closing.unshift(close) } as unknown as TestContext;
const folder = mkdtempSync(join(tmpdir(), 'sealwright-bench-audit-'));
try {
  process.stdout.write(`${benchHeader('An audit of many containers', MEANING)}\n${await run(t, folder)}`);
} finally {
  for (const close of closing) await close();
  rmSync(folder, { recursive: true, force: true });
}
