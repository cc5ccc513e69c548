import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import { checkIssuerConfig, type IssuerConfig } from '../../../src/core/identity/issuer-config.ts';
import { principalFromClaims, type Principal } from '../../../src/core/identity/principal.ts';

const ISSUER = 'https://issuer.example.org';
const config = (more: Partial<IssuerConfig>): IssuerConfig => ({
  issuerUrl: ISSUER,
  clientId: 'sigstore',
  type: 'email',
  ...more,
});
const principal = (issuer: Partial<IssuerConfig>, claims: JsonObject): Principal =>
  principalFromClaims(config(issuer), new JsonFields(claims, 'token', 'FORMAT_TOKEN'));

/** A workflow's token, claims as GitHub documents them. */
const GITHUB = {
  sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
  event_name: 'push',
  sha: 'example-sha',
  workflow: 'release',
  repository: 'octo-org/octo-repo',
  ref: 'refs/heads/main',
  job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
  job_workflow_sha: 'workflow-file-sha',
  runner_environment: 'github-hosted',
  repository_id: '74',
  repository_owner: 'octo-org',
  repository_owner_id: '65',
  workflow_ref: 'octo-org/octo-repo/.github/workflows/release.yml@refs/heads/main',
  workflow_sha: 'example-workflow-sha',
  run_id: '1234',
  run_attempt: '2',
  repository_visibility: 'public',
};

const GITLAB = {
  sub: 'project_path:group/project:ref_type:branch:ref:main',
  ci_config_ref_uri: 'gitlab.com/group/project//.gitlab-ci.yml@refs/heads/main',
  ci_config_sha: 'config-sha',
  runner_environment: 'gitlab-hosted',
  project_path: 'group/project',
  sha: 'commit-sha',
  ref_type: 'branch',
  ref: 'main',
  project_id: '22',
  namespace_path: 'group',
  namespace_id: '7',
  pipeline_source: 'web',
  job_id: '302',
  project_visibility: 'internal',
};

test('e-mail: the address is name and SAN, and the subject stays in the certificate', () => {
  const claims = { sub: '1234', email: 'alice@example.com', email_verified: true };
  assert.deepEqual(principal({}, claims), {
    name: 'alice@example.com',
    subjectAltName: { kind: 'email', value: 'alice@example.com' },
    extensions: { issuer: ISSUER, tokenSubject: '1234' },
  });
  for (const verified of ['true', 'True']) principal({}, { ...claims, email_verified: verified });
  principal({ skipEmailVerification: true }, { sub: '1', email: 'alice@example.com' });
});

test('GitHub: nineteen claims become extensions as the public CA writes them', () => {
  const { name, subjectAltName, extensions } = principal({ type: 'github-workflow' }, GITHUB);
  assert.equal(name, GITHUB.sub);
  assert.deepEqual(subjectAltName, { kind: 'uri', value: `https://github.com/${GITHUB.job_workflow_ref}` });
  assert.deepEqual(extensions, {
    issuer: ISSUER,
    tokenSubject: GITHUB.sub,
    githubWorkflowTrigger: 'push',
    githubWorkflowSha: 'example-sha',
    githubWorkflowName: 'release',
    githubWorkflowRepository: 'octo-org/octo-repo',
    githubWorkflowRef: 'refs/heads/main',
    buildSignerUri: `https://github.com/${GITHUB.job_workflow_ref}`,
    buildSignerDigest: 'workflow-file-sha',
    runnerEnvironment: 'github-hosted',
    sourceRepositoryUri: 'https://github.com/octo-org/octo-repo',
    sourceRepositoryDigest: 'example-sha',
    sourceRepositoryRef: 'refs/heads/main',
    sourceRepositoryIdentifier: '74',
    sourceRepositoryOwnerUri: 'https://github.com/octo-org',
    sourceRepositoryOwnerIdentifier: '65',
    buildConfigUri: `https://github.com/${GITHUB.workflow_ref}`,
    buildConfigDigest: 'example-workflow-sha',
    buildTrigger: 'push',
    runInvocationUri: 'https://github.com/octo-org/octo-repo/actions/runs/1234/attempts/2',
    sourceRepositoryVisibilityAtSigning: 'public',
  });
});

test('GitLab: the configuration is the identity, its double slash kept', () => {
  const { subjectAltName, extensions } = principal({ type: 'gitlab-pipeline' }, GITLAB);
  assert.deepEqual(subjectAltName, {
    kind: 'uri',
    value: 'https://gitlab.com/group/project//.gitlab-ci.yml@refs/heads/main',
  });
  assert.equal(extensions.sourceRepositoryRef, 'refs/heads/main');
  assert.equal(extensions.runInvocationUri, 'https://gitlab.com/group/project/-/jobs/302');
  const tagged = principal({ type: 'gitlab-pipeline' }, { ...GITLAB, ref_type: 'tag', ref: 'v1' });
  assert.equal(tagged.extensions.sourceRepositoryRef, 'refs/tags/v1');
});

