/** Which digest runs, and who says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import { readRunningContainers } from '../../../src/core/policy/workload/running-containers.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const PINNED = `r.example/app@${A}`;

type Row = readonly [
  what: string,
  image: string,
  imageID: string | undefined,
  running: string | undefined,
  source: string,
];

const ROWS: readonly Row[] = [
  ['containerd', 'r.example/app:1', `r.example/app@${A}`, PINNED, 'status'],
  ['docker', 'r.example/app:1', `docker-pullable://r.example/app@${A}`, PINNED, 'status'],
  ['a mirror', 'r.example/app:1', `mirror.example/x/app@${A}`, PINNED, 'status'],
  ['a short name', 'app', `docker.io/library/app@${A}`, `index.docker.io/library/app@${A}`, 'status'],
  ['the digest of a configuration', 'r.example/app:1', A, undefined, 'tag'],
  ['nothing yet', 'r.example/app:1', '', undefined, 'tag'],
  ['no status at all', 'r.example/app:1', undefined, undefined, 'tag'],
  ['no digest', 'r.example/app:1', 'r.example/app@sha256:short', undefined, 'tag'],
  ['a pinned image, confirmed', PINNED, PINNED, PINNED, 'status'],
  ['a pinned index, by its child', PINNED, `r.example/app@${B}`, PINNED, 'spec'],
  ['a pinned image without status', PINNED, undefined, PINNED, 'spec'],
  ['a name that is none', 'r.example/UPPER:1', `r.example/app@${A}`, undefined, 'tag'],
];

for (const [what, image, imageID, running, source] of ROWS) {
  test(`${what}: ${source}`, () => {
    const status = imageID === undefined ? {} : { containerStatuses: [{ name: 'c', imageID }] };
    const pod = { spec: { containers: [{ name: 'c', image }] }, status };
    const [found] = readRunningContainers(new JsonFields(pod, 'pod', 'FORMAT_JSON'));
    assert.deepEqual([found?.running, found?.source], [running, source]);
  });
}

test('init, sidecar and ephemeral containers by their names, whatever the order; a volume has no status', () => {
  const of = (letter: string): string => `r.example/${letter}@sha256:${letter.repeat(64)}`;
  const pod = {
    spec: {
      initContainers: [
        { name: 'init', image: 'r.example/a:1' },
        { name: 'side', image: 'r.example/b:1', restartPolicy: 'Always' },
      ],
      containers: [{ name: 'main', image: 'r.example/c:1' }],
      ephemeralContainers: [{ name: 'debug', image: 'r.example/d:1' }],
      volumes: [{ name: 'v', image: { reference: 'r.example/e:1' } }],
    },
    status: {
      initContainerStatuses: [
        { name: 'side', imageID: of('b') },
        { name: 'init', imageID: of('a') },
      ],
      containerStatuses: [{ name: 'main', imageID: of('c') }],
      ephemeralContainerStatuses: [{ name: 'debug', imageID: of('d') }],
    },
  };
  assert.deepEqual(
    readRunningContainers(new JsonFields(pod, 'pod', 'FORMAT_JSON')).map(({ path, running }) => [path, running]),
    [
      ['spec.initContainers[0].image', of('a')],
      ['spec.initContainers[1].image', of('b')],
      ['spec.containers[0].image', of('c')],
      ['spec.ephemeralContainers[0].image', of('d')],
      ['spec.volumes[0].image.reference', undefined],
    ],
  );
});

test('a pod that has not the shape of one is refused', () => {
  for (const pod of [
    {},
    { spec: { containers: {} } },
    { spec: { containers: [{ name: 'c', image: 'a' }] }, status: [] },
  ]) {
    assert.throws(() => readRunningContainers(new JsonFields(pod, 'pod', 'FORMAT_JSON')), { code: 'FORMAT_JSON' });
  }
});
