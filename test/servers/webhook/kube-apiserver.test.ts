/** The webhook at the door of a real API server: by URL and by service, with policies from that API server. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { watchClusterPolicies } from '../../../src/servers/webhook/policy-watch.ts';
import type { PolicySource } from '../../../src/servers/webhook/policy-source.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';
import { POLICY_DEFINITIONS } from '../../../src/core/policy/definitions/policy-definitions.ts';
import { demoConfigurations } from '../../../examples/guarded-cluster.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { NAMESPACE, podObject, WORKLOADS } from './kube-objects.ts';
import { World } from './world.ts';

interface Door {
  readonly cluster: KubeCluster;
  readonly world: World;
  readonly policies: PolicySource;
}

function policyObject(world: World, subject = SUBJECT): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'shop' },
    spec: {
      images: [{ glob: `${world.host}/shop/**` }],
      authorities: [{ keyless: { identities: [{ issuer: ISSUER, subject }] } }],
    },
  };
}

/** Everything but the webhook configurations, so that a test can have objects from before. */
async function prepare(
  t: TestContext,
): Promise<(Door & { close: () => Promise<void>; caBundle: string; port: number }) | undefined> {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return undefined;
  const world = await World.open(t);
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  await cluster.create(policyObject(world));
  await cluster.create(NAMESPACE);
  const policies = await watchClusterPolicies({ cluster: await openKubeconfigAccess(cluster.kubeconfig) });
  const webhook = createWebhook({
    policies,
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
  });
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-webhook-tls-'));
  const { tls, caFile } = await openServingCertificate({
    folder,
    hosts: ['127.0.0.1', 'localhost', 'webhook.sealwright.svc'],
    now: new Date(),
  });
  const server = await listen(webhook.routes, { host: '127.0.0.1', port: 0, tls, direct: webhook.reviews });
  t.after(async () => {
    await server.close(0);
    await webhook.close();
    await policies.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const caBundle = readFileSync(caFile).toString('base64');
  return { cluster, world, policies, caBundle, port: server.port, close: () => server.close(0) };
}

async function register({ cluster, world }: Door, clients: (path: string) => JsonObject): Promise<void> {
  const probe = await world.push('shop/probe');
  for (const configuration of demoConfigurations(clients)) await cluster.create(configuration);
  for (const reference of [probe.toString(), `${probe.context}:1`]) {
    await cluster.eventually('the webhook is asked', async () => {
      const pod = JSON.stringify(podObject('probe', reference));
      const { stderr } = await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], pod);
      return stderr.includes('NO_SIGNATURE');
    });
  }
}

function imageIn(object: unknown, steps: readonly string[]): unknown {
  const spec = steps.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], object);
  return (spec as { containers: { image: string }[] }).containers[0]?.image;
}

function pinnedName(image: ImageReference): string {
  return `${image.context}@${image.digest!.toString()}`;
}

interop(
  'kube-apiserver',
  'both',
  'admission by URL: unsigned refused, signed admitted and pinned, every workload kind',
  async (t) => {
    const door = await prepare(t);
    if (door === undefined) return;
    const { cluster, world, caBundle, port } = door;
    const unsigned = await world.push('shop/unsigned');
    const signed = await world.pushSigned('shop/signed');
    const before = WORKLOADS.find(({ kind }) => kind === 'Deployment')!.object('before', unsigned.toString());
    await cluster.create(before);
    await register(door, (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }));

    for (const { kind, resource, object, podSpec } of WORKLOADS) {
      const refusal = await cluster.refused(object('unsigned', `${unsigned.context}:1`));
      const place = `${podSpec.join('.')}.containers[0].image`;
      assert.ok(
        refusal.includes(
          `admission webhook "mutate.images.sealwright" denied the request: NO_SIGNATURE  ${pinnedName(unsigned)} has no signature (${place})\n` +
            '  found:    no signature\n' +
            `  expected: subject ${SUBJECT}, issuer ${ISSUER} (policy shop)\n` +
            `  fix:      sealwright sign ${pinnedName(unsigned)}`,
        ),
        `${kind}: ${refusal}`,
      );
      await cluster.create(object('signed', `${signed.context}:1`));
      assert.equal(imageIn(await cluster.read(resource, 'signed'), podSpec), signed.toString(), kind);
    }

    // What is already there is not kept from being changed in other ways, or removed.
    await cluster.must(['scale', 'deployment/before', '-n', 'shop', '--replicas=3']);
    await cluster.must(['label', 'deployment/before', '-n', 'shop', 'team=pay']);
    await cluster.must(['annotate', 'pod/signed', '-n', 'shop', 'note=x']);
    await cluster.must(['delete', 'deployment/before', '-n', 'shop', '--wait=false']);

    // Neither is a new image let in through the back.
    const update = await cluster.kubectl(['set', 'image', 'pod/signed', '-n', 'shop', `c0=${unsigned.toString()}`]);
    assert.match(update.stderr, /NO_SIGNATURE/);
    const debug = await cluster.kubectl([
      'debug',
      'pod/signed',
      '-n',
      'shop',
      '--profile=general',
      `--image=${unsigned.context}:1`,
      '--container=dbg',
    ]);
    assert.match(debug.stderr, /NO_SIGNATURE .*\(spec\.ephemeralContainers\[0\]\.image\)/);
    await cluster.must([
      'debug',
      'pod/signed',
      '-n',
      'shop',
      '--profile=general',
      `--image=${signed.context}:1`,
      '--container=dbg',
    ]);
    const { spec } = (await cluster.read('pod', 'signed')) as { spec: { ephemeralContainers: { image: string }[] } };
    assert.equal(spec.ephemeralContainers[0]?.image, signed.toString());
  },
);