const CIRCLECI = {
  sub: 'org/o/project/p/user/u',
  'oidc.circleci.com/project-id': 'p',
  'oidc.circleci.com/pipeline-definition-id': 'd',
  'oidc.circleci.com/pipeline-id': 'l',
  'oidc.circleci.com/workflow-id': 'w',
  'oidc.circleci.com/job-id': 'j',
  'oidc.circleci.com/ssh-rerun': false,
  'oidc.circleci.com/vcs-origin': 'github.com/acme/app',
  'oidc.circleci.com/vcs-ref': 'refs/heads/main',
};

test('CircleCI: the pipeline definition is the identity, its double slash and its two quotes kept', () => {
  const { name, subjectAltName, extensions } = principal({ type: 'circleci-job' }, CIRCLECI);
  const definition = 'https://circleci.com/api/v2/projects/p/pipeline-definitions/d';
  assert.equal(name, CIRCLECI.sub);
  assert.deepEqual(subjectAltName, { kind: 'uri', value: definition });
  assert.deepEqual(extensions, {
    issuer: ISSUER,
    tokenSubject: CIRCLECI.sub,
    buildSignerUri: definition,
    runnerEnvironment: '""',
    sourceRepositoryUri: 'github.com/acme/app',
    sourceRepositoryRef: 'refs/heads/main',
    buildConfigUri: 'https://circleci.com/api/v2/pipeline/l/config',
    runInvocationUri: 'https://app.circleci.com//workflow/w/job/j',
  });
  for (const rerun of [true, 'true']) {
    const again = principal({ type: 'circleci-job' }, { ...CIRCLECI, 'oidc.circleci.com/ssh-rerun': rerun });
    assert.equal(again.extensions.runnerEnvironment, 'ssh-rerun');
  }
  const { 'oidc.circleci.com/vcs-origin': _, 'oidc.circleci.com/vcs-ref': __, ...bare } = CIRCLECI;
  assert.equal(principal({ type: 'circleci-job' }, bare).extensions.sourceRepositoryUri, '');
});

const SANS: readonly (readonly [string, Partial<IssuerConfig>, JsonObject, string])[] = [
  ['a URI', { type: 'uri', subjectDomain: ISSUER }, { sub: `${ISSUER}/users/7` }, `${ISSUER}/users/7`],
  [
    'a SPIFFE ID',
    { type: 'spiffe', spiffeTrustDomain: 'prod.example' },
    { sub: 'spiffe://prod.example/ns/a/sa/b' },
    'spiffe://prod.example/ns/a/sa/b',
  ],
  [
    'a Kubernetes service account',
    { type: 'kubernetes' },
    { sub: 'system:serviceaccount:build:ci', 'kubernetes.io': { namespace: 'build', serviceaccount: { name: 'ci' } } },
    'https://kubernetes.io/namespaces/build/serviceaccounts/ci',
  ],
  [
    'a Buildkite pipeline',
    { type: 'buildkite-job' },
    { sub: 's', organization_slug: 'acme', pipeline_slug: 'ship' },
    'https://buildkite.com/acme/ship',
  ],
  [
    'a workflow with a space in its path',
    { type: 'github-workflow' },
    { ...GITHUB, job_workflow_ref: 'o/r/.github/workflows/a b.yml@refs/heads/ü' },
    'https://github.com/o/r/.github/workflows/a%20b.yml@refs/heads/%C3%BC',
  ],
];
for (const [what, issuer, claims, expected] of SANS) {
  test(`${what} becomes ${expected}`, () => {
    const found = principal(issuer, claims);
    assert.deepEqual(found.subjectAltName, { kind: 'uri', value: expected });
    assert.equal(found.name, claims['sub']);
  });
}

