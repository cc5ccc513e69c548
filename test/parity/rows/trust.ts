/** Whom to trust, which services to sign with, and the bundles that come of it. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const inspect = testsIn('test/cli/bundle-inspect.test.ts');

export const TRUST_ROWS: readonly CommandRow[] = [
  ...rows('same', ['initialize'], ' mirror root', cosign('trust and services by TUF alone')),
  ...open('accepted', ['initialize'], 'root-checksum staging'),
  ...open('accepted', ['trusted-root create'], ' ctfe fulcio rekor tsa out with-default-services'),
  ...open('accepted', ['trusted-root create'], 'no-default-ctfe no-default-fulcio no-default-rekor no-default-tsa'),
  ...open(
    'accepted',
    ['trusted-root create'],
    'certificate-chain fulcio-uri timestamp-certificate-chain timestamp-uri',
  ),
  ...open('accepted', ['trusted-root create'], 'ctfe-end-time ctfe-key ctfe-start-time ctfe-url'),
  ...open('accepted', ['trusted-root create'], 'rekor-end-time rekor-key rekor-start-time rekor-url'),
  ...open('accepted', ['signing-config create'], ' fulcio rekor oidc-provider tsa rekor-config tsa-config out'),
  ...open('accepted', ['signing-config create'], 'no-default-fulcio no-default-oidc no-default-rekor no-default-tsa'),
  ...open('accepted', ['signing-config create'], 'base-config with-default-rekor-v2 with-default-services'),
  ...open('accepted', ['bundle create'], ' artifact attestation bundle certificate ignore-tlog key out rekor-url'),
  ...open('accepted', ['bundle create'], 'rfc3161-timestamp signature'),
  ...rows('same', ['bundle inspect'], '', inspect('a bundle of every kind of content and material is shown')),
  ...open('accepted', ['bundle upgrade'], ' out rekor-url'),
  ...open('not yet', ['bundle', 'trusted-root', 'signing-config'], '', 'lists its commands'),
];
