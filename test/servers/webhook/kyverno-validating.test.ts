/** Kyverno's ImageValidatingPolicy at the webhook: what its command line cannot be asked about without the network. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import type { ReviewedObject } from '../../../src/core/policy/cluster-image/resource-match.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { FormatError } from '../../../src/errors.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../../support/instance.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { ask, pod, podSpec, type Answer, type ReviewInput } from './review.ts';
import { World } from './world.ts';

const SCAN = 'https://example.com/scan/v1';
const PODS = '{resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}';
const ALICE = `{name: alice, cosign: {keyless: {identities: [{issuer: "${ISSUER}", subject: "${SUBJECT}"}]}}}`;
const BOB = `{name: bob, cosign: {keyless: {identities: [{issuer: "${ISSUER}", subject: "bob@example.com"}]}}}`;
const SIGNED = 'images.containers.all(i, verifyImageSignatures(i, [attestors.alice]) > 0)';

function policy(
  expression: string,
  more = '',
  { name = 'p', attestors = ALICE, kind = 'ImageValidatingPolicy' } = {},
): string {
  const namespace = kind.startsWith('Namespaced') ? ', namespace: shop' : '';
  return `apiVersion: policies.kyverno.io/v1beta1
kind: ${kind}
metadata: {name: ${name}${namespace}}
spec:
  matchConstraints: ${PODS}
  attestors: [${attestors}]
  attestations: [{name: scan, intoto: {type: "${SCAN}"}}]
  validations: [{expression: ${JSON.stringify(expression)}, message: refused by ${name}}]
  ${more}
`;
}

interface Lab {
  readonly world: World;
  readonly decide: (texts: readonly string[], input: ReviewInput, stage?: 'mutate' | 'validate') => Promise<Answer>;
}

async function openLab(t: TestContext): Promise<Lab | undefined> {
  const engines = await policyEngines(t);
  if (engines === undefined) return undefined;
  const world = await World.open(t);
  return {
    world,
    decide: (texts, input, stage = 'validate') => {
      const set = new PolicySet(texts.flatMap((text) => parsePolicyObjects(text, 'file').policies));
      const webhook = createWebhook({
        policies: { current: () => set, ready: () => Promise.resolve(), close: () => Promise.resolve() },
        registry: world.client,
        trustedRoot: world.instance.trustedRoot,
        engines: () => Promise.resolve(engines),
        now: () => new Date(),
      });
      t.after(() => webhook.close());
      return ask(webhook.routes, stage, input);
    },
  };
}

test('keyless signatures and attestations are what expressions ask about', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const signed = await world.pushSigned('shop/signed');
  const scanned = await world.pushSigned('shop/scanned');
  await world.attest(scanned, SCAN, { result: 'clean' });
  const unsigned = await world.push('shop/unsigned');
  const asked = (image: { toString(): string }, expression: string, attestors?: string): Promise<Answer> =>
    decide([policy(expression, '', attestors === undefined ? {} : { attestors })], { object: pod(image.toString()) });
  assert.equal((await asked(signed, SIGNED)).allowed, true);
  assert.match((await asked(unsigned, SIGNED)).message, /^NO_SIGNATURE {2}[^]*refused by p/);
  const byBob = await asked(signed, SIGNED.replace('alice', 'bob'), `${ALICE}, ${BOB}`);
  assert.match(byBob.message, /^IDENTITY_MISMATCH {2}/);
  const attested = 'images.containers.all(i, verifyAttestationSignatures(i, attestations.scan, [attestors.alice]) > 0)';
  const clean = `${attested} && images.containers.all(i, extractPayload(i, attestations.scan).predicate.result == "clean")`;
  assert.equal((await asked(scanned, clean)).allowed, true);
  assert.equal((await asked(scanned, clean.replace('"clean"', '"dirty"'))).allowed, false);
  assert.equal((await asked(signed, attested)).allowed, false);
});

test('every image of the object is asked about, and pinned', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const [one, two] = [await world.pushSigned('shop/one'), await world.pushSigned('shop/two')];
  const other = await world.push('shop/other');
  const tags = [one, two].map(({ context }) => `${context}:1`);
  const pinned = await decide([policy(SIGNED)], { object: pod(...tags) }, 'mutate');
  assert.deepEqual([pinned.allowed, pinned.patch.map(({ value }) => value)], [true, [one.toString(), two.toString()]]);
  const mixed = await decide([policy(SIGNED)], { object: pod(one.toString(), other.toString()) });
  assert.equal(mixed.allowed, false);
  assert.match(mixed.message, /NO_SIGNATURE/);
  // That one of them is signed is enough for this expression, and the other then was still not verified.
  const some = policy('images.containers.exists(i, verifyImageSignatures(i, [attestors.alice]) > 0)');
  const any = await decide([some], { object: pod(other.toString(), one.toString()) });
  assert.match(any.message, /failed signature or attestation verification/);
});

test('what makes pods is looked at as the pods that it makes', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const image = (await world.pushSigned('shop/app')).toString();
  const expression = `${SIGNED} && object.kind == "Pod" && object.metadata.labels.app == "x"`;
  const template = { metadata: { labels: { app: 'x' } }, spec: podSpec(image) };
  const deployment: ReviewInput = {
    group: 'apps',
    resource: 'deployments',
    kind: 'Deployment',
    object: { metadata: { name: 'd', namespace: 'shop' }, spec: { template } },
  };
  assert.equal((await decide([policy(expression)], deployment)).allowed, true);
  const none = await decide([policy(expression, 'autogen: {podControllers: {controllers: [jobs]}}')], deployment);
  assert.match(none.message, /POLICY_NO_MATCH/);
});

test('an action other than Deny warns; a policy of a namespace tightens', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const image = (await world.push('shop/app')).toString();
  const warned = await decide([policy(SIGNED, 'validationActions: [Audit]')], { object: pod(image) });
  assert.deepEqual([warned.allowed, warned.warnings.length > 0], [true, true]);
  const own = policy(SIGNED, '', { kind: 'NamespacedImageValidatingPolicy', name: 'own' });
  const free = policy('true', 'validationConfigurations: {required: false}', { name: 'free' });
  const tightened = await decide([free, own], { object: pod(image) });
  assert.match(tightened.message, /refused by own/);
});

test('a catch-all that requires verification rests on what other policies verified', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const image = (await world.pushSigned('shop/app')).toString();
  const all = policy('true', '', { name: 'all' });
  assert.match((await decide([all], { object: pod(image) })).message, /no policy performed a signature/);
  assert.equal((await decide([all, policy(SIGNED)], { object: pod(image) })).allowed, true);
});

test('a trusted root of its own is the attestor’s alone', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const image = (await world.pushSigned('shop/app')).toString();
  const rooted = (instance: FakeInstance): string =>
    ALICE.replace(
      'cosign: {',
      `cosign: {trustedRoot: {value: ${JSON.stringify(encodeTrustedRoot(instance.trustedRoot))}}, `,
    );
  const own = await decide([policy(SIGNED, '', { attestors: rooted(world.instance) })], { object: pod(image) });
  assert.equal(own.allowed, true, own.message);
  const other = await decide([policy(SIGNED, '', { attestors: rooted(new FakeInstance()) })], { object: pod(image) });
  assert.equal(other.allowed, false);
});

test('a registry that cannot be asked, and an engine that is not there, are no findings', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const image = (await world.pushSigned('shop/app')).toString();
  world.fault.answer = () => new Response('down', { status: 503 });
  const down = await decide([policy(SIGNED, 'failurePolicy: Ignore')], { object: pod(image) });
  assert.match(down.message, /^COULD_NOT_CHECK {2}/);
  world.fault.answer = undefined;
  const set = new PolicySet(parsePolicyObjects(policy(SIGNED), 'file').policies);
  const webhook = createWebhook({
    policies: { current: () => set, ready: () => Promise.resolve(), close: () => Promise.resolve() },
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    now: () => new Date(),
  });
  t.after(() => webhook.close());
  const missing = await ask(webhook.routes, 'validate', { object: pod(image) });
  assert.match(missing.message, /^COULD_NOT_CHECK {2}[^]*POLICY_ENGINE_MISSING/);
});

test('a tag is pinned, refused or left, as mutateDigest and verifyDigest say', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, decide } = lab;
  const tag = `${(await world.pushSigned('shop/app')).context}:1`;
  const refused = await decide([policy(SIGNED, 'validationConfigurations: {mutateDigest: false}')], {
    object: pod(tag),
  });
  assert.match(refused.message, /missing digest for/);
  const more = 'validationConfigurations: {mutateDigest: false, verifyDigest: false, required: true}';
  const left = await decide([policy(SIGNED, more)], { object: pod(tag) }, 'mutate');
  assert.deepEqual([left.allowed, left.patch], [true, []]);
});

test('what changes no decision is accepted', () => {
  const more = `auditAnnotations: [{key: a, valueExpression: "'b'"}]
  credentials: {allowInsecureRegistry: true, providers: [github], secrets: [pull]}
  webhookConfiguration: {timeoutSeconds: 10}
  evaluation: {mode: Kubernetes, admission: {enabled: true}, background: {enabled: false}}
  images: [{name: more, expression: "[\\"a\\"]"}]
`;
  const text = policy(SIGNED, more).replace(', message: refused by p', ', message: refused by p, reason: Forbidden');
  const [read] = parsePolicyObjects(text, 'file').policies;
  assert.equal(read?.warnings.length, 3);
  assert.match(read.warnings.join('\n'), /allowInsecureRegistry: .*--allow-http-registry/);
});

const INSTANCE = new FakeInstance();
const pem = (...some: readonly { toPem(): string }[]): string =>
  JSON.stringify(some.map((one) => one.toPem()).join(''));
const KEY = INSTANCE.ctKey.publicKey;
const ROOT = pem(INSTANCE.root.certificate);
/** Members of `cosign`. */
const ATTESTORS: Readonly<Record<string, string>> = {
  'a key': `key: {data: ${pem(KEY)}, hashAlgorithm: sha512}`,
  'a key service': 'key: {kms: "gcpkms://projects/p"}',
  identities: `keyless: {identities: [{issuerRegExp: a, subjectRegExp: b}], roots: ${ROOT}, additionalExtensions: {githubWorkflowRef: c}}`,
  'a certificate': `certificate: {cert: {value: ${pem(INSTANCE.issueLeaf(KEY))}}, certChain: {value: ${pem(INSTANCE.intermediate.certificate, INSTANCE.root.certificate)}}}`,
  'a place of its own': `key: {data: ${pem(KEY)}}, source: {repository: ghcr.io/signatures, tagPrefix: a-}, annotations: {a: b}`,
  logs: `key: {data: ${pem(KEY)}}, ctlog: {url: "https://r", rekorPubKey: ${pem(KEY)}, ctLogPubKey: ${pem(KEY)}, tsaCertChain: ${pem(...INSTANCE.tsa.authority.chain)}, insecureIgnoreTlog: true, insecureIgnoreSCT: true}`,
};

