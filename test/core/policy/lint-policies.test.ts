/** What is found in policies: each rule by a policy that it is about, and none of them in a policy that means what it says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { lintPolicies } from '../../../src/core/policy/lint/lint-policies.ts';
import { lintTrustRepository } from '../../../src/core/policy/lint/lint-trust-root.ts';
import { policyLines } from '../../../src/core/policy/document/policy-lines.ts';
import { FakeInstance } from '../../support/instance.ts';
import { damaged } from '../../support/damage.ts';
import { trustRoot } from '../../servers/webhook/trust-root-document.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const PEM = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());
const ISSUER = 'issuer: "https://token.actions.githubusercontent.com"';
const GOOD = `{keyless: {identities: [{${ISSUER}, subject: "https://github.com/acme/pay/.github/workflows/release.yml@refs/heads/main"}]}}`;
const WHO = `${ISSUER}, subject: alice@example.com`;
const SHOP = 'images: [{glob: "registry.example/shop/**"}]';

function cip(spec: string, name = 'p'): string {
  return `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
}

function rules(text: string, now = NOW): readonly string[] {
  return lintPolicies([{ path: 'p.yaml', text }], now).map(({ rule, level }) => `${level} ${rule}`);
}

const keyless = (identity: string, rest = ''): string =>
  cip(`${SHOP}, authorities: [{keyless: {identities: [{${identity}}]${rest}}}]`);

const CASES: Readonly<Record<string, readonly [text: string, expected: readonly string[]]>> = {
  'a policy that means what it says': [cip(`${SHOP}, authorities: [${GOOD}]`), []],
  'a glob with a tag': [
    cip(`images: [{glob: "registry.example/app:1.2"}], authorities: [${GOOD}]`),
    ['error glob-ends-in-tag'],
  ],
  'a glob without a registry': [
    cip(`images: [{glob: "nginx*"}], authorities: [${GOOD}]`),
    ['error glob-covers-nothing'],
  ],
  'a glob about everything': [cip(`images: [{glob: "**"}], authorities: [${GOOD}]`), ['note glob-covers-everything']],
  'a glob about any registry': [
    cip(`images: [{glob: "*/shop/**"}], authorities: [${GOOD}]`),
    ['warning glob-covers-any-registry'],
  ],
  'a policy that passes all': [cip(`${SHOP}, authorities: [{static: {action: pass}}]`), ['warning static-pass']],
  'a pass beside a signature': [
    cip(`${SHOP}, authorities: [${GOOD}, {static: {action: pass}}]`),
    ['error static-pass'],
  ],
  'a refusal': [cip(`${SHOP}, authorities: [{static: {action: fail}}]`), []],
  'a warning': [cip(`${SHOP}, mode: warn, authorities: [${GOOD}]`), ['note warn-mode']],
  'a key': [
    cip(`${SHOP}, authorities: [{key: {data: ${PEM}}}]`),
    ['warning long-lived-key', 'warning key-without-log'],
  ],
  'a key whose signatures are logged': [
    cip(`${SHOP}, authorities: [{key: {data: ${PEM}}, ctlog: {url: "https://log.example"}}]`),
    ['warning long-lived-key'],
  ],
  'a match without version': [
    cip(`${SHOP}, match: [{resource: pods}], authorities: [${GOOD}]`),
    ['error match-fits-nothing'],
  ],
  'a match about Deployments': [
    cip(`${SHOP}, match: [{group: apps, version: v1, resource: deployments}], authorities: [${GOOD}]`),
    ['warning match-misses-pods'],
  ],
  'a match about pods': [cip(`${SHOP}, match: [{version: v1, resource: pods}], authorities: [${GOOD}]`), []],
  'any subject': [keyless(`${ISSUER}, subjectRegExp: ".*"`), ['error identity-matches-anything']],
  'a shell glob': [
    keyless(`${ISSUER}, subjectRegExp: "^https://github\\\\.com/acme/pay/*$"`),
    ['error identity-glob-as-pattern'],
  ],
  'no anchor': [
    keyless(
      `${ISSUER}, subjectRegExp: "https://github\\\\.com/acme/pay/\\\\.github/workflows/release\\\\.yml@refs/heads/main"`,
    ),
    ['warning identity-unanchored'],
  ],
  'no SCT': [keyless(`${ISSUER}, subject: alice@example.com`, ', insecureIgnoreSCT: true'), ['warning ignores-sct']],
  'a certificate in the policy': [
    cip(
      `${SHOP}, authorities: [{keyless: {identities: [{${ISSUER}, subject: alice@example.com}], ca-cert: {data: ${PEM}}}}]`,
    ),
    ['error ca-cert'],
  ],
  'a TrustRoot without any time': [
    keyless(`${ISSUER}, subject: alice@example.com`, ', trustRootRef: lab'),
    ['error no-time', 'note trust-root-elsewhere'],
  ],
  'attestations by their presence': [
    cip(
      `${SHOP}, authorities: [{keyless: {identities: [{${ISSUER}, subject: alice@example.com}]}, attestations: [{name: a, predicateType: "https://slsa.dev/provenance/v1"}]}]`,
    ),
    ['note image-signature-not-asked', 'note attestation-by-presence'],
  ],
  'a short predicate type': [
    cip(
      `${SHOP}, authorities: [{keyless: {identities: [{${ISSUER}, subject: alice@example.com}]}, attestations: [{name: a, predicateType: vuln, policy: {type: cue, data: "a: 1"}}]}]`,
    ),
    ['note image-signature-not-asked', 'warning policy-warning'],
  ],
  'no identity at all': [cip(`${SHOP}, authorities: [{keyless: {}}]`), ['error invalid']],
  'a member that nobody knows': [cip(`${SHOP}, authoritys: []`), ['error invalid']],
  'no YAML': ['a: [}', ['error invalid']],
  'another kind': ['apiVersion: v1\nkind: Service\nmetadata: {name: s}\n', ['error invalid']],
  'no name': [
    `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {}\nspec: {${SHOP}}\n`,
    ['error invalid'],
  ],
  'one name twice': [
    `${cip(`${SHOP}, authorities: [${GOOD}]`)}---\n${cip(`${SHOP}, authorities: [${GOOD}]`)}`,
    ['error duplicate-name'],
  ],
  'uncovered images that pass': [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-policy-controller}\ndata: {no-match-policy: allow, fail-on-empty-authorities: "false"}\n',
    ['warning no-match-allows', 'warning empty-authorities-allowed'],
  ],
  'another ConfigMap': ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {no-match-policy: allow}\n', []],
  'an exception that is wide and has ended': [
    'apiVersion: sealwright.dev/v1alpha1\nkind: ImageException\nmetadata: {name: e, namespace: n}\nspec: {images: ["registry.example/**"], owner: o, reason: r, ticket: t, from: "2026-01-01T00:00:00Z", expires: "2026-05-01T00:00:00Z"}\n',
    ['note exception-ended', 'warning exception-long', 'warning exception-by-name'],
  ],
  'a policy of a namespace': [
    `apiVersion: sealwright.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: p, namespace: n}\nspec: {${SHOP}, mode: warn, authorities: [${GOOD}]}\n`,
    ['note warn-mode'],
  ],
  "Kyverno's wildcards": [
    kyverno('keyless: {issuer: "*", subject: "*", rekor: {url: "https://rekor.sigstore.dev"}}'),
    ['error identity-matches-anything', 'error identity-matches-anything'],
  ],
  "Kyverno's key, without a log": [
    kyverno(`keys: {publicKeys: ${PEM}, rekor: {ignoreTlog: true}, ctlog: {ignoreSCT: true}}`),
    ['warning long-lived-key', 'warning ignores-log', 'warning ignores-sct'],
  ],
  "Kyverno's newer policy, with an identity that is meant": [ivp(keylessAttestor(WHO)), []],
  'one that names nobody as issuer': [
    ivp(keylessAttestor('subject: alice@example.com')),
    ['error authority-without-identity'],
  ],
  'one whose pattern is everybody': [
    ivp(keylessAttestor(`${ISSUER}, subjectRegExp: ".*"`)),
    ['error identity-matches-anything'],
  ],
  'one whose pattern has no anchor': [
    ivp(keylessAttestor(`${ISSUER}, subjectRegExp: "alice@example[.]com"`)),
    ['warning identity-unanchored'],
  ],
  'one with a key outside any log': [
    ivp(`key: {data: ${PEM}}, ctlog: {insecureIgnoreTlog: true, insecureIgnoreSCT: true}`),
    ['warning long-lived-key', 'warning ignores-log', 'warning ignores-sct'],
  ],
  'one that only audits and lets tags move': [
    ivp(
      keylessAttestor(WHO),
      'validationActions: [Audit], validationConfigurations: {mutateDigest: false, verifyDigest: false}, ',
    ),
    ['note warn-mode', 'warning tag-may-move'],
  ],
  'one whose expressions ask for nobody': [
    ivp(keylessAttestor(WHO), '', 'images.containers.all(image, true)'),
    ['warning attestor-not-asked'],
  ],
  'one that asks by an index': [
    ivp(keylessAttestor(WHO), '', `images.containers.all(image, verifyImageSignatures(image, [attestors['who']]) > 0)`),
    [],
  ],
  'one with a member that nobody knows': [ivp(`${keylessAttestor(WHO)}, kyless: {}`), ['error invalid']],
  "Kyverno's exception without an end": [policyException(''), ['note exception-without-end']],
  "Kyverno's exception that has ended": [
    policyException('expiresAt: "2026-05-01T00:00:00Z", '),
    ['note exception-ended'],
  ],
  "Kyverno's exception that holds": [policyException('expiresAt: "2026-06-02T00:00:00Z", '), []],
  "Kyverno's exception from a single image": [policyException('images: ["r/x"], '), ['error invalid']],
};

function keylessAttestor(identity: string): string {
  return `keyless: {identities: [{${identity}}]}`;
}

function ivp(
  cosign: string,
  spec = '',
  expression = 'images.containers.all(image, verifyImageSignatures(image, [attestors.who]) > 0)',
): string {
  return `apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: i}
spec: {${spec}matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}, attestors: [{name: who, cosign: {${cosign}}}], validations: [{expression: ${JSON.stringify(expression)}}]}
`;
}

function policyException(spec: string): string {
  return `apiVersion: policies.kyverno.io/v1
kind: PolicyException
metadata: {name: e, namespace: n}
spec: {${spec}policyRefs: [{name: i, kind: ImageValidatingPolicy}]}
`;
}

function kyverno(entry: string): string {
  return `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: k}
spec:
  rules:
    - name: signed
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - imageReferences: ["registry.example/*"]
          failureAction: Enforce
          attestors: [{entries: [{${entry}}]}]
`;
}

for (const [what, [text, expected]] of Object.entries(CASES)) {
  test(`${what}: ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(rules(text), expected);
  });
}

test('a caller that a program binds is no finding; one that nothing binds is', () => {
  const identity = `{keyless: {identities: [{${ISSUER}, subjectRegExp: "^https://github\\\\.com/acme/shared/\\\\.github/workflows/reusable-sign\\\\.yml@refs/tags/v3$"}]}}`;
  const program =
    'package sigstore\nisCompliant { input.authorityMatches.a.signatures[_].githubWorkflowRepo == "acme/pay" }';
  const open = rules(cip(`${SHOP}, authorities: [${identity}]`));
  const bound = rules(
    cip(`${SHOP}, authorities: [${identity}], policy: {type: rego, data: ${JSON.stringify(program)}}`),
  );
  assert.ok(!bound.includes('warning identity-reusable-workflow'));
  assert.deepEqual(
    open.filter((rule) => rule !== 'warning identity-reusable-workflow'),
    bound,
  );
});

test('a TrustRoot is found when a chain has ended, and before that', () => {
  const instance = new FakeInstance();
  const text = trustRoot(instance);
  const ends = instance.trustedRoot.certificateAuthorities.flatMap(({ chain }) =>
    chain.map(({ notAfter }) => notAfter.getTime()),
  );
  const end = Math.min(...ends);
  assert.deepEqual(
    rules(text, new Date(end - 40 * 86_400_000)).filter((rule) => rule.startsWith('error')),
    [],
  );
  assert.ok(rules(text, new Date(end - 86_400_000)).includes('warning trust-root-expires'));
  assert.ok(rules(text, new Date(end + 1000)).includes('error trust-root-expired'));
});

const DAY = 86_400_000;
const ROLES = { root: 200, targets: 100, snapshot: 20, timestamp: 5 };

for (const [what, kind, days, expected] of [
  ['a repository at a URL, with roles that are signed every few days', 'remote', {}, []],
  ['one whose targets end', 'remote', { targets: 29 }, ['warning targets']],
  ['one whose root ends first', 'remote', { root: 3, targets: 29 }, ['warning root']],
  ['an archive, whose every role ends', 'repository', {}, ['warning timestamp']],
  ['an archive that is good for long', 'repository', { snapshot: 90, timestamp: 90 }, []],
] as const) {
  test(`${what}: ${expected.join() || 'nothing'}`, () => {
    const roles = Object.entries({ ...ROLES, ...days });
    const expirations = new Map(roles.map(([role, count]) => [role, new Date(NOW.getTime() + count * DAY)]));
    const { trustedRoot } = new FakeInstance();
    const authorities = { ...trustedRoot, certificateAuthorities: [], timestampAuthorities: [] };
    const found = lintTrustRepository({ kind, trustedRoot: authorities, expirations }, 'TrustRoot lab', NOW);
    assert.deepEqual(
      found.map(({ level, message }) => `${level} ${/^its (\w+) metadata/.exec(message)?.[1] ?? message}`),
      expected,
    );
  });
}

test('of the authorities in a repository only the last one counts', () => {
  const { trustedRoot } = new FakeInstance();
  const [authority] = trustedRoot.certificateAuthorities;
  assert.ok(authority !== undefined);
  const ended = { ...authority, validFor: { start: new Date(0), end: new Date(NOW.getTime() - DAY) } };
  const current = { ...authority, validFor: { start: new Date(0) } };
  const end = Math.min(...authority.chain.map(({ notAfter }) => notAfter.getTime()));
  const found = (certificateAuthorities: (typeof authority)[], now: Date): readonly string[] =>
    lintTrustRepository(
      {
        kind: 'remote',
        trustedRoot: { ...trustedRoot, certificateAuthorities, timestampAuthorities: [] },
        expirations: new Map(),
      },
      'TrustRoot lab',
      now,
    ).map(({ rule }) => rule);
  assert.deepEqual(found([ended], NOW), ['trust-root-expired']);
  assert.deepEqual(found([ended, current], new Date(end - 40 * DAY)), []);
  assert.deepEqual(found([ended, current], new Date(end - DAY)), ['trust-root-expires']);
  assert.deepEqual(found([ended, current], new Date(end + 1)), ['trust-root-expired']);
});

test('identities of a newer policy are named one by one', () => {
  const text = ivp(keylessAttestor(`${WHO}}, {${ISSUER}, subjectRegExp: ".*"`));
  const [finding] = lintPolicies([{ path: 'p', text }], NOW);
  assert.equal(finding?.path, 'spec.attestors[0].cosign.keyless.identities[1]');
});

test('findings have the line of their place, in files of several documents and in lists', () => {
  const text = `# first\n---\napiVersion: v1\nkind: List\nitems:\n  - kind: A\n    spec:\n      images:\n        - glob: x\n        - glob: y\n  - {kind: B}\n---\nkind: C\nspec: {a: 1}\n`;
  const [a, b, c] = policyLines(text);
  assert.equal(a?.('spec.images[1].glob'), 10);
  assert.equal(a('spec.images[7].glob'), 8);
  assert.equal(a(''), 6);
  assert.equal(b?.('spec'), 11);
  assert.equal(c?.('spec.a'), 14);
});

test('damaged files end in findings, and in nothing else', () => {
  const text = cip(`${SHOP}, authorities: [${GOOD}]`);
  for (const bytes of damaged(Buffer.from(text))) {
    const broken = new TextDecoder().decode(bytes);
    for (const finding of lintPolicies([{ path: 'p', text: broken }], NOW)) assert.equal(finding.file, 'p');
  }
});
