import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIdentityToken } from '../../../src/core/identity/identity-token.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { unsignedToken } from '../../support/signing-world.ts';

const WORKFLOW = 'acme/app/.github/workflows/release.yml@refs/heads/main';
const NO_EMAIL = { email: undefined, email_verified: undefined };

/** Claims, the names that a certificate may have, and what the proof of possession is over. */
const TOKENS: readonly (readonly [string, Record<string, unknown>, readonly string[], string])[] = [
  ['an e-mail address', {}, [SUBJECT], SUBJECT],
  ['an address verified in words', { email_verified: 'true' }, [SUBJECT], SUBJECT],
  [
    'GitHub',
    { ...NO_EMAIL, sub: 'repo:acme/app', job_workflow_ref: WORKFLOW },
    [`https://github.com/${WORKFLOW}`],
    'repo:acme/app',
  ],
  [
    'GitLab',
    { ...NO_EMAIL, sub: 'p', ci_config_ref_uri: 'gitlab.com/a//ci.yml@refs/heads/main' },
    ['https://gitlab.com/a//ci.yml@refs/heads/main'],
    'p',
  ],
  [
    'Kubernetes',
    {
      ...NO_EMAIL,
      sub: 'system:serviceaccount:ci:builder',
      'kubernetes.io': { namespace: 'ci', serviceaccount: { name: 'builder' } },
    },
    ['https://kubernetes.io/namespaces/ci/serviceaccounts/builder'],
    'system:serviceaccount:ci:builder',
  ],
  ['SPIFFE', { ...NO_EMAIL, sub: 'spiffe://example.org/ci' }, ['spiffe://example.org/ci'], 'spiffe://example.org/ci'],
  [
    'CircleCI',
    {
      ...NO_EMAIL,
      sub: 'org/o/project/p',
      'oidc.circleci.com/project-id': 'p',
      'oidc.circleci.com/pipeline-definition-id': 'd',
    },
    ['https://circleci.com/api/v2/projects/p/pipeline-definitions/d'],
    'org/o/project/p',
  ],
  ['an issuer of unknown rules', { ...NO_EMAIL, sub: 'org/1/project/2' }, [], 'org/1/project/2'],
];

for (const [what, claims, names, proofSubject] of TOKENS) {
  test(`a token of ${what} says what its certificate may be called`, () => {
    const token = parseIdentityToken(unsignedToken(claims));
    assert.deepEqual([token.certificateNames, token.proofSubject, token.issuer], [names, proofSubject, ISSUER]);
  });
}

test('a provider behind the issuer is read where Dex puts it', () => {
  const claims = { federated_claims: { connector_id: 'https://github.com/login/oauth' } };
  assert.equal(parseIdentityToken(unsignedToken(claims)).federatedIssuer, 'https://github.com/login/oauth');
  assert.equal(parseIdentityToken(unsignedToken()).federatedIssuer, undefined);
});

for (const [what, code, claims] of [
  ['no subject', 'AUTH_CLAIM', { sub: undefined }],
  ['an empty subject', 'AUTH_CLAIM', { sub: '' }],
  ['a subject that is no text', 'AUTH_CLAIM', { sub: { a: 1 } }],
  ['no issuer', 'AUTH_CLAIM', { iss: undefined }],
  ['an address that is not verified', 'AUTH_CLAIM', { email_verified: false }],
  ['an address of which nothing is said', 'AUTH_CLAIM', { email_verified: undefined }],
  ['an address that is no text', 'FORMAT_TOKEN', { email: 1 }],
  ['a federation that is no object', 'FORMAT_TOKEN', { federated_claims: 'x' }],
] as const) {
  test(`a token with ${what} is refused with ${code}`, () => {
    assert.throws(() => parseIdentityToken(unsignedToken(claims)), { code });
  });
}

test('every damaged token is read otherwise or refused by name, and never quoted', () => {
  const bytes = Buffer.from(unsignedToken());
  let refused = 0;
  for (const damage of damaged(bytes)) {
    const token = Buffer.from(damage).toString('latin1');
    try {
      parseIdentityToken(token);
    } catch (error) {
      assert.ok(error instanceof SealwrightError && ['format', 'limit', 'auth'].includes(error.family), String(error));
      assert.ok(token.length < 40 || !JSON.stringify([error, error.message]).includes(token));
      refused++;
    }
  }
  assert.ok(refused > bytes.length / 2, `${refused} refused`);
});
