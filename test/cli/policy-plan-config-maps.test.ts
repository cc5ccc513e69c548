/** `sealwright policy plan` at a real API server whose rule has its keys in a ConfigMap: the key is there, is missing, or may not be read. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { PlanDocument } from '../../src/cli/report/plan-document.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { pushLayered } from '../servers/webhook/layered-image.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import type { KubeCluster } from '../support/kube-cluster.ts';
import { peer, peersFolder } from '../support/peers.ts';
import { engineExecutable } from '../support/policy-engines.ts';
import { digestName, runningCluster } from './running-cluster.ts';

const [KEY, OTHER] = [PrivateKey.generate('ecdsa-p256'), PrivateKey.generate('ecdsa-p256')];
const KINDS = ['kyverno.io_clusterpolicies', 'kyverno.io_policies', 'kyverno.io_policyexceptions'];

const rule = (host: string): object => ({
  apiVersion: 'kyverno.io/v1',
  kind: 'ClusterPolicy',
  metadata: { name: 'p' },
  spec: {
    rules: [
      {
        name: 'signed',
        match: { any: [{ resources: { kinds: ['Pod'] } }] },
        context: [{ name: 'keys', configMap: { name: 'keys', namespace: 'trust' } }],
        verifyImages: [
          {
            imageReferences: [`${host}/*`],
            // What a plan is for: as if it enforced.
            failureAction: 'Audit',
            mutateDigest: false,
            verifyDigest: false,
            attestors: [
              {
                entries: [
                  {
                    keys: {
                      publicKeys: '{{ keys.data.cosign }}',
                      rekor: { ignoreTlog: true, url: 'https://rekor.example.com' },
                      ctlog: { ignoreSCT: true },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  },
});

/** A kubeconfig of an account that may read policies and what runs, and no ConfigMap. */
async function plannerConfig(cluster: KubeCluster, path: string): Promise<string> {
  await cluster.must(['create', 'serviceaccount', 'planner', '-n', 'shop']);
  const rules = [
    {
      apiGroups: ['policy.sigstore.dev', 'kyverno.io', 'policies.kyverno.io', 'sealwright.dev'],
      resources: ['*'],
      verbs: ['get', 'list', 'watch'],
    },
    { apiGroups: [''], resources: ['pods', 'serviceaccounts', 'namespaces'], verbs: ['get', 'list'] },
    { apiGroups: ['apps', 'batch'], resources: ['*'], verbs: ['get', 'list'] },
  ];
  await cluster.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'planner' },
    rules,
  });
  await cluster.must([
    'create',
    'clusterrolebinding',
    'planner',
    '--clusterrole=planner',
    '--serviceaccount=shop:planner',
  ]);
  const token = await cluster.must(['create', 'token', 'planner', '-n', 'shop']);
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
  writeFileSync(
    path,
    stringify({ ...config, users: [{ name: config.users[0]?.name, user: { token: token.trim() } }] }),
  );
  return path;
}

test('a plan with keys in a ConfigMap: passes, is refused, or could not be checked, and never as if the key was another', async (t) => {
  if (peer(t, 'kyverno') === undefined) return;
  const engines = await engineExecutable(t);
  if (engines === undefined) return;
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  const files = KINDS.map((name) => join(peersFolder(), 'bin', `kyverno.${name}.yaml`));
  assert.ok(files.every((file) => existsSync(file)));
  for (const file of files) await cluster.must(['create', '-f', file]);
  const named = KINDS.map((name) => `crd/${name.split('_').reverse().join('.')}`);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev', ...named]);
  await cluster.must(['create', 'namespace', 'trust']);
  const image = digestName(await pushLayered(world, 'app', [['sig', { key: KEY, managed: true }]]));
  await run({ name: 'web', spec: { containers: [{ name: 'c', image }] } });
  await cluster.create(rule(world.host));

  const planned = async (kubeconfig = cluster.kubeconfig): Promise<{ ended: Ended; document: PlanDocument }> => {
    const args = ['policy', 'plan', '--trusted-root', 'root.json', '--pull-secrets=false', '-o', 'json'];
    const ended = await sandbox.run([...args, '--kubeconfig', kubeconfig], {
      environment: { SEALWRIGHT_ENGINES: engines },
    });
    assert.notEqual(ended.stdout, '', ended.stderr);
    return { ended, document: JSON.parse(ended.stdout) as PlanDocument };
  };
  const stateOf = ({ workloads }: PlanDocument): string | undefined =>
    workloads.find(({ owner }) => owner === 'Pod web')?.state;
  const holding = (key: string, value: string): Promise<string> => {
    const data = { [key]: value };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'keys', namespace: 'trust' }, data };
    return cluster.must(['replace', '--force', '-f', '-'], JSON.stringify(object));
  };

  // No ConfigMap at all: nobody can tell, and it is named.
  const missing = await planned();
  assert.deepEqual([stateOf(missing.document), errorCode(missing.ended)], ['unknown', 'COULD_NOT_CHECK']);
  assert.match(JSON.stringify(missing.document.workloads), /COULD_NOT_CHECK.*there is no ConfigMap trust\/keys/);

  await cluster.must(['create', 'configmap', 'keys', '-n', 'trust', `--from-literal=cosign=${KEY.publicKey.toPem()}`]);
  const there = await planned();
  assert.deepEqual([stateOf(there.document), there.ended.exitCode], ['passes', 0], there.ended.stderr);

  // Somebody else's key: refused, by the plan's own code.
  await holding('cosign', OTHER.publicKey.toPem());
  const another = await planned();
  assert.deepEqual([stateOf(another.document), errorCode(another.ended)], ['refused', 'POLICY_DENIED']);
  assert.match(JSON.stringify(another.document.workloads), /SIGNATURE_INVALID/);

  // The ConfigMap is there, and the key in it is not.
  await holding('elsewhere', KEY.publicKey.toPem());
  const keyless = await planned();
  assert.deepEqual([stateOf(keyless.document), errorCode(keyless.ended)], ['refused', 'POLICY_DENIED']);
  assert.match(
    JSON.stringify(keyless.document.workloads),
    /POLICY_EVALUATION.*the variable \{\{ keys\.data\.cosign \}\}: Unknown key/,
  );

  // Whoever plans may not read it: nobody can tell, and what it takes is named.
  await holding('cosign', KEY.publicKey.toPem());
  const own = await plannerConfig(cluster, sandbox.path('planner.kubeconfig'));
  const forbidden = await planned(own);
  assert.deepEqual([stateOf(forbidden.document), errorCode(forbidden.ended)], ['unknown', 'COULD_NOT_CHECK']);
  assert.match(
    JSON.stringify(forbidden.document.workloads),
    /COULD_NOT_CHECK.*the ConfigMap trust\/keys may not be read/,
  );
});
