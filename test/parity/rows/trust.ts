/** Whom to trust, which services to sign with, and the bundles that come of it. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const documents = testsIn('test/cli/trust-documents.test.ts');
const older = testsIn('test/cli/attachments-older.test.ts');
const inspect = testsIn('test/cli/bundle-inspect.test.ts');

export const TRUST_ROWS: readonly CommandRow[] = [
  ...rows('same', ['initialize'], ' mirror root', cosign('trust and services by TUF alone')),
  ...open('accepted', ['initialize'], 'root-checksum staging'),
  ...rows(
    'same',
    ['trusted-root create'],
    ' ctfe fulcio rekor tsa with-default-services',
    documents('trusted root created: ${name}'),
    'a list that is given replaces the default one, as the help says; called as `cosign`, it is added',
  ),
  ...rows(
    'same',
    ['trusted-root create'],
    'no-default-ctfe no-default-fulcio no-default-rekor no-default-tsa certificate-chain fulcio-uri ' +
      'timestamp-certificate-chain timestamp-uri ctfe-end-time ctfe-key ctfe-start-time ctfe-url rekor-end-time rekor-key ' +
      'rekor-start-time rekor-url',
    documents('trusted root created: ${name}'),
  ),
  ...rows(
    'same',
    ['signing-config create'],
    ' fulcio rekor oidc-provider tsa rekor-config tsa-config base-config with-default-services no-default-fulcio ' +
      'no-default-oidc no-default-rekor no-default-tsa',
    documents('signing config created: ${name}'),
  ),
  ...rows('same', ['signing-config create'], 'out', documents('--out writes a file, whole')),
  ...open('accepted', ['trusted-root create'], 'out'),
  ...open('accepted', ['signing-config create'], 'with-default-rekor-v2'),
  ...rows(
    'same',
    ['bundle create'],
    ' artifact bundle ignore-tlog key out signature',
    older('loose parts become a bundle that verifies; parts that do not belong together do not'),
  ),
  ...open('accepted', ['bundle create'], 'attestation certificate rekor-url rfc3161-timestamp'),
  ...rows(
    'same',
    ['bundle upgrade'],
    '',
    older('loose parts become a bundle that verifies; parts that do not belong together do not'),
  ),
  ...open('accepted', ['bundle upgrade'], 'out rekor-url'),
  ...rows('same', ['bundle inspect'], '', inspect('a bundle of every kind of content and material is shown')),
  ...open('not yet', ['bundle', 'trusted-root', 'signing-config'], '', 'lists its commands'),
];
