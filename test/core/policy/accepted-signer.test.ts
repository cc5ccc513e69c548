/** Whom policies accept, in the words of a revocation: never less than the policy accepts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesText } from '../../../src/core/identity/identity-pattern.ts';
import { globOf } from '../../../src/core/policy/judgement/accepted-signer.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { TextGlob } from '../../../src/core/revocation/text-glob.ts';

const WORKFLOW = 'https://github.com/acme/pay/.github/workflows/release.yml@refs/heads/main';

const PATTERNS: readonly (readonly [
  source: string,
  strict: boolean,
  glob: string | undefined,
  fits: readonly string[],
])[] = [
  ['^https://github\\.com/acme/.*$', false, 'https://github.com/acme/*', [WORKFLOW, 'https://github.com/acme/']],
  ['^https://github.com/acme/.+', false, 'https://github*com/acme/*', [WORKFLOW]],
  ['https://github.com/acme/', false, '*https://github*com/acme/*', [WORKFLOW, `x${WORKFLOW}`]],
  ['https://github\\.com/acme/pay/.*', true, 'https://github.com/acme/pay/*', [WORKFLOW]],
  [
    '^https://github\\.com/acme/[^/]+/\\.github/.*@refs/heads/main$',
    false,
    'https://github.com/acme/*/.github/*@refs/heads/main',
    [WORKFLOW],
  ],
  ['^v[0-9]+$', false, 'v*', ['v12']],
  ['^.*@example\\.com$', false, '*@example.com', ['ann@example.com']],
  ['.*', false, undefined, []],
  ['^(alice|bob)@example.com$', false, undefined, []],
  ['^ab?c$', false, undefined, []],
  ['^ab*c$', false, undefined, []],
  ['^a{2}$', false, undefined, []],
  ['^\\d+$', false, undefined, []],
  ['a|b', false, undefined, []],
  ['', false, undefined, []],
];

for (const [source, strict, glob, fits] of PATTERNS) {
  test(`${strict ? 'strict ' : ''}/${source}/ is ${glob ?? 'more than a text with stars can say'}`, () => {
    const matcher = { kind: 'regexp', source, strict } as const;
    assert.equal(globOf(matcher), glob);
    for (const text of fits) {
      assert.ok(matchesText(matcher, text), text);
      assert.ok(new TextGlob(glob ?? '').matches(text), text);
    }
  });
}

test('policies of every kind say whom they accept', () => {
  const text = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: cip}
spec:
  images: [{glob: "**"}]
  authorities:
    - keyless: {identities: [{issuer: https://a.example, subject: ann@example.com}, {issuerRegExp: ".*", subject: x}]}
    - key: {kms: hashivault://k}
    - static: {action: fail}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: kyverno}
spec:
  rules:
    - name: signed
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - imageReferences: ["*"]
          failureAction: Enforce
          attestors:
            - entries:
                - keyless: {subject: "https://github.com/acme/*", issuer: https://token.example, rekor: {url: https://rekor.example}}
`;
  const { policies } = parsePolicyObjects(text, 'policies.yaml');
  assert.deepEqual(
    policies.map(({ signers }) => signers),
    [
      [
        { kind: 'identity', issuer: 'https://a.example', subject: 'ann@example.com' },
        { kind: 'other', text: 'x, authenticated by /.*/' },
        { kind: 'other', text: 'the key hashivault://k', isKey: true },
      ],
      [{ kind: 'identity', issuer: 'https://token.example', subject: 'https://github.com/acme/*' }],
    ],
  );
});
