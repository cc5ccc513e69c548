/** Whom to trust, which services to sign with, and the bundles that come of it. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const documents = testsIn('test/cli/trust-documents.test.ts');
const older = testsIn('test/cli/attachments-older.test.ts');
const flags = testsIn('test/parity/trust-flags.test.ts');
const families = testsIn('test/parity/command-families.test.ts');
const inspect = testsIn('test/cli/bundle-inspect.test.ts');

export const TRUST_ROWS: readonly CommandRow[] = [
  ...rows('same', ['initialize'], ' mirror root', cosign('trust and services by TUF alone')),
  ...rows('same', ['initialize'], 'root-checksum', flags('initialize --root-checksum: another root is refused')),
  ...rows('same', ['initialize'], 'staging', flags('initialize --staging asks the staging instance, and no other')),
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
  ...rows('same', ['trusted-root create'], 'out', flags('trusted-root create --out writes a file, whole')),
  ...rows(
    'same',
    ['signing-config create'],
    'with-default-rekor-v2',
    flags("signing-config create --with-default-rekor-v2: the instance's other config"),
  ),
  ...rows(
    'same',
    ['bundle create'],
    ' artifact bundle ignore-tlog key out signature',
    older('loose parts become a bundle that verifies; parts that do not belong together do not'),
  ),
  ...rows(
    'same',
    ['bundle create'],
    'certificate rekor-url rfc3161-timestamp',
    flags('bundle create --certificate, --rfc3161-timestamp, --rekor-url: each part is in the bundle'),
  ),
  ...rows('same', ['bundle create'], 'attestation', flags('bundle create --attestation: a statement in its envelope')),
  ...rows(
    'same',
    ['bundle upgrade'],
    '',
    older('loose parts become a bundle that verifies; parts that do not belong together do not'),
  ),
  ...rows(
    'same',
    ['bundle upgrade'],
    'out rekor-url',
    flags('bundle upgrade --out, --rekor-url: the proof comes from'),
  ),
  ...rows('same', ['bundle inspect'], '', inspect('a bundle of every kind of content and material is shown')),
  ...rows('same', ['bundle', 'trusted-root', 'signing-config'], '', families('the same page for the word')),
];
