/**
 * Which objects the installed configurations ask about at `/mutate` and at `/validate`, by a real API server, which evaluates their
 * conditions: an error in one would refuse the object.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { webhookConfigurations } from '../../../src/core/installation/webhook-configurations.ts';
import { encodeAdmissionReview, parseAdmissionReview } from '../../../src/core/wire/admission-review.ts';
import { createApp } from '../../../src/servers/shell/app.ts';
import { mountJsonRoute, type JsonRoute } from '../../../src/servers/shell/json-route.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { WORKLOADS } from './kube-objects.ts';

const DIGEST = `@sha256:${'a'.repeat(64)}`;
const PINNED = `registry.example/app:1${DIGEST}`;
const TAGGED = 'registry.example/app:1';

interface Asked {
  /** `STAGE KIND/NAME`, in their order. */
  readonly asked: string[];
  readonly url: string;
  readonly caBundle: string;
}

/** Admits everything and writes down what it was asked about. */
async function admitter(t: TestContext): Promise<Asked> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-condition-'));
  const asked: string[] = [];
  const app = createApp();
  const direct = ['mutate', 'validate'].map((stage): JsonRoute => ({
    path: `/${stage}`,
    maxBytes: 8 << 20,
    answer: (body) => {
      const { uid, kind, name } = parseAdmissionReview(body);
      asked.push(`${stage} ${kind}/${name}`);
      const answer = { isAllowed: true, warnings: [], auditAnnotations: {}, patch: [] };
      return Promise.resolve(encodeAdmissionReview(uid, answer));
    },
  }));
  for (const route of direct) mountJsonRoute(app, route);
  const { tls, caFile } = await openServingCertificate({ folder, hosts: ['127.0.0.1'], now: new Date() });
  const server = await listen(app, { host: '127.0.0.1', port: 0, tls, direct });
  t.after(async () => {
    await server.close(0);
    rmSync(folder, { recursive: true, force: true });
  });
  return { asked, url: server.url, caBundle: readFileSync(caFile).toString('base64') };
}

function pod(name: string, spec: object, labels: object = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', labels }, spec };
}

const container = (image: string | undefined, name = 'c'): object => ({
  name,
  ...(image === undefined ? {} : { image }),
});
const own = [container(PINNED)];

/** Pods by where one of their images has no digest. */
const TAGGED_PODS: Readonly<Record<string, object>> = {
  containers: { containers: [container(PINNED, 'a'), container(TAGGED, 'b')] },
  'init-containers': { containers: own, initContainers: [container(TAGGED, 'i')] },
  volumes: { containers: own, volumes: [{ name: 'v', image: { reference: TAGGED } }] },
};

const PINNED_PODS: Readonly<Record<string, object>> = {
  one: { containers: own },
  'tag-and-digest': { containers: [container(PINNED, 'a'), container(`registry.example/app${DIGEST}`, 'b')] },
  everywhere: {
    containers: own,
    initContainers: [container(PINNED, 'i')],
    volumes: [
      { name: 'v', image: { reference: PINNED } },
      { name: 'e', emptyDir: {} },
    ],
  },
};

interop('kube-apiserver', 'both', '/mutate is asked about tags, /validate about everything', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const { asked, url, caBundle } = await admitter(t);
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const configurations = webhookConfigurations({
    clients: (path) => ({ url: `${url}${path}`, caBundle }),
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } },
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    podTemplates: [],
  });
  for (const configuration of configurations) await cluster.create(configuration);
  await cluster.eventually('both are asked', async () => {
    const probe = JSON.stringify(pod('probe', { containers: [container(TAGGED)] }));
    await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], probe);
    return asked.includes('mutate Pod/probe') && asked.includes('validate Pod/probe');
  });
  const askedBy = async (change: () => Promise<unknown>): Promise<readonly string[]> => {
    asked.length = 0;
    await change();
    return [...asked];
  };

  for (const [name, spec] of Object.entries(TAGGED_PODS)) {
    assert.deepEqual(await askedBy(() => cluster.create(pod(name, spec))), [
      `mutate Pod/${name}`,
      `validate Pod/${name}`,
    ]);
  }
  for (const [name, spec] of Object.entries(PINNED_PODS)) {
    assert.deepEqual(await askedBy(() => cluster.create(pod(name, spec))), [`validate Pod/${name}`]);
  }
  // Templates are asked about whatever they name; their pods are what there are many of.
  for (const { kind, object } of WORKLOADS.filter((workload) => workload.kind !== 'Pod')) {
    const name = kind.toLowerCase();
    assert.deepEqual(await askedBy(() => cluster.create(object(name, PINNED))), [
      `mutate ${kind}/${name}`,
      `validate ${kind}/${name}`,
    ]);
  }
  // An update to a tag, an ephemeral container with one, and what touches no image.
  const change = (...args: readonly string[]) => askedBy(() => cluster.must([...args, '-n', 'shop']));
  assert.deepEqual(await change('set', 'image', 'pod/one', `c=${TAGGED}`), ['mutate Pod/one', 'validate Pod/one']);
  assert.deepEqual(await change('set', 'image', 'pod/one', `c=${PINNED}`), ['validate Pod/one']);
  for (const [image, stages] of [
    [TAGGED, ['mutate', 'validate']],
    [PINNED, ['validate']],
  ] as const) {
    const debug = ['debug', 'pod/everywhere', '--profile=general', `--image=${image}`];
    const asks = await change(...debug, `--container=${stages.length === 1 ? 'p' : 't'}`);
    // Where the first ephemeral container has a tag, nobody has pinned it here: it goes on being asked about.
    assert.ok(asks.includes('validate Pod/everywhere'), asks.join());
    if (stages.length === 2) assert.ok(asks.includes('mutate Pod/everywhere'), asks.join());
  }
  assert.deepEqual(await change('label', 'pod/one', 'team=pay'), []);
});
