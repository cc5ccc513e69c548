/** What is found in policies: each rule by a policy that it is about, and none of them in a policy that means what it says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { lintPolicies } from '../../../src/core/policy/lint-policies.ts';
import { policyLines } from '../../../src/core/policy/policy-lines.ts';
import { FakeInstance } from '../../support/instance.ts';
import { damaged } from '../../support/damage.ts';
import { trustRoot } from '../../servers/webhook/trust-root-document.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const PEM = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());
const ISSUER = 'issuer: "https://token.actions.githubusercontent.com"';
const GOOD = `{keyless: {identities: [{${ISSUER}, subject: "https://github.com/acme/pay/.github/workflows/release.yml@refs/heads/main"}]}}`;
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
};

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
