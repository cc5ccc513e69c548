/** Who may have signed, as ConfigMaps say it: `context` entries of Kyverno's rules, and variables in the attestors. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { NO_REFERENCES } from '../../../src/core/policy/judgement/policy-material.ts';
import { RemoteError } from '../../../src/errors.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { configMapLookup } from '../../../src/workflows/admission/config-map-lookup.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { peer } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { applyKyvernoRules } from './kyverno-program.ts';
import { pushLayered } from './layered-image.ts';
import { ask, pod, type Answer, type ReviewInput } from './review.ts';
import { World } from './world.ts';

const [KEY, OTHER] = [PrivateKey.generate('ecdsa-p256'), PrivateKey.generate('ecdsa-p256')];
const NO_LOGS = 'rekor: {ignoreTlog: true, url: "https://rekor.example.com"}, ctlog: {ignoreSCT: true}';
const BY_VARIABLE = (text: string): string =>
  `attestors: [{entries: [{keys: {publicKeys: ${JSON.stringify(text)}, ${NO_LOGS}}}]}]`;
const KEYS = 'context: [{name: keys, configMap: {name: keys, namespace: trust}}]';

type Data = Readonly<Record<string, string>>;

interface Lab {
  readonly world: World;
  readonly byKey: ImageReference;
  readonly byOther: ImageReference;
  /** `namespace/name` to its data; what throws instead of a value. */
  readonly maps: Map<string, Data | RemoteError>;
  readonly asked: string[];
  readonly pass: (seconds: number) => void;
  readonly decide: (rule: RuleInput, image: ImageReference, more?: Partial<ReviewInput>) => Promise<Answer>;
}

interface RuleInput {
  readonly members: string;
  /** Of the rule: its context. */
  readonly context?: string;
  readonly namespace?: string;
}

function policy(host: string, { members, context = KEYS, namespace }: RuleInput): string {
  return `apiVersion: kyverno.io/v1
kind: ${namespace === undefined ? 'ClusterPolicy' : 'Policy'}
metadata: {name: p${namespace === undefined ? '' : `, namespace: ${namespace}`}}
spec:
  webhookConfiguration: {timeoutSeconds: 30}
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    ${context}
    verifyImages: [{imageReferences: ["${host}/*"], failureAction: Enforce, ${members}}]
`;
}

async function openLab(t: TestContext): Promise<Lab | undefined> {
  const engines = await policyEngines(t);
  if (engines === undefined) return undefined;
  const world = await World.open(t);
  const maps: Lab['maps'] = new Map();
  const asked: string[] = [];
  let nowMs = Date.now();
  const now = (): Date => new Date(nowMs);
  const configMaps = configMapLookup((namespace, name) => {
    asked.push(`${namespace}/${name}`);
    const found = maps.get(`${namespace}/${name}`);
    if (found instanceof RemoteError) return Promise.reject(found);
    return Promise.resolve(found === undefined ? undefined : { data: found, metadata: { namespace, name } });
  }, now);
  return {
    ...{ world, maps, asked },
    byKey: await pushLayered(world, 'by-key', [['sig', { key: KEY, managed: true }]]),
    byOther: await pushLayered(world, 'by-other', [['sig', { key: OTHER, managed: true }]]),
    pass: (seconds) => (nowMs += seconds * 1000),
    decide: async (rule, image, more = {}) => {
      const { policies } = parsePolicyObjects(policy(world.host, rule), 'file');
      const set = new PolicySet(policies, { ...NO_REFERENCES, configMaps });
      const webhook = createWebhook({
        policies: { current: () => set, ready: () => Promise.resolve(), close: () => Promise.resolve() },
        registry: world.client,
        trustedRoot: world.instance.trustedRoot,
        engines: () => Promise.resolve(engines),
        noMatch: 'allow',
        now,
      });
      try {
        return await ask(webhook.routes, 'validate', { object: podOf(image), ...more });
      } finally {
        await webhook.close();
      }
    },
  };
}

function podOf(image: ImageReference, labels: JsonObject = {}): JsonObject {
  const { spec } = pod(`${image.context}@${image.digest!.toString()}`);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop', labels }, spec };
}

const pemOf = (...keys: readonly PrivateKey[]): string => keys.map((key) => key.publicKey.toPem()).join('');

