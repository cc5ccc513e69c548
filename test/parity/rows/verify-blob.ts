/** `verify-blob` and `verify-blob-attestation`. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const blobs = testsIn('test/scenarios/blobs.ts');
const older = testsIn('test/cli/older-blobs.test.ts');
const attested = testsIn('test/cli/attest-blob.test.ts');
const offline = testsIn('test/cli/blob.test.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
const both = ['verify-blob', 'verify-blob-attestation'];

export const VERIFY_BLOB_ROWS: readonly CommandRow[] = [
  ...rows('same', ['verify-blob'], ' key bundle', blobs('blob, key pair')),
  ...rows('same', ['verify-blob'], 'certificate-identity certificate-oidc-issuer trusted-root', blobs('blob, keyless')),
  ...rows(
    'safer',
    ['verify-blob'],
    'certificate-identity-regexp',
    blobs('blob, keyless'),
    'the pattern has to match the whole',
  ),
  ...rows('same', ['verify-blob'], 'offline', offline('verifying offline opens no socket')),
  ...rows(
    'same',
    ['verify-blob'],
    'signature certificate certificate-chain ca-roots ca-intermediates rfc3161-timestamp sct',
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
  ...open('accepted', ['verify-blob'], 'certificate-oidc-issuer-regexp rekor-url'),
  ...open('accepted', ['verify-blob-attestation'], 'bundle check-claims key trusted-root type offline'),
  ...open(
    'accepted',
    ['verify-blob-attestation'],
    'certificate-identity certificate-identity-regexp certificate-oidc-issuer certificate-oidc-issuer-regexp',
  ),
  ...open(
    'accepted',
    both,
    'certificate-github-workflow-name certificate-github-workflow-ref certificate-github-workflow-repository ' +
      'certificate-github-workflow-sha certificate-github-workflow-trigger',
  ),
  ...open('accepted', both, 'insecure-ignore-sct insecure-ignore-tlog use-signed-timestamps new-bundle-format'),
  ...open('not yet', both, 'allow-certificate-chain max-workers experimental-oci11 private-infrastructure'),
  ...open('not yet', both, 'signature-digest-algorithm timestamp-certificate-chain'),
  ...open(
    'not yet',
    ['verify-blob-attestation'],
    'ca-intermediates ca-roots certificate certificate-chain rekor-url rfc3161-timestamp sct signature',
  ),
];
