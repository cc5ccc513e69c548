import type { CommandRow } from '../command-rows.ts';
import { ABOUT_ROWS } from './about.ts';
import { ATTEST_ROWS } from './attest.ts';
import { CARRY_ROWS } from './carry.ts';
import { IDENTITY_ROWS } from './identity.ts';
import { KEY_ROWS } from './keys.ts';
import { REGISTRY_ROWS } from './registry.ts';
import { SIGN_BLOB_ROWS } from './sign-blob.ts';
import { SIGN_ROWS } from './sign.ts';
import { TRUST_ROWS } from './trust.ts';
import { VERIFY_BLOB_ROWS } from './verify-blob.ts';
import { VERIFY_CASE_ROWS } from './verify-cases.ts';
import { VERIFY_ROWS } from './verify.ts';

/** Every row, one file for each family of commands. */
export const ALL_ROWS: readonly CommandRow[] = [
  ...SIGN_ROWS,
  ...SIGN_BLOB_ROWS,
  ...ATTEST_ROWS,
  ...IDENTITY_ROWS,
  ...VERIFY_ROWS,
  ...VERIFY_CASE_ROWS,
  ...VERIFY_BLOB_ROWS,
  ...REGISTRY_ROWS,
  ...CARRY_ROWS,
  ...KEY_ROWS,
  ...TRUST_ROWS,
  ...ABOUT_ROWS,
];
