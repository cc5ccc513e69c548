import { UsageError, type SealwrightError } from '../errors.ts';
import { closestName } from './grammar/closest-name.ts';
import type { CommandEntry } from './grammar/command-entry.ts';
import { COMMAND_NAMES, COMMANDS, findCommand } from './command-table.ts';

/** Commands of two words that share the first: `download signature`, `download attestation`. */
export interface CommandFamily {
  readonly name: string;
  readonly summary: string;
  readonly entries: readonly CommandEntry[];
  /** What cosign says to use instead of all of them, where it has announced their removal. */
  readonly deprecatedInCosign?: string;
}

type FamilyFacts = Pick<CommandFamily, 'summary' | 'deprecatedInCosign'>;

const FACTS: Readonly<Record<string, FamilyFacts>> = {
  attach: { summary: 'put beside an image what was made elsewhere', deprecatedInCosign: 'attach with oras' },
  audit: { summary: 'what runs, and what is known about it' },
  bundle: { summary: 'make, read and renew signature bundles' },
  debug: { summary: 'what this program finds where it runs' },
  dockerfile: {
    summary: 'the images that a Dockerfile names',
    deprecatedInCosign: 'verify each image of the file by itself',
  },
  download: { summary: 'print what belongs to an image' },
  log: { summary: "a stack's transparency logs" },
  manifest: {
    summary: 'the images that a Kubernetes manifest names',
    deprecatedInCosign: 'verify each image of the manifest by itself',
  },
  policy: { summary: 'write, try and judge admission policies' },
  revoke: { summary: 'say what is not to be believed any more' },
  'signing-config': { summary: 'which services are signed with' },
  'trusted-root': { summary: 'which services are believed' },
  upload: { summary: 'push what is no image', deprecatedInCosign: 'push with oras' },
};

/** The family that the word begins; none for a word that is a command by itself. */
export function findFamily(name: string): CommandFamily | undefined {
  if (findCommand(name) !== undefined) return undefined;
  const all = COMMANDS.flatMap(({ entries }) => entries);
  const entries = all.filter((entry) => entry.name.startsWith(`${name} `));
  const facts = FACTS[name];
  if (entries.length === 0 || facts === undefined) return undefined;
  return { name, ...facts, entries: entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** Tools for hardware tokens: words of cosign's that mean something, and are not done here. */
const HARDWARE_TOOLS: readonly string[] = ['piv-tool', 'pkcs11-tool'];

/** Why a word is no command, with the one that was probably meant. */
export function unknownCommand(name: string): SealwrightError {
  if (HARDWARE_TOOLS.includes(name)) {
    return new UsageError('USAGE_BAD_FLAG', 'keys on hardware tokens are not supported', {
      found: name,
      expected: "keys in files, secrets and key services: a token's library is native code, not carried here",
      fix: 'set the token up with the tool of its maker, and put a sigstore-kms-NAME program in front of it',
    });
  }
  const closest = closestName(name, COMMAND_NAMES);
  return new UsageError('USAGE_BAD_FLAG', 'there is no such command', {
    found: name,
    ...(closest === undefined ? {} : { closest }),
    fix: 'sealwright --help',
    details: { cosign: `unknown command "${name}" for "cosign"` },
  });
}
