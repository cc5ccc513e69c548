/** What `sign-blob` has of its own. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const blobs = testsIn('test/scenarios/blobs.ts');
const older = testsIn('test/cli/older-blobs.test.ts');
const keys = testsIn('test/cli/cosign-keys.test.ts');

export const SIGN_BLOB_ROWS: readonly CommandRow[] = [
  ...rows('same', ['sign-blob'], ' key bundle', blobs('blob, key pair')),
  ...rows('same', ['sign-blob'], 'signing-algorithm', keys('blob, keyless, by a fresh key of each algorithm')),
  ...rows(
    'same',
    ['sign-blob'],
    'b64 output output-certificate output-signature',
    older('a signature on stdout, in files, raw, and in the older bundle: all verify, with nobody asked'),
  ),
  ...rows(
    'same',
    ['sign-blob'],
    'rfc3161-timestamp',
    testsIn('test/parity/trust-flags.test.ts')('sign-blob --rfc3161-timestamp: the timestamp in a file'),
  ),
];
