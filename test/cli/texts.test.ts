import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { closestName } from '../../src/cli/grammar/closest-name.ts';
import { parseAge, parseDuration } from '../../src/cli/terminal/duration.ts';
import { shellCommand } from '../../src/cli/terminal/shell-word.ts';
import { Terminal } from '../../src/cli/terminal/terminal.ts';
import { visibleText } from '../../src/cli/terminal/visible-text.ts';

const NAMES = ['certificate-identity', 'certificate-oidc-issuer', 'key', 'keyless'];

for (const { typed, expected } of [
  { typed: 'kye', expected: 'key' },
  { typed: 'keyles', expected: 'keyless' },
  { typed: 'certificate-idenity', expected: 'certificate-identity' },
  { typed: 'issuer', expected: 'certificate-oidc-issuer' },
  { typed: 'output', expected: undefined },
  { typed: '', expected: undefined },
]) {
  test(`nearest to "${typed}" is ${expected ?? 'nothing'}`, () => {
    assert.equal(closestName(typed, NAMES), expected);
  });
}

for (const { text, ms } of [
  { text: '3m0s', ms: 180_000 },
  { text: '1.5s', ms: 1500 },
  { text: '1h2m3s4ms', ms: 3_723_004 },
]) {
  test(`${text} is ${ms} ms`, () => {
    assert.equal(parseDuration(text, 'timeout'), ms);
  });
}

test('what nobody waits for may be older than a timer can wait', () => {
  assert.equal(parseAge('2160h', 'ledger-max-age'), 90 * 86_400_000);
  assert.equal(parseAge('876000h', 'ledger-max-age'), 100 * 365 * 86_400_000);
  assert.throws(() => parseDuration('2160h', 'timeout'), { code: 'USAGE_BAD_FLAG' });
  for (const text of ['876001h', '9'.repeat(400) + 'h', '0h', '', '90d']) {
    assert.throws(() => parseAge(text, 'ledger-max-age'), { code: 'USAGE_BAD_FLAG' });
  }
});

for (const text of ['', '0s', '3', 's', '3 m', '3m0', '-1s', '1e3s', '100000h']) {
  test(`"${text}" is no duration`, () => {
    assert.throws(() => parseDuration(text, 'timeout'), { code: 'USAGE_BAD_FLAG' });
  });
}

test('a shell reads back exactly the words that were written', () => {
  const words = ['plain', 'sha256:ab@c', "it's", 'a b', '$(id)', '`id`', '', 'x\ny', '*', '~', '"'];
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${shellCommand(words)}`], { encoding: 'utf8' });
  assert.deepEqual(stdout.split('\0').slice(0, -1), words);
});

test('untrusted text cannot write lines, escapes or hidden direction marks', () => {
  assert.equal(visibleText('plain ~ text'), 'plain ~ text');
  assert.equal(visibleText('ends in one\n'), 'ends in one\\u{a}');
  const text = visibleText('a\nb\u001b[31mc\u202ed\u2028e\u200b');
  assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\u2028]/u);
  assert.match(text, /^a\\u\{a\}b/);
});

/** Marks as a terminal with these variables shows them. */
function mark(environment: Readonly<Record<string, string>>, isTerminal: boolean): string {
  return new Terminal({ environment, isTerminal, quiet: false }).done('root sha256:12…');
}

for (const { environment, isTerminal, expected } of [
  { environment: { LANG: 'de_DE.UTF-8' }, isTerminal: true, expected: '\u001b[32m✓\u001b[0m root sha256:12…' },
  { environment: { LANG: 'de_DE.UTF-8' }, isTerminal: false, expected: '✓ root sha256:12…' },
  { environment: { LANG: 'C.UTF-8', NO_COLOR: '1' }, isTerminal: true, expected: '✓ root sha256:12…' },
  { environment: { LANG: 'C.UTF-8', TERM: 'dumb' }, isTerminal: true, expected: '✓ root sha256:12…' },
  { environment: { LC_ALL: 'C', LANG: 'C.UTF-8' }, isTerminal: false, expected: 'ok root sha256:12...' },
  { environment: { LANG: 'C.UTF-8', CI: 'true' }, isTerminal: true, expected: 'ok root sha256:12...' },
  { environment: {}, isTerminal: false, expected: 'ok root sha256:12...' },
]) {
  test(`marks with ${JSON.stringify(environment)}${isTerminal ? ' at a terminal' : ''}`, () => {
    assert.equal(mark(environment, isTerminal), expected);
  });
}