for (const [what, members] of Object.entries(ATTESTORS)) {
  test(`the whole of an attestor: ${what}`, () => {
    const text = policy(SIGNED, '', { attestors: `{name: alice, cosign: {${members}}}` });
    const [read] = parsePolicyObjects(text, 'file').policies;
    assert.ok((read?.demands.length ?? 0) >= 2);
  });
}

const OBJECT: ReviewedObject = {
  group: '',
  version: 'v1',
  resource: 'pods',
  namespace: 'shop',
  labels: new Map([['app', 'x']]),
  namespaceLabels: new Map([['env', 'prod']]),
  request: { operation: 'CREATE', kind: 'Pod', subResource: '', name: 'p', user: 'u', groups: [] },
};
const RULE = 'apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]';
/** matchConstraints, whether the policy is about the object. */
const CONSTRAINTS: readonly (readonly [string, boolean])[] = [
  [`{resourceRules: [{${RULE}}], matchPolicy: Equivalent}`, true],
  ['{resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]}', true],
  [`{resourceRules: [{${RULE.replace('v1', 'v2')}}]}`, false],
  [`{resourceRules: [{${RULE.replace('[""]', '[apps]')}}]}`, false],
  [`{resourceRules: [{${RULE.replace('CREATE', 'UPDATE')}}]}`, false],
  [`{resourceRules: [{${RULE}, scope: Cluster}]}`, false],
  [`{resourceRules: [{${RULE}, resourceNames: [p]}]}`, true],
  [`{resourceRules: [{${RULE}, resourceNames: [q]}]}`, false],
  [`{resourceRules: [{${RULE}}], excludeResourceRules: [{${RULE}}]}`, false],
  [`{resourceRules: [{${RULE}}], objectSelector: {matchLabels: {app: x}}}`, true],
  [`{resourceRules: [{${RULE}}], objectSelector: {matchLabels: {app: y}}}`, false],
  [`{resourceRules: [{${RULE}}], namespaceSelector: {matchLabels: {env: prod}}}`, true],
  [
    `{resourceRules: [{${RULE}}], namespaceSelector: {matchExpressions: [{key: env, operator: NotIn, values: [prod]}]}}`,
    false,
  ],
];

