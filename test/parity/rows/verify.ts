/** `verify`, `verify-attestation`, and what verifies the images that a file names, as far as no table proves it. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const cosign = testsIn('test/cli/cosign.test.ts');
const keys = testsIn('test/cli/key-commands.test.ts');
const attestations = testsIn('test/cli/verify-attestation.test.ts');
const attachments = testsIn('test/cli/attachments-interop.test.ts');
const deprecated = testsIn('test/parity/deprecated-flags.test.ts');
const parity = testsIn('test/parity/parity.test.ts');
const all = ['verify', 'verify-attestation', 'dockerfile verify', 'manifest verify'];
const byFile = ['dockerfile verify', 'manifest verify'];

export const VERIFY_ROWS: readonly CommandRow[] = [
  ...rows('same', ['verify'], '', cosign('image, keyless, our stack')),
  ...rows('same', ['verify'], 'output', cosign("what verify prints as cosign is cosign's to the byte")),
  ...rows(
    'same',
    all,
    'max-workers',
    testsIn('test/parity/workers-and-output.test.ts')(
      '${command} --max-workers: so many signatures are fetched at once',
    ),
    'how much is fetched at once',
  ),
  ...rows(
    'same',
    byFile,
    'output',
    testsIn('test/parity/workers-and-output.test.ts')('${command} --output: json is one document, text is none'),
  ),
  ...rows('same', ['verify'], 'local-image', attachments('verify --local-image: a folder instead of a registry')),
  ...rows(
    'refused',
    byFile,
    'local-image',
    parity('what is refused is refused by name, before anything is asked or written'),
    'a file names images, and no folders',
  ),
  ...rows('same', ['verify-attestation'], '', attestations('attestations of images, every predicate type, our stack')),
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
  ...rows(
    'same',
    all,
    'experimental-oci11 new-bundle-format',
    deprecated('${command} --${flag} is said to be deprecated, and changes nothing'),
    'every format is read, whatever they say',
  ),
  ...rows(
    'same',
    ['verify-attestation'],
    'local-image',
    testsIn('test/parity/carry-flags.test.ts')('verify-attestation --local-image: a folder instead of a registry'),
  ),
];
