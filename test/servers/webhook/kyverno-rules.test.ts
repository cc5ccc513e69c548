/** Kyverno's verifyImages rules at the webhook: tags, actions, both formats of signatures, and what cannot be asked. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { pushLayers, signedLayer } from '../../support/signature-layers.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const KEYLESS = `attestors: [{entries: [{keyless: {subject: ${SUBJECT}, issuer: "${ISSUER}", rekor: {url: "https://r"}}}]}]`;
const BY_KEY = `attestors: [{entries: [{keys: {publicKeys: ${JSON.stringify(KEY.publicKey.toPem())}, rekor: {ignoreTlog: true, url: "https://r"}}}]}]`;

interface Lab {
  readonly world: World;
  readonly decide: (
    members: string,
    stage: 'mutate' | 'validate',
    image: string,
    more?: { readonly rest?: string; readonly match?: string; readonly labels?: ReadonlyMap<string, string> },
  ) => Promise<Answer>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  return {
    world,
    decide: (
      members,
      stage,
      image,
      { rest = '', match = 'match: {any: [{resources: {kinds: [Pod]}}]}', labels } = {},
    ) => {
      const text = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  ${rest}
  rules:
  - name: signed
    ${match}
    verifyImages: [{imageReferences: ["${world.host}/*"], ${members}}]
`;
      const { policies } = parsePolicyObjects(text, 'file');
      const webhook = createWebhook({
        policies: {
          current: () => new PolicySet(policies),
          ready: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
        registry: world.client,
        trustedRoot: world.instance.trustedRoot,
        ...(labels === undefined ? {} : { namespaceLabels: () => Promise.resolve(labels) }),
        noMatch: 'allow',
        now: () => new Date(),
      });
      t.after(() => webhook.close());
      return ask(webhook.routes, stage, { object: pod(image) });
    },
  };
}

test('a tag is replaced by its digest, or refused, or left as it is', async (t) => {
  const { world, decide } = await openLab(t);
  const image = await world.pushSigned('shop/app');
  const tagged = `${image.context}:1`;
  const pinned = await decide(`failureAction: Enforce, ${KEYLESS}`, 'mutate', tagged);
  assert.deepEqual([pinned.allowed, pinned.patch.map(({ value }) => value)], [true, [image.toString()]]);
  // Where nothing may be written, a tag could move after it was judged.
  const unpinned = await decide(`failureAction: Enforce, ${KEYLESS}`, 'validate', tagged);
  assert.deepEqual([unpinned.allowed, unpinned.message.startsWith('POLICY_DENIED  ')], [false, true]);
  for (const stage of ['mutate', 'validate'] as const) {
    const refused = await decide(`failureAction: Enforce, mutateDigest: false, ${KEYLESS}`, stage, tagged);
    assert.match(refused.message, /^POLICY_DENIED {2}missing digest for /);
    const left = await decide(
      `failureAction: Enforce, mutateDigest: false, verifyDigest: false, ${KEYLESS}`,
      stage,
      tagged,
    );
    assert.deepEqual([left.allowed, left.patch], [true, []]);
  }
  await world.push('shop/other');
  const members = `failureAction: Enforce, mutateDigest: false, verifyDigest: false, ${KEYLESS}`;
  const unsigned = await decide(members, 'validate', `${world.host}/shop/other:1`);
  assert.match(unsigned.message, /^NO_SIGNATURE {2}/);
});

test('labels of the namespace are asked for where a rule selects by them, and let nothing off while unknown', async (t) => {
  const { world, decide } = await openLab(t);
  const image = (await world.push('shop/app')).toString();
  const selector = 'namespaceSelector: {matchLabels: {env: test}}';
  const members = `failureAction: Enforce, ${KEYLESS}`;
  const only = `match: {any: [{resources: {kinds: [Pod], ${selector}}}]}`;
  const but = `match: {any: [{resources: {kinds: [Pod]}}]}\n    exclude: {any: [{resources: {${selector}}}]}`;
  const allowed = async (match: string, env?: string): Promise<boolean> => {
    const labels = env === undefined ? {} : { labels: new Map([['env', env]]) };
    return (await decide(members, 'validate', image, { match, ...labels })).allowed;
  };
  assert.deepEqual(
    [await allowed(only, 'test'), await allowed(only, 'prod'), await allowed(only)],
    [false, true, false],
  );
  assert.deepEqual([await allowed(but, 'test'), await allowed(but, 'prod'), await allowed(but)], [true, false, false]);
});

test('an audit admits what it would refuse, and says so', async (t) => {
  const { world, decide } = await openLab(t);
  const image = await world.push('shop/app');
  const answer = await decide(`mutateDigest: false, ${KEYLESS}`, 'validate', `${image.context}:1`);
  assert.deepEqual([answer.allowed, answer.patch], [true, []]);
  assert.match(answer.warnings.join('\n'), /missing digest/);
  assert.match(answer.warnings.join('\n'), /NO_SIGNATURE/);
});

test('bundles and older signatures are read alike, whatever the type says', async (t) => {
  const { world, decide } = await openLab(t);
  const bundle = await world.push('shop/bundle');
  await world.sign(bundle, { key: KEY, managed: true });
  const legacy = await world.push('shop/legacy');
  const layer = signedLayer(world.instance, legacy.digest!, { key: KEY, managed: true });
  await pushLayers(world.client, legacy, legacy.digest!, [layer]);
  for (const type of ['Cosign', 'SigstoreBundle']) {
    for (const image of [bundle, legacy]) {
      const answer = await decide(`failureAction: Enforce, type: ${type}, ${BY_KEY}`, 'validate', image.toString());
      assert.equal(answer.allowed, true, answer.message);
    }
  }
});

test("a signature by somebody else, and one that lacks the attestor's annotations, are told apart", async (t) => {
  const { world, decide } = await openLab(t);
  const image = await world.pushSigned('shop/app');
  const other = KEYLESS.replace(SUBJECT, 'bob@example.com');
  const another = await decide(`failureAction: Enforce, ${other}`, 'validate', image.toString());
  assert.match(another.message, /^IDENTITY_MISMATCH {2}/);
  const noted = KEYLESS.replace('{keyless', '{annotations: {team: shop}, keyless');
  const lacking = await decide(`failureAction: Enforce, ${noted}`, 'validate', image.toString());
  assert.match(lacking.message, /^ANNOTATION_MISMATCH {2}/);
});

test('a registry that cannot be asked is no finding, and refuses whatever failurePolicy says', async (t) => {
  const { world, decide } = await openLab(t);
  const image = await world.pushSigned('shop/app');
  world.fault.answer = () => new Response('down', { status: 503 });
  const answer = await decide(`failureAction: Enforce, ${KEYLESS}`, 'validate', image.toString(), {
    rest: 'failurePolicy: Ignore',
  });
  assert.deepEqual([answer.allowed, answer.code], [false, 503]);
  assert.match(answer.message, /^COULD_NOT_CHECK {2}/);
});

test('a key that is not there refuses as what could not be evaluated', async (t) => {
  const { world, decide } = await openLab(t);
  const image = await world.pushSigned('shop/app');
  const members = 'failureAction: Enforce, attestors: [{entries: [{keys: {publicKeys: "k8s://keys/release"}}]}]';
  const answer = await decide(members, 'validate', image.toString());
  assert.equal(answer.allowed, false);
  assert.match(answer.message, /Secret keys\/release, cosign\.pub/);
});
