/** Which namespaces an installation's webhook is asked about, and which it only seems to be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import { imageWebhooks, namespaceGuardOf, type ImageWebhook } from '../../../src/core/installation/image-webhook.ts';
import { namespaceSelector, type NamespaceScope } from '../../../src/core/installation/installation-options.ts';
import { serviceClients, webhookConfigurations } from '../../../src/core/installation/webhook-configurations.ts';

const EXEMPT = ['cosign-system', 'registry'];

function read(object: JsonObject): readonly ImageWebhook[] {
  return imageWebhooks(new JsonFields(object, 'configuration', 'FORMAT_JSON'));
}

function configurations(scope: NamespaceScope, failurePolicy = 'Fail'): readonly JsonObject[] {
  return webhookConfigurations({
    namespaceSelector: namespaceSelector(scope, EXEMPT),
    failurePolicy,
    timeoutSeconds: 10,
    podTemplates: [],
    clients: serviceClients('cosign-system'),
  });
}

function installed(
  scope: NamespaceScope,
  change: (webhook: JsonObject) => JsonObject = (same) => same,
): readonly ImageWebhook[] {
  const [, validating] = configurations(scope);
  return read({ ...validating, webhooks: (validating?.['webhooks'] as readonly JsonObject[]).map(change) });
}

function other(name: string, more: JsonObject = {}): readonly ImageWebhook[] {
  const webhook = { name: 'w', failurePolicy: 'Fail', rules: [{ resources: ['pods'] }], ...more };
  return read({ metadata: { name }, webhooks: [webhook] });
}

const namespace = (
  name: string,
  labels: Readonly<Record<string, string>> = {},
): { name: string; labels: Map<string, string> } => ({
  name,
  labels: new Map(Object.entries(labels)),
});
const IN = { 'policy.sigstore.dev/include': 'true' };
const OUT = { 'policy.sigstore.dev/exclude': '' };
const orders = (scope: NamespaceScope): { scope: NamespaceScope; exempt: readonly string[] } => ({
  scope,
  exempt: EXEMPT,
});

test('the webhook that validates counts, once; those that pin, and those about policies, refuse no image', () => {
  const [mutating, validating] = configurations('all');
  assert.deepEqual(
    read(validating ?? {}).map(({ name, isOurs, failurePolicy, gaps }) => [name, isOurs, failurePolicy, gaps]),
    [['validate.images.sealwright', true, 'Fail', []]],
  );
  assert.equal(read({ ...mutating, metadata: { name: 'mutators' } }).length, 0);
});

const ASKED: readonly (readonly [NamespaceScope, ReturnType<typeof namespace>])[] = [
  ['all', namespace('shop')],
  ['all', namespace('shop', OUT)],
  ['opt-in', namespace('shop', IN)],
  ['opt-out', namespace('shop')],
];

for (const [scope, of] of ASKED) {
  test(`asked: ${scope}, ${[...of.labels.keys()].join() || 'no label'}`, () => {
    assert.deepEqual(namespaceGuardOf(installed(scope), orders(scope), of), { guard: 'asked', failurePolicy: 'Fail' });
  });
}

test('asked, and everything is let in while it does not answer', () => {
  const [, validating] = configurations('all', 'Ignore');
  const guard = namespaceGuardOf(read(validating ?? {}), orders('all'), namespace('shop'));
  assert.deepEqual(guard, { guard: 'asked', failurePolicy: 'Ignore' });
});

type Case = readonly [
  what: string,
  webhooks: readonly ImageWebhook[],
  told: ReturnType<typeof orders> | undefined,
  of: ReturnType<typeof namespace>,
  guard: string,
  reason: RegExp,
];
const NOT_ASKED: readonly Case[] = [
  ['no webhook', [], undefined, namespace('shop'), 'not-covered', /asks nobody/],
  [
    'another program that looks at no image',
    other('cert-manager-webhook'),
    undefined,
    namespace('shop'),
    'not-covered',
    /asks nobody/,
  ],
  ['no label to opt in', installed('opt-in'), orders('opt-in'), namespace('shop'), 'not-covered', /no label/],
  [
    'another value of it',
    installed('opt-in'),
    orders('opt-in'),
    namespace('shop', { 'policy.sigstore.dev/include': 'false' }),
    'not-covered',
    /no label/,
  ],
  [
    'a label to opt out',
    installed('opt-out'),
    orders('opt-out'),
    namespace('shop', OUT),
    'opted-out',
    /policy\.sigstore\.dev\/exclude/,
  ],
  ['left out by name', installed('all'), orders('all'), namespace('registry', IN), 'opted-out', /by name/],
  ['never guarded', installed('opt-in'), orders('opt-in'), namespace('kube-system', IN), 'opted-out', /by name/],
  [
    'asked, and told to guard those that opt in alone',
    installed('all'),
    orders('opt-in'),
    namespace('shop'),
    'not-covered',
    /no label/,
  ],
  [
    'asked, and told to leave those alone that opt out',
    installed('all'),
    orders('opt-out'),
    namespace('shop', OUT),
    'opted-out',
    /exclude/,
  ],
  [
    'asked, and told to leave it alone',
    installed('all'),
    { scope: 'all', exempt: ['shop'] },
    namespace('shop'),
    'opted-out',
    /by name/,
  ],
  [
    'asked, and nobody knows what it was told',
    installed('all'),
    undefined,
    namespace('shop'),
    'unknown',
    /told to guard/,
  ],
  [
    'asked about some of it',
    installed('all', (webhook) => ({ ...webhook, objectSelector: { matchLabels: { signed: 'yes' } } })),
    orders('all'),
    namespace('shop'),
    'unknown',
    /objectSelector/,
  ],
  [
    'asked about updates alone',
    installed('all', (webhook) => ({ ...webhook, rules: [] })),
    orders('all'),
    namespace('shop'),
    'unknown',
    /is not asked about CREATE of pods/,
  ],
  [
    'a selector that nobody can read',
    installed('all', (webhook) => ({
      ...webhook,
      namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Near', values: [] }] },
    })),
    orders('all'),
    namespace('shop'),
    'unknown',
    /cannot be read/,
  ],
  [
    'policy-controller in its place',
    other('policy.sigstore.dev'),
    undefined,
    namespace('shop'),
    'unknown',
    /policy\.sigstore\.dev w is asked/,
  ],
  [
    'Kyverno beside it',
    [...installed('opt-in'), ...other('kyverno-resource-validating-webhook-cfg')],
    orders('opt-in'),
    namespace('shop'),
    'unknown',
    /kyverno/,
  ],
  [
    'Kyverno, that is asked about others',
    other('kyverno-resource-validating-webhook-cfg', { namespaceSelector: { matchLabels: { on: 'yes' } } }),
    undefined,
    namespace('shop'),
    'not-covered',
    /asks nobody/,
  ],
  [
    'Kyverno, that is asked about policies',
    other('kyverno-policy-validating-webhook-cfg', { rules: [{ resources: ['clusterpolicies'] }] }),
    undefined,
    namespace('shop'),
    'not-covered',
    /asks nobody/,
  ],
];

for (const [what, webhooks, told, of, guard, reason] of NOT_ASKED) {
  test(`${guard}: ${what}`, () => {
    const found = namespaceGuardOf(webhooks, told, of);
    assert.equal(found.guard, guard);
    assert.match(found.reason ?? '', reason);
    assert.equal(found.failurePolicy, undefined);
  });
}
