import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkMatcher,
  matcherText,
  matchesText,
  matchIdentity,
  type IdentityMatcher,
  type PresentedIdentity,
  type StringMatcher,
} from '../../../src/core/identity/identity-pattern.ts';
import { VerificationError, type ErrorFacts } from '../../../src/errors.ts';

const exact = (value: string): StringMatcher => ({ kind: 'exact', value });
const whole = (source: string): StringMatcher => ({ kind: 'regexp', source, strict: true });
const part = (source: string): StringMatcher => ({ kind: 'regexp', source, strict: false });

const WORKFLOW = 'https://github.com/org/repo/.github/workflows/release.yml@refs/heads/main';
const GITHUB = 'https://token.actions.githubusercontent.com';
const PRESENTED: PresentedIdentity = {
  subjects: [WORKFLOW],
  issuer: GITHUB,
  extensions: { sourceRepositoryRef: 'refs/heads/main', buildTrigger: 'push' },
};

const MATCHES: readonly (readonly [StringMatcher, string, boolean])[] = [
  [exact('alice@example.com'), 'alice@example.com', true],
  [exact('alice@example.com'), 'Alice@example.com', false],
  [exact('alice@example.com'), 'alice@example.com.evil.example', false],
  [exact('alice@example.com'), 'xalice@example.com', false],
  [exact('alice@example.com'), 'alice@example.com\n', false],
  [exact('.*'), 'alice@example.com', false],
  // An empty expectation is no wildcard, not even for an empty text.
  [exact(''), '', false],
  [exact(''), 'alice@example.com', false],
  [whole('.*@example\\.com'), 'alice@example.com', true],
  [whole('.*@example\\.com'), 'alice@example.com.evil.example', false],
  [whole('https://github.com/org/'), WORKFLOW, false],
  [whole('https://github.com/org/.*'), WORKFLOW, true],
  [whole('https://github.com/org/.*'), `https://evil.example/?${WORKFLOW}`, false],
  [whole('^https://github.com/org/.*$'), WORKFLOW, true],
  [whole('a|b'), 'b', true],
  [whole('a|b'), 'ab', false],
  // Alternatives must not escape the anchors.
  [whole('alice@example\\.com|bob'), 'bobby', false],
  [whole('alice@example\\.com|bob'), 'mallory bob', false],
  // A line feed is no end of the text, and the dot does not cross it.
  [whole('alice@example\\.com'), 'alice@example.com\n', false],
  [whole('.*'), 'a\nb', false],
  [whole('(?s).*'), 'a\nb', true],
  [whole('(?m)^alice$'), 'mallory\nalice', false],
  [part('github.com/org/'), WORKFLOW, true],
  [part('github.com/org/'), `https://evil.example/?${WORKFLOW}`, true],
  [part('^https://github.com/org/'), `https://evil.example/?${WORKFLOW}`, false],
];
for (const [matcher, text, expected] of MATCHES) {
  test(`${matcherText(matcher)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
    assert.equal(matchesText(matcher, text), expected);
  });
}

test('patterns that would take a backtracking engine for ever answer at once', () => {
  assert.equal(matchesText(whole('(a+)+b'), 'a'.repeat(50_000)), false);
  assert.equal(matchesText(whole('(a|a)*c'), 'a'.repeat(20_000)), false);
});

for (const source of ['(?=a)', '(a)\\1', '(?!x)y', '[', 'a{1001}', '(?<=a)b', '', 'x'.repeat(4097)]) {
  test(`the pattern ${JSON.stringify(source.slice(0, 20))} is refused before anything is matched`, () => {
    assert.throws(
      () => {
        checkMatcher(whole(source), 'subject');
      },
      { code: 'USAGE_BAD_CONFIG' },
    );
  });
}

test('an empty exact text is refused before anything is matched', () => {
  assert.throws(
    () => {
      checkMatcher(exact(''), 'issuer');
    },
    { code: 'USAGE_BAD_CONFIG', message: /issuer/ },
  );
});

const identity = (
  subject: StringMatcher,
  issuer: StringMatcher,
  more: Partial<IdentityMatcher> = {},
): IdentityMatcher => ({
  subject,
  issuer,
  ...more,
});

test('any accepted identity and any presented name will do, and the match says which', () => {
  const bob = identity(exact('bob@example.com'), exact(GITHUB));
  const ours = identity(exact(WORKFLOW), exact(GITHUB));
  const presented = { ...PRESENTED, subjects: ['first@example.com', WORKFLOW] };
  assert.deepEqual(matchIdentity([bob, ours], presented), { matcher: ours, subject: WORKFLOW, issuer: GITHUB });
});

test('extensions that are asked for must be there and match', () => {
  const asking = (extensions: IdentityMatcher['extensions']): IdentityMatcher =>
    identity(exact(WORKFLOW), exact(GITHUB), extensions === undefined ? {} : { extensions });
  matchIdentity([asking({ sourceRepositoryRef: exact('refs/heads/main') })], PRESENTED);
  for (const extensions of [
    { sourceRepositoryRef: exact('refs/heads/dev') },
    { sourceRepositoryRef: exact('refs/heads/main'), deploymentEnvironment: whole('.*') },
  ]) {
    assert.match(refusal([asking(extensions)]).closest ?? '', /^subject and issuer match, but/);
  }
});

function refusal(accepted: readonly IdentityMatcher[], presented = PRESENTED): ErrorFacts {
  try {
    matchIdentity(accepted, presented);
  } catch (error) {
    assert.ok(error instanceof VerificationError);
    assert.equal(error.code, 'IDENTITY_MISMATCH');
    return error.facts;
  }
  return assert.fail('the identity matched');
}

const REFUSED: readonly (readonly [string, readonly IdentityMatcher[]])[] = [
  ['none is accepted', []],
  ['the subject differs', [identity(exact('bob@example.com'), exact(GITHUB))]],
  ['the issuer differs', [identity(exact(WORKFLOW), exact('https://gitlab.com'))]],
  ['the subject is only a prefix', [identity(exact(WORKFLOW.slice(0, -1)), exact(GITHUB))]],
  ['the case differs', [identity(exact(WORKFLOW.toUpperCase()), exact(GITHUB))]],
  ['the issuer has a slash more', [identity(exact(WORKFLOW), exact(`${GITHUB}/`))]],
  [
    'subject and issuer come from two accepted identities',
    [identity(exact(WORKFLOW), exact('https://gitlab.com')), identity(exact('bob'), exact(GITHUB))],
  ],
];
for (const [what, accepted] of REFUSED) {
  test(`an identity is refused when ${what}`, () => {
    const { found, expected } = refusal(accepted);
    assert.match(found ?? '', /subject https:\/\/github\.com\/org.* issuer https:\/\/token/);
    assert.notEqual(expected, undefined);
  });
}

test('a certificate without an issuer matches no exact issuer, and is named so', () => {
  const { found } = refusal([identity(exact(WORKFLOW), exact(GITHUB))], {
    subjects: [WORKFLOW],
    issuer: undefined,
    extensions: {},
  });
  assert.match(found ?? '', /issuer \(none\)/);
});

/** Pattern that matched a part → the one that is printed. Each printed one must match the whole. */
const CORRECTED: readonly (readonly [string, string])[] = [
  ['https://github.com/org/', 'https://github.com/org/.*'],
  ['/org/repo/', '.*/org/repo/.*'],
  ['refs/heads/main', '.*refs/heads/main'],
  ['^https://github.com/org/', '^https://github.com/org/.*'],
  ['org/repo|org/other', '.*(?:org/repo|org/other).*'],
];
for (const [source, corrected] of CORRECTED) {
  test(`instead of '${source}' the error prints '${corrected}', which works as pasted`, () => {
    const { closest, fix } = refusal([identity(whole(source), exact(GITHUB))]);
    assert.match(closest ?? '', /matches a part of the subject/);
    assert.equal(fix, `--certificate-identity-regexp '${corrected}'`);
    matchIdentity([identity(whole(corrected), exact(GITHUB))], PRESENTED);
  });
}

test('the issuer pattern is corrected too, and a quote in a pattern cannot leave the shell word', () => {
  const issuer = refusal([identity(exact(WORKFLOW), whole('token\\.actions'))]);
  assert.equal(issuer.fix, "--certificate-oidc-issuer-regexp '.*token\\.actions.*'");
  const quoted = refusal([identity(whole("o'"), exact(GITHUB))], { ...PRESENTED, subjects: ["o'hara@example.com"] });
  assert.equal(quoted.fix, String.raw`--certificate-identity-regexp 'o'\''.*'`);
});

test('no correction is offered for a pattern that matches nowhere', () => {
  assert.equal(refusal([identity(whole('https://gitlab.com/.*'), exact(GITHUB))]).fix, undefined);
});

test('details hold what was presented, for JSON output', () => {
  const { details } = refusal([identity(exact('x'), exact('y'))]);
  assert.deepEqual(details, { subjects: [WORKFLOW], issuer: GITHUB });
});
