/** `/defaulting` and `/validating` over HTTP, with the real engines behind the check of programs. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Hono } from 'hono';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { post, readAnswer, review, type Answer } from './review.ts';
import { World } from './world.ts';

async function routesOf(t: TestContext, engines?: Awaited<ReturnType<typeof policyEngines>>): Promise<Hono> {
  const world = await World.open(t);
  const webhook = createWebhook({
    policies: { current: () => new PolicySet([]), ready: () => Promise.resolve(), close: () => Promise.resolve() },
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    ...(engines === undefined ? {} : { engines: () => Promise.resolve(engines) }),
    policyRules: { systemNamespace: 'cosign-system' },
    now: () => new Date(),
  });
  t.after(() => webhook.close());
  return webhook.routes;
}

async function answer(routes: Hono, stage: 'defaulting' | 'validating', spec: object): Promise<Answer> {
  const sent = review({
    object: { apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy', metadata: { name: 'p' }, spec },
    group: 'policy.sigstore.dev',
    version: 'v1beta1',
    resource: 'clusterimagepolicies',
    kind: 'ClusterImagePolicy',
  });
  const response = await post(routes, `/${stage}?timeout=10s`, JSON.stringify(sent));
  assert.equal(response.status, 200);
  return readAnswer(await response.text(), String(sent.request['uid']));
}

const withProgram = (type: string, data: string): object => ({
  images: [{ glob: '**' }],
  authorities: [{ static: { action: 'pass' } }],
  policy: { type, data },
});

test('policies are defaulted and refused over HTTP', async (t) => {
  const routes = await routesOf(t);
  const spec = { authorities: [{ keyless: {} }] };
  assert.deepEqual((await answer(routes, 'defaulting', spec)).patch, [
    { op: 'add', path: '/spec/mode', value: 'enforce' },
    { op: 'add', path: '/spec/authorities/0/name', value: 'authority-0' },
    { op: 'add', path: '/spec/authorities/0/keyless/url', value: 'https://fulcio.sigstore.dev' },
  ]);
  const { code, reason, message } = await answer(routes, 'validating', spec);
  assert.deepEqual(
    [code, reason, message],
    [400, 'BadRequest', 'validation failed: missing field(s): spec.authorities[0].keyless.identities, spec.images'],
  );
  const secret = { images: [{ glob: '**' }], authorities: [{ key: { secretRef: { name: 's', namespace: 'shop' } } }] };
  assert.match((await answer(routes, 'validating', secret)).message, /secretref\.namespace is invalid/);
});

test('what is no review is refused as one', async (t) => {
  const routes = await routesOf(t);
  for (const stage of ['defaulting', 'validating']) {
    const response = await post(routes, `/${stage}`, '{"kind":"Pod"}');
    assert.equal(response.status, 400);
    assert.match(await response.text(), /FORMAT_ADMISSION_REVIEW/);
  }
});

test('programs are compiled before a policy is admitted', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const routes = await routesOf(t, engines);
  const rego = 'package sigstore\nisCompliant { input.authorityMatches.a }';
  for (const spec of [withProgram('rego', rego), withProgram('cue', 'a: string')]) {
    assert.equal((await answer(routes, 'validating', spec)).message, '');
  }
  const brokenRego = await answer(routes, 'validating', withProgram('rego', 'package sigstore\nisCompliant { '));
  assert.equal(brokenRego.code, 400);
  assert.match(
    brokenRego.message,
    /^validation failed: invalid value: rego: spec\.policy\.data\nthe policy does not compile/,
  );
  const brokenCue = await answer(routes, 'validating', withProgram('cue', 'a: {'));
  assert.match(
    brokenCue.message,
    /^validation failed: invalid value: cue: spec\.policy\.data\nthe policy does not compile/,
  );
  const attested = {
    images: [{ glob: '**' }],
    authorities: [
      {
        keyless: { identities: [{ issuer: 'i', subject: 's' }] },
        attestations: [
          { name: 'a', predicateType: 'https://slsa.dev/provenance/v1', policy: { type: 'cue', data: 'a: {' } },
        ],
      },
    ],
  };
  assert.match(
    (await answer(routes, 'validating', attested)).message,
    /invalid value: cue: spec\.authorities\[0\]\.attestations\.policy\.data/,
  );
});
