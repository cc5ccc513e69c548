import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../../src/core/encoding/json.ts';
import {
  carriesImages,
  limitWorkloadImages,
  readWorkloadImages,
} from '../../../src/core/policy/workload/workload-images.ts';

const IMAGES: JsonObject = {
  initContainers: [{ name: 'i', image: 'init:1' }],
  containers: [
    { name: 'a', image: 'a:1' },
    { name: 'b', image: 'b:1' },
  ],
  ephemeralContainers: [{ name: 'e', image: 'debug:1' }],
  volumes: [{ name: 'v' }, { name: 'w', image: { reference: 'data:1', pullPolicy: 'Always' } }],
};
const ORDER = ['init:1', 'a:1', 'b:1', 'debug:1', 'data:1'];

function read(group: string, resource: string, object: JsonValue): ReturnType<typeof readWorkloadImages> {
  return readWorkloadImages(group, resource, new JsonFields(object, 'object', 'FORMAT_ADMISSION_REVIEW'));
}

function at(steps: readonly string[], spec: JsonObject): JsonObject {
  return steps.reduceRight<JsonObject>((inner, step) => ({ [step]: inner }), spec);
}

const PLACES: readonly (readonly [group: string, resource: string, steps: readonly string[]])[] = [
  ['', 'pods', ['spec']],
  ['', 'podtemplates', ['template', 'spec']],
  ['', 'replicationcontrollers', ['spec', 'template', 'spec']],
  ['apps', 'replicasets', ['spec', 'template', 'spec']],
  ['apps', 'deployments', ['spec', 'template', 'spec']],
  ['apps', 'statefulsets', ['spec', 'template', 'spec']],
  ['apps', 'daemonsets', ['spec', 'template', 'spec']],
  ['batch', 'jobs', ['spec', 'template', 'spec']],
  ['batch', 'cronjobs', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
];

for (const [group, resource, steps] of PLACES) {
  test(`${resource}: every image of every kind of container, and of volumes`, () => {
    const images = read(group, resource, at(steps, IMAGES));
    assert.deepEqual(
      images.map(({ text }) => text),
      ORDER,
    );
    assert.equal(images[1]?.pointer, `/${steps.join('/')}/containers/0/image`);
    assert.equal(images[1].path, `${steps.join('.')}.containers[0].image`);
    assert.equal(images[4]!.path, `${steps.join('.')}.volumes[1].image.reference`);
    assert.equal(carriesImages(group, resource), true);
  });
}

test('other resources carry none: a pod of another group is another thing', () => {
  for (const [group, resource] of [
    ['', 'configmaps'],
    ['metrics.k8s.io', 'pods'],
    ['extensions', 'deployments'],
    ['', 'toString'],
    ['', '__proto__'],
  ] as const) {
    assert.equal(carriesImages(group, resource), false, `${group}/${resource}`);
    assert.deepEqual(read(group, resource, at(['spec'], IMAGES)), []);
  }
});

test('an image that is left for others to fill in is none yet', () => {
  const spec = { containers: [{ name: 'a' }, { name: 'b', image: '' }, { name: 'c', image: null }] };
  assert.deepEqual(read('', 'pods', { spec }), []);
});

test('a template that is left out has no images', () => {
  assert.deepEqual(read('', 'replicationcontrollers', { spec: { replicas: 1 } }), []);
  assert.deepEqual(read('apps', 'deployments', { spec: {} }), []);
});

const MALFORMED: readonly (readonly [what: string, resource: string, object: JsonValue])[] = [
  ['no spec', 'pods', {}],
  ['a spec that is a list', 'pods', { spec: [] }],
  ['containers that are an object', 'pods', { spec: { containers: {} } }],
  ['a container that is a text', 'pods', { spec: { containers: ['nginx'] } }],
  ['an image that is a number', 'pods', { spec: { containers: [{ image: 1 }] } }],
  ['an image that is an object', 'pods', { spec: { initContainers: [{ image: {} }] } }],
  ['a volume image that is a text', 'pods', { spec: { volumes: [{ image: 'x' }] } }],
  ['a reference that is a list', 'pods', { spec: { volumes: [{ image: { reference: ['x'] } }] } }],
  ['ephemeral containers that are a text', 'pods', { spec: { ephemeralContainers: 'x' } }],
];

for (const [what, resource, object] of MALFORMED) {
  test(`${what} is refused`, () => {
    assert.throws(() => read('', resource, object), { code: 'FORMAT_ADMISSION_REVIEW' });
  });
}

for (const [what, spec] of [
  ['501 containers', { containers: Array.from({ length: 501 }, (_, i) => ({ image: `a:${i}` })) }],
  ['1001 containers', { containers: Array.from({ length: 1001 }, () => ({ image: 'a:1' })) }],
  [
    '300 containers and 300 init containers',
    {
      containers: Array.from({ length: 300 }, () => ({ image: 'a:1' })),
      initContainers: Array.from({ length: 300 }, () => ({ image: 'a:1' })),
    },
  ],
  ['5001 volumes', { volumes: Array.from({ length: 5001 }, () => ({})) }],
] as const) {
  test(`${what} are too many`, () => {
    assert.throws(() => limitWorkloadImages(read('', 'pods', { spec })), { code: 'LIMIT_COUNT' });
  });
}
