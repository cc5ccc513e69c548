import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesText, type IdentityMatcher, type StringMatcher } from '../../../src/core/identity/identity-pattern.ts';
import { patternFindingText } from '../../../src/core/identity/pattern-finding.ts';
import { lintIdentity, lintMatcher } from '../../../src/core/identity/pattern-lint.ts';
import { samplePattern } from '../../../src/core/identity/pattern-sample.ts';
import { parseWorkflowIdentity, workflowIdentityText } from '../../../src/core/identity/workflow-identity.ts';
import { UsageError } from '../../../src/errors.ts';

const raw = String.raw;
const ISSUER: StringMatcher = { kind: 'exact', value: 'https://token.actions.githubusercontent.com' };
const exact = (value: string): StringMatcher => ({ kind: 'exact', value });
const whole = (source: string): StringMatcher => ({ kind: 'regexp', source, strict: true });
const part = (source: string): StringMatcher => ({ kind: 'regexp', source, strict: false });

/** Subjects, with what is found about them. */
const SUBJECTS: readonly (readonly [StringMatcher, readonly string[]])[] = [
  [whole('.*'), ['matches-anything']],
  [part(''.padEnd(1, '.')), ['matches-anything']],
  [whole(raw`(?s).*`), ['matches-anything']],
  [part('https://github.com/org/'), ['unanchored', 'unescaped-dot', 'any-repository']],
  [part(raw`^https://github\.com/org/`), ['any-repository']],
  [part(raw`alice@example\.com`), ['unanchored']],
  [part(raw`^alice@example\.com`), ['unanchored']],
  [part(raw`alice@example\.com$`), ['unanchored']],
  [part(raw`^alice@example\.com|bob@example\.com$`), ['unanchored']],
  [whole('https://github.com/org/.*'), ['unescaped-dot', 'any-repository']],
  [whole(raw`https://github\.com/org/.*`), ['any-repository']],
  [whole(raw`https://github\.com/org/[^/]+/\.github/workflows/release\.yml@refs/tags/v.*`), ['any-repository']],
  [whole(raw`https://github\.com/[^/]+/app/\.github/workflows/release\.yml@refs/tags/v.*`), ['any-owner']],
  [whole(raw`https://github\.com/.*`), ['any-owner']],
  [whole(raw`https://github\.com.*`), ['any-host']],
  [whole(raw`https://.*github\.com/org/app/\.github/workflows/release\.yml@refs/heads/main`), ['any-host']],
  [whole(raw`https://github\.com/org/app/.*`), ['any-workflow']],
  [whole(raw`https://github\.com/org/app/\.github/workflows/.*@refs/heads/.*`), ['any-workflow']],
  [whole(raw`https://github\.com/org/app/\.github/workflows/release\.yml@.*`), ['any-ref']],
  [whole(raw`https://github\.com/org/app/\.github/workflows/release\.yml@refs/heads/.+`), ['any-ref']],
  [whole(raw`https://gitlab\.com/group/.*`), ['any-repository']],
  [whole(raw`https://gitlab\.com/group/project//\.gitlab-ci\.yml@.*`), ['any-ref']],
  [whole('https://github.com/org/*'), ['glob-as-pattern']],
  [whole(raw`.*@example\.com`), ['any-mailbox']],
  [whole(raw`[a-z]+@example\.com`), ['any-mailbox']],
  [whole('.*@.*'), ['any-domain']],
  [whole('alice@example.com'), ['unescaped-dot']],
  [exact('https://github.com/org/.*'), ['pattern-as-text']],
  [exact('https://github.com/org/app/.github/workflows/release.yml'), ['workflow-without-ref']],
  [exact('https://github.com/org/shared-workflows/.github/workflows/b.yml@refs/tags/v1'), ['reusable-workflow']],
  [exact('https://github.com/org/app/.github/workflows/reusable-build.yml@refs/heads/main'), ['reusable-workflow']],
  [whole(raw`https://github\.com/org/actions/\.github/workflows/b\.yml@refs/tags/v.*`), ['reusable-workflow']],
  // What is meant as it is written.
  [exact('alice@example.com'), []],
  [exact('https://github.com/org/app/.github/workflows/release.yml@refs/heads/main'), []],
  [whole(raw`https://github\.com/org/app/\.github/workflows/release\.yml@refs/tags/v.*`), []],
  [whole(raw`https://github\.com/org/app/\.github/workflows/(?:release|nightly)\.yml@refs/heads/main`), []],
  [part(raw`^https://github\.com/org/app/\.github/workflows/release\.yml@refs/tags/v[0-9]+$`), []],
  [whole(raw`https://gitlab\.com/group/project//\.gitlab-ci\.yml@refs/heads/main`), []],
  [whole(raw`(?:ann|bob)@example\.com`), []],
  [part(raw`\Aalice@example\.com\z`), []],
];
for (const [subject, names] of SUBJECTS) {
  test(`the subject ${JSON.stringify(subject)}: ${names.join(', ') || 'nothing to say'}`, () => {
    const findings = lintIdentity({ subject, issuer: ISSUER });
    assert.deepEqual(
      findings.map(({ name }) => name),
      names,
    );
    for (const finding of findings) {
      assert.equal(finding.part, 'subject');
      // An example that the pattern refuses would warn of nothing.
      if (finding.example !== undefined) assert.ok(matchesText(subject, finding.example), finding.example);
      assert.doesNotMatch(patternFindingText(finding), /\n/);
    }
  });
}

