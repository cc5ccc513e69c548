/** Kyverno's ClusterPolicy and Policy: what is read, what is refused by name, which images and objects a rule is about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { parseReference } from '../../../src/core/image/reference.ts';
import type { AdmissionPolicy } from '../../../src/core/policy/judgement/admission-policy.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import type { ReviewedObject } from '../../../src/core/policy/cluster-image/resource-match.ts';
import { Wildcard } from '../../../src/core/policy/kyverno/wildcard.ts';
import { FormatError } from '../../../src/errors.ts';
import { FakeInstance } from '../../support/instance.ts';

const INSTANCE = new FakeInstance();
const SIGNER = PrivateKey.generate('ecdsa-p256').publicKey;
const chain = (...certificates: readonly { toPem(): string }[]): string =>
  JSON.stringify(certificates.map((one) => one.toPem()).join(''));
const PEM = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());
const KEY = `{keys: {publicKeys: ${PEM}}}`;
const BY_KEY = `attestors: [{entries: [${KEY}]}]`;
const ABOUT_PODS = 'match: {any: [{resources: {kinds: [Pod]}}]}';
const DIGEST = Digest.of(new Uint8Array(1));

function policy(rule: string, rest = '', kind = 'ClusterPolicy', metadata = ''): string {
  return `apiVersion: kyverno.io/v1
kind: ${kind}
metadata: {name: p${metadata}}
spec: {${rest}rules: [{name: r, ${rule}}]}
`;
}

function entry(members: string, match = ABOUT_PODS): string {
  return `${match}, verifyImages: [{imageReferences: ["*"], failureAction: Enforce, ${members}}]`;
}

function parse(text: string): readonly AdmissionPolicy[] {
  return parsePolicyObjects(text, 'file').policies;
}

function only(text: string): AdmissionPolicy {
  const [first, ...others] = parse(text);
  assert.ok(first !== undefined && others.length === 0);
  return first;
}

const ACCEPTED: Readonly<Record<string, string>> = {
  'a key': policy(entry(BY_KEY)),
  'a key in a Secret': policy(entry('attestors: [{entries: [{keys: {secret: {name: k, namespace: n}}}]}]')),
  'a Secret as a reference': policy(entry('attestors: [{entries: [{keys: {publicKeys: "k8s://n/k"}}]}]')),
  'a key service': policy(entry('attestors: [{entries: [{keys: {kms: "gcpkms://projects/p"}}]}]')),
  'who signs keylessly': policy(
    entry('attestors: [{entries: [{keyless: {subject: "*", issuer: "https://x", rekor: {url: "https://r"}}}]}]'),
  ),
  'what only says how Kyverno runs': policy(
    `${entry(`${BY_KEY}, useCache: false, cosignOCI11: true, type: SigstoreBundle, required: true`)}, ` +
      'skipBackgroundRequests: true, reportProperties: {a: b}',
    'background: true, failurePolicy: Ignore, webhookTimeoutSeconds: 20, emitWarning: true, schemaValidation: false, ' +
      'webhookConfiguration: {timeoutSeconds: 20, failurePolicy: Fail}, generateExisting: false, ' +
      'generateExistingOnPolicyUpdate: false, mutateExistingOnPolicyUpdate: false, useServerSideApply: false, ',
  ),
  'an audit that leaves tags alone': policy(
    `${ABOUT_PODS}, verifyImages: [{imageReferences: ["*"], mutateDigest: false, ${BY_KEY}}]`,
  ),
  'the form of the first version': policy(
    `${ABOUT_PODS}, verifyImages: [{image: "*", key: ${PEM}, annotations: {a: b}, failureAction: Enforce}]`,
  ),
  'keyless in the form of the first version': policy(
    `${ABOUT_PODS}, verifyImages: [{image: "*", issuer: a, subject: b, roots: ${chain(INSTANCE.root.certificate)}, ` +
      'additionalExtensions: {githubWorkflowRef: c}, failureAction: Enforce}]',
  ),
  'a repository of its own': policy(entry(`repository: "ghcr.io/signatures", ${BY_KEY}`)),
  'logs and timestamps of its own': policy(
    entry(
      `attestors: [{entries: [{keys: {publicKeys: ${PEM}, rekor: {url: "https://r", pubkey: ${PEM}, ignoreTlog: false}, ` +
        `ctlog: {pubkey: ${PEM}, ignoreSCT: true, tsaCertChain: ${chain(...INSTANCE.tsa.authority.chain)}}}}]}]`,
    ),
  ),
  'credentials of a policy': policy(
    entry(`imageRegistryCredentials: {allowInsecureRegistry: true, providers: [github], secrets: [pull]}, ${BY_KEY}`),
  ),
  'a key from a ConfigMap': policy(
    `${entry('attestors: [{entries: [{keys: {publicKeys: "{{ keys.data.a }}"}}]}]')}, ` +
      'context: [{name: keys, configMap: {name: keys, namespace: trust}}]',
  ),
  'a variable of its own': policy(`${entry(BY_KEY)}, context: [{name: a, variable: {jmesPath: request.operation}}]`),
  'a certificate': policy(
    entry(
      `attestors: [{entries: [{certificates: {cert: ${chain(INSTANCE.issueLeaf(SIGNER))}, ` +
        `certChain: ${chain(INSTANCE.intermediate.certificate, INSTANCE.root.certificate)}}}]}]`,
    ),
  ),
  'the whole of an entry': policy(
    entry(
      `attestors: [{count: 1, entries: [{attestor: {entries: [${KEY}]}}, ` +
        `{keys: {publicKeys: ${PEM}}, annotations: {team: shop}, signatureAlgorithm: sha512}]}]`,
    ),
  ),
  'an older name of a type': policy(
    entry(`attestations: [{name: scan, predicateType: "https://x", attestors: [{entries: [${KEY}]}]}]`),
  ),
  'a condition on a predicate': policy(
    entry(
      `attestations: [{type: "https://x", ${BY_KEY}, conditions: [{all: [{key: "{{ a }}", operator: Equals, value: a}]}]}]`,
    ),
  ),
  preconditions: policy(
    `${entry(BY_KEY)}, preconditions: {all: [{key: "{{ request.operation }}", operator: AnyIn, value: [CREATE]}]}`,
  ),
  'preconditions of the first version': policy(
    `${entry(BY_KEY)}, preconditions: [{key: a, operator: NotEquals, value: b}]`,
  ),
  'empty preconditions': policy(`${entry(BY_KEY)}, preconditions: {}`),
  'one rule of one': policy(entry(BY_KEY), 'applyRules: One, admission: true, '),
  v2beta1: policy(entry(BY_KEY)).replace('kyverno.io/v1', 'kyverno.io/v2beta1'),
  'a policy of a namespace': policy(entry(BY_KEY), '', 'Policy', ', namespace: shop'),
};

for (const [what, text] of Object.entries(ACCEPTED)) {
  test(`accepted: ${what}`, () => {
    assert.equal(only(text).interest, 'signatures');
  });
}

/** Document, and what its refusal names. */
const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a rule that validates': [policy(`${ABOUT_PODS}, validate: {}`), /spec\.rules\[0\]\.validate is not supported/],
  'a rule that mutates': [policy(`${ABOUT_PODS}, mutate: {}`), /spec\.rules\[0\]\.mutate is not supported/],
  'a rule that generates': [policy(`${ABOUT_PODS}, generate: {}`), /spec\.rules\[0\]\.generate is not supported/],
  ...Object.fromEntries(
    ['apiCall', 'imageRegistry', 'globalReference'].map((kind) => [
      `a context of ${kind}`,
      [
        policy(`${entry(BY_KEY)}, context: [{name: a, ${kind}: {}}]`),
        new RegExp(`spec\\.rules\\[0\\]\\.context\\[0\\]\\.${kind} is not supported`),
      ],
    ]),
  ),
  'a context without a name': [
    policy(`${entry(BY_KEY)}, context: [{variable: {value: a}}]`),
    /context\[0\]\.name: a name is required/,
  ],
  'a context without a variable': [
    policy(`${entry(BY_KEY)}, context: [{name: a}]`),
    /context\[0\]: a variable or a configMap is required/,
  ],
  'a variable of nothing': [
    policy(`${entry(BY_KEY)}, context: [{name: a, variable: {default: b}}]`),
    /context\[0\]\.variable: a variable must define a value or a jmesPath/,
  ],
  'a variable that is the request': [
    policy(`${entry(BY_KEY)}, context: [{name: request, variable: {value: a}}]`),
    /context\[0\]\.name is not supported: request means something else already/,
  ],
  'a variable with a dot': [
    policy(`${entry(BY_KEY)}, context: [{name: a.b, variable: {value: a}}]`),
    /context\[0\]\.name is not supported: a word/,
  ],
  'one variable twice': [
    policy(`${entry(BY_KEY)}, context: [{name: a, variable: {value: a}}, {name: a, variable: {value: b}}]`),
    /context\[1\]\.name is not supported: there is another entry a/,
  ],
  'a precondition that never holds': [
    policy(`${entry(BY_KEY)}, preconditions: {any: []}`),
    /preconditions\.any is not supported: without any condition/,
  ],
  'a precondition without an operator': [
    policy(`${entry(BY_KEY)}, preconditions: {all: [{key: a, value: a}]}`),
    /preconditions\.all\[0\]\.operator: none of Equals, /,
  ],
  'preconditions that are a text': [
    policy(`${entry(BY_KEY)}, preconditions: "{{ x }}"`),
    /preconditions is not an object/,
  ],
  'CEL preconditions': [policy(`${entry(BY_KEY)}, celPreconditions: []`), /celPreconditions is not supported/],
  'image extractors': [policy(`${entry(BY_KEY)}, imageExtractors: {}`), /imageExtractors is not supported/],
  'conditions on the webhook': [
    policy(entry(BY_KEY), 'webhookConfiguration: {matchConditions: [{name: a, expression: "true"}]}, '),
    /spec\.webhookConfiguration\.matchConditions is not supported/,
  ],
  'no admission': [policy(entry(BY_KEY), 'admission: false, '), /spec\.admission is not supported/],
  Notary: [policy(entry(`${BY_KEY}, type: Notary`)), /verifyImages\[0\]\.type is not supported: Notary/],
  'a validation of results': [policy(entry(`${BY_KEY}, validate: {}`)), /verifyImages\[0\]\.validate is not supported/],
  roles: [
    policy(entry(BY_KEY, 'match: {any: [{resources: {kinds: [Pod]}, clusterRoles: [admin]}]}')),
    /match\.any\[0\]\.clusterRoles is not supported/,
  ],
  'a variable for a certificate': [
    policy(entry('attestors: [{entries: [{certificates: {cert: "{{ keys.data.a }}"}}]}]')),
    /cert is not supported: variables are not filled in here/,
  ],
  'an attestation by anybody': [
    policy(entry('attestations: [{type: "https://x"}]')),
    /attestations\[0\]\.attestors is not supported/,
  ],
  'a condition without a key': [
    policy(
      entry(`attestations: [{type: "https://x", ${BY_KEY}, conditions: [{all: [{operator: Equals, value: a}]}]}]`),
    ),
    /attestations\[0\]\.conditions\[0\]\.all\[0\]\.key: a condition needs a key/,
  ],
  'an operator that nobody knows': [
    policy(
      entry(`attestations: [{type: "https://x", ${BY_KEY}, conditions: [{any: [{key: a, operator: Is, value: a}]}]}]`),
    ),
    /conditions\[0\]\.any\[0\]\.operator: none of Equals, .*\(Is\)/,
  ],
  'an unknown member': [policy(entry(`${BY_KEY}, signers: []`)), /unknown member/],
  'no image': [policy(`${ABOUT_PODS}, verifyImages: [{${BY_KEY}}]`), /An image reference is required/],
  'no entry': [policy(entry('attestors: [{entries: []}]')), /An entry is required/],
  'a count beyond the entries': [
    policy(entry(`attestors: [{count: 2, entries: [${KEY}]}]`)),
    /Count cannot exceed length of entries/,
  ],
  'two kinds in one entry': [
    policy(entry(`attestors: [{entries: [{keys: {publicKeys: ${PEM}}, certificates: {cert: x}}]}]`)),
    /keys, certificates, keyless, or a nested attestor is required/,
  ],
  'no key': [policy(entry('attestors: [{entries: [{keys: {}}]}]')), /A public key, kms key or secret is required/],
  'a damaged key': [
    policy(entry('attestors: [{entries: [{keys: {publicKeys: "-----BEGIN PUBLIC KEY-----"}}]}]')),
    /publicKeys: .*not well-formed PEM/,
  ],
  'an unknown hash': [
    policy(entry(`attestors: [{entries: [{keys: {publicKeys: ${PEM}, signatureAlgorithm: md5}}]}]`)),
    /Invalid signature algorithm provided/,
  ],
  'no certificate': [policy(entry('attestors: [{entries: [{certificates: {}}]}]')), /cert or certChain required/],
  'neither log nor roots': [
    policy(entry('attestors: [{entries: [{keyless: {subject: a, issuer: b}}]}]')),
    /Either Rekor URL or roots are required/,
  ],
  'a log without URL': [
    policy(entry('attestors: [{entries: [{keyless: {subject: a, issuer: b, rekor: {}}}]}]')),
    /An URL is required/,
  ],
  'an expression that does not compile': [
    policy(entry('attestors: [{entries: [{keyless: {subjectRegExp: "(", issuer: b, rekor: {url: u}}}]}]')),
    /subjectRegExp: invalid regexp/,
  ],
  'an unknown extension': [
    policy(
      entry(
        'attestors: [{entries: [{keyless: {subject: a, issuer: b, rekor: {url: u}, additionalExtensions: {x: y}}}]}]',
      ),
    ),
    /invalid certificate extension x/,
  ],
  'one rule of two': [
    policy(`${entry(BY_KEY)}}, {name: s, ${entry(BY_KEY)}`, 'applyRules: One, '),
    /spec\.applyRules is not supported/,
  ],
  'an audit that writes digests': [
    policy(`${ABOUT_PODS}, verifyImages: [{imageReferences: ["*"], ${BY_KEY}}]`),
    /mutateDigest must be set to false/,
  ],
  'any beside all': [
    policy(entry(BY_KEY, 'match: {any: [{resources: {kinds: [Pod]}}], all: [{resources: {kinds: [Pod]}}]}')),
    /Can't specify any and all together/,
  ],
  'namespaces in a policy of one': [
    policy(entry(BY_KEY, 'match: {any: [{resources: {kinds: [Pod], namespaces: [a]}}]}'), '', 'Policy'),
    /Filtering namespaces not allowed in namespaced policies/,
  ],
  'a rule without a body': [policy(ABOUT_PODS), /no operation defined/],
  'no rules': [
    'apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: []}',
    /at least one/,
  ],
};

