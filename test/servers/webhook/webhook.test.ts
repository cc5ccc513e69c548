import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image-policy-parser.ts';
import { renderClusterImagePolicy } from '../../../src/core/policy/cluster-image-policy-render.ts';
import type { NoMatchAction } from '../../../src/core/policy/image-decision.ts';
import { repositoryGlob } from '../../../src/core/policy/image-glob.ts';
import { PolicySet } from '../../../src/core/policy/policy-set.ts';
import { createWebhook, type Webhook } from '../../../src/servers/webhook/webhook.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { ask, pod, podSpec } from './review.ts';
import { World } from './world.ts';

interface Fixture {
  readonly world: World;
  readonly webhook: Webhook;
  /** Replaces the policies in force. */
  readonly enforce: (...texts: readonly string[]) => void;
}

async function open(t: TestContext, options: { noMatch?: NoMatchAction; now?: () => Date } = {}): Promise<Fixture> {
  const world = await World.open(t);
  let policies = new PolicySet([]);
  const webhook = createWebhook({
    policies: { current: () => policies, ready: () => Promise.resolve(), close: () => Promise.resolve() },
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: options.now ?? (() => new Date()),
    ...(options.noMatch === undefined ? {} : { noMatch: options.noMatch }),
  });
  t.after(() => webhook.close());
  return {
    world,
    webhook,
    enforce: (...texts) => {
      policies = new PolicySet(texts.flatMap((text, index) => parseClusterImagePolicies(text, `policy ${index}`)));
    },
  };
}

function alicePolicy(world: World, name = 'shop', rest = ''): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${name}}
spec:
  images: [{glob: "${world.host}/shop/**"}]
  authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}]
${rest}`;
}

test('a signed image is admitted, and its tag pinned to the digest that was verified', async (t) => {
  const { world, webhook, enforce } = await open(t);
  const image = await world.pushSigned('shop/app');
  enforce(alicePolicy(world));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:1`) });
  assert.equal(answer.allowed, true, answer.message);
  assert.deepEqual(answer.patch, [{ op: 'replace', path: '/spec/containers/0/image', value: image.toString() }]);
  assert.deepEqual(answer.annotations, { decision: 'allow' });
});

test('an unsigned image is refused in the words of the error contract', async (t) => {
  const { world, webhook, enforce } = await open(t);
  const image = await world.push('shop/app');
  enforce(alicePolicy(world));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(`${world.host}/shop/app:1`) });
  const name = `${image.context}@${image.digest!.toString()}`;
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 403);
  assert.equal(answer.reason, 'Forbidden');
  assert.deepEqual(answer.message.split('\n'), [
    `NO_SIGNATURE  ${name} has no signature (spec.containers[0].image)`,
    '  found:    no signature',
    `  expected: subject ${SUBJECT}, issuer ${ISSUER} (policy shop)`,
    `  fix:      sealwright sign ${name}`,
  ]);
  assert.deepEqual(answer.patch, []);
});

test('the policy that the signer prints works as pasted', async (t) => {
  const { world, webhook, enforce } = await open(t);
  const image = await world.pushSigned('shop/app');
  enforce(
    renderClusterImagePolicy({ kind: 'identity', issuer: ISSUER, subject: SUBJECT }, repositoryGlob(image), 'printed'),
  );
  assert.equal((await ask(webhook.routes, 'mutate', { object: pod(image.toString()) })).allowed, true);
  const deployment = { metadata: {}, spec: { template: { spec: podSpec(`${world.host}/shop/app:1`) } } };
  const answer = await ask(webhook.routes, 'mutate', {
    object: deployment,
    group: 'apps',
    resource: 'deployments',
    kind: 'Deployment',
  });
  assert.equal(answer.allowed, true);
  assert.equal(answer.patch[0]?.path, '/spec/template/spec/containers/0/image');
});
