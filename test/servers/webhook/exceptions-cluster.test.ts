/** Exceptions in a real API server, watched by the webhook that it asks: made, out of place, incomplete, ended, taken back. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXCEPTION_DEFINITIONS } from '../../../src/core/policy/definitions/exception-definitions.ts';
import { webhookConfigurations } from '../../../src/core/installation/webhook-configurations.ts';
import { namespaceSelector } from '../../../src/core/installation/installation-options.ts';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { openOwnKinds } from '../../../src/servers/webhook/own-kinds.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { openDoor, policyFor } from './door.ts';
import { NAMESPACE as SHOP, podObject, WORKLOADS } from './kube-objects.ts';
import { Recorder } from './recorder.ts';

const HOUR_MS = 3_600_000;
const at = (ms: number): string => `${new Date(Date.now() + ms).toISOString().slice(0, 19)}Z`;

function exception(name: string, spec: object, namespace = 'shop'): object {
  return {
    apiVersion: 'sealwright.dev/v1alpha1',
    kind: 'ImageException',
    metadata: { name, namespace },
    spec: { owner: 'pay team', reason: 'a vendor does not sign', ticket: 'PAY-2', expires: at(HOUR_MS), ...spec },
  };
}

interop(
  'kube-apiserver',
  'both',
  'an ImageException admits what it is about, where it is, for as long as it lasts',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const access = await openKubeconfigAccess(cluster.kubeconfig);
    const recorder = new Recorder();
    for (const definition of EXCEPTION_DEFINITIONS) await cluster.create(definition);
    const definitions = EXCEPTION_DEFINITIONS.map(({ metadata }) => `crd/${(metadata as { name: string }).name}`);
    await cluster.must(['wait', '--for=condition=Established', ...definitions]);
    const own = await openOwnKinds(access, recorder.logger);
    const { world, webhook, enforce } = await openDoor(t, { exceptions: () => own.exceptions() });
    enforce(policyFor(world));
    const folder = mkdtempSync(join(tmpdir(), 'sealwright-exceptions-tls-'));
    const { tls, caFile } = await openServingCertificate({ folder, hosts: ['127.0.0.1'], now: new Date() });
    const server = await listen(webhook.routes, { host: '127.0.0.1', port: 0, tls });
    t.after(async () => {
      await own.close();
      access.http.close();
      await server.close(0);
      rmSync(folder, { recursive: true, force: true });
    });
    const bare = (await world.push('shop/vendor/agent')).toString();
    const other = (await world.push('shop/other')).toString();
    await cluster.create(SHOP);
    await cluster.create({ ...SHOP, metadata: { ...SHOP.metadata, name: 'bank' } });
    const caBundle = readFileSync(caFile).toString('base64');
    const configurations = webhookConfigurations({
      clients: (path) => ({ url: new URL(path, server.url).href, caBundle }),
      namespaceSelector: namespaceSelector('opt-in', []),
      failurePolicy: 'Fail',
      timeoutSeconds: 10,
      podTemplates: [],
    });
    for (const configuration of configurations) await cluster.create(configuration);
    const tried = (object: object): ReturnType<KubeCluster['kubectl']> =>
      cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(object));
    const inBank = { ...podObject('p', bare), metadata: { name: 'p', namespace: 'bank' } };
    await cluster.eventually('the webhook is asked', async () =>
      (await tried(podObject('probe', bare))).stderr.includes('NO_SIGNATURE'),
    );

    // Nobody's, for no reason, without an end: the API server itself refuses it.
    for (const name of ['owner', 'reason', 'ticket', 'expires']) {
      const refusal = await cluster.refused(exception('incomplete', { images: ['**'], [name]: undefined }));
      assert.match(refusal, new RegExp(`spec\\.${name}: Required value`));
    }
    // In another namespace it is about that one.
    await cluster.create(exception('elsewhere', { images: [`${world.host}/shop/**`] }, 'bank'));
    await cluster.eventually('admitted in bank', async () => (await tried(inBank)).exitCode === 0);
    assert.match(await cluster.refused(podObject('p', bare)), /NO_SIGNATURE/);

    // One that has ended is named, and changes nothing.
    const ended = { images: [`${world.host}/shop/vendor/**`], from: at(-2 * HOUR_MS), expires: at(-HOUR_MS) };
    await cluster.create(exception('ended', ended));
    await cluster.eventually('the ended one is named', async () =>
      (await tried(podObject('p', bare))).stderr.includes('shop/ended'),
    );
    assert.match(await cluster.refused(podObject('p', bare)), /NO_SIGNATURE/);

    await cluster.create(exception('vendor', { images: [`${world.host}/shop/vendor/**`] }));
    await cluster.eventually('admitted in shop', async () => (await tried(podObject('p', bare))).exitCode === 0);
    for (const kind of ['Pod', 'Deployment', 'CronJob']) {
      const workload = WORKLOADS.find((one) => one.kind === kind)!;
      const made = await tried(workload.object('vendor', bare));
      assert.equal(made.exitCode, 0, made.stderr);
      assert.match(made.stderr, /admitted by ImageException shop\/vendor/);
      assert.match(await cluster.refused(workload.object('other', other)), /NO_SIGNATURE/);
    }
    await cluster.must(['delete', 'imageexception', 'vendor', '-n', 'shop']);
    await cluster.eventually('refused again', async () => (await tried(podObject('p', bare))).exitCode !== 0);
    assert.deepEqual(recorder.lines, []);
  },
);
