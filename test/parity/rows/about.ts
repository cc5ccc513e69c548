/** About the program itself, its registries' passwords, and what every command takes. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const lines = testsIn('test/scenarios/command-lines.ts');
const mode = testsIn('test/cli/cosign-mode.test.ts');
const attachments = testsIn('test/cli/attachments-interop.test.ts');
const families = testsIn('test/parity/command-families.test.ts');
const env = testsIn('test/cli/env.test.ts');
const completion = testsIn('test/cli/completion.test.ts');

export const ABOUT_ROWS: readonly CommandRow[] = [
  ...rows('same', [''], 'output-file timeout', lines('output to a file, and a deadline')),
  ...rows('same', [''], 'verbose', mode('-d shows every request and answer, and no credential')),
  ...rows('same', ['env'], '', env('env: the same variables, in the same form')),
  ...rows('same', ['env'], 'show-sensitive-values', env('secrets are hidden unless asked for')),
  ...rows(
    'same',
    ['env'],
    'show-descriptions',
    env('by default, what changes something, with descriptions; as cosign, cosign’s own'),
  ),
  ...rows('same', ['completion'], '', completion('the answer is that of the framework that cosign is written with')),
  ...rows(
    'same',
    ['login'],
    ' username password password-stdin',
    attachments('login: what either keeps, the other finds'),
  ),
  ...rows('same', ['version'], ' json', mode('help: the same headings; version: the same fields')),
  ...rows('same', ['debug'], '', families('the same page for the word')),
  ...rows('same', ['debug providers'], '', families('debug providers: the same providers are there')),
];
