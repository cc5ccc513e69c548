import type { Command } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { BLAST_FLAGS } from '../flags/blast-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { REVOKED_FLAGS } from '../flags/revoked-flags.ts';
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
    ...REVOKED_FLAGS,
    {
      name: 'expect-count',
      kind: 'string',
      value: 'N',
      help: 'what revoke plan says that it stops: demanded for more than an image',
      isCommon: true,
    },
    { name: 'out', kind: 'string', value: 'FILE', help: 'write it here; else to stdout', isCommon: true },
    ...seldom(BLAST_FLAGS),
    ...SIGNING_FLAGS,
    ...seldom(TOKEN_FLAGS),
    ...seldom(TRUST_FLAGS),
    ...seldom([SIGNING_CONFIG_FLAG]),
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    "sealwright revoke sign --key ann.key --reason 'miner inside' --out r1.json registry.example/app@sha256:…",
    "sealwright revoke sign --reason 'token stolen' --identity 'https://github.com/acme/pay/*' \\",
    '  --issuer https://token.actions.githubusercontent.com --from 2026-03-01T08:00:00Z --expect-count 14 --out r2.json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { signStatementOfRevocation } = await import('../actions/revoke-sign.ts');
    await signStatementOfRevocation(context);
  },
};
