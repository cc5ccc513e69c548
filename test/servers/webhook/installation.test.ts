/** Install, status and uninstall on a real kube-apiserver, with the objects that are shipped. */
import assert from 'node:assert/strict';
import { openKubeconfigAccess, type ClusterAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { INSTALL_AGAIN } from '../../../src/core/installation/installation-options.ts';
import type { InstallationObjects } from '../../../src/core/installation/installation-objects.ts';
import { installWebhook } from '../../../src/workflows/installation/install-webhook.ts';
import { uninstallWebhook } from '../../../src/workflows/installation/uninstall-webhook.ts';
import { webhookStatus } from '../../../src/workflows/installation/webhook-status.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { playReplicas, testInstallation } from './installation.ts';
import { NAMESPACE, ServicePort, startReplica, type Replica } from './replica.ts';
import { World } from './world.ts';

const DIGEST = `sha256:${'b'.repeat(64)}`;
const ALLOWED = `allowed.example/app@${DIGEST}`;
const REFUSED = `other.example/app@${DIGEST}`;

function pod(name: string, image: string, namespace = 'shop'): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { containers: [{ name: 'c', image }] },
  };
}

const labelled = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'policy.sigstore.dev/include': 'true' } },
});

/** A pod as the Deployment's controller makes it. */
function ownPod({ workload }: InstallationObjects): object {
  const deployment = workload.find(({ kind }) => kind === 'Deployment') as unknown as {
    spec: { template: { metadata: object; spec: object } };
  };
  const { metadata, spec } = deployment.spec.template;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'own', namespace: NAMESPACE }, spec };
}

interface Installed {
  readonly replicas: Replica[];
  readonly reported: string[];
}

/** Runs the installation; when it waits for replicas, they come. */
async function install(
  access: ClusterAccess,
  objects: InstallationObjects,
  start: () => Promise<Replica[]>,
): Promise<Installed> {
  const reported: string[] = [];
  let replicas: Replica[] | undefined;
  await installWebhook({
    cluster: access,
    objects,
    namespace: NAMESPACE,
    waitMs: 600_000,
    report: (object) => reported.push(object),
    sleep: async () => {
      if (!reported.some((object) => object.startsWith('Deployment'))) return;
      replicas ??= await start();
      await playReplicas(access, replicas.length);
    },
  });
  return { replicas: replicas ?? [], reported };
}

