/** What brings in no image is never kept from happening. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor, policyFor } from './door.ts';
import { ask, pod, podSpec, type ReviewInput } from './review.ts';

const OLD = 'r.example/shop/unsigned:1';
const APPS = { group: 'apps', kind: 'Deployment', resource: 'deployments' };

function deployment(replicas: number, ...images: readonly string[]): object {
  return { metadata: { name: 'd' }, spec: { replicas, template: { spec: podSpec(...images) } } };
}

const UNSEEN: readonly (readonly [what: string, input: ReviewInput])[] = [
  ['DELETE', { operation: 'DELETE', object: null, oldObject: pod(OLD) }],
  ['DELETE of a deployment', { ...APPS, operation: 'DELETE', object: null, oldObject: deployment(1, OLD) }],
  ['CONNECT to a pod', { operation: 'CONNECT', subResource: 'exec', object: { command: ['sh'] } }],
  ['a status', { operation: 'UPDATE', subResource: 'status', object: pod(OLD), oldObject: pod(OLD) }],
  ['a binding', { operation: 'CREATE', subResource: 'binding', object: { target: { name: 'node' } } }],
  ['an eviction', { operation: 'CREATE', subResource: 'eviction', object: {} }],
  ['a resize', { operation: 'UPDATE', subResource: 'resize', object: pod(OLD), oldObject: pod(OLD) }],
  ['a scale', { ...APPS, operation: 'UPDATE', subResource: 'scale', object: { spec: { replicas: 9 } } }],
  ['scaling up', { ...APPS, operation: 'UPDATE', object: deployment(9, OLD), oldObject: deployment(1, OLD) }],
  ['scaling down', { ...APPS, operation: 'UPDATE', object: deployment(0, OLD), oldObject: deployment(1, OLD) }],
  ['a label', { operation: 'UPDATE', object: { ...pod(OLD), metadata: { labels: { a: 'b' } } }, oldObject: pod(OLD) }],
  [
    'the removal of a finalizer',
    {
      operation: 'UPDATE',
      object: { ...pod(OLD), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [] } },
      oldObject: { ...pod(OLD), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] } },
    },
  ],
  [
    'the removal of a container',
    { ...APPS, operation: 'UPDATE', object: deployment(1, OLD), oldObject: deployment(1, OLD, 'x') },
  ],
  ['another kind', { group: '', resource: 'configmaps', kind: 'ConfigMap', object: { data: { image: OLD } } }],
  ['a kind of the same name in another group', { group: 'metrics.k8s.io', object: { containers: [] } }],
  ['a template that leaves its image to others', { ...APPS, object: deployment(1, '') }],
];

for (const [what, input] of UNSEEN) {
  test(`${what} is admitted unseen by both stages`, async (t) => {
    const { world, webhook } = await openDoor(t);
    for (const stage of ['mutate', 'validate'] as const) {
      const answer = await ask(webhook.routes, stage, input);
      assert.equal(answer.allowed, true, answer.message);
      assert.deepEqual(answer.patch, []);
      assert.deepEqual(answer.warnings, []);
    }
    assert.deepEqual(world.taken(), []);
  });
}

const SEEN: readonly (readonly [what: string, input: ReviewInput, path: string])[] = [
  [
    'a new image in an update',
    { operation: 'UPDATE', object: pod('NEW'), oldObject: pod(OLD) },
    'spec.containers[0].image',
  ],
  [
    'a new image beside an old one',
    { operation: 'UPDATE', object: pod(OLD, 'NEW'), oldObject: pod(OLD) },
    'spec.containers[1].image',
  ],
  [
    'an ephemeral container',
    {
      operation: 'UPDATE',
      subResource: 'ephemeralcontainers',
      object: { ...pod(OLD), spec: { ...podSpec(OLD), ephemeralContainers: [{ image: 'NEW' }] } },
      oldObject: pod(OLD),
    },
    'spec.ephemeralContainers[0].image',
  ],
  [
    'a new image in an object that is being deleted',
    {
      operation: 'UPDATE',
      object: { ...pod('NEW'), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
      oldObject: { ...pod(OLD), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    },
    'spec.containers[0].image',
  ],
  [
    'a new image while scaling down',
    { ...APPS, operation: 'UPDATE', object: deployment(0, 'NEW'), oldObject: deployment(1, OLD) },
    'spec.template.spec.containers[0].image',
  ],
  [
    'a creation that claims to have an old object',
    { object: pod('NEW'), oldObject: pod('NEW') },
    'spec.containers[0].image',
  ],
  ['an update without the old object', { operation: 'UPDATE', object: pod('NEW') }, 'spec.containers[0].image'],
  [
    'a pod template',
    { resource: 'podtemplates', kind: 'PodTemplate', object: { template: { spec: podSpec('NEW') } } },
    'template.spec.containers[0].image',
  ],
  ['a kind that the resource contradicts', { kind: 'ConfigMap', object: pod('NEW') }, 'spec.containers[0].image'],
];

for (const [what, input, path] of SEEN) {
  test(`${what} is looked at`, async (t) => {
    const { world, webhook, enforce } = await openDoor(t);
    const image = await world.push('shop/new');
    enforce(policyFor(world));
    const text = JSON.stringify(input).replaceAll('"NEW"', JSON.stringify(image.toString()));
    const answer = await ask(webhook.routes, 'mutate', JSON.parse(text) as ReviewInput);
    assert.equal(answer.allowed, false);
    assert.ok(answer.message.startsWith('NO_SIGNATURE') && answer.message.includes(`(${path})`), answer.message);
  });
}
