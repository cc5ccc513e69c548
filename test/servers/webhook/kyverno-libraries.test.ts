/** Kyverno's CEL libraries in `ImageValidatingPolicy`: the same expressions have the same verdicts as at Kyverno's command line. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { FormatError } from '../../../src/errors.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { peer } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { applyKyvernoPolicies } from './kyverno-program.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

const ABC = { sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d', md5: '900150983cd24fb0d6963f7d28e17f72' };
const ABC_SHA256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

/** What holds; that the same does not hold when it is turned round is tried as well. */
const TRUE: readonly string[] = [
  `sha256("abc") == "${ABC_SHA256}"`,
  `hash.sha256("abc") == "${ABC_SHA256}"`,
  `sha1("abc") == "${ABC.sha1}" && hash.sha1("abc") == sha1("abc")`,
  `md5("abc") == "${ABC.md5}" && hash.md5("abc") == md5("abc")`,
  'json.unmarshal("{\\"a\\": [1, {\\"b\\": null}]}").a[1].b == null',
  'json.unmarshal(object.metadata.annotations.settings).team == "shop"',
  'json.marshal({"b": [1, 2], "a": []}) == "{\\"a\\":[],\\"b\\":[1,2]}"',
  'json.marshal(object.metadata.labels) == "{\\"app\\":\\"x\\"}"',
  'yaml.parse("a: [1, 2]\\nb: {c: text}").b.c == "text"',
  'yaml.parse("a: 1").a == 1.0',
  'math.round(1.2345, 2) == 1.23 && math.round(-1.5, 0) == -2.0',
  'math.greatest(1, 2) == 2',
  'gzip.decompress(gzip.compress("abc")) == "abc"',
  'base64.encode(gzip.compress("abc")).startsWith("H4sI")',
  'time.now() > timestamp("2020-01-01T00:00:00Z")',
  'time.now() - timestamp("2020-01-01T00:00:00Z") > duration("24h")',
  'time.toCron(timestamp("2026-02-03T04:05:06Z")) == "5 4 3 2 2"',
  'time.truncate(timestamp("2026-02-03T04:05:06Z"), duration("1h")) == timestamp("2026-02-03T04:00:00Z")',
  'listObjToMap([{"k": "a"}, {"k": "b"}], [{"v": "1"}, {"v": "2"}], "k", "v") == {"a": "1", "b": "2"}',
  'transform.listObjToMap(object.spec.containers, object.spec.containers, "name", "image").size() == 1',
  'parseServiceAccount("system:serviceaccount:shop:deployer").Name == "deployer"',
  'user.parseServiceAccount("system:serviceaccount:shop:deployer").Namespace == "shop"',
  'parseServiceAccount("alice").Name == ""',
];

/** What fails in being evaluated, and then refuses. */
const FAILING: readonly string[] = [
  'json.unmarshal("{").a == 1',
  'json.unmarshal("[1]").a == 1',
  'yaml.parse("a: [").a == 1',
  'gzip.decompress(b"abc") == "abc"',
  'gzip.compress(1) == b""',
  'listObjToMap([{"k": "a"}], [], "k", "v").size() == 1',
  'listObjToMap([{"k": 1}], [{"v": 1}], "k", "v").size() == 1',
  'listObjToMap(["a"], ["b"], "k", "v").size() == 1',
];

/** Functions that Kyverno has and a decision does not get, and how the refusal calls them. */
const REFUSED: ReadonlyMap<string, RegExp> = new Map([
  ['random() != ""', /random: the same request has the same answer/],
  ['random.random("[a-z]{4}") != ""', /random: /],
  ['http.Get("https://example.com/").ok == true', /http: expressions do not reach out/],
  ['resource.Get("v1", "configmaps", "shop", "x").data.a == "b"', /resource: nothing is looked up/],
  ['globalContext.Get("x", "y") == 1', /globalContext: nothing is looked up/],
  ['getImageData("ghcr.io/a").config.architecture == "amd64"', /getImageData: an expression sees no manifest/],
]);

const KEY = PrivateKey.generate('ecdsa-p256').publicKey.toPem();