interop('kube-apiserver', 'both', 'install, judge, status, a leftover, uninstall', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  t.after(() => {
    access.http.close();
  });
  const world = await World.open(t);
  const service = await ServicePort.open(t);
  const objects = testInstallation(service.port);
  for (const name of ['shop', 'free']) {
    await cluster.create(
      name === 'shop' ? labelled(name) : { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    );
  }

  // No replica comes: the API server is not told, and nothing is kept from running.
  await assert.rejects(
    installWebhook({
      cluster: access,
      objects,
      namespace: NAMESPACE,
      waitMs: 1000,
      report: () => undefined,
      sleep: () => Promise.resolve(),
    }),
    { code: 'REMOTE_TIMEOUT' },
  );
  await cluster.create(pod('before', REFUSED));
  const { problems: early } = await webhookStatus(access, NAMESPACE, new Date());
  assert.deepEqual(
    early.map(({ text }) => text),
    ['the webhook runs, and the API server does not ask it: every image is admitted', '0 of 2 replicas are ready'],
  );

  const { replicas, reported } = await install(access, objects, async () => {
    const started = [
      await startReplica(t, { cluster: access, world }),
      await startReplica(t, { cluster: access, world }),
    ];
    service.route(...started);
    return started;
  });
  assert.deepEqual(reported.slice(-2), [
    'MutatingWebhookConfiguration sealwright',
    'ValidatingWebhookConfiguration sealwright',
  ]);
  assert.equal(replicas[0]?.certificate.current().certificate, replicas[1]?.certificate.current().certificate);

  // The API server hears of it some milliseconds later.
  await cluster.eventually('the webhook is asked', async () => {
    const { stderr } = await cluster.kubectl(
      ['create', '--dry-run=server', '-f', '-'],
      JSON.stringify(pod('p', REFUSED)),
    );
    return stderr.includes('POLICY_NO_MATCH');
  });
  await cluster.create(pod('allowed', ALLOWED));
  assert.match(await cluster.refused(pod('refused', REFUSED)), /validate\.images\.sealwright.*POLICY_NO_MATCH/s);
  await cluster.create(pod('unguarded', REFUSED, 'free'));
  // Whoever labels these guards them no more than before: a cluster has to be able to start.
  for (const name of ['kube-system', NAMESPACE]) {
    await cluster.must(['label', 'namespace', name, 'policy.sigstore.dev/include=true', '--overwrite']);
  }
  await cluster.create(pod('unguarded', REFUSED, 'kube-system'));
  // Its own pods come up without it, and keep to the strictest of the Pod Security Standards, which its namespace enforces.
  await cluster.create(ownPod(objects));
  assert.match(await cluster.refused(pod('unguarded', REFUSED, NAMESPACE)), /violates PodSecurity "restricted/);
  // A scaled-down or labelled object is none of its business, nor is one that goes.
  await cluster.must(['label', 'pod/before', '-n', 'shop', 'team=pay']);
  await cluster.must(['delete', 'pod/before', '-n', 'shop', '--wait=false']);

  // Policies: the original's defaults and refusals, through a real API server.
  const policy = (version: string, spec: object): object => ({
    apiVersion: `policy.sigstore.dev/${version}`,
    kind: 'ClusterImagePolicy',
    metadata: { name: `p-${version}` },
    spec,
  });
  for (const version of ['v1alpha1', 'v1beta1']) {
    const refusal = await cluster.refused(policy(version, { images: [{ glob: '[' }], authorities: [{ keyless: {} }] }));
    assert.ok(
      refusal.includes(
        'admission webhook "validate.policies.sealwright" denied the request: validation failed: invalid value: [: spec.images[0].glob\n' +
          'glob is invalid: syntax error in pattern\nmissing field(s): spec.authorities[0].keyless.identities',
      ),
      refusal,
    );
    const identities = [{ issuer: 'https://issuer.example', subjectRegExp: '^.*@example\\.com$' }];
    await cluster.create(
      policy(version, {
        images: [{ glob: '**' }],
        authorities: [{ keyless: { identities }, ctlog: { trustRootRef: 'lab' } }],
      }),
    );
    // What policy-controller's conversion loses stays: a log without URL.
    for (const asked of ['v1alpha1', 'v1beta1']) {
      const text = await cluster.must([
        'get',
        `clusterimagepolicies.${asked}.policy.sigstore.dev`,
        `p-${version}`,
        '-o',
        'json',
      ]);
      const { spec } = JSON.parse(text) as {
        spec: { mode: string; authorities: { name: string; ctlog: object; keyless: { url: string } }[] };
      };
      assert.equal(spec.mode, 'enforce');
      assert.equal(spec.authorities[0]?.name, 'authority-0');
      assert.equal(spec.authorities[0].keyless.url, 'https://fulcio.sigstore.dev');
      assert.deepEqual(spec.authorities[0].ctlog, { trustRootRef: 'lab' });
    }
  }

  const { problems, webhooks, readyReplicas } = await webhookStatus(access, NAMESPACE, new Date());
  assert.deepEqual(problems, []);
  assert.equal(readyReplicas, 2);
  assert.deepEqual(
    webhooks.map(({ name, target }) => [name, target]),
    [
      ['mutate.images.sealwright', `${NAMESPACE}/sealwright-webhook`],
      ['default.policies.sealwright', `${NAMESPACE}/sealwright-webhook`],
      ['validate.images.sealwright', `${NAMESPACE}/sealwright-webhook`],
      ['validate.policies.sealwright', `${NAMESPACE}/sealwright-webhook`],
      ['kyverno.policies.sealwright', `${NAMESPACE}/sealwright-webhook`],
    ],
  );
  // Somebody narrows it by hand: status tells, and bringing it up to date undoes it and drops nobody's caBundle.
  const narrowed = [
    { op: 'add', path: '/webhooks/0/objectSelector', value: { matchLabels: { check: 'yes' } } },
    { op: 'add', path: '/webhooks/0/matchConditions/-', value: { name: 'never', expression: 'false' } },
    { op: 'remove', path: '/webhooks/0/rules/0' },
  ];
  for (const kind of ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration']) {
    await cluster.must(['patch', kind, 'sealwright', '--type=json', '-p', JSON.stringify(narrowed)]);
  }
  const gaps = (await webhookStatus(access, NAMESPACE, new Date())).problems;
  assert.deepEqual(
    gaps.map(({ text }) => text.split(' ').slice(0, 4).join(' ')),
    ['mutate', 'validate'].flatMap((name) => [
      `${name}.images.sealwright is not asked`,
      `${name}.images.sealwright has an objectSelector,`,
      `${name}.images.sealwright has a condition`,
    ]),
  );
  assert.equal(gaps[0]?.fix, INSTALL_AGAIN);
  await install(access, objects, () => Promise.resolve(replicas));
  assert.deepEqual((await webhookStatus(access, NAMESPACE, new Date())).problems, []);
  await cluster.create(pod('again', ALLOWED));
  await cluster.eventually('asked again', async () => {
    const created = await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod('p', REFUSED)));
    return created.stderr.includes('POLICY_NO_MATCH');
  });

  // The Service is deleted by hand: whoever asks status is told, with the command.
  await cluster.must(['delete', 'service', 'sealwright-webhook', '-n', NAMESPACE]);
  const orphaned = await webhookStatus(access, NAMESPACE, new Date());
  assert.equal(orphaned.problems.length, 5);
  assert.match(
    orphaned.problems[0]?.text ?? '',
    /asks the Service cosign-system\/sealwright-webhook, which does not exist, and refuses/,
  );
  assert.equal(orphaned.problems[0]?.fix, 'sealwright webhook uninstall');

  const removed: string[] = [];
  await uninstallWebhook({ cluster: access, objects, purge: false, report: (object) => removed.push(object) });
  assert.deepEqual(removed.slice(0, 2), reported.slice(-2));
  await cluster.create(pod('after', REFUSED));
  assert.match(await cluster.must(['get', 'cip']), /p-v1beta1/);
  assert.deepEqual((await webhookStatus(access, NAMESPACE, new Date())).webhooks, []);
  const purged: string[] = [];
  await uninstallWebhook({ cluster: access, objects, purge: true, report: (object) => purged.push(object) });
  assert.deepEqual(purged, [
    'CustomResourceDefinition clusterimagepolicies.policy.sigstore.dev',
    'CustomResourceDefinition trustroots.policy.sigstore.dev',
    'CustomResourceDefinition imageexceptions.sealwright.dev',
    'CustomResourceDefinition imagepolicies.sealwright.dev',
    'CustomResourceDefinition breakglasses.sealwright.dev',
    `Namespace ${NAMESPACE}`,
  ]);
});

