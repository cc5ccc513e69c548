/** Kyverno's policies on their way into a cluster: refused while their author is there, and left alone where they are Kyverno's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webhookConfigurations } from '../../../src/core/installation/webhook-configurations.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeAdmissionReview, parseAdmissionReview } from '../../../src/core/wire/admission-review.ts';
import { RemoteError } from '../../../src/errors.ts';
import { reviewPolicy, type PolicyReviewOptions } from '../../../src/servers/webhook/policy-review.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { readAnswer, review, type Answer, type ReviewInput } from './review.ts';

const PEM = PrivateKey.generate('ecdsa-p256').publicKey.toPem();
const RESOURCES: Readonly<Record<string, string>> = {
  ClusterPolicy: 'clusterpolicies',
  Policy: 'policies',
  ImageValidatingPolicy: 'imagevalidatingpolicies',
  NamespacedImageValidatingPolicy: 'namespacedimagevalidatingpolicies',
  PolicyException: 'policyexceptions',
};

interface KyvernoObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: object;
  readonly spec: object;
}

async function ask(
  object: KyvernoObject,
  more: Partial<ReviewInput> = {},
  options: PolicyReviewOptions = {},
): Promise<Answer> {
  const [group = '', version = ''] = object.apiVersion.split('/');
  const resource = RESOURCES[object.kind] ?? '';
  const sent = review({ object, group, version, resource, kind: object.kind, ...more });
  const request = parseAdmissionReview(new TextEncoder().encode(JSON.stringify(sent)));
  const answer = await reviewPolicy(request, 'validating', { systemNamespace: 'cosign-system', ...options });
  return readAnswer(encodeAdmissionReview(request.uid, answer), String(sent.request['uid']));
}

const ABOUT_PODS = { match: { any: [{ resources: { kinds: ['Pod'] } }] } };
const SIGNED = {
  imageReferences: ['r.example/*'],
  failureAction: 'Enforce',
  attestors: [{ entries: [{ keys: { publicKeys: PEM } }] }],
};
const LABELS = { name: 'labels', ...ABOUT_PODS, validate: { message: 'label it', pattern: { metadata: {} } } };

function rules(rule: object, kind = 'ClusterPolicy', ...others: readonly object[]): KyvernoObject {
  const namespace = kind === 'Policy' ? { namespace: 'shop' } : {};
  const spec = { rules: [{ name: 'signed', ...ABOUT_PODS, ...rule }, ...others] };
  return { apiVersion: 'kyverno.io/v1', kind, metadata: { name: 'p', ...namespace }, spec };
}

function validating(spec: object, kind = 'ImageValidatingPolicy'): KyvernoObject {
  return {
    apiVersion: 'policies.kyverno.io/v1',
    kind,
    metadata: { name: 'p', ...(kind.startsWith('Namespaced') ? { namespace: 'shop' } : {}) },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      attestors: [{ name: 'key', cosign: { key: { data: PEM }, ctlog: { insecureIgnoreTlog: true } } }],
      validations: [{ expression: 'images.containers.all(i, verifyImageSignatures(i, [attestors.key]) > 0)' }],
      ...spec,
    },
  };
}

function exception(spec: object, namespace = 'cosign-system', apiVersion = 'policies.kyverno.io/v1'): KyvernoObject {
  return { apiVersion, kind: 'PolicyException', metadata: { name: 'e', namespace }, spec };
}

const POD_MATCH = { any: [{ resources: { kinds: ['Pod'] } }] };
const FROM_RULES = { exceptions: [{ policyName: 'p', ruleNames: ['signed'] }], match: POD_MATCH };
const FROM_POLICY = { policyRefs: [{ kind: 'ImageValidatingPolicy', name: 'p' }] };
const NOT_OURS = { policyRefs: [{ kind: 'ValidatingPolicy', name: 'p' }], images: ['a'] };

const ADMITTED: Readonly<Record<string, KyvernoObject>> = {
  'rules about signatures': rules({ verifyImages: [SIGNED] }),
  'rules of a namespace': rules({ verifyImages: [SIGNED] }, 'Policy'),
  'an ImageValidatingPolicy': validating({}),
  'one of a namespace': validating({}, 'NamespacedImageValidatingPolicy'),
  'a rule with variables': rules({
    context: [
      { name: 'team', variable: { jmesPath: 'request.object.metadata.labels.team', default: 'none' } },
      { name: 'wanted', variable: { value: ['{{ team }}'] } },
    ],
    preconditions: { all: [{ key: '{{ images.containers.*.name }}', operator: 'AnyIn', value: '{{ wanted }}' }] },
    verifyImages: [SIGNED],
  }),
  'rules of other kinds': rules({ validate: { pattern: {} }, context: [] }),
  'hundreds of rules of other kinds': rules({ validate: {} }, 'ClusterPolicy', ...Array<object>(500).fill(LABELS)),
  'an exception from rules': exception(FROM_RULES, 'cosign-system', 'kyverno.io/v2'),
  'an exception from a policy': exception(FROM_POLICY),
  'an exception from rules, elsewhere': exception({ ...FROM_RULES, podSecurity: [{}] }, 'shop', 'kyverno.io/v2'),
  'an exception from policies of other kinds': exception(NOT_OURS),
};

for (const [what, object] of Object.entries(ADMITTED)) {
  test(`admitted without a word: ${what}`, async () => {
    const { allowed, message, warnings } = await ask(object);
    assert.deepEqual([allowed, message, warnings], [true, '', []]);
  });
}

/** What is refused, and what the answer has to name. */
const REFUSED: Readonly<Record<string, readonly [KyvernoObject, RegExp]>> = {
  'signatures of another kind': [
    rules({ verifyImages: [{ ...SIGNED, type: 'Notary' }] }),
    /spec\.rules\[0\]\.verifyImages\[0\]\.type is not supported: Notary signatures are not read/,
  ],
  'other rules beside those about signatures': [
    rules({ verifyImages: [SIGNED] }, 'ClusterPolicy', LABELS),
    /spec\.rules\[1\]\.validate is not supported: .*a policy of their own/,
  ],
  'a damaged key': [
    rules({ verifyImages: [{ ...SIGNED, attestors: [{ entries: [{ keys: { publicKeys: 'x' } }] }] }] }, 'Policy'),
    /publicKeys/,
  ],
  'an audit that writes digests': [
    rules({ verifyImages: [{ ...SIGNED, failureAction: 'Audit' }] }),
    /mutateDigest must be set to false/,
  ],
  'a repository of keys': [
    validating({ attestors: [{ name: 'key', cosign: { key: { data: PEM }, tuf: { mirror: 'https://m.example' } } }] }),
    /spec\.attestors\[0\]\.cosign\.tuf is not supported/,
  ],
  'an expression that looks around': [
    validating(
      { validations: [{ expression: 'resource.Get("v1", "pods", "a", "b") != null' }] },
      'NamespacedImageValidatingPolicy',
    ),
    /spec\.validations\[0\]\.expression is not supported: resource/,
  ],
  'an exception of single images': [exception({ ...FROM_POLICY, images: ['a'] }), /spec\.images is not supported/],
  'an exception with conditions': [
    exception({ ...FROM_RULES, conditions: {} }, 'cosign-system', 'kyverno.io/v2'),
    /spec\.conditions is not supported/,
  ],
};