for (const [what, [text, names]] of Object.entries(REFUSED)) {
  test(`refused by name: ${what}`, () => {
    assert.throws(
      () => parse(text),
      (error: unknown) => {
        assert.ok(error instanceof FormatError && error.code === 'FORMAT_POLICY');
        assert.match(`${error.message}: ${error.facts.found ?? ''}`, names);
        return true;
      },
    );
  });
}

test('all that is wrong with a policy is said at once', () => {
  assert.throws(
    () => parse(policy(`${entry(`type: Notary, validate: {}, ${BY_KEY}`)}, context: [{name: a, apiCall: {}}]`)),
    ({ facts }: FormatError) => (facts.found ?? '').split('\n').length === 3,
  );
});

/** Pattern, text, whether it matches (Kyverno's ext/wildcard). */
const WILDCARDS: readonly (readonly [string, string, boolean])[] = [
  ['*', '', true],
  ['*', 'a/b', true],
  ['', '', true],
  ['', 'a', false],
  ['ghcr.io/*', 'ghcr.io/a/b:1', true],
  ['ghcr.io/*', 'ghcr.iox/a', false],
  ['*.io/?', 'a.io/b', true],
  ['*.io/?', 'a.io/', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a.c', 'abc', false],
  ['[a]', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-b-b-c-d', false],
];

for (const [pattern, text, expected] of WILDCARDS) {
  test(`wildcard [${pattern}] ${expected ? 'matches' : 'does not match'} [${text}]`, () => {
    assert.equal(Wildcard.parse(pattern).matches(text), expected);
  });
}

test('a hostile pattern costs no time to speak of', () => {
  assert.equal(Wildcard.parse(`${'*a'.repeat(500)}b`).matches('a'.repeat(2000)), false);
});

/** Patterns, patterns that are skipped, image as written, coverage before and after its digest is known. */
const COVERAGE: readonly (readonly [string, string, string, 'always' | 'never' | 'depends', boolean])[] = [
  ['docker.io/nginx:*', '', 'nginx', 'always', true],
  ['docker.io/nginx:1', '', 'nginx:1', 'always', true],
  ['docker.io/nginx:1', '', 'nginx:2', 'never', false],
  // The same image by another of its names must not evade the rule.
  ['docker.io/nginx:*', '', 'index.docker.io/library/nginx:1', 'always', true],
  ['docker.io/library/nginx:*', '', 'nginx:1', 'always', true],
  ['nginx*', '', 'nginx:1', 'never', false],
  ['ghcr.io/a/*', '', 'ghcr.io/a/b/c:1', 'always', true],
  ['ghcr.io/a/*', '', 'ghcr.io/b/c:1', 'never', false],
  ['ghcr.io/a/*@sha256:*', '', 'ghcr.io/a/b:1', 'depends', true],
  [`ghcr.io/a/b@sha256:${'0'.repeat(64)}`, '', 'ghcr.io/a/b:1', 'depends', false],
  ['*', 'ghcr.io/a/*', 'ghcr.io/a/b:1', 'never', false],
  ['*', 'ghcr.io/a/*', 'ghcr.io/b/b:1', 'always', true],
  // An exception for a tag is none for whatever digest calls itself by it.
  ['*', 'ghcr.io/a/b:1', `ghcr.io/a/b:1@${DIGEST.toString()}`, 'always', true],
  ['*', 'ghcr.io/a/b@*', `ghcr.io/a/b:1@${DIGEST.toString()}`, 'never', false],
  // What this webhook pinned is still what it was.
  ['ghcr.io/a/b:1', '', `ghcr.io/a/b:1@${DIGEST.toString()}`, 'always', true],
];

for (const [included, skipped, image, before, after] of COVERAGE) {
  test(`[${included}] without [${skipped}] is about ${image}: ${before}, ${String(after)}`, () => {
    const skip = skipped === '' ? '' : `, skipImageReferences: ["${skipped}"]`;
    const members = `imageReferences: ["${included}"]${skip}, failureAction: Enforce, ${BY_KEY}`;
    const rule = only(policy(`${ABOUT_PODS}, verifyImages: [{${members}}]`));
    const reference = parseReference(image);
    assert.equal(rule.coverage(reference, image), before);
    const { registry, repository, digest = DIGEST } = reference;
    assert.equal(rule.covers({ registry, repository, digest }, image), after);
  });
}

const POD: ReviewedObject = {
  group: '',
  version: 'v1',
  resource: 'pods',
  namespace: 'shop',
  labels: new Map([['app', 'web']]),
  namespaceLabels: new Map([['env', 'prod']]),
  document: { metadata: { name: 'web-1', annotations: { team: 'shop' } } },
  request: {
    operation: 'CREATE',
    kind: 'Pod',
    subResource: '',
    name: 'web-1',
    user: 'system:serviceaccount:ci:deployer',
    groups: ['system:authenticated'],
  },
};
const DEPLOYMENT: ReviewedObject = {
  ...POD,
  group: 'apps',
  resource: 'deployments',
  request: { ...POD.request!, kind: 'Deployment' },
};
/** What is in the cluster already: nobody knows how it came. */
const { request: _request, namespaceLabels: _labels, ...RUNNING }: ReviewedObject = POD;

const some = (filter: string, kinds = 'kinds: [Pod], '): string => `match: {any: [{resources: {${kinds}${filter}}}]}`;
/** Members of a rule, object, whether the rule is about it. */
const MATCHES: readonly (readonly [string, ReviewedObject, boolean])[] = [
  [some(''), POD, true],
  [some('', 'kinds: [v1/Pod], '), POD, true],
  [some('', 'kinds: ["*"], '), POD, true],
  [some('', 'kinds: ["*/*"], '), DEPLOYMENT, true],
  [some('', 'kinds: [apps/v1/Deployment], '), DEPLOYMENT, true],
  [some('', 'kinds: [apps/v1/Deployment], '), POD, false],
  [some('', 'kinds: [Service], '), POD, false],
  // Rules about pods are about what makes pods, unless they ask for more than the two share.
  [some(''), DEPLOYMENT, true],
  [some('names: ["*"]'), DEPLOYMENT, false],
  [some('selector: {matchLabels: {app: web}}'), DEPLOYMENT, false],
  [some('names: ["web-*"]'), POD, true],
  [some('names: [other]'), POD, false],
  [some('name: web-1'), POD, true],
  [some('namespaces: [sh?p]'), POD, true],
  [some('namespaces: [pay]'), POD, false],
  [some('annotations: {team: "*"}'), POD, true],
  [some('annotations: {team: pay}'), POD, false],
  [some('selector: {matchLabels: {app: "w*"}}'), POD, true],
  [some('selector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}'), POD, false],
  [some('namespaceSelector: {matchLabels: {env: prod}}'), POD, true],
  [some('namespaceSelector: {matchLabels: {env: test}}'), POD, false],
  [some('namespaceSelector: {matchLabels: {env: test}}'), RUNNING, true],
  [some('operations: [CREATE]'), POD, true],
  [some('operations: [UPDATE]'), POD, false],
  [some('operations: [UPDATE]'), RUNNING, true],
  ['match: {resources: {kinds: [Pod]}}', POD, true],
  ['match: {}', POD, false],
  ['match: {all: [{resources: {kinds: [Pod]}}, {resources: {namespaces: [shop]}}]}', POD, true],
  ['match: {all: [{resources: {kinds: [Pod]}}, {resources: {namespaces: [pay]}}]}', POD, false],
  ['match: {any: [{subjects: [{kind: ServiceAccount, namespace: ci, name: "*"}]}]}', POD, true],
  [
    'match: {any: [{subjects: [{kind: Group, name: "system:masters", apiGroup: rbac.authorization.k8s.io}]}]}',
    POD,
    false,
  ],
  ['match: {any: [{subjects: [{kind: User, name: "system:serviceaccount:*"}]}]}', POD, true],
  [`${some('')}, exclude: {any: [{resources: {namespaces: [shop]}}]}`, POD, false],
  [`${some('')}, exclude: {any: [{resources: {namespaces: [pay]}}]}`, POD, true],
  [`${some('')}, exclude: {any: [{subjects: [{kind: Group, name: "system:*"}]}]}`, POD, false],
  [`${some('')}, exclude: {any: [{subjects: [{kind: Group, name: "system:*"}]}]}`, RUNNING, true],
  [`${some('')}, exclude: {all: [{resources: {namespaces: [shop]}}, {resources: {names: [x]}}]}`, POD, true],
  [`${some('')}, exclude: {resources: {namespaceSelector: {matchLabels: {env: prod}}}}`, POD, false],
  [`${some('')}, exclude: {resources: {namespaceSelector: {matchLabels: {env: prod}}}}`, RUNNING, true],
];

for (const [match, object, expected] of MATCHES) {
  const what = object === RUNNING ? 'a running pod' : object.resource;
  test(`a rule with ${match} ${expected ? 'is' : 'is not'} about ${what}`, () => {
    assert.equal(only(policy(entry(BY_KEY, match))).about(object) !== undefined, expected);
  });
}

test('which controllers a rule about pods is about, an annotation says', () => {
  const annotated = (value: string): AdmissionPolicy =>
    only(
      policy(
        entry(BY_KEY),
        '',
        'ClusterPolicy',
        `, annotations: {pod-policies.kyverno.io/autogen-controllers: "${value}"}`,
      ),
    );
  assert.equal(annotated('Deployment,Job').about(DEPLOYMENT) !== undefined, true);
  assert.equal(annotated('Job').about(DEPLOYMENT), undefined);
  assert.equal(annotated('none').about(DEPLOYMENT), undefined);
  assert.notEqual(annotated('none').about(POD), undefined);
});

test('a policy of a namespace is about its objects alone', () => {
  const own = only(policy(entry(BY_KEY), '', 'Policy', ', namespace: shop'));
  assert.notEqual(own.about(POD), undefined);
  assert.equal(own.about({ ...POD, namespace: 'pay' }), undefined);
});

test('an override changes what happens in its namespaces, unless the entry says it itself', () => {
  const rest =
    'validationFailureAction: Enforce, validationFailureActionOverrides: [' +
    '{action: Audit, namespaces: [sh*]}, {action: Audit, namespaceSelector: {matchLabels: {env: test}}}], ';
  const free = `${ABOUT_PODS}, verifyImages: [{imageReferences: ["*"], mutateDigest: false, ${BY_KEY}}]`;
  const mode = (text: string, object: ReviewedObject): string | undefined => only(text).about(object)?.mode;
  assert.equal(mode(policy(free, rest), POD), 'warn');
  assert.equal(mode(policy(free, rest), { ...POD, namespace: 'pay' }), 'enforce');
  const test = new Map([['env', 'test']]);
  assert.equal(mode(policy(free, rest), { ...POD, namespace: 'pay', namespaceLabels: test }), 'warn');
  // Labels that are not known let nothing off.
  assert.equal(mode(policy(free, rest), { ...RUNNING, namespace: 'pay' }), 'enforce');
  assert.equal(mode(policy(entry(BY_KEY), rest), POD), 'enforce');
});
