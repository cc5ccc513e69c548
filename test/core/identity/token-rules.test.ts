import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import { checkTokenClaims, TOKEN_ALGORITHMS, tokenPayload } from '../../../src/core/identity/token-rules.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const SECOND = NOW.getTime() / 1000;
const CONFIG = { issuerUrl: 'https://issuer.example.org', clientId: 'sigstore', type: 'email' } as const;
const check = (claims: JsonObject): void => {
  checkTokenClaims(CONFIG, new JsonFields(claims, 'token', 'FORMAT_TOKEN'), NOW);
};

test('neither none nor HMAC is among the algorithms', () => {
  assert.deepEqual(
    TOKEN_ALGORITHMS.filter((name) => !/^(?:(?:RS|ES|PS)(?:256|384|512)|EdDSA)$/.test(name)),
    [],
  );
});

test('audience as text or in a list, expiry a second away, and a start within five minutes', () => {
  check({ aud: 'sigstore', exp: SECOND + 1 });
  check({ aud: ['other', 'sigstore'], exp: SECOND + 0.5 });
  check({ aud: 'sigstore', exp: SECOND + 1, nbf: SECOND + 299 });
});

const REFUSED: readonly (readonly [string, string, JsonObject])[] = [
  ['no audience', 'AUTH_AUDIENCE', { exp: SECOND + 60 }],
  ['another audience', 'AUTH_AUDIENCE', { aud: 'sigstore2', exp: SECOND + 60 }],
  ['an empty list of audiences', 'AUTH_AUDIENCE', { aud: [], exp: SECOND + 60 }],
  ['an audience in another case', 'AUTH_AUDIENCE', { aud: 'Sigstore', exp: SECOND + 60 }],
  ['an audience that is an object', 'AUTH_AUDIENCE', { aud: { sigstore: true }, exp: SECOND + 60 }],
  ['no expiry', 'AUTH_CLAIM', { aud: 'sigstore' }],
  ['an expiry that is text', 'AUTH_CLAIM', { aud: 'sigstore', exp: String(SECOND + 60) }],
  ['an expiry in milliseconds', 'AUTH_CLAIM', { aud: 'sigstore', exp: NOW.getTime() }],
  ['a negative expiry', 'AUTH_CLAIM', { aud: 'sigstore', exp: -1 }],
  ['an expiry at this very moment', 'AUTH_TOKEN_EXPIRED', { aud: 'sigstore', exp: SECOND }],
  ['an expiry in the past', 'AUTH_TOKEN_EXPIRED', { aud: 'sigstore', exp: SECOND - 3600 }],
  ['a start five minutes away', 'AUTH_TOKEN_EXPIRED', { aud: 'sigstore', exp: SECOND + 900, nbf: SECOND + 300 }],
  ['a start that is text', 'AUTH_CLAIM', { aud: 'sigstore', exp: SECOND + 900, nbf: 'now' }],
];
for (const [what, code, claims] of REFUSED) {
  test(`a token with ${what} is refused with ${code}`, () => {
    assert.throws(
      () => {
        check(claims);
      },
      { code },
    );
  });
}

test('the payload is the second of exactly three parts', () => {
  assert.equal(tokenPayload('aGk.e30.c2ln'), 'e30');
  for (const token of [
    '',
    'a',
    'a.b',
    'a.b.',
    '.b.c',
    'a..c',
    'a.b.c.d',
    'a.b.c=',
    'a.b+.c',
    ' a.b.c',
    'a.b.c\n',
    '{"a":1}',
  ]) {
    assert.throws(() => tokenPayload(token), { code: 'AUTH_TOKEN_INVALID' }, JSON.stringify(token));
  }
});

test('a token of nothing but dots is refused by its size, before it is taken apart', () => {
  assert.throws(() => tokenPayload('.'.repeat((64 << 10) + 1)), { code: 'LIMIT_SIZE' });
  assert.throws(() => tokenPayload('.'.repeat(64 << 10)), { code: 'AUTH_TOKEN_INVALID' });
});

test('no refusal repeats the token', () => {
  assert.throws(
    () => tokenPayload('secret-token-part.b.c.d'),
    (error: { message: string; facts: object }) => !JSON.stringify([error.message, error.facts]).includes('secret'),
  );
});
