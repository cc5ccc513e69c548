/** A real API server with controllers and Kyverno's own definitions, and the webhook at its door that decides by Kyverno's policies. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { demoConfigurations } from '../../../examples/guarded-cluster.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { POLICY_DEFINITIONS } from '../../../src/core/policy/definitions/policy-definitions.ts';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { policyKinds } from '../../../src/servers/webhook/policy-kinds.ts';
import { watchClusterPolicies } from '../../../src/servers/webhook/policy-watch.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { KubeCluster, type Ended } from '../../support/kube-cluster.ts';
import { peer, peersFolder } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { NAMESPACE as SHOP, WORKLOADS } from './kube-objects.ts';
import { Recorder } from './recorder.ts';
import { World } from './world.ts';

/** Where exceptions count. */
export const SYSTEM = 'cosign-system';
const DEFINITIONS = [
  'kyverno.io_clusterpolicies',
  'kyverno.io_policies',
  'kyverno.io_policyexceptions',
  'policies.kyverno.io_imagevalidatingpolicies',
  'policies.kyverno.io_namespacedimagevalidatingpolicies',
  'policies.kyverno.io_policyexceptions',
];

export interface KyvernoDoor {
  readonly cluster: KubeCluster;
  readonly world: World;
  readonly recorder: Recorder;
  /** Whether the API server would have the object made, and what it says to that. */
  readonly tried: (object: object) => Promise<Ended>;
  /** Waits until an object is refused with this text. */
  readonly refusedWith: (object: object, text: RegExp) => Promise<void>;
  readonly admitted: (object: object) => Promise<void>;
  /** Ends the webhook without a word. */
  readonly kill: () => Promise<void>;
}

/** Namespaces `shop` and `bank` are guarded. Undefined, and skipped aloud, where a peer is missing. */
export async function openKyvernoDoor(t: TestContext): Promise<KyvernoDoor | undefined> {
  if (peer(t, 'kyverno') === undefined) return undefined;
  const engines = await policyEngines(t);
  if (engines === undefined) return undefined;
  const files = DEFINITIONS.map((name) => join(peersFolder(), 'bin', `kyverno.${name}.yaml`));
  assert.ok(files.every((file) => existsSync(file)));
  const cluster = await KubeCluster.start(t, { controllers: true });
  if (cluster === undefined) return undefined;
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  // Too large for an annotation of what was applied last.
  for (const file of files) await cluster.must(['create', '-f', file]);
  const named = DEFINITIONS.map((name) => `crd/${name.split('_').reverse().join('.')}`);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev', ...named]);
  await cluster.must(['create', 'namespace', SYSTEM]);
  await cluster.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } });
  for (const name of ['shop', 'bank']) {
    await cluster.create({ ...SHOP, metadata: { ...SHOP.metadata, name } });
    await cluster.eventually(`the account of ${name}`, async () => {
      return (await cluster.kubectl(['get', 'serviceaccount', 'default', '-n', name])).exitCode === 0;
    });
  }
  const world = await World.open(t);
  const recorder = new Recorder();
  const policies = await watchClusterPolicies({
    cluster: await openKubeconfigAccess(cluster.kubeconfig),
    kinds: policyKinds(SYSTEM),
    logger: recorder.logger,
  });
  const webhook = createWebhook({
    policies,
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    engines: () => Promise.resolve(engines),
    // As Kyverno: what no policy is about is nobody's business.
    noMatch: 'allow',
    policyRules: { systemNamespace: SYSTEM },
    now: () => new Date(),
  });
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-kyverno-tls-'));
  const { tls, caFile } = await openServingCertificate({ folder, hosts: ['127.0.0.1'], now: new Date() });
  const server = await listen(webhook.routes, { host: '127.0.0.1', port: 0, tls, direct: webhook.reviews });
  t.after(async () => {
    await server.close(0);
    await webhook.close();
    await policies.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const caBundle = readFileSync(caFile).toString('base64');
  for (const configuration of demoConfigurations((path) => ({ url: new URL(path, server.url).href, caBundle }))) {
    await cluster.create(configuration);
  }
  const tried = (object: object): Promise<Ended> =>
    cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(object));
  return {
    cluster,
    world,
    recorder,
    tried,
    refusedWith: (object, text) =>
      cluster.eventually(`refused with ${String(text)}`, async () => text.test((await tried(object)).stderr)),
    admitted: (object) => cluster.eventually('admitted', async () => (await tried(object)).exitCode === 0),
    kill: () => server.close(0),
  };
}

export function workload(kind: string, name: string, image: string, namespace = 'shop'): object {
  const found = WORKLOADS.find((one) => one.kind === kind);
  assert.ok(found !== undefined, kind);
  const object = found.object(name, image) as { readonly metadata: object };
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** Every image of the pods that the controllers have made of a Deployment in `shop` has the digest. */
export async function becomesPods({ cluster }: KyvernoDoor, app: string, image: ImageReference): Promise<void> {
  await cluster.eventually(`pods of ${app}`, async () => {
    const text = await cluster.must(['get', 'pods', '-n', 'shop', '-l', `app=${app}`, '-o', 'json']);
    const { items } = JSON.parse(text) as { items: { spec: { containers: { image: string }[] } }[] };
    const images = items.flatMap(({ spec }) => spec.containers.map((container) => container.image));
    return images.length > 0 && images.every((one) => one.split('@')[1] === image.digest?.toString());
  });
}
