/**
 * Certificates rotate on a real kube-apiserver while it asks two replicas about pods without a pause: not one request fails, and
 * the replicas may die in between, whichever it is.
 */
import assert from 'node:assert/strict';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { ROTATION_RULES } from '../../../src/servers/webhook/certificate-rotation.ts';
import { installWebhook } from '../../../src/workflows/installation/install-webhook.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { ALLOWED_IMAGE, CLIENTS, dryRunPod, Load, OTHER_IMAGE, ROUNDS } from './admission-load.ts';
import { playReplicas, testInstallation } from './installation.ts';
import { NAMESPACE, ServicePort, startReplica, type Replica } from './replica.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;
interop('kube-apiserver', 'both', 'certificates rotate under load without one failed request', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  t.after(() => {
    access.http.close();
  });
  const world = await World.open(t);
  const service = await ServicePort.open(t);
  await cluster.create({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { 'policy.sigstore.dev/include': 'true' } },
  });
  // The API server's clock is the real one: the webhook's begins far enough in the past, and catches up.
  let now = new Date(Date.now() - 65 * DAY_MS);
  const start = (): Promise<Replica> => startReplica(t, { cluster: access, world, now: () => now });
  const replicas: Replica[] = [];
  await installWebhook({
    cluster: access,
    objects: testInstallation(service.port),
    namespace: NAMESPACE,
    waitMs: 600_000,
    report: () => undefined,
    sleep: async () => {
      if ((await cluster.kubectl(['get', 'deployment', 'sealwright-webhook', '-n', NAMESPACE])).exitCode !== 0) return;
      while (replicas.length < 2) replicas.push(await start());
      service.route(...replicas);
      await playReplicas(access, 2);
    },
  });
  await cluster.eventually('the webhook is asked', async () =>
    (await dryRunPod(access, 'probe', OTHER_IMAGE)).includes('POLICY_NO_MATCH'),
  );
  const certificates = (): readonly string[] => replicas.map(({ certificate }) => certificate.current().certificate);
  const check = async (index: number): Promise<void> => {
    await replicas[index]!.certificate.check();
  };
  const first = certificates()[0]!;
  assert.deepEqual(certificates(), [first, first]);

  const load = new Load(access);
  const answers = CLIENTS * ROUNDS;
  await load.sees(answers);
  // Due: the one that looks first makes the successor and tells the API server; both still serve what they served.
  now = new Date();
  await check(0);
  await load.sees(answers);
  await check(1);
  assert.deepEqual(certificates(), [first, first]);
  // Too early by the clock, however often somebody looks.
  await Promise.all([check(0), check(1)]);
  assert.deepEqual(certificates(), [first, first]);
  await load.sees(answers);
  // Settled: one serves the successor, the other still the predecessor. The API server believes both.
  now = new Date(now.getTime() + ROTATION_RULES.settleMs);
  await check(1);
  const second = certificates()[1]!;
  assert.notEqual(second, first);
  assert.deepEqual(certificates(), [first, second]);
  const connections = service.connections;
  await load.sees(2 * answers);
  assert.ok(service.connections > connections + 4, 'no new connection, and so no handshake, was made');
  // Whoever did all this may go: it was no leader. A new one serves what is in the Secret.
  const gone = replicas[1]!;
  replicas[1] = await start();
  service.route(replicas[0]!, replicas[1]);
  await load.sees(answers);
  await gone.kill();
  assert.deepEqual(certificates(), [first, second]);
  await load.sees(answers);
  await check(0);
  assert.deepEqual(certificates(), [second, second]);
  await load.sees(2 * answers);
  await load.end();
  assert.deepEqual(load.failures, []);

  // Both authorities stay told as long as they are valid; the predecessor's goes with its last day.
  const bundle = async (): Promise<number> => {
    const text = await cluster.must(['get', 'validatingwebhookconfiguration', 'sealwright', '-o', 'json']);
    const { webhooks, metadata } = JSON.parse(text) as {
      webhooks: { clientConfig: { caBundle: string } }[];
      metadata: { ownerReferences: { kind: string; name: string }[] };
    };
    assert.deepEqual(
      metadata.ownerReferences.map(({ kind, name }) => `${kind} ${name}`),
      [`Namespace ${NAMESPACE}`],
    );
    assert.equal(new Set(webhooks.map(({ clientConfig }) => clientConfig.caBundle)).size, 1);
    const pem = Buffer.from(webhooks[0]!.clientConfig.caBundle, 'base64').toString();
    return pem.split('BEGIN CERTIFICATE').length - 1;
  };
  assert.equal(await bundle(), 2);
  now = new Date(now.getTime() + 26 * DAY_MS);
  await check(0);
  assert.equal(await bundle(), 1);
  assert.equal(await dryRunPod(access, 'last', ALLOWED_IMAGE), '');
});

interop('kube-apiserver', 'both', 'replicas that start together agree on one certificate', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  t.after(() => {
    access.http.close();
  });
  const world = await World.open(t);
  const options = { cluster: access, world };
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await assert.rejects(startReplica(t, options), { code: 'NOT_FOUND' });
  await cluster.must(['create', 'secret', 'generic', 'sealwright-webhook-tls', '-n', NAMESPACE]);
  const replicas = await Promise.all(Array.from({ length: 5 }, () => startReplica(t, options)));
  assert.equal(new Set(replicas.map(({ certificate }) => certificate.current().certificate)).size, 1);
  // Somebody writes nonsense over it: it is made anew, and everybody comes to the same again.
  const damage = JSON.stringify({ data: { 'ca.crt': 'eA==', 'tls.crt': 'eA==', 'tls.key': 'eA==' } });
  await cluster.must(['patch', 'secret', 'sealwright-webhook-tls', '-n', NAMESPACE, '-p', damage]);
  await Promise.all(replicas.map(({ certificate }) => certificate.check()));
  assert.equal(new Set(replicas.map(({ certificate }) => certificate.current().certificate)).size, 1);
});
