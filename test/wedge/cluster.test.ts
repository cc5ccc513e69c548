/** What a real API server does while the webhook is not there, how to get out, and who is told. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { openKubeconfigAccess } from '../../src/io/kubernetes/cluster-access.ts';
import { createClusterEvent } from '../../src/io/kubernetes/event.ts';
import { fetchWebhookCalls } from '../../src/io/kubernetes/fail-open.ts';
import { EventRecorder } from '../../src/servers/webhook/event-recorder.ts';
import { openServingCertificate } from '../../src/servers/webhook/serving-certificate.ts';
import { watchClusterPolicies } from '../../src/servers/webhook/policy-watch.ts';
import { createWebhook } from '../../src/servers/webhook/webhook.ts';
import { EXCEPTION_DEFINITIONS } from '../../src/core/policy/definitions/exception-definitions.ts';
import { openOwnKinds, type OwnKinds } from '../../src/servers/webhook/own-kinds.ts';
import { listRunningImages } from '../../src/servers/webhook/running-objects.ts';
import { Recorder } from '../servers/webhook/recorder.ts';
import { listen } from '../../src/servers/shell/listen.ts';
import { openDoor, policyFor } from '../servers/webhook/door.ts';
import { NAMESPACE, podObject, WORKLOADS } from '../servers/webhook/kube-objects.ts';
import { ask, pod, podSpec } from '../servers/webhook/review.ts';
import { World } from '../servers/webhook/world.ts';
import { SUBJECT } from '../support/instance.ts';
import { Sandbox } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { CLUSTER_WEDGES } from './cluster-wedges.ts';

const HOOK = 'validate.sealwright.example';

function configuration(url: string, caBundle: string, failurePolicy: 'Fail' | 'Ignore'): object {
  const rule = { apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'sealwright' },
    webhooks: [
      {
        name: HOOK,
        clientConfig: { url, caBundle },
        rules: [
          { ...rule, apiGroups: [''], resources: ['pods'] },
          { ...rule, apiGroups: ['apps'], resources: ['deployments', 'replicasets'] },
        ],
        namespaceSelector: { matchLabels: NAMESPACE.metadata.labels },
        failurePolicy,
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
      },
    ],
  };
}

function inDefault(object: object): object {
  const { metadata, ...rest } = object as { metadata: object };
  return { ...rest, metadata: { ...metadata, namespace: 'default' } };
}

interop(
  'kube-apiserver',
  'both',
  'a cluster whose webhook dies goes on, can be freed, and says what happened',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const access = await openKubeconfigAccess(cluster.kubeconfig);
    t.after(() => {
      access.http.close();
    });
    let suffix = 0;
    const events = new EventRecorder({
      create: (event) => createClusterEvent(access, event, { suffix: `0${suffix++}`, instance: 'webhook-0' }),
      now: () => new Date(),
    });
    const definitions = EXCEPTION_DEFINITIONS.map(({ metadata }) => `crd/${(metadata as { name: string }).name}`);
    for (const definition of EXCEPTION_DEFINITIONS) await cluster.create(definition);
    await cluster.must(['wait', '--for=condition=Established', ...definitions]);
    let own: OwnKinds | undefined;
    const { world, webhook, enforce } = await openDoor(t, { events, exceptions: () => own?.exceptions() ?? [] });
    enforce(policyFor(world));
    const folder = mkdtempSync(join(tmpdir(), 'sealwright-wedge-tls-'));
    const { tls, caFile } = await openServingCertificate({ folder, hosts: ['127.0.0.1'], now: new Date() });
    const server = await listen(webhook.routes, { host: '127.0.0.1', port: 0, tls });
    t.after(async () => {
      await server.close(0);
      rmSync(folder, { recursive: true, force: true });
    });
    const caBundle = readFileSync(caFile).toString('base64');
    const url = `${server.url}/validate`;
    const image = (await world.pushSigned('shop/app')).toString();
    const bare = (await world.push('shop/bare')).toString();
    await cluster.create(NAMESPACE);
    const deployment = WORKLOADS.find(({ kind }) => kind === 'Deployment')!;
    await cluster.create(deployment.object('before', bare));
    await cluster.create(configuration(url, caBundle, 'Fail'));
    await cluster.eventually('the webhook is asked', async () => {
      const ended = await cluster.kubectl(
        ['create', '--dry-run=server', '-f', '-'],
        JSON.stringify(podObject('probe', bare)),
      );
      return ended.stderr.includes('NO_SIGNATURE');
    });

    await t.test(CLUSTER_WEDGES.events.danger, async () => {
      const ownerReferences = [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'web-7d9f',
          uid: '6f3c1c3e-0000-4000-8000-000000000000',
          controller: true,
        },
      ];
      const made = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { generateName: 'web-7d9f-', namespace: 'shop', ownerReferences },
        spec: podSpec(bare),
      };
      const refusal = await cluster.refused(made);
      await events.flush();
      assert.deepEqual(events.counts, { sent: 1, dropped: 0, failed: 0 });
      const list = JSON.parse(await cluster.must(['get', 'events', '-n', 'shop', '-o', 'json'])) as {
        items: {
          reason: string;
          type: string;
          message: string;
          count: number;
          involvedObject: { kind: string; name: string };
        }[];
      };
      const event = list.items.find(({ reason }) => reason === 'ImageRefused');
      assert.deepEqual(
        [event?.type, event?.involvedObject.kind, event?.involvedObject.name, event?.count],
        ['Warning', 'ReplicaSet', 'web-7d9f', 1],
      );
      assert.ok(refusal.includes(event?.message ?? 'none'), refusal);
    });

    await cluster.create(podObject('signed', image));

    await t.test(CLUSTER_WEDGES.glass.danger, async () => {
      const expires = `${new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)}Z`;
      const spec = { digests: [bare.split('@')[1]], owner: 'pay team', reason: 'down', ticket: 'PAY-1', expires };
      const glass = {
        apiVersion: 'sealwright.dev/v1alpha1',
        kind: 'BreakGlass',
        metadata: { name: 'payments', namespace: 'shop' },
        spec,
      };
      for (const name of ['owner', 'reason', 'ticket', 'expires', 'digests']) {
        const incomplete = Object.fromEntries(Object.entries(spec).filter(([key]) => key !== name));
        const refusal = await cluster.refused({ ...glass, spec: incomplete });
        assert.match(refusal, new RegExp(`spec\\.${name}: Required value`));
      }
      await cluster.create(glass);
      const recorder = new Recorder();
      own = await openOwnKinds(access, recorder.logger);
      await own.close();
      assert.deepEqual(recorder.lines, []);
      assert.equal(own.exceptions().length, 1);
      const admitted = await cluster.kubectl(['create', '-f', '-'], JSON.stringify(podObject('urgent', bare)));
      assert.equal(admitted.exitCode, 0, admitted.stderr);
      assert.match(
        admitted.stderr,
        /^Warning: POLICY_DENIED {2}refused by policy, and admitted by BreakGlass shop\/payments/m,
      );
      const other = (await world.push('shop/other')).toString();
      assert.match(await cluster.refused(podObject('other', other)), /NO_SIGNATURE/);
      await events.flush();
      assert.match(await cluster.must(['get', 'events', '-n', 'shop']), /BreakGlassUsed/);
      // What a webhook that starts now would fetch.
      const running = new Set<string>();
      for await (const { image: one, namespace } of listRunningImages(access)) {
        running.add(`${namespace} ${one.digest.toString()}`);
      }
      const expected = [image, bare].map((text) => `shop ${text.split('@')[1] ?? ''}`);
      assert.deepEqual([...running].sort(), expected.sort());
    });
    await server.close(0);

    await t.test(CLUSTER_WEDGES.dead.danger, async () => {
      assert.match(await cluster.refused(podObject('late', image)), /failed calling webhook/);
      await cluster.must(['scale', 'deployment/before', '-n', 'shop', '--replicas=0']);
      const status = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'False' }] } });
      await cluster.must(['patch', 'pod/signed', '-n', 'shop', '--subresource=status', '--type=merge', '-p', status]);
      await cluster.must(['delete', 'deployment/before', '-n', 'shop', '--wait=false']);
      await cluster.must(['delete', 'pod/signed', '-n', 'shop', '--wait=false']);
      await cluster.create(inDefault(podObject('elsewhere', image)));
      await cluster.must(['create', 'configmap', 'x', '-n', 'shop']);
    });

    await t.test(CLUSTER_WEDGES.open.danger, async () => {
      const before = (await fetchWebhookCalls(access)).find(({ webhook: name }) => name === HOOK);
      assert.equal(before?.type, 'validating');
      assert.equal(before.failedOpen, 0);
      assert.ok(before.calls > 0 && before.failedClosed > 0, JSON.stringify(before));
      await cluster.must(['replace', '-f', '-'], JSON.stringify(configuration(url, caBundle, 'Ignore')));
      let count = 0;
      await cluster.eventually('it fails open', async () => {
        return (
          (await cluster.kubectl(['create', '-f', '-'], JSON.stringify(podObject(`open-${count++}`, bare))))
            .exitCode === 0
        );
      });
      const after = (await fetchWebhookCalls(access)).find(({ webhook: name }) => name === HOOK);
      assert.equal(after?.failedOpen, 1);
      const sandbox = new Sandbox();
      t.after(() => {
        sandbox.remove();
      });
      const status = await sandbox.run(['webhook', 'status', '--kubeconfig', cluster.kubeconfig]);
      assert.match(
        status.stdout,
        new RegExp(
          `^${HOOK} {2}validating: asked \\d+ times; as it failed, 1 let through unseen \\([0-9.]+ %\\), [1-9]\\d* refused$`,
          'm',
        ),
      );
      const json = await sandbox.run(['webhook', 'status', '-o', 'json', '--kubeconfig', cluster.kubeconfig]);
      const { calls } = JSON.parse(json.stdout) as { calls: { webhook: string; failedOpen: number }[] };
      assert.equal(calls.find(({ webhook: name }) => name === HOOK)?.failedOpen, 1);
    });

    await t.test(CLUSTER_WEDGES.exit.danger, async () => {
      await cluster.must(['replace', '-f', '-'], JSON.stringify(configuration(url, caBundle, 'Fail')));
      let count = 0;
      await cluster.eventually('it refuses again', async () => {
        return (
          (await cluster.kubectl(['create', '-f', '-'], JSON.stringify(podObject(`shut-${count++}`, image))))
            .exitCode !== 0
        );
      });
      await cluster.must(['delete', 'validatingwebhookconfiguration/sealwright']);
      await cluster.eventually('pods are made again', async () => {
        return (
          (await cluster.kubectl(['create', '-f', '-'], JSON.stringify(podObject(`free-${count++}`, image))))
            .exitCode === 0
        );
      });
    });
  },
);

interop('kube-apiserver', 'both', CLUSTER_WEDGES.restart.danger, async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const world = await World.open(t);
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  await cluster.must(['create', '-f', '-'], policyFor(world));
  const access = await openKubeconfigAccess(cluster.kubeconfig);
  let server = access.server;
  const policies = await watchClusterPolicies({
    // It comes back at another port, where the same webhook has to find it.
    cluster: {
      http: access.http,
      authorization: access.authorization,
      get server() {
        return server;
      },
    },
    sleep: (_, signal) => sleep(20, undefined, { signal }).catch(() => undefined),
  });
  const webhook = createWebhook({
    policies,
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
  });
  t.after(async () => {
    await webhook.close();
    await policies.close();
  });
  const image = (await world.pushSigned('shop/app')).toString();
  const bare = (await world.push('shop/bare')).toString();
  const asked = (text: string) => ask(webhook.routes, 'validate', { object: pod(text) });
  const decides = async (): Promise<void> => {
    assert.equal((await asked(image)).allowed, true);
    assert.match((await asked(bare)).message, /^NO_SIGNATURE /);
  };
  await decides();
  const restarting = cluster.restart();
  await decides();
  await restarting;
  await decides();
  server = (await openKubeconfigAccess(cluster.kubeconfig)).server;
  await cluster.must(['replace', '-f', '-'], policyFor(world).replace(SUBJECT, 'bob@example.com'));
  await cluster.eventually('the change takes effect', async () => {
    await cluster.must(['get', 'cip']);
    return (await asked(image)).message.startsWith('IDENTITY_MISMATCH ');
  });
});