test('a key in a ConfigMap admits what it has signed and nothing else; another one takes its place in seconds', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { maps, decide, byKey, byOther, pass, asked } = lab;
  for (const [text, entry] of [
    ['{{ keys.data.cosign }}', 'cosign'],
    ['{{ keys.data."cosign.pub" }}', 'cosign.pub'],
    ['{{keys.data.cosign}}\n', 'cosign'],
  ] as const) {
    maps.set('trust/keys', { [entry]: pemOf(KEY) });
    pass(10);
    const rule = { members: BY_VARIABLE(text) };
    assert.equal((await decide(rule, byKey)).message, '', text);
    assert.match((await decide(rule, byOther)).message, /^SIGNATURE_INVALID {2}/);
  }
  const rule = { members: BY_VARIABLE('{{ keys.data.cosign }}') };
  maps.set('trust/keys', { cosign: pemOf(OTHER) });
  const before = asked.length;
  assert.equal((await decide(rule, byKey)).allowed, true, 'what was read within ten seconds holds');
  assert.equal(asked.length, before);
  pass(10);
  assert.match((await decide(rule, byKey)).message, /^SIGNATURE_INVALID {2}/);
  assert.equal((await decide(rule, byOther)).allowed, true);
});

test('a namespace, a name and an identity from variables, and for what makes pods as well', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, maps, decide, byKey, byOther } = lab;
  const context =
    'context: [{name: team, variable: {jmesPath: request.object.metadata.labels.team}}, {name: keys, configMap: {name: "keys-{{ team }}", namespace: "{{ request.namespace }}"}}]';
  maps.set('shop/keys-pay', { cosign: pemOf(KEY, OTHER) });
  maps.set('shop/keys-web', { cosign: pemOf(KEY) });
  const rule = {
    context,
    members: `attestors: [{count: 1, entries: [{keys: {publicKeys: "{{ keys.data.cosign }}", ${NO_LOGS}}}]}]`,
  };
  const asTeam = (image: ImageReference, team: string): Promise<Answer> =>
    decide(rule, image, { object: podOf(image, { team }) });
  assert.deepEqual(
    [
      (await asTeam(byOther, 'pay')).allowed,
      (await asTeam(byOther, 'web')).allowed,
      (await asTeam(byKey, 'web')).allowed,
    ],
    [true, false, true],
  );
  const template = podOf(byOther, { team: 'web' });
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'shop' },
    spec: { template },
  };
  const kind = { group: 'apps', resource: 'deployments', kind: 'Deployment' };
  assert.match((await decide(rule, byOther, { object: deployment, ...kind })).message, /^SIGNATURE_INVALID {2}/);
  maps.set('trust/keys', { subject: SUBJECT });
  const keyless = {
    members: `attestors: [{entries: [{keyless: {subject: "{{ keys.data.subject }}", issuer: "${ISSUER}", rekor: {url: "https://r"}}}]}]`,
  };
  const signed = await world.pushSigned('shop/app');
  assert.equal((await decide(keyless, signed)).allowed, true);
  assert.match((await decide(keyless, byKey)).message, /^KEY_MISMATCH {2}/);
});

test('preconditions name ConfigMaps, and one that does not hold looks nothing up for the attestors', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { maps, decide, byOther, asked } = lab;
  const context = `context: [{name: mode, configMap: {name: mode, namespace: trust}}, {name: keys, configMap: {name: keys, namespace: trust}}]
    preconditions: {all: [{key: "{{ mode.data.state }}", operator: Equals, value: "on"}]}`;
  const rule = { context, members: BY_VARIABLE('{{ keys.data.cosign }}') };
  maps.set('trust/mode', { state: 'off' });
  assert.equal((await decide(rule, byOther)).allowed, true);
  assert.deepEqual(asked, ['trust/mode']);
  lab.pass(10);
  maps.set('trust/mode', { state: 'on' });
  maps.set('trust/keys', { cosign: pemOf(KEY) });
  assert.match((await decide(rule, byOther)).message, /^SIGNATURE_INVALID {2}/);
});