test('numbers among the claims are written in decimal', () => {
  const { extensions } = principal({ type: 'github-workflow' }, { ...GITHUB, run_id: 987654321, repository_id: 74 });
  assert.match(extensions.runInvocationUri ?? '', /runs\/987654321\//);
  assert.equal(extensions.sourceRepositoryIdentifier, '74');
});

const without = (claims: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
const EMAIL = { sub: '1', email: 'alice@example.com', email_verified: true };
const KUBERNETES = { sub: 's', 'kubernetes.io': { namespace: 'build', serviceaccount: { name: 'ci' } } };
const SPIFFE = { type: 'spiffe', spiffeTrustDomain: 'prod.example' } as const;
const URI = { type: 'uri', subjectDomain: ISSUER } as const;

const REFUSED: readonly (readonly [string, Partial<IssuerConfig>, JsonObject])[] = [
  ['no subject', {}, without(EMAIL, 'sub')],
  ['an empty subject', {}, { ...EMAIL, sub: '' }],
  ['no e-mail address', {}, without(EMAIL, 'email')],
  ['an address that nobody verified', {}, { ...EMAIL, email_verified: false }],
  ['no word on verification', {}, without(EMAIL, 'email_verified')],
  ['verification by the number 1', {}, { ...EMAIL, email_verified: 1 }],
  ['verification by TRUE', {}, { ...EMAIL, email_verified: 'TRUE' }],
  ['an address without a dotted domain', {}, { ...EMAIL, email: 'alice@localhost' }],
  ['an address with two at signs', {}, { ...EMAIL, email: 'a@b@example.com' }],
  ['an address with a line feed', {}, { ...EMAIL, email: 'alice@example.com\n' }],
  ['an address with a zero byte', {}, { ...EMAIL, email: 'alice@example.com\0.evil.example' }],
  ['an address that is not ASCII', {}, { ...EMAIL, email: 'älice@example.com' }],
  ['an address of 255 characters', {}, { ...EMAIL, email: `${'a'.repeat(243)}@example.com` }],
  ['an array of addresses', {}, { ...EMAIL, email: ['alice@example.com'] }],
  ['a URI of another host', URI, { sub: 'https://evil.example/users/7' }],
  ['a URI of another scheme', URI, { sub: 'http://issuer.example.org/users/7' }],
  ['a host that only begins alike', URI, { sub: `${ISSUER}.evil.example/` }],
  ['the host as a user name', URI, { sub: 'https://issuer.example.org@evil.example/' }],
  ['an address where a URI belongs', URI, { sub: 'alice@issuer.example.org' }],
  ['a SPIFFE ID of another trust domain', SPIFFE, { sub: 'spiffe://dev.example/a' }],
  ['a SPIFFE ID without a path', SPIFFE, { sub: 'spiffe://prod.example' }],
  ['a SPIFFE ID with an empty segment', SPIFFE, { sub: 'spiffe://prod.example//a' }],
  ['a SPIFFE ID with a dotted segment', SPIFFE, { sub: 'spiffe://prod.example/a/../b' }],
  ['a SPIFFE ID with a query', SPIFFE, { sub: 'spiffe://prod.example/a?b' }],
  ['a SPIFFE ID with a port', SPIFFE, { sub: 'spiffe://prod.example:1/a' }],
  ['a SPIFFE ID in capitals', SPIFFE, { sub: 'spiffe://PROD.example/a' }],
  ['no service account', { type: 'kubernetes' }, { sub: 's' }],
  [
    'an empty namespace',
    { type: 'kubernetes' },
    { sub: 's', 'kubernetes.io': { ...KUBERNETES['kubernetes.io'], namespace: '' } },
  ],
  ['a GitLab reference of another type', { type: 'gitlab-pipeline' }, { ...GITLAB, ref_type: 'merge' }],
  ['a lone surrogate in its subject', URI, { sub: `${ISSUER}/\ud800` }],
  [
    'a lone surrogate in its namespace',
    { type: 'kubernetes' },
    { sub: 's', 'kubernetes.io': { ...KUBERNETES['kubernetes.io'], namespace: '\ud800' } },
  ],
  ...['project-id', 'pipeline-definition-id', 'pipeline-id', 'workflow-id', 'job-id'].map(
    (name) =>
      [`no ${name} of CircleCI`, { type: 'circleci-job' }, { ...CIRCLECI, [`oidc.circleci.com/${name}`]: '' }] as const,
  ),
  ['an empty pipeline', { type: 'buildkite-job' }, { sub: 's', organization_slug: 'acme', pipeline_slug: '' }],
  ['an object among the claims', { type: 'github-workflow' }, { ...GITHUB, run_id: {} }],
  ['a fraction among the claims', { type: 'github-workflow' }, { ...GITHUB, run_id: 1.5 }],
];
for (const [what, issuer, claims] of REFUSED) {
  test(`a token with ${what} is refused`, () => {
    assert.throws(() => principal(issuer, claims), { code: 'AUTH_CLAIM' });
  });
}

for (const [type, claims] of [
  ['github-workflow', GITHUB],
  ['gitlab-pipeline', GITLAB],
] as const) {
  test(`${type}: each claim is mandatory`, () => {
    principal({ type }, claims);
    for (const name of Object.keys(claims)) {
      assert.throws(() => principal({ type }, without(claims, name)), { code: 'AUTH_CLAIM' }, name);
    }
  });
}

test('a service account that is no object is refused as a malformed token', () => {
  assert.throws(() => principal({ type: 'kubernetes' }, { sub: 's', 'kubernetes.io': 'text' }), {
    code: 'FORMAT_TOKEN',
  });
});

const CONFIGS: readonly (readonly [string, Partial<IssuerConfig>])[] = [
  ['no URL', { issuerUrl: 'issuer' }],
  ['no audience', { clientId: '' }],
  ['SPIFFE without a trust domain', { type: 'spiffe' }],
  ['a trust domain in capitals', { type: 'spiffe', spiffeTrustDomain: 'Prod.example' }],
  ['a trust domain with a path', { type: 'spiffe', spiffeTrustDomain: 'prod.example/a' }],
  ['uri without a domain', { type: 'uri' }],
  ['uri with another scheme', { type: 'uri', subjectDomain: 'http://issuer.example.org' }],
  ['uri with a host that shares a suffix', { type: 'uri', subjectDomain: 'https://evil.example.org' }],
];
for (const [what, more] of CONFIGS) {
  test(`an issuer configuration with ${what} is refused`, () => {
    checkIssuerConfig(config({}));
    assert.throws(() => checkIssuerConfig(config(more)), { code: 'USAGE_BAD_CONFIG' });
  });
}
