/** What is proposed from signers seen: that it admits them and their next release, and nothing beside that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { matchIdentity } from '../../../src/core/identity/identity-pattern.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import type { ClusterImagePolicy } from '../../../src/core/policy/cluster-image/cluster-image-policy.ts';
import { learnPolicies, type Learned, type ObservedImage } from '../../../src/core/policy/learning/learned-policies.ts';
import { learnedObjects, renderLearned } from '../../../src/core/policy/learning/learned-policy-form.ts';
import type { ObservedSigner } from '../../../src/core/policy/learning/observed-signer.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
const KEY = PrivateKey.generate('ecdsa-p256').publicKey;

function workflow(ref: string, repository = 'acme/pay', file = 'release.yml'): ObservedSigner {
  return {
    kind: 'identity',
    issuer: GITHUB,
    subject: `https://github.com/${repository}/.github/workflows/${file}@${ref}`,
    sourceRepositoryUri: `https://github.com/${repository}`,
    githubRepository: repository,
    sourceRef: ref,
  };
}

/** A workflow of acme/shared, pinned to a tag, run by somebody. */
function shared(caller: string | undefined, sourceRef?: string): ObservedSigner {
  return {
    kind: 'identity',
    issuer: GITHUB,
    subject: 'https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v3',
    sourceRepositoryUri: `https://github.com/${caller ?? 'acme/unknown'}`,
    ...(caller === undefined ? {} : { githubRepository: caller }),
    ...(sourceRef === undefined ? {} : { sourceRef }),
  };
}

function image(name: string, ...signers: readonly ObservedSigner[]): ObservedImage {
  const [repository = '', version = ''] = name.split(':');
  const digest = Digest.of(Buffer.from(version));
  return { image: { registry: 'registry.example', repository, digest }, namespaces: ['shop'], signers };
}

function text(learned: Learned, mode: 'warn' | 'enforce' = 'warn'): string {
  return renderLearned(
    learned,
    learnedObjects(learned, { form: 'cip', mode, namespaces: [], logUrl: 'https://log.example' }),
  );
}

/** As somebody would load it. */
function policies(...images: readonly ObservedImage[]): readonly ClusterImagePolicy[] {
  return parseClusterImagePolicies(text(learnPolicies(images)), 'learnt');
}

function accepts(policy: ClusterImagePolicy | undefined, subject: string, issuer = GITHUB): boolean {
  return (policy?.authorities ?? []).some((authority) => {
    if (authority.kind !== 'keyless') return false;
    try {
      matchIdentity(authority.identities, { subjects: [subject], issuer, extensions: {} });
      return true;
    } catch {
      return false;
    }
  });
}

const RELEASE = 'https://github.com/acme/pay/.github/workflows/release.yml';

test('releases on tags: the next tag of the same shape passes, and nothing else does', () => {
  const all = policies(
    image('pay/api:1', workflow('refs/tags/v1.2.3')),
    image('pay/api:2', workflow('refs/tags/v1.10.0')),
  );
  assert.equal(all.length, 1);
  const [policy] = all;
  assert.equal(policy?.name, 'acme-pay-release');
  assert.equal(policy.mode, 'warn');
  assert.deepEqual(policy.warnings, []);
  assert.deepEqual(
    policy.images.map((glob) => glob.text),
    ['registry.example/pay/api@*'],
  );
  for (const ref of ['v1.2.3', 'v1.10.0', 'v2.0.0']) assert.ok(accepts(policy, `${RELEASE}@refs/tags/${ref}`), ref);
  for (const subject of [
    `${RELEASE}@refs/tags/v2.0.0-rc.1`,
    `${RELEASE}@refs/tags/v2.0.0\n`,
    `${RELEASE}@refs/heads/main`,
    `${RELEASE}@refs/pull/1/merge`,
    `${RELEASE.replace('pay', 'pay2')}@refs/tags/v1.2.3`,
    `${RELEASE.replace('release', 'test')}@refs/tags/v1.2.3`,
    `https://evil.example/?${RELEASE}@refs/tags/v1.2.3`,
    `${RELEASE.replace('github.com', 'githubxcom')}@refs/tags/v1.2.3`,
  ]) {
    assert.ok(!accepts(policy, subject), subject);
  }
  assert.ok(!accepts(policy, `${RELEASE}@refs/tags/v1.2.3`, 'https://other.example'));
});

