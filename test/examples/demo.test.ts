/** `npm run demo`, as its readers run it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const DEMO = resolve(import.meta.dirname, '../../examples/demo.ts');

test('the demo: signed, verified, admitted, forgeries refused; learnt, tried, warned, enforced', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [DEMO]);
  assert.match(
    stdout,
    /denied: NO_SIGNATURE [^]*SIGNATURE_INVALID [^]*IDENTITY_MISMATCH [^]*denied: SUBJECT_MISMATCH /,
  );
  assert.match(
    stdout,
    /# Learn: [^]*left out: [^]*# Plan: [^]*NO_SIGNATURE[^]*# Warn: [^]*\nwarning: NO_SIGNATURE [^]*\nallowed\n[^]*# Enforce: [^]*denied: NO_SIGNATURE [^]*\nallowed\n/,
  );
  assert.match(stdout, /# Every step did what it says\.\n$/);
});
