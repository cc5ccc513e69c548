/** `verify`, `verify-attestation`, and what verifies the images that a file names. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const images = testsIn('test/scenarios/images.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
const attestations = testsIn('test/cli/verify-attestation.test.ts');
const attachments = testsIn('test/cli/attachments-interop.test.ts');
const all = ['verify', 'verify-attestation', 'dockerfile verify', 'manifest verify'];
const byFile = ['dockerfile verify', 'manifest verify'];
const others = ['verify-attestation', ...byFile];
const WORKFLOW =
  'certificate-github-workflow-name certificate-github-workflow-ref certificate-github-workflow-repository ' +
  'certificate-github-workflow-sha certificate-github-workflow-trigger';
const IDENTITY =
  'certificate-identity certificate-identity-regexp certificate-oidc-issuer certificate-oidc-issuer-regexp';

export const VERIFY_ROWS: readonly CommandRow[] = [
  ...rows('same', ['verify'], '', cosign('image, keyless, our stack')),
  ...rows('same', ['verify'], 'annotations', images('image, annotations')),
  ...rows('same', ['verify'], 'certificate-identity certificate-oidc-issuer', images('image, another identity')),
  ...rows(
    'safer',
    ['verify'],
    'certificate-identity-regexp certificate-oidc-issuer-regexp',
    images('image, another identity'),
    'the pattern has to match the whole',
  ),
  ...rows('same', ['verify'], 'key', images('image, key pair')),
  ...rows('same', ['verify'], 'output', cosign("what verify prints as cosign is cosign's to the byte")),
  ...rows('same', ['verify'], 'local-image', attachments('verify --local-image: a folder instead of a registry')),
  ...rows(
    'same',
    ['verify-attestation'],
    ' type',
    attestations('attestations of images, every predicate type, our stack'),
  ),
  ...rows(
    'same',
    ['verify-attestation'],
    'policy',
    attestations('policies in CUE and Rego over bundles: the same verdicts, as whole programs'),
  ),
  ...rows(
    'same',
    byFile,
    '',
    attachments('dockerfile and manifest verify: signatures in the current format count, one unsigned image fails'),
  ),
  ...rows(
    'refused',
    all,
    'sk slot',
    keys('keys on hardware are refused by name, with the way that there is'),
    'PKCS#11 comes later; the message says what there is instead',
  ),
  ...open('accepted', all, `${WORKFLOW} insecure-ignore-sct insecure-ignore-tlog trusted-root use-signed-timestamps`),
  ...open('accepted', all, 'experimental-oci11 new-bundle-format offline'),
  ...open('accepted', others, `${IDENTITY} key output`),
  ...open('accepted', byFile, 'annotations'),
  ...open('accepted', ['verify-attestation'], 'check-claims'),
  ...open('accepted', ['dockerfile verify'], 'base-image-only'),
  ...open(
    'not yet',
    all,
    'allow-certificate-chain max-workers ca-intermediates ca-roots certificate certificate-chain',
  ),
  ...open(
    'not yet',
    all,
    'private-infrastructure rekor-url sct signature-digest-algorithm timestamp-certificate-chain',
  ),
  ...open('not yet', ['verify', ...byFile], 'check-claims attachment payload signature'),
  ...open('not yet', others, 'local-image'),
];
