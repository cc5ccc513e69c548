/**
 * Workloads on a real kube-apiserver with the real controllers: what they make of Deployments, Jobs and the others is asked about as
 * well, and nobody is there who could read a refusal. A node is played by its object; pods stay Pending.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { openKubeconfigAccess, type ClusterAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import type { PolicySource } from '../../../src/servers/webhook/policy-source.ts';
import { watchClusterPolicies } from '../../../src/servers/webhook/policy-watch.ts';
import { installWebhook } from '../../../src/workflows/installation/install-webhook.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { playReplicas, testInstallation } from './installation.ts';
import { NAMESPACE as SHOP, podObject, WORKLOADS } from './kube-objects.ts';
import { NAMESPACE, ServicePort, startReplica, type Replica } from './replica.ts';
import { World } from './world.ts';

class Shop {
  readonly cluster: KubeCluster;
  readonly world: World;
  readonly #t: TestContext;
  readonly #service: ServicePort;
  readonly #opened: { access: ClusterAccess; policies: PolicySource }[] = [];
  #replicas: Replica[] = [];

  private constructor(t: TestContext, cluster: KubeCluster, world: World, service: ServicePort) {
    this.#t = t;
    this.cluster = cluster;
    this.world = world;
    this.#service = service;
  }

  /** A guarded namespace with its account, a node, a policy, and the webhook installed with two replicas. */
  static async open(t: TestContext): Promise<Shop | undefined> {
    const cluster = await KubeCluster.start(t, { controllers: true });
    if (cluster === undefined) return undefined;
    const shop = new Shop(t, cluster, await World.open(t), await ServicePort.open(t));
    t.after(async () => {
      for (const { access, policies } of shop.#opened) {
        await policies.close();
        access.http.close();
      }
    });
    await cluster.create(SHOP);
    await cluster.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } });
    await cluster.eventually('the account of the namespace', async () => {
      return (await cluster.kubectl(['get', 'serviceaccount', 'default', '-n', 'shop'])).exitCode === 0;
    });
    return shop;
  }

  policy(mode = 'enforce'): object {
    return {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'shop' },
      spec: {
        mode,
        images: [{ glob: `${this.world.host}/shop/**` }],
        authorities: [{ keyless: { identities: [{ issuer: ISSUER, subject: SUBJECT }] } }],
      },
    };
  }

  async install(): Promise<void> {
    const access = await openKubeconfigAccess(this.cluster.kubeconfig);
    await installWebhook({
      cluster: access,
      objects: testInstallation(this.#service.port),
      namespace: NAMESPACE,
      waitMs: 600_000,
      report: () => undefined,
      sleep: async () => {
        const args = ['get', 'deployment', 'sealwright-webhook', '-n', NAMESPACE];
        if ((await this.cluster.kubectl(args)).exitCode !== 0) return;
        if (this.#replicas.length === 0) await this.startReplicas();
        await playReplicas(access, 2);
      },
    });
    access.http.close();
    await this.cluster.create(this.policy());
    const probe = await this.world.push('shop/probe');
    await this.cluster.eventually('the webhook is asked', async () =>
      (await this.dryRun(podObject('probe', pinned(probe)))).stderr.includes('NO_SIGNATURE'),
    );
  }

  async startReplicas(): Promise<void> {
    for (let count = 0; count < 2; count++) {
      const access = await openKubeconfigAccess(this.cluster.kubeconfig);
      const policies = await watchClusterPolicies({ cluster: access });
      this.#opened.push({ access, policies });
      this.#replicas.push(await startReplica(this.#t, { cluster: access, world: this.world, policies }));
    }
    this.#service.route(...this.#replicas);
  }

  async killReplicas(): Promise<void> {
    this.#service.route();
    for (const replica of this.#replicas) await replica.kill();
    this.#replicas = [];
  }

  dryRun(object: object): ReturnType<KubeCluster['kubectl']> {
    return this.cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(object));
  }

  /** Images of the pods that a workload's controller has made. */
  async podImages(app: string): Promise<readonly string[]> {
    const text = await this.cluster.must(['get', 'pods', '-n', 'shop', '-l', `app=${app}`, '-o', 'json']);
    const { items } = JSON.parse(text) as { items: { metadata: object; spec: { containers: { image: string }[] } }[] };
    return items
      .filter(({ metadata }) => !('deletionTimestamp' in metadata))
      .map(({ spec }) => spec.containers[0]?.image ?? '');
  }

  async pods(app: string, image: ImageReference, count: number): Promise<void> {
    const wanted = Array.from({ length: count }, () => pinned(image));
    await this.cluster.eventually(`${count} pods of ${app}`, async () => {
      const images = await this.podImages(app);
      // A reference that came with a tag keeps it in front of the digest.
      return (
        images.length === count && images.every((found, index) => digestOf(found) === digestOf(wanted[index] ?? ''))
      );
    });
  }
}

function pinned(image: ImageReference): string {
  return `${image.context}@${image.digest!.toString()}`;
}

function digestOf(reference: string): string {
  return reference.split('@')[1] ?? '';
}

const make = (kind: string, name: string, image: string): object =>
  WORKLOADS.find((workload) => workload.kind === kind)!.object(name, image);

interop(
  'kube-controller-manager',
  'both',
  'every kind of workload becomes pods with the digest that was verified',
  async (t) => {
    const shop = await Shop.open(t);
    if (shop === undefined) return;
    const { cluster, world } = shop;
    await shop.install();
    const signed = await world.pushSigned('shop/app');
    const unsigned = await world.push('shop/unsigned');
    for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController', 'Job']) {
      const app = kind.toLowerCase();
      assert.match(await cluster.refused(make(kind, `no-${app}`, `${unsigned.context}:1`)), /NO_SIGNATURE/, kind);
      await cluster.create(make(kind, app, `${signed.context}:1`));
      await shop.pods(app, signed, 1);
      assert.deepEqual(await shop.podImages(`no-${app}`), []);
    }
    assert.match(await cluster.refused(make('CronJob', 'no-cron', `${unsigned.context}:1`)), /NO_SIGNATURE/);
    await cluster.create(make('CronJob', 'cron', `${signed.context}:1`));
    await cluster.must(['create', 'job', 'once', '--from=cronjob/cron', '-n', 'shop']);
    await shop.pods('cron', signed, 1);

    await cluster.create(podObject('bare', `${signed.context}:1`));
    assert.match(await cluster.refused(podObject('bad', `${unsigned.context}:1`)), /NO_SIGNATURE/);
    const debug = (image: string): Promise<{ exitCode: number; stderr: string }> =>
      cluster.kubectl(['debug', 'pod/bare', '-n', 'shop', '--profile=general', `--image=${image}`, '--container=dbg']);
    assert.match((await debug(`${unsigned.context}:1`)).stderr, /NO_SIGNATURE .*ephemeralContainers/);
    assert.equal((await debug(`${signed.context}:1`)).exitCode, 0);

    // Rolled out, rolled back, scaled down, also while the registry is down: what was verified is known.
    const second = await world.pushSigned('shop/app', '2');
    // Nobody makes pods ready here: a controller that waited for that would keep the old ones.
    const impatient = JSON.stringify({ spec: { strategy: { rollingUpdate: { maxUnavailable: '100%' } } } });
    await cluster.must(['patch', 'deployment/deployment', '-n', 'shop', '-p', impatient]);
    await cluster.must(['set', 'image', 'deployment/deployment', '-n', 'shop', `c0=${second.context}:2`]);
    await cluster.eventually('the second version', async () => {
      return (await shop.podImages('deployment')).some((image) => digestOf(image) === digestOf(pinned(second)));
    });
    world.fault.answer = () => new Response('down', { status: 500 });
    await cluster.must(['rollout', 'undo', 'deployment/deployment', '-n', 'shop']);
    await cluster.must(['scale', 'deployment/deployment', '-n', 'shop', '--replicas=2']);
    await cluster.eventually('the first version again, twice', async () => {
      const images = await shop.podImages('deployment');
      return images.filter((image) => digestOf(image) === digestOf(pinned(signed))).length === 2;
    });
    await cluster.must(['scale', 'deployment/deployment', '-n', 'shop', '--replicas=0']);
    await cluster.eventually('none', async () => (await shop.podImages('deployment')).length === 0);
    assert.match(await cluster.refused(podObject('unseen', `${world.host}/shop/unseen:1`)), /COULD_NOT_CHECK/);
  },
);

