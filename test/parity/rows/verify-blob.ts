/** `verify-blob` and `verify-blob-attestation`, as far as no table proves it. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const blobs = testsIn('test/scenarios/blobs.ts');
const older = testsIn('test/cli/older-blobs.test.ts');
const attested = testsIn('test/cli/attest-blob.test.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
const both = ['verify-blob', 'verify-blob-attestation'];

export const VERIFY_BLOB_ROWS: readonly CommandRow[] = [
  ...rows('same', ['verify-blob'], '', blobs('blob, key pair')),
  ...rows(
    'same',
    ['verify-blob'],
    'signature',
    older('an own authority, named by a chain or by roots, is believed for its own certificates'),
  ),
  ...rows('same', ['verify-blob-attestation'], '', attested('attestations of files, every predicate type, our stack')),
  ...rows('same', ['verify-blob-attestation'], 'digest digestAlg', attested("${args[0] ?? ''} with ${what}: ${code}")),
  ...rows(
    'refused',
    both,
    'sk slot',
    keys('keys on hardware are refused by name, with the way that there is'),
    'PKCS#11 comes later; the message says what there is instead',
  ),
  ...rows(
    'same',
    both,
    'experimental-oci11 new-bundle-format',
    testsIn('test/parity/deprecated-flags.test.ts')(
      '${command} --${flag} is said to be deprecated, and changes nothing',
    ),
    'every format is read, whatever they say',
  ),
  ...rows(
    'same',
    ['verify-blob-attestation'],
    'signature',
    testsIn('test/parity/trust-flags.test.ts')('verify-blob-attestation --signature: an envelope in a file'),
  ),
];
