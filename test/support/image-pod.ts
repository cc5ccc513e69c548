/** A pod of the manifests as the kubelet would start it, from the image itself: arguments, environment, volumes, the account's token. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ImageContainer, RunningContainer, Volume } from './image-container.ts';
import type { KubeCluster } from './kube-cluster.ts';

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly image: string;
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string; readonly value: string }[];
    readonly volumeMounts: readonly {
      readonly name: string;
      readonly mountPath: string;
      readonly readOnly?: boolean;
    }[];
  }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly emptyDir?: object;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string; readonly optional?: boolean };
  }[];
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

export interface PodOptions {
  readonly cluster: KubeCluster;
  /** Of `webhook install --dry-run`. */
  readonly manifests: readonly Manifest[];
  /** For what the kubelet writes; empty. */
  readonly folder: string;
  /** Of its Deployment. */
  readonly name: string;
  /** In place of the manifests' own, which another test may use at the same time. */
  readonly port: number;
  /** Further volumes. */
  readonly volumes?: readonly Volume[];
}

function deploymentOf(manifests: readonly Manifest[], name: string): Manifest {
  const deployment = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name);
  assert.ok(deployment !== undefined, name);
  return deployment;
}

export function podSpecOf(manifests: readonly Manifest[], name: string): PodSpec {
  return (deploymentOf(manifests, name).spec as { template: { spec: PodSpec } }).template.spec;
}

export async function startPod(t: TestContext, image: ImageContainer, options: PodOptions): Promise<RunningContainer> {
  const { cluster, manifests, name, folder, port } = options;
  const spec = podSpecOf(manifests, name);
  const [container] = spec.containers;
  assert.ok(container !== undefined && spec.containers.length === 1);
  const account = join(folder, 'account');
  mkdirSync(account, { recursive: true });
  const namespace = deploymentOf(manifests, name).metadata.namespace ?? '';
  const token = await cluster.must(['create', 'token', spec.serviceAccountName, '-n', namespace]);
  writeFileSync(join(account, 'token'), token.trim());
  writeFileSync(join(account, 'namespace'), namespace);
  copyFileSync(cluster.authority, join(account, 'ca.crt'));
  chmodSync(join(account, 'ca.crt'), 0o644);
  const volumes = container.volumeMounts.map(({ name, mountPath, readOnly }): Volume => {
    const volume = spec.volumes.find((candidate) => candidate.name === name);
    assert.ok(volume !== undefined, name);
    if (volume.emptyDir !== undefined) return { path: mountPath };
    assert.equal(readOnly, true, name);
    return { path: mountPath, source: writeVolume(join(folder, name), volume, manifests) };
  });
  const server = new URL(await cluster.server());
  return image.start(
    t,
    container.args.map((word) => word.replace(/^(--(?:metrics-)?port)=.*$/, `$1=${port}`)),
    {
      volumes: [...volumes, { path: ACCOUNT_FOLDER, source: account }, ...(options.volumes ?? [])],
      environment: {
        ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
        KUBERNETES_SERVICE_HOST: server.hostname,
        KUBERNETES_SERVICE_PORT: server.port,
      },
    },
  );
}

/** What the API server would tell the kubelet: a ConfigMap's members as files; nothing of a Secret that is not there. */
function writeVolume(folder: string, volume: PodSpec['volumes'][number], manifests: readonly Manifest[]): string {
  mkdirSync(folder);
  if (volume.secret !== undefined) {
    assert.equal(volume.secret.optional, true, volume.name);
    return folder;
  }
  const map = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === volume.configMap?.name);
  assert.ok(map !== undefined, volume.name);
  for (const [name, text] of Object.entries(map.data ?? {})) writeFileSync(join(folder, name), text);
  return folder;
}