interop(
  'kube-controller-manager',
  'both',
  'an unsigned Deployment from before: warned, refused its pods, shrunk, mended, removed',
  async (t) => {
    const shop = await Shop.open(t);
    if (shop === undefined) return;
    const { cluster, world } = shop;
    const unsigned = await world.push('shop/app');
    await cluster.create(make('Deployment', 'old', pinned(unsigned)));
    await shop.pods('old', unsigned, 1);
    await shop.install();

    await cluster.must(['replace', '-f', '-'], JSON.stringify(shop.policy('warn')));
    await cluster.eventually('only warned of', async () => {
      const { exitCode, stderr } = await shop.dryRun(make('Deployment', 'warned', pinned(unsigned)));
      return exitCode === 0 && stderr.includes('Warning: NO_SIGNATURE');
    });
    await cluster.must(['replace', '-f', '-'], JSON.stringify(shop.policy()));
    await cluster.eventually(
      'refused again',
      async () => (await shop.dryRun(podObject('p', pinned(unsigned)))).exitCode !== 0,
    );

    // Its controller may no longer make pods, and says so where people look.
    await cluster.must(['scale', 'deployment/old', '-n', 'shop', '--replicas=3']);
    await cluster.eventually('ReplicaFailure', async () => {
      const text = await cluster.must(['get', 'deployment', 'old', '-n', 'shop', '-o', 'json']);
      const { status } = JSON.parse(text) as {
        status: { conditions: { type: string; reason: string; message: string }[] };
      };
      return status.conditions.some(
        ({ type, reason, message }) =>
          type === 'ReplicaFailure' && reason === 'FailedCreate' && message.includes('NO_SIGNATURE'),
      );
    });
    await cluster.eventually('an Event', async () => {
      const text = await cluster.must(['get', 'events', '-n', 'shop', '-o', 'json']);
      return /"reason":\s*"FailedCreate"/.test(text) && text.includes('NO_SIGNATURE');
    });
    assert.deepEqual(await shop.podImages('old'), [pinned(unsigned)]);

    await cluster.must(['scale', 'deployment/old', '-n', 'shop', '--replicas=1']);
    await cluster.must(['label', 'deployment/old', '-n', 'shop', 'team=pay']);
    await cluster.must(['annotate', 'pods', '-l', 'app=old', '-n', 'shop', 'note=x']);
    // Mended by signing: nothing has to be deployed anew.
    await world.sign(unsigned);
    await cluster.must(['delete', 'pods', '-l', 'app=old', '-n', 'shop', '--wait=false']);
    await shop.pods('old', unsigned, 1);
    await cluster.must(['delete', 'deployment/old', '-n', 'shop', '--cascade=foreground', '--wait=false']);
    await cluster.eventually('gone', async () => {
      return (await cluster.kubectl(['get', 'deployment', 'old', '-n', 'shop'])).exitCode !== 0;
    });
  },
);