interop('kube-apiserver', 'both', 'a leftover of somebody else, and one that says it is ours, are found', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  t.after(() => {
    access.http.close();
  });
  const leftover = (name: string, labels: object, failurePolicy: string): object => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name, labels },
    webhooks: [
      {
        name: 'policy.sigstore.dev',
        clientConfig: { service: { namespace: 'gone', name: 'webhook' } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        failurePolicy,
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
  const ours = { 'app.kubernetes.io/name': 'sealwright', 'app.kubernetes.io/component': 'webhook' };
  await cluster.create(leftover('policy.sigstore.dev', {}, 'Ignore'));
  await cluster.create(leftover('renamed', ours, 'Fail'));
  const { problems } = await webhookStatus(access, NAMESPACE, new Date());
  assert.deepEqual(problems, [
    {
      text: 'ValidatingWebhookConfiguration policy.sigstore.dev (policy.sigstore.dev) asks the Service gone/webhook, which does not exist, and lets everything through unseen',
      fix: 'kubectl delete validatingwebhookconfiguration policy.sigstore.dev',
    },
    {
      text: 'policy.sigstore.dev has no authority in its caBundle: the API server believes no answer',
      fix: 'kubectl rollout restart deployment/sealwright-webhook --namespace cosign-system',
    },
    {
      text: 'ValidatingWebhookConfiguration renamed (policy.sigstore.dev) asks the Service gone/webhook, which does not exist, and refuses what it is asked about',
      fix: 'sealwright webhook uninstall',
    },
  ]);
  const removed: string[] = [];
  await uninstallWebhook({
    cluster: access,
    objects: testInstallation(1),
    purge: false,
    report: (object) => removed.push(object),
  });
  assert.deepEqual(removed, ['ValidatingWebhookConfiguration renamed']);
});