for (const [what, [object, names]] of Object.entries(REFUSED)) {
  test(`refused by name: ${what}`, async () => {
    const { allowed, code, reason, message } = await ask(object);
    assert.deepEqual([allowed, code, reason], [false, 400, 'BadRequest']);
    assert.match(message, /^validation failed: /);
    assert.match(message, names);
  });
}

test('what leaves the spec alone is admitted, however bad it is', async () => {
  const [bad] = REFUSED['signatures of another kind'] ?? [];
  assert.ok(bad !== undefined);
  const labelled = { ...bad, metadata: { name: 'p', labels: { team: 'pay' } } };
  for (const more of [
    { operation: 'UPDATE', oldObject: bad },
    { operation: 'UPDATE', oldObject: rules({}), subResource: 'status' },
    { operation: 'DELETE', object: null, oldObject: bad },
  ] as const) {
    assert.equal((await ask(labelled, more)).allowed, true, JSON.stringify(more.operation));
  }
  const changed = await ask(bad, { operation: 'UPDATE', oldObject: rules({ verifyImages: [SIGNED] }) });
  assert.match(changed.message, /Notary/);
});

test('a policy without a name is judged too', async () => {
  const [bad] = REFUSED['a repository of keys'] ?? [];
  assert.ok(bad !== undefined);
  assert.equal((await ask({ ...validating({}), metadata: { generateName: 'p-' } })).allowed, true);
  assert.match((await ask({ ...bad, metadata: { generateName: 'p-' } })).message, /tuf is not supported/);
});

test('an exception that counts nowhere says so', async () => {
  const { allowed, warnings } = await ask(exception(FROM_POLICY, 'shop'));
  assert.deepEqual([allowed, warnings], [true, ['it lets nothing off: only exceptions in cosign-system do']]);
});