test('a ConfigMap that is not there, or may not be read: nothing could be checked, and the answer says which', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { maps, decide, byKey, pass } = lab;
  const rule = { members: BY_VARIABLE('{{ keys.data.cosign }}') };
  const missing = await decide(rule, byKey);
  assert.deepEqual([missing.allowed, missing.code], [false, 503]);
  assert.match(
    missing.message,
    /^COULD_NOT_CHECK {2}.*there is no ConfigMap trust\/keys[^]*fix: +kubectl create configmap keys --namespace trust/,
  );
  maps.set('trust/keys', new RemoteError('REMOTE_STATUS', 'the ConfigMap trust/keys may not be read', { status: 403 }));
  assert.match((await decide(rule, byKey)).message, /^COULD_NOT_CHECK {2}.*trust\/keys may not be read/);
  // An API server that is away takes nothing back; one that takes a right back does, and so does whoever deletes the ConfigMap.
  maps.set('trust/keys', { cosign: pemOf(KEY) });
  assert.equal((await decide(rule, byKey)).allowed, true);
  pass(10);
  maps.set('trust/keys', new RemoteError('REMOTE_UNREACHABLE', 'nobody answers'));
  assert.equal((await decide(rule, byKey)).allowed, true);
  pass(10);
  maps.set('trust/keys', new RemoteError('REMOTE_STATUS', 'not any more', { status: 403 }));
  assert.match((await decide(rule, byKey)).message, /^COULD_NOT_CHECK {2}/);
  maps.set('trust/keys', { cosign: pemOf(KEY) });
  assert.equal((await decide(rule, byKey)).allowed, true);
  pass(10);
  maps.delete('trust/keys');
  assert.match((await decide(rule, byKey)).message, /^COULD_NOT_CHECK {2}.*there is no ConfigMap trust\/keys/);
});

const BAD: readonly (readonly [name: string, data: Data, text: string, code: string, found: RegExp])[] = [
  ['no key', { cosign: 'nonsense' }, '{{ keys.data.cosign }}', 'POLICY_EVALUATION', /publicKeys/],
  ['half a key', { cosign: pemOf(KEY).slice(0, 90) }, '{{ keys.data.cosign }}', 'POLICY_EVALUATION', /publicKeys/],
  [
    'nothing at all',
    { cosign: '' },
    '{{ keys.data.cosign }}',
    'POLICY_EVALUATION',
    /A public key, kms key or secret is required/,
  ],
  ['an entry that is not there', { other: pemOf(KEY) }, '{{ keys.data.cosign }}', 'POLICY_EVALUATION', /p\/signed/],
  [
    'variables of its own',
    { cosign: '{{ request.object.metadata.labels.key }}' },
    '{{ keys.data.cosign }}',
    'POLICY_EVALUATION',
    /holds variables itself/,
  ],
  [
    'a reference to a Secret',
    { cosign: 'k8s://bank/keys' },
    '{{ keys.data.cosign }}',
    'POLICY_EVALUATION',
    /publicKeys is not supported: a variable stands for the key itself/,
  ],
  ['no JMESPath', { cosign: pemOf(KEY) }, '{{ keys.data.[ }}', 'POLICY_EVALUATION', /keys\.data/],
];

for (const [name, data, text, code, found] of BAD) {
  test(`a ConfigMap that says ${name} refuses, and says why`, async (t) => {
    const lab = await openLab(t);
    if (lab === undefined) return;
    lab.maps.set('trust/keys', data);
    const refused = await lab.decide({ members: BY_VARIABLE(text) }, lab.byKey);
    assert.equal(refused.allowed, false);
    assert.match(refused.message, new RegExp(`^${code} {2}`));
    assert.match(refused.message, found);
  });
}

test('an object cannot name a way out of the ConfigMaps, and a policy of a namespace reads its own alone', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { maps, decide, byKey, asked } = lab;
  const context =
    'context: [{name: keys, configMap: {name: "{{ request.object.metadata.labels.keys }}", namespace: trust}}]';
  const rule = { context, members: BY_VARIABLE('{{ keys.data.cosign }}') };
  for (const keys of ['../../secrets/other', '..', 'A', '']) {
    const refused = await decide(rule, byKey, { object: podOf(byKey, { keys }) });
    assert.match(refused.message, /^POLICY_EVALUATION {2}.*can be no ConfigMap/, keys);
  }
  assert.deepEqual(asked, []);
  maps.set('shop/keys', { cosign: pemOf(KEY) });
  maps.set('trust/keys', { cosign: pemOf(KEY) });
  const inNamespace = (namespace: string): RuleInput => ({
    namespace: 'shop',
    context: `context: [{name: keys, configMap: {name: keys, namespace: "${namespace}"}}]`,
    members: BY_VARIABLE('{{ keys.data.cosign }}'),
  });
  assert.equal((await decide(inNamespace('shop'), byKey)).allowed, true);
  const other = await decide(inNamespace("{{ 'trust' }}"), byKey);
  assert.match(other.message, /^POLICY_EVALUATION {2}/);
  assert.match(other.message, /reads those of its own alone/);
  assert.throws(
    () => parsePolicyObjects(policy('h', inNamespace('trust')), 'file'),
    (error: RemoteError) => {
      assert.match(
        error.facts.found ?? '',
        /configMap\.namespace is not supported: a policy of the namespace shop reads its own/,
      );
      return true;
    },
  );
});

