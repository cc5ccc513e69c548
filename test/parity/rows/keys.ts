/** Key pairs. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const own = testsIn('test/cli/key-commands.test.ts');
const interop = testsIn('test/cli/cosign-keys.test.ts');
const lines = testsIn('test/scenarios/command-lines.ts');

export const KEY_ROWS: readonly CommandRow[] = [
  ...rows('same', ['generate-key-pair'], ' output-key-prefix', lines('flags from the environment')),
  ...rows(
    'same',
    ['generate-key-pair'],
    'kms',
    interop('key service: made by one, signed with and verified by the other'),
  ),
  ...rows('same', ['import-key-pair'], ' key', interop('imported by each, public halves equal')),
  ...rows('same', ['import-key-pair'], 'yes', own('an import replaces a key pair only when told to')),
  ...rows('same', ['import-key-pair'], 'output-key-prefix', interop('imported by each, public halves equal')),
  ...rows(
    'same',
    ['public-key'],
    ' key outfile',
    own('keys of every kind and form are imported, and their public halves printed'),
  ),
  ...rows(
    'refused',
    ['public-key', 'bundle create'],
    'sk slot',
    own('keys on hardware are refused by name, with the way that there is'),
    'PKCS#11 comes later; the message says what there is instead',
  ),
  ...rows(
    'refused',
    ['piv-tool', 'pkcs11-tool'],
    '',
    testsIn('test/parity/command-families.test.ts')('tools for hardware tokens are refused by name'),
    'hardware tokens come later; cosign as it is released for Linux has neither',
  ),
];
