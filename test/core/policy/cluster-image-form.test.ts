/** Kyverno's policies as `ClusterImagePolicy`: what is said, and what is named as lost. Verdicts: converted-policies.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { readVerification } from '../../../src/core/policy/conversion/cluster-image-form/verification-expression.ts';
import { globsFor } from '../../../src/core/policy/conversion/cluster-image-form/pattern-globs.ts';
import { clusterImagePoliciesIn } from '../../../src/core/policy/conversion/compared-policies.ts';
import { comparePolicies } from '../../../src/core/policy/conversion/policy-difference.ts';
import { lossText } from '../../../src/core/policy/conversion/conversion-loss.ts';
import { convertPolicies, type PolicyConversion } from '../../../src/core/policy/conversion/convert-policies.ts';
import { ImageGlob } from '../../../src/core/policy/document/image-glob.ts';
import { coversPinned } from '../../../src/core/policy/kyverno-judgement/image-patterns.ts';
import { Wildcard } from '../../../src/core/policy/kyverno/wildcard.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { parseReference } from '../../../src/core/image/reference.ts';
import { SealwrightError } from '../../../src/errors.ts';

const PEM = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());
const LOG = 'rekor: {url: "https://rekor.sigstore.dev"}';
const KEY = `{entries: [{keys: {publicKeys: ${PEM}, ${LOG}}}]}`;
const OPTIONS = { logUrl: 'https://rekor.sigstore.dev', systemNamespace: 'cosign-system' };

function convert(text: string): PolicyConversion {
  const [conversion] = convertPolicies([{ path: 'p', text }], 'cip', OPTIONS);
  assert.ok(conversion !== undefined);
  // Whatever is written is valid, and nothing that its author would be warned about.
  const written = conversion.documents.map((document) => stringify(document)).join('---\n');
  if (written !== '') {
    for (const { warnings } of parsePolicyObjects(written, 'converted').policies)
      assert.deepEqual(warnings, [], written);
  }
  return conversion;
}

function rule({
  kind = 'ClusterPolicy',
  metadata = '{name: p}',
  match = '{any: [{resources: {kinds: [Pod]}}]}',
  more = '',
  images = '["r.example/shop/*"]',
  entry = '',
  attestors = `[${KEY}]`,
  spec = '',
}: Readonly<Record<string, string>> = {}): string {
  return `apiVersion: kyverno.io/v1
kind: ${kind}
metadata: ${metadata}
spec:
  ${spec}
  rules:
  - name: signed
    match: ${match}
    ${more}
    verifyImages: [{imageReferences: ${images}, failureAction: Enforce, ${entry}attestors: ${attestors}}]
`;
}

function losses(text: string): readonly string[] {
  return convert(text).losses.map(({ effect, path }) => `${effect} ${path}`);
}

const keyless = (who: string): string => `[{entries: [{keyless: {${who}, ${LOG}}}]}]`;
const IN = 'spec.rules[0].verifyImages[0]';

const ON_BRANCH =
  `attestations: [{type: "https://x.example", attestors: [${KEY}], ` +
  'conditions: [{all: [{key: "{{ branch }}", operator: Equals, value: main}]}]}], ';

const LOSSES: Readonly<Record<string, readonly [text: string, expected: readonly string[]]>> = {
  'a key': [rule(), []],
  'every kind': [rule({ match: '{any: [{resources: {kinds: ["*"]}}]}' }), []],
  'pods with a label': [rule({ match: '{any: [{resources: {kinds: [Pod], selector: {matchLabels: {a: b}}}}]}' }), []],
  'a namespace': [rule({ match: '{any: [{resources: {kinds: [Pod], namespaces: [shop]}}]}' }), []],
  'namespaces by a wildcard': [
    rule({ match: '{any: [{resources: {kinds: [Pod], namespaces: ["shop-*"]}}]}' }),
    ['tighter spec.rules[signed].match'],
  ],
  'labels of namespaces': [
    rule({ match: '{any: [{resources: {kinds: [Pod], namespaceSelector: {matchLabels: {a: b}}}}]}' }),
    ['tighter spec.rules[signed].match'],
  ],
  'names of objects': [
    rule({ match: '{any: [{resources: {kinds: [Pod], names: [web]}}]}' }),
    ['tighter spec.rules[signed].match'],
  ],
  'who asks': [
    rule({ match: '{any: [{resources: {kinds: [Pod]}, subjects: [{kind: User, name: alice}]}]}' }),
    ['tighter spec.rules[signed].match'],
  ],
  'creation alone': [
    rule({ match: '{any: [{resources: {kinds: [Pod], operations: [CREATE]}}]}' }),
    ['tighter spec.rules[signed].match'],
  ],
  'labels with wildcards': [
    rule({ match: '{any: [{resources: {kinds: [Pod], selector: {matchLabels: {a: "b*"}}}}]}' }),
    ['tighter spec.rules[signed].match'],
  ],
  'a kind of its own': [
    rule({ match: '{any: [{resources: {kinds: [argoproj.io/v1alpha1/Rollout]}}]}' }),
    ['looser spec.rules[signed].match'],
  ],
  'an exclusion': [
    rule({ more: 'exclude: {any: [{resources: {namespaces: [kube-system]}}]}' }),
    ['tighter spec.rules[signed].exclude'],
  ],
  preconditions: [
    rule({ more: 'preconditions: {all: [{key: "{{ request.operation }}", operator: Equals, value: CREATE}]}' }),
    ['tighter spec.rules[signed].preconditions'],
  ],
  'images left out': [
    rule({ entry: 'skipImageReferences: ["r.example/shop/test*"], ' }),
    ['tighter spec.rules[signed].skipImageReferences'],
  ],
  'a registry with Secrets': [
    rule({ entry: 'imageRegistryCredentials: {secrets: [pull]}, ' }),
    ['tighter spec.rules[signed].imageRegistryCredentials'],
  ],
  'every version of a repository': [rule({ images: '["r.example/shop/app:*", "r.example/shop/app@*"]' }), []],
  'every tag of a repository': [
    rule({ images: '["r.example/shop/app:*"]' }),
    ['tighter spec.rules[signed].imageReferences'],
  ],
  'a tag': [rule({ images: '["r.example/shop/app:1.2"]' }), ['tighter spec.rules[signed].imageReferences']],
  'one character': [rule({ images: '["r.example/shop/app?"]' }), ['tighter spec.rules[signed].imageReferences']],
  'a pattern without a version': [rule({ images: '["r.example/shop/app"]' }), ['told spec.rules[signed]']],
  'tags that are refused': [rule({ entry: 'mutateDigest: false, ' }), ['looser spec.rules[signed].verifyDigest']],
  'tags that stay': [
    rule({ entry: 'mutateDigest: false, verifyDigest: false, ' }),
    ['tighter spec.rules[signed].mutateDigest'],
  ],
  'annotations of signatures': [
    rule({ attestors: `[{entries: [{keys: {publicKeys: ${PEM}, ${LOG}}, annotations: {a: b}}]}]` }),
    [`looser ${IN}.attestors[0].entries[0].keys`],
  ],
  'a Secret of the webhook': [
    rule({ attestors: `[{entries: [{keys: {secret: {name: k, namespace: cosign-system}, ${LOG}}}]}]` }),
    [`tighter ${IN}.attestors[0].entries[0].keys`],
  ],
  'a Secret elsewhere, and nothing else': [
    rule({ attestors: `[{entries: [{keys: {secret: {name: k, namespace: other}, ${LOG}}}]}]` }),
    [`tighter ${IN}.attestors[0].entries[0].keys`, 'looser spec.rules[signed].attestors[0]'],
  ],
  'a condition on the predicate': [rule({ entry: ON_BRANCH }), [`looser ${IN}.attestations[0].conditions`]],
  "a condition on the rule's own variable": [
    rule({ entry: ON_BRANCH, more: 'context: [{name: branch, variable: {jmesPath: request.operation}}]' }),
    [`looser ${IN}.attestations[0].conditions[0].all`],
  ],
  'two patterns for an issuer': [
    rule({ attestors: keyless('subject: a, issuer: "https://*", issuerRegExp: "github"') }),
    [`looser ${IN}.attestors[0].entries[0].keyless`],
  ],
  'an issuer that nobody has': [
    rule({ attestors: keyless('subject: a, issuer: "https://a", issuerRegExp: "^b"') }),
    [`told ${IN}.attestors[0].entries[0].keyless`, 'looser spec.rules[signed].attestors[0]'],
  ],
  'no log for an identity': [
    rule({
      attestors: '[{entries: [{keyless: {subject: a, issuer: b, rekor: {url: "https://r", ignoreTlog: true}}}]}]',
    }),
    [`tighter ${IN}.attestors[0].entries[0].keyless`],
  ],
  'a namespace that only audits': [
    rule({
      spec: 'validationFailureAction: Enforce\n  validationFailureActionOverrides: [{action: Audit, namespaces: [dev]}]',
    }).replace('failureAction: Enforce, ', ''),
    ['tighter spec.validationFailureActionOverrides'],
  ],
  'a key in a KMS for a namespace': [
    rule({
      kind: 'Policy',
      metadata: '{name: p, namespace: shop}',
      attestors: `[{count: 1, entries: [{keys: {kms: "gcpkms://projects/a/locations/b/keyRings/c/cryptoKeys/d", ${LOG}}}, {keys: {publicKeys: ${PEM}, ${LOG}}}]}]`,
    }),
    [`tighter ${IN}.attestors[0].entries[0].keys`],
  ],
};

for (const [what, [text, expected]] of Object.entries(LOSSES)) {
  test(`${what}: ${expected.join(', ') || 'nothing is lost'}`, () => {
    assert.deepEqual(losses(text), expected);
  });
}

test('what is written: sets as policies, counts as programs, namespaces as ImagePolicy', () => {
  const spec = (text: string): unknown => convert(text).documents.map((document) => document['spec']);
  const kinds = (text: string): readonly string[] =>
    convert(text).documents.map(({ kind, metadata }) => {
      const { name, namespace } = metadata as { name: string; namespace?: string };
      return `${JSON.stringify(kind).slice(1, -1)} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    });
  const two = `{entries: [{keys: {publicKeys: ${PEM}, ${LOG}}}, {keyless: {subject: a, issuer: b, rekor: {url: "https://r"}}}]}`;
  assert.deepEqual(kinds(rule()), ['ClusterImagePolicy p']);
  assert.deepEqual(kinds(rule({ attestors: `[${two}, ${KEY}]` })), [
    'ClusterImagePolicy p-1',
    'ClusterImagePolicy p-2',
    'ClusterImagePolicy p-3',
  ]);
  assert.deepEqual(kinds(rule({ match: '{any: [{resources: {kinds: [Pod], namespaces: [shop, pay]}}]}' })), [
    'ImagePolicy pay/p',
    'ImagePolicy shop/p',
  ]);
  assert.deepEqual(kinds(rule({ kind: 'Policy', metadata: '{name: p, namespace: shop}' })), ['ImagePolicy shop/p']);
  assert.deepEqual(spec(rule({ attestors: keyless('subject: "a*@b.c", issuer: i') })), [
    {
      images: [{ glob: 'r.example/shop/**' }],
      authorities: [
        { name: 'attestor-1', keyless: { identities: [{ issuer: 'i', subjectRegExp: String.raw`^a.*@b\.c$` }] } },
      ],
    },
  ]);
  const [counted] = spec(
    rule({ attestors: `[{count: 2, entries: [${[KEY, KEY, KEY].map((one) => `{attestor: ${one}}`).join(', ')}]}]` }),
  ) as { policy: { type: string; data: string } }[];
  assert.equal(counted?.policy.type, 'rego');
  assert.match(counted.policy.data, /^package sigstore\n\ndefault isCompliant = false\n/);
  assert.deepEqual(
    (
      spec(
        rule({ metadata: '{name: p, annotations: {pod-policies.kyverno.io/autogen-controllers: "Deployment"}}' }),
      ) as {
        match: object[];
      }[]
    )[0]?.match,
    [
      { version: '*', resource: 'pods' },
      { group: 'apps', version: '*', resource: 'deployments' },
    ],
  );
});

for (const [pattern, expected] of [
  ['*', ['**']],
  ['r.example/shop/*', ['r.example/shop/**']],
  ['r.example/shop/app@*', ['r.example/shop/app@*']],
  ['r.example/shop/app*', ['r.example/shop/app**']],
  ['localhost:5000/*', ['localhost:5000/**']],
  ['docker.io/nginx*', ['index.docker.io/library/nginx**', 'index.docker.io/nginx**']],
  ['docker.io/acme/*', ['index.docker.io/acme/**']],
  ['docker.io/*', ['index.docker.io/**']],
] as const) {
  test(`the pattern ${pattern} is ${expected.join(' and ')}, and nothing is lost`, () => {
    const lost: string[] = [];
    assert.deepEqual(
      globsFor(pattern, 'p', (_, text) => lost.push(text)),
      expected,
    );
    assert.deepEqual(lost, []);
  });
}

test('no image that a pattern of Kyverno is about is missed by its globs', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const names = [
    'nginx',
    'acme/app',
    'r.example/shop/app',
    'r.example:5000/app',
    'docker.io/acme/app',
    'localhost/app',
  ];
  const written = names.flatMap((name) => [name, `${name}:v1.2`, `${name}@${digest}`, `${name}:v1.2@${digest}`]);
  const parts = [
    '*',
    '?',
    'docker.io',
    'r.example',
    ':5000',
    '/',
    'acme',
    'app',
    'nginx',
    ':v1',
    ':latest',
    '@',
    digest,
    '.',
  ];
  let seed = 7;
  const next = (bound: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % bound;
  };
  let covered = 0;
  for (let round = 0; round < 1000; round++) {
    const pattern = Array.from({ length: 1 + next(6) }, () => parts[next(parts.length)] ?? '').join('');
    const globs = globsFor(pattern, 'p', () => undefined).map((glob) => ImageGlob.parse(glob));
    for (const text of written) {
      const reference = parseReference(text);
      const pinned = parseReference(`${reference.context}@${digest}`);
      const image = { registry: pinned.registry, repository: pinned.repository, digest: pinned.digest! };
      if (!coversPinned({ included: [Wildcard.parse(pattern)], skipped: [] }, image, text)) continue;
      covered++;
      assert.ok(
        globs.some((glob) => glob.matches(pinned)),
        `${pattern} is about ${text}, and ${globs.map((glob) => glob.text).join(' ')} is not`,
      );
    }
  }
  assert.ok(covered > 200, String(covered));
});

const SIGNED = 'verifyImageSignatures(image, [attestors.a, attestors.b])';
for (const [expression, expected] of [
  [`images.containers.map(image, ${SIGNED}).all(e, e > 0)`, [1]],
  [`images.containers.map(image, ${SIGNED}).all(e ,e>=2)`, [2]],
  [`images.containers.all(image, ${SIGNED} == 2)`, [2]],
  [`(images.containers + images.initContainers).all(image, ${SIGNED} > 0)`, [1]],
  [`(images.containers.all(image, ${SIGNED} > 0)) && (images.initContainers.all(image, ${SIGNED} > 0))`, [1, 1]],
  [`images.containers.all(image, verifyAttestationSignatures(image, attestations.s, [attestors.a]) > 0)`, [1]],
  [`images.containers.all(image, ${SIGNED} == 1)`, undefined],
  [`images.containers.all(other, ${SIGNED} > 0)`, undefined],
  [`images.containers.map(image, ${SIGNED}).all(e, f > 0)`, undefined],
  [`images.containers.exists(image, ${SIGNED} > 0)`, undefined],
  [`!images.containers.all(image, ${SIGNED} > 0)`, undefined],
  [`images.containers.all(image, ${SIGNED} > 0) || true`, undefined],
  [`images.containers.all(image, ${SIGNED} > 0 || image.startsWith("x"))`, undefined],
  [`images.containers.all(image, ${SIGNED} < 1)`, undefined],
  ['true', undefined],
  ['', undefined],
] as const) {
  test(`the expression ${expression || '(none)'} asks for ${expected?.join(' and ') ?? 'something that has no usual shape'}`, () => {
    assert.deepEqual(
      readVerification(expression)?.map(({ count }) => count),
      expected,
    );
  });
}

test('an expression that looks like the usual shape for long is given up soon', () => {
  const hostile = `images.containers.all(image, verifyImageSignatures(image, [${'attestors.a , '.repeat(5000)}]) > 0`;
  assert.equal(readVerification(hostile), undefined);
  assert.equal(readVerification('('.repeat(100_000) + ')'.repeat(100_000)), undefined);
});

test('a loss is one line, whatever a policy has for names', () => {
  const text = lossText({ path: 'a', text: 'b\nc\u2028d', effect: 'looser', instead: 'e' });
  assert.equal(text, String.raw`looser: b\u{a}c\u{2028}d (a); instead: e`);
});

test('what Kyverno has and nothing decides here is not converted', () => {
  const text = rule({ entry: 'type: Notary, ' });
  assert.throws(
    () => convertPolicies([{ path: 'p', text }], 'cip', OPTIONS),
    (error) => error instanceof SealwrightError && error.code === 'FORMAT_POLICY',
  );
  const other =
    'apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: [{name: a, validate: {}}]}\n';
  assert.deepEqual(convertPolicies([{ path: 'p', text: other }], 'cip', OPTIONS), []);
});

/** What Kyverno says without a loss, in every combination that a seed makes. */
function randomPolicy(next: (bound: number) => number): string {
  const pick = (texts: readonly string[]): string => texts[next(texts.length)] ?? '';
  const identity = (): string =>
    `{${pick(['issuer: "https://a"', 'issuer: "https://*"', 'issuerRegExp: "^https:"', 'issuerRegExp: ".*"'])}, ${pick([
      'subject: alice@example.com',
      'subject: "what?@example.com"',
      'subject: "a.b*c"',
      'subjectRegExp: "^a(b|c)$"',
      'subjectRegExp: lice',
    ])}}`;
  const source = (): string => pick(['', '', ', source: [{oci: "r.example/signatures"}]']);
  const authority = (): string =>
    next(2) === 0
      ? `{keyless: {identities: [${Array.from({ length: 1 + next(3) }, identity).join(', ')}]${pick(['', ', insecureIgnoreSCT: true'])}}${source()}}`
      : `{key: {data: ${PEM}, hashAlgorithm: ${pick(['sha256', 'sha512'])}}${pick(['', ', ctlog: {url: "https://rekor.sigstore.dev"}'])}${source()}}`;
  const globs = ['r.example/shop/**', 'r.example/app@*', '**', 'localhost:5000/x@*', 'index.docker.io/acme/**'];
  const matches = [
    '',
    '',
    'match: [{version: "*", resource: pods}], ',
    'match: [{version: "*", resource: pods, selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d]}]}}], ',
    'match: [{group: apps, version: "*", resource: deployments}, {group: batch, version: "*", resource: jobs}], ',
  ];
  const images = [...new Set(Array.from({ length: 1 + next(3) }, () => pick(globs)))].map(
    (glob) => `{glob: "${glob}"}`,
  );
  const authorities = Array.from({ length: 1 + next(3) }, authority).join(', ');
  return `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec: {${pick(['', 'mode: warn, '])}${pick(matches)}images: [${images.join(', ')}], authorities: [${authorities}]}\n`;
}

test('what goes to Kyverno without a loss comes back as it was', () => {
  let seed = 11;
  const next = (bound: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(seed / 65_536) % bound;
  };
  for (let round = 0; round < 300; round++) {
    const text = randomPolicy(next);
    const [there] = convertPolicies([{ path: 'p', text }], 'kyverno', OPTIONS);
    assert.deepEqual(there?.losses, [], text);
    const written = there.documents.map((document) => stringify(document)).join('---\n');
    const [back] = convertPolicies([{ path: 'p', text: written }], 'cip', OPTIONS);
    assert.ok(back !== undefined);
    assert.deepEqual(
      back.losses.filter(({ effect }) => effect !== 'told'),
      [],
      `${text}${written}`,
    );
    const [before, after] = [text, back.documents.map((document) => stringify(document)).join('---\n')].map((each) =>
      clusterImagePoliciesIn(each, 'p').map((policy) => ({ name: policy.name, hash: each, policy })),
    );
    assert.ok(before?.length === 1 && after?.length === 1, written);
    assert.deepEqual(comparePolicies(before, after), [], `${text}${written}`);
  }
});
