import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmailAddress } from '../../../src/core/identity/email-address.ts';

test('addresses that an rfc822Name can hold, and that every client compares alike', () => {
  for (const address of [
    'dev@example.com',
    'first.last+tag@sub.example.co.uk',
    "!#$%&'*+/=?^_`{|}~-@example.com",
    'UPPER@EXAMPLE.COM',
    '1@1.1',
    `${'a'.repeat(242)}@example.com`,
  ]) {
    assert.ok(isEmailAddress(address), address);
  }
});

test('everything else is refused', () => {
  for (const text of [
    '',
    'dev',
    '@example.com',
    'dev@',
    'dev@localhost',
    'dev@@example.com',
    'dev@example..com',
    'dev@.example.com',
    'dev@example.com.',
    '.dev@example.com',
    'dev.@example.com',
    'd..v@example.com',
    'dev @example.com',
    ' dev@example.com',
    'dev@example.com ',
    'dev@example.com\n',
    'dev@example.com\0',
    '"quoted"@example.com',
    'dev(comment)@example.com',
    '<dev@example.com>',
    'dev@[127.0.0.1]',
    'dev@exa_mple.com',
    'dëv@example.com',
    'dev@exämple.com',
    'dev@example.com\u202e',
    'dev\u200b@example.com',
    'a@example.com,b@example.com',
    `${'a'.repeat(243)}@example.com`,
    `${'a.'.repeat(100_000)}@example.com`,
    `dev@${'a.'.repeat(100_000)}`,
  ]) {
    assert.ok(!isEmailAddress(text), text.slice(0, 60));
  }
});
