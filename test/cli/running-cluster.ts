/** A real API server with workloads in it whose status the test writes, as a kubelet would: there is none here. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { Sandbox, type Ended } from '../support/command-line.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import type { DraftInput } from '../support/instance.ts';

export const GITHUB = 'https://token.actions.githubusercontent.com';
const UID = '00000000-0000-4000-8000-000000000000';

export interface RunningCluster {
  readonly cluster: KubeCluster;
  readonly world: World;
  readonly sandbox: Sandbox;
  /** `sealwright policy …` with the cluster's kubeconfig and the world's trusted root. */
  readonly policy: (...args: readonly string[]) => Promise<Ended>;
  /** The same with the rights of an account that may read pods of `shop` and nothing else. */
  readonly asReader: (...args: readonly string[]) => Promise<Ended>;
  /** A kubeconfig of that account. */
  readonly readerConfig: () => Promise<string>;
  /** A pod, and what its kubelet says of it: image IDs by the container's name. */
  readonly run: (pod: PodInput) => Promise<void>;
}

export interface PodInput {
  readonly name: string;
  readonly namespace?: string;
  /** `Kind name`. */
  readonly owner?: string;
  readonly spec: object;
  readonly status?: object;
}

/** Undefined, and skipped aloud, where a peer is missing. */
export async function runningCluster(t: TestContext): Promise<RunningCluster | undefined> {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return undefined;
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  for (const namespace of ['shop', 'bank']) {
    await cluster.must(['create', 'namespace', namespace]);
    await cluster.must(['create', 'serviceaccount', 'default', '-n', namespace]);
  }
  const call = (command: readonly string[], kubeconfig: string): Promise<Ended> => {
    const [name = '', ...rest] = command;
    return sandbox.run(['policy', name, '--kubeconfig', kubeconfig, '--trusted-root', 'root.json', ...rest]);
  };
  return {
    cluster,
    world,
    sandbox,
    policy: (...args) => call(args, cluster.kubeconfig),
    readerConfig: () => readerKubeconfig(cluster, sandbox),
    asReader: async (...args) => call(args, await readerKubeconfig(cluster, sandbox)),
    run: async ({ name, namespace = 'shop', owner, spec, status }) => {
      await cluster.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace, ...owned(owner), labels: { app: name } },
        spec,
      });
      if (status === undefined) return;
      const patch = JSON.stringify({ status });
      await cluster.must([
        'patch',
        `pod/${name}`,
        '-n',
        namespace,
        '--subresource=status',
        '--type=merge',
        '-p',
        patch,
      ]);
    },
  };
}

export function owned(owner: string | undefined): object {
  if (owner === undefined) return {};
  const [kind = '', name = ''] = owner.split(' ');
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return { ownerReferences: [{ apiVersion, kind, name, uid: UID, controller: true }] };
}

/** As a workflow of GitHub's signs. */
export function byWorkflow(ref: string, repository = 'acme/pay'): DraftInput {
  return {
    leaf: {
      names: [{ kind: 'uri', value: `https://github.com/${repository}/.github/workflows/release.yml@${ref}` }],
      fulcio: {
        issuer: GITHUB,
        sourceRepositoryUri: `https://github.com/${repository}`,
        githubWorkflowRepository: repository,
        githubWorkflowRef: ref,
      },
    },
  };
}

export function digestName(image: ImageReference): string {
  return image.atDigest(image.digest!).toString();
}

/** What a kubelet writes for a container that runs. */
export function runs(name: string, image: string, imageID: string): object {
  return { name, image, imageID, ready: true, restartCount: 0, state: { running: {} } };
}

/** Of an account that may read the pods of `shop`, and nothing else. */
export async function readerKubeconfig(cluster: KubeCluster, sandbox: Sandbox): Promise<string> {
  const path = sandbox.path('reader.kubeconfig');
  await cluster.kubectl(['create', 'serviceaccount', 'reader', '-n', 'shop']);
  await cluster.kubectl(['create', 'role', 'reader', '-n', 'shop', '--verb=get,list', '--resource=pods']);
  await cluster.kubectl([
    'create',
    'rolebinding',
    'reader',
    '-n',
    'shop',
    '--role=reader',
    '--serviceaccount=shop:reader',
  ]);
  const token = await cluster.must(['create', 'token', 'reader', '-n', 'shop']);
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
  const [user] = config.users;
  writeFileSync(path, stringify({ ...config, users: [{ name: user?.name, user: { token: token.trim() } }] }));
  return path;
}