interop(
  'kube-controller-manager',
  'both',
  'the webhook is gone, the whole cluster restarts, everything comes back by itself',
  async (t) => {
    const shop = await Shop.open(t);
    if (shop === undefined) return;
    const { cluster, world } = shop;
    await shop.install();
    const signed = await world.pushSigned('shop/app');
    const unsigned = await world.push('shop/unsigned');
    await cluster.create(make('Deployment', 'app', `${signed.context}:1`));
    await shop.pods('app', signed, 1);

    await shop.killReplicas();
    assert.match(await cluster.refused(podObject('late', pinned(signed))), /failed calling webhook/);
    // What needs no decision needs no webhook: scaling, deletion, and namespaces that are not guarded.
    await cluster.must(['label', 'pods', '-l', 'app=app', '-n', 'shop', 'team=pay']);
    const finalizers = (list: readonly string[]): string => JSON.stringify({ metadata: { finalizers: list } });
    for (const list of [['example.com/wait'], []]) {
      await cluster.must(['patch', 'deployment/app', '-n', 'shop', '--type=merge', '-p', finalizers(list)]);
    }
    await cluster.must(['label', 'cip/shop', 'team=pay']);
    const image = await cluster.kubectl(['set', 'image', 'deployment/app', '-n', 'shop', `c0=${pinned(unsigned)}`]);
    assert.match(image.stderr, /failed calling webhook/);
    const looser = await cluster.kubectl(['patch', 'cip/shop', '--type=merge', '-p', '{"spec":{"mode":"warn"}}']);
    assert.match(looser.stderr, /failed calling webhook/);
    await cluster.must(['scale', 'deployment/app', '-n', 'shop', '--replicas=0']);
    await cluster.eventually('none', async () => (await shop.podImages('app')).length === 0);
    await cluster.must(['scale', 'deployment/app', '-n', 'shop', '--replicas=2']);
    await cluster.create({
      ...podObject('system', pinned(unsigned)),
      metadata: { name: 'system', namespace: 'kube-system' },
    });
    await shop.startReplicas();
    await shop.pods('app', signed, 2);

    await shop.killReplicas();
    await cluster.restart();
    // A cluster that has just started, and no webhook yet: its own pods and those of kube-system come up.
    await cluster.create({
      ...podObject('first', pinned(unsigned)),
      metadata: { name: 'first', namespace: 'kube-system' },
    });
    const own = await cluster.must(['get', 'deployment', 'sealwright-webhook', '-n', NAMESPACE, '-o', 'json']);
    const { metadata, spec } = (JSON.parse(own) as { spec: { template: { metadata: object; spec: object } } }).spec
      .template;
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'own', namespace: NAMESPACE },
      spec,
    });
    assert.match(await cluster.refused(podObject('early', pinned(signed))), /failed calling webhook/);
    await shop.startReplicas();
    await cluster.eventually('asked again', async () =>
      (await shop.dryRun(podObject('probe', pinned(unsigned)))).stderr.includes('NO_SIGNATURE'),
    );
    await cluster.must(['scale', 'deployment/app', '-n', 'shop', '--replicas=3']);
    await shop.pods('app', signed, 3);
  },
);
