/** How far patterns of identities reach, counted by what is the same in everything that they accept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StringMatcher } from '../../../src/core/identity/identity-pattern.ts';
import { fixedIn, identityWidth, widthOf } from '../../../src/core/policy/judgement/identity-width.ts';

function pattern(source: string, strict = false): StringMatcher {
  return { kind: 'regexp', source, strict };
}

const ISSUER: StringMatcher = { kind: 'exact', value: 'https://issuer.example' };

const CASES: readonly (readonly [source: string, fixed: number | undefined])[] = [
  ['.*', 0],
  ['', 0],
  ['.+', 0],
  ['^https://github\\.com/acme/.*$', 'https://github.com/acme/'.length],
  // A point that nobody escaped stands for any character.
  ['^https://github.com/acme/', 'https://githubcom/acme/'.length],
  ['@acme\\.example$', '@acme.example'.length],
  ['^a.*z$', 2],
  // Nothing of what stands behind a choice, a repetition or something optional is promised.
  ['^ci@(one|two)\\.example$', 'ci@'.length],
  ['^(ci|cd)@acme\\.example$', 0],
  ['one@a\\.example|two@b\\.example', 0],
  ['^ab*c(d)?', 1],
  ['^ab{0,3}(c|d)', 1],
  ['^\\d+(a|b)', 0],
  // One text alone fits.
  ['^ci@acme\\.example$', undefined],
];

for (const [source, fixed] of CASES) {
  test(`/${source}/ has ${fixed === undefined ? 'nothing open' : `${fixed} characters fixed`}`, () => {
    assert.equal(fixedIn(pattern(source)), fixed);
  });
}

test('what has to fit as a whole is one text without a wildcard', () => {
  assert.equal(fixedIn(pattern('ci@acme\\.example', true)), undefined);
  assert.equal(fixedIn(pattern('ci@acme\\.example')), 'ci@acme.example'.length, 'any part will do');
});

test('of subject and issuer the wider one counts; exact on both sides is no pattern', () => {
  const exact: StringMatcher = { kind: 'exact', value: 'ci@acme.example' };
  assert.equal(identityWidth(exact, ISSUER), undefined);
  assert.equal(identityWidth(exact, pattern('.*'))?.fixed, 0);
  assert.deepEqual(identityWidth(pattern('^https://github.com/acme/'), ISSUER), {
    text: '/^https://github.com/acme//, authenticated by https://issuer.example',
    fixed: 23,
  });
  assert.equal(identityWidth(pattern('^https://github.com/acme/'), pattern('^https://'))?.fixed, 8);
  assert.equal(widthOf(['a', 'b'], [undefined, undefined]), undefined);
});
