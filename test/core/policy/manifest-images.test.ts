import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifestImages } from '../../../src/core/policy/workload/manifest-images.ts';

const POD = { containers: [{ image: 'a' }], initContainers: [{ image: 'i' }], ephemeralContainers: [{ image: 'e' }] };

const OBJECTS: readonly (readonly [what: string, object: unknown, images: readonly string[]])[] = [
  ['a pod', { apiVersion: 'v1', kind: 'Pod', spec: POD }, ['i', 'a', 'e']],
  ['a deployment', { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: { spec: POD } } }, ['i', 'a', 'e']],
  [
    'a cron job',
    { apiVersion: 'batch/v1', kind: 'CronJob', spec: { jobTemplate: { spec: { template: { spec: POD } } } } },
    ['i', 'a', 'e'],
  ],
  [
    'a list',
    {
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ image: 'l' }] } }],
    },
    ['l'],
  ],
  [
    'a rollout of another group',
    { apiVersion: 'argoproj.io/v1', kind: 'Rollout', spec: { template: { spec: POD } } },
    ['i', 'a', 'e'],
  ],
  ['a service', { apiVersion: 'v1', kind: 'Service', spec: { ports: [] } }, []],
  ['no kind at all', { spec: { containers: [{ image: 'x' }, { name: 'without' }] } }, ['x']],
];

for (const [what, object, images] of OBJECTS) {
  test(`${what}: ${images.join(', ') || 'no image'}`, () => {
    assert.deepEqual(parseManifestImages(JSON.stringify(object), 'a.yaml'), images);
  });
}

test('every document of a file, in its order', () => {
  const text =
    'kind: Pod\napiVersion: v1\nspec: {containers: [{image: a}]}\n---\n---\nkind: Pod\napiVersion: v1\nspec: {containers: [{image: b}]}\n';
  assert.deepEqual(parseManifestImages(text, 'a.yaml'), ['a', 'b']);
});

for (const text of [
  'a: [',
  'kind: Pod\nkind: Pod',
  'kind: Pod\napiVersion: v1\nspec: {containers: {image: a}}',
  'kind: Pod\napiVersion: v1\nspec: {containers: [{image: 3}]}',
  'kind: Deployment\napiVersion: apps/v1\nspec: x',
]) {
  test(`${JSON.stringify(text)}: FORMAT_POLICY`, () => {
    assert.throws(() => parseManifestImages(text, 'a.yaml'), { code: 'FORMAT_POLICY' });
  });
}