function policy(name: string, expression: string): string {
  return `apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: ${name}}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  validationConfigurations: {required: false}
  attestors: [{name: key, cosign: {key: {data: ${JSON.stringify(KEY)}}, ctlog: {insecureIgnoreTlog: true}}}]
  validations: [{expression: ${JSON.stringify(expression)}, message: refused}]
`;
}

test('expressions with the functions of the libraries have the verdicts of Kyverno', async (t) => {
  const kyverno = peer(t, 'kyverno');
  if (kyverno === undefined) return;
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const world = await World.open(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-kyverno-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const image = await world.push('shop/app');
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...pod(image.toString()),
    metadata: { name: 'p', namespace: 'shop', labels: { app: 'x' }, annotations: { settings: '{"team": "shop"}' } },
  };
  const expressions = [...TRUE, ...TRUE.map((expression) => `!(${expression})`), ...FAILING];
  const texts = expressions.map((expression, index) => policy(`p${index}`, expression));
  const file = join(dir, 'policies.yaml');
  writeFileSync(file, texts.join('---\n'));
  const theirs = await applyKyvernoPolicies(kyverno, file, object, dir);
  for (const [index, expression] of expressions.entries()) {
    await t.test(expression, async () => {
      const set = new PolicySet(parsePolicyObjects(texts[index]!, 'file').policies);
      const webhook = createWebhook({
        policies: { current: () => set, ready: () => Promise.resolve(), close: () => Promise.resolve() },
        registry: world.client,
        trustedRoot: world.instance.trustedRoot,
        engines: () => Promise.resolve(engines),
        noMatch: 'allow',
        now: () => new Date(),
      });
      t.after(() => webhook.close());
      const ours = await ask(webhook.routes, 'validate', { object });
      const verdict = theirs.get(`p${index}`);
      assert.ok(verdict !== undefined, 'Kyverno says nothing');
      assert.equal(ours.allowed, verdict.isAdmitted, `Kyverno: ${verdict.text}\nhere: ${ours.message || 'admitted'}`);
      assert.equal(ours.allowed, index < TRUE.length);
      // A verdict that came about by a failure is none.
      if (index >= TRUE.length) assert.equal(ours.message.includes('POLICY_EVALUATION'), index >= TRUE.length * 2);
    });
  }
});

test('the time is the one of the decision, and a function that decisions do not get is named', async (t) => {
  for (const [expression, why] of REFUSED) {
    assert.throws(
      () => parsePolicyObjects(policy('p', expression), 'file'),
      (error: unknown) => error instanceof FormatError && why.test(`${error.message} ${String(error.facts.found)}`),
      expression,
    );
  }
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const at = new Date('2031-01-01T00:00:00Z');
  const evaluation = {
    policy: { validations: [{ expression: 'time.now() == timestamp("2031-01-01T00:00:00Z")' }] },
    object: {},
    oldObject: null,
    request: {},
    images: {},
    answers: [],
    ignoresMatchErrors: false,
  };
  assert.equal((await engines.evaluateImagePolicy({ ...evaluation, now: at })).outcome, 'pass');
  assert.equal((await engines.evaluateImagePolicy({ ...evaluation, now: new Date(+at + 1) })).outcome, 'fail');
  await assert.rejects(engines.evaluateImagePolicy(evaluation), { code: 'POLICY_EVALUATION' });
});

test('what decompresses to more than an evaluation may hold ends in no verdict', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  // Members one after the other are one file.
  const member = gzipSync(Buffer.alloc(64 << 20));
  const evaluation = {
    policy: { validations: [{ expression: 'gzip.decompress(base64.decode(object.bomb)).size() > 0' }] },
    oldObject: null,
    request: {},
    images: {},
    answers: [],
    ignoresMatchErrors: false,
  };
  const decide = (members: number): Promise<{ outcome: string }> =>
    engines.evaluateImagePolicy({
      ...evaluation,
      object: { bomb: Buffer.concat(Array.from({ length: members }, () => member)).toString('base64') },
    });
  await assert.rejects(decide(16), { code: 'POLICY_ENGINE_FAILED' });
  // The engines that are left judge on.
  const small = { bomb: gzipSync('abc').toString('base64') };
  assert.equal((await engines.evaluateImagePolicy({ ...evaluation, object: small })).outcome, 'pass');
});
