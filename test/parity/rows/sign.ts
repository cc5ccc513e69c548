/** `sign`, and what it shares with the other commands that sign. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const images = testsIn('test/scenarios/images.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
const own = testsIn('test/cli/own-certificate.test.ts');
const services = testsIn('test/cli/named-services.test.ts');
const shared = testsIn('test/cli/signing-flags.test.ts');
const older = testsIn('test/cli/older-storage.test.ts');
const consent = testsIn('test/cli/log-consent.test.ts');
const olderBlobs = testsIn('test/cli/older-blobs.test.ts');
const SIGNING = ['sign', 'sign-blob', 'attest', 'attest-blob'];

export const SIGN_ROWS: readonly CommandRow[] = [
  ...rows('same', ['sign'], '', cosign('image, keyless, our stack')),
  ...rows('same', ['sign'], 'key', images('image, key pair')),
  ...rows('same', ['sign'], 'annotations', images('image, annotations')),
  ...rows('same', ['sign'], 'recursive', images('index, recursively')),
  ...rows('same', ['sign'], 'upload bundle', images('image, not pushed')),
  ...rows(
    'same',
    ['sign'],
    'output-certificate output-payload output-signature',
    older('a key signs by itself, leaves the parts in files, and verify says how it is stored'),
  ),
  ...rows('same', ['sign'], 'payload', shared('--payload is signed as it is, and only about the image')),
  ...rows(
    'same',
    ['sign'],
    'sign-container-identity',
    shared('a signature in the older storage says what --sign-container-identity says, once for each'),
  ),
  ...rows(
    'same',
    ['sign', 'attest'],
    'record-creation-timestamp',
    shared('--record-creation-timestamp notes the time where signatures and attestations are stored'),
  ),
  ...rows(
    'same',
    ['sign', 'attest'],
    'attachment-tag-prefix',
    shared('--attachment-tag-prefix stands in front of the tags of sign and attest'),
  ),
  ...rows(
    'refused',
    SIGNING,
    'sk slot',
    keys('keys on hardware are refused by name, with the way that there is'),
    'PKCS#11 comes later; the message says what there is instead',
  ),
  ...rows('same', SIGNING, 'signing-config', shared('every signing command uses the services of --signing-config')),
  ...rows('same', SIGNING, 'trusted-root', own('every signing command signs with it, and what it prints verifies')),
  ...rows(
    'same',
    SIGNING,
    'use-signing-config',
    services('services are those that flags name, for every signing command'),
  ),
  ...rows(
    'same',
    SIGNING,
    'tlog-upload',
    shared('--tlog-upload=false logs nothing, whatever the signing config lists; in cosign'),
  ),
  ...rows(
    'same',
    ['sign', 'sign-blob'],
    'yes',
    consent('asks before it logs with services that flags name'),
    "by default nothing is asked, and it has nothing to answer; in cosign's mode it does, at a terminal or not",
  ),
  ...rows(
    'same',
    ['attest', 'attest-blob'],
    'yes',
    consent('at a terminal, asks before a browser is opened'),
    "by default nothing is asked, and it has nothing to answer; in cosign's mode it does before a login in the browser",
  ),
  ...rows(
    'same',
    ['sign'],
    'new-bundle-format',
    older('a key signs by itself, leaves the parts in files, and verify says how it is stored'),
  ),
  ...rows(
    'same',
    ['sign-blob'],
    'new-bundle-format',
    olderBlobs('a signature on stdout, in files, raw, and in the older bundle: all verify, with nobody asked'),
  ),
  ...rows('same', SIGNING, 'certificate', own('every signing command signs with it, and what it prints verifies')),
  ...rows(
    'same',
    SIGNING,
    'certificate-chain',
    own('every signing command refuses a --certificate-chain that does not lead to its end'),
  ),
  ...rows(
    'same',
    SIGNING,
    'issue-certificate',
    own('--issue-certificate certifies the key that is there, for every signing command'),
  ),
  ...rows(
    'same',
    SIGNING,
    'timestamp-client-cacert timestamp-client-cert timestamp-client-key timestamp-server-name',
    services('every signing command proves itself to a timestamp authority that asks'),
  ),
  ...rows(
    'same',
    SIGNING,
    'fulcio-url rekor-url timestamp-server-url',
    services('services are those that flags name, for every signing command'),
  ),
  ...rows(
    'safer',
    SIGNING,
    'insecure-skip-verify',
    services('--insecure-skip-verify lets no signing command take a certificate that was not logged'),
    'what a certificate authority sends is verified before it is used; cosign has stopped looking',
  ),
  ...rows(
    'safer',
    ['sign'],
    'registry-referrers-mode',
    shared('--registry-referrers-mode oci-1-1 is refused where it would write cosign'),
    "bundles are referrers anyway; cosign's experiment before them, of which the last one hid the others, is not written",
  ),
  ...rows('same', ['sign'], 'attachment', shared('--attachment sbom signs what is attached, not the image')),
];