/** What does not compile, and what the answer has to name. */
const UNCOMPILED: Readonly<Record<string, readonly [KyvernoObject, RegExp]>> = {
  'a function that nobody has': [
    validating({ validations: [{ expression: 'true' }, { expression: 'images.containers.all(i, trust(i))' }] }),
    /^validation failed: spec\.validations\[1\]\.expression: the policy does not compile: .*undeclared reference to 'trust'/s,
  ],
  'a message': [
    validating({ validations: [{ expression: 'true', messageExpression: '"a" + 1' }] }),
    /spec\.validations\[0\]\.messageExpression: the policy does not compile/,
  ],
  'a condition and a variable': [
    validating({
      matchConditions: [{ name: 'm', expression: 'object.(' }],
      variables: [{ name: 'v', expression: 'x' }],
    }),
    /spec\.matchConditions\[0\]\.expression: .*\n[^]*spec\.variables\[0\]\.expression: /,
  ],
  'a reference': [
    validating({ matchImageReferences: [{ glob: 'r.example/*' }, { expression: 'ref.registry() == "a"' }] }),
    /spec\.matchImageReferences\[1\]\.expression: the policy does not compile/,
  ],
  'a condition of an exception': [
    exception({ ...FROM_POLICY, matchConditions: [{ name: 'm', expression: 'object.' }] }),
    /spec\.matchConditions\[0\]\.expression: the policy does not compile/,
  ],
  'a precondition': [
    rules({
      preconditions: { all: [{ key: '{{ request.object.[ }}', operator: 'Equals', value: 'a' }] },
      verifyImages: [SIGNED],
    }),
    /^validation failed: ClusterPolicy p\/signed: preconditions: the policy does not compile: .*request\.object\.\[/s,
  ],
  'a variable that no condition names': [
    rules({
      context: [
        { name: 'a', variable: { value: 'x' } },
        { name: 'b', variable: { jmesPath: 'a]' } },
      ],
      verifyImages: [SIGNED],
    }),
    /^validation failed: ClusterPolicy p\/signed: preconditions: the policy does not compile: .*a\]/s,
  ],
  'a condition that throws dice': [
    rules({
      verifyImages: [
        {
          ...SIGNED,
          attestations: [
            {
              type: 'https://x.example',
              conditions: [{ any: [{ key: 'a', operator: 'Equals', value: "{{ random('[a-z]') }}" }] }],
            },
          ],
        },
      ],
    }),
    /attestations\[0\]\.conditions: the policy asks for something that policies do not get: random/,
  ],
};

test('expressions are compiled before a policy is admitted', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const options: PolicyReviewOptions = {
    evaluateImagePolicy: (one) => engines.evaluateImagePolicy(one),
    evaluateConditions: (one) => engines.evaluateConditions(one),
    now: new Date(),
  };
  for (const [what, [object, names]] of Object.entries(UNCOMPILED)) {
    assert.equal((await ask(object)).allowed, true, `${what} needs an engine`);
    const { allowed, message } = await ask(object, {}, options);
    assert.equal(allowed, false, what);
    assert.match(message, names);
  }
  for (const [what, object] of Object.entries(ADMITTED)) {
    assert.deepEqual((await ask(object, {}, options)).message, '', what);
  }
  // What only an object can tell is not held against the policy.
  const evaluated = [
    validating({
      matchConditions: [{ name: 'm', expression: 'object.metadata.labels.app == "a"' }],
      matchImageReferences: [{ expression: 'parseImageReference(ref).registry() == "a"' }],
      validations: [{ expression: 'variables.none == time.now()' }],
    }),
    rules({
      preconditions: {
        any: [{ key: '{{ request.object.metadata.labels.app }}', operator: 'Equals', value: '{{ time_now() }}' }],
      },
      verifyImages: [SIGNED],
    }),
  ];
  for (const object of evaluated) assert.equal((await ask(object, {}, options)).message, '');
});

test('a policy that nobody can compile is admitted, with a warning', async () => {
  const missing = (): Promise<never> => Promise.reject(new RemoteError('POLICY_ENGINE_MISSING', 'there is no engine'));
  const answer = await ask(validating({}), {}, { evaluateImagePolicy: missing });
  assert.deepEqual([answer.allowed, answer.warnings], [true, ['expressions were not compiled: there is no engine']]);
});

test('a webhook that is dead keeps nobody from writing policies of Kyverno', () => {
  const [, configuration] = webhookConfigurations({
    clients: (path) => ({ url: path }),
    namespaceSelector: {},
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    podTemplates: [],
  });
  interface Entry {
    readonly name: string;
    readonly failurePolicy: string;
    readonly rules: readonly { readonly apiGroups: readonly string[] }[];
  }
  const entries = configuration?.['webhooks'] as unknown as readonly Entry[];
  const groups = (one: Entry): readonly string[] => [...new Set(one.rules.flatMap(({ apiGroups }) => apiGroups))];
  for (const one of entries) {
    const isTheirs = groups(one).some((group) => group.endsWith('kyverno.io'));
    assert.equal(isTheirs, one.name === 'kyverno.policies.sealwright');
    assert.equal(one.failurePolicy, isTheirs ? 'Ignore' : 'Fail', one.name);
  }
  assert.ok(entries.some(({ name }) => name === 'kyverno.policies.sealwright'));
});
