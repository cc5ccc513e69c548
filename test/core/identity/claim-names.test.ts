import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLAIM_NAMES, claimCondition } from '../../../src/core/identity/claim-names.ts';
import { FULCIO_EXTENSION_NAMES } from '../../../src/core/pki/fulcio-extensions.ts';
import { UsageError } from '../../../src/errors.ts';

const GITLAB = 'https://gitlab.example.com';

test('every extension has its name, with and without dashes', () => {
  for (const extension of FULCIO_EXTENSION_NAMES) {
    const dashed = extension.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    for (const name of [extension, dashed, dashed.toUpperCase(), dashed.replaceAll('-', ' ')]) {
      assert.deepEqual(claimCondition(name, 'refs/heads/x', undefined), { extension, value: 'refs/heads/x' }, name);
    }
  }
});

/** As the systems' tokens say it, and as certificates do. */
const CI: readonly (readonly [name: string, value: string, extension: string, text: string])[] = [
  ['repository', 'acme/shop', 'githubWorkflowRepository', 'acme/shop'],
  ['repository_owner', 'acme', 'sourceRepositoryOwnerUri', 'https://github.com/acme'],
  ['repository_id', '42', 'sourceRepositoryIdentifier', '42'],
  [
    'job_workflow_ref',
    'acme/ci/.github/workflows/b.yml@refs/tags/v1',
    'buildSignerUri',
    'https://github.com/acme/ci/.github/workflows/b.yml@refs/tags/v1',
  ],
  ['event_name', 'push', 'buildTrigger', 'push'],
  ['project_path', 'group/sub/shop', 'sourceRepositoryUri', `${GITLAB}/group/sub/shop`],
  ['namespace_path', 'group/sub', 'sourceRepositoryOwnerUri', `${GITLAB}/group/sub`],
  ['pipeline_source', 'push', 'buildTrigger', 'push'],
  [
    'ci_config_ref_uri',
    'gitlab.example.com/group/shop//.gitlab-ci.yml@refs/heads/main',
    'buildConfigUri',
    'https://gitlab.example.com/group/shop//.gitlab-ci.yml@refs/heads/main',
  ],
  ['ref', 'refs/heads/main', 'sourceRepositoryRef', 'refs/heads/main'],
];
for (const [name, value, extension, text] of CI) {
  test(`the claim ${name} is ${extension}`, () => {
    assert.deepEqual(claimCondition(name, value, GITLAB), { extension, value: text });
    assert.deepEqual(claimCondition(name.replaceAll('_', '-'), value, GITLAB), { extension, value: text });
  });
}

test('what no certificate can say is refused', () => {
  for (const [name, value, issuer] of [
    ['ref', 'main', GITLAB],
    ['source-repository-ref', 'v1.0', GITLAB],
    ['project_path', 'group/shop', undefined],
    ['namespace-path', 'group', undefined],
  ] as const) {
    assert.throws(
      () => claimCondition(name, value, issuer),
      (error) => error instanceof UsageError && error.code === 'USAGE_BAD_FLAG',
      name,
    );
  }
});

test('unknown names are unknown, and each known one is listed once', () => {
  for (const name of ['', 'sub', 'constructor', 'repositry', '1.3.6.1.4.1.57264.1.99']) {
    assert.equal(claimCondition(name, 'x', GITLAB), undefined, name);
  }
  assert.equal(new Set(CLAIM_NAMES).size, CLAIM_NAMES.length);
  for (const name of CLAIM_NAMES) assert.ok(claimCondition(name, 'refs/heads/x', GITLAB) !== undefined, name);
});
