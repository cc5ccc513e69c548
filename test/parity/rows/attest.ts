/** What `attest` and `attest-blob` have of their own. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const images = testsIn('test/cli/attest.test.ts');
const blobs = testsIn('test/cli/attest-blob.test.ts');
const parts = testsIn('test/cli/older-blob-attestations.test.ts');
const shared = testsIn('test/cli/signing-flags.test.ts');

export const ATTEST_ROWS: readonly CommandRow[] = [
  ...rows('same', ['attest'], ' type predicate', images('attestations of images, every predicate type, our stack')),
  ...rows('same', ['attest'], 'key', images('attestation of an image, key pair, our stack')),
  ...rows('same', ['attest'], 'statement', images('a whole statement about an image, our stack')),
  ...rows(
    'same',
    ['attest'],
    'no-upload bundle',
    images('--no-upload leaves the registry alone: the bundle goes to stdout, or to its file alone'),
  ),
  ...rows(
    'same',
    ['attest'],
    'replace new-bundle-format',
    images('attestations under the .att tag, key pair; --replace'),
  ),
  ...rows(
    'same',
    ['attest', 'attest-blob'],
    'rekor-entry-type',
    shared('--rekor-entry-type takes what cosign takes, and makes no difference'),
  ),
  ...rows('same', ['attest-blob'], ' type predicate', blobs('attestations of files, every predicate type, our stack')),
  ...rows('same', ['attest-blob'], 'key hash', blobs('attestation of a file by its digest alone, key pair, our stack')),
  ...rows('same', ['attest-blob'], 'statement', blobs('a whole statement about a file, our stack')),
  ...rows(
    'same',
    ['attest-blob'],
    'bundle',
    blobs(
      'without --bundle the bundle is the result; with it, a file for its owner alone and the command that verifies',
    ),
  ),
  ...rows(
    'same',
    ['attest-blob'],
    'new-bundle-format output-attestation output-certificate output-signature rfc3161-timestamp-bundle',
    parts('blob attestation in parts, keyless: every part, and the other verifies'),
  ),
];
