/** `sign`, and what it shares with the other commands that sign. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const images = testsIn('test/scenarios/images.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
const own = testsIn('test/cli/own-certificate.test.ts');
const services = testsIn('test/cli/named-services.test.ts');
const SIGNING = ['sign', 'sign-blob', 'attest', 'attest-blob'];

export const SIGN_ROWS: readonly CommandRow[] = [
  ...rows('same', ['sign'], '', cosign('image, keyless, our stack')),
  ...rows('same', ['sign'], 'key', images('image, key pair')),
  ...rows('same', ['sign'], 'annotations', images('image, annotations')),
  ...rows('same', ['sign'], 'recursive', images('index, recursively')),
  ...rows('same', ['sign'], 'upload bundle', images('image, not pushed')),
  ...open(
    'accepted',
    ['sign'],
    'output-certificate output-payload output-signature payload sign-container-identity record-creation-timestamp',
  ),
  ...rows(
    'refused',
    SIGNING,
    'sk slot',
    keys('keys on hardware are refused by name, with the way that there is'),
    'PKCS#11 comes later; the message says what there is instead',
  ),
  ...open('accepted', SIGNING, 'signing-config trusted-root use-signing-config yes tlog-upload'),
  ...open('accepted', ['sign', 'sign-blob', 'attest'], 'new-bundle-format'),
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
  ...open('not yet', ['sign'], 'registry-referrers-mode attachment'),
];