const ISSUERS: readonly (readonly [StringMatcher, readonly string[]])[] = [
  [whole('.*'), ['matches-anything']],
  [whole('https://.*'), ['matches-anything']],
  [whole('https://token.actions.githubusercontent.com'), ['unescaped-dot']],
  [whole(raw`https://.*\.okta\.com`), ['any-host']],
  [whole(raw`https://gitlab\.com.*`), ['any-host']],
  [whole(raw`https://oidc\.circleci\.com/org/.*`), ['any-tenant']],
  [part('accounts.google.com'), ['unanchored', 'unescaped-dot']],
  [whole(raw`https://accounts\.google\.com`), []],
  [whole(raw`https://token\.actions\.githubusercontent\.com`), []],
  [ISSUER, []],
];
for (const [issuer, names] of ISSUERS) {
  test(`the issuer ${JSON.stringify(issuer)}: ${names.join(', ') || 'nothing to say'}`, () => {
    const findings = lintMatcher('issuer', issuer);
    assert.deepEqual(
      findings.map(({ name }) => name),
      names,
    );
    for (const { example } of findings) assert.ok(example === undefined || matchesText(issuer, example));
  });
}

test('what is written instead of an unanchored pattern accepts what was meant, and not the stranger', () => {
  for (const source of [
    raw`alice@example\.com`,
    raw`^alice@example\.com`,
    raw`^alice@example\.com|bob@example\.com$`,
    raw`alice@example\.com$`,
  ]) {
    const [finding] = lintMatcher('subject', part(source));
    assert.equal(finding?.name, 'unanchored');
    const instead = part(finding.instead);
    assert.ok(matchesText(instead, 'alice@example.com'), finding.instead);
    assert.equal(matchesText(instead, finding.example ?? ''), false, finding.instead);
    assert.deepEqual(lintMatcher('subject', instead), []);
  }
});

test('what is written instead of an unescaped dot refuses the stranger', () => {
  const [finding] = lintMatcher('subject', whole('a.b@example.com'));
  assert.equal(finding?.example, 'axb@example.com');
  assert.equal(finding.instead, raw`a\.b@example\.com`);
  assert.equal(matchesText(whole(finding.instead), finding.example), false);
});

test('a reusable workflow is no trap once the caller is bound', () => {
  const subject = exact('https://github.com/org/shared-workflows/.github/workflows/b.yml@refs/tags/v1');
  const bound = (extensions: IdentityMatcher['extensions']): readonly string[] =>
    lintIdentity({ subject, issuer: ISSUER, ...(extensions === undefined ? {} : { extensions }) }).map(
      ({ name }) => name,
    );
  assert.deepEqual(bound(undefined), ['reusable-workflow']);
  assert.deepEqual(bound({ buildTrigger: exact('push') }), ['reusable-workflow']);
  assert.deepEqual(bound({ sourceRepositoryIdentifier: exact('123') }), []);
  assert.deepEqual(bound({ githubWorkflowRepository: exact('org/app') }), []);
});

test('a pattern that does not compile is refused, not praised', () => {
  assert.throws(
    () => lintMatcher('subject', whole('(')),
    (error) => error instanceof UsageError && error.code === 'USAGE_BAD_CONFIG',
  );
});

test('what cannot be sampled is not guessed at', () => {
  for (const source of [
    '(?i)alice',
    raw`\pL+`,
    `${'('.repeat(40)}a${')'.repeat(40)}`,
    '(',
    '[',
    'a)',
    raw`\Qab`.slice(0, 1),
  ]) {
    assert.deepEqual(samplePattern(source), [], source);
  }
});

test('alternatives are followed so far and no further', () => {
  const many = Array.from({ length: 12 }, () => '(a|b)').join('');
  assert.equal(samplePattern(many).length, 16);
  // Long, hostile, and over at once.
  assert.ok(lintMatcher('subject', whole('(a|b).*'.repeat(300))).length <= 3);
});

test("workflows' names come apart and together again", () => {
  for (const text of [
    'https://github.com/org/app/.github/workflows/release.yml@refs/heads/main',
    'https://gitlab.com/group/sub/project//.gitlab-ci.yml@refs/tags/v1',
  ]) {
    const identity = parseWorkflowIdentity(text);
    assert.ok(identity !== undefined);
    assert.equal(workflowIdentityText(identity), text);
  }
  for (const text of ['alice@example.com', 'https://github.com/org/app', 'https://github.com/org/app//x@y', '']) {
    assert.equal(parseWorkflowIdentity(text), undefined, text);
  }
});
