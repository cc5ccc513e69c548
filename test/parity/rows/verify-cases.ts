/** The flags that a table of command lines proves, each of which passes or not for the flag's sake. */
import { rows, type CommandRow } from '../command-rows.ts';
import { VERIFY_CASES } from '../verify-cases.ts';

const FILE = 'test/parity/verify-cases.ts';

const WHOLE = 'the pattern has to match the whole';
const SAFER: Readonly<Record<string, string>> = {
  'certificate-identity-regexp': WHOLE,
  'certificate-oidc-issuer-regexp': WHOLE,
  'check-claims': '`=false` says aloud that nothing was compared with the image',
};

/** What is the same and wants a word. */
const NOTES: Readonly<Record<string, string>> = {
  'signature-digest-algorithm': "not needed: the key's kind says it, where cosign takes every key for one of SHA-256",
  'max-workers': 'a number that can be meant; nothing is fetched, so that it makes no difference',
  output: 'text and json alike are one envelope a line, as in cosign',
  'certificate-chain': 'for bundles as well, where cosign refuses it',
  'ca-roots': 'for bundles as well, where cosign refuses it',
  'ca-intermediates': 'for bundles as well, where cosign refuses it',
  'timestamp-certificate-chain': 'for bundles as well, where cosign refuses it',
};

export const VERIFY_CASE_ROWS: readonly CommandRow[] = VERIFY_CASES.flatMap(({ flags, commands }) =>
  flags.flatMap((flag) =>
    rows(
      SAFER[flag] === undefined ? 'same' : 'safer',
      commands,
      flag,
      { file: FILE, test: `'${flag}'` },
      SAFER[flag] ?? NOTES[flag],
    ),
  ),
);
