/** `sign`, and what it shares with the other commands that sign. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const images = testsIn('test/scenarios/images.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
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
  ...open('not yet', SIGNING, 'certificate certificate-chain'),
  ...open('not yet', SIGNING, 'timestamp-client-cacert timestamp-client-cert timestamp-client-key'),
  ...open('not yet', SIGNING, 'timestamp-server-name timestamp-server-url'),
  ...open('not yet', SIGNING, 'fulcio-url insecure-skip-verify issue-certificate rekor-url'),
  ...open('not yet', ['sign'], 'registry-referrers-mode attachment'),
];
