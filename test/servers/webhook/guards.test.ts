/** What the webhook decides by itself whatever the API server was told: namespaces, declared kinds, the controller's ConfigMap. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Hono } from 'hono';
import type { NamespaceScope } from '../../../src/core/installation/installation-options.ts';
import { parsePodTemplateRule } from '../../../src/core/installation/pod-template-rule.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import {
  DEFAULT_CONTROLLER_CONFIG,
  readControllerConfig,
} from '../../../src/core/policy/judgement/controller-config.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import type { ClusterAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { openControllerConfig } from '../../../src/servers/webhook/controller-config-source.ts';
import { namespaceGuard } from '../../../src/servers/webhook/namespace-guard.ts';
import { createWebhook, type WebhookOptions } from '../../../src/servers/webhook/webhook.ts';
import { ask, pod, podSpec } from './review.ts';
import { World } from './world.ts';

const DIGEST = `@sha256:${'c'.repeat(64)}`;
const ALLOWED = `allowed.example/app${DIGEST}`;
const UNCOVERED = `other.example/app${DIGEST}`;

interface Cluster {
  readonly access: ClusterAccess;
  /** Objects by path. */
  readonly objects: Map<string, object>;
  readonly asked: string[];
  /** Whether it answers anything but 500. */
  isUp: boolean;
}