for (const [constraints, isAbout] of CONSTRAINTS) {
  test(`constraints: ${constraints}: ${String(isAbout)}`, () => {
    const [read] = parsePolicyObjects(policy(SIGNED).replace(PODS, constraints), 'file').policies;
    assert.equal(read?.about(OBJECT) !== undefined, isAbout);
  });
}

/** What a policy has beside a valid rest, and what its refusal names. */
const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  Notary: [policy(SIGNED, '', { attestors: '{name: alice, notary: {}}' }), /attestors\[0\]\.notary is not supported/],
  tuf: [
    policy(SIGNED, '', { attestors: ALICE.replace('cosign: {', 'cosign: {tuf: {}, ') }),
    /cosign\.tuf is not supported/,
  ],
  'a computed key': [
    policy(SIGNED, '', { attestors: '{name: alice, cosign: {key: {expression: "object.a"}}}' }),
    /key\.expression is not supported/,
  ],
  'a computed root': [
    policy(SIGNED, '', { attestors: ALICE.replace('cosign: {', 'cosign: {trustedRoot: {expression: a}, ') }),
    /trustedRoot\.expression is not supported/,
  ],
  'a computed subject': [
    policy(SIGNED, '', {
      attestors: '{name: alice, cosign: {keyless: {identities: [{issuer: a, subjectExpression: b}]}}}',
    }),
    /subjectExpression is not supported/,
  ],
  anybody: [
    policy(SIGNED, '', { attestors: '{name: alice, cosign: {keyless: {identities: [{}]}}}' }),
    /an identity that is anybody proves nothing/,
  ],
  'pull secrets of another namespace': [
    policy(SIGNED, '', { attestors: ALICE.replace('cosign: {', 'cosign: {source: {PullSecrets: [{name: a/b}]}, ') }),
    /source\.PullSecrets\[0\]\.name: name of a Secret is required/,
  ],
  'a log without URL': [
    policy(SIGNED, '', { attestors: ALICE.replace('cosign: {', 'cosign: {ctlog: {}, ') }),
    /rekor URL must be provided/,
  ],
  'two attestors of one name': [
    policy(SIGNED, '', { attestors: `${ALICE}, ${ALICE}` }),
    /there are two attestors alice/,
  ],
  'neither cosign nor Notary': [policy(SIGNED, '', { attestors: '{name: a}' }), /cosign or notary is required/],
  'a look into the cluster': [policy('resource.Get("v1", "pods", "a", "b") == null'), /resource: nothing is looked up/],
  'a request': [policy('http.Get("https://x") == null'), /http: expressions do not reach out/],
  'the global context': [policy('globalContext.Get("a", "") == null'), /globalContext: nothing is looked up/],
  'a manifest': [policy('getImageData("a").config == null'), /getImageData: an expression sees no manifest/],
  'the namespace': [policy('namespaceObject.metadata.name == "a"'), /namespaceObject: an admission review holds/],
  JSON: [policy(SIGNED, 'evaluation: {mode: JSON}'), /evaluation\.mode is not supported/],
  'no admission': [
    policy(SIGNED, 'evaluation: {admission: {enabled: false}}'),
    /evaluation\.admission is not supported/,
  ],
  'an unknown action': [policy(SIGNED, 'validationActions: [Block]'), /Block is no action/],
  'an unknown member': [policy(SIGNED, 'signers: []'), /unknown member/],
  'a glob beside an expression': [
    policy(SIGNED, 'matchImageReferences: [{glob: a, expression: b}]'),
    /exactly one of glob and expression/,
  ],
  'attested by a referrer': [
    policy(SIGNED).replace(`intoto: {type: "${SCAN}"}`, 'referrer: {type: a}'),
    /attestations\[0\]\.referrer is not supported/,
  ],
};

for (const [what, [text, names]] of Object.entries(REFUSED)) {
  test(`refused by name: ${what}`, () => {
    assert.throws(
      () => parsePolicyObjects(text, 'file'),
      (error: unknown) => {
        assert.ok(error instanceof FormatError && error.code === 'FORMAT_POLICY');
        assert.match(`${error.message}: ${error.facts.found ?? ''}`, names);
        return true;
      },
    );
  });
}
