/** The ways out that docs/admission.md tells, as they are pasted: in a shell, with kubectl, at a real API server whose webhook is dead. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { ALLOW_HTTP_COMMAND } from '../../../src/workflows/admission/plain-http.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { peer } from '../../support/peers.ts';
import { testInstallation } from './installation.ts';
import { NAMESPACE as SHOP, podObject } from './kube-objects.ts';
import { NAMESPACE, startReplica } from './replica.ts';
import { World } from './world.ts';

const PAGE = resolve(import.meta.dirname, '../../../docs/admission.md');
/** Nobody listens there. */
const DEAD_PORT = 1;

/** Commands by what their comment begins with. */
function waysOut(): ReadonlyMap<string, string> {
  const [, section = ''] = /\n## Ways out\n([^]*?)(?:\n## |$)/.exec(readFileSync(PAGE, 'utf8')) ?? [];
  const [, block = ''] = /\n```sh\n([^]*?)\n```\n/.exec(section) ?? [];
  const commands = block.split('\n\n').map((text) => [/^# (.*?)[,:.]/.exec(text)?.[1] ?? '', text] as const);
  return new Map(commands);
}

interop(
  'kube-apiserver',
  'both',
  'every way out of the documentation works as it is pasted, with the webhook dead',
  async (t) => {
    const kubectl = peer(t, 'kubectl');
    const cluster = await KubeCluster.start(t);
    if (kubectl === undefined || cluster === undefined) return;
    const access = await openKubeconfigAccess(cluster.kubeconfig);
    const dir = mkdtempSync(join(tmpdir(), 'sealwright-ways-out-'));
    t.after(() => {
      access.http.close();
      rmSync(dir, { recursive: true, force: true });
    });
    const objects = testInstallation(DEAD_PORT);
    for (const object of [objects.namespace, ...objects.definitions, ...objects.workload]) {
      await cluster.create(object);
    }
    await cluster.must(['wait', '--for=condition=Established', 'crd', '--all']);
    const policy = {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'shop' },
      spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'fail' } }] },
    };
    await cluster.create(policy);
    await cluster.create({
      ...SHOP,
      metadata: { ...SHOP.metadata, labels: { 'policy.sigstore.dev/include': 'true' } },
    });
    for (const object of objects.configurations) await cluster.create(object);
    const ways = waysOut();
    const tried = new Set<string>();
    const type = async (command: string): Promise<string> => {
      const env = {
        PATH: `${dirname(kubectl)}:${process.env['PATH'] ?? ''}`,
        KUBECONFIG: cluster.kubeconfig,
        HOME: dir,
      };
      return (await promisify(execFile)('sh', ['-e', '-c', command], { env, cwd: dir })).stdout;
    };
    const paste = async (begin: string): Promise<string> => {
      const command = ways.get(begin);
      assert.ok(command !== undefined, `${begin}: not in the page, which has ${[...ways.keys()].join('; ')}`);
      tried.add(begin);
      const env = {
        PATH: `${dirname(kubectl)}:${process.env['PATH'] ?? ''}`,
        KUBECONFIG: cluster.kubeconfig,
        HOME: dir,
      };
      return (await promisify(execFile)('sh', ['-e', '-c', command], { env, cwd: dir })).stdout;
    };
    const starts = async (): Promise<boolean> => {
      const pod = JSON.stringify(podObject('p', `registry.example/app@sha256:${'a'.repeat(64)}`));
      return (await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], pod)).exitCode === 0;
    };
    await cluster.eventually('the dead webhook is asked', async () => !(await starts()));

    await paste('No replica answers');
    await cluster.eventually('the namespace is free', starts);
    await cluster.must(['label', 'namespace', 'shop', 'policy.sigstore.dev/include=true']);
    await cluster.eventually('it is guarded again', async () => !(await starts()));

    // While nobody answers a policy can be deleted, and not changed.
    await assert.rejects(paste('A policy refuses what it should not'), /failed calling webhook|connect/);
    await paste('The same while no replica answers');
    assert.equal((await cluster.kubectl(['get', 'clusterimagepolicy', 'shop'])).exitCode, 1);

    await paste('The same for the whole cluster');
    await cluster.eventually('nobody is asked', starts);
    await cluster.create(policy);
    await paste('A policy refuses what it should not');
    const mode = await cluster.must(['get', 'clusterimagepolicy', 'shop', '-o', 'jsonpath={.spec.mode}']);
    assert.equal(mode, 'warn');

    await paste('One image has to run now');
    const glass = await cluster.must(['get', 'breakglass', 'tonight', '-n', 'shop', '-o', 'jsonpath={.spec.owner}']);
    assert.equal(glass, 'on call');

    await cluster.must([
      'patch',
      'configmap',
      'sealwright-trust',
      '-n',
      NAMESPACE,
      '--type=merge',
      '-p',
      JSON.stringify({ data: { 'revocation-authority.json': 'kept' } }),
    ]);
    writeFileSync(join(dir, 'trusted_root.json'), '{"mediaType": "another"}');
    await paste('The trusted root has been replaced');
    const trust = JSON.parse(
      await cluster.must(['get', 'configmap', 'sealwright-trust', '-n', NAMESPACE, '-o', 'json']),
    ) as {
      data: Record<string, string>;
    };
    assert.equal(trust.data['trusted_root.json'], '{"mediaType": "another"}');
    assert.equal(trust.data['revocation-authority.json'], 'kept');

    const nonsense = JSON.stringify({ data: { 'tls.crt': 'bm9uc2Vuc2U=' } });
    await cluster.must(['patch', 'secret', 'sealwright-webhook-tls', '-n', NAMESPACE, '--type=merge', '-p', nonsense]);
    await paste('The API server does not believe the certificate');
    const replica = await startReplica(t, { cluster: access, world: await World.open(t) });
    assert.match(replica.certificate.current().certificate, /BEGIN CERTIFICATE/);
    const restarted = await cluster.must([
      'get',
      'deployment',
      'sealwright-webhook',
      '-n',
      NAMESPACE,
      '-o',
      'jsonpath={.spec.template.metadata.annotations}',
    ]);
    assert.match(restarted, /restartedAt/);

    // What a refusal tells of a registry without TLS.
    await type(ALLOW_HTTP_COMMAND);
    const args = await cluster.must([
      ...['get', 'deployment', 'sealwright-webhook', '-n', NAMESPACE],
      ...['-o', 'jsonpath={.spec.template.spec.containers[0].args}'],
    ]);
    assert.match(args, /"--allow-http-registry"\]$/);

    assert.deepEqual(
      [...ways.keys()].filter((begin) => !tried.has(begin)),
      [],
      'a way out that nothing tries',
    );
  },
);