async function cluster(t: TestContext): Promise<Cluster> {
  const objects = new Map<string, object>();
  const asked: string[] = [];
  const app = new Hono();
  const http = new HttpClient({ timeoutMs: 2000, retry: { retries: 0 } });
  const state = { isUp: true };
  app.get('*', (context) => {
    asked.push(context.req.path);
    if (!state.isUp) return context.json({}, 500);
    const object = objects.get(context.req.path);
    return object === undefined ? context.json({}, 404) : context.json(object);
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  t.after(async () => {
    http.close();
    await server.close(0);
  });
  const access = { server: `http://127.0.0.1:${server.port}`, http, authorization: () => Promise.resolve(undefined) };
  return Object.assign(state, { access, objects, asked });
}

const namespace = (labels?: object): object => ({
  metadata: { name: 'shop', ...(labels === undefined ? {} : { labels }) },
});
const SHOP = '/api/v1/namespaces/shop';

function guardOf(
  { access }: Cluster,
  scope: NamespaceScope,
  now = (): Date => new Date(),
): ReturnType<typeof namespaceGuard> {
  return namespaceGuard({ cluster: access, scope, exempt: ['cosign-system'], now });
}

const INCLUDED = { 'policy.sigstore.dev/include': 'true' };
const EXCLUDED = { 'policy.sigstore.dev/exclude': '' };
const LABELS: readonly [scope: NamespaceScope, labels: object | undefined, isGuarded: boolean][] = [
  ['opt-in', INCLUDED, true],
  ['opt-in', { 'policy.sigstore.dev/include': 'false' }, false],
  ['opt-in', undefined, false],
  ['opt-in', { ...INCLUDED, ...EXCLUDED }, true],
  ['opt-out', undefined, true],
  ['opt-out', INCLUDED, true],
  ['opt-out', EXCLUDED, false],
  ['all', EXCLUDED, true],
];

for (const [scope, labels, isGuarded] of LABELS) {
  test(`${scope}, ${JSON.stringify(labels)}: ${isGuarded ? 'guarded' : 'not guarded'}`, async (t) => {
    const world = await cluster(t);
    world.objects.set(SHOP, namespace(labels));
    assert.equal(await guardOf(world, scope)('shop'), isGuarded);
  });
}

test('kube-system and the webhook’s own namespace are never guarded, and nobody is asked about them', async (t) => {
  const world = await cluster(t);
  for (const scope of ['opt-in', 'opt-out', 'all'] as const) {
    for (const name of ['kube-system', 'kube-node-lease', 'cosign-system']) {
      assert.equal(await guardOf(world, scope)(name), false, `${scope} ${name}`);
    }
  }
  assert.deepEqual(world.asked, []);
});

test('what cannot be asked about is guarded: an API server that fails, a namespace that is not there, labels that are none', async (t) => {
  const world = await cluster(t);
  const guards = guardOf(world, 'opt-in');
  assert.equal(await guards('unknown'), true);
  world.objects.set(SHOP, { metadata: { labels: { a: 1 } } });
  assert.equal(await guards('shop'), true);
  world.objects.set(SHOP, namespace());
  world.isUp = false;
  assert.equal(await guards('shop'), true);
  world.isUp = true;
  assert.equal(await guards('shop'), false);
});

test('a label that was just set counts at once; one that was taken away, half a minute later', async (t) => {
  const world = await cluster(t);
  let now = 0;
  const guards = guardOf(world, 'opt-in', () => new Date(now));
  world.objects.set(SHOP, namespace());
  assert.equal(await guards('shop'), false);
  world.objects.set(SHOP, namespace(INCLUDED));
  assert.equal(await guards('shop'), true);
  const before = world.asked.length;
  world.objects.set(SHOP, namespace());
  assert.equal(await guards('shop'), true);
  assert.equal(world.asked.length, before, 'no question for each review');
  now += 30_000;
  assert.equal(await guards('shop'), false);
});

async function webhookWith(
  t: TestContext,
  options: Partial<WebhookOptions>,
): Promise<ReturnType<typeof createWebhook>> {
  const world = await World.open(t);
  const text = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: allowed}
spec: {images: [{glob: "allowed.example/**"}], authorities: [{static: {action: pass}}]}
`;
  const policies = PolicySet.ofClusterImages(parseClusterImagePolicies(text, 'the test'));
  const webhook = createWebhook({
    policies: { current: () => policies, ready: () => Promise.resolve(), close: () => Promise.resolve() },
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
    ...options,
  });
  t.after(() => webhook.close());
  return webhook;
}

test('a webhook configuration that asks too much refuses nothing more', async (t) => {
  const world = await cluster(t);
  const { routes } = await webhookWith(t, { guards: guardOf(world, 'opt-in') });
  world.objects.set(SHOP, namespace());
  for (const stage of ['mutate', 'validate'] as const) {
    assert.equal((await ask(routes, stage, { object: pod(UNCOVERED) })).allowed, true);
  }
  world.objects.set(SHOP, namespace(INCLUDED));
  assert.match((await ask(routes, 'mutate', { object: pod(UNCOVERED) })).message, /^POLICY_NO_MATCH/);
});

const ROLLOUT = { group: 'argoproj.io', version: 'v1alpha1', resource: 'rollouts', kind: 'Rollout' };
const rollout = (image: string): object => ({ metadata: { name: 'r' }, spec: { template: { spec: podSpec(image) } } });
const DECLARED = new Map([['argoproj.io/rollouts', ['spec', 'template']]]);

test('a declared kind is looked into like a Deployment, and pinned; one that is not declared is not', async (t) => {
  const { routes } = await webhookWith(t, { podTemplates: DECLARED });
  const refused = await ask(routes, 'validate', { ...ROLLOUT, object: rollout(UNCOVERED) });
  assert.match(refused.message, /^POLICY_NO_MATCH .*\(spec\.template\.spec\.containers\[0\]\.image\)/);
  assert.equal((await ask(routes, 'validate', { ...ROLLOUT, object: rollout(ALLOWED) })).allowed, true);
  const update = { ...ROLLOUT, operation: 'UPDATE' as const, object: rollout(UNCOVERED) };
  assert.equal((await ask(routes, 'validate', { ...update, oldObject: rollout(UNCOVERED) })).allowed, true);
  assert.equal((await ask(routes, 'validate', { ...update, oldObject: rollout(ALLOWED) })).allowed, false);
  // Without a template, as when it refers to a Deployment.
  assert.equal((await ask(routes, 'validate', { ...ROLLOUT, object: { spec: {} } })).allowed, true);
  assert.match((await ask(routes, 'validate', { ...ROLLOUT, object: {} })).message, /^FORMAT_ADMISSION_REVIEW/);
  const plain = await webhookWith(t, {});
  assert.equal((await ask(plain.routes, 'validate', { ...ROLLOUT, object: rollout(UNCOVERED) })).allowed, true);
});

test('declarations of kinds', () => {
  assert.deepEqual(parsePodTemplateRule('rollouts.argoproj.io=spec.template', 'pod-template'), {
    resource: 'rollouts',
    group: 'argoproj.io',
    path: ['spec', 'template'],
  });
  for (const text of [
    '',
    'rollouts',
    'rollouts=spec',
    'Rollouts.argoproj.io=spec',
    'a.b=',
    'a.b=spec..x',
    'a.b=spec[0]',
    'a.b=c=d',
  ]) {
    assert.throws(() => parsePodTemplateRule(text, 'pod-template'), { code: 'USAGE_BAD_FLAG' }, text);
  }
});

test('no-match-policy and fail-on-empty-authorities mean what they mean to policy-controller', () => {
  const read = (entries: Record<string, string>): object => readControllerConfig(new Map(Object.entries(entries)));
  assert.deepEqual(read({ _example: 'no-match-policy: allow' }), DEFAULT_CONTROLLER_CONFIG);
  for (const [word, noMatch] of [
    ['allow', 'allow'],
    ['warn', 'warn'],
    ['deny', 'deny'],
    ['Allow', 'deny'],
    ['', 'deny'],
  ] as const) {
    assert.deepEqual(read({ 'no-match-policy': word }), { ...DEFAULT_CONTROLLER_CONFIG, noMatch });
  }
  for (const [text, failsOnEmptyAuthorities] of [
    ['false', false],
    ['0', false],
    ['true', true],
    ['no', true],
  ] as const) {
    assert.deepEqual(read({ 'fail-on-empty-authorities': text }), { noMatch: 'deny', failsOnEmptyAuthorities });
  }
});

test('the ConfigMap is read again, and what it said last holds while the API server is down', async (t) => {
  const world = await cluster(t);
  const path = '/api/v1/namespaces/cosign-system/configmaps/config-policy-controller';
  const options = { cluster: world.access, systemNamespace: 'cosign-system', rereadMs: 0 };
  const source = await openControllerConfig(options);
  t.after(() => source.close());
  const { routes } = await webhookWith(t, { controllerConfig: () => source.current() });
  const admitted = async (): Promise<boolean> => (await ask(routes, 'validate', { object: pod(UNCOVERED) })).allowed;
  assert.equal(await admitted(), false);
  world.objects.set(path, { data: { 'no-match-policy': 'warn' } });
  await source.reread();
  const warned = await ask(routes, 'validate', { object: pod(UNCOVERED) });
  assert.ok(warned.allowed && warned.warnings.some((line) => line.includes('POLICY_NO_MATCH')));
  world.isUp = false;
  await assert.rejects(source.reread(), { code: 'REMOTE_STATUS' });
  assert.equal(await admitted(), true);
  world.isUp = true;
  world.objects.delete(path);
  await source.reread();
  assert.equal(await admitted(), false);
  // What the operator says at the start counts more.
  const strict = await webhookWith(t, {
    controllerConfig: () => ({ ...source.current(), noMatch: 'allow' }),
    noMatch: 'deny',
  });
  assert.equal((await ask(strict.routes, 'validate', { object: pod(UNCOVERED) })).allowed, false);
  world.isUp = false;
  await assert.rejects(openControllerConfig(options), { code: 'REMOTE_STATUS' });
});