test('a branch stays that branch, a person that person, and tags without a shape stay tags', () => {
  const person: ObservedSigner = { kind: 'identity', issuer: 'https://accounts.example', subject: 'alice@example.com' };
  const learned = learnPolicies([
    image('a:1', workflow('refs/heads/main')),
    image('b:1', workflow('refs/tags/nightly-7', 'acme/b')),
    image('c:1', person),
    image('d:1', workflow('refs/heads/try', 'acme/d')),
  ]);
  const [main, nightly, alice] = parseClusterImagePolicies(text(learned), 'learnt');
  assert.ok(accepts(main, `${RELEASE}@refs/heads/main`));
  assert.ok(!accepts(main, `${RELEASE}@refs/heads/main2`));
  assert.ok(!accepts(main, `${RELEASE}@refs/tags/v1.0.0`));
  assert.ok(accepts(nightly, 'https://github.com/acme/b/.github/workflows/release.yml@refs/tags/nightly-8'));
  assert.ok(!accepts(nightly, 'https://github.com/acme/b/.github/workflows/release.yml@refs/heads/nightly-7'));
  assert.ok(accepts(alice, 'alice@example.com', 'https://accounts.example'));
  const notes = learned.policies.map((policy) => policy.notes.join('; '));
  assert.match(notes[0] ?? '', /runs on the branch main alone/);
  assert.match(notes[1] ?? '', /no common shape \(nightly-7\)/);
  assert.match(notes[2] ?? '', /a person, not a workflow/);
  assert.match(notes[3] ?? '', /the branch try: whoever may push to it/);
});

test('a reusable workflow has to sign for the repository it was seen to sign for, at the refs seen', () => {
  const learned = learnPolicies([
    image('a:1', shared('acme/pay', 'refs/heads/main')),
    image('a:2', shared('acme/pay', 'refs/tags/v1')),
  ]);
  const [policy] = parseClusterImagePolicies(text(learned), 'learnt');
  assert.equal(policy?.name, 'acme-pay-by-acme-shared-sign');
  assert.ok(accepts(policy, 'https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v3'));
  assert.ok(!accepts(policy, 'https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v4'));
  const source = policy.condition?.program.source;
  assert.equal(policy.condition?.program.language, 'rego');
  assert.ok(source?.kind === 'data');
  assert.match(
    source.text,
    /signatures\[_\]\n {2}signature\.githubWorkflowRepo == "acme\/pay"\n {2}signature\.githubWorkflowRef == "refs\/heads\/main"\n\}/,
  );
  assert.match(source.text, /startswith\(signature\.githubWorkflowRef, "refs\/tags\/"\)/);
});

test('who must not be asked for is left out, and says why', () => {
  const cases: readonly (readonly [ObservedSigner, RegExp])[] = [
    [workflow('refs/pull/7/merge'), /proposed change/],
    [shared('acme/pay', 'refs/pull/7/merge'), /proposed change/],
    [shared(undefined), /every caller would pass/],
    [{ kind: 'identity', issuer: '', subject: 'alice@example.com' }, /no issuer/],
    [{ kind: 'identity', issuer: GITHUB, subject: '' }, /names nobody/],
  ];
  for (const [signer, reason] of cases) {
    const { policies: proposed, leftOut } = learnPolicies([image('a:1', signer)]);
    assert.deepEqual(proposed, []);
    assert.equal(leftOut[0]?.kind, 'too-wide');
    assert.match(leftOut[0].reason, reason);
  }
});

