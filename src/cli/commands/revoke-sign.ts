import type { Command } from '../command.ts';
import type { Flag } from '../flag.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { SIGNING_FLAGS } from '../flags/signing-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

/** What is typed here is about what is revoked: who signs, and with whom, is set up long before. */
function seldom(flags: readonly Flag[]): readonly Flag[] {
  return flags.map(({ isCommon: _, ...flag }) => flag);
}

export const revokeSign: Command = {
  name: 'revoke sign',
  summary: 'say that an image, an identity, a key … is not to be believed',
  operands: '[IMAGE]',
  operandCount: [0, 1],
  flags: [
    { name: 'reason', kind: 'string', value: 'TEXT', help: 'why, for whoever is refused', isCommon: true },
    { name: 'digest', kind: 'list', value: 'DIGEST', help: 'images by digest; IMAGE is looked up, index and all' },
    { name: 'identity', kind: 'string', value: 'SUBJECT', help: 'who signed; * is any text', isCommon: true },
    { name: 'issuer', kind: 'string', value: 'URL', help: 'who authenticated them', isCommon: true },
    { name: 'claim', kind: 'list', value: 'NAME=VALUE', help: 'what the certificate must say as well' },
    { name: 'public-key', kind: 'string', value: 'FILE|HEX', help: 'a key, or its SHA-256', isCommon: true },
    { name: 'builder', kind: 'string', value: 'ID', help: 'who built, as provenance says' },
    { name: 'builder-version', kind: 'string', value: 'VERSION', help: 'and which version; all when left out' },
    { name: 'ca', kind: 'string', value: 'FILE|HEX', help: 'a certificate authority, or its SHA-256' },
    { name: 'log', kind: 'string', value: 'HEX', help: "a transparency log, by its key's SHA-256" },
    { name: 'tsa', kind: 'string', value: 'FILE|HEX', help: 'a timestamp authority, or its SHA-256' },
    { name: 'repository', kind: 'string', value: 'GLOB', help: 'a repository to be asked again about everything' },
    { name: 'reinstate', kind: 'string', value: 'ID', help: 'undo this statement', isCommon: true },
    {
      name: 'from',
      kind: 'string',
      value: 'TIME',
      help: 'what was signed from then on; all when absent',
      isCommon: true,
    },
    { name: 'to', kind: 'string', value: 'TIME', help: 'the first moment that is good again', isCommon: true },
    {
      name: 'severity',
      kind: 'string',
      value: 'LEVEL',
      choices: ['low', 'medium', 'high', 'critical'],
      default: 'high',
      help: 'how bad',
    },
    {
      name: 'action',
      kind: 'string',
      value: 'ACTION',
      choices: ['deny', 'quarantine', 'warn'],
      default: 'deny',
      help: 'what verifiers do',
    },
    { name: 'replacement', kind: 'string', value: 'IMAGE', help: 'what to run instead' },
    { name: 'evidence', kind: 'list', value: 'TEXT', help: 'where it is written down: ticket:SEC-77' },
    { name: 'supersedes', kind: 'string', value: 'ID', help: 'the statement that this one takes the place of' },
    { name: 'id', kind: 'string', value: 'ID', help: 'its name; a new one when left out' },
    { name: 'drill', kind: 'boolean', help: 'real, about an image that nobody misses' },
    { name: 'out', kind: 'string', value: 'FILE', help: 'write it here; else to stdout', isCommon: true },
    ...SIGNING_FLAGS,
    ...seldom(TOKEN_FLAGS),
    ...seldom(TRUST_FLAGS),
    ...seldom([SIGNING_CONFIG_FLAG]),
    ...REGISTRY_FLAGS,
  ],
  examples: [
    "sealwright revoke sign --key ann.key --reason 'miner inside' --out r1.json registry.example/app@sha256:…",
    "sealwright revoke sign --reason 'token stolen' --identity 'https://github.com/acme/pay/*' \\",
    '  --issuer https://token.actions.githubusercontent.com --from 2026-03-01T08:00:00Z --out r2.json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { signStatementOfRevocation } = await import('../actions/revoke-sign.ts');
    await signStatementOfRevocation(context);
  },
};
