/** Secrets that Kyverno's policies name open the registry, before those of the workload, and nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { FormatError } from '../../../src/errors.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { dockerConfig, openPrivateRegistry, PASSWORD } from './private-registry.ts';
import type { Answer } from './review.ts';

const SYSTEM = '/api/v1/namespaces/cosign-system/secrets/pull';
const ELSEWHERE = '/api/v1/namespaces/registry/secrets/pull';
const OF_POD = '/api/v1/namespaces/shop/secrets/pod';
const ACCOUNT = '/api/v1/namespaces/shop/serviceaccounts/default';
const BASIC = { kind: 'basic' as const, username: 'robot', password: PASSWORD };

function rule(credentials: string, { name = 'p', kind = 'ClusterPolicy' } = {}): string {
  return `apiVersion: kyverno.io/v1
kind: ${kind}
metadata: {name: ${name}${kind === 'Policy' ? ', namespace: shop' : ''}}
spec:
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages:
    - imageReferences: ["*"]
      failureAction: Enforce
      ${credentials === '' ? '' : `imageRegistryCredentials: ${credentials}`}
      attestors: [{entries: [{keyless: {issuer: "${ISSUER}", subject: "${SUBJECT}", rekor: {url: "https://rekor.example"}}}]}]
`;
}

function validating(credentials: string, kind = 'ImageValidatingPolicy', source = ''): string {
  return `apiVersion: policies.kyverno.io/v1
kind: ${kind}
metadata: {name: p${kind.startsWith('Namespaced') ? ', namespace: shop' : ''}}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  credentials: ${credentials}
  attestors: [{name: alice, cosign: {${source}keyless: {identities: [{issuer: "${ISSUER}", subject: "${SUBJECT}"}]}}}]
  validations: [{expression: "images.containers.all(i, verifyImageSignatures(i, [attestors.alice]) > 0)"}]
`;
}

const setOf = (...texts: readonly string[]): PolicySet =>
  new PolicySet(texts.flatMap((text) => parsePolicyObjects(text, 'file').policies));

test("a Secret of the webhook's namespace, and one of another, open the registry for a rule", async (t) => {
  for (const [secrets, path] of [
    ['[pull]', SYSTEM],
    ['[registry/pull]', ELSEWHERE],
    ['[/registry/pull]', ELSEWHERE],
    ['[gone, registry/pull]', ELSEWHERE],
  ] as const) {
    const { world, objects, asked, judge } = await openPrivateRegistry(t);
    objects.set(path, dockerConfig(world.host));
    assert.equal((await judge(setOf(rule(`{secrets: ${secrets}}`)))).allowed, true, secrets);
    assert.ok(asked.includes(path) && !asked.includes(ACCOUNT), 'the workload was not asked for its own');
  }
});

test('an ImageValidatingPolicy has the registry asked with its own Secrets too', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const { world, objects, judge } = await openPrivateRegistry(t);
  const more = { engines: () => Promise.resolve(engines) };
  const without = await judge(setOf(validating('{secrets: [other]}')), {}, more);
  assert.match(without.message, /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/);
  objects.set(SYSTEM, dockerConfig(world.host));
  assert.equal((await judge(setOf(validating('{secrets: [pull]}')), {}, more)).allowed, true);
});

test("an attestor's own PullSecrets open where it signs, in the namespace of its policy", async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const more = { engines: () => Promise.resolve(engines), noMatch: 'allow' as const };
  const source = 'source: {PullSecrets: [{name: gone}, {name: pull}]}, ';
  const ofCluster = setOf(validating('{secrets: [other]}', 'ImageValidatingPolicy', source));
  const ofShop = setOf(validating('{}', 'NamespacedImageValidatingPolicy', source));
  const inShop = SYSTEM.replace('cosign-system', 'shop');
  for (const [policies, path, elsewhere] of [
    [ofCluster, SYSTEM, inShop],
    [ofShop, inShop, SYSTEM],
  ] as const) {
    const { world, objects, asked, judge } = await openPrivateRegistry(t);
    objects.set(elsewhere, dockerConfig(world.host));
    assert.match((await judge(policies, {}, more)).message, /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/, path);
    assert.ok(!asked.includes(elsewhere), 'not looked into');
    const { world: other, objects: own, judge: again } = await openPrivateRegistry(t);
    own.set(path, dockerConfig(other.host));
    assert.equal((await again(policies, {}, more)).allowed, true, path);
  }
});

test('where they have nothing for the registry, the workload has, and then the webhook', async (t) => {
  const policies = setOf(rule('{secrets: [pull]}'));
  const { world, objects, judge } = await openPrivateRegistry(t);
  objects.set(SYSTEM, dockerConfig('elsewhere.example'));
  objects.set(OF_POD, dockerConfig(world.host));
  assert.equal((await judge(policies, { imagePullSecrets: [{ name: 'pod' }] })).allowed, true);
  assert.equal((await (await openPrivateRegistry(t, BASIC)).judge(policies)).allowed, true);
});

test('a wrong password, or a Secret that cannot be read, is no finding against the image', async (t) => {
  const policies = setOf(rule('{secrets: [pull]}'));
  const { world, objects, judge } = await openPrivateRegistry(t, BASIC);
  objects.set(SYSTEM, { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'e30x' } });
  assert.match((await judge(policies)).message, /^COULD_NOT_CHECK {2}[^]*a pull secret cannot be read/);
  objects.set(SYSTEM, dockerConfig(world.host, 'wrong'));
  const answer = await judge(policies);
  assert.equal(answer.code, 503);
  assert.match(answer.message, /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/);
});

test('signatures that the Secrets of one policy have opened are known to the others, whichever is asked first', async (t) => {
  const { world, objects, judge } = await openPrivateRegistry(t);
  objects.set(SYSTEM, dockerConfig(world.host));
  const [with_, without] = [rule('{secrets: [pull]}', { name: 'with' }), rule('', { name: 'without' })];
  for (const texts of [
    [with_, without],
    [without, with_],
  ]) {
    assert.equal((await judge(setOf(...texts))).allowed, true);
  }
  const alone = await judge(setOf(without, rule('{secrets: [gone]}', { name: 'with' })));
  assert.match(alone.message, /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/);
});

test('a policy of a namespace may name the Secrets of its namespace alone', async (t) => {
  const { world, objects, judge } = await openPrivateRegistry(t);
  objects.set(OF_POD, dockerConfig(world.host));
  // Such a policy only tightens what else is admitted.
  const own = (secret: string): Promise<Answer> =>
    judge(setOf(rule(`{secrets: [shop/${secret}]}`, { kind: 'Policy' })), {}, { noMatch: 'allow' });
  assert.equal((await own('pod')).allowed, true);
  assert.match((await own('gone')).message, /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/);
  const refused = (text: string, why: RegExp): void => {
    assert.throws(
      () => parsePolicyObjects(text, 'file'),
      (error: unknown) => error instanceof FormatError && why.test(`${error.message} ${String(error.facts.found)}`),
      text,
    );
  };
  for (const secret of ['pod', 'kube-system/pod']) {
    const why = /secrets\[0\] is not supported: a policy of the namespace shop may name shop\/pod alone/;
    refused(rule(`{secrets: [${secret}]}`, { kind: 'Policy' }), why);
    refused(validating(`{secrets: [${secret}]}`, 'NamespacedImageValidatingPolicy'), why);
  }
  for (const secret of ['', 'a/b/c', '../pull', 'registry/..', 'Pull', 'pull?x']) {
    const why = /secrets\[0\].*name or namespace\/name of a Secret is required/;
    refused(rule(`{secrets: [${JSON.stringify(secret)}]}`), why);
    refused(validating(`{secrets: [${JSON.stringify(secret)}]}`), why);
  }
});
