/** Of what a revocation would stop: what has to be named before it may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { protectedIn, type BlastEffect, type BlastEntry } from '../../../src/core/audit/blast-radius.ts';

function entry(namespace: string, effect: BlastEffect, image = 'ghcr.io/acme/app:1'): BlastEntry {
  return {
    namespace,
    owner: 'Deployment web',
    path: 'spec.containers[0].image',
    image,
    source: 'status',
    pods: 1,
    effect,
    lost: [],
    left: [],
  };
}

const OWN = 'registry.infra.svc.cluster.local:5000/shop/app:1';
const SHORT = 'registry.infra.svc/shop/app:1';

const CASES: readonly (readonly [name: string, entries: readonly BlastEntry[], protectedNames: readonly string[]])[] = [
  ['the cluster itself', [entry('kube-system', 'stops')], ['kube-system']],
  ['the webhook', [entry('cosign-system', 'stops')], ['cosign-system']],
  ['a registry that images come from', [entry('infra', 'stops'), entry('shop', 'untouched', OWN)], ['infra']],
  ['a registry by its short name', [entry('infra', 'stops'), entry('shop', 'stays', SHORT)], ['infra']],
  ['a registry that holds its own image', [entry('infra', 'stops', OWN)], ['infra']],
  [
    'all of them',
    [entry('infra', 'stops', OWN), entry('cosign-system', 'stops'), entry('kube-system', 'stops')],
    ['infra', 'cosign-system', 'kube-system'],
  ],
  ['an application', [entry('shop', 'stops')], []],
  ['a registry that goes on', [entry('infra', 'stays', OWN), entry('shop', 'stops', OWN)], []],
  ['the webhook, with another signature left', [entry('cosign-system', 'stays')], []],
  ['what was revoked before', [entry('kube-system', 'revoked-already')], []],
  [
    'a namespace that is called like a host elsewhere',
    [entry('infra', 'stops'), entry('shop', 'stops', 'a.infra.example/x')],
    [],
  ],
  ['files that are in no namespace', [entry('', 'stops', 'registry..svc/x')], []],
];

for (const [name, entries, names] of CASES) {
  test(`${names.length > 0 ? 'protected' : 'not protected'}: ${name}`, () => {
    assert.deepEqual(
      protectedIn({ entries, notLookedAt: [] }, 'cosign-system').map((one) => one.name),
      names,
    );
  });
}
