/** What `sign-blob` has of its own. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const blobs = testsIn('test/scenarios/blobs.ts');
const keys = testsIn('test/cli/cosign-keys.test.ts');

export const SIGN_BLOB_ROWS: readonly CommandRow[] = [
  ...rows('same', ['sign-blob'], ' key bundle', blobs('blob, key pair')),
  ...rows('same', ['sign-blob'], 'signing-algorithm', keys('blob, keyless, by a fresh key of each algorithm')),
  ...open('accepted', ['sign-blob'], 'b64 output output-certificate output-signature rfc3161-timestamp'),
];
