/** What a pod says of how much it matters that its images are proven. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposureOf, exposureRank, EXPOSURES, podLabels, type Exposure } from '../../../src/core/audit/exposure.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';

const PLAIN: JsonObject = { name: 'c', image: 'x' };

const CASES: readonly (readonly [string, JsonObject, readonly Exposure[]])[] = [
  ['nothing in particular', { containers: [PLAIN] }, []],
  ['not privileged, in words', { containers: [{ ...PLAIN, securityContext: { privileged: false } }] }, []],
  [
    'a small capability',
    { containers: [{ ...PLAIN, securityContext: { capabilities: { add: ['NET_BIND_SERVICE'] } } }] },
    [],
  ],
  [
    'a great one that is dropped',
    { containers: [{ ...PLAIN, securityContext: { capabilities: { drop: ['ALL'] } } }] },
    [],
  ],
  ['a port of its own', { containers: [{ ...PLAIN, ports: [{ containerPort: 80 }] }] }, []],
  ['an empty volume', { containers: [PLAIN], volumes: [{ name: 'v', emptyDir: {} }] }, []],
  [
    'a privileged container',
    { containers: [PLAIN, { ...PLAIN, securityContext: { privileged: true } }] },
    ['privileged'],
  ],
  [
    'one that only begins',
    { containers: [PLAIN], initContainers: [{ ...PLAIN, securityContext: { privileged: true } }] },
    ['privileged'],
  ],
  [
    'a great capability',
    { containers: [{ ...PLAIN, securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }] },
    ['privileged'],
  ],
  ["the node's files", { containers: [PLAIN], volumes: [{ name: 'v', hostPath: { path: '/' } }] }, ['privileged']],
  ["the node's processes", { containers: [PLAIN], hostPID: true }, ['privileged']],
  [
    "a port of the node's",
    { containers: [{ ...PLAIN, ports: [{ containerPort: 80, hostPort: 80 }] }] },
    ['host-network'],
  ],
  [
    "the node's network, and more",
    { containers: [PLAIN], hostNetwork: true, hostIPC: true },
    ['privileged', 'host-network'],
  ],
];

for (const [name, spec, expected] of CASES) {
  test(name, () => {
    assert.deepEqual(exposureOf({ kind: 'Pod', spec }), expected);
    assert.deepEqual(exposureOf({ kind: 'Deployment', spec: { replicas: 1, template: { spec } } }), expected);
    assert.deepEqual(
      exposureOf({ kind: 'CronJob', spec: { jobTemplate: { spec: { template: { spec } } } } }),
      expected,
    );
  });
}

test('reached from outside comes from the objects around it, and first', () => {
  const spec = { containers: [PLAIN], hostNetwork: true };
  assert.deepEqual(exposureOf({ kind: 'Pod', spec }, true), ['from-outside', 'host-network']);
  assert.deepEqual(exposureOf({ kind: 'Pod', spec: { containers: [PLAIN] } }, true), ['from-outside']);
});

test('what is exposed in a worse way comes before several lesser ones', () => {
  const [worst, ...lesser] = EXPOSURES;
  assert.ok(exposureRank([worst]) > exposureRank(lesser));
  assert.ok(exposureRank(['privileged']) > exposureRank(['host-network']));
  assert.ok(exposureRank(['host-network']) > exposureRank([]));
  assert.equal(exposureRank(undefined), 0);
});

test('the labels are those of the pods, not of what makes them', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } };
  const metadata = { labels: { app: 'owner' } };
  assert.deepEqual(podLabels({ kind: 'Deployment', metadata, spec: { template } }), { app: 'web' });
  assert.deepEqual(podLabels({ kind: 'CronJob', metadata, spec: { jobTemplate: { spec: { template } } } }), {
    app: 'web',
  });
  assert.deepEqual(podLabels({ kind: 'Pod', metadata, spec: {} }), { app: 'owner' });
  assert.deepEqual(podLabels({ kind: 'Deployment', metadata, spec: { template: { spec: {} } } }), {});
  assert.deepEqual(podLabels(undefined), {});
});

test('what has not the shape of a pod is neither', () => {
  for (const document of [
    undefined,
    {},
    { spec: 'x' },
    { spec: { containers: 'x', volumes: [null, 1] } },
    { spec: [] },
  ])
    assert.deepEqual(exposureOf(document as JsonObject | undefined), []);
});