interop(
  'kube-apiserver',
  'both',
  'policies are watched: another signer, an unusable policy, none, a registry that is down',
  async (t) => {
    const door = await prepare(t);
    if (door === undefined) return;
    const { cluster, world, caBundle, port } = door;
    const signed = await world.pushSigned('shop/signed');
    await register(door, (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }));
    const dryRun = (name: string, reference: string): Promise<{ exitCode: number; stderr: string }> =>
      cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(podObject(name, reference)));
    const answers = async (pattern: RegExp, reference = signed.toString()): Promise<void> => {
      await cluster.eventually(String(pattern), async () => pattern.test((await dryRun('p', reference)).stderr));
    };
    assert.equal((await dryRun('p', signed.toString())).exitCode, 0);

    await cluster.must(['replace', '-f', '-'], JSON.stringify(policyObject(world, 'bob@example.com')));
    await answers(
      /Forbidden.*IDENTITY_MISMATCH .*\n {2}found: {4}subject alice@example\.com.*\n {2}expected: subject bob@/s,
    );

    const unusable = {
      spec: { images: [{ glob: `${world.host}/shop/**` }], authorities: [{ key: { kms: 'awskms:///alias/a' } }] },
    };
    const replacement = JSON.stringify({ ...policyObject(world), ...unusable });
    assert.match(
      (await cluster.kubectl(['replace', '-f', '-'], replacement)).stderr,
      /validation failed: invalid value: awskms/,
    );
    // Stored while nobody judges policies, it is there all the same.
    const policiesHook = JSON.stringify([{ op: 'remove', path: '/webhooks/1' }]);
    await cluster.must(['patch', 'validatingwebhookconfiguration', 'sealwright', '--type=json', '-p', policiesHook]);
    await cluster.eventually('policies are not judged', async () => {
      return (await cluster.kubectl(['replace', '-f', '-'], replacement)).exitCode === 0;
    });
    await answers(
      /POLICY_DENIED {2}disallowed by static policy: policy shop cannot be used: .*spec\.authorities\[0\]\.key\.kms/,
    );

    await cluster.must(['delete', 'cip/shop']);
    await answers(/POLICY_NO_MATCH/);

    await cluster.create(policyObject(world));
    await cluster.eventually('admitted again', async () => (await dryRun('p', signed.toString())).exitCode === 0);
    // Known evidence needs no registry; an image never seen cannot be checked without one.
    world.fault.answer = () => new Response('down', { status: 500 });
    assert.equal((await dryRun('p', signed.toString())).exitCode, 0);
    const unseen = await dryRun('p', `${world.host}/shop/unseen:1`);
    assert.match(unseen.stderr, /ServiceUnavailable.*COULD_NOT_CHECK .*could not be checked/s);
  },
);

interop(
  'kube-apiserver',
  'both',
  'admission by service reference, with our own certificate; a dead webhook refuses',
  async (t) => {
    const door = await prepare(t);
    if (door === undefined) return;
    const { cluster, world, caBundle, port } = door;
    await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'sealwright' } });
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'webhook', namespace: 'sealwright' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await register(door, (path) => ({ service: { name: 'webhook', namespace: 'sealwright', path, port }, caBundle }));
    const signed = await world.pushSigned('shop/signed');
    await cluster.create(podObject('signed', `${signed.context}:1`));
    await door.close();
    assert.match(await cluster.refused(podObject('late', signed.toString())), /failed calling webhook/);
    await cluster.must(['delete', 'pod/signed', '-n', 'shop', '--wait=false']);
  },
);