const REFUSED: readonly (readonly [what: string, rule: RuleInput, found: RegExp])[] = [
  [
    'apiCall',
    { context: 'context: [{name: a, apiCall: {urlPath: /api}}]', members: BY_VARIABLE(pemOf(KEY)) },
    /apiCall is not supported: .*written into a ConfigMap/,
  ],
  [
    'globalReference',
    { context: 'context: [{name: a, globalReference: {name: g}}]', members: BY_VARIABLE(pemOf(KEY)) },
    /globalReference is not supported: .*written into a ConfigMap/,
  ],
  [
    'imageRegistry',
    { context: 'context: [{name: a, imageRegistry: {reference: r}}]', members: BY_VARIABLE(pemOf(KEY)) },
    /imageRegistry is not supported: .*have what matters attested/,
  ],
  [
    'a ConfigMap without a name',
    { context: 'context: [{name: keys, configMap: {namespace: trust}}]', members: BY_VARIABLE(pemOf(KEY)) },
    /a name is required for configMap context entry/,
  ],
  [
    'a ConfigMap without a namespace',
    { context: 'context: [{name: keys, configMap: {name: keys}}]', members: BY_VARIABLE(pemOf(KEY)) },
    /a namespace is required for configMap context entry/,
  ],
  [
    'a variable where none is put in',
    { members: `attestors: [{entries: [{certificates: {cert: "{{ keys.data.cert }}"}}]}]` },
    /certificates\.cert is not supported: variables are not filled in here/,
  ],
  [
    'a variable in place of a Secret',
    { members: 'attestors: [{entries: [{keys: {secret: {name: "{{ keys.data.name }}", namespace: a}}}]}]' },
    /secret\.name is not supported/,
  ],
];

for (const [what, rule, found] of REFUSED) {
  test(`refused by name when the policy is loaded: ${what}`, () => {
    assert.throws(
      () => parsePolicyObjects(policy('h', rule), 'file'),
      (error: RemoteError) => {
        assert.equal(error.code, 'FORMAT_POLICY');
        assert.match(error.facts.found ?? '', found);
        return true;
      },
    );
  });
}

test('keys from ConfigMaps are judged as Kyverno judges them, given the same values', async (t) => {
  const kyverno = peer(t, 'kyverno');
  const lab = await openLab(t);
  if (kyverno === undefined || lab === undefined) return;
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-kyverno-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const { world, maps, decide, byKey, byOther, pass } = lab;
  const unsigned = await pushLayered(world, 'unsigned', []);
  const images = { byKey, byOther, unsigned };
  const members = BY_VARIABLE('{{ keys.data.cosign }}');
  const counts = { admitted: 0, refused: 0 };
  writeFileSync(join(dir, 'policy.yaml'), policy(world.host, { members }));
  for (const [shown, cosign] of Object.entries({ key: pemOf(KEY), other: pemOf(OTHER), nonsense: 'nonsense' })) {
    const values = {
      apiVersion: 'cli.kyverno.io/v1alpha1',
      kind: 'Values',
      policies: [{ name: 'p', rules: [{ name: 'signed', values: { 'keys.data.cosign': cosign } }] }],
    };
    writeFileSync(join(dir, 'values.yaml'), JSON.stringify(values));
    const pods = Object.entries(images).map(([name, image]) => ({
      ...podOf(image),
      metadata: { name: name.toLowerCase(), namespace: 'shop' },
    }));
    const more = ['--values-file', join(dir, 'values.yaml')];
    const theirs = await applyKyvernoRules(kyverno, join(dir, 'policy.yaml'), pods, dir, more);
    maps.set('trust/keys', { cosign });
    pass(10);
    for (const [name, image] of Object.entries(images)) {
      const verdict = theirs.get(`${name.toLowerCase()} signed`);
      assert.ok(verdict !== undefined, `Kyverno said nothing about ${name}`);
      const ours = await decide({ members }, image);
      assert.equal(
        ours.allowed,
        verdict.isAdmitted,
        `${shown}, ${name}: Kyverno: ${verdict.text}\nhere: ${ours.message}`,
      );
      counts[verdict.isAdmitted ? 'admitted' : 'refused']++;
    }
  }
  assert.deepEqual(counts, { admitted: 2, refused: 7 });
});
