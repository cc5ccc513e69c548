/** Kyverno's policies in a real API server, under Kyverno's own definitions: watched, defined later, mended, deleted. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Digest } from '../../../src/core/image/digest.ts';
import type { PinnedImage } from '../../../src/core/policy/judgement/image-evidence.ts';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { CLUSTER_IMAGE_POLICIES, KYVERNO_POLICIES } from '../../../src/servers/webhook/policy-kinds.ts';
import { watchClusterPolicies } from '../../../src/servers/webhook/policy-watch.ts';
import { POLICY_DEFINITIONS } from '../../../src/core/policy/definitions/policy-definitions.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { peer, peersFolder } from '../../support/peers.ts';
import { Recorder } from './recorder.ts';

const DEFINITIONS = [
  'kyverno.io_clusterpolicies',
  'kyverno.io_policies',
  'policies.kyverno.io_imagevalidatingpolicies',
  'policies.kyverno.io_namespacedimagevalidatingpolicies',
];
const PINNED: PinnedImage = { registry: 'r.example', repository: 'app', digest: Digest.of(new Uint8Array(1)) };
const PEM = PrivateKey.generate('ecdsa-p256').publicKey.toPem();

function clusterPolicy(name: string, more: object = {}): object {
  return {
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name },
    spec: {
      rules: [
        {
          name: 'signed',
          match: { any: [{ resources: { kinds: ['Pod'] } }] },
          verifyImages: [
            {
              imageReferences: ['r.example/*'],
              failureAction: 'Enforce',
              attestors: [{ entries: [{ keys: { publicKeys: PEM } }] }],
              ...more,
            },
          ],
        },
      ],
    },
  };
}

const VALIDATING = {
  apiVersion: 'policies.kyverno.io/v1',
  kind: 'ImageValidatingPolicy',
  metadata: { name: 'cel' },
  spec: {
    matchConstraints: {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
    attestors: [{ name: 'key', cosign: { key: { data: PEM }, ctlog: { insecureIgnoreTlog: true } } }],
    validations: [{ expression: 'images.containers.all(i, verifyImageSignatures(i, [attestors.key]) > 0)' }],
  },
};
const CONFIGURING = {
  apiVersion: 'kyverno.io/v1',
  kind: 'ClusterPolicy',
  metadata: { name: 'labels' },
  spec: {
    rules: [
      {
        name: 'labelled',
        match: { any: [{ resources: { kinds: ['Pod'] } }] },
        validate: { message: 'label it', pattern: { metadata: { labels: { app: '?*' } } } },
      },
    ],
  },
};

interop(
  'kube-apiserver',
  'both',
  "Kyverno's policies are read from the API server, under its definitions, as soon as there are any",
  async (t) => {
    if (peer(t, 'kyverno') === undefined) return;
    const files = DEFINITIONS.map((name) => join(peersFolder(), 'bin', `kyverno.${name}.yaml`));
    assert.ok(files.every((file) => existsSync(file)));
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
    await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
    const recorder = new Recorder();
    // A cluster that does not know the kinds is no reason not to start; each is looked for again and again.
    const source = await watchClusterPolicies({
      cluster: await openKubeconfigAccess(cluster.kubeconfig),
      kinds: [CLUSTER_IMAGE_POLICIES, ...KYVERNO_POLICIES],
      logger: recorder.logger,
      sleep: async (_ms, signal) => {
        const { setTimeout: sleep } = await import('node:timers/promises');
        await sleep(200, undefined, { signal }).catch(() => undefined);
      },
    });
    t.after(() => source.close());
    assert.deepEqual(source.current().policies, []);
    // Too large for an annotation of what was applied last.
    for (const file of files) await cluster.must(['create', '-f', file]);
    for (const resource of ['clusterpolicies.kyverno.io', 'imagevalidatingpolicies.policies.kyverno.io']) {
      await cluster.must(['wait', '--for=condition=Established', `crd/${resource}`]);
    }
    const names = (): readonly string[] => source.current().policies.map(({ name }) => name);
    const seen = (wanted: readonly string[]): Promise<void> =>
      cluster.eventually(wanted.join(', '), () =>
        Promise.resolve([...names()].sort().join() === [...wanted].sort().join()),
      );

    await cluster.create(clusterPolicy('rules'));
    await cluster.create(CONFIGURING);
    await cluster.create(VALIDATING);
    await seen(['ClusterPolicy rules/signed', 'ImageValidatingPolicy cel']);
    // What is not supported stands for a policy that refuses its images, and is told once.
    await cluster.create(clusterPolicy('notary', { type: 'Notary' }));
    await seen(['ClusterPolicy rules/signed', 'ImageValidatingPolicy cel', 'ClusterPolicy notary']);
    const standIn = source.current().policies.find(({ name }) => name === 'ClusterPolicy notary');
    assert.equal(standIn?.mode, 'enforce');
    assert.equal(standIn.covers(PINNED, ''), true);
    assert.equal(standIn.covers({ ...PINNED, registry: 'other.example' }, ''), false);
    const told = recorder.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(
      told.map(({ facts }) => facts['policy']),
      ['notary'],
    );
    await cluster.must(['delete', 'clusterpolicy', 'notary', 'rules']);
    await seen(['ImageValidatingPolicy cel']);
  },
);
