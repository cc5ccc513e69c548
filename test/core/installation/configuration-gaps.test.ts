/** A configuration that was changed by hand: what it no longer asks about, and what it should not ask about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import { configurationGaps } from '../../../src/core/installation/configuration-gaps.ts';
import { namespaceSelector, NAMESPACE_SCOPES } from '../../../src/core/installation/installation-options.ts';
import {
  PIN_CONDITION,
  serviceClients,
  webhookConfigurations,
} from '../../../src/core/installation/webhook-configurations.ts';

type Rule = JsonObject & { readonly resources: readonly string[]; readonly operations: readonly string[] };
type Webhook = JsonObject & { readonly rules: readonly Rule[] };

type Kind = 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
const MUTATING: Kind = 'MutatingWebhookConfiguration';
const VALIDATING: Kind = 'ValidatingWebhookConfiguration';

function installed(scope: (typeof NAMESPACE_SCOPES)[number] = 'opt-in', kind: Kind = MUTATING): Webhook {
  const configurations = webhookConfigurations({
    clients: serviceClients('cosign-system'),
    namespaceSelector: namespaceSelector(scope, ['cosign-system']),
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    podTemplates: [{ group: 'argoproj.io', resource: 'rollouts', path: ['spec', 'template'] }],
  });
  const configuration = configurations.find((one) => one['kind'] === kind);
  return (configuration?.['webhooks'] as readonly Webhook[])[0]!;
}

const gaps = (webhook: JsonObject, kind: Kind = MUTATING): readonly string[] =>
  configurationGaps(new JsonFields(webhook, 'webhook', 'FORMAT_JSON'), kind);

for (const scope of NAMESPACE_SCOPES) {
  test(`what is installed for ${scope} has none`, () => {
    for (const kind of [MUTATING, VALIDATING]) assert.deepEqual(gaps(installed(scope, kind), kind), []);
  });
}

test('what only pins may be left out where there is nothing to pin, what refuses may not', () => {
  const conditions = { matchConditions: [PIN_CONDITION] };
  assert.deepEqual(gaps({ ...installed(), ...conditions }), []);
  assert.deepEqual(gaps({ ...installed('opt-in', VALIDATING), ...conditions }, VALIDATING), [
    'has a condition that no installation has: names-tags',
  ]);
});

test('rules that are wider have none', () => {
  const everything = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] };
  assert.deepEqual(gaps({ ...installed(), rules: [everything] }), []);
  const noSub = { ...everything, resources: ['*'] };
  assert.deepEqual(gaps({ ...installed(), rules: [noSub] }), ['is not asked about UPDATE of pods/ephemeralcontainers']);
  assert.deepEqual(gaps({ ...installed(), rules: [{ ...everything, resources: ['*', 'pods/*'] }] }), []);
});

test('an empty objectSelector, as the API server fills it in, is none', () => {
  assert.deepEqual(gaps({ ...installed(), objectSelector: {} }), []);
  assert.deepEqual(gaps({ ...installed(), objectSelector: { matchLabels: {}, matchExpressions: [] } }), []);
});

const { rules } = installed();
const without = (resource: string): readonly Rule[] =>
  rules.map((rule) => ({ ...rule, resources: rule.resources.filter((one) => one !== resource) }));

for (const [what, changed, expected] of [
  [
    'no rules',
    { rules: [] },
    /^is not asked about CREATE of pods, UPDATE of pods, UPDATE of pods\/ephemeralcontainers, .*cronjobs$/,
  ],
  ['no pods', { rules: without('pods') }, /^is not asked about CREATE of pods, UPDATE of pods$/],
  [
    'no ephemeral containers',
    { rules: without('pods/ephemeralcontainers') },
    /^is not asked about UPDATE of pods\/ephemeralcontainers$/,
  ],
  [
    'no updates',
    { rules: rules.map((rule) => ({ ...rule, operations: ['CREATE'] })) },
    /^is not asked about UPDATE of pods, /,
  ],
  [
    'another group',
    { rules: rules.map((rule) => ({ ...rule, apiGroups: ['extensions'] })) },
    /CREATE of pods, .*CREATE of deployments/,
  ],
  ['a label to leave by', { objectSelector: { matchLabels: { check: 'yes' } } }, /^has an objectSelector, by which/],
  [
    'an expression to leave by',
    { objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] } },
    /^has an objectSelector, by which/,
  ],
  [
    'a condition more',
    { matchConditions: [{ name: 'mine', expression: 'false' }] },
    /^has a condition that no installation has: mine$/,
  ],
  [
    'a condition of our name that says something else',
    { matchConditions: [{ name: 'brings-in-images', expression: 'false' }] },
    /^has a condition that no installation has: brings-in-images$/,
  ],
  ['no selector', { namespaceSelector: {} }, /^is asked about kube-system as well/],
  [
    'a selector that forgot kube-system',
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['a'] }],
      },
    },
    /^is asked about kube-system as well/,
  ],
] as const) {
  test(`${what}: told`, () => {
    const found = gaps({ ...installed(), ...changed });
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('members of wrong types are refused', () => {
  assert.throws(() => gaps({ ...installed(), rules: 'all' }), { code: 'FORMAT_JSON' });
  assert.throws(() => gaps({ ...installed(), objectSelector: [] }), { code: 'FORMAT_JSON' });
});