test('of several signers the fewest that cover every image; a workflow before a key', () => {
  const byKey: ObservedSigner = { kind: 'key', key: KEY, isLogged: true };
  const both = learnPolicies([image('a:1', byKey, workflow('refs/heads/main'))]);
  assert.deepEqual(
    both.policies[0]?.demands.map(({ kind }) => kind),
    ['identity'],
  );
  assert.deepEqual(
    both.leftOut.map(({ kind }) => kind),
    ['several-signers'],
  );
  assert.match(both.leftOut[0]?.reason ?? '', /the key [0-9a-f]{64} as well/);
  // Each alone covers one image; the key covers both.
  const common = learnPolicies([
    image('a:1', byKey, workflow('refs/heads/main')),
    image('a:2', byKey, workflow('refs/heads/main', 'acme/other')),
  ]);
  assert.deepEqual(
    common.policies[0]?.demands.map(({ kind }) => kind),
    ['key'],
  );
  // Nobody covers both.
  const [two] = policies(image('a:1', workflow('refs/heads/main')), image('a:2', byKey));
  assert.equal(two?.authorities.length, 2);
  const logged = two.authorities.find(({ kind }) => kind === 'key');
  assert.ok(logged?.kind === 'key' && logged.log !== undefined);
});

test('repositories of one signer share a policy, others of a like name do not, and the answer is the same in any order', () => {
  const images = [
    image('a:1', workflow('refs/tags/v1.0.0')),
    image('b:1', workflow('refs/tags/v2.0.0')),
    image('c:1', workflow('refs/tags/v1.0.0', 'acme-pay')),
    image('d:1', { ...workflow('refs/tags/v1.0.0'), issuer: 'https://other.example' } as ObservedSigner),
  ];
  const all = policies(...images);
  assert.deepEqual(
    all.map(({ name, images: globs }) => [name, globs.length]),
    [
      ['acme-pay-release', 2],
      ['acme-pay-release-2', 1],
      ['acme-pay-release-3', 1],
    ],
  );
  assert.equal(text(learnPolicies([...images].reverse())), text(learnPolicies(images)));
});

test('what is not known or not believed is told in front, and cannot end its comment', () => {
  const evil = 'no\nspec: {}\u2028\u001b[2J';
  const learned = learnPolicies([
    { ...image('a:1'), absence: { kind: 'unsigned', code: 'NO_SIGNATURE', reason: evil } },
    { ...image('b:1'), absence: { kind: 'could-not-check', code: 'COULD_NOT_CHECK', reason: 'registry down' } },
    image('c:1', workflow('refs/heads/main')),
  ]);
  const written = text(learned);
  const head = written.split('\n').slice(0, 2);
  assert.match(
    head[0] ?? '',
    /^# left out: registry\.example\/a@sha256:[0-9a-f]+: NO_SIGNATURE: no\\u\{a\}spec: \{\}\\u\{2028\}\\u\{1b\}/,
  );
  assert.match(head[1] ?? '', /^# left out: .*COULD_NOT_CHECK: registry down$/);
  assert.equal(parsePolicyObjects(written, 'learnt').policies.length, 1);
});

test('for namespaces: one policy in each that runs the image, and none where nothing was seen', () => {
  const learned = learnPolicies([
    { ...image('a:1', workflow('refs/heads/main')), namespaces: ['shop', 'bank'] },
    image('b:1'),
  ]);
  const objects = learnedObjects(learned, {
    form: 'image-policy',
    mode: 'enforce',
    namespaces: ['x'],
    logUrl: undefined,
  });
  const { policies: parsed } = parsePolicyObjects(renderLearned(learned, objects), 'learnt');
  assert.deepEqual(
    parsed.map(({ name, namespace, mode }) => [name, namespace, mode]),
    [
      ['shop/acme-pay-release', 'shop', 'enforce'],
      ['bank/acme-pay-release', 'bank', 'enforce'],
    ],
  );
});
